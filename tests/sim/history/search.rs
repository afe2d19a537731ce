//! Whether a history is linearizable: a search through the orders that time allows (Wing and Gong, 1993), that looks at no
//! situation twice (Lowe, 2017).
//!
//! An operation that was never answered may take effect at any time after it was asked for, or never.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use super::register::Register;
use super::{Answer, Operation};

/// Which operations have taken effect: all before `from`, and these.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Done {
    from: usize,
    beyond: BTreeSet<usize>,
}

/// A situation in the search, and which of its ways were tried.
struct Situation {
    done: Done,
    register: Register,
    ways: Vec<usize>,
}

/// No order explains the answers. This is as far as one came.
#[derive(Debug, PartialEq, Eq)]
pub struct Stuck {
    explained: usize,
    register: Register,
    next: Vec<Operation>,
}

impl fmt::Display for Stuck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { explained, register, next } = self;
        write!(
            formatter,
            "not linearizable: after {explained} operations, at {register:?}, none of these fits: {next:?}"
        )
    }
}

/// Looks for an order. The operations are in the order they were invoked.
///
/// # Errors
/// [`Stuck`] if there is none.
pub fn linearizable(begins: Register, operations: &[Operation]) -> Result<(), Stuck> {
    let mut seen = HashSet::new();
    let first = Done { from: 0, beyond: BTreeSet::new() };
    let Some(ways) = ways(operations, &first) else { return Ok(()) };
    let mut stuck = Stuck { explained: 0, register: begins, next: chosen(operations, &ways) };
    let mut path = vec![Situation { done: first, register: begins, ways }];
    while let Some(situation) = path.last_mut() {
        let Some(way) = situation.ways.pop() else {
            path.pop();
            continue;
        };
        let operation = &operations[way];
        let (register, answer) = situation.register.step(operation.call);
        if operation.answer != Answer::Unknown && operation.answer != answer {
            continue;
        }
        let done = situation.done.with(way);
        if !seen.insert((done.clone(), register)) {
            continue;
        }
        let Some(ways) = self::ways(operations, &done) else { return Ok(()) };
        let explained = done.from + done.beyond.len();
        if explained > stuck.explained {
            stuck = Stuck { explained, register, next: chosen(operations, &ways) };
        }
        path.push(Situation { done, register, ways });
    }
    Err(stuck)
}

fn chosen(operations: &[Operation], ways: &[usize]) -> Vec<Operation> {
    ways.iter().map(|way| operations[*way]).collect()
}

impl Done {
    fn with(&self, number: usize) -> Self {
        let mut done = self.clone();
        done.beyond.insert(number);
        while done.beyond.remove(&done.from) {
            done.from += 1;
        }
        done
    }
}

