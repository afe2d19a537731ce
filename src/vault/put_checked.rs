//! A value is shown to its provider before it is stored. One that is refused twice is not stored, unless somebody insists.

use std::time::Duration;

use super::account::Account;
use super::answer::Stored;
use super::answer_validation::{Refused, StoredAndChecked, Validated};
use super::asking::{Finding, Question};
use super::authorise::Object;
use super::checking::{ASKED, FOREIGN_LEAD, Ready, chosen};
use super::error::VaultError;
use super::holdings::{Holding, Holdings, Located, company_of, credential_in};
use super::identity::Identified;
use super::parts::Vault;
use super::probe_call::{self, Fields as Values, Needed};
use super::request::PutRequest;
use crate::actors::change::{Change, NewValue};
use crate::catalogue::probe::Probe;
use crate::catalogue::provider::Provider;
use crate::crypto::fields::select;
use crate::crypto::plaintext::Plaintext;
use crate::model::actions::Action;
use crate::model::api_check::{KeyCheck, KeyMark};
use crate::model::caller::Caller;
use crate::model::connectivity::Verdict;
use crate::model::fields::Fields;
use crate::model::name::{KeyName, ServiceName};
use crate::model::patch::Wish;
use crate::model::record::Record;
use crate::model::secret::ScopedSecret;

/// Between two refusals of which the second is believed: another server of the provider may answer by then.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// A new value, and what is said of it, as it would be stored.
struct New<'a> {
    at: &'a ScopedSecret,
    value: &'a Plaintext,
    declared: Fields,
}

impl Vault {
    /// Asks the provider about a value and stores it unless it is refused. What cannot be checked is stored.
    ///
    /// # Errors
    /// [`VaultError`]; `CredentialRejected` when the provider refuses it twice and nobody insists, `Denied` when the caller
    /// may not have credentials checked.
    pub async fn put_checked(
        &self,
        caller: &Caller,
        ask: PutRequest,
        refused: Refused,
    ) -> Result<StoredAndChecked, VaultError> {
        let mut account = self.account(caller, Action::SecretWrite, &ask.place);
        let made = async {
            let at = self.admit(caller, Action::SecretWrite, &ask.place, &mut account)?;
            let bytes_max = self.parts.value_bytes_max;
            if ask.value.len() > bytes_max {
                return Err(VaultError::ValueTooLarge { bytes_max });
            }
            ask.patch.check(self.parts.clock.now().wall)?;
            let asker = self.flights.asker().ok_or(VaultError::Overloaded)?;
            let validated = self.check_new(caller, &ask, &at).await?;
            drop(asker);
            if validated.verdict == Some(Verdict::Rejected) && refused == Refused::Stays {
                let (name, detail) = (at.secret.name, validated.reason);
                return Err(VaultError::CredentialRejected { name, detail });
            }
            let PutRequest { value, patch, cas, .. } = ask;
            let change = Change::Put(Box::new(NewValue { at: at.clone(), value, patch, cas }));
            let stored = self.make(at, change, &mut account).await?;
            self.parts.board.asked_checks.note(KeyCheck { key: Some(mark(&stored)), ..validated.check() });
            Ok(StoredAndChecked { stored, validated })
        };
        let made = made.await;
        self.settle(&account, made).await
    }

    async fn check_new(&self, caller: &Caller, ask: &PutRequest, at: &ScopedSecret) -> Result<Validated, VaultError> {
        let mut account = Account::open(caller, Action::CredentialValidate, self.parts.clock.now());
        account.reason(ask.place.reason.as_deref());
        let checked = self.try_check_new(caller, ask, at, &mut account).await;
        if let Err(refused) = &checked {
            self.note(&account, refused.code()).await?;
        }
        checked
    }

    async fn try_check_new(
        &self,
        caller: &Caller,
        ask: &PutRequest,
        at: &ScopedSecret,
        account: &mut Account,
    ) -> Result<Validated, VaultError> {
        let who = self.identify(caller, account)?;
        account.about(&at.secret.name, &at.secret.environment);
        account.scope(&at.scope);
        self.may_use(&who, at, account)?;
        let now = self.parts.clock.now().wall;
        let ready = match self.ready_new(&who, ask, at, account)? {
            Ok(ready) => ready,
            Err((verdict, why)) => return Ok(Validated::found(Finding::unasked(verdict, &why, now))),
        };
        let mut finding = self.ask_new(at, &ready, account).await?;
        if finding.verdict == Verdict::Rejected {
            tokio::time::sleep(AGAIN_AFTER).await;
            finding = self.ask_new(at, &ready, account).await?;
        }
        Ok(Validated { credential: Some(at.secret.name.clone()), ..Validated::found(finding) })
    }

    /// Accounts for the new value and for those that are used with it, and asks.
    async fn ask_new(&self, at: &ScopedSecret, ready: &Ready, account: &mut Account) -> Result<Finding, VaultError> {
        let mut line = account.clone();
        self.note_use(&mut line, ready).await?;
        account.about(&at.secret.name, &at.secret.environment);
        account.scope(&at.scope);
        self.note(account, ASKED).await?;
        self.parts.board.connectivity.note_call(&at.secret.name.service);
        let found = self.flights.alone(ready.question.ask(&self.parts.egress, &*self.parts.clock)).await;
        found.ok_or_else(|| VaultError::Internal("a check broke off".to_owned()))
    }

