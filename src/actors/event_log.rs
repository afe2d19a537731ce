//! The history of events of one node: each is kept under a number before anybody is told of it, and whoever tells of events
//! reads them here, in order, from wherever it came to.
//!
//! There is one writer at a time. What is kept is bounded by number and by age; whoever asks for what is gone goes on with the
//! oldest that is there.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use crate::events::envelope::envelope;
use crate::events::id::EventId;
use crate::events::kept::KeptEvent;
use crate::events::subject::Home;
use crate::model::event::Event;
use crate::model::time::{Clock, Entropy, Moment};
use crate::store::error::StoreError;
use crate::store::rows::{Order, Row, RowTable, RowWrite, Rows};

/// Most events that are kept: of 500 bytes each, 50 MB.
pub const KEPT_MAX: u64 = 100_000;

/// How long they are kept at most.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Rows that are looked at at once.
const PAGE: usize = 256;

/// The history. Clones share it.
#[derive(Clone)]
pub struct EventLog {
    shared: Arc<Shared>,
}

struct Shared {
    rows: Rows,
    home: Home,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    last: watch::Sender<u64>,
    last_id: Mutex<Option<EventId>>,
}

/// The key of a row that is known by a number.
#[must_use]
pub fn row_key(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// The number of such a key.
#[must_use]
pub fn row_number(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

impl EventLog {
    /// The history in this file, of the node at this home.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read.
    pub async fn open(
        rows: Rows,
        home: Home,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        let newest: Vec<KeptEvent> =
            rows.page(RowTable::Events, None, Order::Down, PAGE).await?.iter().filter_map(kept).collect();
        let number = newest.first().map_or(0, |event| event.number);
        // The ids of this node go on behind its own: another node could have named its event with the last id there is.
        let last_id = newest.iter().find(|event| event.subject.node == home.node).map(|event| event.id);
        let last_id = Mutex::new(last_id);
        let last = watch::Sender::new(number);
        Ok(Self { shared: Arc::new(Shared { rows, home, clock, entropy, last, last_id }) })
    }

    /// Where this history is.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.shared.home
    }

    /// What time it is.
    pub(super) fn now(&self) -> Moment {
        self.shared.clock.now()
    }

    /// The file, for those who keep their own rows in it.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.shared.rows
    }

    /// The number of the newest event, for those who wait for the next.
    #[must_use]
    pub fn moved(&self) -> watch::Receiver<u64> {
        self.shared.last.subscribe()
    }

    /// The number of the newest event; none was told yet at 0.
    #[must_use]
    pub fn last(&self) -> u64 {
        *self.shared.last.borrow()
    }

    /// At most `limit` events after this number, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read.
    pub async fn after(&self, number: u64, limit: usize) -> Result<Vec<KeptEvent>, StoreError> {
        let from = Some(row_key(number.saturating_add(1)));
        let page = self.shared.rows.page(RowTable::Events, from, Order::Up, limit).await?;
        Ok(page.iter().filter_map(kept).collect())
    }

    /// At most `limit` events before this number, the newest first.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read.
    pub async fn before(&self, number: u64, limit: usize) -> Result<Vec<KeptEvent>, StoreError> {
        let Some(from) = number.checked_sub(1) else { return Ok(Vec::new()) };
        let page = self.shared.rows.page(RowTable::Events, Some(row_key(from)), Order::Down, limit).await?;
        Ok(page.iter().filter_map(kept).collect())
    }

    /// The event of this number, if it is still kept.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read.
    pub async fn get(&self, number: u64) -> Result<Option<KeptEvent>, StoreError> {
        let row = self.shared.rows.get(RowTable::Events, row_key(number)).await?;
        Ok(row.and_then(|row| KeptEvent::parse(number, &row)))
    }

    /// The event of this id, if it is still kept. Looks through the history, the newest first.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read.
    pub async fn find(&self, id: EventId) -> Result<Option<KeptEvent>, StoreError> {
        let mut before = self.last().saturating_add(1);
        loop {
            let page = self.before(before, PAGE).await?;
            let Some(oldest) = page.last().map(|event| event.number) else { return Ok(None) };
            if let Some(found) = page.into_iter().find(|event| event.id == id) {
                return Ok(Some(found));
            }
            before = oldest;
        }
    }

    /// Keeps these, in this order, with these rows of whoever tells of them: all of it or nothing. They are on the disk, and
    /// told, when this answers `Ok`.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was kept.
    pub(super) async fn keep(&self, events: &[Event], also: Vec<RowWrite>) -> Result<Vec<KeptEvent>, StoreError> {
        self.keep_as(events.iter().map(|event| (event.clone(), None)).collect(), |_| also).await
    }

    /// The same, of events that may have a name already, and with rows that are made of what is kept.
    pub(super) async fn keep_as(
        &self,
        events: Vec<(Event, Option<EventId>)>,
        also: impl FnOnce(&[KeptEvent]) -> Vec<RowWrite>,
    ) -> Result<Vec<KeptEvent>, StoreError> {
        let Shared { rows, home, clock, entropy, last, last_id } = &*self.shared;
        let mut turn = last_id.lock().await;
        let (now, mut id, mut number) = (clock.now().wall, *turn, self.last());
        let mut all = Vec::with_capacity(events.len());
        for (event, named) in &events {
            let mut random = [0; 16];
            // Without random bytes ids still differ on this node.
            let _ = entropy.fill(&mut random);
            number = number.saturating_add(1);
            let next = named.unwrap_or_else(|| EventId::next(id, now, random));
            if named.is_none() {
                id = Some(next);
            }
            all.push(envelope(event, home, (number, next), now));
        }
        let mut writes = also(&all);
        let put = |event: &KeptEvent| RowWrite::Put(RowTable::Events, row_key(event.number), event.to_bytes());
        writes.extend(all.iter().map(put));
        if let Some(first) = number.checked_sub(KEPT_MAX).filter(|_| !all.is_empty()) {
            writes.push(RowWrite::DropBefore(RowTable::Events, row_key(first.saturating_add(1))));
        }
        if !writes.is_empty() {
            rows.write(writes).await?;
        }
        *turn = id;
        if !all.is_empty() {
            last.send_replace(number);
        }
        Ok(all)
    }

    /// Notes that the node stops, and closes the file.
    pub async fn end(&self) {
        let stops = Event::SystemMaintenance { detail: "the node stops".to_owned() };
        if let Err(error) = self.keep(&[stops], Vec::new()).await {
            tracing::warn!(%error, "that the node stops was not kept among the events");
        }
        if let Err(error) = self.shared.rows.close().await {
            tracing::error!(%error, "the file of events did not close cleanly");
        }
    }

    /// Forgets what is too old.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read or written.
    pub(super) async fn forget_old(&self) -> Result<(), StoreError> {
        let since = self.shared.clock.now().wall.minus(KEPT_FOR);
        let mut after = 0;
        loop {
            let page = self.after(after, PAGE).await?;
            let old = page.iter().take_while(|event| event.at < since).last().map(|event| event.number);
            let Some(old) = old else { return Ok(()) };
            let first = row_key(old.saturating_add(1));
            self.shared.rows.write(vec![RowWrite::DropBefore(RowTable::Events, first)]).await?;
            after = old;
        }
    }
}

