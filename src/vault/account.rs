//! The audit line of one request, filled in as the request is decided.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::audit::entry::{Entry, INTENT, Ruling};
use crate::audit::error::{AuditError, Obstacle};
use crate::audit::journal::Journal;
use crate::metrics::numbers::Decided;
use crate::model::actions::Action;
use crate::model::attested::{Presence, Strength};
use crate::model::caller::{Caller, Door};
use crate::model::event::Event;
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::number::Version;
use crate::model::principal::Principal;
use crate::model::secret::{Scope, ScopedSecret, SecretName};
use crate::model::time::Moment;
use crate::policy::rule::UNDECIDED_RULE;

use super::answer::{Freshness, Served};
use super::error::VaultError;
use super::established::{established, established_with_key, first_seen};
use super::parts::Vault;
use super::refusals::Refusals;

/// The outcome of a line about one secret of a change of many, written before the change is announced as a whole.
pub(super) const PLANNED: &str = "planned";

/// The outcome of a request whose process had ended when it was to be answered.
const GONE: &str = "caller_gone";

/// What will be written about one request.
#[derive(Debug, Clone)]
pub(super) struct Account {
    entry: Entry,
    /// Whose refusals its own counts among: what is known of the caller whatever it says, not what it asks to be.
    counted: Arc<str>,
    began: Moment,
    presence: Presence,
    signed_ahead: Option<i64>,
}

impl Account {
    pub(super) fn open(caller: &Caller, action: Action, began: Moment) -> Self {
        Self::of_text(caller, action.as_str(), began)
    }

    /// The account of a caller that asks what is known of it, which is no action of the table.
    pub(super) fn of_oneself(caller: &Caller, began: Moment) -> Self {
        Self::of_text(caller, "whoami", began)
    }

    /// The account of something the node does by itself.
    pub(super) fn of_node(node: &NodeName, action: Action, began: Moment) -> Self {
        let entry =
            Entry { principal: format!("node:{node}").into(), ..Entry::of_node(action.as_str(), String::new()) };
        let (counted, presence) = (Arc::clone(&entry.principal), Presence::default());
        Self { entry: Entry { reason: None, ..entry }, counted, began, presence, signed_ahead: None }
    }

    /// The account of another action within the same request.
    pub(super) fn of_action(&self, action: Action) -> Self {
        let mut other = self.clone();
        other.entry.action = action.as_str();
        other
    }

    fn of_text(caller: &Caller, action: &'static str, began: Moment) -> Self {
        let strength = caller.attested.strength;
        let established = established(caller.door, strength);
        let attest = match (caller.door, strength) {
            (Door::Loopback, _) | (_, Strength::Strong) => None,
            (_, Strength::Weak) => Some(strength.as_str()),
        };
        let entry = Entry {
            request_id: caller.request_id.clone(),
            principal: first_seen(caller).into(),
            established,
            attest,
            action,
            secret: None,
            scope: None,
            environment: None,
            company: None,
            version: None,
            ruling: Ruling::Deny,
            rule: UNDECIDED_RULE.into(),
            outcome: "pending",
            freshness: None,
            latency: None,
            reason: None,
            lasting: false,
        };
        let (counted, presence) = (Arc::clone(&entry.principal), caller.attested.presence.clone());
        Self { entry, counted, began, presence, signed_ahead: None }
    }

    pub(super) fn about(&mut self, name: &SecretName, environment: &EnvironmentName) {
        self.entry.secret = Some(name.clone());
        self.entry.environment = Some(environment.clone());
    }

    pub(super) fn environment(&mut self, environment: &EnvironmentName) {
        self.entry.environment = Some(environment.clone());
    }

    /// The line is about no single secret.
    pub(super) fn about_nothing(&mut self) {
        self.entry.secret = None;
        self.entry.scope = None;
        self.entry.version = None;
        self.entry.freshness = None;
    }

    pub(super) fn within(&mut self, environment: &EnvironmentName) {
        self.entry.environment = Some(environment.clone());
    }

    pub(super) fn scope(&mut self, scope: &Scope) {
        self.entry.scope = Some(scope.clone());
    }

