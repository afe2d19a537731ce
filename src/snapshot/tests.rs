//! The format: what it is byte by byte, and that no byte of it can be changed.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU8, Ordering};

use proptest::collection::vec;
use proptest::prelude::{any, prop};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::error::SnapshotError;
use super::header::{FreshKey, HEADS_MAX, Header, JournalHead, RECIPIENTS_MAX, WrappedRoot};
use super::read::Reader;
use super::row::Row;
use super::write::{Writer, Written};
use super::{MAGIC, header_text};
use crate::crypto::chunks::{CHUNK_BYTES, ContentKey};
use crate::crypto::digest::sha256;
use crate::crypto::recovery::{Recipient, RecoveryKey};
use crate::crypto::root::RootKey;
use crate::crypto::signature::Signer;
use crate::crypto::signature_testing::Key;
use crate::model::hex::hex;
use crate::model::identity::{MeshId, StoreId};
use crate::model::name::NodeName;
use crate::model::number::{Epoch, Position, Revision};
use crate::model::time::{Entropy, EntropyUnavailable, Timestamp};

/// Counts upwards from a byte.
struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable> {
        buffer.iter_mut().for_each(|byte| *byte = self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

fn counting(first: u8) -> Counting {
    Counting(AtomicU8::new(first))
}

const MESH: MeshId = MeshId([7; 16]);

fn root() -> RootKey {
    RootKey::generate(&counting(0x10)).expect("key")
}

fn fresh(recipients: &[Recipient]) -> FreshKey {
    FreshKey::generate(&MESH, &root(), recipients, &counting(0x40)).expect("key")
}

fn head(node: &str, chain: Option<u32>) -> JournalHead {
    JournalHead { node: NodeName::parse(node).expect("name"), chain, seq: 17, hash: [9; 32] }
}

fn header(fresh: &FreshKey, authority: Vec<u8>) -> Header {
    Header {
        mesh: MESH,
        store: StoreId([3; 16]),
        node: NodeName::parse("aurora").expect("name"),
        position: Position { epoch: Epoch(2), revision: Revision(300) },
        schema: 4,
        build: "1.2.3".to_owned(),
        taken_at: Timestamp(1_795_248_000_123),
        heads: vec![head("aurora", None), head("vengeance", Some(2))],
        root_key: WrappedRoot { wrapped: vec![1, 2, 3], passphrase: Some(vec![4, 5]), shares: None },
        content: fresh.content.clone(),
        recipients: fresh.recipients.clone(),
        authority,
    }
}

fn rows() -> Vec<Row> {
    let row = |table, key: &str, row: Vec<u8>| Row { table, key: key.as_bytes().to_vec(), row };
    vec![
        row(1, "schema", vec![0, 0, 0, 4]),
        row(2, "a/b", vec![7; 100]),
        row(2, "a/c", vec![8; 3 * CHUNK_BYTES]),
        row(8, "", Vec::new()),
    ]
}

fn written(rows: &[Row], recipients: &[Recipient], signer: &Key) -> (Vec<u8>, Written) {
    let (fresh, mut bytes) = (fresh(recipients), Vec::new());
    let header = header(&fresh, signer.public_key());
    let mut writer = Writer::begin(&mut bytes, &header, &fresh.key).expect("begun");
    rows.iter().for_each(|row| writer.row(row).expect("written"));
    let done = writer.finish(signer).expect("finished");
    (bytes, done)
}

/// Gives what it has in pieces of a few bytes, as a socket may.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(into.len());
        self.0.read(&mut into[..count])
    }
}

fn read(from: impl Read) -> Result<Vec<Row>, SnapshotError> {
    let reader = Reader::open(from)?;
    let key = reader.header().open_with_root(&root())?;
    reader.rows(&key).collect()
}

#[test]
fn what_is_written_reads_back_whole() {
    let signer = Key::new();
    let (bytes, done) = written(&rows(), &[], &signer);
    assert_eq!(done.bytes, u64::try_from(bytes.len()).expect("small"));
    assert_eq!((done.counts.of(1), done.counts.of(2), done.counts.of(3), done.counts.total()), (1, 2, 0, 4));
    let reader = Reader::open(bytes.as_slice()).expect("opened");
    assert_eq!(*reader.header(), header(&fresh(&[]), signer.public_key()));
    let key = reader.header().open_with_root(&root()).expect("opened");
    let mut read_back = reader.rows(&key);
    assert_eq!(read_back.counts(), None, "nothing is known before the end");
    let all = read_back.by_ref().collect::<Result<Vec<_>, _>>().expect("whole");
    assert_eq!(all, rows());
    assert_eq!(read_back.counts(), Some(&done.counts));
    assert!(read_back.next().is_none());
    assert_eq!(read(Trickle(&bytes, 7)).expect("in small pieces"), rows());
}

