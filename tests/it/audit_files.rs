//! The files of the journal on a real node: they are closed when they are full, whatever stands in their way closes the door
//! within a second, and the door opens by itself once it is gone.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::http::{Answer, get};
use crate::support::journal::items;
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

const SECRET: &str = "/api/secrets/hubspot/api_key";

/// How long a caller may be kept waiting for a refusal: the node's second, and what a busy machine adds to it.
const REFUSED_WITHIN: Duration = Duration::from_secs(10);

/// A lead that has a secret, after its configuration was changed.
async fn lead(dir: &Path, change: impl FnOnce(&Node)) -> Node {
    let mut node = Node::new(dir, "aurora", "info");
    node.init().await;
    change(&node);
    node.start().await;
    node.put("hubspot/api_key", "global", "pat-na1-fake").await;
    assert_eq!(read(&node).await.status, 200);
    node
}

/// More lines of a read than a chunk of a spool of a mebibyte holds.
const LINES_OF_A_CHUNK: u32 = 8;

async fn read(node: &Node) -> Answer {
    get(&node.admin(), SECRET).await
}

async fn is_refused_in_time(node: &Node) {
    let began = tokio::time::Instant::now();
    let refused = read(node).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "audit_unavailable"), "{}", refused.body);
    assert!(began.elapsed() < REFUSED_WITHIN, "{:?}", began.elapsed());
}

async fn serves_again(node: &Node) {
    eventually("the door opens by itself", || async { (read(node).await.status == 200).then_some(()) }).await;
    let verdict = node.run(&["audit", "verify"], b"").await;
    assert!(verdict.text().contains("is whole"), "{verdict:?}");
}

fn journal_files(node: &Node) -> Vec<PathBuf> {
    let is_part = |path: &PathBuf| path.extension().is_some_and(|it| it == "jsonl" || it == "gz");
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("audit-"));
    items(&node.state_dir().join("audit")).into_iter().filter(|path| is_part(path) && named(path)).collect()
}

fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("mkfifo is there");
    assert!(made.success(), "{}", path.display());
}

#[tokio::test]
async fn a_pipe_without_reader_in_the_place_of_the_file_closes_the_door_until_the_file_is_back() {
    let dir = directory();
    let node = lead(dir.path(), |_| {}).await;
    let file = journal_files(&node).pop().expect("a file");
    let aside = dir.path().join("aside");
    std::fs::rename(&file, &aside).expect("moved");
    make_pipe(&file);
    for _ in 0..3 {
        is_refused_in_time(&node).await;
    }
    assert_eq!(get(&node.agent(), "/health").await.status, 200);
    std::fs::rename(&aside, &file).expect("back");
    serves_again(&node).await;
}

#[tokio::test]
async fn a_full_file_is_followed_by_the_next_and_a_pipe_in_its_place_closes_the_door() {
    let dir = directory();
    let small = |node: &Node| node.configure("file_bytes_max = 134217728", "file_bytes_max = 65536");
    let mut node = lead(dir.path(), small).await;
    let first = journal_files(&node).pop().expect("a file");
    let second = first.with_extension("002.jsonl");
    make_pipe(&second);
    let mut reads = 0;
    while read(&node).await.status == 200 {
        reads += 1;
        assert!(reads < 1000, "the file is full by now");
    }
    is_refused_in_time(&node).await;
    std::fs::remove_file(&second).expect("removed");
    serves_again(&node).await;
    assert!(second.exists(), "it was begun");
    assert_eq!(journal_files(&node).len(), 2, "the first is packed by now, or will be: {first:?}");
    node.end(rustix::process::Signal::KILL).await;
    node.start().await;
    serves_again(&node).await;
}

/// A small file system of its own, unmounted when the test ends.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where this process may not mount.
    fn over(directory: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs"]).arg(directory);
        let mounted = mount.output().is_ok_and(|ended| ended.status.success());
        mounted.then(|| Self(directory.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A test that fails leaves the node on it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_closes_the_door_and_a_disk_with_room_opens_it() {
    let dir = directory();
    let mut disk = None;
    let node = lead(dir.path(), |node| {
        let audit = node.state_dir().join("audit");
        std::fs::create_dir_all(&audit).expect("a directory");
        // What init wrote stays part of the chain.
        let kept: Vec<_> = std::fs::read_dir(&audit).expect("listed").map(|item| item.expect("item").path()).collect();
        let kept: Vec<_> = kept.into_iter().map(|path| (path.clone(), std::fs::read(&path).expect("read"))).collect();
        disk = SmallDisk::over(&audit);
        if disk.is_some() {
            kept.into_iter().for_each(|(path, bytes)| std::fs::write(path, bytes).expect("put back"));
        }
    })
    .await;
    let Some(disk) = disk else {
        eprintln!("skipped: only root can mount the small disk this test fills");
        return;
    };
    let filler = disk.0.join("filler");
    // As much as there is room for: the last write is refused.
    let _full = std::fs::write(&filler, vec![0_u8; 1 << 20]);
    let mut tries = 0;
    while read(&node).await.status == 200 {
        // What was left in the last page of the journal.
        tries += 1;
        assert!(tries < 100, "the disk is full by now");
    }
    for _ in 0..3 {
        is_refused_in_time(&node).await;
    }
    std::fs::remove_file(&filler).expect("removed");
    serves_again(&node).await;
}

#[tokio::test]
async fn a_follower_with_a_full_spool_gives_nothing_out_and_says_that_the_lead_has_to_take_lines() {
    let dir = directory();
    let mut lead = lead(dir.path(), |_| {}).await;
    let mut follower = lead.follower("vengeance", &[]).await;
    follower.end(rustix::process::Signal::TERM).await;
    follower.configure("spool_bytes_max = 1073741824", "spool_bytes_max = 1048576");
    follower.start().await;
    eventually("the follower serves", || async { (read(&follower).await.status == 200).then_some(()) }).await;
    lead.end(rustix::process::Signal::KILL).await;
    let mut served = 0_u32;
    let refused = loop {
        let answer = read(&follower).await;
        if answer.status != 200 {
            break answer;
        }
        served += 1;
        assert!(served < 20_000, "a mebibyte of lines is full by now");
    };
    assert_eq!((refused.status, refused.code().as_str()), (503, "audit_unavailable"), "{}", refused.body);
    assert!(refused.message().contains("waits for the lead"), "{}", refused.body);
    follower.end(rustix::process::Signal::KILL).await;
    follower.start().await;
    // What the lead took last is free a chunk at a time while a node runs, and to the line when it starts.
    let mut more = 0_u32;
    while more < LINES_OF_A_CHUNK && read(&follower).await.status == 200 {
        more += 1;
    }
    is_refused_in_time(&follower).await;
    lead.start().await;
    serves_again(&follower).await;
}
