//! Credentials that nobody has read for 90 days, looked for once a day on the lead: by its own journal and by those of other
//! nodes as far as they have reached it. Each is told once, and again only if it was read meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorProcessingErr;

use super::board::Board;
use super::event_log::EventLog;
use crate::audit::copies::journals;
use crate::audit::error::AuditError;
use crate::audit::reads::{begins, reads};
use crate::model::event::Event;
use crate::model::name::NodeName;
use crate::model::record::{Record, RecordState};
use crate::model::secret::ScopedSecret;
use crate::model::time::{Clock, Timestamp};
use crate::replication::view::View;
use crate::store::rows::{RowTable, RowWrite};

/// For so many days nobody has read it.
const UNUSED_DAYS: u64 = 90;

/// How often it is looked: the threshold is in days.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 3600);

/// How often it is seen whether it is time to look.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// The row of when it was looked last, and of the secrets that were told by then: a time, then the numbers of the secrets.
const UNUSED_ROW: &[u8] = b"events.unused";

/// Looks and tells, and does not end by itself.
pub(super) async fn keep_looking(
    log: &EventLog,
    board: &Board,
    audit_dir: PathBuf,
    clock: &dyn Clock,
) -> Result<(), ActorProcessingErr> {
    loop {
        let row = log.rows().get(RowTable::Progress, UNUSED_ROW.to_vec()).await?.unwrap_or_default();
        let (looked, told) = read_row(&row);
        let now = clock.now().wall;
        // A clock that went back must not stop it.
        if looked.is_none_or(|at| now.since(at).is_none_or(|since| since >= LOOK_EVERY)) {
            let (view, directory, own) = (board.held.load().view.clone(), audit_dir.clone(), log.home().node.clone());
            let found = tokio::task::spawn_blocking(move || find(&directory, &own, &view, now)).await?;
            let found = found.unwrap_or_else(|error| {
                tracing::warn!(%error, "what nobody reads cannot be told, because a journal cannot be read");
                None
            });
            // Without a journal that goes back far enough nobody knows what was read.
            let found = found.unwrap_or_default();
            let news: Vec<Event> =
                found.iter().filter(|(id, _)| !told.contains(id)).map(|(_, event)| event.clone()).collect();
            let row = write_row(now, found.keys());
            log.keep(&news, vec![RowWrite::Put(RowTable::Progress, UNUSED_ROW.to_vec(), row)]).await?;
        }
        tokio::time::sleep(CHECK_EVERY).await;
    }
}

/// The secrets with a value, older than that, that nobody was given for so long, by their numbers; none if the journal of the
/// lead does not go back so far.
fn find(
    audit_dir: &Path,
    own: &NodeName,
    view: &View,
    now: Timestamp,
) -> Result<Option<BTreeMap<u64, Event>>, AuditError> {
    let since = now.minus(Duration::from_secs(UNUSED_DAYS * 24 * 3600));
    let old = |record: &&Arc<Record>| record.state() == RecordState::Live && record.created_at <= since;
    let mut secrets: BTreeMap<&ScopedSecret, (&Arc<Record>, Option<Timestamp>)> =
        view.after(None).filter(old).map(|record| (&record.at, (record, None))).collect();
    if secrets.is_empty() || begins(audit_dir)?.is_none_or(|begins| begins > since) {
        return Ok(None);
    }
    for journal in journals(audit_dir, own)? {
        reads(&journal.path, |read| {
            if let Some((_, last)) = secrets.get_mut(&read.at) {
                *last = (*last).max(Some(read.time));
            }
        })?;
    }
    let unused = secrets.into_values().filter(|(_, last)| last.is_none_or(|last| last < since));
    let event = |(record, last_read): (&Arc<Record>, Option<Timestamp>)| {
        let (at, version) = (record.at.clone(), record.version);
        (record.secret_id, Event::CredentialUnused { at, version, days: UNUSED_DAYS, last_read })
    };
    Ok(Some(unused.map(event).collect()))
}

fn write_row<'ids>(looked: Timestamp, told: impl Iterator<Item = &'ids u64>) -> Vec<u8> {
    let mut row = looked.0.to_be_bytes().to_vec();
    told.for_each(|id| row.extend_from_slice(&id.to_be_bytes()));
    row
}

fn read_row(row: &[u8]) -> (Option<Timestamp>, BTreeSet<u64>) {
    let Some((looked, told)) = row.split_first_chunk::<8>() else { return (None, BTreeSet::new()) };
    let ids = told.chunks_exact(8).filter_map(|id| id.try_into().ok().map(u64::from_be_bytes));
    (Some(Timestamp(i64::from_be_bytes(*looked))), ids.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::EnvironmentName;
    use crate::model::number::{Generation, Position};
    use crate::model::secret::{Scope, SecretAddress, SecretName};

    #[test]
    fn what_was_told_reads_back() {
        let row = write_row(Timestamp(-5), [7, u64::MAX].iter());
        assert_eq!(read_row(&row), (Some(Timestamp(-5)), BTreeSet::from([7, u64::MAX])));
        assert_eq!(read_row(b"short"), (None, BTreeSet::new()));
    }

    #[test]
    fn without_a_journal_that_goes_back_far_enough_nothing_is_called_unused() {
        let directory = tempfile::tempdir().expect("directory");
        let environment = EnvironmentName::parse("prod").expect("name");
        let at = SecretAddress { environment, name: SecretName::parse("a/b").expect("name") }.within(Scope::Global);
        let view = View::new(Position::default(), [Record::sample(at, Generation::FIRST, Vec::new())]);
        let own = NodeName::parse("aurora").expect("name");
        let now = Timestamp(i64::MAX / 2);
        assert_eq!(find(directory.path(), &own, &view, now).expect("read"), None);
    }
}
