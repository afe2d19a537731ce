//! Following a chain together with what was sealed of it: each seal must be by the authority that is trusted, and say of its
//! line what the chain comes to there.
//!
//! Without a single seal nothing is proved: whoever can write a file can write a chain that holds.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::AuditError;
use super::head::Head;
use super::heads::KeptSeal;
use super::intake::{Misfit, Tip};
use super::seal::{Author, Seal, SealFlaw};
use super::tombstone::Trust;
use super::verify::{Break, Flaw, Verdict, follow};
use crate::model::identity::{KeyPin, MeshId};
use crate::model::name::NodeName;
use crate::model::time::Timestamp;

/// Whose seals are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The mesh's authority.
    pub authority: KeyPin,
    /// The mesh; none where only the pin is known, which belongs to one.
    pub mesh: Option<MeshId>,
}

/// What following a chain with its seals came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Lines that hold, and the first place that does not.
    pub verdict: Verdict,
    /// The last line that is sealed, and when that was; none if none is.
    pub sealed: Option<(u64, Timestamp)>,
}

/// The seals of one chain, each checked.
#[derive(Debug, Default)]
pub(super) struct Proof {
    node: Option<NodeName>,
    key: Option<KeyPin>,
    mesh: Option<MeshId>,
    format: u8,
    seals: BTreeMap<u64, Seal>,
}

impl Proof {
    /// No seals: only the chain itself, and that it is of one node and of formats that never go back.
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// Adds a seal, if it is one of the node's journal that the authority made.
    ///
    /// # Errors
    /// [`Flaw::FalseSeal`].
    pub(super) fn add(&mut self, seal: Seal, node: &NodeName, anchor: &Anchor) -> Result<(), Flaw> {
        let statement = &seal.head.statement;
        let mesh = anchor.mesh.or(self.mesh).unwrap_or(statement.mesh);
        let author = Author { mesh, node: node.clone() };
        seal.check(&author, &anchor.authority).map_err(false_seal)?;
        if self.key.is_some_and(|key| key != statement.key) {
            return Err(Flaw::FalseSeal { why: "is signed by another key than the seals before it" });
        }
        let seq = statement.head.seq;
        if self.seals.get(&seq).is_some_and(|known| known.chain_head() != seal.chain_head()) {
            return Err(Flaw::FalseSeal { why: "says something else than another seal of the same line" });
        }
        (self.key, self.mesh) = (Some(statement.key), Some(mesh));
        self.seals.insert(seq, seal);
        Ok(())
    }

    /// Whether the line that is the head now is what was sealed as such.
    pub(super) fn step(&mut self, before: &Head, line: &[u8]) -> Result<(), Flaw> {
        let node = match &self.node {
            Some(node) => node.clone(),
            None => super::line::parse_node(line).ok_or(Flaw::NotALine)?,
        };
        let tip = Tip { head: *before, format: self.format }.follow(&node, line).map_err(|misfit| match misfit {
            Misfit::OlderFormat { before, found, .. } => Flaw::OlderFormat { before, found },
            Misfit::OtherNode { .. } => Flaw::OtherNode,
            // The chain was followed already.
            Misfit::TooLong { .. } | Misfit::NotALine { .. } | Misfit::OutOfOrder { .. } | Misfit::OtherPast { .. } => {
                Flaw::NotALine
            }
        })?;
        if let Some(seal) = self.seals.get(&tip.head.seq) {
            let statement = &seal.head.statement;
            if statement.head != tip.head || statement.format != tip.format {
                return Err(Flaw::NotSealed { seq: tip.head.seq });
            }
        }
        (self.node, self.format) = (Some(node), tip.format);
        Ok(())
    }

    /// Says whose lines these must be.
    pub(super) fn of(&mut self, node: NodeName) {
        self.node = Some(node);
    }

    /// The newest seal: its line, and when it was made.
    pub(super) fn newest(&self) -> Option<(u64, Timestamp)> {
        self.seals.last_key_value().map(|(seq, seal)| (*seq, seal.sealed_at))
    }

    /// The key of the node, if a seal names it.
    pub(super) fn key(&self) -> Option<KeyPin> {
        self.key
    }

    /// The mesh, if a seal names it.
    pub(super) fn mesh(&self) -> Option<MeshId> {
        self.mesh
    }

    /// What is wrong with an end at this line, by the seals.
    pub(super) fn missing(&self, end: &Head) -> Option<Flaw> {
        let (sealed, _) = self.newest()?;
        (sealed > end.seq).then_some(Flaw::SealedBeyond { sealed })
    }
}

/// Follows the chain in a directory to its end, or to a head that the node remembers, with its seals. Lines behind
/// the newest seal are followed too: they hold together, and nothing else is proved of them.
///
/// # Errors
/// [`AuditError`] when a file cannot be read.
pub fn prove(
    directory: &Path,
    node: &NodeName,
    until: Option<&Head>,
    anchor: &Anchor,
    kept: Vec<KeptSeal>,
) -> Result<Proven, AuditError> {
    let mut proof = Proof::none();
    proof.of(node.clone());
    for KeptSeal { file, line, seal } in kept {
        let broken = |flaw| Break { file: file.clone(), line, flaw };
        let added = match seal {
            Some(seal) => proof.add(seal, node, anchor),
            None => Err(Flaw::FalseSeal { why: "cannot be read as one" }),
        };
        if let Err(flaw) = added {
            let verdict = Verdict { lines: 0, head: Head::GENESIS, broken: Some(broken(flaw)) };
            return Ok(Proven { verdict, sealed: None });
        }
    }
    let keys = [Some(anchor.authority), proof.key()].into_iter().flatten().collect();
    let mesh = anchor.mesh.or(proof.mesh()).unwrap_or(MeshId([0; 16]));
    let trust = Trust { mesh, node: node.clone(), keys };
    let verdict = match super::tombstones::beginning(directory, &trust)? {
        Ok(begin) => follow(directory, begin, until, &mut proof)?,
        Err(broken) => Verdict { lines: 0, head: Head::GENESIS, broken: Some(broken) },
    };
    Ok(Proven { verdict, sealed: proof.newest() })
}

fn false_seal(flaw: SealFlaw) -> Flaw {
    Flaw::FalseSeal {
        why: match flaw {
            SealFlaw::OtherMesh => "is of another mesh",
            SealFlaw::OtherNode { .. } => "is about another node's journal",
            SealFlaw::NotSigned => "is not signed by the key it names: it was altered",
            SealFlaw::OtherAuthority => "is not by the authority that is trusted",
            SealFlaw::NotCountersigned => "is not what the authority signed: it was altered",
        },
    }
}
