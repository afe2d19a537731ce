//! Credentials are checked because somebody asks: each of them is authorised and accounted for by itself, and what the
//! provider says is told at once.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::account::Account;
use super::answer_validation::{ValidateRequest, Validated};
use super::authorise::Object;
use super::checking::{Ready, Unready, chosen};
use super::error::VaultError;
use super::holdings::{Candidate, Holding, Holdings};
use super::identity::Identified;
use super::parts::Vault;
use super::resolve::CompanyChoice;
use super::watched::subjects;
use crate::model::actions::Action;
use crate::model::api_check::KeyMark;
use crate::model::caller::Caller;
use crate::model::connectivity::Verdict;
use crate::model::fields::FieldKind;
use crate::model::name::{CompanyId, KeyName, ServiceName};
use crate::model::record::Record;
use crate::model::secret::{ScopedSecret, SecretName};

/// A credential that somebody wants checked, on whose behalf, and whether it can be.
struct Wanted {
    credential: KeyName,
    company: Option<CompanyId>,
    key: Option<KeyMark>,
    ready: Result<Ready, Unready>,
}

impl Vault {
    /// Checks credentials of a service now, and tells what the provider says.
    ///
    /// # Errors
    /// [`VaultError`]; `NoSuchProvider` when the service is the API of no provider, `NotFound` when there is no such
    /// credential.
    pub async fn validate(&self, caller: &Caller, ask: ValidateRequest) -> Result<Vec<Validated>, VaultError> {
        let mut account = Account::open(caller, Action::CredentialValidate, self.parts.clock.now());
        account.reason(ask.context.reason.as_deref());
        let validated = self.try_validate(caller, &ask, &mut account).await;
        self.settle(&account, validated).await
    }

    async fn try_validate(
        &self,
        caller: &Caller,
        ask: &ValidateRequest,
        account: &mut Account,
    ) -> Result<Vec<Validated>, VaultError> {
        let who = self.identify(caller, account)?;
        account.environment(&self.parts.environment);
        account.company(ask.context.company.as_ref());
        self.check_node(&ask.context)?;
        self.check_standing()?;
        self.permit(&who, ask, account)?;
        let _asker = self.flights.asker().ok_or(VaultError::Overloaded)?;
        let wanted = self.wanted(&who, ask, account)?;
        let mut validated = Vec::with_capacity(wanted.len());
        let mut checks = JoinSet::new();
        for (index, Wanted { credential, company, key, ready }) in wanted.into_iter().enumerate() {
            let now = self.parts.clock.now().wall;
            let credential = Some(SecretName { service: ask.service.clone(), key: credential });
            let unasked = |verdict, reason| Validated {
                credential: credential.clone(),
                company: company.clone(),
                key: key.clone(),
                ..Validated::unasked(verdict, reason, now)
            };
            match ready {
                Ok(ready) => {
                    validated.push(unasked(None, "the check broke off".to_owned()));
                    let mut line = account.clone();
                    line.company(company.as_ref());
                    self.note_use(&mut line, &ready).await?;
                    let (vault, service) = (self.clone(), ask.service.clone());
                    checks.spawn(async move { (index, vault.found(ready, Some(&service)).await) });
                }
                Err(unready @ Unready::Missing(_)) => {
                    validated.push(unasked(Some(Verdict::NoCredential), unready.told()));
                }
                Err(Unready::Other(why)) => validated.push(unasked(Some(Verdict::Unsupported), why.to_owned())),
                Err(unready @ Unready::Refused(_)) => validated.push(unasked(None, unready.told())),
            }
        }
        while let Some(found) = checks.join_next().await {
            let (index, finding) = found.map_err(|broken| VaultError::Internal(broken.to_string()))?;
            let (finding, Some(place)) = (Validated::found(finding?), validated.get_mut(index)) else { continue };
            let Validated { credential, company, key, .. } = place.clone();
            *place = Validated { credential, company, key, ..finding };
        }
        validated.iter().for_each(|found| self.parts.board.asked_checks.note(found.check()));
        self.tell_schedule(&ask.service, &validated);
        Ok(validated)
    }

