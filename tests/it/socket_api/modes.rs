//! Who may open what: the modes of sockets, directories and files.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::support::journal;
use crate::support::process::{Node, directory};

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).mode() & 0o7777
}

/// The name of the group the tests run as.
fn own_group() -> String {
    let gid = rustix::process::getegid().as_raw().to_string();
    let groups = std::fs::read_to_string("/etc/group").expect("groups");
    let line = groups.lines().find(|line| line.split(':').nth(2) == Some(&gid)).expect("our group has a name");
    line.split(':').next().expect("a name").to_owned()
}

#[tokio::test]
async fn the_sockets_are_for_the_group_and_the_owner_and_the_rest_for_the_owner_alone() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    for socket in [lead.agent(), lead.admin()] {
        assert!(std::fs::symlink_metadata(&socket).expect("there").file_type().is_socket(), "{}", socket.display());
    }
    assert_eq!((mode(&lead.agent()), mode(&lead.admin())), (0o660, 0o600));
    assert_eq!((mode(&lead.socket_dir()), mode(&lead.state_dir())), (0o700, 0o700), "no group was named");
    lead.put("hubspot/api_key", "global", "x").await;
    let mut pending = vec![lead.state_dir()];
    let mut files = 0;
    while let Some(path) = pending.pop() {
        let Some(found) = journal::metadata(&path) else { continue };
        if found.is_dir() {
            pending.extend(journal::items(&path));
            assert_eq!(found.mode() & 0o077, 0, "{}", path.display());
        } else {
            files += 1;
            assert_eq!(found.mode() & 0o7777, 0o600, "{}", path.display());
        }
    }
    assert!(files >= 3, "store, journal and key file");
    lead.end(rustix::process::Signal::TERM).await;
    assert!(!lead.agent().exists() && !lead.admin().exists(), "an orderly stop leaves no socket");
    let group = own_group();
    lead.configure("# socket_group = \"aurora\"", &format!("socket_group = \"{group}\""));
    lead.start().await;
    assert_eq!((mode(&lead.agent()), mode(&lead.admin())), (0o660, 0o600));
    assert_eq!((mode(&lead.socket_dir()), mode(&lead.state_dir())), (0o750, 0o700), "the group may enter");
}
