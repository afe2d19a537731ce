//! Exported journals in one file, with what proves them: JSON Lines in which a record is a line of a journal, byte for byte as
//! it was written, or `{"journal":{…}}` where another journal begins, `{"seal":{…}}`, or `{"tombstone":{…}}`.
//!
//! Such a file is checked without the mesh, by whoever has the pin of the mesh's authority.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::copies::JournalDir;
use super::error::AuditError;
use super::files::parts;
use super::head::Head;
use super::heads::{KeptSeal, seals};
use super::line::parse_node;
use super::lines::{Lines, Next};
use super::proof::{Anchor, Proof};
use super::seal::Seal;
use super::seal_text;
use super::tombstone::{Tombstone, Trust};
use super::tombstones::texts;
use super::verify::{Break, Flaw, Place, Walk};
use crate::model::name::NodeName;
use crate::model::time::Timestamp;

/// Most journals in one file: each is remembered while the file is read.
const JOURNALS_MAX: usize = 10_000;

/// What checking a file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Each journal in it.
    pub journals: Vec<CheckedJournal>,
    /// The first record that does not hold; `None` if all do.
    pub broken: Option<Break>,
}

/// One journal in a file, as far as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedJournal {
    /// Whose.
    pub node: NodeName,
    /// Which of that node's chains; none if the file does not say.
    pub chain: Option<u32>,
    /// Its lines.
    pub lines: u64,
    /// The last line that is sealed, and when that was.
    pub sealed: Option<(u64, Timestamp)>,
}

/// What is let pass that is no proof of everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leave {
    /// Lines before the first that is there may be missing: the file is a part of a journal.
    pub partial: bool,
    /// Lines behind the last seal: they hold together, and were not proved yet.
    pub unsealed: bool,
}

