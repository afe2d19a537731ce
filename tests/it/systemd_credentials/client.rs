//! A process that asks as systemd does: it binds an abstract name, connects, shuts its side, and reads to the end. It is
//! this test binary again, so that it can be in a cgroup of its own.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use socket2::{Domain, SockAddr, Socket, Type};

const SOCKET: &str = "AURORA_TEST_CREDENTIALS_SOCKET";
const ADDRESS: &str = "AURORA_TEST_CREDENTIALS_ADDRESS";
const PROCS: &str = "AURORA_TEST_CREDENTIALS_PROCS";
const ANSWER: &str = "AURORA_TEST_CREDENTIALS_ANSWER";

/// Where cgroups of version 2 are: on a machine of today, and on one that has both versions.
const HIERARCHIES: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// A cgroup that is called like that of a unit; removed when dropped.
pub struct Unit {
    pub name: String,
    directory: PathBuf,
}

impl Unit {
    /// Makes one, if this machine and this user can; says so otherwise.
    pub fn make(name: &str) -> Option<Self> {
        let name = format!("aurora-test-{}-{name}.service", std::process::id());
        for hierarchy in HIERARCHIES.iter().filter(|place| Path::new(place).join("cgroup.procs").exists()) {
            let directory = Path::new(hierarchy).join("system.slice").join(&name);
            let unit = Self { name: name.clone(), directory };
            if std::fs::create_dir_all(&unit.directory).is_ok() && unit.is_seen() {
                return Some(unit);
            }
        }
        eprintln!("skipped: no cgroup of a unit can be made here; root can, where cgroups of version 2 are writable");
        None
    }

    /// Whether a process in it is seen there.
    fn is_seen(&self) -> bool {
        let script = "echo $$ > \"$1\" && cat /proc/self/cgroup";
        let procs = self.directory.join("cgroup.procs");
        let ran = Command::new("sh").args(["-c", script, "sh"]).arg(procs).stderr(Stdio::null()).output();
        ran.is_ok_and(|ran| {
            String::from_utf8_lossy(&ran.stdout).lines().any(|line| line == format!("0::/system.slice/{}", self.name))
        })
    }

    /// What a process of this unit is answered that asks for a credential of `of`.
    pub async fn asks(&self, socket: &Path, of: &str, credential: &str) -> Vec<u8> {
        let address = format!("adf9d86b6eda275e/unit/{of}/{credential}");
        ask(socket, Some(address.as_bytes()), Some(self.directory.join("cgroup.procs"))).await
    }

    /// The same, for a credential of the unit.
    pub async fn asks_for(&self, socket: &Path, credential: &str) -> Vec<u8> {
        self.asks(socket, &self.name, credential).await
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        // A process that has just ended may hold it a little; then it stays until the machine is started anew.
        let _held = std::fs::remove_dir(&self.directory);
    }
}

/// What a process is answered that binds this abstract name, or none, and is in this cgroup, or where the test is.
pub async fn ask(socket: &Path, address: Option<&[u8]>, procs: Option<PathBuf>) -> Vec<u8> {
    let home = tempfile::tempdir().expect("a directory");
    let answer = home.path().join("answer");
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(["--exact", "systemd_credentials::client::a_process_that_asks", "--nocapture", "--test-threads=1"]);
    command.env(SOCKET, socket).env(ANSWER, &answer).stdin(Stdio::null()).stdout(Stdio::null());
    if let Some(address) = address {
        command.env(ADDRESS, std::ffi::OsStr::from_bytes(address));
    }
    if let Some(procs) = procs {
        command.env(PROCS, procs);
    }
    let ended = tokio::task::spawn_blocking(move || command.status().expect("this binary")).await.expect("ends");
    assert!(ended.success());
    std::fs::read(answer).expect("an answer")
}

/// Not a test: what this binary does when it is started by [`ask`].
#[test]
fn a_process_that_asks() {
    let Some(path) = std::env::var_os(SOCKET) else { return };
    if let Some(procs) = std::env::var_os(PROCS) {
        std::fs::write(procs, std::process::id().to_string()).expect("moved");
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    if let Some(address) = std::env::var_os(ADDRESS) {
        let mut name = vec![0];
        name.extend_from_slice(address.as_bytes());
        socket.bind(&SockAddr::unix(std::ffi::OsStr::from_bytes(&name)).expect("fits")).expect("bound");
    }
    socket.connect(&SockAddr::unix(path).expect("fits")).expect("listens");
    socket.shutdown(std::net::Shutdown::Write).expect("open");
    let mut answer = Vec::new();
    (&socket).read_to_end(&mut answer).expect("read");
    std::fs::write(std::env::var_os(ANSWER).expect("a place"), answer).expect("written");
}
