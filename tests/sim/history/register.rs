//! The specification of one secret: a register with versions that count on, a compare-and-set, and a deletion that can be
//! undone. Everything the lead answers must be what this answers in some order.

use super::{Answer, Call};

/// A secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Register {
    /// The last version; 0: there was none.
    pub version: u64,
    /// The value of that version.
    pub value: u64,
    /// Whether it can be read.
    pub live: bool,
    /// Whether what a deletion kept is gone, so that it cannot be undone.
    pub gone: bool,
}

impl Register {
    fn current(self) -> u64 {
        if self.live { self.version } else { 0 }
    }

    /// What it does, and what it answers.
    pub fn step(self, call: Call) -> (Self, Answer) {
        match call {
            Call::Put { value } => {
                let version = self.version + 1;
                (Self { version, value, live: true, gone: false }, Answer::Done { version })
            }
            Call::Cas { value, expected } if expected == self.current() => self.step(Call::Put { value }),
            Call::Cas { .. } => (self, Answer::Conflict { current: self.current() }),
            Call::Delete if self.live => (Self { live: false, ..self }, Answer::Done { version: self.version }),
            Call::Delete => (self, Answer::Absent),
            Call::Undelete if self.version == 0 || self.gone => (self, Answer::Absent),
            Call::Undelete if self.live => (self, Answer::NotDeleted),
            Call::Undelete => (Self { live: true, ..self }, Answer::Done { version: self.version }),
            Call::Read => (self, Answer::Value(self.live.then_some((self.version, self.value)))),
        }
    }
}

#[test]
fn versions_count_on_whatever_is_done_in_between() {
    let calls = [
        (Call::Read, Answer::Value(None)),
        (Call::Cas { value: 1, expected: 0 }, Answer::Done { version: 1 }),
        (Call::Cas { value: 2, expected: 0 }, Answer::Conflict { current: 1 }),
        (Call::Undelete, Answer::NotDeleted),
        (Call::Delete, Answer::Done { version: 1 }),
        (Call::Delete, Answer::Absent),
        (Call::Cas { value: 3, expected: 1 }, Answer::Conflict { current: 0 }),
        (Call::Undelete, Answer::Done { version: 1 }),
        (Call::Put { value: 4 }, Answer::Done { version: 2 }),
        (Call::Read, Answer::Value(Some((2, 4)))),
    ];
    let mut register = Register::default();
    for (call, answer) in calls {
        let answered;
        (register, answered) = register.step(call);
        assert_eq!(answered, answer, "{call:?}");
    }
}
