//! A process by a handle that no other process can be given: its pidfd, or, weaker, its pid with its start time.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, test_kill_process};

use super::unit::unit_of;
use crate::model::attested::Strength;
use crate::model::principal::UnitName;

/// Where the start time stands behind the name of the program in `/proc/PID/stat` (field 22; the name is field 2).
const START_TIME_AFTER_NAME: usize = 19;

/// Room for what most files of `/proc` hold.
const TEXT_BYTES: usize = 4 << 10;

/// Which process.
#[derive(Debug, Clone)]
pub(super) enum Process {
    /// By its pidfd.
    Held(Arc<OwnedFd>),
    /// By its pid, and when it started in clock ticks since the machine did.
    Started {
        /// `/proc/PID/stat`.
        stat: PathBuf,
        /// Field 22 of it.
        at: u64,
    },
    /// It cannot be seen from here, so nothing can be asked of it.
    Unseen,
}

/// What was seen of a process. It belongs to it if it is there afterwards.
#[derive(Debug)]
pub(super) struct Seen {
    /// Its handle.
    pub(super) process: Process,
    /// How surely it is the one that connected.
    pub(super) strength: Strength,
    /// Where more can be read of it; `None` when it cannot be seen.
    pub(super) directory: Option<PathBuf>,
    /// Its supplementary groups.
    pub(super) groups: Vec<u32>,
    /// Its systemd unit.
    pub(super) unit: Option<UnitName>,
    /// Whether its groups or its unit cannot be seen, which is not the same as having none.
    pub(super) is_unseen: bool,
}

impl Process {
    /// Whether it has not ended. One that cannot be seen is taken to be there: its ids are the socket's own.
    pub(super) fn is_there(&self) -> bool {
        match self {
            Self::Held(pidfd) => !has_ended(pidfd),
            Self::Started { stat, at } => start_time(stat).is_ok_and(|now| now == *at),
            Self::Unseen => true,
        }
    }
}

/// A pidfd is readable once its process has ended (pidfd_open(2)). What cannot be asked is taken to have ended.
fn has_ended(pidfd: &OwnedFd) -> bool {
    loop {
        let mut asked = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
        match poll(&mut asked, PollTimeout::ZERO) {
            Ok(ready) => return ready != 0,
            Err(Errno::EINTR) => {}
            Err(_) => return true,
        }
    }
}

/// A file of `/proc`. It tells no size, so there is room for what most have: else it would be read in small pieces. The name of
/// a program, or of a cgroup, may be any bytes in it.
fn text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(TEXT_BYTES);
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned()))
}

/// Looks at the process that connected as `ids` (user and group). `None` when it is gone, or runs as somebody else by now,
/// through a set-user-id program for one: its groups are no longer those of whoever connected, and what was denied to them
/// could not be told.
pub(super) fn seen(proc: &Path, pid: Option<i32>, pidfd: Option<OwnedFd>, ids: (u32, u32)) -> Option<Seen> {
    let (process, directory) = match pidfd {
        Some(pidfd) => held(proc, pidfd)?,
        None => started(proc, pid)?,
    };
    let strength = match (&process, &directory) {
        (Process::Held(_), Some(_)) => Strength::Strong,
        (Process::Held(_), None) | (Process::Started { .. } | Process::Unseen, _) => Strength::Weak,
    };
    let read = |name| directory.as_ref().and_then(|directory| text(&directory.join(name)).ok());
    let groups = match read("status") {
        Some(status) => Some(groups_of(&status, ids)?),
        None => None,
    };
    let cgroup = read("cgroup");
    let unit = cgroup.as_deref().and_then(unit_of);
    let is_unseen = groups.is_none() || cgroup.is_none();
    // Whose ids cannot be compared may be another program's by now.
    let directory = directory.filter(|_| groups.is_some());
    Some(Seen { process, strength, directory, groups: groups.unwrap_or_default(), unit, is_unseen })
}

