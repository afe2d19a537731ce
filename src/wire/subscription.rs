//! The subscription stream: a snapshot or the changes a follower missed, then every change as it is committed.
//!
//! The lead filters before it sends. A change covers every revision in `(previous, revision]`; those that concern other
//! nodes simply are not in it. A follower accepts it only if `previous` is exactly where it stands.

use crate::model::number::{Epoch, Position, Revision};

use super::entitlement::EntitlementFrame;
use super::record::RecordFrame;
use super::secret::ScopeKeyFrame;

/// "Send me everything after this."
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Subscribe {
    /// The epoch of the follower's cache.
    pub epoch: u64,
    /// Its revision; 0 asks for a snapshot.
    pub revision: u64,
}

/// "This much is on my disk."
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Ack {
    /// The epoch.
    pub epoch: u64,
    /// The revision.
    pub revision: u64,
}

/// A snapshot of this position follows; it replaces the whole cache once its end is there.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct SnapshotBegin {
    /// The epoch.
    pub epoch: u64,
    /// The revision.
    pub revision: u64,
    /// What the node is entitled to from now on: the records were chosen by it.
    pub entitlement: EntitlementFrame,
}

/// Some records of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct SnapshotRecords {
    /// The records.
    pub records: Vec<RecordFrame>,
}

/// The snapshot is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct SnapshotEnd {
    /// How many records it had; another number than arrived means that it is to be thrown away.
    pub count: u64,
}

/// What changed for this node between two revisions.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Change {
    /// The epoch.
    pub epoch: u64,
    /// Where the follower must stand.
    pub previous: u64,
    /// Where it stands afterwards.
    pub revision: u64,
    /// The records it is entitled to; may be empty.
    pub records: Vec<RecordFrame>,
}

/// Scope keys, sealed to this node. Always sent before the first record they open.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct ScopeKeys {
    /// The keys.
    pub keys: Vec<ScopeKeyFrame>,
}

macro_rules! positions {
    ($($frame:ident),+) => {$(
        impl $frame {
            /// The position it names.
            #[must_use]
            pub fn position(&self) -> Position {
                Position { epoch: Epoch(self.epoch), revision: Revision(self.revision) }
            }
        }
    )+};
}

positions!(Subscribe, Ack, SnapshotBegin, Change);

frames! {
    /// What a follower says on the subscription stream.
    pub enum FromFollower, at most FRAME_BYTES_MAX {
        /// First.
        201 => Subscribe,
        /// After each commit of its own.
        202 => Ack,
    }
}

frames! {
    /// What the lead says on the subscription stream.
    pub enum FromLead, at most FRAME_BYTES_MAX {
        /// Starts a snapshot.
        301 => SnapshotBegin,
        /// Ends it.
        303 => SnapshotEnd,
        /// Keys for what follows.
        305 => ScopeKeys,
        /// A part of a snapshot; 302 was the same with records of version 1.
        306 => SnapshotRecords,
        /// A change; 304 was the same with records of version 1.
        307 => Change,
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::BodyFrame;
    use super::super::testing::{golden, survives_anything};
    use super::*;

    fn change() -> Change {
        Change { epoch: 1, previous: 299, revision: 300, records: vec![RecordFrame::sample(20)] }
    }

    #[test]
    fn subscription_frames_have_the_bytes_they_always_had() {
        golden(&FromFollower::from(Subscribe { epoch: 1, revision: 300 }), "000000070100c901fb2c01");
        golden(&FromFollower::from(Ack { epoch: 1, revision: 301 }), "000000070100ca01fb2d01");
        golden(
            &FromLead::from(SnapshotBegin { epoch: 1, revision: 300, entitlement: EntitlementFrame::sample() }),
            "0000001d01012d01fb2c010470726f6400010461636d6501086f70656e61692f2a",
        );
        let deleted = RecordFrame { body: BodyFrame::Deleted, ..RecordFrame::sample(0) };
        golden(
            &FromLead::from(SnapshotRecords { records: vec![deleted] }),
            "00000045010132010470726f640768756273706f74076170695f6b657901000703fb2c010000010001036f7073000000010363726d01fd00183dfa4303000001fb60ea00015a000204",
        );
        golden(&FromLead::from(SnapshotEnd { count: 1 }), "0000000401012f01");
        golden(
            &FromLead::from(change()),
            "0000007a01013301fb2b01fb2c01010470726f640768756273706f74076170695f6b657901000703fb2c0100000001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa14bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0001036f7073000000010363726d01fd00183dfa4303000001fb60ea00015a000204",
        );
        golden(
            &FromLead::from(ScopeKeys { keys: vec![ScopeKeyFrame::sample(8)] }),
            "00000019010131010470726f64020461636d650208cdcdcdcdcdcdcdcd",
        );
    }

    #[test]
    fn no_bytes_make_the_subscription_stream_panic() {
        survives_anything(&FromFollower::from(Subscribe { epoch: 1, revision: 300 }));
        survives_anything(&FromLead::from(change()));
        survives_anything(&FromLead::from(ScopeKeys { keys: vec![ScopeKeyFrame::sample(8)] }));
    }

    #[test]
    fn a_change_names_the_position_after_it() {
        assert_eq!(change().position(), Position { epoch: Epoch(1), revision: Revision(300) });
    }
}
