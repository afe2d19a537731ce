//! The node checks the credentials it would use: each of them is accounted for before it leaves.
//!
//! A node asks for itself, as `node:NAME`. What is frozen is not used, and neither is a copy that is too old to be given out,
//! or anything on a node that was banned: then nothing is asked, and what was known stays.

use std::sync::Arc;

use super::account::Account;
use super::asking::{Finding, Question};
use super::authorise::Object;
use super::error::VaultError;
use super::flights::Flight;
use super::holdings::{Candidate, Holding, Holdings, Located};
use super::identity::Identified;
use super::parts::Vault;
use super::probe_call::{self, Fields, Needed};
use super::resolve::CompanyChoice;
use super::watched::watched;
use crate::actors::board::Held;
use crate::actors::checker::{Checker, Checking};
use crate::audit::entry::Ruling;
use crate::connectivity::subject::{Subject, Watched};
use crate::crypto::fields::select;
use crate::crypto::plaintext::Plaintext;
use crate::model::actions::Action;
use crate::model::api_check::{KeyCheck, KeyMark, PathCheck, cut};
use crate::model::article::ArticleId;
use crate::model::connectivity::{PathFault, Verdict};
use crate::model::name::{CompanyId, KeyName, ServiceName};
use crate::model::principal::Principal;
use crate::model::record::Record;
use crate::model::secret::ScopedSecret;

/// The outcome of a line about a credential that is about to be used to ask its provider.
pub(super) const ASKED: &str = "asked";

/// Why nothing is sent to a host that somebody else's field names.
pub(super) const FOREIGN_LEAD: &str = "its host is said by a field of a narrower scope: nothing was sent";

/// A credential that is ready to be asked about.
pub(super) struct Ready {
    /// What is asked.
    pub(super) question: Question,
    /// The values that are used: that of the credential first.
    pub(super) used: Vec<Located>,
}

impl Ready {
    /// What makes it the same check as another.
    pub(super) fn flight(&self) -> Flight {
        Flight {
            provider: self.question.provider.name.clone(),
            credential: self.question.probe.credential.clone(),
            marks: self.used.iter().map(Located::mark).collect(),
        }
    }
}

/// Why a credential is not ready.
#[derive(Debug)]
pub(super) enum Unready {
    /// A field that is needed has no value.
    Missing(KeyName),
    /// It may not be used now.
    Refused(VaultError),
    /// It is not what was to be checked.
    Other(&'static str),
}

impl From<VaultError> for Unready {
    fn from(error: VaultError) -> Self {
        Self::Refused(error)
    }
}

impl Unready {
    /// Why nothing was asked, in words that may travel: a freeze may name what only some may hear of.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Missing(field) => format!("{field} has no value here"),
            Self::Refused(VaultError::Frozen(_)) => "not asked: its use is frozen".to_owned(),
            Self::Refused(error) => format!("not asked: {error}"),
            Self::Other(why) => format!("not asked: {why}"),
        }
    }
}

impl Checker for Vault {
    fn watched(&self) -> Vec<Watched> {
        let held = self.parts.board.held.load_full();
        watched(self.holdings(&held))
    }

    fn check_path(&self, service: &ServiceName) -> Checking<PathCheck> {
        let (vault, service) = (self.clone(), service.clone());
        Box::pin(async move { vault.path_check(&service).await })
    }

    fn check_key(&self, subject: &Subject) -> Checking<KeyCheck> {
        let (vault, subject) = (self.clone(), subject.clone());
        Box::pin(async move { vault.key_check(&subject).await })
    }
}

impl Vault {
    /// What this node holds in its own environment.
    pub(super) fn holdings<'a>(&'a self, held: &'a Held) -> Holdings<'a> {
        Holdings {
            view: &held.view,
            catalogue: &self.parts.catalogue,
            node: &self.parts.node,
            entitlement: &held.entitlement,
            environment: &self.parts.environment,
        }
    }

