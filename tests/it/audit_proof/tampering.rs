//! Twenty and more ways to tamper with a journal at rest: each is found, and what is wrong is named.

use std::path::{Path, PathBuf};

use aurora_mesh::audit::copies::JournalDir;
use aurora_mesh::audit::head::Head;
use aurora_mesh::audit::heads::{self, KeptSeal, seals};
use aurora_mesh::audit::proof::{Anchor, prove};
use aurora_mesh::audit::proof_file::{Leave, check, write};
use aurora_mesh::audit::seal::{Author, Seal, SignedHead};
use aurora_mesh::audit::seal_text;
use aurora_mesh::crypto::digest::sha256;
use aurora_mesh::model::identity::MeshId;
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::transport::node_key::NodeKey;

use super::journals::{arrives, copy_dir};
use crate::support::callers::{admin, node, put, read};
use crate::support::journal::four_years_before;
use crate::support::mesh::{TestMesh, prod};
use crate::support::wait::eventually;

/// What proves a journal, before and after it is tampered with.
#[derive(Clone)]
struct Evidence {
    name: String,
    lines: Vec<String>,
    seals: Vec<String>,
}

/// The journals of two nodes of one mesh, with nothing changed.
struct Mesh {
    victim: Evidence,
    other: Evidence,
    anchor: Anchor,
}

fn evidence(lead_copy: &Path, name: &str) -> Evidence {
    let mut bytes = Vec::new();
    let journal = JournalDir { node: node(name), chain: Some(1), path: lead_copy.to_owned() };
    write(&journal, &mut bytes).expect("readable").expect("written");
    let text = String::from_utf8(bytes).expect("text");
    let of = |wanted: bool| {
        let records = text.lines().skip(1).filter(|line| line.starts_with("{\"seal\":") == wanted);
        records.map(str::to_owned).collect()
    };
    Evidence { name: name.to_owned(), lines: of(false), seals: of(true) }
}

async fn mesh() -> (TestMesh, Mesh) {
    let mesh = TestMesh::start().await;
    let followers = [mesh.follower("vengeance", prod(&[])).await, mesh.follower("runpod-tx", prod(&[])).await];
    let stored = mesh.put(put("hubspot/api_key", "global", "value")).await;
    for follower in &followers {
        follower.reaches(stored.revision).await;
        for _ in 0..12 {
            follower.value(read("hubspot/api_key", None)).await.expect("readable");
        }
        let name = follower.config.node.name.as_str();
        let lines = u64::try_from(arrives(&mesh.lead, follower, 1).await).expect("small");
        let copy = copy_dir(&mesh.lead, name, 1);
        eventually("all of it is sealed", || async {
            (heads::sealed_seq(&copy).expect("readable") == lines).then_some(())
        })
        .await;
    }
    let kept = mesh.lead.vault().audit_heads(&admin(), None).await.expect("allowed");
    let of = |name: &str| evidence(&copy_dir(&mesh.lead, name, 1), name);
    let anchor = Anchor { authority: kept.authority, mesh: None };
    let both = Mesh { victim: of("vengeance"), other: of("runpod-tx"), anchor };
    (mesh, both)
}

impl Evidence {
    /// As one file that could come from anywhere.
    fn file(&self, directory: &Path) -> PathBuf {
        let begin = format!("{{\"journal\":{{\"node\":\"{}\",\"chain\":1}}}}", self.name);
        let records = std::iter::once(&begin).chain(&self.seals).chain(&self.lines);
        let path = directory.join("proof.jsonl");
        std::fs::write(&path, records.map(|record| format!("{record}\n")).collect::<String>()).expect("written");
        path
    }

    /// As the directory of a journal.
    fn directory(&self, directory: &Path) -> PathBuf {
        let path = directory.join("journal");
        std::fs::create_dir(&path).expect("made");
        let text = |records: &[String]| records.iter().map(|record| format!("{record}\n")).collect::<String>();
        std::fs::write(path.join("audit-2026-11.jsonl"), text(&self.lines)).expect("written");
        if !self.seals.is_empty() {
            std::fs::write(path.join("heads.jsonl"), text(&self.seals)).expect("written");
        }
        path
    }

