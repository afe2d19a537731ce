//! The arguments of `validate`.

use clap::Args;

use crate::model::name::{KeyName, ServiceName};
use crate::model::secret::SecretName;

/// `aurora validate [SERVICE[/KEY_NAME] | --all]`
#[derive(Debug, Args)]
pub struct ValidateArguments {
    /// A service, or one credential of it: SERVICE or SERVICE/KEY_NAME
    #[arg(value_name = "SERVICE[/KEY_NAME]", value_parser = which, required_unless_present = "all")]
    pub which: Option<Which>,
    /// Every credential of a provider that this node holds
    #[arg(long, conflicts_with = "which")]
    pub all: bool,
}

/// What is to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    /// Of which service.
    pub service: ServiceName,
    /// Which credential; all of them if absent.
    pub key: Option<KeyName>,
}

fn which(text: &str) -> Result<Which, String> {
    if text.contains('/') {
        let SecretName { service, key } = SecretName::parse(text).map_err(|error| error.to_string())?;
        return Ok(Which { service, key: Some(key) });
    }
    let service = ServiceName::parse(text).map_err(|error| error.to_string())?;
    Ok(Which { service, key: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_and_one_credential_are_told_apart() {
        let told =
            |text: &str| which(text).map(|which| (which.service.to_string(), which.key.map(|key| key.to_string())));
        assert_eq!(told("hubspot"), Ok(("hubspot".to_owned(), None)));
        assert_eq!(told("hubspot/api_key"), Ok(("hubspot".to_owned(), Some("api_key".to_owned()))));
        for text in ["", "hubspot/", "/x", "a/b/c", "Hubspot"] {
            assert!(told(text).is_err(), "{text}");
        }
    }
}