/// A process by its pidfd. Its number in `/proc` is the one that the pidfd has there, which is not always that of the
/// socket: `/proc` may be of another pid namespace than we are.
fn held(proc: &Path, pidfd: OwnedFd) -> Option<(Process, Option<PathBuf>)> {
    let info = text(&proc.join(format!("self/fdinfo/{}", pidfd.as_raw_fd())));
    let number = info.ok().and_then(|info| info.lines().find_map(pid_of_line));
    // The kernel writes -1 for one that has ended, and 0 for one that has no number here.
    let directory = match number {
        Some(number) if number < 0 => return None,
        Some(0) | None => None,
        Some(number) => Some(proc.join(number.to_string())),
    };
    Some((Process::Held(Arc::new(pidfd)), directory))
}

fn pid_of_line(line: &str) -> Option<i32> {
    line.strip_prefix("Pid:")?.trim().parse().ok()
}

/// A process by its pid and its start time.
fn started(proc: &Path, pid: Option<i32>) -> Option<(Process, Option<PathBuf>)> {
    let Some(pid) = pid.and_then(Pid::from_raw) else { return Some((Process::Unseen, None)) };
    let directory = proc.join(pid.as_raw_nonzero().to_string());
    let stat = directory.join("stat");
    match start_time(&stat) {
        Ok(at) => Some((Process::Started { stat, at }, Some(directory))),
        // `/proc` may be mounted so that it hides the processes of others (hidepid, proc(5)).
        Err(_) if test_kill_process(pid) != Err(rustix::io::Errno::SRCH) => Some((Process::Unseen, None)),
        Err(_) => None,
    }
}