/// The signature is the only part that chance decides.
#[test]
fn format_1_has_these_bytes_for_ever() {
    let signer = Key::new();
    let (fresh, mut bytes) = (fresh(&[]), Vec::new());
    let header = Header { authority: vec![0x30, 0x59], ..header(&fresh, Vec::new()) };
    let mut writer = Writer::begin(&mut bytes, &header, &fresh.key).expect("begun");
    rows().iter().for_each(|row| writer.row(row).expect("written"));
    writer.finish(&signer).expect("finished");
    let text = header_text::render(&header).expect("rendered");
    assert_eq!(String::from_utf8(text.clone()).expect("text"), GOLDEN_HEADER);
    let opening = [MAGIC, &u32::try_from(text.len()).expect("small").to_be_bytes(), &text].concat();
    assert_eq!(bytes[..opening.len()], opening);
    let piece = CHUNK_BYTES + 16 + 4;
    let signature_at = bytes.len() - 2 - usize::from(u16::from_be_bytes(length_of_signature(&bytes)));
    let hex = hex(&sha256(&bytes[..signature_at]));
    assert_eq!(signature_at, opening.len() + 3 * piece + 4 + 188 + 16);
    assert_eq!(hex, GOLDEN_DIGEST);
}

/// This and the digest were made by another implementation of all of it.
const GOLDEN_HEADER: &str = concat!(
    r#"{"mesh":"07070707070707070707070707070707","store":"03030303030303030303030303030303","nod"#,
    r#"e":"aurora","epoch":2,"revision":300,"schema":4,"build":"1.2.3","taken_at":"2026-11-21T08:"#,
    r#"00:00.123Z","journals":[{"node":"aurora","seq":17,"hash":"09090909090909090909090909090909"#,
    r#"09090909090909090909090909090909"},{"node":"vengeance","chain":2,"seq":17,"hash":"09090909"#,
    r#"09090909090909090909090909090909090909090909090909090909"}],"root_key":{"wrapped":"AQID",""#,
    r#"passphrase":"BAU="},"keys":[{"opened_by":"root-key","sealed":"AWBhYmNkZWZnaGlqa2xtbm9wcXJz"#,
    r#"dHV2d13dB3xEoAu1TBUKKrgqht1OouJGr3O6zSo5anvJBCGfkiPizWvE7R7HZV2JoyJVCg=="}],"authority":"M"#,
    r#"Fk="}"#,
);
const GOLDEN_DIGEST: &str = "faf1fff5fa7e2d969c4543e40fac4248370487d8db5bc9ab72c51f347d389cfe";

/// The two bytes before the signature: DER says how long it is, in its second byte.
fn length_of_signature(bytes: &[u8]) -> [u8; 2] {
    let at = (68..=74).find(|length| {
        let start = bytes.len() - length;
        bytes[start - 2..start] == u16::try_from(*length).expect("small").to_be_bytes() && bytes[start] == 0x30
    });
    let length = at.expect("a signature");
    u16::try_from(length).expect("small").to_be_bytes()
}

/// The header, a length, a piece, the last piece, and the signature: whichever byte is changed, it is found.
#[test]
fn no_byte_can_be_changed() {
    let (bytes, _) = written(&rows(), &[], &Key::new());
    let (first, last) = (MAGIC.len() + 4, bytes.len());
    let every = (0..first + 2000).chain(last - 400..last).chain((first..last).step_by(997));
    for at in every {
        let mut changed = bytes.clone();
        changed[at] ^= 0x01;
        assert!(read(changed.as_slice()).is_err(), "byte {at} of {last}");
    }
}

#[test]
fn each_kind_of_tampering_is_told_as_what_it_is() {
    let signer = Key::new();
    let (bytes, _) = written(&rows(), &[], &signer);
    let refused = |bytes: &[u8]| read(bytes).expect_err("refused");
    assert!(matches!(refused(b"aurora-snapshot/2\n"), SnapshotError::UnknownFormat));
    assert!(matches!(refused(b"PK\x03\x04 some other file"), SnapshotError::Foreign));
    assert!(matches!(refused(b""), SnapshotError::Cut));
    for length in [5, MAGIC.len() + 2, MAGIC.len() + 40, bytes.len() / 2, bytes.len() - 80, bytes.len() - 1] {
        assert!(matches!(refused(&bytes[..length]), SnapshotError::Cut), "{length}");
    }
    assert!(matches!(refused(&[&bytes[..], b"x"].concat()), SnapshotError::Trailing));
    let huge = [MAGIC, &[0x40, 0, 0, 0]].concat();
    let error = Reader::open(huge.as_slice().chain(io::repeat(b' '))).err().expect("refused before it is read");
    assert!(matches!(error, SnapshotError::HeaderTooLong { .. }), "{error:?}");
    let opening = MAGIC.len() + 4 + header_text::render(&header(&fresh(&[]), signer.public_key())).expect("text").len();
    let mut endless = bytes[..opening].to_vec();
    endless.extend_from_slice(&[0x7f; 4]);
    let error = read(endless.as_slice().chain(io::repeat(0x7f))).expect_err("refused");
    assert!(matches!(error, SnapshotError::Damaged(_)), "{error:?}");
    let piece = CHUNK_BYTES + 16 + 4;
    let (first, second) = (opening..opening + piece, opening + piece..opening + 2 * piece);
    let swapped = [&bytes[..opening], &bytes[second.clone()], &bytes[first.clone()], &bytes[second.end..]].concat();
    assert!(matches!(refused(&swapped), SnapshotError::Closed(_)));
    let without = [&bytes[..opening], &bytes[second.clone()], &bytes[second.end..]].concat();
    assert!(matches!(refused(&without), SnapshotError::Closed(_)));
    let (other, _) = written(&rows(), &[], &Key::new());
    let foreign_signature = [&bytes[..bytes.len() - 60], &other[other.len() - 60..]].concat();
    assert!(read(foreign_signature.as_slice()).is_err());
}

