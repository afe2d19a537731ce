//! How it is known who asks, in the words of the journal: by door, and by how sure the kernel's word is.

use crate::model::attested::Strength;
use crate::model::caller::{Caller, Door};

/// Who asks, before it is identified.
pub(super) fn first_seen(caller: &Caller) -> String {
    match caller.door {
        Door::Loopback => "unknown".to_owned(),
        Door::Agent | Door::Admin | Door::Credentials | Door::Workload => format!("user:{}", caller.uid),
    }
}

/// How it is known who asks, without a key.
pub(super) fn established(door: Door, strength: Strength) -> &'static str {
    match (door, strength) {
        (Door::Agent, Strength::Strong) => "peer-credentials+pidfd, agent socket",
        (Door::Admin, Strength::Strong) => "peer-credentials+pidfd, admin socket",
        (Door::Credentials, Strength::Strong) => "peer-credentials+pidfd, credentials socket",
        (Door::Workload, Strength::Strong) => "peer-credentials+pidfd, workload socket",
        (Door::Agent, Strength::Weak) => "peer-credentials, agent socket",
        (Door::Admin, Strength::Weak) => "peer-credentials, admin socket",
        (Door::Credentials, Strength::Weak) => "peer-credentials, credentials socket",
        (Door::Workload, Strength::Weak) => "peer-credentials, workload socket",
        (Door::Loopback, _) => "nothing, loopback listener",
    }
}

/// The same when an API key was shown.
pub(super) fn established_with_key(door: Door, strength: Strength) -> &'static str {
    match (door, strength) {
        (Door::Agent, Strength::Strong) => "API key and peer-credentials+pidfd, agent socket",
        (Door::Admin, Strength::Strong) => "API key and peer-credentials+pidfd, admin socket",
        (Door::Credentials, Strength::Strong) => "API key and peer-credentials+pidfd, credentials socket",
        (Door::Workload, Strength::Strong) => "API key and peer-credentials+pidfd, workload socket",
        (Door::Agent, Strength::Weak) => "API key and peer-credentials, agent socket",
        (Door::Admin, Strength::Weak) => "API key and peer-credentials, admin socket",
        (Door::Credentials, Strength::Weak) => "API key and peer-credentials, credentials socket",
        (Door::Workload, Strength::Weak) => "API key and peer-credentials, workload socket",
        (Door::Loopback, _) => "API key, loopback listener",
    }
}
