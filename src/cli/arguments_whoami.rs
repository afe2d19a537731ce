//! The arguments of `whoami`.

use clap::Args;

use crate::model::actions::Action;
use crate::model::secret::SecretName;

/// Examples of `aurora whoami`.
pub(super) const WHOAMI_HELP: &str = "Examples:
  aurora whoami
  aurora whoami --may secret.read hubspot/api_key --company acme
  aurora whoami --admin --may node.manage";

/// `aurora whoami`
#[derive(Debug, Args)]
pub struct WhoamiArguments {
    /// Ask whether this action would be allowed, such as secret.read; refused ends with exit code 4
    #[arg(long, value_name = "ACTION", value_parser = action)]
    pub may: Option<Action>,
    /// The secret it would be about
    #[arg(value_name = "SERVICE/KEY", value_parser = SecretName::parse, requires = "may")]
    pub secret: Option<SecretName>,
    /// Ask through the admin socket, as the verbs of the node's owner do
    #[arg(long)]
    pub admin: bool,
}

fn action(text: &str) -> Result<Action, String> {
    Action::parse(text).ok_or_else(|| {
        let close = |action: &&Action| action.as_str().split('.').next() == text.split('.').next();
        let near: Vec<&str> = Action::ALL.iter().filter(close).map(|action| action.as_str()).collect();
        let all = || Action::ALL.iter().map(|action| action.as_str()).collect();
        let known = if near.is_empty() { all() } else { near };
        format!("there is no such action; there are {}", known.join(", "))
    })
}
