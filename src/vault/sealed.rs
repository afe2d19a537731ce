//! The door of a node that has no key yet: it can be unsealed, and nothing else.
//!
//! The order is the one of every change: by_kernel, authorised, announced in the journal, done, accounted for. One offer at
//! a time, so that the lines of the journal tell the order in which shares came. The key is handed on only after the line
//! that says so is written. No line holds a share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, mpsc, watch};

use super::account::Account;
use super::authorise::{Object, Permit, ruled};
use super::error::VaultError;
use super::identity::{by_kernel, no_such_key};
use super::refusals::Refusals;
use super::sealed_parts::{Awaits, Lock, Offer, SealedHealth, SealedParts};
use crate::audit::entry::{INTENT, Ruling};
use crate::crypto::error::CryptoError;
use crate::crypto::gathering::Gathering;
use crate::crypto::passphrase::PassphraseParameters;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::unseal::UnsealKey;
use crate::model::actions::Action;
use crate::model::caller::{Caller, ShownKey};
use crate::policy::rulebook::Rulebook;

/// The rule named when a value is asked for.
const SEALED_RULE: &str = "the node is sealed";

/// How far the node is on its way from sealed to serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Sealed,
    Starting,
    Serving,
    Failed,
}

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct SealedDoor {
    inner: Arc<Inner>,
}

struct Inner {
    parts: SealedParts,
    gathered: Option<Mutex<Gathering>>,
    journal_works: AtomicBool,
    refusals: Refusals,
    /// One offer at a time: deriving from a passphrase takes 64 MiB, and lines of the journal shall not cross.
    turn: Semaphore,
    stage: watch::Sender<Stage>,
    key: mpsc::Sender<UnsealKey>,
}

impl SealedDoor {
    /// A door on these parts, and where the key comes out: once, after the journal says so.
    #[must_use]
    pub fn new(parts: SealedParts) -> (Self, mpsc::Receiver<UnsealKey>) {
        let gathered = match &parts.lock {
            Lock::Shares(parameters) => Some(Mutex::new(Gathering::new(*parameters))),
            Lock::Passphrase(_) => None,
        };
        let (key, out) = mpsc::channel(1);
        let inner = Inner {
            parts,
            gathered,
            journal_works: AtomicBool::new(true),
            refusals: Refusals::default(),
            turn: Semaphore::new(1),
            stage: watch::Sender::new(Stage::Sealed),
            key,
        };
        (Self { inner: Arc::new(inner) }, out)
    }

    /// How the node is. Always answers; asks nobody.
    #[must_use]
    pub fn health(&self) -> SealedHealth {
        let parts = &self.inner.parts;
        SealedHealth {
            node: parts.node.clone(),
            role: parts.role,
            position: parts.position,
            awaits: self.awaits(),
            shares: match &parts.lock {
                Lock::Shares(parameters) => Some(*parameters),
                Lock::Passphrase(_) => None,
            },
            now: parts.clock.now().wall,
        }
    }

    /// What the node waits for.
    #[must_use]
    pub fn awaits(&self) -> Awaits {
        if *self.inner.stage.borrow() != Stage::Sealed {
            return Awaits::Start;
        }
        self.gathered().map_or(Awaits::Passphrase, |gathered| Awaits::Shares(gathered.progress()))
    }

