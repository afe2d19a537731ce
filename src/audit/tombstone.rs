//! What stays of a file of the journal that was removed when its time was over: which lines it held, between which hashes,
//! signed. So the chain behind it can be followed from there, and nobody can pass off a removal of his own as retention.

use serde::{Deserialize, Serialize};

use super::head::Head;
use super::seal_text::{bytes, digest};
use crate::crypto::signature::{Signer, is_signed, pin};
use crate::model::hex::hex;
use crate::model::identity::{KeyPin, MeshId};
use crate::model::name::NodeName;
use crate::model::time::Timestamp;

/// Longest tombstone as a line. A key, a signature, two hashes and names come to less than a kilobyte.
pub(super) const TOMBSTONE_BYTES_MAX: usize = 4 << 10;

/// What a removed file held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The mesh.
    pub mesh: MeshId,
    /// Whose lines they were.
    pub node: NodeName,
    /// The file, by the name it had unpacked.
    pub file: String,
    /// The end of the chain before its first line.
    pub before: Head,
    /// Its last line.
    pub last: Head,
    /// When it was removed.
    pub time: Timestamp,
}

/// Whose tombstones are believed for a journal.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The mesh.
    pub mesh: MeshId,
    /// The node whose journal it is.
    pub node: NodeName,
    /// The keys that may sign: the node's own, and those of the mesh's authority.
    pub keys: Vec<KeyPin>,
}

impl Tombstone {
    /// The one text that is signed. Each field has one spelling, and none can hold a newline.
    fn text(&self) -> String {
        let Self { mesh, node, file, before, last, time } = self;
        format!(
            "aurora audit tombstone v1\nmesh {mesh}\nnode {node}\nfile {file}\nbefore {} {}\nlast {} {}\ntime {time}\n",
            before.seq,
            before.hex(),
            last.seq,
            last.hex()
        )
    }

    /// How many lines are gone.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.last.seq.saturating_sub(self.before.seq)
    }

    /// The tombstone as one line of JSON with its newline, signed; none when the library has no randomness.
    pub(super) fn signed(&self, signer: &dyn Signer) -> Option<String> {
        let signature = signer.sign(self.text().as_bytes())?;
        let line = Line {
            v: 1,
            mesh: self.mesh.to_string(),
            node: self.node.to_string(),
            file: self.file.clone(),
            before_seq: self.before.seq,
            before: self.before.hex(),
            last_seq: self.last.seq,
            last: self.last.hex(),
            time: self.time.to_string(),
            public_key: hex(&signer.public_key()),
            signature: hex(&signature),
        };
        let text = serde_json::to_string(&line).expect("texts and numbers always serialise");
        Some(text + "\n")
    }

    /// Reads a line (without newline); `None` if it is no tombstone of this journal by a key that is believed.
    pub(super) fn believed(line: &[u8], trust: &Trust) -> Option<Self> {
        if line.len() > TOMBSTONE_BYTES_MAX {
            return None;
        }
        let line: Line = serde_json::from_slice(line).ok().filter(|line: &Line| line.v == 1)?;
        let read = Self {
            mesh: MeshId::parse(&line.mesh)?,
            node: NodeName::parse(&line.node).ok()?,
            file: line.file,
            before: Head { seq: line.before_seq, hash: digest(&line.before)? },
            last: Head { seq: line.last_seq, hash: digest(&line.last)? },
            time: Timestamp::parse(&line.time)?,
        };
        let key = bytes(&line.public_key)?;
        let ours = read.mesh == trust.mesh && read.node == trust.node && trust.keys.contains(&pin(&key));
        // A newline in the name of the file would let one text be read as two.
        let plain = !read.file.contains('\n') && read.before.seq < read.last.seq;
        (ours && plain && is_signed(&key, read.text().as_bytes(), &bytes(&line.signature)?)).then_some(read)
    }
}

/// As it is kept: bytes in hexadecimal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    v: u8,
    mesh: String,
    node: String,
    file: String,
    before_seq: u64,
    before: String,
    last_seq: u64,
    last: String,
    time: String,
    public_key: String,
    signature: String,
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::crypto::signature_testing::Key;

    fn tombstone() -> Tombstone {
        Tombstone {
            mesh: MeshId([7; 16]),
            node: sample::node(),
            file: "audit-2025-10.jsonl".to_owned(),
            before: Head { seq: 3, hash: [1; 32] },
            last: Head { seq: 9, hash: [2; 32] },
            time: Timestamp(1_795_248_000_123),
        }
    }

    fn trust(key: &Key) -> Trust {
        Trust { mesh: MeshId([7; 16]), node: sample::node(), keys: vec![pin(&key.public_key())] }
    }

    #[test]
    fn what_is_signed_is_this_text() {
        assert_eq!(
            tombstone().text(),
            format!(
                "aurora audit tombstone v1\nmesh {}\nnode vengeance\nfile audit-2025-10.jsonl\nbefore 3 {}\nlast 9 {}\n\
                 time 2026-11-21T08:00:00.123Z\n",
                "07".repeat(16),
                "01".repeat(32),
                "02".repeat(32)
            )
        );
    }

    #[test]
    fn a_tombstone_is_believed_of_the_right_key_mesh_and_node_alone() {
        let key = Key::new();
        let line = tombstone().signed(&key).expect("signed");
        let line = line.trim_end().as_bytes();
        assert!(line.len() < TOMBSTONE_BYTES_MAX);
        assert_eq!(Tombstone::believed(line, &trust(&key)), Some(tombstone()));
        assert_eq!(tombstone().lines(), 6);
        assert_eq!(Tombstone::believed(line, &trust(&Key::new())), None);
        assert_eq!(Tombstone::believed(line, &Trust { mesh: MeshId([8; 16]), ..trust(&key) }), None);
        let other = NodeName::parse("other").expect("name");
        assert_eq!(Tombstone::believed(line, &Trust { node: other, ..trust(&key) }), None);
    }

    #[test]
    fn every_change_of_a_tombstone_shows() {
        let key = Key::new();
        let line = tombstone().signed(&key).expect("signed").trim_end().to_owned();
        let (other, zeros) = (Key::new(), "0".repeat(64));
        let changes = [
            line.replace("\"last_seq\":9", "\"last_seq\":10"),
            line.replace("\"before_seq\":3", "\"before_seq\":0"),
            line.replace(&"01".repeat(32), &zeros),
            line.replace(&"02".repeat(32), &zeros),
            line.replace("2025-10", "2025-11"),
            line.replace("2026-11-21", "2026-11-22"),
            line.replace("\"v\":1", "\"v\":2"),
            line.replace("\"v\":1", "\"v\":1,\"more\":1"),
            line.replace(&hex(&key.public_key()), &hex(&other.public_key())),
            line[..line.len() - 2].to_owned(),
            String::new(),
        ];
        for changed in changes {
            assert_ne!(changed, line);
            assert_eq!(Tombstone::believed(changed.as_bytes(), &trust(&key)), None, "{changed}");
        }
    }
}
