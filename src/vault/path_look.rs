//! Which keys a path has, as far as a caller may do with them what it asks for: what it may not is as if it were not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::{EnvironmentName, KeyName};
use crate::model::number::Version;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::Scope;

use super::account::Account;
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;
use super::path_request::{PATH_KEYS_MAX, PathPlace};
use super::resolve::CompanyChoice;

/// The rule named when there is nothing, and the caller may not be told so.
const ABSENT_RULE: &str = "absent, and not to be told";

/// The keys of a path that a caller may act on, with the record in the scope of the path where there is one that ever had a
/// value.
pub(super) type Keys = BTreeMap<KeyName, Option<Arc<Record>>>;

/// The version of a path.
pub(super) fn path_version(keys: &Keys) -> Option<Version> {
    keys.values().flatten().map(|record| record.version).max()
}

impl Vault {
    /// Who asks, and the keys of the path that it may do this with, in whichever scope a read would find them.
    ///
    /// # Errors
    /// [`VaultError`]; when there are none, `NotFound` or `Denied`, whichever the caller may be told.
    pub(super) fn look(
        &self,
        caller: &Caller,
        place: &PathPlace,
        action: Action,
        account: &mut Account,
    ) -> Result<(Identified, Keys), VaultError> {
        let who = self.identify(caller, account)?;
        let environment = self.at_path(place, account)?;
        self.check_standing()?;
        let held = self.parts.board.held.load_full();
        if matches!(Self::company(&place.context, &held.entitlement), CompanyChoice::Refused) {
            return Err(self.refused_by_roster(account));
        }
        let own = place.scope();
        let here = Scope::Node(self.parts.node.clone());
        let mut keys = Keys::new();
        let of_service = held
            .view
            .within(&environment, Some(&place.service), None)
            .take_while(|record| record.at.secret.name.service == place.service);
        for record in of_service.filter(|record| record.body != RecordBody::Unset) {
            let (scope, name) = (&record.at.scope, &record.at.secret.name);
            let object = Object { company: place.context.company.as_ref(), ..Object::of_secret(name, &environment) };
            let object = Object { scope: Some(scope), ..object };
            let counts = *scope == own || *scope == here || *scope == Scope::Global;
            if !counts || !self.is_granted(&who, action, object) {
                continue;
            }
            let key = keys.entry(name.key.clone()).or_insert(None);
            if *scope == own {
                *key = Some(Arc::clone(record));
            }
            if keys.len() > PATH_KEYS_MAX {
                return Err(VaultError::TooMany { max: PATH_KEYS_MAX });
            }
        }
        if keys.is_empty() {
            return Err(self.nothing(&who, place, action, account));
        }
        Ok((who, keys))
    }

    /// Says for where a path is asked about.
    pub(super) fn at_path(&self, place: &PathPlace, account: &mut Account) -> Result<EnvironmentName, VaultError> {
        let environment = self.parts.environment.clone();
        account.environment(&environment);
        account.company(place.context.company.as_ref());
        self.check_node(&place.context)?;
        Ok(environment)
    }

    /// Why there is nothing: refused by policy, or absent, which is said only to those who may know of such a secret.
    pub(super) fn nothing(
        &self,
        who: &Identified,
        place: &PathPlace,
        action: Action,
        account: &mut Account,
    ) -> VaultError {
        let name = place.any();
        let environment = &self.parts.environment;
        let object = Object { company: place.context.company.as_ref(), ..Object::of_secret(&name, environment) };
        match self.authorise(who, action, object, account) {
            Err(refused) => refused,
            Ok(_) if self.is_allowed(who, Action::SecretInfo, object) => {
                VaultError::NotFound { name, tried: Vec::new() }
            }
            Ok(_) => VaultError::Denied { rule: ABSENT_RULE.to_owned() },
        }
    }
}
