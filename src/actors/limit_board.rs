//! The meters of a node, shared by the door, which asks them, and the sessions, which tell them what other nodes counted.
//!
//! Behind one lock that is held for microseconds: a limit that two requests look at before either is counted is none.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::name::NodeName;
use crate::model::time::BootTime;
use crate::model::usage::{Bucket, Window};
use crate::policy::rate::{Full, Meters, Verdict};
use crate::replication::tally::TallyBook;
use crate::wire::tally::BUCKETS_MAX;

/// Others' counts are those of the mesh for this long after the lead was heard; it is heard every second.
const HEARD_FOR: Duration = Duration::from_secs(5);

/// The meters.
#[derive(Debug)]
pub struct LimitBoard(Mutex<State>);

#[derive(Debug)]
struct State {
    meters: Meters,
    source: Source,
}

/// Where others' counts come from.
#[derive(Debug)]
enum Source {
    /// The lead is told by every node.
    Book(TallyBook),
    /// A follower is told by the lead, last heard then.
    Lead(Option<BootTime>),
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether there was room.
    pub verdict: Verdict,
    /// Whether the whole mesh was counted, as far as its nodes were heard lately; else this node alone.
    pub of_mesh: bool,
    /// Whether the lead should be asked about a bucket now, instead of within a second.
    pub is_news: bool,
}

/// The others' counts that a follower was told last.
pub(super) type Told = HashMap<Bucket, Window>;

impl LimitBoard {
    /// The meters of a lead.
    #[must_use]
    pub fn of_lead() -> Self {
        Self(Mutex::new(State { meters: Meters::default(), source: Source::Book(TallyBook::default()) }))
    }

    /// The meters of a follower.
    #[must_use]
    pub fn of_follower() -> Self {
        Self(Mutex::new(State { meters: Meters::default(), source: Source::Lead(None) }))
    }

    /// Counts one request in these buckets, if it has room in all of them. `None` without any.
    ///
    /// # Errors
    /// [`Full`].
    pub fn take(&self, now: BootTime, wanted: &[(Bucket, u32)]) -> Result<Option<Taken>, Full> {
        let second = now.0.as_secs();
        let State { meters, source } = &mut *self.state();
        let (of_mesh, is_lead) = match source {
            Source::Book(book) => {
                for (bucket, _) in wanted {
                    meters.hear(second, bucket, book.total(bucket, second))?;
                }
                (true, true)
            }
            Source::Lead(heard) => (heard.is_some_and(|heard| now.since(heard) <= HEARD_FOR), false),
        };
        let verdict = meters.take(second, wanted)?;
        Ok(verdict.map(|verdict| Taken {
            verdict,
            of_mesh: is_lead || (of_mesh && verdict.knows_others),
            is_news: !is_lead && verdict.is_new,
        }))
    }

    /// A session with the lead begins: it knows nothing yet of what was counted here.
    pub(super) fn begin(&self) {
        self.state().meters.tell_anew();
    }

    /// What was counted here and the lead was not told yet.
    pub(super) fn to_tell(&self, now: BootTime) -> Vec<(Bucket, Window)> {
        self.state().meters.changed(now.0.as_secs(), BUCKETS_MAX)
    }

    /// The lead answered: what it said of others is still so.
    pub(super) fn lead_heard(&self, now: BootTime) {
        if let Source::Lead(heard) = &mut self.state().source {
            *heard = Some(now);
        }
    }

    /// The lead told what others counted.
    pub(super) fn others_heard(&self, now: BootTime, told: Vec<(Bucket, Window)>) {
        let mut state = self.state();
        for (bucket, others) in told {
            if state.meters.hear(now.0.as_secs(), &bucket, others).is_err() {
                // Full: the limits of what is left out hold on this node alone, and their answers say so.
                return;
            }
        }
    }

    /// A follower told what it counted; gives what the others counted in the same buckets.
    pub(super) fn reported(
        &self,
        now: BootTime,
        node: &NodeName,
        reported: Vec<(Bucket, Window)>,
        told: &mut Told,
    ) -> Vec<(Bucket, Window)> {
        let second = now.0.as_secs();
        let State { meters, source } = &mut *self.state();
        let Source::Book(book) = source else { return Vec::new() };
        let mut answer = Vec::with_capacity(reported.len());
        for (bucket, window) in reported {
            let room = told.contains_key(&bucket) || told.len() < BUCKETS_MAX;
            if room && book.note(node, &bucket, window, second) {
                let others = others(meters, book, node, &bucket, second);
                told.insert(bucket.clone(), others.clone());
                answer.push((bucket, others));
            }
        }
        answer
    }

