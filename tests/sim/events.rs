//! What may happen at one step, and how often.

use crate::random::Random;

/// One kind of event. What it happens to is drawn when it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Put,
    Cas,
    Delete,
    Undelete,
    ReadLead,
    Entitle,
    Ban,
    Freeze,
    Grant,
    /// The next step of a rotation of keys, or the first of one.
    Rotate,
    /// The lead plans what waits.
    Plan,
    /// What it planned is on the disk.
    Written,
    CrashLead,
    StartLead,
    /// The disk of the lead is copied.
    TakeImage,
    /// A machine with that copy starts, and takes itself for the lead.
    Ghost,
    GhostEnds,
    GhostWrites,
    /// A new reign begins from that copy.
    Restore,
    Connect,
    Break,
    /// Nothing gets through one way, or does so again.
    Cut,
    Heartbeat,
    /// The lead puts the next step for a follower on its way.
    Feed,
    /// Some of what is on its way arrives.
    Deliver,
    /// A follower is left in peace with its lead for a moment.
    CatchUp,
    CrashFollower,
    /// The next transaction of a follower is its last.
    CrashInCommit,
    StartFollower,
    Reboot,
    SetWall,
    /// Time passes; perhaps everybody was asleep.
    Pass,
    /// A read is decided.
    Read,
    /// It is given out.
    GiveOut,
    /// A name is spelled otherwise.
    Spell,
}

/// How often each happens.
const WEIGHTS: [(Event, u64); 35] = [
    (Event::Put, 60),
    (Event::Cas, 20),
    (Event::Delete, 8),
    (Event::Undelete, 8),
    (Event::ReadLead, 15),
    (Event::Entitle, 8),
    (Event::Ban, 1),
    (Event::Freeze, 6),
    (Event::Grant, 5),
    (Event::Rotate, 30),
    (Event::Plan, 100),
    (Event::Written, 100),
    (Event::CrashLead, 4),
    (Event::StartLead, 25),
    (Event::TakeImage, 6),
    (Event::Ghost, 4),
    (Event::GhostEnds, 4),
    (Event::GhostWrites, 6),
    (Event::Restore, 3),
    (Event::Connect, 80),
    (Event::Break, 9),
    (Event::Cut, 5),
    (Event::Heartbeat, 50),
    (Event::Feed, 90),
    (Event::Deliver, 150),
    (Event::CatchUp, 110),
    (Event::CrashFollower, 5),
    (Event::CrashInCommit, 4),
    (Event::StartFollower, 50),
    (Event::Reboot, 3),
    (Event::SetWall, 4),
    (Event::Pass, 8),
    (Event::Read, 90),
    (Event::GiveOut, 70),
    (Event::Spell, 1),
];

/// Draws one; half of the time one of those of which there are to be more.
pub fn draw(random: &mut Random, more: &[Event]) -> Event {
    if !more.is_empty() && random.happens(500) {
        return more[random.place(more.len())];
    }
    let total: u64 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let mut drawn = random.below(total);
    for (event, weight) in WEIGHTS {
        if drawn < weight {
            return event;
        }
        drawn -= weight;
    }
    Event::Pass
}

#[test]
fn every_event_happens_sooner_or_later() {
    let mut random = Random::new(1);
    let drawn: Vec<Event> = (0..20_000).map(|_| draw(&mut random, &[])).collect();
    assert!(WEIGHTS.iter().all(|(event, _)| drawn.contains(event)));
}
