//! Values that two environments share: the production key that ended up in a developer's environment. Found by keyed
//! digests within `crypto`; who asks learns that two values are the same, never what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::crypto::same::{Comparison, Fingerprint};
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::EnvironmentName;
use crate::model::record::{Record, RecordState};
use crate::model::secret::ScopedSecret;

use super::account::{Account, noted};
use super::answer::{SharedValue, SharedValues};
use super::authorise::Object;
use super::environments::{counterpart, not_empty};
use super::error::VaultError;
use super::identity::Identified;
use super::off_thread::off_thread;
use super::parts::Vault;
use super::request::{CheckRequest, Context};

/// Places named for one shared value: enough to find it, few enough that one value in a hundred thousand places does
/// not make a page for each of them.
const PLACES_MAX: usize = 10;

impl Vault {
    /// The live secrets of the right environment whose value, or a secret field of it, the left one has too. One audit
    /// line, `secret.explain`: nothing is read out, but that two values are equal is told. What the caller may not read
    /// is not compared.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn check_environments(&self, caller: &Caller, ask: CheckRequest) -> Result<SharedValues, VaultError> {
        let mut account = Account::open(caller, Action::SecretExplain, self.parts.clock.now());
        account.environment(&ask.right);
        account.reason(Some(&noted(&format!("comparison with {}", ask.left), ask.reason.as_deref())));
        let checked = self.try_check(caller, ask, &mut account).await;
        self.settle(&account, checked).await
    }

    async fn try_check(
        &self,
        caller: &Caller,
        ask: CheckRequest,
        account: &mut Account,
    ) -> Result<SharedValues, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_node(&Context::on(ask.node.as_ref()))?;
        for environment in [&ask.left, &ask.right] {
            let object = Object::of_node(environment);
            self.authorise(&who, Action::SecretExplain, object, account)?;
            self.authorise(&who, Action::SecretRead, object, account)?;
        }
        self.lead()?;
        self.two_environments(&who, &ask.left, &ask.right)?;
        let vault = self.clone();
        off_thread(move || match vault.shared_values(&who, &ask) {
            // A key went between the look at the records and the look at the keys: its scope was given a new one.
            Err(VaultError::Sealed) => vault.shared_values(&who, &ask),
            compared => compared,
        })
        .await
    }

    fn shared_values(&self, who: &Identified, ask: &CheckRequest) -> Result<SharedValues, VaultError> {
        let comparison = Comparison::new(&*self.parts.entropy);
        let comparison = comparison.map_err(|error| VaultError::Internal(error.to_string()))?;
        let left = self.digests(who, &comparison, &ask.left)?;
        let right = self.digests(who, &comparison, &ask.right)?;
        let mut places: BTreeMap<Fingerprint, BTreeSet<&ScopedSecret>> = BTreeMap::new();
        for (at, prints) in left.records.iter().map(|(record, prints)| (&record.at, prints)) {
            for print in prints {
                places.entry(*print).or_default().insert(at);
            }
        }
        let shared = right.records.iter().filter_map(|(record, prints)| {
            let found: Vec<_> = prints.iter().filter_map(|print| places.get(print)).collect();
            (!found.is_empty()).then(|| shared_value(&record.at, &ask.left, &found))
        });
        let mut shared: Vec<SharedValue> = shared.collect();
        shared.sort_by_key(|value| !value.same_place);
        let compared = (left.records.len(), right.records.len());
        Ok(SharedValues { compared, skipped: left.skipped + right.skipped, shared })
    }

    fn digests(
        &self,
        who: &Identified,
        comparison: &Comparison,
        environment: &EnvironmentName,
    ) -> Result<Digests, VaultError> {
        let held = self.parts.board.held.load_full();
        not_empty(&held.view, environment)?;
        let keys = self.parts.board.keys.load_full();
        let mut digests = Digests::default();
        let live = |record: &&Arc<Record>| record.state() == RecordState::Live;
        for record in held.view.within(environment, None, None).filter(live) {
            let at = &record.at;
            let object = Object::in_scope(&at.secret.name, &at.scope, environment);
            if !self.is_allowed(who, Action::SecretRead, object) {
                digests.skipped += 1;
                continue;
            }
            let generation = record.sealed().ok_or(VaultError::Sealed)?.generation;
            let key = keys.get(&at.key_scope(), generation).ok_or(VaultError::Sealed)?;
            let prints = comparison.fingerprints(&key, &self.parts.mesh, record).map_err(|error| {
                tracing::error!(%error, "a record does not open: it was altered, or belongs elsewhere");
                VaultError::Internal("a stored record does not open".to_owned())
            })?;
            digests.records.push((Arc::clone(record), prints));
        }
        Ok(digests)
    }
}

/// The digests of one environment.
#[derive(Default)]
struct Digests {
    records: Vec<(Arc<Record>, Vec<Fingerprint>)>,
    skipped: usize,
}

/// Where the left environment has a value of the right one; the same name and scope comes first.
fn shared_value(at: &ScopedSecret, left: &EnvironmentName, found: &[&BTreeSet<&ScopedSecret>]) -> SharedValue {
    let same = counterpart(at, left);
    let same_place = found.iter().any(|places| places.contains(&same));
    let mut places: Vec<ScopedSecret> = same_place.then(|| same.clone()).into_iter().collect();
    for place in found.iter().flat_map(|places| places.iter()).filter(|place| ***place != same) {
        if places.len() >= PLACES_MAX {
            break;
        }
        if !places.contains(*place) {
            places.push((*place).clone());
        }
    }
    SharedValue { at: at.clone(), same_place, left: places }
}
