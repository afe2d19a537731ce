//! How much memory request bodies may take before anyone has been authorised: whoever may connect may send one, and take
//! as long over it as a request may last.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::error::ApiError;
use crate::model::caller::Door;

/// For the bodies of each door together. Five of the largest that can be configured and announce their length, some seventy of the default size; with
/// a thousand connections that send one and never end it, a node stays small.
const BODY_BYTES_PER_DOOR: usize = 32 << 20;

/// Exports of the journal and those who follow it, together: each holds a page of at most 16 MiB and looks at files.
const LONG_ANSWERS_MAX: usize = 16;

/// The budget. The doors have one each, so that whoever is let in at the agent door only cannot keep the owner from changing
/// anything, and other users of the machine, who reach the loopback listener, take nothing from either.
#[derive(Debug)]
pub(super) struct Budget {
    agent: BodyBytes,
    loopback: BodyBytes,
    admin: BodyBytes,
    imports: Semaphore,
    long_answers: Arc<Semaphore>,
}

/// What one door has left.
#[derive(Debug)]
pub(super) struct BodyBytes(Semaphore);

impl Default for Budget {
    /// 32 MiB for each door.
    fn default() -> Self {
        let body_bytes = || BodyBytes::new(BODY_BYTES_PER_DOOR);
        Self {
            agent: body_bytes(),
            loopback: body_bytes(),
            admin: body_bytes(),
            imports: Semaphore::new(1),
            long_answers: Arc::new(Semaphore::new(LONG_ANSWERS_MAX)),
        }
    }
}

impl Budget {
    /// The place for the one import that may be under way.
    ///
    /// # Errors
    /// [`ApiError::TooManyBodies`] when another has it.
    pub(super) fn import(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.imports.try_acquire().map_err(|_| ApiError::TooManyBodies)
    }

    /// The place for one of the answers that go on and read files meanwhile.
    ///
    /// # Errors
    /// [`ApiError::TooManyAnswers`] when all are taken.
    pub(super) fn long_answer(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.long_answers).try_acquire_owned().map_err(|_| ApiError::TooManyAnswers)
    }

    /// What bodies that come through this door may take.
    pub(super) fn at(&self, door: Door) -> &BodyBytes {
        match door {
            Door::Loopback => &self.loopback,
            Door::Agent | Door::Credentials | Door::Workload => &self.agent,
            Door::Admin => &self.admin,
        }
    }
}

impl BodyBytes {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Semaphore::new(bytes))
    }

    /// Takes so many until the permit is dropped. Does not wait: who is let wait holds a connection meanwhile.
    ///
    /// # Errors
    /// [`ApiError::TooManyBodies`] when they are not there.
    pub(super) fn take(&self, bytes: usize) -> Result<SemaphorePermit<'_>, ApiError> {
        let bytes = u32::try_from(bytes).map_err(|_| ApiError::TooManyBodies)?;
        self.0.try_acquire_many(bytes).map_err(|_| ApiError::TooManyBodies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back_and_the_doors_take_nothing_from_each_other() {
        let budget = Budget::default();
        let held = budget.at(Door::Agent).take(BODY_BYTES_PER_DOOR - 40).expect("there is room");
        assert_eq!(budget.at(Door::Agent).take(41).expect_err("refused"), ApiError::TooManyBodies);
        drop(budget.at(Door::Agent).take(40).expect("exactly what is left"));
        drop(budget.at(Door::Loopback).take(BODY_BYTES_PER_DOOR).expect("untouched"));
        drop(budget.at(Door::Admin).take(BODY_BYTES_PER_DOOR).expect("untouched"));
        drop(held);
        drop(budget.at(Door::Agent).take(BODY_BYTES_PER_DOOR).expect("given back"));
    }

    #[test]
    fn more_bytes_than_can_be_counted_are_not_there() {
        assert_eq!(BodyBytes::new(1).take(usize::MAX).expect_err("refused"), ApiError::TooManyBodies);
    }
}
