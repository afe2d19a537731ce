//! Who is at the other end of a socket, in the kernel's words, asked before a byte is parsed.
//!
//! The ids are those of `SO_PEERCRED` (unix(7)): the kernel noted them at connect, and nothing the process does later
//! changes them. Everything else is read from `/proc`, where a process is only a number that another may have been given
//! since. So the number is taken from the pidfd of `SO_PEERPIDFD` (Linux 6.5), what it leads to is read, and then the
//! pidfd is asked whether the process is still there: if it is, the number was its own all the time. An older kernel has
//! the start time of the process instead, which is called weak wherever it is told.
//!
//! What a process runs is no wall between the programs of one user: whoever may run a program may connect first, keep the
//! socket in a child, and then run it. A rule about a program narrows a rule about a user; it does not replace it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerPidfd;
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::digest::Digests;
use super::error::TooManyDigests;
use super::names::Names;
use super::peer::Peer;
use super::process::{self, Process, Seen};
use super::program::{Program, program_of};
use crate::model::attested::{Attested, Presence};
use crate::model::caller::Door;
use crate::model::name::LocalName;
use crate::model::time::Timestamp;

/// How long the file of a program may take to be looked at. It may lie on a file system that answers late, or never.
const PROGRAM_PATIENCE: Duration = Duration::from_secs(1);

/// How many files are looked at at once: those that never answer hold a thread each.
const PROGRAMS_AT_ONCE: usize = 32;

/// What the kernel says of a connected socket. A seam: tests have it fail.
pub trait Kernel: Send + Sync {
    /// The ids of the process that connected, as they were then.
    ///
    /// # Errors
    /// Whatever `getsockopt` says.
    fn credentials(&self, stream: &UnixStream) -> io::Result<Credentials>;

    /// The pidfd of that process; `None` from a kernel that has none.
    ///
    /// # Errors
    /// Whatever else `getsockopt` says: `ESRCH` and `EINVAL` when the process is gone.
    fn pidfd(&self, stream: &UnixStream) -> io::Result<Option<OwnedFd>>;
}

/// `SO_PEERCRED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Process id; 0 for a process of a pid namespace that is not below ours.
    pub pid: Option<i32>,
}

/// The kernel we run on.
#[derive(Debug, Clone, Copy)]
pub struct Linux;

impl Kernel for Linux {
    fn credentials(&self, stream: &UnixStream) -> io::Result<Credentials> {
        let told = stream.peer_cred()?;
        Ok(Credentials { uid: told.uid(), gid: told.gid(), pid: told.pid() })
    }

