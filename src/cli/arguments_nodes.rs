//! The arguments of the verbs about the nodes of the mesh, and about the tokens that admit new ones.

use clap::Subcommand;

use super::arguments_secret::whole_seconds;
use crate::model::glob::SecretGlob;
use crate::model::name::NodeName;

/// `aurora nodes …`
#[derive(Debug, Subcommand)]
pub enum NodesVerb {
    /// List the nodes, and when each was last heard
    #[command(after_help = "Example: aurora nodes list")]
    List,
    /// Show one node
    #[command(after_help = "Example: aurora nodes show runpod-tx")]
    Show {
        /// Which node
        #[arg(value_parser = NodeName::parse)]
        node: NodeName,
    },
    /// Make a member of a node that waits: compare the fingerprint that it prints with the one shown here
    #[command(after_help = "Example: aurora nodes approve runpod-tx --fingerprint 8f2a-90c1-77e0-14bd")]
    Approve {
        /// Which node
        #[arg(value_parser = NodeName::parse)]
        node: NodeName,
        /// The fingerprint as the node prints it; any other is refused
        #[arg(long, value_name = "FINGERPRINT")]
        fingerprint: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Throw a node out: it is cut off at once, every key it held is replaced, and it wipes its cache when it hears
    #[command(after_help = "Example: aurora nodes ban runpod-tx --reason 'its disk was stolen'

Its name stays taken, and its history known: aurora exposure node:runpod-tx")]
    Ban {
        /// Which node
        #[arg(value_parser = NodeName::parse)]
        node: NodeName,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Throw a node out and forget it, such as a machine that is decommissioned; its name can be given again
    #[command(after_help = "Example: aurora nodes remove runpod-tx

A machine that is away hears nothing of it, and wipes nothing: ban it first, and remove it once
it has heard. What it could have read is forgotten with it: aurora exposure node:runpod-tx")]
    Remove {
        /// Which node
        #[arg(value_parser = NodeName::parse)]
        node: NodeName,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Change what a node may hold; what is not given stays, what is taken away leaves its cache
    #[command(after_help = "Example: aurora nodes entitle runpod-tx --company acme --allow 'openai/*'")]
    Entitle {
        /// Which node
        #[arg(value_parser = NodeName::parse)]
        node: NodeName,
        /// A pattern of secrets it may hold; replaces all patterns it has (repeat for several)
        #[arg(long, value_name = "GLOB", value_parser = SecretGlob::parse)]
        allow: Vec<SecretGlob>,
        /// Take every company from it
        #[arg(long, conflicts_with = "company")]
        no_company: bool,
    },
}

/// `aurora token …`
#[derive(Debug, Subcommand)]
pub enum TokenVerb {
    /// Make a token that admits one node, once
    #[command(
        after_help = "Example: aurora token create runpod-tx --environment prod --company acme --allow 'openai/*'"
    )]
    Create {
        /// The name the new node will have
        #[arg(value_parser = NodeName::parse)]
        node: NodeName,
        /// A pattern of secrets it may hold; every secret of its scopes if absent (repeat for several)
        #[arg(long, value_name = "GLOB", value_parser = SecretGlob::parse)]
        allow: Vec<SecretGlob>,
        /// Keep the node waiting until somebody has compared its key: aurora nodes approve
        #[arg(long)]
        approve: bool,
        /// How long the token admits, such as 30m, at most 24h; 10 minutes if absent
        #[arg(long, value_name = "DURATION", value_parser = whole_seconds)]
        valid_for: Option<std::time::Duration>,
    },
    /// List the tokens that are remembered, never their secrets
    #[command(after_help = "Example: aurora token list")]
    List,
    /// Make tokens admit nobody any more
    #[command(after_help = "Examples:
  aurora token revoke runpod-tx          every token for that node
  aurora token revoke 3fa91c0de277       one, as aurora token list calls it")]
    Revoke {
        /// The node they were made for, or the id of one
        #[arg(value_name = "NODE|ID")]
        which: String,
    },
}
