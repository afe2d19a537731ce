//! One run of the command against one node: which socket, on whose behalf, and where the answer goes.

use std::env;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::Global;
use super::client::Client;
use super::credentials::Credentials;
use super::error::CliError;
use super::output::Output;
use super::question::Question;
use super::socket::{self, Reach};
use super::{configured, variables};
use crate::config::paths::Paths;
use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::secret::Scope;

/// What every verb works with.
pub(super) struct Session<'a> {
    /// Where answers go.
    pub(super) output: &'a mut Output,
    /// The companies that were named with flags: for tokens and entitlements, which no variable may widen.
    pub(super) companies: &'a [CompanyId],
    /// The scope that was named.
    pub(super) scope: Option<&'a Scope>,
    /// The environment that was named, by flag or `AURORA_ENVIRONMENT`.
    pub(super) environment: Option<EnvironmentName>,
    company: Option<CompanyId>,
    reason: Option<&'a str>,
    named_socket: Option<PathBuf>,
    credentials: Arc<Credentials>,
}

impl<'a> Session<'a> {
    /// Reads flags and environment variables. Opens nothing.
    ///
    /// # Errors
    /// [`CliError::Usage`] when a variable holds no name, or no key.
    pub(super) fn open(global: &'a Global, output: &'a mut Output) -> Result<Self, CliError> {
        Ok(Self {
            output,
            companies: &global.company,
            scope: global.scope.as_ref(),
            environment: variables::environment(global.environment.as_ref())?,
            company: variables::company(global)?,
            reason: global.reason.as_deref(),
            named_socket: variables::socket(global),
            credentials: Arc::new(Credentials::of_environment(global.act_as.as_ref())?),
        })
    }

    fn agent_socket(&self) -> Result<PathBuf, CliError> {
        let superuser = rustix::process::geteuid().is_root();
        let lookup = |name: &str| env::var(name).ok().filter(|text| !text.is_empty());
        let configured = match (&self.named_socket, variables::config()) {
            (None, Some(file)) => configured::agent_socket(&file, lookup),
            (Some(_), _) | (None, None) => None,
        };
        // The places a node of this user takes without being told, so that both ends agree.
        let own = Paths::of(superuser, lookup).ok().map(|paths| paths.socket_dir);
        // A directory that may not be entered holds a socket for others: that is said best by the attempt.
        let exists = |path: &Path| path.try_exists().unwrap_or(true);
        let named = self.named_socket.as_deref().or(configured.as_deref());
        socket::agent(named, exists, own.as_deref())
    }

    /// The socket of the node's owner; with an API key that of everybody, for the owner's door makes no more of an agent.
    pub(super) fn admin(&self) -> Result<Client, CliError> {
        if self.credentials.has_key() {
            return self.agent();
        }
        Ok(self.client(socket::admin(&self.agent_socket()?)))
    }

    fn client(&self, socket: PathBuf) -> Client {
        Client::new(socket).showing(&self.credentials)
    }

    /// The socket of everybody.
    pub(super) fn agent(&self) -> Result<Client, CliError> {
        Ok(self.client(self.agent_socket()?))
    }

    /// The socket to read from: the agent socket, unless only the owner will be answered and this user is that.
    pub(super) fn reader(&self) -> Result<Client, CliError> {
        let names_a_place = self.environment.is_some() || self.scope.is_some();
        self.reader_of(if names_a_place { Reach::Store } else { Reach::Program })
    }

    /// The socket to list from: the owner of a lead sees all that is stored there.
    pub(super) fn lister(&self) -> Result<Client, CliError> {
        self.reader_of(Reach::Store)
    }

    fn reader_of(&self, reach: Reach) -> Result<Client, CliError> {
        if self.credentials.has_key() {
            return self.agent();
        }
        let agent = self.agent_socket()?;
        let admin = socket::admin(&agent);
        let owner = admin.metadata().ok().map(|found| found.uid());
        let as_owner = socket::reads_as_owner(rustix::process::geteuid().as_raw(), owner, reach);
        Ok(self.client(if as_owner { admin } else { agent }))
    }

    /// The company on whose behalf is asked.
    pub(super) fn company(&self) -> Option<&CompanyId> {
        self.company.as_ref()
    }

    /// The reason that was given.
    pub(super) fn reason(&self) -> Option<&'a str> {
        self.reason
    }

    /// Adds the company and the reason.
    pub(super) fn in_context(&self, question: Question) -> Result<Question, CliError> {
        self.with_reason(question)?.header("x-company-id", self.company.as_ref().map(CompanyId::as_str))
    }

    /// Adds the reason and the company; the one that a reference names wins.
    pub(super) fn on_behalf(&self, question: Question, company: Option<&CompanyId>) -> Result<Question, CliError> {
        let company = company.or(self.company.as_ref());
        self.with_reason(question)?.header("x-company-id", company.map(CompanyId::as_str))
    }

    /// Adds the reason.
    pub(super) fn with_reason(&self, question: Question) -> Result<Question, CliError> {
        question.header("x-aurora-reason", self.reason)
    }

    /// Adds the environment, if one was named.
    pub(super) fn in_environment(&self, question: Question) -> Question {
        question.with("environment", self.environment.as_ref().map(EnvironmentName::as_str))
    }

    /// The options that name the place again, for a command that is proposed: ` --scope company:acme`.
    pub(super) fn place_options(&self) -> String {
        let environment = self.environment.as_ref().map(|name| format!(" --environment {name}"));
        let scope = self.scope.map(|scope| format!(" --scope {scope}"));
        environment.into_iter().chain(scope).collect()
    }

    /// Adds scope and environment, if they were named.
    pub(super) fn in_place(&self, question: Question) -> Question {
        let question =
            question.with("scope", self.scope.map(Scope::kind)).with("scope_id", self.scope.and_then(Scope::id));
        self.in_environment(question)
    }
}
