//! What the store of a lead that is restored knows of what came after the snapshot, and what follows from that: with which
//! numbers the new reign begins, and who is a member of it. Nothing is read or written here.

use anyhow::{Context, Result};

use super::keystore::Keystore;
use super::reign_blobs::Present;
use super::reign_report::Knowledge;
use super::reign_store::{Taken, membership, numbers};
use super::reigning::{first_numbers, succession_of};
use crate::model::number::Epoch;
use crate::model::roster::RosterEntry;
use crate::model::time::Timestamp;
use crate::replication::reign::{Reckoning, Since, reckon};
use crate::replication::reign_members::{Changed, Membership, Trust, as_they_stand};
use crate::store::contents::Contents;

/// What the present store knows.
#[derive(Clone, Copy)]
pub(super) enum Standing<'deed> {
    /// There is none, or none that can be read.
    Lost,
    /// Less than the snapshot: it was put back from a copy of the disk.
    Older(&'deed Contents),
    /// What there was until another lead took over.
    Ended(&'deed Contents),
    /// Everything.
    Current(&'deed Contents),
}

impl<'deed> Standing<'deed> {
    /// Compares.
    pub(super) fn of(present: Option<&'deed Contents>, snapshot: &Contents) -> Result<Self> {
        let Some(present) = present else { return Ok(Self::Lost) };
        if present.position < snapshot.position {
            return Ok(Self::Older(present));
        }
        Ok(if ended_in(present)?.is_some() { Self::Ended(present) } else { Self::Current(present) })
    }

    /// What is told of it.
    pub(super) fn knowledge(self) -> Option<(&'deed Contents, Knowledge)> {
        match self {
            Self::Lost => None,
            Self::Older(present) | Self::Ended(present) => Some((present, Knowledge::Part)),
            Self::Current(present) => Some((present, Knowledge::Whole)),
        }
    }

    /// What comes along from it: nothing that the snapshot has a later state of.
    pub(super) fn present(self, keystore: Option<&'deed Keystore>) -> Option<Present<'deed>> {
        match self {
            Self::Lost | Self::Older(_) => None,
            Self::Ended(contents) => Some(Present { contents, is_current: false, keystore }),
            Self::Current(contents) => Some(Present { contents, is_current: true, keystore }),
        }
    }

    fn since(self) -> Result<Since> {
        let given_out = |contents| Ok::<_, anyhow::Error>(numbers(contents, first_numbers(contents)?));
        Ok(match self {
            Self::Lost => Since::Unknown,
            Self::Older(contents) | Self::Ended(contents) => Since::Heard(given_out(contents)?),
            Self::Current(contents) => Since::Known(given_out(contents)?),
        })
    }

    fn changed(self) -> Changed {
        match self {
            Self::Lost | Self::Older(_) => Changed::Heard(None),
            Self::Ended(contents) => Changed::Outdated(membership(contents)),
            Self::Current(contents) => Changed::Known(membership(contents)),
        }
    }
}

/// What is reckoned before anything is built.
pub(super) struct Decided {
    pub(super) reckoning: Reckoning,
    pub(super) members: Membership,
}

/// Decides. `seen` is the highest epoch that somebody has seen elsewhere.
///
/// # Errors
/// When a store is damaged, or has come to its last number.
pub(super) fn decide(
    taken: &Taken,
    standing: Standing<'_>,
    (seen, trust): (Option<Epoch>, Trust),
    now: Timestamp,
) -> Result<Decided> {
    let met = standing.knowledge().map(|(present, _)| ended_in(present)).transpose()?.flatten();
    let snapshot = numbers(&taken.contents, first_numbers(&taken.contents)?);
    let reckoning = reckon(&snapshot, &standing.since()?, seen.max(met))?;
    let revision = reckoning.position.revision;
    let mut members = as_they_stand(membership(&taken.contents), standing.changed(), trust, revision, now);
    // The lead goes on with the keys of the snapshot.
    let node = &taken.contents.facts.node;
    let own = taken.contents.roster.iter().find(|entry| entry.name == *node);
    let own = own.context("the snapshot does not know its own node")?.clone();
    members.roster.retain(|entry| entry.name != *node);
    members.roster.push(RosterEntry { changed_at: revision, ..own });
    Ok(Decided { reckoning, members })
}

/// The epoch of the lead that took over from the one whose store this is, if one did.
fn ended_in(contents: &Contents) -> Result<Option<Epoch>> {
    let told = succession_of(contents)?.map(|told| told.reign.epoch);
    Ok(told.filter(|epoch| *epoch > contents.position.epoch))
}
