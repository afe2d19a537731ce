//! What happens in the mesh that somebody may want to hear of, each with what is told of it.

use super::access::AccessRequest;
use super::api_check::{KeyExpiry, KeyMark};
use super::change::ChangeKind;
use super::connectivity::ApiState;
use super::event_kind::EventKind;
use super::freeze::{FreezeLevel, FreezeTarget};
use super::name::{AgentName, CompanyId, EnvironmentName, NodeName, ServiceName};
use super::number::Version;
use super::secret::ScopedSecret;
use super::time::Timestamp;

/// Something that happened. Holds names, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A secret changed.
    SecretChanged {
        /// Which.
        at: ScopedSecret,
        /// What was done to it.
        change: ChangeKind,
        /// The version that is current after it.
        version: Version,
    },
    /// A node may hold secrets from now on.
    NodeJoined {
        /// Which.
        node: NodeName,
        /// Where it lives.
        environment: EnvironmentName,
    },
    /// A node was not heard of for too long.
    NodeLost {
        /// Which.
        node: NodeName,
        /// When it was heard last, if it was heard since the lead started.
        heard_at: Option<Timestamp>,
    },
    /// A node may hold nothing any more.
    NodeBanned {
        /// Which.
        node: NodeName,
    },
    /// An agent is new, or something about it changed.
    AgentChanged {
        /// Which.
        agent: AgentName,
        /// What is different.
        change: AgentChange,
    },
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
    /// Nobody has read a credential for long.
    CredentialUnused {
        /// Which.
        at: ScopedSecret,
        /// Which version of it.
        version: Version,
        /// For at least so many days.
        days: u64,
        /// When it was read last, if this is known.
        last_read: Option<Timestamp>,
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
    /// The last backup is too old.
    BackupStale {
        /// When it was made, if there is one.
        last: Option<Timestamp>,
        /// What is wrong.
        detail: String,
    },
    /// Something was frozen, or frozen otherwise than before.
    FreezeOn {
        /// What.
        target: FreezeTarget,
        /// How much.
        level: FreezeLevel,
        /// Why.
        reason: String,
    },
    /// A freeze is over.
    FreezeOff {
        /// Of what.
        target: FreezeTarget,
    },
    /// A join token that was used before was shown again, with another key.
    TokenReused {
        /// By whom, and with which key.
        detail: String,
    },
    /// Somebody asks to be allowed something.
    AccessRequested(Box<AccessRequest>),
    /// Something does not work as it should.
    SystemError {
        /// Which part of the node.
        part: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// The node starts, stops, or keeps itself in order.
    SystemMaintenance {
        /// What is done.
        detail: String,
    },
    /// A program says that something happened.
    Posted(Box<Post>),
}

/// What became of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentChange {
    /// There was none of this name.
    Created,
    /// It may do something else than before, or is described otherwise.
    Updated,
    /// It may do nothing for now, or nothing any more.
    Suspended,
}

/// What a program tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// What kind of thing; one that [is for programs](EventKind::is_for_programs).
    pub kind: EventKind,
    /// By which the program tells a second try from a second event; unique among those of `by`.
    pub key: Option<String>,
    /// Who says so: the first of the principals that the caller acts as.
    pub by: String,
    /// On which node.
    pub node: NodeName,
    /// Where.
    pub environment: EnvironmentName,
    /// On behalf of which company, if of one: only those who may hear of that company are told.
    pub company: Option<CompanyId>,
    /// When.
    pub at: Timestamp,
    /// What it says, a JSON object.
    pub data: String,
}

