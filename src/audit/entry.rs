//! What one line of the journal says, before it has a number and a time.

use std::sync::Arc;
use std::time::Duration;

use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::number::Version;
use crate::model::secret::{Scope, SecretName};

/// The outcome of a line that announces a change. The change is durable once it is made, so this line is on the disk first.
pub const INTENT: &str = "intent";

/// Whether the deed was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// It was, and is about to happen or has happened.
    Allow,
    /// It was refused.
    Deny,
}

impl Ruling {
    /// `allow` or `deny`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// One deed. Holds names, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Ties the line to the answer and the log.
    pub request_id: Arc<str>,
    /// Who did it: `user:1000`, `node:vengeance`, `admin`.
    pub principal: Arc<str>,
    /// How that is known: `peer-credentials+pidfd, agent socket`, `certificate`, `node`.
    pub established: &'static str,
    /// `weak` when what is told of the process was read on an older kernel's word; absent when it was not, or there is none.
    pub attest: Option<&'static str>,
    /// What was done: the text of an action, or an event of the node itself such as `journal.recovered`.
    pub action: &'static str,
    /// On which secret.
    pub secret: Option<SecretName>,
    /// In which scope.
    pub scope: Option<Scope>,
    /// In which environment.
    pub environment: Option<EnvironmentName>,
    /// On behalf of which company, if the request named one or the scope does.
    pub company: Option<CompanyId>,
    /// Which version of it.
    pub version: Option<Version>,
    /// Whether it was allowed.
    pub ruling: Ruling,
    /// The policy rule that decided.
    pub rule: Arc<str>,
    /// What came of it: [`INTENT`] before a change is made, then `ok` or the code of the error.
    pub outcome: &'static str,
    /// How fresh the answer was: `lead`, `hit`, `stale`.
    pub freshness: Option<&'static str>,
    /// From the request to this line.
    pub latency: Option<Duration>,
    /// Why, in the caller's words.
    pub reason: Option<Arc<str>>,
    /// Whether the line tells of something that happens whoever hears of it: what came of a change, or a deed of the
    /// node. A value that was not given out because its asker had gone needs no line.
    pub lasting: bool,
}

impl Entry {
    /// Whether the line announces a change.
    pub(super) fn is_intent(&self) -> bool {
        self.outcome == INTENT
    }

    /// Whether the line is written also when its asker gave up before its turn came. Refusals always are: who knocks and
    /// runs away has knocked.
    pub(super) fn outlives_its_asker(&self) -> bool {
        self.lasting || self.ruling == Ruling::Deny
    }

    /// An event of the node itself, which no caller asked for.
    #[must_use]
    pub fn of_node(action: &'static str, reason: String) -> Self {
        Self {
            request_id: Arc::default(),
            principal: "node".into(),
            established: "node",
            attest: None,
            action,
            secret: None,
            scope: None,
            environment: None,
            company: None,
            version: None,
            ruling: Ruling::Allow,
            rule: "node".into(),
            outcome: "ok",
            freshness: None,
            latency: None,
            reason: Some(reason.into()),
            lasting: true,
        }
    }
}
