//! Processes that connect and hand their socket on. They are this test binary again, told by a variable what to be.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::wait::eventually;

/// What a process of this binary is to be.
const ROLE: &str = "AURORA_TEST_ROLE";
const SOCKET: &str = "AURORA_TEST_SOCKET";
const PLACE: &str = "AURORA_TEST_PLACE";
const ASK_FIRST: &str = "AURORA_TEST_ASK_FIRST";

/// The request that is made.
const REQUEST: &[u8] = b"GET /api/secrets/hubspot/api_key HTTP/1.1\r\nHost: aurora\r\n\r\n";

/// The last one on a connection: whatever is answered, nothing comes after it.
const LAST_REQUEST: &[u8] = b"GET /api/secrets/hubspot/api_key HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\n\r\n";

/// What the node would answer.
pub const VALUE: &str = "not-a-real-key";

/// This binary again, as one of its tests, in this role.
pub fn again(test: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

/// The role of this process, if it was started by [`again`].
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// A socket that one process connected and another holds.
pub struct HandedOn {
    place: PathBuf,
    /// The pid of the one that connected. It has ended.
    pub pid: u32,
}

impl HandedOn {
    /// Starts a process that connects, perhaps asks once, hands its socket to a child, and ends; and waits for its end.
    pub fn connect(socket: &Path, place: &Path, asks_first: bool) -> Self {
        std::fs::create_dir(place).expect("a directory");
        let mut command = again("attestation::helpers::a_process_that_is_told_what_to_be", "connect");
        command.env(SOCKET, socket).env(PLACE, place).env(ASK_FIRST, if asks_first { "yes" } else { "no" });
        let mut child = command.stdin(Stdio::null()).spawn().expect("this binary");
        let pid = child.id();
        assert!(child.wait().expect("our child").success());
        Self { place: place.to_owned(), pid }
    }

    /// What was answered while the process that connected was there.
    pub fn first_answer(&self) -> String {
        std::fs::read_to_string(self.place.join("first")).expect("an answer")
    }

    /// Has the child ask, and gives everything it is answered.
    pub async fn answer(&self) -> String {
        std::fs::write(self.place.join("go"), "").expect("written");
        eventually("the child has its answer", || async { std::fs::read_to_string(self.place.join("answer")).ok() })
            .await
    }
}

/// Not a test: what this binary does when it is started as one of the helpers.
#[test]
fn a_process_that_is_told_what_to_be() {
    match role().as_deref() {
        Some("connect") => connect(),
        Some("speak") => speak(),
        Some(_) | None => {}
    }
}

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name).expect(name).into()
}

fn connect() {
    let mut stream = UnixStream::connect(variable(SOCKET)).expect("listens");
    let place = variable(PLACE);
    if variable(ASK_FIRST) == Path::new("yes") {
        stream.write_all(REQUEST).expect("open");
        let mut answer = vec![0; 64 << 10];
        let read = stream.read(&mut answer).expect("answered");
        std::fs::write(place.join("first"), &answer[..read]).expect("written");
    }
    let mut child = again("attestation::helpers::a_process_that_is_told_what_to_be", "speak");
    child.env(PLACE, place).stdin(Stdio::from(OwnedFd::from(stream))).stdout(Stdio::null()).stderr(Stdio::null());
    child.spawn().expect("this binary");
    std::process::exit(0);
}

#[expect(clippy::disallowed_methods, reason = "a process of its own, which waits for a file, and not for long")]
fn speak() {
    let place = variable(PLACE);
    // A test that has failed does not tell it to go on: it ends by itself.
    for _ in 0..6_000 {
        if place.join("go").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let socket = rustix::io::dup(rustix::stdio::stdin()).expect("a socket");
    let mut stream = UnixStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(15))).expect("a socket");
    let mut answer = Vec::new();
    // A connection that was closed refuses what is written, or has nothing to read.
    if stream.write_all(LAST_REQUEST).is_ok() {
        let mut chunk = [0; 4096];
        while let Ok(read) = stream.read(&mut chunk) {
            if read == 0 {
                break;
            }
            answer.extend_from_slice(&chunk[..read]);
        }
    }
    std::fs::write(place.join("coming"), answer).expect("written");
    std::fs::rename(place.join("coming"), place.join("answer")).expect("renamed");
}
