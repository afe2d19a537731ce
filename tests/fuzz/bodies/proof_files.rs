//! Files of exported journals that somebody has altered: nothing but what the authority sealed is taken for proved.

use std::cell::RefCell;
use std::io::{Seek, Write};
use std::sync::OnceLock;

use aurora_mesh::audit::head::Head;
use aurora_mesh::audit::proof::Anchor;
use aurora_mesh::audit::proof_file::{Checked, Leave, check, read_heads};
use aurora_mesh::audit::seal::{Author, Seal, SignedHead};
use aurora_mesh::audit::seal_text;
use aurora_mesh::crypto::digest::sha256;
use aurora_mesh::model::identity::MeshId;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::transport::node_key::NodeKey;
use tempfile::NamedTempFile;

/// Lines of the journal that is altered.
const LINES: u64 = 6;

/// A true file, and whose word proves it.
struct True {
    bytes: Vec<u8>,
    anchor: Anchor,
}

thread_local! {
    static FILE: RefCell<NamedTempFile> = RefCell::new(NamedTempFile::new().expect("a file"));
}

/// The first byte says whether the rest is a file, or alterations of a true one: three bytes each, a place in two and what is
/// changed there in the third.
pub fn run(data: &[u8]) {
    let Some((what, rest)) = data.split_first() else { return };
    let truth = truth();
    let leave = Leave { partial: what & 2 == 2, unsealed: what & 4 == 4 };
    if what % 2 == 0 {
        let checked = checked(rest, leave);
        assert!(checked.journals.iter().all(|journal| journal.sealed.is_none()), "sealed by nobody");
        return;
    }
    let altered = altered(&truth.bytes, rest);
    let checked = checked(&altered, leave);
    if checked.broken.is_some() || checked.journals.is_empty() {
        return;
    }
    // What is neither signed nor chained may differ: which of the node's chains the file says it is, and, where that is left,
    // lines behind the seal.
    let [journal] = checked.journals.as_slice() else { panic!("one journal became {}", checked.journals.len()) };
    assert_eq!(journal.node.as_str(), "vengeance");
    let is_proved = journal.sealed.is_some_and(|(seq, at)| seq == LINES && at == Timestamp(1_795_248_000_123));
    assert!(is_proved || leave.partial || leave.unsealed, "altered, and still whole");
    if is_proved {
        let lines = |bytes: &[u8]| {
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"v\":"));
            lines.map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let (known, found) = (lines(&truth.bytes), lines(&altered));
        assert!(known.ends_with(&found) || found.starts_with(&known), "altered lines were taken for proved");
    }
}

fn checked(bytes: &[u8], leave: Leave) -> Checked {
    FILE.with_borrow_mut(|file| {
        file.as_file().set_len(0).expect("emptied");
        file.rewind().expect("rewound");
        file.write_all(bytes).expect("written");
        let _heads = read_heads(file.path()).expect("readable");
        check(file.path(), &truth().anchor, &[], leave).expect("readable")
    })
}

fn altered(bytes: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for three in changes.chunks_exact(3) {
        let &[high, low, change] = three else { continue };
        let at = usize::from(u16::from_be_bytes([high, low])) % bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= change;
        }
    }
    bytes
}

fn truth() -> &'static True {
    static TRUTH: OnceLock<True> = OnceLock::new();
    TRUTH.get_or_init(|| {
        let (key, authority) = (NodeKey::generate().expect("a key"), NodeKey::generate().expect("a key"));
        let node = NodeName::parse("vengeance").expect("a name");
        let (mut head, mut lines) = (Head::GENESIS, String::new());
        for seq in 1..=LINES {
            let line = format!(
                "{{\"v\":2,\"seq\":{seq},\"prev\":\"{}\",\"node\":\"vengeance\",\"action\":\"secret.read\"}}",
                head.hex()
            );
            head = Head { seq, hash: sha256(line.as_bytes()) };
            lines.push_str(&line);
            lines.push('\n');
        }
        let author = Author { mesh: MeshId([7; 16]), node };
        let at = Timestamp(1_795_248_000_123);
        let signed = SignedHead::sign(&author, head, 2, at, &key).expect("signed");
        let seal = seal_text::render(&Seal::new(signed, at, &authority).expect("sealed"));
        let bytes = format!("{{\"journal\":{{\"node\":\"vengeance\",\"chain\":1}}}}\n{seal}\n{lines}").into_bytes();
        True { bytes, anchor: Anchor { authority: authority.pin(), mesh: Some(MeshId([7; 16])) } }
    })
}
