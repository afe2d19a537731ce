//! A read: resolve, judge freshness, open, account for it, answer. No network, no mailbox, no disk read (an older
//! version, which is not on the board, is the one exception).

use std::sync::Arc;

use crate::actors::confirm;
use crate::crypto::fields;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::record as sealing;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::entitlement::Entitlement;
use crate::model::metadata::SecretOptions;
use crate::model::name::EnvironmentName;
use crate::model::number::Version;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::{Scope, SecretAddress, SecretName};
use crate::model::time::Moment;
use crate::replication::freshness::{self, Standing};
use crate::replication::view::View;

use super::account::Account;
use super::answer::{Freshness, ReadAnswer, ReadOutcome, Served};
use super::authorise::Object;
use super::error::VaultError;
use super::frozen::Behalf;
use super::identity::Identified;
use super::parts::Vault;
use super::request::ReadRequest;
use super::resolve::{CompanyChoice, resolve};

impl Vault {
    /// Reads one value.
    ///
    /// # Errors
    /// [`VaultError`]; refusals are audited like answers.
    pub async fn read(&self, caller: &Caller, ask: ReadRequest) -> Result<ReadOutcome, VaultError> {
        let now = self.parts.clock.now();
        let mut account = Account::open(caller, Action::SecretRead, now);
        account.reason(ask.context.reason.as_deref());
        let result = self.try_read(caller, &ask, &mut account).await;
        self.settle(&account, result).await
    }

