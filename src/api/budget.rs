//! How much memory request bodies may take before anyone has been authorised: whoever may connect may send one, and take
//! as long over it as a request may last.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::error::ApiError;
use crate::model::caller::{Caller, Door};

/// For the bodies of each door together. Five of the largest that can be configured and announce their length, some seventy of the default size; with
/// a thousand connections that send one and never end it, a node stays small.
const BODY_BYTES_PER_DOOR: usize = 32 << 20;

/// Of those of the agent door, for any one user: twice the largest that can be configured and does not say how long it is.
const BODY_BYTES_PER_USER: usize = BODY_BYTES_PER_DOOR / 2;

/// Answers that go on and read files meanwhile, together: exports, proofs and checks of the journal, those who follow it, and
/// snapshots that are sent or examined. Each holds a page of at most 16 MiB.
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

/// What one door has left, and what its users have of it.
#[derive(Debug)]
pub(super) struct BodyBytes {
    all: usize,
    of_one: usize,
    taken: Mutex<HashMap<u32, usize>>,
}

/// What one user may take at one door.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share<'budget> {
    door: &'budget BodyBytes,
    uid: u32,
}

/// Bytes that were taken; dropping it gives them back.
#[derive(Debug)]
pub(super) struct Taken<'budget> {
    share: Share<'budget>,
    bytes: usize,
}

impl Default for Budget {
    /// 32 MiB for each door.
    fn default() -> Self {
        let shared = || BodyBytes::new(BODY_BYTES_PER_DOOR, BODY_BYTES_PER_DOOR);
        Self {
            agent: BodyBytes::new(BODY_BYTES_PER_DOOR, BODY_BYTES_PER_USER),
            loopback: shared(),
            admin: shared(),
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

    /// What bodies of this caller may take.
    pub(super) fn of(&self, caller: &Caller) -> Share<'_> {
        let door = match caller.door {
            Door::Loopback => &self.loopback,
            Door::Agent | Door::Credentials | Door::Workload => &self.agent,
            Door::Admin => &self.admin,
        };
        door.share(caller.uid)
    }
}

impl BodyBytes {
    /// So many in all, and of these so many for any one user.
    pub(super) fn new(all: usize, of_one: usize) -> Self {
        Self { all, of_one, taken: Mutex::default() }
    }

    /// What this user may take.
    pub(super) fn share(&self, uid: u32) -> Share<'_> {
        Share { door: self, uid }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<u32, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'budget> Share<'budget> {
    /// Takes so many until what is given is dropped. Does not wait: who is let wait holds a connection meanwhile.
    ///
    /// # Errors
    /// [`ApiError::TooManyBodies`] when they are not there.
    pub(super) fn take(self, bytes: usize) -> Result<Taken<'budget>, ApiError> {
        let mut taken = self.door.taken();
        let own = taken.get(&self.uid).copied().unwrap_or(0);
        let all = taken.values().sum::<usize>();
        let fits = |held: usize, most: usize| held.checked_add(bytes).is_some_and(|held| held <= most);
        if !fits(own, self.door.of_one) || !fits(all, self.door.all) {
            return Err(ApiError::TooManyBodies);
        }
        taken.insert(self.uid, own.saturating_add(bytes));
        Ok(Taken { share: self, bytes })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut taken = self.share.door.taken();
        if let Entry::Occupied(mut own) = taken.entry(self.share.uid) {
            *own.get_mut() = own.get().saturating_sub(self.bytes);
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back_and_the_doors_take_nothing_from_each_other() {
        let budget = Budget::default();
        let (agent, loopback, admin) = (budget.agent.share(1), budget.loopback.share(1), budget.admin.share(1));
        let held = agent.take(BODY_BYTES_PER_USER - 40).expect("there is room");
        assert_eq!(agent.take(41).expect_err("refused"), ApiError::TooManyBodies);
        drop(agent.take(40).expect("exactly what is left"));
        drop(loopback.take(BODY_BYTES_PER_DOOR).expect("untouched"));
        drop(admin.take(BODY_BYTES_PER_DOOR).expect("untouched"));
        drop(held);
        drop(agent.take(BODY_BYTES_PER_USER).expect("given back"));
        assert!(budget.agent.taken().is_empty());
    }

    /// One that announced bodies and never sent them kept everybody else from storing anything.
    #[test]
    fn no_user_of_a_door_takes_what_all_of_its_users_have() {
        let budget = Budget::default();
        let _held = budget.agent.share(1).take(BODY_BYTES_PER_USER).expect("its own");
        assert_eq!(budget.agent.share(1).take(1).expect_err("refused"), ApiError::TooManyBodies);
        let _other = budget.agent.share(2).take(BODY_BYTES_PER_DOOR - BODY_BYTES_PER_USER).expect("the others'");
        assert_eq!(budget.agent.share(3).take(1).expect_err("refused"), ApiError::TooManyBodies);
    }

    #[test]
    fn more_bytes_than_can_be_counted_are_not_there() {
        let bytes = BodyBytes::new(1, 1);
        let _held = bytes.share(1).take(1).expect("there");
        assert_eq!(bytes.share(1).take(usize::MAX).expect_err("refused"), ApiError::TooManyBodies);
    }
}
