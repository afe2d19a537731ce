//! Followers that lie about their journal, and what the lead makes of it.

use std::path::Path;

use super::copies::chain_dir;
use super::gap::Cause;
use super::head::Head;
use super::heads;
use super::intake::Tip;
use super::receiving::{CHAINS_MAX, Offered, Received, Receiving};
use super::sample;
use super::seal::{Seal, SignedHead};
use super::seal_sample::{author, seal, signed};
use super::verify::verify;
use crate::crypto::signature::{Signer, pin};
use crate::crypto::signature_testing::Key;
use crate::model::time::Timestamp;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T08:00:00Z").expect("a time")
}

struct Stage {
    directory: tempfile::TempDir,
    key: Key,
    authority: Key,
    receiving: Receiving,
    lines: Vec<String>,
}

impl Stage {
    /// The lead has the first six of nine lines, sealed.
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let receiving = open(directory.path());
        let mut stage = Self { directory, key: Key::new(), authority: Key::new(), receiving, lines: sample::lines(9) };
        assert_eq!(stage.offer(0, 9), (Received::From(Head::GENESIS), None));
        assert_eq!(stage.send(1, 6), (Received::Taken(stage.tip(6)), None));
        let seal = seal(&stage.key, &stage.authority, stage.head(6));
        assert_eq!(stage.receiving.seal(seal).expect("kept"), None);
        stage
    }

    fn head(&self, seq: usize) -> Head {
        match seq.checked_sub(1) {
            None => Head::GENESIS,
            Some(at) => Head::of_line(u64::try_from(seq).expect("small"), self.lines[at].trim_end().as_bytes()),
        }
    }

    fn tip(&self, seq: usize) -> Tip {
        Tip { head: self.head(seq), format: 2 }
    }

    fn signed(&self, seq: usize) -> SignedHead {
        signed(&self.key, self.head(seq))
    }

    fn offer(&mut self, before: usize, end: usize) -> (Received, Option<Cause>) {
        self.offer_with(before, &self.signed(end), None)
    }

    fn offer_with(&mut self, before: usize, head: &SignedHead, sealed: Option<&Seal>) -> (Received, Option<Cause>) {
        let before = self.head(before);
        let (received, gap) = self.receiving.offered(&Offered { before, head, sealed }).expect("a disk");
        (received, gap.map(|gap| gap.cause))
    }

    fn send(&mut self, first: usize, last: usize) -> (Received, Option<Cause>) {
        let (lines, head) = (self.lines[first - 1..last].concat(), self.signed(last));
        self.send_as(first, &lines, &head)
    }

    fn send_as(&mut self, first: usize, lines: &str, head: &SignedHead) -> (Received, Option<Cause>) {
        let first = u64::try_from(first).expect("small");
        let (received, gap) = self.receiving.lines(first, lines.as_bytes(), head, now()).expect("a disk");
        (received, gap.map(|gap| gap.cause))
    }

    fn copy(&self, chain: u32) -> u64 {
        let verdict = verify(&chain_dir(self.directory.path(), &sample::node(), chain)).expect("readable");
        assert_eq!(verdict.broken, None);
        verdict.lines
    }
}

fn open(directory: &Path) -> Receiving {
    Receiving::open(directory, author(), 1 << 20).expect("opens")
}

#[test]
fn what_follows_is_taken_and_after_a_restart_it_goes_on_from_there() {
    let mut stage = Stage::new();
    stage.receiving = open(stage.directory.path());
    assert_eq!(stage.offer(0, 9), (Received::From(stage.head(6)), None));
    assert_eq!(stage.send(7, 9), (Received::Taken(stage.tip(9)), None));
    assert_eq!(stage.copy(1), 9);
    let known = heads::sealed_seq(&chain_dir(stage.directory.path(), &sample::node(), 1)).expect("readable");
    assert_eq!(known, 6, "a seal is kept only once it is made");
}

#[test]
fn lines_that_were_skipped_repeated_altered_or_are_anothers_are_not_taken() {
    let mut stage = Stage::new();
    assert_eq!(stage.send(8, 9), (Received::Refused, Some(Cause::Misfit)), "skipped");
    assert_eq!(stage.send(5, 7), (Received::Refused, Some(Cause::Misfit)), "repeated");
    let head = stage.signed(9);
    let altered = stage.lines[6..].concat().replacen("user:1000", "user:1001", 1);
    assert_eq!(stage.send_as(7, &altered, &head), (Received::Refused, Some(Cause::Misfit)));
    let of_another = stage.lines[6..].concat().replace("vengeance", "runpod");
    assert_eq!(stage.send_as(7, &of_another, &head), (Received::Refused, Some(Cause::Misfit)));
    assert_eq!(stage.send_as(7, "no line\n", &head), (Received::Refused, Some(Cause::Misfit)));
    let without_end = stage.lines[6..].concat().trim_end().to_owned();
    assert_eq!(stage.send_as(7, &without_end, &head), (Received::Refused, Some(Cause::Misfit)));
    assert_eq!(stage.copy(1), 6);
    assert_eq!(stage.send(7, 9).0, Received::Taken(stage.tip(9)), "what is right is taken all the same");
}