    /// Whether an answer may still be given: asked once more when it is about to be written out, because a process may
    /// have slept since it was decided.
    ///
    /// # Errors
    /// [`VaultError::StaleCache`] when its time is over, [`VaultError::Frozen`] when a freeze came meanwhile,
    /// [`VaultError::Banned`] when the node was banned.
    pub fn confirm(&self, answer: &ReadAnswer) -> Result<(), VaultError> {
        self.check_standing()?;
        self.still_unfrozen(answer)?;
        let now = self.parts.clock.now();
        let elapsed = now.boot.since(answer.decided_at.boot);
        #[cfg(feature = "seeded_bugs")]
        let elapsed = if crate::model::seeded::bug(6) { std::time::Duration::ZERO } else { elapsed };
        match answer.freshness.servable_for {
            Some(left) if elapsed > left => {
                let age = answer.freshness.age.saturating_add(elapsed);
                Err(self.stale(&answer.record.at.secret.name, Some(age)))
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn try_read(
        &self,
        caller: &Caller,
        ask: &ReadRequest,
        account: &mut Account,
    ) -> Result<ReadOutcome, VaultError> {
        let who = Arc::new(self.identify(caller, account)?);
        let environment = self.permitted(&who, ask, account)?;
        if ask.refresh && self.reigning().is_none() {
            // What few reads wait for is not within the future of every read.
            Box::pin(confirm::with_lead(&self.parts.board, &*self.parts.clock))
                .await
                .map_err(|_| VaultError::NoLead { lead: self.parts.board.lead.load().as_ref().clone() })?;
        }
        let found = self.find(&who, ask, environment.clone(), account)?;
        match self.answer(&who, ask, found, account).await {
            // The key went between the look at the records and the look at the keys: its scope was given a new one.
            Err(VaultError::Sealed) => {
                let found = self.find(&who, ask, environment, account)?;
                Box::pin(self.answer(&who, ask, found, account)).await
            }
            answered => answered,
        }
    }

    /// Whether the caller may read this at all, and the environment it is read in.
    pub(super) fn permitted(
        &self,
        who: &Identified,
        ask: &ReadRequest,
        account: &mut Account,
    ) -> Result<EnvironmentName, VaultError> {
        account.about(&ask.name, &self.parts.environment);
        account.company(ask.context.company.as_ref());
        self.check_node(&ask.context)?;
        let environment = self.environment(who, ask.context.environment.as_ref())?;
        account.about(&ask.name, &environment);
        let object = Object { company: ask.context.company.as_ref(), ..Object::of_secret(&ask.name, &environment) };
        self.check_standing()?;
        self.authorise(who, Action::SecretRead, object, account)?;
        if let Some(scope) = &ask.scope {
            account.scope(scope);
            self.authorise(who, Action::SecretRead, Object::in_scope(&ask.name, scope, &environment), account)?;
        }
        Ok(environment)
    }

    /// The current record that answers the request. Looks once at what the node holds: records and the right to them
    /// change together.
    pub(super) fn find(
        &self,
        who: &Identified,
        ask: &ReadRequest,
        environment: EnvironmentName,
        account: &mut Account,
    ) -> Result<Arc<Record>, VaultError> {
        let held = self.parts.board.held.load_full();
        // Asked after the look: whoever was banned meanwhile sees an empty cache, and does not call the secret absent.
        self.check_standing()?;
        let company = Self::company(&ask.context, &held.entitlement);
        if matches!(company, CompanyChoice::Refused) {
            return Err(self.refused_by_roster(account));
        }
        let secret = SecretAddress { environment, name: ask.name.clone() };
        let (winner, tried) = match &ask.scope {
            None => {
                let resolution = resolve(&held.view, &secret, &self.parts.node, company);
                let tried = resolution.scopes();
                (resolution.winner, tried)
            }
            Some(scope) => {
                self.check_scope(who, &held.entitlement, &secret, scope, account)?;
                let found = held.view.get(&secret.within(scope.clone()));
                (found.filter(|record| record.sealed().is_some()).cloned(), vec![scope.clone()])
            }
        };
        match winner {
            Some(record) => {
                // Only now it is known in which scope the value is; a grant may be about some kinds of scope alone.
                let company = ask.context.company.as_ref();
                let scope = Some(&record.at.scope);
                let object = Object { scope, company, ..Object::of_secret(&ask.name, &secret.environment) };
                account.scope(&record.at.scope);
                self.authorise(who, Action::SecretRead, object, account)?;
                Ok(record)
            }
            None => Err(self.absent(who, &secret, tried, &held.view)),
        }
    }

    /// A scope may be read by name if it is one of the node's own; an admin on the lead may read any.
    pub(super) fn check_scope(
        &self,
        who: &Identified,
        entitled: &Entitlement,
        secret: &SecretAddress,
        scope: &Scope,
        account: &mut Account,
    ) -> Result<(), VaultError> {
        let at = secret.within(scope.clone());
        if entitled.covers(&self.parts.node, &at) || (self.parts.lead.is_some() && who.is_admin()) {
            return Ok(());
        }
        Err(self.refused_by_roster(account))
    }

    /// Nothing is there: said openly only to those who may know, and only while the cache can be trusted to know it.
    fn absent(&self, who: &Identified, secret: &SecretAddress, tried: Vec<Scope>, view: &View) -> VaultError {
        let object = Object::of_secret(&secret.name, &secret.environment);
        if !self.is_allowed(who, Action::SecretInfo, object) {
            return VaultError::Denied { rule: "absent, and not to be told".to_owned() };
        }
        match self.freshness(&secret.name, &SecretOptions::default(), &self.parts.clock.now()) {
            Ok(_) => {
                let records = tried.iter().filter_map(|scope| view.get(&secret.within(scope.clone())));
                match records.into_iter().find(|record| record.body == RecordBody::Destroyed) {
                    Some(gone) => VaultError::Destroyed { name: secret.name.clone(), version: gone.version },
                    None => VaultError::NotFound { name: secret.name.clone(), tried },
                }
            }
            Err(closed) => closed,
        }
    }

    async fn answer(
        &self,
        who: &Arc<Identified>,
        ask: &ReadRequest,
        current: Arc<Record>,
        account: &mut Account,
    ) -> Result<ReadOutcome, VaultError> {
        let decided_at = self.parts.clock.now();
        let freshness = self.freshness(&ask.name, &current.options, &decided_at)?;
        account.freshness(&freshness);
        let record = match ask.version.filter(|version| *version != current.version) {
            None => current,
            Some(version) => Box::pin(self.older_version(ask, version, current)).await?,
        };
        account.version(record.version);
        if ask.known.as_ref().is_some_and(|known| known.holds(record.secret_id, record.version)) {
            return Ok(ReadOutcome::NotModified { secret_id: record.secret_id, version: record.version, freshness });
        }
        let value = self.value(ask, &record)?;
        let (field, resolved) = (ask.field.clone(), ask.scope.is_none());
        let behalf = Behalf::of(who, Action::SecretRead, ask.context.company.as_ref());
        Ok(ReadOutcome::Value(ReadAnswer { record, value, field, freshness, decided_at, resolved, behalf }))
    }

    async fn older_version(
        &self,
        ask: &ReadRequest,
        version: Version,
        current: Arc<Record>,
    ) -> Result<Arc<Record>, VaultError> {
        let name = ask.name.clone();
        if self.parts.lead.is_none() {
            return Err(VaultError::VersionOnLead { name, held: current.version });
        }
        let older = self.parts.store.version(current.at.clone(), version).await;
        match older.map_err(|error| VaultError::Internal(error.to_string()))? {
            Some(record) if record.sealed().is_some() => Ok(Arc::new(record)),
            Some(Record { body: RecordBody::Destroyed, .. }) => Err(VaultError::Destroyed { name, version }),
            Some(Record { body: RecordBody::Deleted { .. }, .. }) => Err(VaultError::VersionDeleted { name, version }),
            Some(_) | None => Err(VaultError::NoSuchVersion { name, version }),
        }
    }

    /// The value, or the field of it that was asked for.
    fn value(&self, ask: &ReadRequest, record: &Record) -> Result<Plaintext, VaultError> {
        let Some(field) = &ask.field else { return self.open(record) };
        if record.fields.get(field.as_str()).is_none() {
            let there = record.fields.iter().map(|field| field.name.clone()).collect();
            return Err(VaultError::NoSuchField { name: ask.name.clone(), field: field.clone(), there });
        }
        Ok(fields::select(&self.open(record)?, field)?)
    }

    pub(super) fn open(&self, record: &Record) -> Result<Plaintext, VaultError> {
        let sealed = record.sealed().ok_or(VaultError::Sealed)?;
        let keys = self.parts.board.keys.load();
        let key = keys.get(&record.at.key_scope(), sealed.generation).ok_or(VaultError::Sealed)?;
        sealing::open(&key, &self.parts.mesh, &record.at, record.version, sealed).map_err(|error| {
            tracing::error!(%error, "a record does not open: it was altered, or belongs elsewhere");
            VaultError::Internal("a stored record does not open".to_owned())
        })
    }

    /// How fresh an answer about a secret is, or that it may not be given.
    pub(super) fn freshness(
        &self,
        name: &SecretName,
        options: &SecretOptions,
        now: &Moment,
    ) -> Result<Freshness, VaultError> {
        let policy = options.freshness(self.parts.freshness);
        if self.reigning().is_some() {
            let fresh_until = now.wall.plus(policy.ttl);
            return Ok(Freshness {
                served: Served::Lead,
                age: std::time::Duration::ZERO,
                fresh_until,
                servable_for: None,
            });
        }
        self.check_standing()?;
        let contact = self.parts.board.contact.load();
        let (served, age) = match freshness::judge(contact.as_deref(), policy, now) {
            Standing::Fresh { age } => (Served::Hit, age),
            Standing::Stale { age } => (Served::Stale, age),
            Standing::Closed { age } => return Err(self.stale(name, age)),
        };
        // Counted back from now: the wall clock may have been set since the contact, and a caller has today's.
        let fresh_until = now.wall.minus(age).plus(policy.ttl);
        let servable_for = policy.ttl.saturating_add(policy.max_stale).saturating_sub(age);
        Ok(Freshness { served, age, fresh_until, servable_for: Some(servable_for) })
    }

    pub(super) fn stale(&self, name: &SecretName, age: Option<std::time::Duration>) -> VaultError {
        let last_contact = self.parts.board.contact.load().as_ref().map(|contact| contact.at.wall);
        VaultError::StaleCache { name: name.clone(), age, last_contact }
    }
}
