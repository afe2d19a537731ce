//! The arguments of the verbs about agents and their API keys.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::config::duration;
use crate::model::actions::Capability;
use crate::model::agent::AgentKind;
use crate::model::glob::SecretGlob;
use crate::model::name::{AgentName, ApiKeyName, EnvironmentName};
use crate::model::reach::ScopeKind;

/// `aurora agent …`
#[derive(Debug, Subcommand)]
pub enum AgentVerb {
    /// Make an agent; it can do nothing before it has a key
    #[command(after_help = "Examples:
  aurora agent create backup --capability data_read --allow 'openai/*' --environment prod
  aurora agent create openclaw --kind autonomous --capability data_read --allow '*' \\
      --all-companies --all-environments --limit 60 --title OpenClaw")]
    Create(Box<NewAgentArguments>),
    /// List the agents
    #[command(visible_alias = "ls", after_help = "Example: aurora agent list")]
    List,
    /// Show one agent: what it may, and whose word that is
    #[command(after_help = "Example: aurora agent show backup")]
    Show {
        /// Which agent
        #[arg(value_parser = AgentName::parse)]
        agent: AgentName,
    },
    /// Change what an agent may, or what is said about it; what is not given stays
    #[command(after_help = "Examples:
  aurora agent update backup --capability data_query --note 'also lists'
  aurora agent update backup --without data_query --limit 30
  aurora agent update backup --allow 'openai/*' --allow 'hubspot/*' --company acme")]
    Update(Box<UpdateArguments>),
    /// Refuse an agent for now: its keys stay, and work again once it is activated
    #[command(after_help = "Example: aurora agent suspend backup --reason 'odd reads at night'")]
    Suspend {
        /// Which agent
        #[arg(value_parser = AgentName::parse)]
        agent: AgentName,
    },
    /// Let a suspended agent act again
    #[command(after_help = "Example: aurora agent activate backup")]
    Activate {
        /// Which agent
        #[arg(value_parser = AgentName::parse)]
        agent: AgentName,
    },
    /// Make a new key for an agent to sign its commands with, shown once; the one before works for a while
    #[command(after_help = "Example: aurora agent signing-key backup --grace 24h > backup.sign

The agent signs with: AURORA_SIGNING_KEY_FILE=backup.sign AURORA_AGENT=backup aurora put …
That it must sign is said with: aurora agent update backup --signs true")]
    SigningKey {
        /// Which agent
        #[arg(value_parser = AgentName::parse)]
        agent: AgentName,
        /// How long the key before works beside the new one, at most 30d; a day if absent
        #[arg(long, value_name = "DURATION", value_parser = span, conflicts_with = "remove")]
        grace: Option<Duration>,
        /// Take all signing keys from it instead
        #[arg(long)]
        remove: bool,
    },
    /// End an agent for good: its keys go, its name stays taken
    #[command(after_help = "Example: aurora agent archive backup --yes")]
    Archive {
        /// Which agent
        #[arg(value_parser = AgentName::parse)]
        agent: AgentName,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// How far an agent or a key reaches, besides `--company` and `--environment`.
#[derive(Debug, Args)]
#[command(next_help_heading = "How far it reaches")]
pub struct ReachArguments {
    /// A pattern of secrets, such as 'openai/*' or '*' (repeat for several)
    #[arg(long, value_name = "GLOB", value_parser = SecretGlob::parse)]
    pub allow: Vec<SecretGlob>,
    /// Every company, also those to come
    #[arg(long, conflicts_with = "company")]
    pub all_companies: bool,
    /// Every environment, also those to come
    #[arg(long, conflicts_with = "environment")]
    pub all_environments: bool,
    /// Several environments, such as prod,staging
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = EnvironmentName::parse)]
    #[arg(conflicts_with_all = ["environment", "all_environments"])]
    pub environments: Vec<EnvironmentName>,
    /// Only values of these kinds of scope: global,company,node; all of them if absent
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = scope_kind)]
    pub scopes: Vec<ScopeKind>,
}

/// `aurora agent create`
#[derive(Debug, Args)]
pub struct NewAgentArguments {
    /// Its name
    #[arg(value_parser = AgentName::parse)]
    pub agent: AgentName,
    /// What it may, such as data_read (repeat for several)
    #[arg(long, value_name = "CAPABILITY", value_parser = capability)]
    pub capability: Vec<Capability>,
    /// How far it reaches.
    #[command(flatten)]
    pub reach: ReachArguments,
    /// What kind of program it is: autonomous or tool
    #[arg(long, value_name = "KIND", value_parser = kind, default_value = "tool")]
    pub kind: AgentKind,
    /// Requests per minute, on all nodes together; no limit if absent
    #[arg(long, value_name = "RPM")]
    pub limit: Option<u32>,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Why it may what it may
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Its commands must be signed
    #[arg(long)]
    pub signs: bool,
}

