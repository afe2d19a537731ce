//! Who may hear of an event. Whether a caller is one of them is asked of policy each time the event is about to be told to it.

use crate::model::event::Event;
use crate::model::event_kind::EventKind;
use crate::model::freeze::FreezeTarget;
use crate::model::name::ServiceName;
use crate::model::secret::{ScopedSecret, SecretName};

/// Those who may hear of an event, among those who may list events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Who may list this secret in this scope.
    Secret(ScopedSecret),
    /// Who may list a secret of this name.
    Named(SecretName),
    /// Who may see how this service works for everybody: what is told of it is about nodes and companies of all kinds.
    Service(ServiceName),
    /// Who manages the mesh wholly.
    Admins,
    /// Everybody, as far as the event is of their environment and, if it is of one, of their company.
    Everyone,
}

impl Audience {
    /// Who may hear of this.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        if let Some((at, _)) = event.credential() {
            return Self::Secret(at);
        }
        match event {
            Event::FreezeOn { target, .. } | Event::FreezeOff { target } => match target {
                FreezeTarget::Secret(name) => Self::Named(name.clone()),
                FreezeTarget::Agent(_) | FreezeTarget::Node(_) | FreezeTarget::Company(_) | FreezeTarget::Mesh => {
                    Self::Everyone
                }
            },
            Event::ApiStatus { service, .. } => Self::Service(service.clone()),
            Event::Posted(_) | Event::SystemMaintenance { .. } => Self::Everyone,
            // Those about a secret were answered for above; of all others the mesh tells those who run it.
            Event::SecretChanged { .. }
            | Event::CredentialExpiring { .. }
            | Event::RotationDue { .. }
            | Event::CredentialUnused { .. }
            | Event::CredentialInvalid { .. }
            | Event::NodeJoined { .. }
            | Event::NodeLost { .. }
            | Event::NodeBanned { .. }
            | Event::AgentChanged { .. }
            | Event::AuditGap { .. }
            | Event::BackupStale { .. }
            | Event::TokenReused { .. }
            | Event::AccessRequested(_)
            | Event::SystemError { .. } => Self::Admins,
        }
    }

    /// Whom an event of this type is for, in words.
    #[must_use]
    pub fn told(kind: EventKind) -> &'static str {
        match kind.as_str().split_once('.').map_or("", |(family, _)| family) {
            "secret" | "credential" => "who may list the secret",
            "api" => "who may see how services work for everybody",
            "freeze" => "who may list events, and of a secret who may list it",
            "node" | "audit" | "backup" | "token" | "access" => "who manages the mesh",
            "system" | "agent" => "who manages the mesh; what a program posts, who may list events",
            _ => "who may list events",
        }
    }
}