    fn pidfd(&self, stream: &UnixStream) -> io::Result<Option<OwnedFd>> {
        match getsockopt(&stream.as_fd(), PeerPidfd) {
            Ok(pidfd) => Ok(Some(pidfd)),
            Err(Errno::ENOPROTOOPT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A connection, with what the kernel says of it at once.
#[derive(Debug)]
pub struct Knock {
    door: Door,
    /// Effective user id at connect.
    pub uid: u32,
    gid: u32,
    pid: Option<i32>,
    pidfd: Option<OwnedFd>,
}

/// Everything callers are attested with.
pub struct Witness {
    kernel: Box<dyn Kernel>,
    proc: PathBuf,
    names: Names,
    digests: Digests,
    programs: Arc<Semaphore>,
    unidentified: AtomicU64,
}

impl Witness {
    /// The machine we run on.
    pub fn of_machine() -> Arc<Self> {
        Arc::new(Self::new(Box::new(Linux), Path::new("/proc")))
    }

    /// A witness that asks this kernel, and looks at processes here.
    pub fn new(kernel: Box<dyn Kernel>, proc: &Path) -> Self {
        Self {
            kernel,
            proc: proc.to_owned(),
            names: Names::of_machine(),
            digests: Digests::default(),
            programs: Arc::new(Semaphore::new(PROGRAMS_AT_ONCE)),
            unidentified: AtomicU64::new(0),
        }
    }

    /// Asks the kernel, and nobody else: cheap enough for the task that accepts.
    ///
    /// # Errors
    /// When the kernel does not say who connected: then the connection must be closed.
    pub fn knock(&self, stream: &UnixStream, door: Door) -> io::Result<Knock> {
        let told = self.kernel.credentials(stream);
        #[cfg(feature = "seeded_bugs")]
        let told = if crate::model::seeded::bug(12) {
            Ok(told.unwrap_or(Credentials { uid: 0, gid: 0, pid: None }))
        } else {
            told
        };
        let Credentials { uid, gid, pid } = told?;
        let pidfd = self.kernel.pidfd(stream)?;
        Ok(Knock { door, uid, gid, pid: pid.filter(|pid| *pid > 0), pidfd })
    }

    /// Learns the rest. `None` when the process is gone: then the connection must be closed.
    pub async fn attest(self: &Arc<Self>, knock: Knock) -> Option<Peer> {
        let Knock { door, uid, gid, pid, pidfd } = knock;
        let place = self.place().await;
        let (witness, (tell, told)) = (Arc::clone(self), oneshot::channel());
        // One visit to another thread for everything. Only the program may take long, so what is known before is told before.
        let looked = tokio::task::spawn_blocking(move || {
            let seen = process::seen(&witness.proc, pid, pidfd, (uid, gid));
            let directory = seen.as_ref().and_then(|seen| seen.directory.clone());
            let known = seen.map(|seen| (witness.named(uid, gid, &seen.groups), seen));
            // Whoever asked may have gone.
            let _ = tell.send(known);
            // The place is the thread's: it is taken for as long as that hangs, also when nobody waits for it any more.
            place.and_then(|_place| program_of(&directory?))
        });
        let program = tokio::time::timeout(PROGRAM_PATIENCE, looked).await.ok().and_then(Result::ok).flatten();
        let ((user, group_names), Seen { process, strength, groups, unit, is_unseen, .. }) = told.await.ok()??;
        // Only now it is known that all of this was read of the process that connected, and of no other.
        if !process.is_there() {
            return None;
        }
        let attested = Attested {
            strength,
            user,
            groups: group_names,
            is_unseen,
            unit,
            executable: program.as_ref().map(|program| program.name.clone()),
            presence: presence(&process),
        };
        Some(Peer {
            door,
            uid,
            gid,
            groups: groups.into(),
            pid,
            attested: Arc::new(attested),
            program,
            process: Some(process),
        })
    }

    /// Leave to look at a program; none when so many hang that there is none in time.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.programs).acquire_owned();
        tokio::time::timeout(PROGRAM_PATIENCE, place).await.ok()?.ok()
    }

    /// What the machine calls a user, and its groups.
    fn named(&self, uid: u32, gid: u32, groups: &[u32]) -> (Option<LocalName>, Vec<LocalName>) {
        let gids: Vec<u32> = std::iter::once(gid).chain(groups.iter().copied()).collect();
        (self.names.user(uid), self.names.groups(&gids))
    }

    /// The digest of a program that was attested, from the cache or from the file; `None` when the file is another by now,
    /// or too large. `now` is the wall clock.
    ///
    /// # Errors
    /// [`TooManyDigests`].
    pub(super) async fn digest(&self, program: &Program, now: Timestamp) -> Result<Option<[u8; 32]>, TooManyDigests> {
        self.digests.of(program, now).await
    }

    /// Counts a connection that was closed because nobody is known to have made it, and gives how many there were.
    pub fn count_unidentified(&self) -> u64 {
        self.unidentified.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

fn presence(process: &Process) -> Presence {
    let process = process.clone();
    Presence::new(move || process.is_there())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::model::attested::Strength;

    /// A kernel that answers as it is told.
    struct Told {
        pid: Option<i32>,
        pidfd: fn() -> io::Result<Option<OwnedFd>>,
    }

    impl Kernel for Told {
        fn credentials(&self, stream: &UnixStream) -> io::Result<Credentials> {
            Ok(Credentials { pid: self.pid, ..Linux.credentials(stream)? })
        }

        fn pidfd(&self, _stream: &UnixStream) -> io::Result<Option<OwnedFd>> {
            (self.pidfd)()
        }
    }

    fn witness(pid: Option<i32>, pidfd: fn() -> io::Result<Option<OwnedFd>>) -> Arc<Witness> {
        Arc::new(Witness::new(Box::new(Told { pid, pidfd }), Path::new("/proc")))
    }

    fn our_pid() -> Option<i32> {
        i32::try_from(std::process::id()).ok()
    }

    async fn attested(witness: &Arc<Witness>) -> Option<Peer> {
        let (here, _there) = UnixStream::pair().expect("pair");
        witness.attest(witness.knock(&here, Door::Agent).expect("credentials")).await
    }

    #[tokio::test]
    async fn a_connected_socket_tells_who_we_are_and_what_we_run() {
        let peer = attested(&Witness::of_machine()).await.expect("we are there");
        let caller = peer.caller("id".into());
        assert_eq!(caller.uid, rustix::process::geteuid().as_raw());
        assert_eq!(caller.gid, rustix::process::getegid().as_raw());
        assert_eq!((caller.door, &*caller.request_id, caller.pid), (Door::Agent, "id", our_pid()));
        assert!(caller.attested.presence.is_there() && !caller.attested.is_unseen);
        let program = caller.attested.executable.as_ref().expect("a program");
        let ours = std::env::current_exe().expect("a path");
        assert_eq!(
            (Path::new(program.path()), program.sha256()),
            (ours.as_path(), None),
            "the digest is not asked for"
        );
    }

    #[tokio::test]
    async fn an_older_kernel_has_no_pidfd_and_the_start_time_must_do() {
        let peer = attested(&witness(our_pid(), || Ok(None))).await.expect("we are there");
        assert_eq!(peer.attested.strength, Strength::Weak);
        assert!(peer.attested.executable.is_some() && peer.attested.presence.is_there());
    }

    #[tokio::test]
    async fn whatever_else_the_kernel_says_closes_the_connection() {
        let failures: [fn() -> io::Result<Option<OwnedFd>>; 4] = [
            || Err(Errno::ESRCH.into()),
            || Err(Errno::EINVAL.into()),
            || Err(Errno::ENODATA.into()),
            || Err(Errno::EMFILE.into()),
        ];
        for failure in failures {
            let (here, _there) = UnixStream::pair().expect("pair");
            assert!(witness(our_pid(), failure).knock(&here, Door::Agent).is_err());
        }
    }

    /// A kernel that does not say who connected.
    struct Silent;

    impl Kernel for Silent {
        fn credentials(&self, _: &UnixStream) -> io::Result<Credentials> {
            Err(Errno::EBADF.into())
        }

        fn pidfd(&self, _: &UnixStream) -> io::Result<Option<OwnedFd>> {
            Ok(None)
        }
    }

    #[tokio::test]
    async fn whom_the_kernel_does_not_name_is_nobody_and_least_of_all_root() {
        let (here, _there) = UnixStream::pair().expect("pair");
        let witness = Arc::new(Witness::new(Box::new(Silent), Path::new("/proc")));
        assert!(witness.knock(&here, Door::Admin).is_err());
    }

    #[tokio::test]
    async fn a_process_of_another_pid_namespace_is_its_ids_and_nothing_more() {
        for pid in [None, Some(0), Some(-1)] {
            let peer = attested(&witness(pid, || Ok(None))).await.expect("its ids are known");
            assert_eq!((peer.attested.strength, peer.pid), (Strength::Weak, None));
            assert!(peer.attested.executable.is_none() && peer.attested.unit.is_none() && peer.groups.is_empty());
            assert!(peer.attested.is_unseen, "which is told from having no groups");
        }
    }

    #[tokio::test]
    async fn a_process_that_is_gone_is_nobody() {
        let mut child = Command::new("true").stdin(Stdio::null()).spawn().expect("true");
        let pid = i32::try_from(child.id()).ok();
        child.wait().expect("ended");
        assert!(attested(&witness(pid, || Ok(None))).await.is_none());
    }
}
