//! The arguments of `access`.

use clap::{Args, Subcommand};

use crate::model::access::{ASKABLE, askable};
use crate::model::actions::Capability;
use crate::model::secret::SecretName;

/// `aurora access …`
#[derive(Debug, Subcommand)]
pub enum AccessVerb {
    /// Ask to be allowed something; it grants nothing by itself
    #[command(after_help = "Examples:
  aurora access request openai/api_key --reason 'nightly report'
  aurora access request hubspot/api_key --company acme --capability data_write --reason 'rotates it'

--reason is needed: whoever decides reads it. Asking again for the same is the same request.")]
    Request(RequestArguments),
    /// Show what waits: one's own requests, or on the lead, for whoever manages the policy, all of them
    #[command(after_help = "Example: aurora access list")]
    List,
    /// Take a request out of the list
    #[command(after_help = "Example: aurora access dismiss 7 --reason 'the agent was archived'")]
    Dismiss {
        /// Its number
        #[arg(value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
        id: u64,
    },
}

/// `aurora access request SERVICE/KEY --reason TEXT`
#[derive(Debug, Args)]
pub struct RequestArguments {
    /// For which secret, whether there is one or not
    #[arg(value_name = "SERVICE/KEY", value_parser = SecretName::parse)]
    pub secret: SecretName,
    /// What to be allowed: data_read, data_query, data_write or integration_execute
    #[arg(long, value_name = "CAPABILITY", value_parser = capability, default_value = "data_read")]
    pub capability: Capability,
}

fn capability(text: &str) -> Result<Capability, String> {
    askable(text).ok_or_else(|| {
        let known: Vec<&str> = ASKABLE.iter().map(|capability| capability.as_str()).collect();
        format!("that cannot be asked for; there are {}", known.join(", "))
    })
}