    fn may_use(&self, who: &Identified, at: &ScopedSecret, account: &mut Account) -> Result<(), VaultError> {
        let object = Object::in_scope(&at.secret.name, &at.scope, &at.secret.environment);
        self.authorise(who, Action::CredentialValidate, object, account).map(drop)
    }

    /// The check of a new value: what its provider needs besides comes from the store. Or why there is no check.
    fn ready_new(
        &self,
        who: &Identified,
        ask: &PutRequest,
        at: &ScopedSecret,
        account: &mut Account,
    ) -> Result<Result<Ready, (Verdict, String)>, VaultError> {
        let held = self.parts.board.held.load_full();
        let holdings = Holdings { environment: &at.secret.environment, ..self.holdings(&held) };
        let record = held.view.get(at).map(|record| &**record);
        let Some(provider) = self.provider_of_new(ask, record) else {
            let why = format!("no provider of the catalogue is known for {}", at.secret.name);
            return Ok(Err((Verdict::Unsupported, why)));
        };
        let declared = match &ask.patch.fields {
            Wish::Set(fields) => fields.clone(),
            Wish::Clear => Fields::default(),
            Wish::Keep => record.map(|record| (*record.fields).clone()).unwrap_or_default(),
        };
        let name = &at.secret.name;
        let is_it = |probe: &&Probe| credential_in(name, &declared, provider, probe).is_some();
        let Some(probe) = provider.probes.iter().find(is_it) else {
            let why = provider.unprobed.clone().unwrap_or_else(|| format!("no check of {name} is known"));
            return Ok(Err((Verdict::Unsupported, why)));
        };
        let new = New { at, value: &ask.value, declared };
        self.filled_new(who, holdings, provider, probe, &new, account)
    }

    fn filled_new(
        &self,
        who: &Identified,
        holdings: Holdings<'_>,
        provider: &Provider,
        probe: &Probe,
        new: &New<'_>,
        account: &mut Account,
    ) -> Result<Result<Ready, (Verdict, String)>, VaultError> {
        let service = &new.at.secret.name.service;
        let empty = Holding { service: service.clone(), provider, records: Vec::new() };
        let holding = holdings.service(service).unwrap_or(empty);
        let company = chosen(company_of(&new.at.scope));
        let (mut fields, mut used, mut places) = (Values::new(), Vec::<Located>::new(), Vec::new());
        for Needed { field, required } in probe_call::needed(provider, probe) {
            if let Some(value) = new.field(&field, &probe.credential)? {
                places.push((field.clone(), new.at.scope.clone()));
                fields.insert(field, value);
                continue;
            }
            match holdings.locate(&holding, &field, company) {
                Some(located) => {
                    self.may_use(who, &located.record.at, &mut account.clone())?;
                    places.push((field.clone(), located.record.at.scope.clone()));
                    fields.insert(field, self.opened(&located)?);
                    used.push(located);
                }
                None if required => {
                    let why = format!("{service}/{field}, which its check needs, has no value here");
                    return Ok(Err((Verdict::NoCredential, why)));
                }
                None => {}
            }
        }
        if !probe_call::is_led_by_its_own(probe_call::host_field(provider, probe), &places) {
            return Ok(Err((Verdict::Unsupported, FOREIGN_LEAD.to_owned())));
        }
        let question = Question { provider: provider.clone(), probe: probe.clone(), fields };
        Ok(Ok(Ready { question, used }))
    }

    fn provider_of_new(&self, ask: &PutRequest, record: Option<&Record>) -> Option<&Provider> {
        let named = match &ask.patch.provider {
            Wish::Set(name) => Some(name.as_str()),
            Wish::Clear => None,
            Wish::Keep => record.and_then(|record| record.metadata.provider.as_deref()),
        };
        let catalogue = &self.parts.catalogue;
        let named = || named.and_then(|name| ServiceName::parse(name).ok()).and_then(|name| catalogue.provider(&name));
        catalogue.provider(&ask.place.name.service).or_else(named)
    }
}

/// Which value was stored.
fn mark(stored: &Stored) -> KeyMark {
    let Stored { secret_id, at, version, .. } = stored;
    KeyMark { secret: at.secret.name.clone(), scope: at.scope.clone(), secret_id: *secret_id, version: *version }
}

impl New<'_> {
    /// What the new value says of a field: a field of it, or all of it if it is the credential itself.
    fn field(&self, field: &KeyName, credential: &KeyName) -> Result<Option<Plaintext>, VaultError> {
        if let Some(declared) = self.declared.get(field.as_str()) {
            return Ok(Some(select(self.value, &declared.name)?));
        }
        let whole = field == credential && self.declared.get(credential.as_str()).is_none();
        Ok(whole.then(|| Plaintext::new(self.value.expose().to_vec())))
    }
}