fn kept(row: &Row) -> Option<KeptEvent> {
    KeptEvent::parse(row_number(&row.0)?, &row.1)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Held;

    use super::*;
    use crate::model::event::Post;
    use crate::model::event_kind::EventKind;
    use crate::model::name::{EnvironmentName, NodeName};
    use crate::model::time::{BootId, BootTime, EntropyUnavailable, Moment, Timestamp};
    use crate::store::ground::Ground;

    struct Standing(Held<Timestamp>);

    impl Clock for Standing {
        fn now(&self) -> Moment {
            Moment { wall: *self.0.lock().expect("held"), boot: BootTime::default(), boot_id: BootId::default() }
        }
    }

    impl Entropy for Standing {
        fn fill(&self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
            Err(EntropyUnavailable)
        }
    }

    async fn log(path: &std::path::Path, clock: &Arc<Standing>) -> EventLog {
        let home = Home {
            node: NodeName::parse("aurora").expect("name"),
            environment: EnvironmentName::parse("prod").expect("name"),
        };
        let rows = Rows::open(&Ground::machine(), path).await.expect("a file");
        EventLog::open(rows, home, Arc::clone(clock) as _, Arc::clone(clock) as _).await.expect("a log")
    }

    fn upkeep(detail: &str) -> Event {
        Event::SystemMaintenance { detail: detail.to_owned() }
    }

    fn numbers(events: &[KeptEvent]) -> Vec<u64> {
        events.iter().map(|event| event.number).collect()
    }

    #[tokio::test]
    async fn numbers_and_ids_go_on_after_the_file_was_closed_and_whoever_waits_is_told() {
        let directory = tempfile::tempdir().expect("directory");
        let (path, clock) = (directory.path().join("events.redb"), Arc::new(Standing(Held::new(Timestamp(1000)))));
        let first = log(&path, &clock).await;
        let mut moved = first.moved();
        let kept = first.keep(&[upkeep("a"), upkeep("b")], Vec::new()).await.expect("kept");
        assert_eq!((numbers(&kept), *moved.borrow_and_update()), (vec![1, 2], 2));
        assert!(kept[0].id < kept[1].id, "without random bytes too");
        first.rows().close().await.expect("closed");
        let again = log(&path, &clock).await;
        assert_eq!(again.last(), 2);
        let third = again.keep(&[upkeep("c")], Vec::new()).await.expect("kept").remove(0);
        assert!(third.number == 3 && third.id > kept[1].id);
        assert_eq!(numbers(&again.after(1, 9).await.expect("read")), [2, 3]);
        assert_eq!(numbers(&again.before(3, 9).await.expect("read")), [2, 1]);
        assert_eq!(again.find(kept[0].id).await.expect("read").map(|event| event.number), Some(1));
        assert_eq!(again.get(9).await.expect("read"), None);
    }

    #[tokio::test]
    async fn the_last_id_there_is_on_an_event_of_another_node_does_not_end_the_ids_of_this_one() {
        let directory = tempfile::tempdir().expect("directory");
        let (path, clock) = (directory.path().join("events.redb"), Arc::new(Standing(Held::new(Timestamp(1000)))));
        let first = log(&path, &clock).await;
        first.keep(&[upkeep("own")], Vec::new()).await.expect("kept");
        let post = Post {
            kind: EventKind::AgentCreated,
            key: None,
            by: "uid:0".to_owned(),
            node: NodeName::parse("mallory").expect("name"),
            environment: EnvironmentName::parse("prod").expect("name"),
            company: None,
            at: Timestamp(1000),
            data: "{}".to_owned(),
        };
        let last = EventId::parse("evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ").expect("an id");
        first.keep_as(vec![(Event::Posted(Box::new(post)), Some(last))], |_| Vec::new()).await.expect("kept");
        first.rows().close().await.expect("closed");
        let again = log(&path, &clock).await;
        let kept = again.keep(&[upkeep("a"), upkeep("b")], Vec::new()).await.expect("kept");
        assert!(kept[0].number == 3 && kept[0].id < kept[1].id && kept[1].id < last, "{kept:?}");
    }

    #[tokio::test]
    async fn what_is_too_old_is_forgotten_and_its_number_is_not_given_again() {
        let directory = tempfile::tempdir().expect("directory");
        let (path, clock) = (directory.path().join("events.redb"), Arc::new(Standing(Held::new(Timestamp(1000)))));
        let log = log(&path, &clock).await;
        log.keep(&[upkeep("old"), upkeep("older")], Vec::new()).await.expect("kept");
        *clock.0.lock().expect("held") = Timestamp(1001).plus(KEPT_FOR);
        log.keep(&[upkeep("new")], Vec::new()).await.expect("kept");
        log.forget_old().await.expect("forgotten");
        assert_eq!(numbers(&log.after(0, 9).await.expect("read")), [3]);
        assert_eq!(log.after(0, 9).await.expect("read")[0].subject.kind, EventKind::SystemMaintenance);
    }
}
