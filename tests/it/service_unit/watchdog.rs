//! What `aurora up` tells systemd.

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::process::{Node, aurora, directory};

/// The next message that is not the one before.
fn heard(systemd: &UnixDatagram) -> String {
    let mut message = [0; 4096];
    let bytes = systemd.recv(&mut message).expect("the node says something in time");
    String::from_utf8_lossy(&message[..bytes]).trim().to_owned()
}

/// Ready when the sockets answer, well again and again, and stopping.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_says_that_it_is_ready_and_then_again_and_again_that_it_is_well() {
    for passphrase in [false, true] {
        let dir = directory();
        let node = Node::new(dir.path(), "aurora", "info");
        let more: &[&str] = if passphrase { &["--passphrase"] } else { &[] };
        node.init_with(more, b"correct horse\n").await;
        let place = dir.path().join("notify");
        let systemd = UnixDatagram::bind(&place).expect("bound");
        systemd.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        let mut command = aurora(dir.path(), ["up", "--exit-with-parent", "--config"]);
        command.arg(node.config_file()).env("NOTIFY_SOCKET", &place).env("WATCHDOG_USEC", "90000");
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("there");
        let said = tokio::task::spawn_blocking(move || {
            let first: Vec<String> = (0..6).map(|_| heard(&systemd)).collect();
            (first, systemd)
        });
        let (first, systemd) = said.await.expect("heard");
        assert!(first[0].starts_with("READY=1"), "{first:?}");
        assert!(first[1..].iter().all(|message| message == "WATCHDOG=1"), "sealed: {passphrase}: {first:?}");
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("runs"), Signal::TERM).expect("runs");
        assert!(child.wait().await.expect("our child").success());
        systemd.set_nonblocking(true).expect("a socket");
        let mut last = String::new();
        let mut message = [0; 4096];
        while let Ok(bytes) = systemd.recv(&mut message) {
            last = String::from_utf8_lossy(&message[..bytes]).trim().to_owned();
        }
        assert_eq!(last, "STOPPING=1");
    }
}