    /// On whose behalf, if anybody's: so that what concerns one tenant can be told from what concerns another.
    pub(super) fn company(&mut self, company: Option<&CompanyId>) {
        self.entry.company = company.cloned();
    }

    pub(super) fn version(&mut self, version: Version) {
        self.entry.version = Some(version);
    }

    pub(super) fn reason(&mut self, reason: Option<&str>) {
        self.entry.reason = reason.map(Arc::from);
    }

    /// The caller showed a key of this agent that works: its refusals are the agent's.
    pub(super) fn counts_as(&mut self, agent: &Principal) {
        self.counted = agent.to_string().into();
    }

    pub(super) fn principal(&mut self, principal: String) {
        self.entry.principal = principal.into();
    }

    /// The rule that decided.
    pub(super) fn rule(&self) -> &str {
        &self.entry.rule
    }

    /// An API key was shown beside what the kernel says.
    pub(super) fn shows_key(&mut self, door: Door) {
        let strength = if self.entry.attest.is_none() { Strength::Strong } else { Strength::Weak };
        self.entry.established = established_with_key(door, strength);
    }

    pub(super) fn decided(&mut self, ruling: Ruling, rule: impl Into<Arc<str>>) {
        self.entry.ruling = ruling;
        self.entry.rule = rule.into();
    }

    /// What is decided was signed for a second that is still to come.
    pub(super) fn signed_ahead(&mut self, until: i64) {
        self.signed_ahead = Some(until);
    }

    /// What comes of it is written also when whoever asked has gone.
    pub(super) fn lasts(&mut self) {
        self.entry.lasting = true;
    }

    /// Writes the line and gives its number; of a refusal too many none, which is refused as such. `works` is whether the
    /// journal took the last line it was given: it is told once when it stops working and once when it works again, because
    /// every request meets it.
    pub(super) async fn write(
        &self,
        outcome: &'static str,
        (journal, works): (&Journal, &AtomicBool),
        refusals: &Refusals,
        now: Moment,
    ) -> Result<u64, VaultError> {
        let line = self.line(outcome, now);
        if let Some(unwritten) = refusals.before(&line, &self.counted, now.boot)? {
            heard(journal.append(unwritten).await, works)?;
        }
        heard(journal.append(line).await, works)
    }

    /// The result, if the process that asked is still there to have it. What was announced is accounted for as what it
    /// came to; only its answer is kept back.
    pub(super) fn still_there<T>(&self, result: Result<T, VaultError>) -> Result<T, VaultError> {
        if result.is_ok() && !self.presence.is_there() { Err(VaultError::CallerGone) } else { result }
    }

    /// What the line says of a result, before it is let out.
    pub(super) fn outcome<T>(&self, result: &Result<T, VaultError>) -> &'static str {
        match result {
            Ok(_) => "ok",
            Err(VaultError::CallerGone) => GONE,
            Err(error) => error.code(),
        }
    }

    /// What is counted of it.
    fn counted(&self, outcome: &'static str, now: Moment) -> Decided {
        Decided {
            action: self.entry.action,
            decision: self.entry.ruling.as_str(),
            outcome,
            freshness: self.entry.freshness,
            latency: now.boot.since(self.began.boot),
        }
    }

    /// The line as it is written now.
    fn line(&self, outcome: &'static str, now: Moment) -> Entry {
        let company = self.entry.company.as_ref().or_else(|| company_of(self.entry.scope.as_ref())).cloned();
        Entry { outcome, company, latency: Some(now.boot.since(self.began.boot)), ..self.entry.clone() }
    }

    pub(super) fn freshness(&mut self, freshness: &Freshness) {
        self.entry.freshness = Some(match freshness.served {
            Served::Lead => "lead",
            Served::Hit => "hit",
            Served::Stale => "stale",
        });
    }
}

/// The company a scope speaks for.
fn company_of(scope: Option<&Scope>) -> Option<&CompanyId> {
    match scope? {
        Scope::Company(company) => Some(company),
        Scope::Global | Scope::Node(_) => None,
    }
}

