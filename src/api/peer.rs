//! The process at the other end of a connection, as it was attested, and as the author of each of its requests.

use std::sync::Arc;

use super::attest::Witness;
use super::attest_process::Process;
use super::attest_program::Program;
use crate::model::attested::Attested;
use crate::model::caller::{Caller, Door, Shown};
use crate::model::principal::Executable;
use crate::model::time::Timestamp;

/// The process that connected.
#[derive(Debug)]
pub(super) struct Peer {
    /// The socket it connected to.
    pub(super) door: Door,
    /// Effective user id at connect.
    pub(super) uid: u32,
    /// Effective group id at connect.
    pub(super) gid: u32,
    /// Its supplementary groups.
    pub(super) groups: Vec<u32>,
    /// Its pid.
    pub(super) pid: Option<i32>,
    /// What else is known of it; the digest of its program is not among it.
    pub(super) attested: Arc<Attested>,
    /// Its program, with the file that it was.
    pub(super) program: Option<Program>,
    /// Its handle.
    pub(super) process: Process,
}

impl Peer {
    /// The same process, as the author of one request.
    pub(super) fn caller(&self, request_id: String) -> Caller {
        Caller {
            door: self.door,
            uid: self.uid,
            gid: self.gid,
            groups: self.groups.clone(),
            pid: self.pid,
            attested: Arc::clone(&self.attested),
            shown: Shown::default(),
            request_id,
        }
    }

    /// Whether the process is still there. What somebody else says on its connection is not its word.
    pub(super) fn is_there(&self) -> bool {
        self.process.is_there()
    }

    /// What is known of it, with the digest of its program if one can be taken. `now` is the wall clock.
    pub(super) async fn with_digest(&self, witness: &Witness, now: Timestamp) -> Arc<Attested> {
        let Some(program) = &self.program else { return Arc::clone(&self.attested) };
        let Some(digest) = witness.digest(program, now).await else { return Arc::clone(&self.attested) };
        // A path that was taken once is taken again.
        let Ok(exactly) = Executable::new(program.name.path(), Some(digest)) else { return Arc::clone(&self.attested) };
        Arc::new(Attested { executable: Some(exactly), ..Attested::clone(&self.attested) })
    }
}
