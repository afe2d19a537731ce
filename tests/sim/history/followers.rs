//! What followers give out, against what was written: on one node versions only go up, and a version that was replaced is not
//! given out once it was replaced for longer than promised.

use super::{Answer, Call, Operation};

/// One value that a follower gave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowerRead {
    /// Which node.
    pub node: String,
    /// When it was asked.
    pub invoked: u64,
    /// When it was answered.
    pub completed: u64,
    /// Which version it gave out.
    pub version: u64,
}

/// Whether everything was new enough: `bound` is the longest time a replaced value may be given out, in the unit of the
/// history's clock.
pub fn check(writes: &[Operation], reads: &[FollowerRead], bound: u64) -> Result<(), String> {
    for read in reads {
        let too_new = reads.iter().find(|before| {
            before.node == read.node && before.completed < read.invoked && before.version > read.version
        });
        if let Some(before) = too_new {
            return Err(format!("time ran backwards: {before:?}, then {read:?}"));
        }
        let replaced = writes.iter().find(|write| {
            let until = write.completed.saturating_add(bound);
            stored(write).is_some_and(|version| version > read.version) && until < read.invoked
        });
        if let Some(write) = replaced {
            return Err(format!("{read:?} is older than promised: {write:?} came long before"));
        }
        let known = |write: &Operation| write.invoked <= read.completed && may_store(write, read.version);
        if !writes.iter().any(known) {
            return Err(format!("nobody had stored what was given out: {read:?}"));
        }
    }
    Ok(())
}

/// The version an operation is known to have stored.
fn stored(write: &Operation) -> Option<u64> {
    match (write.call, write.answer) {
        (Call::Put { .. } | Call::Cas { .. }, Answer::Done { version }) => Some(version),
        _ => None,
    }
}

fn may_store(write: &Operation, version: u64) -> bool {
    let stores = matches!(write.call, Call::Put { .. } | Call::Cas { .. });
    stores && (write.answer == Answer::Unknown || stored(write) == Some(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(version: u64, invoked: u64) -> Operation {
        let answer = Answer::Done { version };
        Operation { call: Call::Put { value: version }, invoked, completed: invoked + 1, answer }
    }

    fn read(node: &str, at: u64, version: u64) -> FollowerRead {
        FollowerRead { node: node.to_owned(), invoked: at, completed: at + 1, version }
    }

    #[test]
    fn an_old_version_is_right_within_the_promise_and_on_another_node() {
        let writes = [put(1, 0), put(2, 10)];
        assert_eq!(check(&writes, &[read("a", 12, 2), read("b", 20, 1), read("a", 30, 2)], 15), Ok(()));
        let unknown = Operation { answer: Answer::Unknown, ..put(3, 12) };
        assert_eq!(check(&[put(1, 0), unknown], &[read("a", 20, 3)], 15), Ok(()), "it may have been stored");
    }

    #[test]
    fn what_runs_backwards_is_too_old_or_was_never_stored_is_found() {
        let writes = [put(1, 0), put(2, 10)];
        assert!(check(&writes, &[read("a", 12, 2), read("a", 20, 1)], 15).is_err());
        assert!(check(&writes, &[read("b", 27, 1)], 15).is_err());
        assert!(check(&writes, &[read("b", 27, 3)], 15).is_err());
        assert!(check(&writes, &[read("b", 5, 2)], 15).is_err(), "before it was asked for");
    }
}
