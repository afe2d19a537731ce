//! What clients ask of the nodes of a simulated mesh, and what they are told.

use std::fmt;
use std::time::Duration;

use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::freeze::FreezeTarget;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::{Epoch, Revision, Version};
use aurora_mesh::model::secret::{Scope, ScopedSecret, SecretName};
use aurora_mesh::vault::answer::Served;

/// A question of a client.
#[derive(Debug, Clone)]
pub enum Ask {
    Put {
        name: SecretName,
        scope: Scope,
        value: String,
    },
    Delete {
        name: SecretName,
        scope: Scope,
    },
    Undelete {
        name: SecretName,
        scope: Scope,
    },
    Read {
        name: SecretName,
    },
    Ban(NodeName),
    Remove(NodeName),
    Rotate,
    Freeze(FreezeTarget),
    Unfreeze(FreezeTarget),
    Token(NodeName, Entitlement),
    /// To a machine that has not joined: the token to do it with.
    Join(TokenText),
}

/// A join token. It pins a key that no seed decides, so a trace does not have it.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(pub String);

impl fmt::Debug for TokenText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A change of a secret is acknowledged.
    Stored { version: Version, revision: Revision },
    /// Another change is.
    Changed(Revision),
    /// Keys are being replaced.
    Rotating(usize),
    /// A value is given out.
    Given(Given),
    /// Nothing is, for this reason.
    Refused(&'static str),
    /// A token that admits a node.
    Token(TokenText),
    /// The machine is a member.
    Joined,
}

/// A value that was given out.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub at: ScopedSecret,
    pub version: Version,
    pub revision: Revision,
    pub value: String,
    pub served: Served,
    pub age: Duration,
}

/// What a node shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub epoch: Epoch,
    pub revision: Revision,
    /// As health has it.
    pub freshness: &'static str,
}

/// One thing somebody was told.
#[derive(Debug, Clone)]
pub enum What {
    /// The answer to the question with this number.
    Answer(u64, Answer),
    /// A look at a node that runs.
    State(State),
    /// A node became unfit and starts again.
    Unfit(String),
    /// A node did not start.
    NotStarted(String),
}

/// By which machine, and when, in milliseconds of the simulation.
#[derive(Debug, Clone)]
pub struct Told {
    pub machine: usize,
    pub at: u64,
    pub what: What,
}
