//! What happens to credentials and APIs that somebody may want to hear of, each with what is told of it.

use super::api_check::{KeyExpiry, KeyMark};
use super::connectivity::ApiState;
use super::name::{EnvironmentName, NodeName, ServiceName};
use super::number::Version;
use super::secret::ScopedSecret;
use super::time::Timestamp;

/// Something that happened. Holds names, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A credential stops working by itself soon, or has stopped.
    CredentialExpiring {
        /// Which.
        at: ScopedSecret,
        /// Which version of it.
        version: Version,
        /// When, and who says so.
        expires: KeyExpiry,
        /// Days from now, a part of one counting as one; none, or less, once it has expired.
        days_left: i64,
    },
    /// A credential is older than it was meant to become.
    RotationDue {
        /// Which.
        at: ScopedSecret,
        /// Which version of it.
        version: Version,
        /// Since when.
        due_at: Timestamp,
    },
    /// A provider refuses a credential, and has done so twice.
    CredentialInvalid {
        /// Where it was found out.
        node: NodeName,
        /// The environment of that node.
        environment: EnvironmentName,
        /// Which.
        key: KeyMark,
        /// What was asked, and what came back.
        detail: String,
    },
    /// An API works better or worse than was told last.
    ApiStatus {
        /// Which.
        service: ServiceName,
        /// What was told last; none if nothing was.
        before: Option<ApiState>,
        /// How it is now.
        state: ApiState,
        /// What is wrong, where the reports tell.
        diagnosis: Vec<String>,
    },
    /// The journal of a node is not whole, or was not heard of for long.
    AuditGap {
        /// Whose.
        node: NodeName,
        /// What is missing or wrong, with the numbers of the lines.
        detail: String,
    },
}

impl Event {
    /// Its type, as subscribers know it: `credential.expiring`, `api.status`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CredentialExpiring { .. } => "credential.expiring",
            Self::RotationDue { .. } => "credential.rotation_due",
            Self::CredentialInvalid { .. } => "credential.invalid",
            Self::ApiStatus { .. } => "api.status",
            Self::AuditGap { .. } => "audit.gap",
        }
    }

    /// The version of a secret that it is about, if it is about one.
    #[must_use]
    pub fn credential(&self) -> Option<(ScopedSecret, Version)> {
        match self {
            Self::CredentialExpiring { at, version, .. } | Self::RotationDue { at, version, .. } => {
                Some((at.clone(), *version))
            }
            Self::CredentialInvalid { environment, key, .. } => Some((key.in_environment(environment), key.version)),
            Self::ApiStatus { .. } | Self::AuditGap { .. } => None,
        }
    }

    /// What there is to say about it, in words for people.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::CredentialExpiring { expires, days_left, .. } => {
                let source = expires.source.as_str();
                match days_left {
                    ..=0 => format!("expired at {} ({source})", expires.at),
                    1 => format!("1 day left, or less, until {} ({source})", expires.at),
                    days => format!("{days} days left, until {} ({source})", expires.at),
                }
            }
            Self::RotationDue { due_at, .. } => format!("due to be rotated since {due_at}"),
            Self::CredentialInvalid { node, detail, .. } => format!("rejected on {node}: {detail}"),
            Self::ApiStatus { service, before, state, diagnosis } => {
                let before = before.map_or("not known", ApiState::as_str);
                let diagnosis: String = diagnosis.iter().map(|line| format!("; {line}")).collect();
                format!("{service} is {}, and was {before}{diagnosis}", state.as_str())
            }
            Self::AuditGap { node, detail } => format!("the journal of {node}: {detail}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::api_check::ExpirySource;
    use super::super::secret::{Scope, SecretName};
    use super::*;

    fn key() -> KeyMark {
        let secret = SecretName::parse("github/token").expect("name");
        KeyMark { secret, scope: Scope::Global, secret_id: 7, version: Version::new(3).expect("positive") }
    }

    #[test]
    fn each_event_says_what_it_is_about_and_no_more_than_names() {
        let environment = EnvironmentName::parse("prod").expect("name");
        let (at, version) = (key().in_environment(&environment), key().version);
        let expires = KeyExpiry { at: Timestamp(0), source: ExpirySource::Header };
        let expiring = |days_left| Event::CredentialExpiring { at: at.clone(), version, expires, days_left }.told();
        assert_eq!(expiring(14), "14 days left, until 1970-01-01T00:00:00.000Z (header)");
        assert!(expiring(1).starts_with("1 day left") && expiring(0).starts_with("expired at"));
        let node = NodeName::parse("vengeance").expect("name");
        let invalid = Event::CredentialInvalid { node, environment, key: key(), detail: "401".to_owned() };
        assert_eq!((invalid.name(), invalid.told().as_str()), ("credential.invalid", "rejected on vengeance: 401"));
        assert_eq!(invalid.credential(), Some((at, version)));
        let service = ServiceName::parse("github").expect("name");
        let status = Event::ApiStatus { service, before: None, state: ApiState::Down, diagnosis: vec!["x".to_owned()] };
        assert_eq!(status.told(), "github is down, and was not known; x");
        assert_eq!(status.credential(), None);
    }
}
