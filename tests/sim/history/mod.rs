//! Recorded histories of one secret, and whether there is an order of its operations that explains all their answers: the
//! lead is linearizable, and what followers give out goes forward and is not older than promised.
//!
//! Histories come from the simulation, or as JSON lines from real processes: `AURORA_HISTORY=FILE cargo test --test sim --
//! a_recorded_history` judges a file (`history/lines.rs` has its form).

pub mod followers;
pub mod lines;
pub mod register;
pub mod search;

/// What was asked. Values are numbers, each written once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Store this.
    Put { value: u64 },
    /// Store this if that version is current; 0: if none is.
    Cas { value: u64, expected: u64 },
    /// Delete the current version.
    Delete,
    /// Make the deleted version current again.
    Undelete,
    /// What is the current value?
    Read,
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing, so far: it may have happened, may still happen, or never.
    Unknown,
    /// Done; this is the version now.
    Done { version: u64 },
    /// This version is current, and not the expected one; 0: none is.
    Conflict { current: u64 },
    /// There is nothing there to do it to.
    Absent,
    /// It is not deleted.
    NotDeleted,
    /// The value; none if there is none.
    Value(Option<(u64, u64)>),
}

/// One operation. Times are of any one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// What was asked.
    pub call: Call,
    /// When.
    pub invoked: u64,
    /// When it was answered; without meaning while the answer is unknown.
    pub completed: u64,
    /// What was answered.
    pub answer: Answer,
}

/// The operations of one secret, in the order they were invoked.
#[derive(Debug, Default)]
pub struct History {
    /// What there was before the first of them.
    pub begins: register::Register,
    operations: Vec<Operation>,
}

impl History {
    /// Begins with this value there.
    pub fn after(begins: register::Register) -> Self {
        Self { begins, operations: Vec::new() }
    }

    /// Something is asked; gives its number.
    pub fn invoke(&mut self, call: Call, invoked: u64) -> usize {
        self.operations.push(Operation { call, invoked, completed: u64::MAX, answer: Answer::Unknown });
        self.operations.len() - 1
    }

    /// It is answered.
    pub fn complete(&mut self, number: usize, answer: Answer, completed: u64) {
        // What was asked of a reign that is over is answered to nobody.
        if let Some(operation) = self.operations.get_mut(number) {
            (operation.answer, operation.completed) = (answer, completed);
        }
    }

    /// Every operation.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Whether some order explains it.
    pub fn check(&self) -> Result<(), String> {
        search::linearizable(self.begins, &self.operations).map_err(|stuck| stuck.to_string())
    }
}
