//! Many values at once, all or none: from a file of another tool.
//!
//! Every entry is authorised and written to the journal by name before anything is stored; then one line announces the
//! import as a whole, and one tells what came of it.

use std::collections::BTreeSet;

use crate::actors::change::{Change, Committed, CommittedSecret, NewValue};
use crate::actors::error::CommitError;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::number::{Revision, Version};
use crate::model::secret::{ScopedSecret, SecretAddress};
use crate::store::failpoint::{self, Failpoint};

use super::account::{Account, PLANNED, noted};
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;
use super::refusal::refusal_of_many;
use super::request::{Context, Place, PutRequest};

/// Most values of one import: what a transaction and the memory of the lead take in their stride.
pub const IMPORT_MAX: usize = 200_000;

/// What became, or would become, of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It had no value that could be read.
    New,
    /// It had another value, or something else was said about it.
    Changed,
    /// It was so already.
    Same,
}

/// One entry of an import, in the order they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportedEntry {
    /// What became of it.
    pub outcome: Outcome,
    /// The version that is current after it.
    pub version: Version,
}

/// What came of an import, or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The entries.
    pub entries: Vec<ImportedEntry>,
    /// The last change; of a rehearsal, what it would be.
    pub revision: Revision,
}

impl Vault {
    /// Stores many values in one transaction, or says what doing so would come to.
    ///
    /// # Errors
    /// [`VaultError`]; `OfSecret` names the entry that cannot be stored, and then nothing was.
    pub async fn import(
        &self,
        caller: &Caller,
        entries: Vec<PutRequest>,
        rehearse: bool,
        reason: Option<String>,
    ) -> Result<Imported, VaultError> {
        let mut account = Account::open(caller, Action::SecretWrite, self.parts.clock.now());
        let deed = rehearse.then(|| noted("dry run", reason.as_deref()));
        account.reason(deed.as_deref().or(reason.as_deref()));
        let done = self.try_import(caller, entries, rehearse, &mut account).await;
        self.settle(&account, done).await
    }

    /// Whether the caller may store anything at all: asked before its entries are read.
    ///
    /// # Errors
    /// [`VaultError`]; a refusal is audited.
    pub async fn may_import(&self, caller: &Caller) -> Result<(), VaultError> {
        let mut account = Account::open(caller, Action::SecretWrite, self.parts.clock.now());
        let allowed = self.recognise(caller, &mut account).and_then(|who| {
            let environment = &self.parts.environment;
            let object = Object::of_node(environment);
            self.authorise(&who, Action::SecretWrite, object, &mut account)?;
            self.lead().map(drop)
        });
        match allowed {
            Ok(()) => Ok(()),
            refused => self.settle(&account, refused).await,
        }
    }

    async fn try_import(
        &self,
        caller: &Caller,
        entries: Vec<PutRequest>,
        rehearse: bool,
        account: &mut Account,
    ) -> Result<Imported, VaultError> {
        let who = self.identify(caller, account)?;
        if entries.len() > IMPORT_MAX {
            return Err(VaultError::TooMany { max: IMPORT_MAX });
        }
        let mut seen = BTreeSet::new();
        let mut values = Vec::with_capacity(entries.len());
        for entry in entries {
            let value = self.admit_entry(&who, entry, account)?;
            if !seen.insert(value.at.clone()) {
                return Err(of_secret(&value.at, VaultError::Twice));
            }
            values.push(value);
        }
        let lead = self.lead()?;
        if rehearse {
            account.about_nothing();
            return imported(lead.secrets.preview(Change::Import(values)).await);
        }
        self.note_each(account, seen, PLANNED).await?;
        failpoint::pass(Failpoint::ImportPlanned);
        let audit_seq = self.announce(account).await?;
        failpoint::pass(Failpoint::ImportAnnounced);
        let committed = lead.secrets.commit(Change::Import(values), audit_seq).await;
        failpoint::pass(Failpoint::ImportStored);
        imported(committed)
    }

    /// Asks policy about one entry.
    fn admit_entry(&self, who: &Identified, entry: PutRequest, account: &mut Account) -> Result<NewValue, VaultError> {
        let PutRequest { place, value, patch, cas } = entry;
        let Place { name, scope, environment, node, reason: _ } = place;
        account.about(&name, &self.parts.environment);
        account.scope(&scope);
        self.check_node(&Context::on(node.as_ref()))?;
        let environment = self.environment(who, environment.as_ref())?;
        account.about(&name, &environment);
        self.authorise(who, Action::SecretWrite, Object::in_scope(&name, &scope, &environment), account)?;
        let at = SecretAddress { environment, name }.within(scope);
        let bytes_max = self.parts.value_bytes_max;
        if value.len() > bytes_max {
            return Err(of_secret(&at, VaultError::ValueTooLarge { bytes_max }));
        }
        patch.check(self.parts.clock.now().wall).map_err(|refused| of_secret(&at, refused.into()))?;
        Ok(NewValue { at, value, patch, cas })
    }
}

fn of_secret(at: &ScopedSecret, cause: VaultError) -> VaultError {
    VaultError::OfSecret { name: at.secret.name.clone(), scope: at.scope.clone(), cause: Box::new(cause) }
}

fn imported(committed: Result<Committed, CommitError>) -> Result<Imported, VaultError> {
    let secrets = committed.map_err(|error| refusal_of_many(&error))?.secrets()?;
    let revision = secrets.iter().map(|secret| secret.revision).max().unwrap_or_default();
    Ok(Imported { entries: secrets.iter().map(entry).collect(), revision })
}

fn entry(secret: &CommittedSecret) -> ImportedEntry {
    let outcome = match (secret.changed, secret.before) {
        (false, _) => Outcome::Same,
        (true, None) => Outcome::New,
        (true, Some(_)) => Outcome::Changed,
    };
    ImportedEntry { outcome, version: secret.version }
}
