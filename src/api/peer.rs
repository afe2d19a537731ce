//! Who is at the other end of a socket, in the kernel's words (`SO_PEERCRED`, unix(7)), asked before a byte is parsed.

use std::fs;
use std::io;
use std::sync::Arc;

use tokio::net::UnixStream;

use crate::model::caller::{Caller, Door, Shown};

/// The process that connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// The socket it connected to.
    pub(super) door: Door,
    /// Effective user id at connect.
    pub(super) uid: u32,
    gid: u32,
    groups: Vec<u32>,
    pid: Option<i32>,
}

impl Peer {
    /// Asks the kernel.
    ///
    /// # Errors
    /// When the kernel does not say: then the connection must be closed.
    pub(super) fn of(stream: &UnixStream, door: Door) -> io::Result<Self> {
        let credential = stream.peer_cred()?;
        let (uid, gid, pid) = (credential.uid(), credential.gid(), credential.pid());
        Ok(Self { door, uid, gid, groups: groups_of(pid, uid, gid), pid })
    }

    /// The same process, as the author of one request.
    pub(super) fn caller(&self, request_id: String) -> Caller {
        Caller {
            door: self.door,
            uid: self.uid,
            gid: self.gid,
            groups: self.groups.clone(),
            pid: self.pid,
            attested: Arc::default(),
            shown: Shown::default(),
            request_id,
        }
    }
}

/// Supplementary groups, from `/proc/PID/status`. None when it cannot be read, which never grants. The pid may have been
/// given to another process since it connected, so the ids must still be those of the socket: a process of the same user
/// and group is as much that user as the one that connected.
fn groups_of(pid: Option<i32>, uid: u32, gid: u32) -> Vec<u32> {
    let status = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok());
    status.map(|status| parse_groups(&status, uid, gid)).unwrap_or_default()
}

fn parse_groups(status: &str, uid: u32, gid: u32) -> Vec<u32> {
    // The second number of `Uid:` and `Gid:` is the effective one (proc_pid_status(5)), which is what SO_PEERCRED gives.
    let effective = |key| numbers(status, key).get(1).copied();
    if effective("Uid:") == Some(uid) && effective("Gid:") == Some(gid) { numbers(status, "Groups:") } else { vec![] }
}

fn numbers(status: &str, key: &str) -> Vec<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.into_iter().flat_map(str::split_whitespace).filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tcurl\nUid:\t1000\t1001\t1000\t1000\nGid:\t100\t101\t100\t100\nGroups:\t4 27 990 \n";

    #[test]
    fn groups_count_only_while_the_ids_are_those_of_the_socket() {
        assert_eq!(parse_groups(STATUS, 1001, 101), [4, 27, 990]);
        assert!(parse_groups(STATUS, 1000, 101).is_empty());
        assert!(parse_groups(STATUS, 1001, 100).is_empty());
        assert!(parse_groups("", 1001, 101).is_empty());
        assert!(parse_groups("Groups:\t0\n", 1001, 101).is_empty());
    }

    #[test]
    fn a_process_that_is_gone_has_no_groups() {
        assert!(groups_of(None, 0, 0).is_empty());
        assert!(groups_of(Some(i32::MAX), 0, 0).is_empty());
    }

    #[tokio::test]
    async fn a_connected_socket_tells_who_we_are() {
        let (here, _there) = UnixStream::pair().expect("pair");
        let peer = Peer::of(&here, Door::Agent).expect("credential");
        let caller = peer.caller("id".into());
        assert_eq!(caller.uid, rustix::process::geteuid().as_raw());
        assert_eq!(caller.gid, rustix::process::getegid().as_raw());
        assert_eq!((caller.door, caller.request_id.as_str()), (Door::Agent, "id"));
    }
}