    async fn path_check(&self, service: &ServiceName) -> PathCheck {
        let target = {
            let held = self.parts.board.held.load_full();
            let holding = self.holdings(&held).service(service);
            holding.and_then(|holding| probe_call::fixed_target(holding.provider))
        };
        let reached = match &target {
            Some(target) => self
                .parts
                .egress
                .reach(target)
                .await
                .map_err(|error| (error.fault().unwrap_or(PathFault::Broken), error.to_string())),
            None => Err((PathFault::Dns, format!("no host is known for {service} any more"))),
        };
        let checked_at = self.parts.clock.now().wall;
        match reached {
            Ok(time) => PathCheck { fault: None, detail: String::new(), response_time: Some(time), checked_at },
            Err((fault, text)) => {
                PathCheck { fault: Some(fault), detail: cut(&text).to_owned(), response_time: None, checked_at }
            }
        }
    }

    async fn key_check(&self, subject: &Subject) -> KeyCheck {
        let nothing = KeyCheck {
            company: subject.company.clone(),
            key: subject.key.clone(),
            verdict: None,
            detail: String::new(),
            response_time: None,
            checked_at: None,
            expires: None,
        };
        match self.try_key_check(subject).await {
            Ok(Finding { verdict, detail, response_time, checked_at, expires, asked: _ }) => KeyCheck {
                verdict: Some(verdict),
                detail,
                response_time,
                checked_at: Some(checked_at),
                expires,
                ..nothing
            },
            Err(unready) => KeyCheck { detail: cut(&unready.told()).to_owned(), ..nothing },
        }
    }

    async fn try_key_check(&self, subject: &Subject) -> Result<Finding, Unready> {
        let now = self.parts.clock.now();
        let who = Identified::new(vec![Principal::Node(self.parts.node.clone())], Vec::new(), None, None);
        let mut account = Account::of_node(&self.parts.node, Action::CredentialValidate, now);
        account.company(subject.company.as_ref());
        let ready = match self.ready_subject(subject, &who, &mut account) {
            Ok(ready) => ready,
            Err(Unready::Missing(field)) => {
                let detail = format!("{}/{field} has no value on this node", subject.service);
                return Ok(Finding::unasked(Verdict::NoCredential, &detail, now.wall));
            }
            Err(unready) => {
                if let Unready::Refused(frozen @ VaultError::Frozen(_)) = &unready {
                    self.note(&account, frozen.code()).await?;
                }
                return Err(unready);
            }
        };
        self.note_use(&mut account, &ready).await?;
        // The schedule counted the call when it began.
        Ok(self.found(ready, None).await?)
    }

    /// Looks again at what the subject is: the value may have changed since it was scheduled, and then it is another subject.
    fn ready_subject(&self, subject: &Subject, who: &Identified, account: &mut Account) -> Result<Ready, Unready> {
        self.check_standing()?;
        let held = self.parts.board.held.load_full();
        let holdings = self.holdings(&held);
        let changed = || Unready::Other("the credential changed");
        let holding = holdings.service(&subject.service).ok_or_else(changed)?;
        let credential = subject.credential.as_ref().ok_or(Unready::Other("no check of it is known"))?;
        let candidates = holdings.candidates(&holding);
        let candidate = candidates.iter().find(|candidate| candidate.credential == *credential).ok_or_else(changed)?;
        let company = chosen(subject.company.as_ref());
        let located = holdings.locate(&holding, credential, company);
        match (&subject.key, &located) {
            (None, None) => return Err(Unready::Missing(credential.clone())),
            (Some(mark), Some(located)) if *mark == located.mark() => {}
            (Some(_) | None, Some(_) | None) => return Err(changed()),
        }
        let mut allow = |record: &Record| self.unfrozen(who, record, subject.company.as_ref(), account);
        self.ready(holdings, &holding, candidate, company, &mut allow)
    }