/// What became of lines that were to be written, and in the log whether that is news.
fn heard<T>(appended: Result<T, AuditError>, works: &AtomicBool) -> Result<T, VaultError> {
    let worked = works.swap(appended.is_ok(), Ordering::Relaxed);
    match &appended {
        Err(error) if worked => tracing::error!(%error, "the audit journal cannot be written; nothing is answered"),
        Ok(_) if !worked => tracing::info!("the audit journal is written again"),
        Ok(_) | Err(_) => {}
    }
    appended.map_err(|error| {
        let full = matches!(error, AuditError::Unavailable { cause: Obstacle::SpoolFull });
        if full { VaultError::AuditSpoolFull } else { VaultError::AuditUnavailable }
    })
}

/// A reason for the journal: our word about the deed, then the caller's.
pub(super) fn noted(deed: &str, reason: Option<&str>) -> String {
    reason.map_or_else(|| deed.to_owned(), |reason| format!("{deed}: {reason}"))
}

impl Vault {
    /// Writes the line and gives its sequence number.
    async fn journal(&self, account: &Account, outcome: &'static str) -> Result<u64, VaultError> {
        let (parts, now) = (&self.parts, self.parts.clock.now());
        let worked = parts.journal_works.load(Ordering::Relaxed);
        let written = account.write(outcome, (&parts.journal, &parts.journal_works), &parts.refusals, now).await;
        match &written {
            Ok(_) if outcome != INTENT && outcome != PLANNED => {
                let decided = account.counted(outcome, now);
                parts.board.metrics.decided(&decided);
                let span = tracing::Span::current();
                span.record("action", decided.action).record("decision", decided.decision).record("outcome", outcome);
            }
            Ok(_) => {}
            Err(error @ VaultError::RefusedTooOften { .. }) => {
                parts.board.metrics.decided(&account.counted(error.code(), now));
                return written;
            }
            Err(_) => parts.board.metrics.unaudited(),
        }
        if written.is_err() && worked {
            let detail = "the audit journal cannot be written; nothing is answered".to_owned();
            parts.board.events.tell(Event::SystemError { part: "audit", detail });
        }
        written
    }

    /// Writes a line of a request that is made of many: what was decided about one of them.
    pub(super) async fn note(&self, account: &Account, outcome: &'static str) -> Result<(), VaultError> {
        self.journal(account, outcome).await.map(drop)
    }

    /// Writes a line for each of many secrets, in their order.
    pub(super) async fn note_each(
        &self,
        account: &mut Account,
        secrets: impl IntoIterator<Item = ScopedSecret>,
        outcome: &'static str,
    ) -> Result<(), VaultError> {
        let lines = secrets.into_iter().map(|at| {
            account.about(&at.secret.name, &at.secret.environment);
            account.scope(&at.scope);
            account.line(outcome, self.parts.clock.now())
        });
        let written = heard(self.parts.journal.append_all(lines).await, &self.parts.journal_works);
        account.about_nothing();
        written
    }

    /// Writes the line that announces a change, and gives its number. What comes of the change is written whoever waits
    /// for it.
    pub(super) async fn announce(&self, account: &mut Account) -> Result<u64, VaultError> {
        if let Some(until) = account.signed_ahead {
            self.keep_signed_ahead(until).await?;
        }
        let announced = self.journal(account, INTENT).await;
        account.lasts();
        announced
    }

    /// Writes the line of a request that has been decided, and lets its result out only then.
    pub(super) async fn settle<T>(&self, account: &Account, result: Result<T, VaultError>) -> Result<T, VaultError> {
        self.settle_as("ok", account, result).await
    }

    /// The same with another word for what was not refused.
    pub(super) async fn settle_as<T>(
        &self,
        done: &'static str,
        account: &Account,
        result: Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let result = if account.entry.lasting { result } else { account.still_there(result) };
        let outcome = if result.is_ok() { done } else { account.outcome(&result) };
        let written = self.journal(account, outcome).await;
        #[cfg(feature = "seeded_bugs")]
        let written = if crate::model::seeded::bug(3) { Ok(0) } else { written };
        written?;
        // The line took its time. It may tell of an answer that nobody had; it never lacks one that somebody had.
        account.still_there(result)
    }
}
