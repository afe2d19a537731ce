//! The secrets of the mesh back to what they were at a revision: in one transaction, as new versions, so that followers see
//! time go on. For whoever may restore the whole store, and by the change log and the versions that are kept.

use crate::actors::change::{Change, CommittedSecret, GoBack};
use crate::actors::error::CommitError;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::number::{Revision, Version};
use crate::model::secret::ScopedSecret;
use crate::replication::back::{Back, Stuck, back, changed_since};

use super::account::{Account, PLANNED, noted};
use super::authorise::Object;
use super::back_error::BackError;
use super::error::VaultError;
use super::parts::{LeadParts, Vault};
use super::refusal::refusal_of_many;

/// How often it is planned anew when others changed something meanwhile.
const ATTEMPTS: usize = 5;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct GoBackRequest {
    /// The revision to go back to, of this reign.
    pub to: Revision,
    /// Whether it is only said what it would come to.
    pub rehearse: bool,
    /// Why.
    pub reason: Option<String>,
}

/// What became, or would become, of one secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// It has the value it had.
    Back,
    /// It is deleted, for it was not there.
    Away,
    /// It is current again, for it was not deleted.
    Undeleted,
}

/// One secret that is otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WentBack {
    /// Which.
    pub at: ScopedSecret,
    /// What became of it.
    pub went: Went,
    /// The version that is current.
    pub version: Version,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WentBackTo {
    /// The revision that was gone back to.
    pub to: Revision,
    /// The last change; of a rehearsal, what it would be.
    pub revision: Revision,
    /// The secrets that are otherwise than before.
    pub secrets: Vec<WentBack>,
}

impl Vault {
    /// Brings every secret back to the value it had at a revision, or says what doing so would come to.
    ///
    /// # Errors
    /// [`VaultError`]; [`BackError`] when the log does not reach back so far, or names the secrets whose value of then is gone;
    /// and `Moved` when others changed something all the time. Then nothing was changed.
    pub async fn go_back(&self, caller: &Caller, ask: GoBackRequest) -> Result<WentBackTo, VaultError> {
        let mut account = Account::open(caller, Action::BackupManage, self.parts.clock.now());
        let deed = format!("{} to revision {}", if ask.rehearse { "rehearse the way back" } else { "go back" }, ask.to);
        account.reason(Some(&noted(&deed, ask.reason.as_deref())));
        let done = self.try_go_back(caller, &ask, &mut account).await;
        self.settle(&account, done).await
    }

    async fn try_go_back(
        &self,
        caller: &Caller,
        ask: &GoBackRequest,
        account: &mut Account,
    ) -> Result<WentBackTo, VaultError> {
        let who = self.identify(caller, account)?;
        self.authorise_wholly(&who, Action::BackupManage, account)?;
        let LeadParts { secrets, .. } = self.lead()?;
        let mut announced = None;
        for _ in 0..ATTEMPTS {
            let plan = self.plan_back(ask.to).await?;
            // To go back is to change each of them: what may not be changed stays, also for whoever may restore the store.
            for (at, _) in &plan.steps {
                let object = Object::in_scope(&at.secret.name, &at.scope, &at.secret.environment);
                self.not_frozen(&who, Action::SecretRestore, object, account)?;
            }
            let went: Vec<(ScopedSecret, Went)> =
                plan.steps.iter().map(|(at, back)| (at.clone(), went(back))).collect();
            let change = Change::GoBack(Box::new(plan));
            let committed = if ask.rehearse {
                secrets.preview(change).await
            } else {
                let audit_seq = match announced {
                    Some(audit_seq) => audit_seq,
                    None => {
                        let named: Vec<ScopedSecret> = went.iter().map(|(at, _)| at.clone()).collect();
                        self.note_each(account, named, PLANNED).await?;
                        self.announce(account).await?
                    }
                };
                announced = Some(audit_seq);
                secrets.commit(change, audit_seq).await
            };
            match committed {
                Err(CommitError::Moved) => {}
                Err(error) => return Err(refusal_of_many(&error)),
                Ok(committed) => return Ok(self.went_back(ask.to, went, &committed.secrets()?)),
            }
        }
        Err(VaultError::Moved)
    }

    /// What is to be done, as things stand.
    async fn plan_back(&self, to: Revision) -> Result<GoBack, VaultError> {
        let lead_view = self.lead()?.board.lead_view.load_full();
        let here = lead_view.view.position.revision;
        if to > here {
            return Err(BackError::NotReached { to, here }.into());
        }
        let changed = changed_since(lead_view.log().map(|entry| &**entry), to, here)
            .map_err(|short| BackError::LogTooShort { to, oldest: short.oldest })?;
        let (mut steps, mut stuck) = (Vec::<(ScopedSecret, Back)>::new(), Vec::<(ScopedSecret, Stuck)>::new());
        for (at, first) in changed {
            let kept = self.parts.store.versions(at.clone()).await;
            let kept = kept.map_err(|error| VaultError::Internal(error.to_string()))?;
            match back(&first, &kept) {
                Ok(None) => {}
                Ok(Some(back)) => steps.push((at, back)),
                Err(why) => stuck.push((at, why)),
            }
        }
        if stuck.is_empty() { Ok(GoBack { seen: here, steps }) } else { Err(BackError::Stuck { to, stuck }.into()) }
    }

    /// A value that is what it was is no news, whatever was done to it in between.
    fn went_back(&self, to: Revision, went: Vec<(ScopedSecret, Went)>, made: &[CommittedSecret]) -> WentBackTo {
        let here = self.parts.board.held.load().view.position.revision;
        let revision = made.iter().filter(|secret| secret.changed).map(|secret| secret.revision).max();
        let changed = went.into_iter().zip(made).filter(|(_, secret)| secret.changed);
        let secrets = changed.map(|((at, went), secret)| WentBack { at, went, version: secret.version }).collect();
        WentBackTo { to, revision: revision.unwrap_or(here), secrets }
    }
}

fn went(back: &Back) -> Went {
    match back {
        Back::To(_) => Went::Back,
        Back::Gone => Went::Away,
        Back::Undeleted => Went::Undeleted,
    }
}
