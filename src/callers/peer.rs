//! The process at the other end of a connection, as it was attested, and as the author of each of its requests.

use std::sync::Arc;

use super::attest::Witness;
use super::error::TooManyDigests;
use super::process::Process;
use super::program::Program;
use crate::model::attested::Attested;
use crate::model::caller::{Caller, Door, Shown, UID_NOBODY};
use crate::model::principal::Executable;
use crate::model::time::Timestamp;

/// A fifth of a second of work.
const SMALL_PROGRAM_BYTES: u64 = 64 << 20;

/// The process that connected.
#[derive(Debug)]
pub struct Peer {
    /// The socket it connected to.
    pub door: Door,
    /// Effective user id at connect.
    pub uid: u32,
    /// Effective group id at connect.
    pub gid: u32,
    /// Its supplementary groups, each once.
    pub groups: Arc<[u32]>,
    /// Its pid.
    pub pid: Option<i32>,
    /// What else is known of it; the digest of its program is not among it.
    pub attested: Arc<Attested>,
    /// Its program, with the file that it was.
    pub(super) program: Option<Program>,
    /// Its handle; none of whoever connects over the network's loopback, of whom the kernel says nothing.
    pub(super) process: Option<Process>,
}

impl Peer {
    /// Whoever connects to the loopback listener: nobody by the kernel's word.
    #[must_use]
    pub fn of_loopback() -> Self {
        Self {
            door: Door::Loopback,
            uid: UID_NOBODY,
            gid: UID_NOBODY,
            groups: Arc::default(),
            pid: None,
            attested: Arc::default(),
            program: None,
            process: None,
        }
    }

    /// The same process, as the author of one request.
    pub fn caller(&self, request_id: Arc<str>) -> Caller {
        Caller {
            door: self.door,
            uid: self.uid,
            gid: self.gid,
            groups: Arc::clone(&self.groups),
            pid: self.pid,
            attested: Arc::clone(&self.attested),
            shown: Shown::default(),
            request_id,
        }
    }

    /// Whether the process is still there. What somebody else says on its connection is not its word.
    pub fn is_there(&self) -> bool {
        self.process.as_ref().is_none_or(Process::is_there)
    }

    /// Whether the digest of its program is soon taken: then it may be told to whoever asks, and not only where a rule names
    /// it. Anybody may have a large file for a program.
    pub fn has_small_program(&self) -> bool {
        self.program.as_ref().is_some_and(|program| program.file.size <= SMALL_PROGRAM_BYTES)
    }

    /// What is known of it, with the digest of its program if it has one. `now` is the wall clock.
    ///
    /// # Errors
    /// [`TooManyDigests`]: whether it has the digest that a rule is about cannot be told now.
    pub async fn with_digest(&self, witness: &Witness, now: Timestamp) -> Result<Arc<Attested>, TooManyDigests> {
        let without = || Ok(Arc::clone(&self.attested));
        let Some(program) = &self.program else { return without() };
        let Some(digest) = witness.digest(program, now).await? else { return without() };
        // A path that was taken once is taken again.
        let Ok(exactly) = Executable::new(program.name.path(), Some(digest)) else { return without() };
        Ok(Arc::new(Attested { executable: Some(exactly), ..Attested::clone(&self.attested) }))
    }
}