    /// Whether the caller may check anything of the kind at all; and on behalf of the company it names.
    fn permit(&self, who: &Identified, ask: &ValidateRequest, account: &mut Account) -> Result<(), VaultError> {
        let name = ask.key.clone().map(|key| SecretName { service: ask.service.clone(), key });
        if let Some(name) = &name {
            account.about(name, &self.parts.environment);
        }
        let object = Object {
            secret: name.as_ref(),
            company: ask.context.company.as_ref(),
            ..Object::of_node(&self.parts.environment)
        };
        self.authorise(who, Action::CredentialValidate, object, account)?;
        let held = self.parts.board.held.load();
        match Self::company(&ask.context, &held.entitlement) {
            CompanyChoice::Refused => Err(self.refused_by_roster(account)),
            CompanyChoice::NotNamed | CompanyChoice::Honoured(_) => Ok(()),
        }
    }

    /// What is wanted, opened as far as it may be. What the caller may not check is left out, unless it is named.
    fn wanted(&self, who: &Identified, ask: &ValidateRequest, account: &Account) -> Result<Vec<Wanted>, VaultError> {
        let held = self.parts.board.held.load_full();
        let holdings = self.holdings(&held);
        let Some(holding) = holdings.service(&ask.service) else {
            return match (self.parts.catalogue.provider(&ask.service), &ask.key) {
                (None, _) => Err(VaultError::NoSuchProvider(ask.service.clone())),
                (Some(_), Some(key)) => Err(absent(&ask.service, key)),
                (Some(_), None) => Ok(Vec::new()),
            };
        };
        let candidates = holdings.candidates(&holding);
        let mut wanted = Vec::new();
        for (credential, company) in asked_for(holdings, &holding, &candidates, ask) {
            let choice = chosen(company.as_ref());
            let located = holdings.locate(&holding, &credential, choice);
            if let Some(key) = &ask.key
                && credential != *key
                && located.as_ref().is_none_or(|located| located.record.at.secret.name.key != *key)
            {
                continue;
            }
            let ready = match candidates.iter().find(|candidate| candidate.credential == credential) {
                Some(candidate) => {
                    let mut allow =
                        |record: &Record| self.may_check(who, record, company.as_ref(), &mut account.clone());
                    self.ready(holdings, &holding, candidate, choice, &mut allow)
                }
                None => Err(Unready::Other("no check of it is known")),
            };
            match ready {
                Err(Unready::Refused(refused)) if ask.key.is_some() && ask.context.company == company => {
                    return Err(refused);
                }
                Err(Unready::Refused(VaultError::Denied { .. })) => {}
                // That there is a place for a credential is told to whoever may check what would be there.
                Err(Unready::Missing(_)) if !self.may_check_name(who, &ask.service, &credential, company.as_ref()) => {}
                ready => {
                    let key = located.map(|located| located.mark());
                    wanted.push(Wanted { credential, company, key, ready });
                }
            }
        }
        let may_check = |record: &Record| self.may_check(who, record, None, &mut account.clone()).is_ok();
        let is_known = || self.parts.catalogue.provider(&ask.service).is_some();
        match &ask.key {
            Some(key) if wanted.is_empty() => {
                let unchecked = self.unchecked(who, holdings, &holding, key, ask);
                unchecked.map(|unchecked| vec![unchecked]).ok_or_else(|| absent(&ask.service, key))
            }
            // A service that only its secrets make one is not there for whoever may check none of them.
            None if wanted.is_empty() && !is_known() && !holding.records.iter().any(|record| may_check(record)) => {
                Err(VaultError::NoSuchProvider(ask.service.clone()))
            }
            None if candidates.is_empty() => {
                let unchecked = secrets(&holding).into_iter();
                Ok(unchecked.filter_map(|key| self.unchecked(who, holdings, &holding, key, ask)).collect())
            }
            Some(_) | None => Ok(wanted),
        }
    }