/// `aurora agent update`
#[derive(Debug, Args)]
pub struct UpdateArguments {
    /// Which agent
    #[arg(value_parser = AgentName::parse)]
    pub agent: AgentName,
    /// What it may besides (repeat for several)
    #[arg(long, value_name = "CAPABILITY", value_parser = capability)]
    pub capability: Vec<Capability>,
    /// What it may no more (repeat for several)
    #[arg(long, value_name = "CAPABILITY", value_parser = capability)]
    pub without: Vec<Capability>,
    /// How far it reaches; each list replaces the one it has.
    #[command(flatten)]
    pub reach: ReachArguments,
    /// Take every company from it
    #[arg(long, conflicts_with_all = ["company", "all_companies"])]
    pub no_company: bool,
    /// Requests per minute, on all nodes together
    #[arg(long, value_name = "RPM")]
    pub limit: Option<u32>,
    /// No limit any more
    #[arg(long, conflicts_with = "limit")]
    pub no_limit: bool,
    /// What people call it; empty for nothing
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Why: kept with the capabilities that are given, or with the agent if none is
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Whether its commands must be signed
    #[arg(long, value_name = "true|false")]
    pub signs: Option<bool>,
}

/// `aurora apikey …`
#[derive(Debug, Subcommand)]
pub enum ApikeyVerb {
    /// Make an API key of an agent, and print it: the only time it is shown
    #[command(after_help = "Examples:
  (umask 077; aurora apikey create backup > key)
  AURORA_TOKEN_FILE=key aurora get openai/api_key
  aurora apikey create backup --name ci --expires 30d --allow 'openai/*' --company acme --limit 10")]
    Create(Box<NewKeyArguments>),
    /// List the API keys, when each was last used, and when it ends; never a key
    #[command(visible_alias = "ls", after_help = "Example: aurora apikey list backup")]
    List {
        /// Only those of this agent
        #[arg(value_parser = AgentName::parse)]
        agent: Option<AgentName>,
    },
    /// Give a key a new text, and print it; the old one works until the grace is over
    #[command(after_help = "Examples:
  (umask 077; aurora apikey rotate backup ci > key)
  aurora apikey rotate backup ci --grace 0s        the old text is refused at once")]
    Rotate {
        /// Whose key
        #[arg(value_parser = AgentName::parse)]
        agent: AgentName,
        /// Which key
        #[arg(value_parser = ApiKeyName::parse)]
        name: ApiKeyName,
        /// How long both texts work, such as 24h, at most 30d; a day if absent
        #[arg(long, value_name = "DURATION", value_parser = span)]
        grace: Option<Duration>,
    },
    /// Take a key away, at once and everywhere
    #[command(after_help = "Example: aurora apikey revoke backup ci --reason 'it was in a screenshot'")]
    Revoke {
        /// Whose key
        #[arg(value_parser = AgentName::parse)]
        agent: AgentName,
        /// Which key
        #[arg(value_parser = ApiKeyName::parse)]
        name: ApiKeyName,
    },
}

/// `aurora apikey create`
#[derive(Debug, Args)]
pub struct NewKeyArguments {
    /// Whose key
    #[arg(value_parser = AgentName::parse)]
    pub agent: AgentName,
    /// What it is called among those of the agent
    #[arg(long, value_name = "NAME", value_parser = ApiKeyName::parse, default_value = "default")]
    pub name: ApiKeyName,
    /// How long it works, such as 30d, at most 366d; or never. 90 days if absent
    #[arg(long, value_name = "DURATION", value_parser = expires)]
    pub expires: Option<Expires>,
    /// Narrows what the agent reaches.
    #[command(flatten)]
    pub reach: ReachArguments,
    /// Only what no company is named for
    #[arg(long, conflicts_with_all = ["company", "all_companies"])]
    pub no_company: bool,
    /// Requests per minute with this key; the agent's limit alone if absent
    #[arg(long, value_name = "RPM")]
    pub limit: Option<u32>,
}

/// When a key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expires {
    /// After this time.
    After(Duration),
    /// Never.
    Never,
}

fn expires(text: &str) -> Result<Expires, String> {
    if text == "never" { Ok(Expires::Never) } else { span(text).map(Expires::After) }
}

fn span(text: &str) -> Result<Duration, String> {
    duration::parse(text).map_err(|error| error.to_string())
}

fn capability(text: &str) -> Result<Capability, String> {
    Capability::parse(text).ok_or_else(|| {
        let all: Vec<&str> = Capability::ALL.iter().map(|capability| capability.as_str()).collect();
        format!("there are {}", all.join(", "))
    })
}

fn kind(text: &str) -> Result<AgentKind, &'static str> {
    AgentKind::parse(text).ok_or("write autonomous or tool")
}

fn scope_kind(text: &str) -> Result<ScopeKind, &'static str> {
    ScopeKind::parse(text).ok_or("write global, company or node")
}