    /// Makes the chain hold again, with new numbers and hashes, as anybody can.
    fn rechain(&mut self) {
        let mut previous = [0; 32];
        for (line, seq) in self.lines.iter_mut().zip(1_u64..) {
            let old: serde_json::Value = serde_json::from_str(line).expect("a line");
            let (old_seq, old_prev) = (old["seq"].to_string(), old["prev"].as_str().expect("a hash").to_owned());
            *line = line.replacen(&format!("\"seq\":{old_seq},"), &format!("\"seq\":{seq},"), 1);
            *line = line.replacen(&old_prev, &hex(&previous), 1);
            previous = sha256(line.as_bytes());
        }
    }

    fn head(&self) -> Head {
        let last = self.lines.last().expect("a line");
        Head { seq: u64::try_from(self.lines.len()).expect("small"), hash: sha256(last.as_bytes()) }
    }

    /// Seals the end anew, with keys of the tamperer's own.
    fn seal_with(&mut self, mesh: MeshId, key: &NodeKey, authority: &NodeKey) {
        let author = Author { mesh, node: node(&self.name) };
        let head = SignedHead::sign(&author, self.head(), 2, Timestamp(0), key).expect("signed");
        self.seals = vec![seal_text::render(&Seal::new(head, Timestamp(0), authority).expect("sealed"))];
    }