impl Event {
    /// What kind of event it is. A secret that is stored again has another value, so it was rotated; whatever else is done
    /// to it and leaves it there updates it.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Self::SecretChanged { change: ChangeKind::Deleted | ChangeKind::Destroyed, .. } => EventKind::SecretDeleted,
            Self::SecretChanged { change: ChangeKind::Stored, version, .. } if *version > Version::FIRST => {
                EventKind::SecretRotated
            }
            Self::SecretChanged { .. } => EventKind::SecretUpdated,
            Self::NodeJoined { .. } => EventKind::NodeJoined,
            Self::NodeLost { .. } => EventKind::NodeLost,
            Self::NodeBanned { .. } => EventKind::NodeBanned,
            Self::AgentChanged { change: AgentChange::Created, .. } => EventKind::AgentCreated,
            Self::AgentChanged { change: AgentChange::Updated, .. } => EventKind::AgentUpdated,
            Self::AgentChanged { change: AgentChange::Suspended, .. } => EventKind::AgentSuspended,
            Self::CredentialExpiring { .. } => EventKind::CredentialExpiring,
            Self::RotationDue { .. } => EventKind::CredentialRotationDue,
            Self::CredentialUnused { .. } => EventKind::CredentialUnused,
            Self::CredentialInvalid { .. } => EventKind::CredentialInvalid,
            Self::ApiStatus { .. } => EventKind::ApiStatus,
            Self::AuditGap { .. } => EventKind::AuditGap,
            Self::BackupStale { .. } => EventKind::BackupStale,
            Self::FreezeOn { .. } => EventKind::FreezeOn,
            Self::FreezeOff { .. } => EventKind::FreezeOff,
            Self::TokenReused { .. } => EventKind::TokenReused,
            Self::AccessRequested(_) => EventKind::AccessRequested,
            Self::SystemError { .. } => EventKind::SystemError,
            Self::SystemMaintenance { .. } => EventKind::SystemMaintenance,
            Self::Posted(post) => post.kind,
        }
    }

    /// Its type, as subscribers know it: `credential.expiring`, `api.status`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().as_str()
    }

    /// The version of a secret that it is about, if it is about one.
    #[must_use]
    pub fn credential(&self) -> Option<(ScopedSecret, Version)> {
        match self {
            Self::SecretChanged { at, version, .. }
            | Self::CredentialExpiring { at, version, .. }
            | Self::RotationDue { at, version, .. }
            | Self::CredentialUnused { at, version, .. } => Some((at.clone(), *version)),
            Self::CredentialInvalid { environment, key, .. } => Some((key.in_environment(environment), key.version)),
            Self::NodeJoined { .. }
            | Self::NodeLost { .. }
            | Self::NodeBanned { .. }
            | Self::AgentChanged { .. }
            | Self::ApiStatus { .. }
            | Self::AuditGap { .. }
            | Self::BackupStale { .. }
            | Self::FreezeOn { .. }
            | Self::FreezeOff { .. }
            | Self::TokenReused { .. }
            | Self::AccessRequested(_)
            | Self::SystemError { .. }
            | Self::SystemMaintenance { .. }
            | Self::Posted(_) => None,
        }
    }

    /// What there is to say about it, in words for people. The name of a secret is not among them.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::SecretChanged { change, version, .. } => format!("version {version}: {change}"),
            Self::NodeJoined { node, environment } => format!("{node} joined, in {environment}"),
            Self::NodeLost { node, heard_at: Some(at) } => format!("{node} was last heard at {at}"),
            Self::NodeLost { node, heard_at: None } => format!("{node} was not heard since the lead started"),
            Self::NodeBanned { node } => format!("{node} is banned"),
            Self::AgentChanged { agent, .. } => format!("agent {agent}"),
            Self::CredentialExpiring { expires, days_left, .. } => {
                let source = expires.source.as_str();
                match days_left {
                    ..=0 => format!("expired at {} ({source})", expires.at),
                    1 => format!("1 day left, or less, until {} ({source})", expires.at),
                    days => format!("{days} days left, until {} ({source})", expires.at),
                }
            }
            Self::RotationDue { due_at, .. } => format!("due to be rotated since {due_at}"),
            Self::CredentialUnused { days, .. } => format!("not read for {days} days"),
            Self::CredentialInvalid { node, detail, .. } => format!("rejected on {node}: {detail}"),
            Self::ApiStatus { service, before, state, diagnosis } => {
                let before = before.map_or("not known", ApiState::as_str);
                let diagnosis: String = diagnosis.iter().map(|line| format!("; {line}")).collect();
                format!("{service} is {}, and was {before}{diagnosis}", state.as_str())
            }
            Self::AuditGap { node, detail } => format!("the journal of {node}: {detail}"),
            Self::BackupStale { detail, .. } | Self::TokenReused { detail } | Self::SystemMaintenance { detail } => {
                detail.clone()
            }
            Self::FreezeOn { level, reason, .. } => format!("frozen ({}): {reason}", level.as_str()),
            Self::FreezeOff { .. } => "frozen no more".to_owned(),
            Self::AccessRequested(request) => format!("access request {} of {}", request.number, request.asker.node),
            Self::SystemError { part, detail } => format!("{part}: {detail}"),
            Self::Posted(post) => format!("told by {}", post.by),
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

    #[test]
    fn a_second_value_is_a_rotation_and_every_other_change_that_leaves_a_secret_there_an_update() {
        let at = key().in_environment(&EnvironmentName::parse("prod").expect("name"));
        let kind = |change, version| {
            let version = Version::new(version).expect("positive");
            Event::SecretChanged { at: at.clone(), change, version }.kind()
        };
        assert_eq!(kind(ChangeKind::Stored, 1), EventKind::SecretUpdated);
        assert_eq!(kind(ChangeKind::Stored, 2), EventKind::SecretRotated);
        for change in [ChangeKind::Described, ChangeKind::Undeleted, ChangeKind::Declared] {
            assert_eq!(kind(change, 2), EventKind::SecretUpdated);
        }
        assert_eq!(kind(ChangeKind::Deleted, 2), EventKind::SecretDeleted);
        assert_eq!(kind(ChangeKind::Destroyed, 2), EventKind::SecretDeleted);
    }
}