/// Which journal a record is of.
type Whose = (NodeName, Option<u32>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beginning {
    journal: Named,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<u32>,
}

/// One record of such a file.
enum Record<'a> {
    Journal(Option<Whose>),
    Seal(&'a [u8]),
    Tombstone(&'a [u8]),
    Line(&'a [u8]),
}

/// Writes a whole journal with everything that proves it, up to its newest seal; gives the number of lines.
///
/// # Errors
/// [`AuditError`] when a file of the journal cannot be read; within, why it cannot be written.
pub fn write(journal: &JournalDir, to: &mut dyn Write) -> Result<io::Result<u64>, AuditError> {
    let kept = seals(&journal.path)?;
    let sealed: Vec<_> = kept.iter().filter_map(|kept| kept.seal.as_ref()).collect();
    let until = sealed.iter().map(|seal| seal.chain_head().seq).max().unwrap_or(0);
    let named = Named { node: journal.node.to_string(), chain: journal.chain };
    let named = serde_json::to_string(&Beginning { journal: named }).expect("texts and numbers always serialise");
    let mut head = || -> io::Result<()> {
        writeln!(to, "{named}")?;
        for tombstone in texts(&journal.path).map_err(AuditError::into_io)? {
            writeln!(to, "{{\"tombstone\":{tombstone}}}")?;
        }
        sealed.iter().try_for_each(|seal| writeln!(to, "{}", seal_text::render(seal)))
    };
    if let Err(error) = head() {
        return Ok(Err(error));
    }
    let mut count = 0_u64;
    for part in parts(&journal.path)? {
        let mut lines = Lines::of(&journal.path, &part)?;
        while let Next::Line(line) = lines.next().map_err(AuditError::io(part.path(&journal.path)))? {
            if super::line::parse_link(line).is_some_and(|link| link.seq > until) {
                return Ok(Ok(count));
            }
            if let Err(error) = to.write_all(line).and_then(|()| to.write_all(b"\n")) {
                return Ok(Err(error));
            }
            count = count.saturating_add(1);
        }
    }
    Ok(Ok(count))
}

/// Checks a file. Further seals, which were kept elsewhere, are held against it too, as far as they are of nodes whose
/// journals are in it.
///
/// # Errors
/// [`AuditError`] when it cannot be read.
pub fn check(path: &Path, anchor: &Anchor, more: &[KeptSeal], leave: Leave) -> Result<Checked, AuditError> {
    let mut gathered = Gathered { anchor, proofs: BTreeMap::new(), tombstones: BTreeMap::new(), whose: None };
    let broken = each(path, |place, record| gathered.take(place, &record))?;
    if broken.is_some() {
        return Ok(Checked { journals: Vec::new(), broken });
    }
    let in_file = gathered.proofs.keys().cloned().collect();
    for kept in more {
        if let Err(flaw) = gathered.kept_elsewhere(kept.seal.as_ref()) {
            let broken = Break { file: kept.file.clone(), line: kept.line, flaw };
            return Ok(Checked { journals: Vec::new(), broken: Some(broken) });
        }
    }
    let Gathered { proofs, tombstones, .. } = gathered;
    let mut following = Following { anchor, proofs, in_file, tombstones, leave, walks: BTreeMap::new(), whose: None };
    let broken = each(path, |place, record| following.take(place, &record))?;
    let broken = broken.or_else(|| following.missing(path));
    Ok(Checked { journals: following.journals(), broken })
}

/// Reads a file of seals, as `aurora audit heads` prints them.
///
/// # Errors
/// [`AuditError`] when it cannot be read.
pub fn read_heads(path: &Path) -> Result<Vec<KeptSeal>, AuditError> {
    let mut found = Vec::new();
    each(path, |place, record| {
        let seal = match record {
            Record::Seal(line) => seal_text::parse(line),
            Record::Journal(_) | Record::Tombstone(_) | Record::Line(_) => None,
        };
        found.push(KeptSeal { file: place.file.clone(), line: place.line, seal });
        Ok(())
    })?;
    Ok(found)
}

/// Tells each record until one is wrong.
fn each(
    path: &Path,
    mut tell: impl FnMut(&Place, Record<'_>) -> Result<(), Break>,
) -> Result<Option<Break>, AuditError> {
    let file = File::open(path).map_err(AuditError::io(path))?;
    let mut lines = Lines::over(Box::new(BufReader::with_capacity(1 << 18, file)));
    let mut place = Place { file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), line: 0 };
    loop {
        place.line = place.line.saturating_add(1);
        let told = match lines.next().map_err(AuditError::io(path))? {
            Next::End => return Ok(None),
            Next::Cut => Err(place.broken(Flaw::Cut)),
            Next::TooLong => Err(place.broken(Flaw::NotALine)),
            Next::Line(line) => tell(&place, record(line)),
        };
        if let Err(broken) = told {
            return Ok(Some(broken));
        }
    }
}

fn record(line: &[u8]) -> Record<'_> {
    if line.starts_with(b"{\"journal\":") {
        let read = serde_json::from_slice::<Beginning>(line).ok();
        return Record::Journal(
            read.and_then(|read| Some((NodeName::parse(&read.journal.node).ok()?, read.journal.chain))),
        );
    }
    if seal_text::is_meant(line) {
        return Record::Seal(line);
    }
    let tombstone = line.strip_prefix(b"{\"tombstone\":").and_then(|rest| rest.strip_suffix(b"}"));
    tombstone.map_or(Record::Line(line), Record::Tombstone)
}

/// The first reading: everything that proves something.
struct Gathered<'a> {
    anchor: &'a Anchor,
    proofs: BTreeMap<Whose, Proof>,
    tombstones: BTreeMap<Whose, Vec<Vec<u8>>>,
    whose: Option<Whose>,
}

impl Gathered<'_> {
    fn take(&mut self, place: &Place, record: &Record<'_>) -> Result<(), Break> {
        match record {
            Record::Journal(whose) => {
                let whose = whose.clone().ok_or_else(|| place.broken(Flaw::NotALine))?;
                self.proofs.entry(whose.clone()).or_insert_with(Proof::none);
                self.whose = Some(whose);
            }
            Record::Seal(line) => {
                self.seal(seal_text::parse(line).as_ref()).map_err(|flaw| place.broken(flaw))?;
            }
            Record::Tombstone(text) => {
                let whose = self.whose.clone().ok_or_else(|| place.broken(Flaw::FalseTombstone))?;
                self.tombstones.entry(whose).or_default().push(text.to_vec());
            }
            Record::Line(_) => {}
        }
        if self.proofs.len() > JOURNALS_MAX || self.tombstones.len() > JOURNALS_MAX {
            return Err(place.broken(Flaw::NotALine));
        }
        Ok(())
    }

    /// A seal is of the journal it stands in; outside of one, of the one it names.
    fn seal(&mut self, seal: Option<&Seal>) -> Result<(), Flaw> {
        let seal = seal.ok_or(Flaw::FalseSeal { why: "cannot be read as one" })?;
        let named = || (seal.head.statement.node.clone(), None);
        let whose = self.whose.clone().unwrap_or_else(named);
        self.add(whose, seal)
    }

    /// A seal that was kept elsewhere names a node, and none of its chains: it is of the first one that was sealed until
    /// then or later, else of the last.
    fn kept_elsewhere(&mut self, seal: Option<&Seal>) -> Result<(), Flaw> {
        let seal = seal.ok_or(Flaw::FalseSeal { why: "cannot be read as one" })?;
        let node = &seal.head.statement.node;
        let mut last = None;
        for (whose, proof) in self.proofs.iter().filter(|(whose, _)| whose.0 == *node) {
            last = Some(whose.clone());
            if proof.newest().is_some_and(|(_, sealed_at)| seal.sealed_at <= sealed_at) {
                break;
            }
        }
        self.add(last.unwrap_or_else(|| (node.clone(), None)), seal)
    }

    fn add(&mut self, whose: Whose, seal: &Seal) -> Result<(), Flaw> {
        let proof = self.proofs.entry(whose.clone()).or_insert_with(Proof::none);
        proof.add(seal.clone(), &whose.0, self.anchor)
    }
}

