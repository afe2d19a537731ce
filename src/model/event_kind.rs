//! The types of events: what a subscriber names, and who may say that such a thing happened.

use std::fmt;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $summary:literal;)*) => {
        /// What kind of thing happened. The names are never changed and never reused: subscribers know them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $($(#[doc = $doc])* $name,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The type as it is written: `secret.updated`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self { $(Self::$name => $summary),* }
            }
        }
    };
}

kinds! {
    /// A program began a workflow.
    WorkflowStarted = "workflow.started", "A workflow began.";
    /// A program finished a workflow.
    WorkflowCompleted = "workflow.completed", "A workflow ended well.";
    /// A workflow of a program failed.
    WorkflowFailed = "workflow.failed", "A workflow ended in an error.";
    /// A program will begin a workflow later.
    WorkflowScheduled = "workflow.scheduled", "A workflow is to begin later.";
    /// A program connected something.
    IntegrationConnected = "integration.connected", "An integration was connected.";
    /// A program disconnected something.
    IntegrationDisconnected = "integration.disconnected", "An integration was disconnected.";
    /// An integration of a program failed.
    IntegrationError = "integration.error", "An integration failed.";
    /// There is an agent more.
    AgentCreated = "agent.created", "An agent was made known to the mesh, or a program says it made one.";
    /// An agent may do something else.
    AgentUpdated = "agent.updated", "An agent was changed.";
    /// An agent may do nothing for now, or nothing any more.
    AgentSuspended = "agent.suspended", "An agent was suspended or archived.";
    /// A program made data.
    DataCreated = "data.created", "A program made something. What it says of it is in the data.";
    /// A program changed data.
    DataUpdated = "data.updated", "A program changed something.";
    /// A program took data away.
    DataDeleted = "data.deleted", "A program took something away.";
    /// Something does not work.
    SystemError = "system.error", "A part of a node, or a program, is in trouble.";
    /// Something was kept in order.
    SystemMaintenance = "system.maintenance", "A node started, stopped or was kept in order.";
    /// A secret got its first value, or something else about it changed.
    SecretUpdated = "secret.updated", "A secret was stored for the first time, described, declared or undeleted.";
    /// A secret or a version of it is gone.
    SecretDeleted = "secret.deleted", "A secret was deleted, or a version of it was destroyed.";
    /// A secret has another value than before.
    SecretRotated = "secret.rotated", "A secret got a new value in place of an earlier one.";
    /// A node may hold secrets from now on.
    NodeJoined = "node.joined", "A node joined the mesh, or was approved.";
    /// A node was not heard of for too long.
    NodeLost = "node.lost", "A node that was connected was not heard for 15 seconds.";
    /// A node may hold nothing any more.
    NodeBanned = "node.banned", "A node was banned.";
    /// An API works better or worse.
    ApiStatus = "api.status", "An API works better or worse than was told last.";
    /// A credential ends soon.
    CredentialExpiring = "credential.expiring", "A credential stops working by itself soon, or has stopped.";
    /// A credential is refused.
    CredentialInvalid = "credential.invalid", "A provider refuses a credential.";
    /// Nobody uses a credential.
    CredentialUnused = "credential.unused", "Nobody has read a credential for 90 days.";
    /// A credential is older than it was meant to become.
    CredentialRotationDue = "credential.rotation_due", "A credential is older than it was meant to become.";
    /// The last backup is too old.
    BackupStale = "backup.stale", "The last backup is older than it should be.";
    /// A journal is not whole.
    AuditGap = "audit.gap", "The journal of a node is not whole, or was not heard of for long.";
    /// Something is held up.
    FreezeOn = "freeze.on", "Something was frozen.";
    /// It goes on.
    FreezeOff = "freeze.off", "A freeze was lifted, or ended by itself.";
    /// A join token was shown twice.
    TokenReused = "token.reused", "A join token that was used before was shown again, with another key.";
    /// Somebody wants to be allowed something.
    AccessRequested = "access.requested", "Somebody asks to be allowed something.";
}

/// A text that is no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no type of event")]
pub struct UnknownKind(pub String);

impl EventKind {
    /// Reads the type.
    ///
    /// # Errors
    /// [`UnknownKind`] holds the beginning of the text that was refused.
    pub fn parse(text: &str) -> Result<Self, UnknownKind> {
        let found = Self::ALL.iter().copied().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| UnknownKind(text.chars().take(80).collect()))
    }

    /// Whether a program may say that such a thing happened. Of everything else only the mesh itself tells.
    #[must_use]
    pub fn is_for_programs(self) -> bool {
        let family = self.as_str().split_once('.').map_or("", |(family, _)| family);
        matches!(family, "workflow" | "integration" | "agent" | "data" | "system")
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_from_its_name_and_is_there_once() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Ok(*kind));
            assert!(kind.summary().ends_with('.'));
        }
        assert_eq!(EventKind::ALL.len(), 32);
        assert!(EventKind::parse("secret.*").is_err() && EventKind::parse("").is_err());
    }

    #[test]
    fn programs_may_claim_the_fifteen_older_types_and_no_other() {
        assert_eq!(EventKind::ALL.iter().filter(|kind| kind.is_for_programs()).count(), 15);
        assert!(!EventKind::SecretUpdated.is_for_programs() && !EventKind::AuditGap.is_for_programs());
    }
}