#[test]
fn a_head_that_is_not_that_of_the_lines_or_by_another_key_is_refused() {
    let mut stage = Stage::new();
    let (lines, early) = (stage.lines[6..].concat(), stage.signed(8));
    assert_eq!(stage.send_as(7, &lines, &early), (Received::Refused, Some(Cause::Signature)));
    assert_eq!(stage.copy(1), 6);
    let (own, other) = (pin(&stage.key.public_key()), Key::new());
    let check = |head: &SignedHead| stage.receiving.check(head, &own).map_err(|gap| gap.cause);
    assert_eq!(check(&stage.signed(9)), Ok(()));
    assert_eq!(check(&signed(&other, stage.head(9))), Err(Cause::Signature));
    let mut forged = stage.signed(9);
    forged.statement.head.seq = 8;
    assert_eq!(check(&forged), Err(Cause::Signature));
}

#[test]
fn a_journal_that_went_back_forked_or_lost_lines_goes_on_beside_what_was_taken() {
    type Case = (fn(&mut Stage) -> (Received, Option<Cause>), Cause);
    let cases: [Case; 5] = [
        (|stage| stage.offer(0, 4), Cause::Rewind),
        (|stage| stage.offer_with(0, &signed(&stage.key, Head { seq: 6, hash: [9; 32] }), None), Cause::Fork),
        (|stage| stage.offer_with(0, &signed(&Key::new(), stage.head(9)), None), Cause::Key),
        (|stage| stage.offer(8, 9), Cause::Missing),
        (
            |stage| {
                let (head, line) = (stage.signed(7), stage.lines[6].replace(&stage.head(6).hex(), &"1".repeat(64)));
                stage.send_as(7, &line, &head)
            },
            Cause::Fork,
        ),
    ];
    for (happens, cause) in cases {
        let mut stage = Stage::new();
        let (received, told) = happens(&mut stage);
        assert!(matches!(received, Received::From(_)), "{cause:?}: {received:?}");
        assert_eq!((told, stage.receiving.copy().expect("one").chain()), (Some(cause), 2));
        assert_eq!((stage.copy(1), stage.copy(2)), (6, 0), "nothing that was taken is overwritten");
    }
}

#[test]
fn a_node_of_another_key_does_not_go_on_with_a_chain_without_offering_its_own() {
    let mut stage = Stage::new();
    let (lines, head) = (stage.lines[6..].concat(), signed(&Key::new(), stage.head(9)));
    assert_eq!(stage.send_as(7, &lines, &head), (Received::Refused, Some(Cause::Key)));
    let alive = stage.receiving.alive(&signed(&Key::new(), stage.head(6))).expect("a disk").expect("judged");
    assert_eq!((alive.0, alive.1.map(|gap| gap.cause)), (Received::Refused, Some(Cause::Key)));
    assert_eq!((stage.copy(1), stage.receiving.copy().expect("one").chain()), (6, 1));
    assert_eq!(stage.send(7, 9).0, Received::Taken(stage.tip(9)), "the node itself goes on");
}

#[test]
fn a_copy_that_was_cut_is_told_by_what_the_node_was_given_and_comes_again() {
    let mut stage = Stage::new();
    let (sealed, head) = (seal(&stage.key, &stage.authority, stage.head(9)), stage.signed(9));
    assert_eq!(stage.offer_with(0, &head, Some(&sealed)), (Received::From(stage.head(6)), Some(Cause::Copy)));
    assert_eq!(stage.send(7, 9), (Received::Taken(stage.tip(9)), None));
}

#[test]
fn a_node_that_forks_for_ever_does_not_fill_the_disk_with_chains() {
    let mut stage = Stage::new();
    std::fs::create_dir_all(chain_dir(stage.directory.path(), &sample::node(), CHAINS_MAX)).expect("made");
    stage.receiving = open(stage.directory.path());
    assert_eq!(stage.offer(0, 9), (Received::From(Head::GENESIS), None));
    assert!(matches!(stage.send(1, 6).0, Received::Taken(_)));
    assert_eq!(stage.offer(0, 4), (Received::TooManyChains, Some(Cause::Rewind)));
}

#[test]
fn lines_before_an_offer_are_refused() {
    let directory = tempfile::tempdir().expect("directory");
    let mut receiving = open(directory.path());
    let head = signed(&Key::new(), Head { seq: 1, hash: [1; 32] });
    assert_eq!(receiving.lines(1, b"{}\n", &head, now()).expect("a disk").0, Received::Refused);
    assert_eq!(receiving.alive(&head).expect("a disk"), None);
}
