//! Records and views for the tests of the checkers.

use aurora_mesh::model::change::ChangeKind;
use aurora_mesh::model::entitlement_history::EntitlementHistory;
use aurora_mesh::model::fields::Fields;
use aurora_mesh::model::identity::{KeyPin, Role, SealingPublicKey};
use aurora_mesh::model::log::{LogEntry, LogSubject};
use aurora_mesh::model::metadata::{Metadata, SecretOptions};
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::{Epoch, Generation, Position, Revision, Version};
use aurora_mesh::model::record::{Record, RecordBody, SealedValue};
use aurora_mesh::model::roster::{RosterEntry, Standing};
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::replication::view::{LeadView, View};

use crate::names::{ENTITLEMENTS, NODES, PLACES};

/// A position.
pub fn position(epoch: u64, revision: u64) -> Position {
    Position { epoch: Epoch(epoch), revision: Revision(revision) }
}

/// A version.
pub fn version(number: u64) -> Version {
    Version::new(number).expect("positive")
}

/// A record of the first place.
pub fn record(number: u64, revision: u64) -> Record {
    let sealed = SealedValue { generation: Generation::FIRST, nonce: [0; 24], ciphertext: vec![1] };
    Record {
        at: PLACES[0].clone(),
        secret_id: 1,
        version: version(number),
        revision: Revision(revision),
        change: ChangeKind::Stored,
        purged: None,
        body: RecordBody::Sealed(sealed),
        metadata: Metadata::default().into(),
        options: SecretOptions::default().into(),
        fields: Fields::default().into(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn member(name: NodeName) -> RosterEntry {
    RosterEntry {
        name,
        role: Role::Follower,
        pin: KeyPin([1; 32]),
        sealing_key: SealingPublicKey([2; 32]),
        entitlement: ENTITLEMENTS[0].clone(),
        history: EntitlementHistory::beginning(Timestamp(0)),
        joined_at: Timestamp(0),
        standing: Standing::Active,
        changed_at: Revision(0),
    }
}

/// A lead of three members that holds this record, and stands at its revision.
pub fn lead(record: Record) -> LeadView {
    let roster = NODES.iter().map(|name| member(name.clone())).collect();
    let (at, revision, version) = (record.at.clone(), record.revision, record.version);
    let subject = LogSubject::Secret { at, change: record.change, version };
    let log = vec![LogEntry { revision, at: Timestamp(0), audit_seq: 1, subject }];
    LeadView::new(View::new(Position { epoch: Epoch(1), revision }, [record]), Vec::new(), roster, log)
}
