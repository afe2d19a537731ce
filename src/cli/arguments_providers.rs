//! The arguments of the verbs about providers.

use clap::Subcommand;

use crate::model::name::ServiceName;

/// `aurora providers …`
#[derive(Debug, Subcommand)]
pub enum ProvidersVerb {
    /// List the providers this node knows
    #[command(visible_alias = "ls", after_help = "Example: aurora providers list")]
    List,
    /// Show one provider: its credentials, how each is checked, and what the answers mean
    #[command(after_help = "Examples:
  aurora providers show openai
  aurora providers show openai -o json")]
    Show {
        /// Its name, which is also the service its credentials are stored under
        #[arg(value_name = "NAME", value_parser = ServiceName::parse)]
        name: ServiceName,
    },
}