/// Whoever has the key could write other rows, but not sign them; and rows that are left out are counted.
#[test]
fn rows_of_another_hand_and_missing_rows_are_found() {
    let signer = Key::new();
    let fresh = fresh(&[]);
    let header = header(&fresh, signer.public_key());
    let mut forged = Vec::new();
    let mut writer = Writer::begin(&mut forged, &header, &fresh.key).expect("begun");
    writer.row(&rows()[0]).expect("written");
    writer.finish(&Key::new()).expect("signed by somebody else");
    assert!(matches!(read(forged.as_slice()), Err(SnapshotError::Signature)));
}

#[test]
fn a_recipient_and_the_root_key_open_it_and_nobody_else() {
    let keys: Vec<RecoveryKey> =
        [1, 2, 3].into_iter().map(|first| RecoveryKey::generate(&counting(first)).expect("key")).collect();
    let recipients: Vec<Recipient> = keys[..2].iter().map(|key| key.recipient().expect("recipient")).collect();
    let (bytes, _) = written(&rows(), &recipients, &Key::new());
    for key in &keys[..2] {
        let reader = Reader::open(bytes.as_slice()).expect("opened");
        let recovered = reader.header().open_with_recovery(key).expect("its recipient");
        assert!(reader.header().open_with_root(&recovered.root).is_ok(), "the root key of the store is in it");
        assert_eq!(reader.rows(&recovered.content).collect::<Result<Vec<_>, _>>().expect("whole"), rows());
    }
    let reader = Reader::open(bytes.as_slice()).expect("opened");
    assert!(matches!(reader.header().open_with_recovery(&keys[2]), Err(SnapshotError::NotForKey)));
    let other = RootKey::generate(&counting(0x11)).expect("key");
    assert!(matches!(reader.header().open_with_root(&other), Err(SnapshotError::Closed(_))));
    let wrong = ContentKey::generate(&counting(5)).expect("key");
    assert!(matches!(reader.rows(&wrong).next(), Some(Err(SnapshotError::Closed(_)))));
}

#[test]
fn a_header_with_as_much_as_there_may_be_fits() {
    let recipient = RecoveryKey::generate(&counting(1)).expect("key").recipient().expect("recipient");
    let many = fresh(&vec![recipient.clone(); RECIPIENTS_MAX]);
    let name = "a".repeat(63);
    let heads = (0..HEADS_MAX).map(|_| head(&name, Some(u32::MAX))).collect();
    let full = Header { heads, ..header(&many, Key::new().public_key()) };
    let text = header_text::render(&full).expect("it fits");
    assert_eq!(header_text::parse(&text).expect("parsed"), full);
    let more = FreshKey::generate(&MESH, &root(), &vec![recipient; RECIPIENTS_MAX + 1], &counting(0));
    assert!(matches!(more, Err(SnapshotError::BadHeader(_))));
}

#[test]
fn a_header_that_says_what_it_may_not_is_refused() {
    let good = header_text::render(&header(&fresh(&[]), vec![1])).expect("rendered");
    let good = String::from_utf8(good).expect("text");
    assert!(header_text::parse(good.as_bytes()).is_ok());
    for (from, to) in [
        ("\"node\":\"aurora\",\"epoch\"", "\"node\":\"Aurora\",\"epoch\""),
        ("0707", "070G"),
        ("\"schema\":4", "\"schema\":-4"),
        ("\"schema\":4", "\"schema\":4,\"more\":1"),
        ("root-key", "nobody"),
        ("\"taken_at\":\"2026", "\"taken_at\":\"x2026"),
        ("\"wrapped\":\"", "\"wrapped\":\"*"),
        ("\"hash\":\"09", "\"hash\":\"0"),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        assert!(header_text::parse(changed.as_bytes()).is_err(), "{to}");
    }
}

proptest! {
    #[test]
    fn any_rows_come_back_as_they_were(
        rows in vec((1_u8..=255, vec(any::<u8>(), 0..40), vec(any::<u8>(), 0..70_000)), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let rows: Vec<Row> = rows.into_iter().map(|(table, key, row)| Row { table, key, row }).collect();
        let (bytes, _) = written(&rows, &[], &Key::new());
        prop_assert_eq!(read(bytes.as_slice()).expect("whole"), rows);
        prop_assert!(read(&bytes[..cut.index(bytes.len())]).is_err());
    }
}
