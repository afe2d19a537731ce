//! Which environments there are, and how the secrets of one become known in another: names, what is said about them and
//! how they are kept, never values.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actors::change::{Change, CommittedSecret, Declaration};
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::number::Revision;
use crate::model::record::{Record, RecordState};
use crate::model::secret::{Scope, ScopedSecret, SecretAddress};
use crate::replication::view::View;

use super::account::{Account, PLANNED, noted};
use super::answer::{EnvironmentLine, Mirrored};
use super::authorise::Object;
use super::error::VaultError;
use super::filter::Filter;
use super::identity::Identified;
use super::off_thread::off_thread;
use super::parts::{Purpose, Vault};
use super::refusal::{Subject, refusal};
use super::request::{Context, MirrorRequest};

/// Most secrets that become known in one change, because it is one transaction.
const DECLARED_MAX: usize = 100_000;

impl Vault {
    /// The environments there are, by name. A caller who sees one only is told of that one.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn environments(
        &self,
        caller: &Caller,
        node: Option<NodeName>,
    ) -> Result<Vec<EnvironmentLine>, VaultError> {
        let mut account = Account::open(caller, Action::SecretList, self.parts.clock.now());
        account.reason(Some("environments"));
        let lines = async {
            let who = self.identify(caller, &mut account)?;
            self.check_node(&Context::on(node.as_ref()))?;
            let own = Object::of_node(&self.parts.environment);
            self.authorise(&who, Action::SecretList, own, &mut account)?;
            let vault = self.clone();
            off_thread(move || Ok(vault.environment_lines(&who))).await
        };
        let lines = lines.await;
        self.settle(&account, lines).await
    }

    /// Makes the live secrets of one environment known in another, without values. What is known there already stays as
    /// it is. The end of a credential is not copied: it belongs to the value. One audit line for each secret says that it
    /// is planned; an intent and an outcome are about all of them. A rehearsal has one line.
    ///
    /// # Errors
    /// [`VaultError`]; nothing is made known then.
    pub async fn mirror(&self, caller: &Caller, ask: MirrorRequest) -> Result<Mirrored, VaultError> {
        let mut account = Account::open(caller, Action::SecretWrite, self.parts.clock.now());
        account.environment(&ask.to);
        self.give_reason(&mut account, Some(&noted(&format!("mirror of {}", ask.from), ask.reason.as_deref())));
        let mirrored = self.try_mirror(caller, ask, &mut account).await;
        self.settle(&account, mirrored).await
    }

    fn environment_lines(&self, who: &Identified) -> Vec<EnvironmentLine> {
        let held = self.parts.board.held.load_full();
        let own = &self.parts.environment;
        let mut lines = BTreeMap::from([(own.clone(), self.environment_line(own))]);
        let every = self.parts.lead.as_ref().filter(|_| who.is_admin());
        for record in
            held.view.after(None).filter(|record| self.may_know(who, &held.entitlement, &record.at, Action::SecretList))
        {
            let name = &record.at.secret.environment;
            if every.is_some() || name == own {
                let line = lines.entry(name.clone()).or_insert_with(|| self.environment_line(name));
                line.secrets += 1;
                line.live += usize::from(record.state() == RecordState::Live);
            }
        }
        let roster = every.map(|lead| lead.board.lead_view.load_full());
        for node in roster.iter().flat_map(|roster| roster.members()).filter(|node| node.name != self.parts.node) {
            let name = &node.entitlement.environment;
            lines.entry(name.clone()).or_insert_with(|| self.environment_line(name)).nodes += 1;
        }
        lines.into_values().collect()
    }

    fn environment_line(&self, name: &EnvironmentName) -> EnvironmentLine {
        let own = *name == self.parts.environment;
        EnvironmentLine { name: name.clone(), secrets: 0, live: 0, nodes: usize::from(own), own }
    }

    async fn try_mirror(
        &self,
        caller: &Caller,
        ask: MirrorRequest,
        account: &mut Account,
    ) -> Result<Mirrored, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_node(&Context::on(ask.node.as_ref()))?;
        for (action, environment) in [(Action::SecretList, &ask.from), (Action::SecretWrite, &ask.to)] {
            self.authorise(&who, action, Object::of_node(environment), account)?;
        }
        self.lead()?;
        self.two_environments(&who, &ask.from, &ask.to)?;
        let vault = self.clone();
        let Plan { declarations, known, lacking, of_nodes } = off_thread(move || vault.plan_mirror(&who, &ask)).await?;
        let Some(first) = declarations.first().map(|wanted| wanted.at.clone()) else {
            let revision = self.parts.board.held.load().view.position.revision;
            return Ok(Mirrored { declared: Vec::new(), known, lacking, of_nodes, revision });
        };
        let places: Vec<ScopedSecret> = declarations.iter().map(|wanted| wanted.at.clone()).collect();
        if self.purpose == Purpose::Make {
            self.note_each(account, places.iter().cloned(), PLANNED).await?;
        }
        let announced = self.begin(account).await?;
        let committed = self.carry_out(Change::Declare(declarations), announced).await?;
        let made = committed.map_err(|error| refusal(&error, Subject::Secret(&first)))?.secrets()?;
        let revision = made.iter().map(|secret| secret.revision).max().unwrap_or(Revision(0));
        let is_new = |(_, made): &(ScopedSecret, CommittedSecret)| made.changed;
        let (new, others): (Vec<_>, Vec<_>) = places.into_iter().zip(made).partition(is_new);
        let declared = new.into_iter().map(|(at, _)| at).collect();
        Ok(Mirrored { declared, known: known + others.len(), lacking, of_nodes, revision })
    }

    /// Both environments, for a caller who may name any; they must be two.
    pub(super) fn two_environments(
        &self,
        who: &Identified,
        left: &EnvironmentName,
        right: &EnvironmentName,
    ) -> Result<(), VaultError> {
        self.environment(who, Some(left))?;
        self.environment(who, Some(right))?;
        if left == right {
            return Err(VaultError::BadScope(format!("{left} is named twice; two environments are needed")));
        }
        Ok(())
    }

    fn plan_mirror(&self, who: &Identified, ask: &MirrorRequest) -> Result<Plan, VaultError> {
        let filter = Filter { prefix: ask.prefix.clone(), state: Some(RecordState::Live), ..Filter::default() };
        let held = self.parts.board.held.load_full();
        not_empty(&held.view, &ask.from)?;
        let mut plan = Plan::default();
        let records = held.view.within(&ask.from, filter.first_service().as_ref(), None);
        let records = records.take_while(|record| !filter.is_passed(&record.at.secret.name.service));
        for record in records.filter(|record| filter.wants(record)) {
            if matches!(record.at.scope, Scope::Node(_)) {
                plan.of_nodes += 1;
                continue;
            }
            self.may_mirror(who, &record.at, &ask.to)?;
            let at = counterpart(&record.at, &ask.to);
            let known = held.view.get(&at);
            plan.add(record, at, known);
            if plan.declarations.len() > DECLARED_MAX {
                return Err(VaultError::TooMany { max: DECLARED_MAX });
            }
        }
        Ok(plan)
    }

    /// Each secret is asked about by itself: a rule that closes one closes the whole mirror, which is all or nothing.
    fn may_mirror(&self, who: &Identified, at: &ScopedSecret, to: &EnvironmentName) -> Result<(), VaultError> {
        let name = &at.secret.name;
        let asked = [(Action::SecretInfo, &at.secret.environment), (Action::SecretWrite, to)];
        let may = |(action, environment)| self.is_allowed(who, action, Object::in_scope(name, &at.scope, environment));
        if asked.into_iter().all(may) {
            return Ok(());
        }
        Err(VaultError::Denied { rule: format!("a rule about {name}") })
    }
}

