//! The keys of the lead: new generations of scope keys, a new root key, and how all of them stand.
//!
//! Nobody is shown a key here. A rotation is announced, begun, and then goes on by itself; [`Vault::keys`] tells how far
//! it is.

use crate::actors::change::{Change, Committed, KeyStep, KeyTarget};
use crate::actors::committed::Misfit;
use crate::actors::error::CommitError;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::secret::{KeyScope, Scope};
use crate::model::time::Timestamp;
use crate::store::failpoint::{self, Failpoint};

use super::account::Account;
use super::answer_keys::{KeyLine, KeyReport};
use super::authorise::Object;
use super::error::VaultError;
use super::parts::Vault;
use super::refusal::{Subject, refusal};
use super::request::{RotationRequest, RotationWish};

impl Vault {
    /// Gives scopes a key of a new generation, and has their values sealed anew. A scope whose last rotation is unfinished
    /// goes on with that one.
    ///
    /// # Errors
    /// [`VaultError`]; `NoSuchKey` when nothing was ever stored in the scope, `NotLead` on a follower.
    pub async fn rotate_keys(&self, caller: &Caller, ask: RotationRequest) -> Result<Vec<KeyTarget>, VaultError> {
        let mut account = Account::open(caller, Action::SecretRotate, self.parts.clock.now());
        self.give_reason(&mut account, ask.reason.as_deref());
        let begun = self.try_rotate_keys(caller, &ask.wish, &mut account).await;
        self.settle(&account, begun).await
    }

    /// Replaces the root key; when this answers, no byte that the old one wrapped is in the file.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn rotate_root(&self, caller: &Caller, reason: Option<&str>) -> Result<Timestamp, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        account.reason(Some(&reason.map_or("a new root key".to_owned(), |reason| format!("a new root key: {reason}"))));
        let replaced = self.try_rotate_root(caller, &mut account).await;
        self.settle(&account, replaced).await
    }

    /// How the keys stand.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn keys(&self, caller: &Caller) -> Result<KeyReport, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        let report = self.node_permit(caller, Action::NodeManage, &mut account).and_then(|()| self.key_report());
        self.settle(&account, report).await
    }

    async fn try_rotate_keys(
        &self,
        caller: &Caller,
        wish: &RotationWish,
        account: &mut Account,
    ) -> Result<Vec<KeyTarget>, VaultError> {
        let who = self.identify(caller, account)?;
        let named = match wish {
            RotationWish::One { environment, .. } | RotationWish::All { environment } => environment.as_ref(),
        };
        let environment = self.environment(&who, named)?;
        account.within(&environment);
        let company = match wish {
            RotationWish::One { scope: Scope::Company(company), .. } => Some(company),
            RotationWish::One { .. } | RotationWish::All { .. } => None,
        };
        if let RotationWish::One { scope, .. } = wish {
            account.scope(scope);
        }
        let object = Object { company, ..Object::of_node(&environment) };
        self.authorise(&who, Action::SecretRotate, object, account)?;
        // Every value of a scope at once, and the file of every node that has one: more than a grant about secrets can speak for.
        self.authorise_wholly(&who, Action::NodeManage, account)?;
        let lead = self.lead()?;
        let keys = self.parts.board.keys.load_full();
        let scopes: Vec<KeyScope> = match wish {
            RotationWish::One { scope, .. } => vec![KeyScope { environment, scope: scope.clone() }],
            RotationWish::All { environment: None } => keys.scopes().cloned().collect(),
            RotationWish::All { environment: Some(one) } => {
                keys.scopes().filter(|at| at.environment == *one).cloned().collect()
            }
        };
        for KeyScope { environment, scope } in &scopes {
            // A company may be frozen that nobody named.
            let object = Object { scope: Some(scope), ..Object::of_node(environment) };
            self.not_frozen(&who, Action::SecretRotate, object, account)?;
        }
        if let Some(missing) = scopes.iter().find(|at| keys.newest(at).is_none()) {
            return Err(VaultError::NoSuchKey(missing.clone()));
        }
        let announced = self.begin(account).await?;
        if announced.is_some() {
            failpoint::pass(Failpoint::RotationAnnounced);
        }
        let begun = key_step(self.carry_out(Change::BeginRotation { scopes }, announced).await?)?;
        if let Some(audit_seq) = announced {
            failpoint::pass(Failpoint::RotationBegun);
            lead.board.rotation.ask(audit_seq);
        }
        match begun {
            KeyStep::Begun(targets) => Ok(targets),
            KeyStep::Resealed(_) | KeyStep::Finished(_) | KeyStep::Root => Err(another_change()),
        }
    }

    async fn try_rotate_root(&self, caller: &Caller, account: &mut Account) -> Result<Timestamp, VaultError> {
        self.node_permit(caller, Action::NodeManage, account)?;
        let lead = self.lead()?;
        let audit_seq = self.announce(account).await?;
        failpoint::pass(Failpoint::RootAnnounced);
        let replaced = key_step(lead.secrets.commit(Change::RotateRoot, audit_seq).await)?;
        failpoint::pass(Failpoint::RootReplaced);
        match replaced {
            KeyStep::Root => {
                self.is_purged()?;
                Ok(**lead.board.root_since.load())
            }
            KeyStep::Begun(_) | KeyStep::Resealed(_) | KeyStep::Finished(_) => Err(another_change()),
        }
    }

    fn key_report(&self) -> Result<KeyReport, VaultError> {
        let lead = self.lead()?;
        // The progress first: a rotation that ends meanwhile is then shown as both done and under way, never as neither.
        let rotation = lead.board.rotation.progress();
        let (view, keys) = (lead.board.lead_view.load_full(), self.parts.board.keys.load_full());
        let sealed_by = view.view.sealed_by();
        let mut lines: Vec<KeyLine> = Vec::new();
        for (at, generation, held) in keys.iter() {
            let values = sealed_by.count(at, generation);
            match lines.last_mut().filter(|line| line.at == *at) {
                Some(line) => {
                    (line.generation, line.made_at) = (generation, held.made_at);
                    line.under_older = line.under_older.map_or(Some(line.values), |older| Some(older + line.values));
                    line.values = values;
                }
                None => {
                    lines.push(KeyLine { at: at.clone(), generation, made_at: held.made_at, values, under_older: None })
                }
            }
        }
        let root_since = **lead.board.root_since.load();
        Ok(KeyReport { keys: lines, root_since, unseal: lead.unseal, rotation })
    }
}

fn key_step(committed: Result<Committed, CommitError>) -> Result<KeyStep, VaultError> {
    Ok(committed.map_err(|error| refusal(&error, Subject::Many))?.keys()?)
}

fn another_change() -> VaultError {
    Misfit("such step of a rotation").into()
}
