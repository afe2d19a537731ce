//! What may happen at one step, and how often.

use crate::random::Random;

/// One kind of event. What it happens to is drawn when it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Put,
    Delete,
    Undelete,
    ReadLead,
    Read,
    Ban,
    /// A machine that was thrown out is set up anew and joins again.
    Readmit,
    Rotate,
    Freeze,
    Unfreeze,
    /// The lead stops, and starts again a while later.
    StopLead,
    StopFollower,
    /// A machine loses its power in the middle of what it writes next.
    CutInCommit,
    /// Nothing gets through between a follower and the lead, one way or both.
    Cut,
    /// What is sent between them waits.
    Hold,
    Mend,
    /// Datagrams of a machine are lost, doubled and overtaken, or no longer.
    Weather,
    /// A disk becomes slow, or fast again.
    SlowDisk,
    SetWall,
    /// Time passes.
    Pass,
}

/// How often each happens.
const WEIGHTS: [(Event, u64); 20] = [
    (Event::Put, 60),
    (Event::Delete, 8),
    (Event::Undelete, 8),
    (Event::ReadLead, 15),
    (Event::Read, 110),
    (Event::Ban, 2),
    (Event::Readmit, 8),
    (Event::Rotate, 4),
    (Event::Freeze, 4),
    (Event::Unfreeze, 8),
    (Event::StopLead, 4),
    (Event::StopFollower, 9),
    (Event::CutInCommit, 9),
    (Event::Cut, 9),
    (Event::Hold, 4),
    (Event::Mend, 20),
    (Event::Weather, 10),
    (Event::SlowDisk, 6),
    (Event::SetWall, 4),
    (Event::Pass, 10),
];

/// Draws one.
pub fn draw(random: &mut Random) -> Event {
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
    let drawn: Vec<Event> = (0..5_000).map(|_| draw(&mut random)).collect();
    assert!(WEIGHTS.iter().all(|(event, _)| drawn.contains(event)));
}
