//! A lead that lies, as a follower hears it: whatever it says, in whatever order, the follower's history never goes back,
//! never skips, and is replaced by whole snapshots only.

use aurora_mesh::model::article::{Article, Edit};
use aurora_mesh::model::company::Companies;
use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
use aurora_mesh::model::name::EnvironmentName;
use aurora_mesh::model::number::{Epoch, Position, Revision};
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::replication::acceptance::{Acceptance, Accepted, Incoming};
use aurora_mesh::replication::rules_acceptance;

/// Where the follower stands before the lead speaks.
const START: Position = Position { epoch: Epoch(2), revision: Revision(10) };

/// Four bytes are one message: what it is, and three small numbers, of which 255 stands for the largest there is.
pub fn run(data: &[u8]) {
    let (kind, messages) = data.split_first().map_or((0, data), |(kind, rest)| (*kind, rest));
    let messages = messages.chunks_exact(4).filter_map(|four| <[u8; 4]>::try_from(four).ok());
    if kind % 2 == 0 { records(messages) } else { rules(messages) }
}

fn number(byte: u8) -> u64 {
    if byte == u8::MAX { u64::MAX } else { u64::from(byte) }
}

fn position(epoch: u8, revision: u8) -> Position {
    Position { epoch: Epoch(number(epoch)), revision: Revision(number(revision)) }
}

fn records(messages: impl Iterator<Item = [u8; 4]>) {
    let mut acceptance = Acceptance::new(START);
    let (mut stands, mut begun) = (START, None);
    for [what, one, two, three] in messages {
        let incoming = match what % 4 {
            0 => Incoming::SnapshotBegin { position: position(one, two), entitlement: entitlement() },
            1 => Incoming::SnapshotRecords(Vec::new()),
            2 => Incoming::SnapshotEnd { count: number(one) },
            _ => Incoming::Change {
                epoch: Epoch(number(one)),
                previous: Revision(number(two)),
                revision: Revision(number(three)),
                records: Vec::new(),
            },
        };
        match acceptance.accept(incoming) {
            Ok(Accepted::Staged) if what % 4 == 0 => begun = Some(position(one, two)),
            Ok(Accepted::Staged) => assert!(begun.is_some(), "a part of no snapshot"),
            Ok(Accepted::Replace { position, records, .. }) => {
                assert_eq!((begun.take(), number(one)), (Some(position), 0), "not the snapshot that began");
                assert!(position >= stands && records.is_empty(), "{stands:?} was set back to {position:?}");
                stands = position;
            }
            Ok(Accepted::Apply { position, .. }) => {
                assert_eq!(
                    (position.epoch, Revision(number(two))),
                    (stands.epoch, stands.revision),
                    "it does not follow"
                );
                assert!(position.revision > stands.revision && begun.is_none(), "{stands:?} to {position:?}");
                stands = position;
            }
            // A session ends with its first refusal.
            Err(_) => return,
        }
    }
}

fn rules(messages: impl Iterator<Item = [u8; 4]>) {
    let mut acceptance = rules_acceptance::Acceptance::new(Some(START));
    let mut stands = START;
    for [what, one, two, three] in messages {
        let (whole, more) = (what & 1 == 1, what & 2 == 2);
        let edit = if what & 4 == 4 { Edit::Put(freeze()) } else { Edit::Drop(freeze().id()) };
        let position = position(one, two);
        let head = rules_acceptance::Head { position, previous: Revision(number(three)), whole };
        match acceptance.accept(rules_acceptance::Incoming { head, more, edits: vec![edit] }) {
            Ok(rules_acceptance::Accepted::Staged) => assert!(more),
            Ok(rules_acceptance::Accepted::Replace { position, .. }) => {
                assert!(whole && position >= stands, "{stands:?} was set back to {position:?}");
                stands = position;
            }
            Ok(rules_acceptance::Accepted::Apply { position, .. }) => {
                assert!(!whole && position > stands && position.epoch == stands.epoch, "{stands:?} to {position:?}");
                assert_eq!(head.previous, stands.revision, "it does not follow");
                stands = position;
            }
            Err(_) => return,
        }
    }
}

fn entitlement() -> Entitlement {
    let environment = EnvironmentName::parse("prod").expect("a name");
    Entitlement { environment, companies: Companies::default(), globs: Vec::new() }
}

fn freeze() -> Article {
    let target = FreezeTarget::Mesh;
    let (reason, frozen_by) = ("drill".to_owned(), "admin".to_owned());
    Article::Freeze(Freeze { target, level: FreezeLevel::All, reason, frozen_by, frozen_at: Timestamp(0) })
}