    fn mesh(&self) -> MeshId {
        seal_text::parse(self.seals[0].as_bytes()).expect("a seal").head.statement.mesh
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How it is tampered with, and what is said then of the file and of the directory.
type Tampering = (&'static str, fn(&mut Evidence, &Evidence), &'static str);

/// The line after it shows it, or whose it says it is.
const FOREIGN: &str = "altered|was sealed as number|another node's journal";

/// The line after it shows it, or a seal of the line itself.
const ALTERED: &str = "altered|was sealed as number";

/// Whether one of the words is told.
fn says(told: &str, expected: &str) -> bool {
    expected.split('|').any(|words| told.contains(words))
}

const TAMPERINGS: &[Tampering] = &[
    ("an edited line", |it, _| it.lines[4] = four_years_before(&it.lines[4]), ALTERED),
    ("an edited first line", |it, _| it.lines[0] = four_years_before(&it.lines[0]), ALTERED),
    ("an edited last line", |it, _| edit_last(it), "was sealed as number"),
    ("another spelling of a line", |it, _| it.lines[3] = it.lines[3].replace("\"v\":2,", "\"v\": 2,"), ALTERED),
    ("a removed first line", |it, _| drop(it.lines.remove(0)), "where 1 belongs"),
    ("a removed line", |it, _| drop(it.lines.remove(5)), "where 6 belongs"),
    ("a removed last line", |it, _| drop(it.lines.pop()), "the end was removed"),
    ("a removed half", |it, _| it.lines.truncate(6), "the end was removed"),
    ("no line at all", |it, _| it.lines.clear(), ""),
    ("a line twice", |it, _| it.lines.insert(5, it.lines[4].clone()), "where 6 belongs"),
    ("two lines in another order", |it, _| it.lines.swap(3, 4), "where 4 belongs"),
    ("an added line", |it, _| it.lines.insert(5, it.lines[5].replace("secret.read", "secret.list")), "where 7 belongs"),
    ("a line cut short", |it, _| it.lines[7].truncate(30), "is not a line of a journal"),
    ("a line relabelled", |it, _| it.lines[6] = it.lines[6].replace("\"v\":2,", ""), "was relabelled"),
    ("all lines relabelled and chained anew", |it, _| relabel(it), "was sealed as number"),
    ("the second half relabelled and chained anew", |it, _| relabel_half(it), "was relabelled"),
    ("a removed line and the rest chained anew", |it, _| remove_and_chain(it), "the end was removed"),
    ("an edited line and the rest chained anew", |it, _| edit_and_chain(it), "was sealed as number"),
    ("a chain rewritten and sealed with new keys", |it, _| rewrite(it), "is not by the authority that is trusted"),
    ("a seal for fewer lines", |it, _| forge(it, for_fewer_lines), "it was altered"),
    ("a seal with another hash", |it, _| forge(it, |seal| seal.head.statement.head.hash = [1; 32]), "it was altered"),
    (
        "a seal at another time",
        |it, _| forge(it, |seal| seal.sealed_at = Timestamp(1)),
        "not what the authority signed",
    ),
    ("a seal with the key of another node", other_key, "is not what the authority signed"),
    ("the seals of another node", |it, other| it.seals.clone_from(&other.seals), "about another node's journal"),
    ("a seal of another mesh", |it, _| of_another_mesh(it), "is not by the authority that is trusted"),
    ("a seal that cannot be read", |it, _| it.seals[0].truncate(200), "cannot be read as one"),
    ("the lines of another node", |it, other| it.lines.clone_from(&other.lines), "another node's journal"),
    ("a line of another node", |it, other| it.lines[8].clone_from(&other.lines[8]), FOREIGN),
];

/// A seal is made whenever some time has passed, so that one may well be for three lines.
fn for_fewer_lines(seal: &mut Seal) {
    let seq = &mut seal.head.statement.head.seq;
    *seq = if *seq == 3 { 2 } else { 3 };
}

fn edit_last(it: &mut Evidence) {
    let last = it.lines.last_mut().expect("a line");
    *last = four_years_before(last);
}

fn relabel(it: &mut Evidence) {
    it.lines.iter_mut().for_each(|line| *line = line.replace("\"v\":2,", ""));
    it.rechain();
}

fn relabel_half(it: &mut Evidence) {
    it.lines[6..].iter_mut().for_each(|line| *line = line.replace("\"v\":2,", ""));
    it.rechain();
}

fn remove_and_chain(it: &mut Evidence) {
    it.lines.remove(5);
    it.rechain();
}

fn edit_and_chain(it: &mut Evidence) {
    it.lines[5] = four_years_before(&it.lines[5]);
    it.rechain();
}

fn rewrite(it: &mut Evidence) {
    let (mesh, key, authority) = (it.mesh(), NodeKey::generate().expect("a key"), NodeKey::generate().expect("a key"));
    edit_and_chain(it);
    it.seal_with(mesh, &key, &authority);
}

fn of_another_mesh(it: &mut Evidence) {
    let (key, authority) = (NodeKey::generate().expect("a key"), NodeKey::generate().expect("a key"));
    it.seal_with(MeshId([9; 16]), &key, &authority);
}

fn forge(it: &mut Evidence, change: fn(&mut Seal)) {
    let mut seal = seal_text::parse(it.seals[0].as_bytes()).expect("a seal");
    change(&mut seal);
    it.seals[0] = seal_text::render(&seal);
}

/// What the node says, signed by another one; the authority's signature is that of the true one.
fn other_key(it: &mut Evidence, _: &Evidence) {
    let mut seal = seal_text::parse(it.seals[0].as_bytes()).expect("a seal");
    let Author { mesh, node } = Author { mesh: it.mesh(), node: node(&it.name) };
    let key = NodeKey::generate().expect("a key");
    let statement = seal.head.statement.clone();
    let author = Author { mesh, node };
    seal.head = SignedHead::sign(&author, statement.head, statement.format, statement.time, &key).expect("signed");
    it.seals[0] = seal_text::render(&seal);
}

fn of_file(it: &Evidence, anchor: &Anchor, more: &[KeptSeal]) -> Option<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let checked = check(&it.file(directory.path()), anchor, more, Leave::default()).expect("readable");
    checked.broken.map(|broken| broken.to_string())
}

fn of_directory(it: &Evidence, anchor: &Anchor) -> Option<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = it.directory(directory.path());
    let kept = seals(&path).expect("readable");
    let proven = prove(&path, &node(&it.name), None, anchor, kept).expect("readable");
    proven.verdict.broken.map(|broken| broken.to_string())
}

/// Tampers with a journal in every way, and says how many were found; also that it is whole untouched.
pub fn each_is_found(victim: &JournalDir, other: &JournalDir, anchor: &Anchor) -> usize {
    let of = |journal: &JournalDir| evidence(&journal.path, journal.node.as_str());
    let (victim, other) = (of(victim), of(other));
    assert_eq!(of_file(&victim, anchor, &[]), None, "untouched, the file proves what it says");
    for (what, tamper, expected) in TAMPERINGS {
        let mut tampered = victim.clone();
        tamper(&mut tampered, &other);
        let told = of_file(&tampered, anchor, &[]).expect(what);
        assert!(says(&told, expected), "{what}: {told}");
    }
    TAMPERINGS.len()
}