/// What may take effect next: whatever was asked for before the first of the rest was answered. `None` when everything that
/// was answered has taken effect. What was answered first is tried first.
fn ways(operations: &[Operation], done: &Done) -> Option<Vec<usize>> {
    let mut deadline = u64::MAX;
    let mut found = Vec::new();
    for (number, operation) in operations.iter().enumerate().skip(done.from) {
        if operation.invoked > deadline {
            break;
        }
        if done.beyond.contains(&number) {
            continue;
        }
        found.push(number);
        if operation.answer != Answer::Unknown {
            deadline = deadline.min(operation.completed);
        }
    }
    if deadline == u64::MAX {
        return None;
    }
    found.retain(|number| operations[*number].invoked <= deadline);
    let answered = |number: &usize| (operations[*number].answer == Answer::Unknown, operations[*number].completed);
    found.sort_by_key(|number| std::cmp::Reverse(answered(number)));
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::super::Call;
    use super::*;

    fn operation(call: Call, invoked: u64, completed: u64, answer: Answer) -> Operation {
        Operation { call, invoked, completed, answer }
    }

    fn put(value: u64, invoked: u64, completed: u64, version: u64) -> Operation {
        operation(Call::Put { value }, invoked, completed, Answer::Done { version })
    }

    fn read(invoked: u64, completed: u64, value: Option<(u64, u64)>) -> Operation {
        operation(Call::Read, invoked, completed, Answer::Value(value))
    }

    fn judged(operations: &[Operation]) -> bool {
        linearizable(Register::default(), operations).is_ok()
    }

    #[test]
    fn operations_that_overlap_may_take_effect_in_either_order() {
        assert!(judged(&[put(7, 1, 9, 2), put(8, 2, 8, 1), read(10, 11, Some((2, 7)))]));
        assert!(judged(&[put(7, 1, 9, 1), read(2, 3, None), read(4, 5, Some((1, 7)))]));
        assert!(judged(&[]));
    }

    #[test]
    fn an_operation_without_an_answer_may_have_happened_or_not_and_early_or_late() {
        let unknown = operation(Call::Put { value: 7 }, 1, u64::MAX, Answer::Unknown);
        assert!(judged(&[unknown, read(2, 3, None)]));
        assert!(judged(&[unknown, read(2, 3, None), read(4, 5, Some((1, 7)))]));
        assert!(judged(&[unknown, put(8, 2, 3, 1), put(9, 4, 5, 3)]), "it took version 2, after the first");
    }

    /// What must be found: each of these is a history of a lead that is not one register.
    #[test]
    fn histories_that_no_order_explains_are_found() {
        let cas = |expected, invoked, completed, answer| {
            operation(Call::Cas { value: 9, expected }, invoked, completed, answer)
        };
        let wrong: [(&str, Vec<Operation>); 9] = [
            (
                "an old value after a new one",
                vec![put(7, 1, 2, 1), put(8, 3, 4, 2), read(5, 6, Some((2, 8))), read(7, 8, Some((1, 7)))],
            ),
            ("a value before it was stored", vec![read(1, 2, Some((1, 7))), put(7, 3, 4, 1)]),
            ("an acknowledged value that is gone", vec![put(7, 1, 2, 1), read(3, 4, None)]),
            ("a version given twice", vec![put(7, 1, 2, 1), put(8, 3, 4, 1)]),
            ("a version left out", vec![put(7, 1, 2, 1), put(8, 3, 4, 3)]),
            ("a value nobody stored", vec![put(7, 1, 2, 1), read(3, 4, Some((1, 8)))]),
            (
                "two who both won",
                vec![
                    put(7, 1, 2, 1),
                    cas(1, 3, 6, Answer::Done { version: 2 }),
                    cas(1, 4, 5, Answer::Done { version: 3 }),
                ],
            ),
            (
                "a conflict with a version there never was",
                vec![
                    put(7, 1, 2, 1),
                    operation(Call::Put { value: 8 }, 3, u64::MAX, Answer::Unknown),
                    cas(1, 4, 5, Answer::Conflict { current: 2 }),
                    read(6, 7, Some((1, 7))),
                ],
            ),
            (
                "read after it was deleted",
                vec![
                    put(7, 1, 2, 1),
                    operation(Call::Delete, 3, 4, Answer::Done { version: 1 }),
                    read(5, 6, Some((1, 7))),
                ],
            ),
        ];
        for (what, operations) in wrong {
            assert!(!judged(&operations), "{what}");
        }
    }

    #[test]
    fn a_long_history_of_many_clients_is_judged_at_once() {
        let mut operations = Vec::new();
        for round in 0..2_000_u64 {
            let begins = round * 10 + 1;
            // Four that overlap, in an order that is not that of their answers.
            operations.push(put(round * 4 + 3, begins, begins + 9, round * 4 + 4));
            operations.push(put(round * 4, begins + 1, begins + 8, round * 4 + 1));
            operations.push(put(round * 4 + 2, begins + 2, begins + 7, round * 4 + 3));
            operations.push(put(round * 4 + 1, begins + 3, begins + 6, round * 4 + 2));
        }
        assert!(judged(&operations));
        operations.push(read(30_000, 30_001, Some((1, 0))));
        assert!(!judged(&operations));
    }
}
