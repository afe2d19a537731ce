//! The rotation of scope keys on the lead: every value of a scope that has a newer key is sealed anew, in bounded batches
//! that take their turn among the changes of others, and then the older keys go. Supervised by `node`; when it dies it is
//! started again, for ever: until it is done both keys open everything.
//!
//! One pass serves every scope that is unfinished. Current values come first: once they are under the new key, nothing
//! that is put or replaced can be under an older one, so what is left are the older versions there are by then. A pass over
//! those that finds nothing to do is the proof that the old keys may go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorProcessingErr;
use tokio::sync::watch;

use super::board::{Board, LeadBoard};
use super::change::{Change, Committed, KeyStep, KeyTarget};
use super::error::{CommitError, RotationError};
use super::rotation_board::{Phase, Progress};
use super::secret_lead::LeadSecrets;
use crate::audit::entry::{Entry, INTENT};
use crate::audit::journal::Journal;
use crate::model::number::{Generation, Version};
use crate::model::record::Record;
use crate::model::secret::{KeyScope, ScopedSecret};
use crate::replication::view::View;
use crate::store::failpoint::{self, Failpoint};
use crate::store::handle::Store;

/// Values in one transaction: a few milliseconds of sealing, so that a put beside it does not notice.
const BATCH: usize = 64;

/// Bytes of values in one transaction, for the same reason; one larger value goes alone.
const BATCH_BYTES: usize = 1 << 20;

/// Records looked at before others get their turn on this thread.
const EXAMINED: usize = 4096;

/// Older versions read at once; the store ends a page after a megabyte.
const PAGE: usize = 64;

/// Before a batch that found no place among the changes is offered again.
const OVERLOADED_PAUSE: Duration = Duration::from_millis(50);

/// Before what failed is tried again: it needs somebody to look, or a disk with room.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// What was done, in the journal.
const ACTION: &str = "secret.rotate";

/// What the work needs.
pub struct KeyRotation {
    /// The one writer.
    pub secrets: LeadSecrets,
    /// Where the older versions are.
    pub store: Store,
    /// The open keys, as they are published.
    pub board: Arc<Board>,
    /// The records, as they are published, and where the work is asked for.
    pub lead_board: Arc<LeadBoard>,
    /// Where work that nobody asked this process for is announced.
    pub journal: Journal,
}

/// The generation each scope is on its way to.
type Targets = BTreeMap<KeyScope, Generation>;

impl KeyRotation {
    /// Waits to be asked, and works. What a crash left unfinished is finished first.
    pub(super) async fn keep_rotating(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        let mut asked = self.lead_board.rotation.subscribe();
        let mut resumed = None;
        loop {
            match self.finish_all(&mut asked, &mut resumed).await {
                Ok(()) => {
                    self.lead_board.rotation.publish(None);
                    asked.changed().await?;
                }
                Err(RotationError::Commit(CommitError::Stopped)) => return Ok(()),
                Err(RotationError::Commit(CommitError::NotLead(lead))) => {
                    tracing::info!(%lead, "an unfinished key rotation is left to the lead");
                    self.lead_board.rotation.publish(None);
                    asked.changed().await?;
                }
                Err(error) => {
                    tracing::warn!(%error, "a key rotation stands still and will be tried again");
                    self.stands_still(&error);
                    // Asked again or not: it is tried again.
                    let _elapsed = tokio::time::timeout(RETRY_AFTER, asked.changed()).await;
                }
            }
        }
    }

    /// Works until no scope has more than one key.
    async fn finish_all(
        &self,
        asked: &mut watch::Receiver<Option<u64>>,
        resumed: &mut Option<u64>,
    ) -> Result<(), RotationError> {
        loop {
            let asked = *asked.borrow_and_update();
            let targets: Targets =
                self.board.keys.load().unfinished().map(|(at, newest)| (at.clone(), newest)).collect();
            if targets.is_empty() {
                return Ok(());
            }
            let audit_seq = match asked.or(*resumed) {
                Some(audit_seq) => audit_seq,
                None => *resumed.insert(self.announce(&targets).await?),
            };
            Run { with: self, targets, audit_seq }.finish().await?;
        }
    }

    /// Nobody asked this process: it goes on with what an earlier one left.
    async fn announce(&self, targets: &Targets) -> Result<u64, RotationError> {
        tracing::info!(scopes = targets.len(), "an unfinished key rotation goes on");
        let reason = format!("goes on with what was unfinished: {}", summary(targets));
        let line = Entry { outcome: INTENT, ..Entry::of_node(ACTION, reason) };
        self.journal.append(line).await.map_err(RotationError::Journal)
    }