#[tokio::test]
async fn every_kind_of_tampering_with_files_at_rest_is_found_and_named() {
    let (_running, mesh) = mesh().await;
    assert_eq!(of_file(&mesh.victim, &mesh.anchor, &[]), None, "untouched, the file proves what it says");
    assert_eq!(of_directory(&mesh.victim, &mesh.anchor), None, "and so does the directory");
    assert!(TAMPERINGS.len() >= 20, "{}", TAMPERINGS.len());
    for (what, tamper, expected) in TAMPERINGS {
        let mut tampered = mesh.victim.clone();
        tamper(&mut tampered, &mesh.other);
        let (file, directory) = (of_file(&tampered, &mesh.anchor, &[]), of_directory(&tampered, &mesh.anchor));
        let (file, directory) = (file.expect(what), directory.expect(what));
        assert!(says(&file, expected), "{what}: {file}");
        assert!(says(&directory, expected), "{what}: {directory}");
    }
}

#[tokio::test]
async fn a_file_proves_nothing_without_a_seal_and_nothing_behind_its_last() {
    let (_running, mesh) = mesh().await;
    let mut bare = mesh.victim.clone();
    bare.seals.clear();
    let told = of_file(&bare, &mesh.anchor, &[]).expect("refused");
    assert!(told.contains("line 2 is behind the last seal: nothing proves it"), "{told}");
    let mut longer = mesh.victim.clone();
    longer.lines.push(longer.lines[2].clone());
    longer.rechain();
    let told = of_file(&longer, &mesh.anchor, &[]).expect("refused");
    assert!(told.contains("nothing proves it"), "{told}");
    let empty = Evidence { lines: Vec::new(), ..bare };
    assert!(of_file(&empty, &mesh.anchor, &[]).is_some());
    let stranger = Anchor { authority: aurora_mesh::model::identity::KeyPin([1; 32]), mesh: None };
    let told = of_file(&mesh.victim, &stranger, &[]).expect("refused");
    assert!(told.contains("is not by the authority that is trusted"), "{told}");
}

/// An earlier file and its earlier seals are whole by themselves: that more was sealed since is known elsewhere.
#[tokio::test]
async fn an_end_that_was_removed_with_its_seals_shows_against_seals_that_were_kept_elsewhere() {
    let (running, mesh) = mesh().await;
    let follower = running.follower("late", prod(&[])).await;
    follower.reaches(running.lead.vault().health().revision).await;
    follower.value(read("hubspot/api_key", None)).await.expect("readable");
    let copy = copy_dir(&running.lead, "late", 1);
    let sealed_to = async |lines: usize| {
        let lines = u64::try_from(lines).expect("small");
        let is_sealed = || async { (heads::sealed_seq(&copy).expect("readable") == lines).then_some(()) };
        eventually("it is sealed", is_sealed).await;
    };
    sealed_to(arrives(&running.lead, &follower, 1).await).await;
    let earlier = evidence(&copy, "late");
    assert_eq!(of_file(&earlier, &mesh.anchor, &[]), None);
    follower.value(read("hubspot/api_key", None)).await.expect("readable");
    sealed_to(arrives(&running.lead, &follower, 1).await).await;
    let newest = heads::newest(&copy).expect("readable");
    let elsewhere = [KeptSeal { file: "heads.jsonl".to_owned(), line: 1, seal: newest }];
    assert_eq!(of_file(&earlier, &mesh.anchor, &[]), None, "by itself it is whole");
    let told = of_file(&earlier, &mesh.anchor, &elsewhere).expect("refused");
    assert!(told.contains("was sealed: the end was removed"), "{told}");
    assert_eq!(
        of_file(&evidence(&copy, "late"), &mesh.anchor, &elsewhere),
        None,
        "and the whole of it agrees with them"
    );
}

/// A follower keeps seals of two journals; a file of one of them is held against those that are about it.
#[tokio::test]
async fn seals_of_a_node_that_a_file_says_nothing_of_are_not_held_against_it() {
    let (_running, mesh) = mesh().await;
    let seal = seal_text::parse(mesh.other.seals[0].as_bytes());
    let elsewhere = [KeptSeal { file: "heads.jsonl".to_owned(), line: 1, seal }];
    assert_eq!(of_file(&mesh.victim, &mesh.anchor, &elsewhere), None);
}