fn start_time(stat: &Path) -> io::Result<u64> {
    let text = text(stat)?;
    // The name may hold spaces and brackets of its own: only its last bracket ends it.
    let after_name = text.rsplit_once(')').map(|(_, rest)| rest);
    let field = after_name.and_then(|rest| rest.split_whitespace().nth(START_TIME_AFTER_NAME));
    field.and_then(|field| field.parse().ok()).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// The supplementary groups of `/proc/PID/status`, each once, if the process still has the ids of the socket.
fn groups_of(status: &str, (uid, gid): (u32, u32)) -> Option<Vec<u32>> {
    // The second number of `Uid:` and `Gid:` is the effective one (proc_pid_status(5)), which is what SO_PEERCRED gives.
    let effective = |key| numbers(status, key).get(1).copied();
    (effective("Uid:") == Some(uid) && effective("Gid:") == Some(gid)).then(|| {
        let mut groups = numbers(status, "Groups:");
        groups.sort_unstable();
        groups.dedup();
        groups
    })
}

fn numbers(status: &str, key: &str) -> Vec<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.into_iter().flat_map(str::split_whitespace).filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const STATUS: &str = "Name:\tcurl\nUid:\t1000\t1001\t1000\t1000\nGid:\t100\t101\t100\t100\nGroups:\t4 27 990 27 \n";
    const STAT: &str =
        "77 (a) b (c) S 1 77 77 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4711 1000 10 18446744073709551615\n";

    /// A `/proc` with one process, number 77.
    fn proc() -> TempDir {
        let proc = tempfile::tempdir().expect("directory");
        let process = proc.path().join("77");
        fs::create_dir(&process).expect("directory");
        for (name, text) in [("stat", STAT), ("status", STATUS), ("cgroup", "0::/system.slice/backup.service\n")] {
            fs::write(process.join(name), text).expect("written");
        }
        proc
    }

    #[test]
    fn groups_count_only_while_the_ids_are_those_of_the_socket() {
        assert_eq!(groups_of(STATUS, (1001, 101)), Some(vec![4, 27, 990]));
        assert_eq!(groups_of(STATUS, (1000, 101)), None);
        assert_eq!(groups_of(STATUS, (1001, 100)), None);
        assert_eq!(groups_of("", (1001, 101)), None);
        assert_eq!(groups_of("Groups:\t0\n", (1001, 101)), None);
    }

    #[test]
    fn a_start_time_is_read_behind_a_name_that_looks_like_the_end_of_one() {
        let proc = proc();
        assert_eq!(start_time(&proc.path().join("77/stat")).expect("a number"), 4711);
        for text in ["", "77 (a", "77 (a) S 1", "77 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x"] {
            fs::write(proc.path().join("77/stat"), text).expect("written");
            assert!(start_time(&proc.path().join("77/stat")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_process_known_by_its_start_time_is_there_until_another_has_its_number() {
        let proc = proc();
        let seen = seen(proc.path(), Some(77), None, (1001, 101)).expect("there");
        assert_eq!(seen.unit.as_ref().map(UnitName::as_str), Some("backup.service"));
        assert_eq!((&seen.groups[..], seen.is_unseen), (&[4, 27, 990][..], false));
        assert!(seen.process.is_there());
        fs::write(proc.path().join("77/stat"), STAT.replace("4711", "4712")).expect("written");
        assert!(!seen.process.is_there(), "started later");
        fs::remove_file(proc.path().join("77/stat")).expect("removed");
        assert!(!seen.process.is_there(), "gone");
    }

    /// It was let in without its groups, so that whoever ran `su` right after it had connected was rid of what was denied to
    /// one of them.
    #[test]
    fn what_runs_as_somebody_else_by_now_is_not_who_connected() {
        let proc = proc();
        for ids in [(1001, 999), (999, 101), (1000, 100)] {
            assert!(seen(proc.path(), Some(77), None, ids).is_none(), "{ids:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_told_from_what_is_not_there() {
        for hidden in ["status", "cgroup"] {
            let proc = proc();
            fs::remove_file(proc.path().join("77").join(hidden)).expect("removed");
            assert!(seen(proc.path(), Some(77), None, (1001, 101)).expect("there").is_unseen, "{hidden}");
        }
    }

    /// The kernel cuts the name of a program at 15 bytes, in the middle of a letter too.
    #[test]
    fn a_program_of_any_name_and_a_cgroup_of_any_name_hide_nothing() {
        let (proc, odd) = (proc(), |text: &str| [b"Name:\t\xd0\xbf\xd1\n", text.as_bytes()].concat());
        fs::write(proc.path().join("77/status"), odd(STATUS)).expect("written");
        fs::write(proc.path().join("77/cgroup"), b"0::/system.slice/backup.service/\xff\n").expect("written");
        let seen = seen(proc.path(), Some(77), None, (1001, 101)).expect("there");
        assert_eq!((&seen.groups[..], seen.is_unseen), (&[4, 27, 990][..], false));
        assert_eq!(seen.unit.as_ref().map(UnitName::as_str), Some("backup.service"));
    }

    #[test]
    fn the_number_of_a_pidfd_is_the_one_it_has_in_this_proc() {
        let proc = proc();
        fs::create_dir_all(proc.path().join("self/fdinfo")).expect("directory");
        let look = |line: &str| {
            let pidfd = OwnedFd::from(fs::File::open("/dev/null").expect("opens"));
            fs::write(proc.path().join(format!("self/fdinfo/{}", pidfd.as_raw_fd())), line).expect("written");
            seen(proc.path(), Some(1), Some(pidfd), (1001, 101))
        };
        let found = look("pos:\t0\nPid:\t77\nNSpid:\t77\n").expect("there");
        assert_eq!(found.directory, Some(proc.path().join("77")));
        assert!(look("Pid:\t-1\n").is_none(), "it has ended");
        for unseen in ["Pid:\t0\n", "pos:\t0\n"] {
            let found = look(unseen).expect("there");
            assert!(found.directory.is_none() && found.unit.is_none(), "{unseen}");
        }
    }
}