    fn stands_still(&self, error: &RotationError) {
        let unknown = || Progress { targets: vec![], phase: Phase::Current, resealed: 0, total: None, failure: None };
        let before = self.lead_board.rotation.progress().unwrap_or_else(unknown);
        self.lead_board.rotation.publish(Some(Progress { failure: Some(error.to_string()), ..before }));
    }
}

/// One pass.
struct Run<'with> {
    with: &'with KeyRotation,
    targets: Targets,
    audit_seq: u64,
}

impl Run<'_> {
    async fn finish(self) -> Result<(), RotationError> {
        self.current_values().await?;
        failpoint::pass(Failpoint::CurrentDone);
        while self.older_versions().await? > 0 {}
        failpoint::pass(Failpoint::FinishChosen);
        self.tell(Phase::Finishing, 0, None);
        let targets = self.key_targets();
        self.commit(|| Change::FinishRotation { targets: targets.clone() }).await?;
        tracing::info!(scopes = self.targets.len(), "a key rotation is done");
        let line = Entry::of_node(ACTION, format!("done: {}", summary(&self.targets)));
        self.with.journal.append(line).await.map(drop).map_err(RotationError::Journal)
    }

    /// Seals every current value anew. The view was published after the new keys: what is put from now on is under them.
    async fn current_values(&self) -> Result<(), RotationError> {
        // Keys are published a moment before the records of the same batch. Whatever is asked for now is answered after
        // both: a value that came just before the new key is then among those that are looked at.
        self.commit(|| Change::Reseal { at: Vec::new() }).await?;
        let lead = self.with.lead_board.lead_view.load_full();
        let sealed_by = lead.view.sealed_by();
        let total = self.targets.iter().map(|(at, newest)| sealed_by.count_before(at, *newest)).sum();
        let (mut resealed, mut cursor) = (0, None);
        loop {
            self.tell(Phase::Current, resealed, Some(total));
            let Chosen { batch, examined } = choose(&lead.view, cursor.as_ref(), &self.targets);
            if !batch.is_empty() {
                failpoint::pass(Failpoint::ResealChosen);
                resealed += self.commit(|| Change::Reseal { at: batch.clone() }).await?;
                failpoint::pass(Failpoint::ResealDone);
            }
            if examined.is_none() {
                return Ok(());
            }
            cursor = examined;
            tokio::task::yield_now().await;
        }
    }

    /// Seals the older versions anew; gives how many were found that needed it.
    async fn older_versions(&self) -> Result<u64, RotationError> {
        let (mut found, mut cursor): (u64, Option<(ScopedSecret, Version)>) = (0, None);
        loop {
            self.tell(Phase::Older, found, None);
            let page = self.with.store.older(cursor, PAGE).await?;
            let Some(last) = page.last() else { return Ok(found) };
            cursor = Some((last.at.clone(), last.version));
            let versions: Vec<Record> = page.into_iter().filter(|version| is_behind(version, &self.targets)).collect();
            if !versions.is_empty() {
                failpoint::pass(Failpoint::OlderChosen);
                found += self.commit(|| Change::ResealOlder { versions: versions.clone() }).await?;
                failpoint::pass(Failpoint::OlderDone);
            }
        }
    }

    /// Commits a change, however long it takes to find a place for it; gives how many values it sealed anew.
    async fn commit(&self, change: impl Fn() -> Change) -> Result<u64, RotationError> {
        loop {
            match self.with.secrets.commit(change(), self.audit_seq).await {
                Ok(Committed::Keys(KeyStep::Resealed(resealed))) => return Ok(resealed),
                Ok(_) => return Ok(0),
                Err(CommitError::Overloaded) => tokio::time::sleep(OVERLOADED_PAUSE).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn tell(&self, phase: Phase, resealed: u64, total: Option<u64>) {
        let progress = Progress { targets: self.key_targets(), phase, resealed, total, failure: None };
        self.with.lead_board.rotation.publish(Some(progress));
    }

    fn key_targets(&self) -> Vec<KeyTarget> {
        self.targets.iter().map(|(at, generation)| KeyTarget { at: at.clone(), generation: *generation }).collect()
    }
}

/// What a look at some records came to.
#[derive(Debug, PartialEq, Eq)]
struct Chosen {
    /// What is to be sealed anew, together.
    batch: Vec<ScopedSecret>,
    /// The last record that was looked at; `None` after the end.
    examined: Option<ScopedSecret>,
}

/// The next records that an older key seals: no more than fit one transaction, out of no more than may be looked at in one
/// go.
fn choose(view: &View, after: Option<&ScopedSecret>, targets: &Targets) -> Chosen {
    let mut chosen = Chosen { batch: Vec::new(), examined: None };
    let mut bytes = 0;
    for record in view.after(after).take(EXAMINED) {
        if is_behind(record, targets) {
            bytes += record.kept().map_or(0, |sealed| sealed.ciphertext.len());
            if !chosen.batch.is_empty() && bytes > BATCH_BYTES {
                return chosen;
            }
            chosen.batch.push(record.at.clone());
        }
        chosen.examined = Some(record.at.clone());
        if chosen.batch.len() >= BATCH {
            return chosen;
        }
    }
    chosen
}

/// Whether an older key than the target of its scope seals the value of a record.
fn is_behind(record: &Record, targets: &Targets) -> bool {
    let newest = targets.get(&record.at.key_scope());
    newest.zip(record.kept()).is_some_and(|(newest, sealed)| sealed.generation < *newest)
}

/// For the journal: a few scopes by name, many by number.
fn summary(targets: &Targets) -> String {
    const NAMED: usize = 4;
    let mut text: Vec<String> =
        targets.iter().take(NAMED).map(|(at, newest)| format!("{at} to generation {newest}")).collect();
    if targets.len() > NAMED {
        text.push(format!("and {} more", targets.len() - NAMED));
    }
    text.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::model::name::EnvironmentName;

    use crate::model::secret::{Scope, SecretAddress, SecretName};

    fn record(number: usize, scope: Scope, generation: Generation, bytes: usize) -> Record {
        let environment = EnvironmentName::parse("prod").expect("name");
        let name = SecretName::parse(&format!("a/key{number:06}")).expect("name");
        Record::sample(SecretAddress { environment, name }.within(scope), generation, vec![0; bytes])
    }

    fn targets() -> Targets {
        let at = record(0, Scope::Global, Generation::FIRST, 1).at.key_scope();
        [(at, Generation::FIRST.next())].into()
    }

    /// The sizes of all batches until the end.
    fn batches(view: &View) -> Vec<usize> {
        let (mut sizes, mut cursor) = (Vec::new(), None);
        loop {
            let Chosen { batch, examined } = choose(view, cursor.as_ref(), &targets());
            sizes.push(batch.len());
            match examined {
                Some(examined) => cursor = Some(examined),
                None => return sizes,
            }
        }
    }

    #[test]
    fn a_batch_holds_no_more_values_and_no_more_bytes_than_one_transaction_may() {
        let global = |number, bytes| record(number, Scope::Global, Generation::FIRST, bytes);
        let small = View::new(Default::default(), (0..150).map(|number| global(number, 10)));
        assert_eq!(batches(&small), [64, 64, 22, 0]);
        let large = View::new(Default::default(), (0..3).map(|number| global(number, BATCH_BYTES / 2 + 1)));
        assert_eq!(batches(&large), [1, 1, 1, 0]);
        let largest = View::new(Default::default(), [global(0, BATCH_BYTES * 2)]);
        assert_eq!(batches(&largest), [1, 0], "one that is larger than a batch goes alone");
    }

    #[test]
    fn what_needs_nothing_is_passed_over_a_piece_at_a_time() {
        let second = Generation::FIRST.next();
        let done = (0..EXAMINED * 2).map(|number| record(number, Scope::Global, second, 1));
        let company = Scope::parse("company:acme").expect("scope");
        let other = record(1, company, Generation::FIRST, 1);
        let left = record(EXAMINED * 3, Scope::Global, Generation::FIRST, 1);
        let view = View::new(Default::default(), done.chain([other, left.clone()]));
        assert_eq!(batches(&view), [0, 0, 1, 0], "another scope is not rotated");
        let first = choose(&view, None, &targets());
        assert_eq!(first.batch, []);
        assert!(first.examined.is_some(), "there is more to look at");
    }

    #[test]
    fn many_scopes_are_summed_up_in_the_journal() {
        let environment = EnvironmentName::parse("prod").expect("name");
        let at = |number: usize| KeyScope {
            environment: environment.clone(),
            scope: Scope::parse(&format!("company:c{number}")).expect("scope"),
        };
        let targets: Targets = (1..=6).map(|number| (at(number), Generation::FIRST.next())).collect();
        assert!(summary(&targets).starts_with("company:c1 in prod to generation 2, "));
        assert!(summary(&targets).ends_with("company:c4 in prod to generation 2, and 2 more"));
    }
}
