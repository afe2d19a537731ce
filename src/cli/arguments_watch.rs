//! The arguments of `aurora watch`.

use clap::Args;

use crate::model::name::{NameError, ServiceName};
use crate::model::secret::SecretName;

/// `aurora watch [SECRET | SERVICE/]`
#[derive(Debug, Args)]
pub struct WatchArguments {
    /// SERVICE/KEY_NAME, or SERVICE/ for every secret of a service; everything that may be listed if absent
    #[arg(value_name = "SECRET", value_parser = WatchTarget::parse)]
    pub target: Option<WatchTarget>,
    /// The id of the last event that was seen, such as 1.42; from now on if absent
    #[arg(long, value_name = "ID", value_parser = event_id)]
    pub after: Option<String>,
    /// Stop after the first change
    #[arg(long)]
    pub once: bool,
}

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchTarget {
    /// One secret, in every scope.
    Secret(SecretName),
    /// Every secret of a service.
    Service(ServiceName),
}

impl WatchTarget {
    /// Reads `hubspot/api_key` or `hubspot/`.
    ///
    /// # Errors
    /// [`NameError`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.strip_suffix('/') {
            Some(service) => ServiceName::parse(service).map(Self::Service),
            None => SecretName::parse(text).map(Self::Secret),
        }
    }
}

fn event_id(text: &str) -> Result<String, &'static str> {
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()) && part.parse::<u64>().is_ok();
    let is_id = text.split_once('.').is_some_and(|(epoch, revision)| is_number(epoch) && is_number(revision));
    if is_id { Ok(text.to_owned()) } else { Err("write the id of an event, such as 1.42") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_or_a_whole_service_is_watched() {
        let secret = SecretName::parse("hubspot/api_key").expect("name");
        assert_eq!(WatchTarget::parse("hubspot/api_key"), Ok(WatchTarget::Secret(secret)));
        let service = ServiceName::parse("hubspot").expect("name");
        assert_eq!(WatchTarget::parse("hubspot/"), Ok(WatchTarget::Service(service)));
        for text in ["hubspot", "/", "", "a/b/", "A/"] {
            assert!(WatchTarget::parse(text).is_err(), "{text}");
        }
        assert!(event_id("1.42").is_ok() && event_id("1").is_err() && event_id("1.x").is_err());
    }
}
