//! X.509 identities of programs: which of the names that the kernel gives a caller it may carry, and the certificates that say so.
//!
//! Each name is asked about like a secret, `spiffe/unit.backend.service`, with the action `credential.apply`; a mesh starts with no
//! rule that allows it. An identity never says more than the kernel does: whoever is allowed all of `spiffe/*` is still given
//! its own names alone. Each that is given has its line in the journal before it leaves.

use std::fmt;

use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::{KeyName, ServiceName};
use crate::model::principal::Principal;
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;
use crate::transport::workload_authority::WorkloadIdentity;

use super::account::Account;
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;

/// The service under which policy speaks of identities.
const SERVICE: &str = "spiffe";

/// One name that a caller may carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadName {
    /// `unit`, `user` or `uid`.
    pub kind: &'static str,
    name: String,
    secret: SecretName,
}

impl WorkloadName {
    /// The name of a principal; `None` for one that is no name of a program, or that does not fit a name of ours: what would have
    /// to be escaped could be taken for something else.
    fn of(principal: &Principal) -> Option<Self> {
        let (kind, name) = match principal {
            Principal::Unit(unit) => ("unit", unit.as_str().to_owned()),
            Principal::UserNamed(user) => ("user", user.to_string()),
            Principal::User(uid) => ("uid", uid.to_string()),
            Principal::Group(_)
            | Principal::GroupNamed(_)
            | Principal::Executable(_)
            | Principal::Agent(_)
            | Principal::Node(_)
            | Principal::Owner
            | Principal::SocketGroup
            | Principal::Admin => return None,
        };
        let service = ServiceName::parse(SERVICE).ok()?;
        match KeyName::parse(&format!("{kind}.{name}")) {
            Ok(key) => Some(Self { kind, name, secret: SecretName { service, key } }),
            Err(error) => {
                tracing::debug!(%error, kind, "a program has a name that no identity is given for");
                None
            }
        }
    }

    /// What policy is asked about.
    #[must_use]
    pub fn secret(&self) -> &SecretName {
        &self.secret
    }
}

/// The path of its SPIFFE id: `unit/backend.service`.
impl fmt::Display for WorkloadName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.name)
    }
}

/// What programs check the identities of others with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadBundle {
    /// `spiffe://<node>.<mesh id>`.
    pub trust_domain_id: String,
    /// The authority's certificate, DER.
    pub certificate: Vec<u8>,
}

impl Vault {
    /// An identity for each name that the caller may carry, at least one: units first, then the user by name, then by number.
    ///
    /// # Errors
    /// [`VaultError`]; `Denied` when it may carry none.
    pub async fn workload_identities(
        &self,
        caller: &Caller,
    ) -> Result<Vec<(WorkloadName, WorkloadIdentity)>, VaultError> {
        let names = self.give_names(caller).await?;
        let now = self.parts.clock.now().wall;
        let issued = names.into_iter().map(|name| {
            let issued = self.parts.workloads.issue(&name.to_string(), now);
            Ok((name, issued.map_err(|error| VaultError::Internal(error.to_string()))?))
        });
        issued.collect()
    }

    /// What to check the identities of this node's programs with. For whoever may carry one of them.
    ///
    /// # Errors
    /// As [`Self::workload_identities`].
    pub async fn workload_bundle(&self, caller: &Caller) -> Result<WorkloadBundle, VaultError> {
        self.give_names(caller).await.map(|_| self.bundle())
    }

    /// The same, for whoever was given an identity.
    #[must_use]
    pub fn bundle(&self) -> WorkloadBundle {
        let workloads = &self.parts.workloads;
        WorkloadBundle { trust_domain_id: workloads.trust_domain_id(), certificate: workloads.bundle().to_vec() }
    }

    /// Which names a caller could have now. Decides nothing, and is written nowhere: it tells a stream when to ask again.
    #[must_use]
    pub fn workload_names(&self, caller: &Caller) -> Vec<WorkloadName> {
        let mut account = Account::open(caller, Action::CredentialApply, self.parts.clock.now());
        let Ok(who) = self.identify(caller, &mut account) else { return Vec::new() };
        if self.check_standing().is_err() {
            return Vec::new();
        }
        candidates(&who).into_iter().filter(|name| self.may_carry(&who, name)).collect()
    }

    /// Whether what was to be renewed at this moment is due.
    #[must_use]
    pub fn is_due(&self, renew_at: Timestamp) -> bool {
        self.parts.clock.now().wall >= renew_at
    }

    async fn give_names(&self, caller: &Caller) -> Result<Vec<WorkloadName>, VaultError> {
        let mut account = Account::open(caller, Action::CredentialApply, self.parts.clock.now());
        let (who, names) = match self.decide_names(caller, &mut account) {
            Ok(decided) => decided,
            Err(refused) => return self.settle(&account, Err(refused)).await,
        };
        for name in &names {
            account.about(&name.secret, &self.parts.environment);
            match self.authorise(&who, Action::CredentialApply, self.object(name), &mut account) {
                Ok(_) => self.note(&account, "ok").await?,
                Err(refused) => return self.settle(&account, Err(refused)).await,
            }
        }
        account.still_there(Ok(names))
    }

    /// Who asks, and the names that policy allows and no freeze holds up: at least one.
    fn decide_names(
        &self,
        caller: &Caller,
        account: &mut Account,
    ) -> Result<(Identified, Vec<WorkloadName>), VaultError> {
        let who = self.identify(caller, account)?;
        account.environment(&self.parts.environment);
        self.check_standing()?;
        let candidates = candidates(&who);
        let allowed: Vec<_> = candidates.iter().filter(|name| self.may_carry(&who, name)).cloned().collect();
        // If none is allowed, the line and the refusal are about the name that says most.
        let Some(first) = allowed.first().or(candidates.first()) else {
            return Err(VaultError::Denied { rule: "no name that an identity is given for".to_owned() });
        };
        account.about(&first.secret, &self.parts.environment);
        self.authorise(&who, Action::CredentialApply, self.object(first), account)?;
        Ok((who, allowed))
    }

    fn may_carry(&self, who: &Identified, name: &WorkloadName) -> bool {
        self.is_allowed(who, Action::CredentialApply, self.object(name))
    }

    fn object<'ask>(&'ask self, name: &'ask WorkloadName) -> Object<'ask> {
        Object::of_secret(&name.secret, &self.parts.environment)
    }
}

/// What the caller is by names that a program may carry, what says most first.
fn candidates(who: &Identified) -> Vec<WorkloadName> {
    let named = |kind: &str| who.principals().iter().filter_map(WorkloadName::of).find(|name| name.kind == kind);
    ["unit", "user", "uid"].into_iter().filter_map(named).collect()
}
