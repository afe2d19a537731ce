//! What an event is about: by this subscribers choose what they want to hear of.

use crate::model::event::Event;
use crate::model::event_kind::EventKind;
use crate::model::freeze::FreezeTarget;
use crate::model::name::{CompanyId, EnvironmentName, KeyName, NodeName, ServiceName};
use crate::model::secret::{Scope, ScopedSecret, SecretName};

/// Where events are told: what an event that says nothing else is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The node.
    pub node: NodeName,
    /// Its environment.
    pub environment: EnvironmentName,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What kind of thing happened.
    pub kind: EventKind,
    /// The node that tells it; of what a program posted, the one it was posted on.
    pub node: NodeName,
    /// The node it is about, if it is about one.
    pub about: Option<NodeName>,
    /// The environment, if it is of one.
    pub environment: Option<EnvironmentName>,
    /// The service, if it is about a secret or an API.
    pub service: Option<ServiceName>,
    /// The name of the secret within the service.
    pub key: Option<KeyName>,
    /// The scope of the secret.
    pub scope: Option<Scope>,
    /// The company, if it is of one.
    pub company: Option<CompanyId>,
}

impl Subject {
    /// What an event that was told here is about.
    #[must_use]
    pub fn of(event: &Event, home: &Home) -> Self {
        let bare = Self {
            kind: event.kind(),
            node: home.node.clone(),
            about: None,
            environment: None,
            service: None,
            key: None,
            scope: None,
            company: None,
        };
        let here = Some(home.environment.clone());
        match event {
            Event::SecretChanged { at, .. }
            | Event::CredentialExpiring { at, .. }
            | Event::RotationDue { at, .. }
            | Event::CredentialUnused { at, .. } => bare.of_secret(at),
            Event::CredentialInvalid { node, environment, key, .. } => {
                Self { about: Some(node.clone()), ..bare.of_secret(&key.in_environment(environment)) }
            }
            Event::NodeJoined { node, environment } => {
                Self { about: Some(node.clone()), environment: Some(environment.clone()), ..bare }
            }
            Event::NodeLost { node, .. } | Event::NodeBanned { node } | Event::AuditGap { node, .. } => {
                Self { about: Some(node.clone()), ..bare }
            }
            Event::ApiStatus { service, .. } => Self { service: Some(service.clone()), ..bare },
            Event::FreezeOn { target, .. } | Event::FreezeOff { target } => bare.of_freeze(target),
            Event::AccessRequested(request) => {
                let (about, environment) = (Some(request.asker.node.clone()), Some(request.environment.clone()));
                let company = request.wish.company.clone();
                Self { about, environment, company, ..bare.named(&request.wish.secret) }
            }
            Event::SystemError { .. } | Event::SystemMaintenance { .. } => Self { environment: here, ..bare },
            Event::AgentChanged { .. } | Event::BackupStale { .. } | Event::TokenReused { .. } => bare,
            Event::Posted(post) => Self {
                node: post.node.clone(),
                environment: Some(post.environment.clone()),
                company: post.company.clone(),
                ..bare
            },
        }
    }

    fn of_secret(self, at: &ScopedSecret) -> Self {
        let company = match &at.scope {
            Scope::Company(company) => Some(company.clone()),
            Scope::Global | Scope::Node(_) => None,
        };
        let environment = Some(at.secret.environment.clone());
        Self { environment, scope: Some(at.scope.clone()), company, ..self.named(&at.secret.name) }
    }

    fn of_freeze(self, target: &FreezeTarget) -> Self {
        match target {
            FreezeTarget::Secret(name) => self.named(name),
            FreezeTarget::Node(node) => Self { about: Some(node.clone()), ..self },
            FreezeTarget::Company(company) => Self { company: Some(company.clone()), ..self },
            FreezeTarget::Agent(_) | FreezeTarget::Mesh => self,
        }
    }

    fn named(self, name: &SecretName) -> Self {
        Self { service: Some(name.service.clone()), key: Some(name.key.clone()), ..self }
    }
}
