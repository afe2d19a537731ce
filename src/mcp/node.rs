//! The questions that the tools put to a node. Each is named here, and none is answered with a value.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::refusal::Refusal;
use crate::cli::arguments::Global;
use crate::cli::node_client::NodeClient;
use crate::cli::question::Question;
use crate::model::name::CompanyId;
use crate::model::secret::SecretName;

/// Questions at once: a client that sends calls faster than a node answers them waits, and the node's seats stay for others.
const AT_ONCE_MAX: usize = 8;

/// The way to the node. Socket, key and company are read anew for each question, so that a node that was not there when the
/// client began, or a key that was replaced in its file, is found.
pub(super) struct Node {
    global: Global,
    turns: Semaphore,
}

/// A question that a tool has.
pub(super) enum Ask<'ask> {
    /// How the node is.
    Health,
    /// Names and versions, by parameters of the list.
    List(Vec<(&'static str, Option<String>)>),
    /// Why a read comes out as it does.
    Explain(&'ask SecretName),
    /// Which APIs work.
    Connectivity(Option<String>),
    /// What expires.
    Expiring(Option<String>),
}

impl Ask<'_> {
    fn question(self) -> Question {
        match self {
            Self::Health => Question::get("/health"),
            Self::List(parameters) => parameters
                .into_iter()
                .fold(Question::get("/api/secrets"), |question, (name, text)| question.with(name, text.as_deref())),
            Self::Explain(name) => Question::get(format!("/api/explain/{name}")),
            Self::Connectivity(service) => {
                Question::get("/api/connectivity/status").with("service", service.as_deref())
            }
            Self::Expiring(within) => Question::get("/api/expiring").with("within", within.as_deref()),
        }
    }
}

/// Something that a tool tells the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    /// Somebody asks to be allowed something.
    AccessRequest,
    /// How an API does.
    Status,
}

impl Tell {
    fn path(self) -> &'static str {
        match self {
            Self::AccessRequest => "/api/access-requests",
            Self::Status => "/api/connectivity/status",
        }
    }
}

impl Node {
    /// The node that these options name.
    pub(super) fn new(global: Global) -> Self {
        Self { global, turns: Semaphore::new(AT_ONCE_MAX) }
    }

    /// The company that is named here, else by the options or the environment of this program.
    pub(super) fn company(&self, named: Option<CompanyId>) -> Result<Option<CompanyId>, Refusal> {
        match named {
            Some(company) => Ok(Some(company)),
            None => Ok(NodeClient::open(&self.global)?.company().cloned()),
        }
    }

    /// Asks on behalf of a company, if of any.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        ask: Ask<'_>,
        company: Option<&CompanyId>,
    ) -> Result<T, Refusal> {
        self.send(ask.question(), company).await
    }

    /// Tells something.
    pub(super) async fn tell<T: DeserializeOwned>(&self, tell: Tell, body: &impl Serialize) -> Result<T, Refusal> {
        self.send(Question::post(tell.path(), body)?, None).await
    }

    async fn send<T: DeserializeOwned>(&self, question: Question, company: Option<&CompanyId>) -> Result<T, Refusal> {
        let _turn = self.turns.acquire().await;
        let node = NodeClient::open(&self.global)?;
        let question = question.header("x-company-id", company.map(CompanyId::as_str))?;
        let question = question.header("x-aurora-reason", self.global.reason.as_deref())?;
        Ok(node.client().ask(question).await?)
    }
}