    fn may_check_name(
        &self,
        who: &Identified,
        service: &ServiceName,
        key: &KeyName,
        company: Option<&CompanyId>,
    ) -> bool {
        let name = SecretName { service: service.clone(), key: key.clone() };
        let object = Object { company, ..Object::of_secret(&name, &self.parts.environment) };
        self.is_granted(who, Action::CredentialValidate, object)
    }

    fn may_check(
        &self,
        who: &Identified,
        record: &Record,
        company: Option<&CompanyId>,
        account: &mut Account,
    ) -> Result<(), VaultError> {
        let ScopedSecret { secret, scope } = &record.at;
        let object = Object::in_scope(&secret.name, scope, &secret.environment);
        let object = Object { company: company.or(object.company), ..object };
        self.authorise(who, Action::CredentialValidate, object, account).map(drop)
    }

    /// A secret that is there, and is nothing that a provider could be asked about; none if the caller may not check it.
    fn unchecked(
        &self,
        who: &Identified,
        holdings: Holdings<'_>,
        holding: &Holding<'_>,
        key: &KeyName,
        ask: &ValidateRequest,
    ) -> Option<Wanted> {
        let name = SecretName { service: ask.service.clone(), key: key.clone() };
        let company = ask.context.company.as_ref();
        let object = Object { company, ..Object::of_secret(&name, &self.parts.environment) };
        let located = holdings.locate(holding, key, chosen(company))?;
        self.is_allowed(who, Action::CredentialValidate, object).then(|| Wanted {
            credential: key.clone(),
            company: company.cloned(),
            key: Some(located.mark()),
            ready: Err(Unready::Other("no harmless check of it is known")),
        })
    }

    /// What was found differs from what is believed: then the schedule looks again.
    fn tell_schedule(&self, service: &ServiceName, validated: &[Validated]) {
        let connectivity = &self.parts.board.connectivity;
        let matrix = connectivity.matrix();
        let Some(cell) = matrix.row(&self.parts.node).and_then(|row| row.cells.get(service)) else { return };
        let differs = |found: &Validated| {
            let believed = cell.keys.iter().find(|check| check.key.is_some() && check.key == found.key);
            believed.is_some_and(|check| found.verdict.is_some() && check.verdict != found.verdict)
        };
        if validated.iter().any(differs) {
            connectivity.report_failure(service.clone());
        }
    }
}

/// The credentials that a request is about, and on whose behalf: with a company, each as it resolves for that; without one,
/// the node's own and those of companies.
fn asked_for(
    holdings: Holdings<'_>,
    holding: &Holding<'_>,
    candidates: &[Candidate<'_>],
    ask: &ValidateRequest,
) -> Vec<(KeyName, Option<CompanyId>)> {
    if let Some(company) = &ask.context.company {
        return candidates.iter().map(|candidate| (candidate.credential.clone(), Some(company.clone()))).collect();
    }
    let subjects = subjects(holdings, holding).into_iter();
    subjects.filter_map(|subject| Some((subject.credential?, subject.company))).collect()
}

/// What a service holds that may be a credential: all but what its provider says is a text for everybody to read.
fn secrets<'a>(holding: &'a Holding<'_>) -> BTreeSet<&'a KeyName> {
    let is_text = |key: &KeyName| {
        let mut texts = holding.provider.fields.iter().filter(|field| field.kind == FieldKind::Text);
        texts.any(|field| field.name == *key)
    };
    holding.records.iter().map(|record| &record.at.secret.name.key).filter(|key| !is_text(key)).collect()
}

fn absent(service: &ServiceName, key: &KeyName) -> VaultError {
    VaultError::NotFound { name: SecretName { service: service.clone(), key: key.clone() }, tried: Vec::new() }
}