/// An environment in which nothing is known is most likely a misspelt one: "nothing to mirror" and "nothing is shared"
/// would be right, and would be believed.
pub(super) fn not_empty(view: &View, environment: &EnvironmentName) -> Result<(), VaultError> {
    match view.within(environment, None, None).next() {
        Some(_) => Ok(()),
        None => Err(VaultError::BadScope(format!("no secret is known in environment {environment}"))),
    }
}

/// The same name and scope elsewhere.
pub(super) fn counterpart(at: &ScopedSecret, environment: &EnvironmentName) -> ScopedSecret {
    SecretAddress { environment: environment.clone(), name: at.secret.name.clone() }.within(at.scope.clone())
}

/// What a mirror will do.
#[derive(Debug, Default)]
struct Plan {
    declarations: Vec<Declaration>,
    known: usize,
    lacking: Vec<(ScopedSecret, RecordState)>,
    of_nodes: usize,
}

impl Plan {
    fn add(&mut self, record: &Record, at: ScopedSecret, known: Option<&Arc<Record>>) {
        let state = known.map_or(RecordState::Unset, |known| known.state());
        if state != RecordState::Live {
            self.lacking.push((at.clone(), state));
        }
        if known.is_some() {
            self.known += 1;
            return;
        }
        let mut options = (*record.options).clone();
        options.expires_at = None;
        let (metadata, fields) = ((*record.metadata).clone(), (*record.fields).clone());
        self.declarations.push(Declaration { at, metadata, options, fields });
    }
}