    /// Takes what somebody brings. With the last share, or the right passphrase, the key goes out.
    ///
    /// # Errors
    /// [`VaultError`]; after `WrongShares` every share must be brought again, after any other refusal what was gathered
    /// stays.
    pub async fn offer(&self, caller: &Caller, offer: Offer) -> Result<Awaits, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.inner.parts.clock.now());
        account.reason(Some(offer.deed()));
        let permit = match self.permit(caller, &mut account) {
            Ok(permit) => permit,
            Err(refused) => return self.settle(&account, Err(refused)).await,
        };
        let _turn = self.inner.turn.acquire().await.map_err(|_| VaultError::Overloaded)?;
        let taken = self.take(permit, offer, &mut account).await;
        match self.settle(&account, taken).await {
            Ok(Some(key)) => {
                self.forget();
                self.inner.stage.send_replace(Stage::Starting);
                // Nothing else is sent, so there is room; without a receiver the node is going down.
                let gone = |_| VaultError::Internal("the node is going down".to_owned());
                self.inner.key.try_send(key).map_err(gone)?;
                account.still_there(Ok(Awaits::Start))
            }
            Ok(None) => account.still_there(Ok(self.awaits())),
            Err(error) => {
                // Enough shares and no node to show for it: the same shares may be brought again.
                if self.gathered().is_some_and(|gathered| gathered.progress().is_complete()) {
                    self.forget();
                }
                Err(error)
            }
        }
    }

    /// Returns when the node serves.
    ///
    /// # Errors
    /// [`VaultError::Internal`] when it could not be started with its key.
    pub async fn served(&self) -> Result<(), VaultError> {
        let failed = || VaultError::Internal("the node was unsealed and could not be started".to_owned());
        let mut stage = self.inner.stage.subscribe();
        let reached = stage.wait_for(|stage| matches!(stage, Stage::Serving | Stage::Failed)).await;
        match reached.map(|stage| *stage) {
            Ok(Stage::Serving) => Ok(()),
            Ok(Stage::Sealed | Stage::Starting | Stage::Failed) | Err(_) => Err(failed()),
        }
    }

    /// The node serves: whoever brought the last share is told.
    pub fn opened(&self) {
        self.inner.stage.send_replace(Stage::Serving);
    }

    /// The node could not be started.
    pub fn failed(&self) {
        self.inner.stage.send_replace(Stage::Failed);
    }

    /// Accounts for a value that somebody asked for, and gives the refusal: there is none to be had yet.
    pub async fn refuse_value(&self, caller: &Caller, asked: &str) -> VaultError {
        let mut account = Account::open(caller, Action::SecretRead, self.inner.parts.clock.now());
        // Only so that the line says who it is.
        let _ = by_kernel(caller, self.inner.parts.house, &mut account);
        account.within(&self.inner.parts.environment);
        account.decided(Ruling::Deny, SEALED_RULE);
        account.reason(Some(asked));
        let refused = VaultError::NodeSealed { awaits: self.awaits() };
        match self.settle(&account, Err::<(), _>(refused.clone())).await {
            Err(error) => error,
            Ok(()) => refused,
        }
    }

    /// Only the owner of the node, through the admin door.
    fn permit(&self, caller: &Caller, account: &mut Account) -> Result<Permit, VaultError> {
        let parts = &self.inner.parts;
        let who = by_kernel(caller, parts.house, account)?;
        let object = Object::of_node(&parts.environment);
        // A sealed node has read no rulebook: the one rule that every node has must do, and no API key is known.
        if caller.shown.key != ShownKey::None || caller.shown.acts_as.is_some() {
            return Err(no_such_key(account, "no API key is known while the node is sealed"));
        }
        ruled(who.decide(&Rulebook::default(), Action::NodeManage, object, parts.clock.now()), account)
    }

    /// Announces the offer, and makes what can be made of it: a key, or one share more.
    async fn take(&self, _: Permit, offer: Offer, account: &mut Account) -> Result<Option<UnsealKey>, VaultError> {
        let stage = *self.inner.stage.borrow();
        if stage != Stage::Sealed {
            return Err(VaultError::NodeSealed { awaits: Awaits::Start });
        }
        self.write(account, INTENT).await?;
        account.lasts();
        let key = match (offer, &self.inner.parts.lock) {
            (Offer::Share(share), Lock::Shares(_)) => self.take_share(&share, account)?,
            (Offer::Passphrase(passphrase), Lock::Passphrase(parameters)) => {
                Some(self.right_key(derive(passphrase, parameters.clone()).await?, VaultError::WrongPassphrase)?)
            }
            (Offer::Reset, Lock::Shares(_) | Lock::Passphrase(_)) => {
                self.forget();
                account.reason(Some("unseal: the shares are forgotten"));
                None
            }
            (Offer::Share(_), Lock::Passphrase(_)) => return Err(VaultError::OtherLock { wanted: "a passphrase" }),
            (Offer::Passphrase(_), Lock::Shares(_)) => return Err(VaultError::OtherLock { wanted: "shares" }),
        };
        if key.is_some() {
            account.reason(Some("unseal: the node is unsealed"));
        }
        Ok(key)
    }

    fn take_share(&self, share: &Plaintext, account: &mut Account) -> Result<Option<UnsealKey>, VaultError> {
        let Some(mut gathered) = self.gathered() else { return Ok(None) };
        let index = gathered.offer(share)?;
        let progress = gathered.progress();
        account.reason(Some(&format!("unseal: share {index} is taken; {progress}")));
        if !progress.is_complete() {
            return Ok(None);
        }
        let key = gathered.combine().map_err(|error| VaultError::Internal(error.to_string()))?;
        self.right_key(key, VaultError::WrongShares).map(Some)
    }

    /// The key, if it is the one the root key was wrapped with.
    fn right_key(&self, key: UnsealKey, otherwise: VaultError) -> Result<UnsealKey, VaultError> {
        match key.unwrap_root(&self.inner.parts.mesh, &self.inner.parts.root) {
            Ok(_) => Ok(key),
            Err(CryptoError::UnsealMismatch) => Err(otherwise),
            Err(error) => Err(VaultError::Internal(error.to_string())),
        }
    }

    fn gathered(&self) -> Option<MutexGuard<'_, Gathering>> {
        self.inner.gathered.as_ref().map(|gathered| gathered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn forget(&self) {
        if let Some(mut gathered) = self.gathered() {
            gathered.forget();
        }
    }

    async fn write(&self, account: &Account, outcome: &'static str) -> Result<u64, VaultError> {
        let Inner { parts, journal_works, refusals, .. } = &*self.inner;
        account.write(outcome, (&parts.journal, journal_works), refusals, parts.clock.now()).await
    }

    /// Writes what came of it, and lets it out only then.
    async fn settle<T>(&self, account: &Account, result: Result<T, VaultError>) -> Result<T, VaultError> {
        self.write(account, account.outcome(&result)).await?;
        result
    }
}

/// Takes 64 MiB and a tenth of a second: not on a thread that serves others.
async fn derive(passphrase: Plaintext, parameters: PassphraseParameters) -> Result<UnsealKey, VaultError> {
    let derived = tokio::task::spawn_blocking(move || UnsealKey::from_passphrase(&passphrase, &parameters)).await;
    match derived {
        Ok(Ok(key)) => Ok(key),
        Ok(Err(CryptoError::EmptyPassphrase)) => Err(VaultError::WrongPassphrase),
        Ok(Err(error)) => Err(VaultError::Internal(error.to_string())),
        Err(panicked) => Err(VaultError::Internal(panicked.to_string())),
    }
}