/// The second reading: the lines.
struct Following<'a> {
    anchor: &'a Anchor,
    proofs: BTreeMap<Whose, Proof>,
    in_file: BTreeSet<Whose>,
    tombstones: BTreeMap<Whose, Vec<Vec<u8>>>,
    leave: Leave,
    walks: BTreeMap<Whose, (Walk, u64)>,
    whose: Option<Whose>,
}

impl Following<'_> {
    fn take(&mut self, place: &Place, record: &Record<'_>) -> Result<(), Break> {
        let line = match record {
            Record::Journal(whose) => {
                self.whose.clone_from(whose);
                return Ok(());
            }
            Record::Seal(_) | Record::Tombstone(_) => return Ok(()),
            Record::Line(line) => line,
        };
        let whose = match &self.whose {
            Some(whose) => whose.clone(),
            None => (parse_node(line).ok_or_else(|| place.broken(Flaw::NotALine))?, None),
        };
        if !self.walks.contains_key(&whose) {
            if self.walks.len() >= JOURNALS_MAX {
                return Err(place.broken(Flaw::NotALine));
            }
            let begin = self.begin(&whose, line);
            self.proofs.entry(whose.clone()).or_insert_with(Proof::none).of(whose.0.clone());
            self.walks.insert(whose.clone(), (Walk::behind(begin), 0));
        }
        let (Some((walk, lines)), Some(proof)) = (self.walks.get_mut(&whose), self.proofs.get_mut(&whose)) else {
            return Err(place.broken(Flaw::NotALine));
        };
        walk.step(place, line, proof)?;
        *lines = lines.saturating_add(1);
        let is_proved = proof.newest().is_some_and(|(sealed, _)| walk.head.seq <= sealed);
        if is_proved || self.leave.unsealed { Ok(()) } else { Err(place.broken(Flaw::Unsealed)) }
    }

    /// Where a journal begins: before its first line, or where tombstones say, or anywhere if that may be.
    fn begin(&self, whose: &Whose, line: &[u8]) -> Head {
        let Some(before) = super::line::parse_before(line).filter(|before| before.seq > 0) else {
            return Head::GENESIS;
        };
        if self.leave.partial {
            return before;
        }
        let proof = self.proofs.get(whose);
        let mesh = self.anchor.mesh.or_else(|| proof.and_then(Proof::mesh));
        let Some(mesh) = mesh else { return Head::GENESIS };
        let keys = [Some(self.anchor.authority), proof.and_then(Proof::key)].into_iter().flatten().collect();
        let trust = Trust { mesh, node: whose.0.clone(), keys };
        let mut reached = Head::GENESIS;
        for text in self.tombstones.get(whose).into_iter().flatten() {
            match Tombstone::believed(text, &trust) {
                Some(tombstone) if tombstone.before == reached => reached = tombstone.last,
                Some(_) | None => return Head::GENESIS,
            }
        }
        reached
    }

    /// What is missing at the ends, and journals that are sealed and not there at all.
    fn missing(&self, path: &Path) -> Option<Break> {
        let nothing = || Place { file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), line: 0 };
        if self.walks.is_empty() {
            return Some(nothing().broken(Flaw::Unsealed));
        }
        self.proofs.iter().find_map(|(whose, proof)| match self.walks.get(whose) {
            Some((walk, _)) => walk.sealed_beyond(proof),
            // Of a node that the file says nothing of, nothing is claimed either.
            None if !self.in_file.contains(whose) => None,
            None => proof.missing(&Head::GENESIS).map(|flaw| nothing().broken(flaw)),
        })
    }

    fn journals(&self) -> Vec<CheckedJournal> {
        let journal = |(whose, (_, lines)): (&Whose, &(Walk, u64))| CheckedJournal {
            node: whose.0.clone(),
            chain: whose.1,
            lines: *lines,
            sealed: self.proofs.get(whose).and_then(Proof::newest),
        };
        self.walks.iter().map(journal).collect()
    }
}