    /// A node needs no grant for its own checks; freezes bind it like everybody.
    fn unfrozen(
        &self,
        who: &Identified,
        record: &Record,
        company: Option<&CompanyId>,
        account: &mut Account,
    ) -> Result<(), VaultError> {
        let ScopedSecret { secret, scope } = &record.at;
        let object = Object { company, ..Object::in_scope(&secret.name, scope, &secret.environment) };
        match self.freeze_of(who, Action::CredentialValidate, object) {
            None => Ok(()),
            Some(freeze) => {
                account.about(&secret.name, &secret.environment);
                account.scope(scope);
                account.decided(Ruling::Deny, ArticleId::Freeze(freeze.target.clone()).to_string());
                Err(VaultError::Frozen(Box::new(freeze)))
            }
        }
    }

    /// Opens what a check needs, if each part of it may be used and is not too old.
    pub(super) fn ready(
        &self,
        holdings: Holdings<'_>,
        holding: &Holding<'_>,
        candidate: &Candidate<'_>,
        company: CompanyChoice<'_>,
        allow: &mut dyn FnMut(&Record) -> Result<(), VaultError>,
    ) -> Result<Ready, Unready> {
        let Candidate { credential, provider, probe } = candidate;
        let (mut fields, mut used, mut places) = (Fields::new(), Vec::<Located>::new(), Vec::new());
        for Needed { field, required } in probe_call::needed(provider, probe) {
            // The secret of another service may have its own name for the one credential there is.
            let name = if field == probe.credential { credential } else { &field };
            let Some(located) = holdings.locate(holding, name, company) else {
                if required {
                    return Err(Unready::Missing(field));
                }
                continue;
            };
            allow(&located.record)?;
            places.push((field.clone(), located.record.at.scope.clone()));
            fields.insert(field, self.opened(&located)?);
            used.push(located);
        }
        if !probe_call::is_led_by_its_own(probe_call::host_field(provider, probe), &places) {
            return Err(Unready::Other(FOREIGN_LEAD));
        }
        let question = Question { provider: (*provider).clone(), probe: (*probe).clone(), fields };
        Ok(Ready { question, used })
    }

    /// The value of a field, as it may be used now.
    pub(super) fn opened(&self, Located { record, field }: &Located) -> Result<Plaintext, VaultError> {
        self.freshness(&record.at.secret.name, &record.options, &self.parts.clock.now())?;
        let value = self.open(record)?;
        match field {
            Some(field) => Ok(select(&value, field)?),
            None => Ok(value),
        }
    }

    /// Writes a line for each value that is about to be used.
    pub(super) async fn note_use(&self, account: &mut Account, ready: &Ready) -> Result<(), VaultError> {
        let mut noted: Vec<KeyMark> = Vec::new();
        for located in &ready.used {
            let mark = located.mark();
            if noted.contains(&mark) {
                continue;
            }
            let at = &located.record.at;
            account.about(&at.secret.name, &at.secret.environment);
            account.scope(&at.scope);
            account.version(located.record.version);
            self.note(account, ASKED).await?;
            noted.push(mark);
        }
        Ok(())
    }

    /// Asks the provider, or waits for the answer that somebody else waits for already. A call that is made is counted for
    /// this service, if one is named.
    pub(super) async fn found(&self, ready: Ready, counted: Option<&ServiceName>) -> Result<Finding, VaultError> {
        let flight = ready.flight();
        let (parts, counted) = (Arc::clone(&self.parts), counted.cloned());
        let check = async move {
            counted.iter().for_each(|service| parts.board.connectivity.note_call(service));
            ready.question.ask(&parts.egress, &*parts.clock).await
        };
        let broke_off = || VaultError::Internal("a check broke off".to_owned());
        self.flights.join(flight, check).await.ok_or_else(broke_off)
    }
}

/// On whose behalf, where it is known that the node may speak for it.
pub(super) fn chosen(company: Option<&CompanyId>) -> CompanyChoice<'_> {
    company.map_or(CompanyChoice::NotNamed, CompanyChoice::Honoured)
}