    /// What the others counted in the buckets a follower uses, as far as that changed since it was told.
    pub(super) fn news(&self, now: BootTime, node: &NodeName, told: &mut Told) -> Vec<(Bucket, Window)> {
        let second = now.0.as_secs();
        let State { meters, source } = &mut *self.state();
        let Source::Book(book) = source else { return Vec::new() };
        told.retain(|bucket, _| book.holds(node, bucket, second));
        let mut news = Vec::new();
        for (bucket, told) in told {
            let others = others(meters, book, node, bucket, second);
            told.advance(second);
            if *told != others {
                told.clone_from(&others);
                news.push((bucket.clone(), others));
            }
        }
        news
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Counts that a panic left half changed are still counts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all nodes but this follower counted: the other followers, and the lead.
fn others(meters: &Meters, book: &TallyBook, node: &NodeName, bucket: &Bucket, second: u64) -> Window {
    let mut others = book.others(node, bucket, second);
    if let Some(own) = meters.own(bucket) {
        others.join(own);
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::AgentName;
    use crate::policy::rate::Room;

    const LIMIT: u32 = 4;

    fn wanted() -> [(Bucket, u32); 1] {
        [(Bucket::Agent(AgentName::parse("openclaw").expect("name"), None), LIMIT)]
    }

    fn at(second: u64) -> BootTime {
        BootTime(Duration::from_secs(second))
    }

    fn node(name: &str) -> NodeName {
        NodeName::parse(name).expect("name")
    }

    fn take(board: &LimitBoard, second: u64) -> (Room, bool, bool) {
        let taken = board.take(at(second), &wanted()).expect("room").expect("a limit");
        (taken.verdict.room, taken.of_mesh, taken.is_news)
    }

    /// What one heartbeat does.
    fn beat(lead: &LimitBoard, follower: &LimitBoard, name: &str, told: &mut Told, second: u64) {
        let answer = lead.reported(at(second), &node(name), follower.to_tell(at(second)), told);
        follower.others_heard(at(second), answer);
        follower.others_heard(at(second), lead.news(at(second), &node(name), told));
        follower.lead_heard(at(second));
    }

    #[test]
    fn nodes_share_a_limit_once_they_heard_of_each_other() {
        let (lead, one, other) = (LimitBoard::of_lead(), LimitBoard::of_follower(), LimitBoard::of_follower());
        let (mut told_one, mut told_other) = (Told::new(), Told::new());
        assert_eq!(take(&one, 100), (Room::Allowed { remaining: 3 }, false, true));
        beat(&lead, &one, "one", &mut told_one, 100);
        assert_eq!(take(&one, 100), (Room::Allowed { remaining: 2 }, true, false));
        beat(&lead, &one, "one", &mut told_one, 101);
        assert_eq!(take(&lead, 101), (Room::Allowed { remaining: 1 }, true, false));
        assert_eq!(take(&other, 101), (Room::Allowed { remaining: 3 }, false, true));
        beat(&lead, &other, "other", &mut told_other, 101);
        assert_eq!(take(&other, 102), (Room::Limited { retry_after: 58 }, true, false));
        beat(&lead, &one, "one", &mut told_one, 102);
        assert_eq!(take(&one, 102), (Room::Limited { retry_after: 58 }, true, false));
        assert_eq!(take(&lead, 102), (Room::Limited { retry_after: 58 }, true, false));
    }

    #[test]
    fn a_follower_that_hears_the_lead_no_more_counts_for_itself_and_says_so() {
        let (lead, one) = (LimitBoard::of_lead(), LimitBoard::of_follower());
        let mut told = Told::new();
        take(&lead, 100);
        take(&one, 100);
        beat(&lead, &one, "one", &mut told, 100);
        assert_eq!(take(&one, 105), (Room::Allowed { remaining: 1 }, true, false));
        assert_eq!(take(&one, 106), (Room::Allowed { remaining: 0 }, false, false));
        assert_eq!(take(&one, 160), (Room::Allowed { remaining: 1 }, false, false), "what others counted grew old");
        one.begin();
        beat(&lead, &one, "one", &mut Told::new(), 160);
        assert!(take(&one, 160).1);
    }

    #[test]
    fn a_follower_is_told_only_what_changed_about_what_it_uses() {
        let (lead, one) = (LimitBoard::of_lead(), LimitBoard::of_follower());
        let mut told = Told::new();
        take(&lead, 100);
        assert!(lead.news(at(100), &node("one"), &mut told).is_empty());
        take(&one, 100);
        beat(&lead, &one, "one", &mut told, 100);
        assert!(one.to_tell(at(101)).is_empty() && lead.news(at(101), &node("one"), &mut told).is_empty());
        take(&lead, 102);
        assert_eq!(lead.news(at(102), &node("one"), &mut told).len(), 1);
        assert!(lead.news(at(103), &node("one"), &mut told).is_empty());
        take(&lead, 160);
        assert!(lead.news(at(160), &node("one"), &mut told).is_empty(), "it has used nothing for a minute");
    }
}
