//! What a restore or a promotion will change, for the person who must say yes to it. Pure: names and numbers, never a value.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::identity::{KeyPin, MeshId};
use crate::model::number::Position;
use crate::model::record::{Record, RecordState};
use crate::model::roster::{RosterEntry, Standing};
use crate::model::secret::ScopedSecret;
use crate::replication::reign::Reckoning;
use crate::replication::reign_members::Membership;
use crate::store::contents::Contents;

/// Most names in one list: who needs more of them asks the journal.
const NAMES_MAX: usize = 50;

/// How much is known of what came after the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knowledge {
    /// All of it.
    Whole,
    /// What one follower was told.
    Part,
    /// Nothing.
    None,
}

/// Whose a snapshot is. Who has its recovery key's public half can make one of an authority of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// The mesh.
    pub mesh: MeshId,
    /// Its authority, which will say who is a node of it.
    pub authority: KeyPin,
    /// Why it is believed to be the mesh's; nothing says so where nothing is left to say it.
    pub by: Option<&'static str>,
}

/// What will change.
#[derive(Debug, Clone)]
pub struct Report {
    /// The file.
    pub from: String,
    /// Whose it is.
    pub vouched: Vouched,
    /// Where the snapshot stands.
    pub then: Position,
    /// Where the present store stands, if there is one.
    pub now: Option<Position>,
    /// Where the new one will stand.
    pub will: Position,
    /// How much is known of what came in between.
    pub knowledge: Knowledge,
    /// Secrets with a value that the snapshot holds.
    pub secrets: usize,
    /// Secrets whose value is older in the snapshot.
    pub set_back: Vec<ScopedSecret>,
    /// Secrets that the snapshot does not hold.
    pub lost: Vec<ScopedSecret>,
    /// Secrets that were deleted or destroyed since, and come back.
    pub back: Vec<ScopedSecret>,
    /// Nodes that will have to be approved.
    pub pending: usize,
}

impl Report {
    /// Compares.
    #[must_use]
    pub fn new(
        from: &str,
        vouched: Vouched,
        then: &Contents,
        now: Option<(&Contents, Knowledge)>,
        (reckoning, members): (&Reckoning, &Membership),
    ) -> Self {
        let was: BTreeMap<&ScopedSecret, &Record> = then.records.iter().map(|record| (&record.at, record)).collect();
        let is_live = |record: &Record| record.state() == RecordState::Live;
        let records = || now.map(|(contents, _)| contents.records.iter()).into_iter().flatten();
        let of = |chosen: &dyn Fn(&Record, Option<&Record>) -> bool| {
            let chosen = |record: &&Record| chosen(record, was.get(&record.at).copied());
            records().filter(chosen).map(|record| record.at.clone()).collect::<Vec<_>>()
        };
        let pending = |entry: &&RosterEntry| entry.standing == Standing::Pending;
        Self {
            from: from.to_owned(),
            vouched,
            then: then.position,
            now: now.map(|(contents, _)| contents.position),
            will: reckoning.position,
            knowledge: now.map_or(Knowledge::None, |(_, knowledge)| knowledge),
            secrets: then.records.iter().filter(|record| is_live(record)).count(),
            set_back: of(&|now, was| is_live(now) && was.is_some_and(|was| was.version < now.version)),
            lost: of(&|now, was| is_live(now) && was.is_none()),
            back: of(&|now, was| !is_live(now) && was.is_some_and(is_live)),
            pending: members.roster.iter().filter(pending).count(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |at: Position| format!("revision {} of epoch {}", at.revision, at.epoch);
        writeln!(formatter, "snapshot       {}, {}", self.from, place(self.then))?;
        let Vouched { mesh, authority, by } = self.vouched;
        writeln!(formatter, "mesh           {mesh}")?;
        writeln!(formatter, "mesh CA        {} ({authority})", authority.fingerprint())?;
        match by {
            Some(by) => writeln!(formatter, "               ({by})")?,
            None => writeln!(formatter, "               nothing here knows it: compare it with the one of your mesh")?,
        }
        match self.now {
            Some(now) => writeln!(formatter, "present store  {}", place(now))?,
            None => writeln!(formatter, "present store  none that can be read")?,
        }
        writeln!(formatter, "will be        {}, with {} secrets", place(self.will), self.secrets)?;
        list(formatter, "Secrets that go back to an older value", &self.set_back)?;
        list(formatter, "Secrets that are not in the snapshot and will be gone", &self.lost)?;
        list(formatter, "Secrets that were deleted or destroyed since and come back", &self.back)?;
        match self.knowledge {
            Knowledge::Whole => {
                writeln!(formatter, "Nodes, tokens, policy, agents, API keys and freezes stay as they are now.")?
            }
            Knowledge::Part | Knowledge::None => {
                writeln!(
                    formatter,
                    "Who was banned and what was revoked since is not wholly known here: join tokens are gone."
                )?;
            }
        }
        if self.pending > 0 {
            writeln!(formatter, "Nodes that wait to be approved then (aurora nodes approve): {}", self.pending)?;
        }
        Ok(())
    }
}

fn list(formatter: &mut fmt::Formatter<'_>, what: &str, names: &[ScopedSecret]) -> fmt::Result {
    if names.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "{what} ({}):", names.len())?;
    names.iter().take(NAMES_MAX).try_for_each(|at| writeln!(formatter, "  {at}"))?;
    match names.len().saturating_sub(NAMES_MAX) {
        0 => Ok(()),
        more => writeln!(formatter, "  and {more} more"),
    }
}
