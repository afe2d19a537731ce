//! `aurora snapshot restore FILE`: the lead of a stopped node goes back to a snapshot, in a new reign.
//!
//! The new store is built beside the present one, opened to the last secret, and takes its place by one rename. Killed before
//! that, nothing has changed; killed after it, all of it has; the same command again does the rest. The present store is kept.
//!
//! Followers take it for what it is: a lead of a higher epoch. Nothing they hold is newer than what they are sent, and nobody
//! who was shut out is let in again (`replication/reign.rs`, `replication/reign_members.rs`).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::brought::Brought;
use super::config_file;
use super::reign_blobs::carried;
use super::reign_report::{Report, Vouched};
use super::reign_store::{Lock, Plan, Taken, build};
use super::reigning::state;
use super::replacing::{aside, beside, forget_attempts, hold, put};
use super::restore_check::{check, open_present, vouched_by};
use super::restore_standing::{Decided, Standing, decide};
use super::restored::{self, Kind};
use super::seams::Seams;
use super::taken::{self, Opened, Opener};
use super::{STORE_FILE, assemble_lead, unseal};
use crate::config::node_config::NodeConfig;
use crate::model::identity::{MeshId, StoreId};
use crate::model::name::NodeName;
use crate::model::number::Epoch;
use crate::model::reign::Reign;
use crate::replication::reign::Reckoning;
use crate::replication::reign_members::Trust;
use crate::snapshot::header::Header;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::error::StoreError;
use crate::store::handle::Store;

/// The name of what is kept says why.
const WHY: &str = "restore";

/// The configuration of the node that is restored.
#[derive(Clone)]
pub enum Configured {
    /// It is there: the snapshot must be of this node.
    File(Box<NodeConfig>),
    /// It is lost: name and environment come from the snapshot, the rest is this, and it is written where it belongs.
    Lost(Box<NodeConfig>, PathBuf),
}

impl Configured {
    pub(super) fn config(&self) -> &NodeConfig {
        match self {
            Self::File(config) | Self::Lost(config, _) => config,
        }
    }
}

/// How a lead is restored.
pub struct RestoreOptions<'person> {
    /// The snapshot.
    pub file: PathBuf,
    /// The node.
    pub configured: Configured,
    /// What opens the snapshot.
    pub opener: Opener<'person>,
    /// What the node's unseal source needs, if the snapshot opens with a recovery key: the node gets a new wrap of its root key.
    pub brought: Option<Brought<'person>>,
    /// The pin of the mesh's authority or the fingerprint of that, if somebody says which it is.
    pub authority: Option<String>,
    /// The highest epoch that somebody has seen elsewhere.
    pub epoch: Option<Epoch>,
    /// Whether members and keys of the snapshot are trusted where the present store is lost.
    pub trust: Trust,
    /// Who does it, for the journal.
    pub by: String,
}

/// What came of it.
pub enum Outcome {
    /// It is done; the old store, if there was one, is kept there.
    Done(Report, Option<PathBuf>),
    /// Nobody said yes, and nothing was done.
    Left(Report),
    /// It was done before, and what an interruption had left undone is done too.
    Complete,
}

/// Asks whether it shall be done.
pub type Confirm<'person> = &'person (dyn Fn(&Report) -> Result<bool> + Send + Sync);

/// Restores the lead of a stopped node.
///
/// # Errors
/// When the node runs, the snapshot is of another node or does not open, or the disk refuses; each with what to do. The present
/// store is what it was then.
pub async fn restore(options: &RestoreOptions<'_>, confirm: Confirm<'_>, seams: &Seams) -> Result<Outcome> {
    crate::transport::provider::install();
    let state_dir = options.configured.config().node.state_dir.clone();
    unseal::private_dir(&state_dir)?;
    let _held = hold(&state_dir)?;
    let store_file = state_dir.join(STORE_FILE);
    forget_attempts(&store_file, WHY)?;
    let present = find(&store_file).await?;
    let restored = restore_over(options, &store_file, present.whole(), confirm, seams).await;
    // Until here nobody could start the node.
    present.close().await?;
    restored
}

/// The store that is there.
enum Found {
    Whole(Store, Box<Contents>),
    Missing,
    Damaged,
}

impl Found {
    fn whole(&self) -> Option<&Contents> {
        match self {
            Self::Whole(_, contents) => Some(contents),
            Self::Missing | Self::Damaged => None,
        }
    }

    async fn close(self) -> Result<()> {
        match self {
            Self::Whole(store, _) => Ok(store.close().await?),
            Self::Missing | Self::Damaged => Ok(()),
        }
    }
}

/// Opens it, which nobody else can then. Only a store that is not there or is damaged counts as lost: what the disk refuses to
/// read may still be there.
async fn find(store_file: &Path) -> Result<Found> {
    match Store::open(store_file).await {
        Ok((store, contents)) => Ok(Found::Whole(store, Box::new(contents))),
        Err(StoreError::Missing { .. }) => Ok(Found::Missing),
        Err(error @ StoreError::Corrupt { .. }) => {
            tracing::warn!(%error, "the present store cannot be read; the restore does without it");
            Ok(Found::Damaged)
        }
        Err(error @ StoreError::InUse) => Err(error).context("stop the node first"),
        Err(error) => Err(error).with_context(|| format!("the present store {} cannot be read", store_file.display())),
    }
}

async fn restore_over(
    options: &RestoreOptions<'_>,
    store_file: &Path,
    present: Option<&Contents>,
    confirm: Confirm<'_>,
    seams: &Seams,
) -> Result<Outcome> {
    let scratch = beside(store_file, ".snapshot");
    let Opened { taken, header, key } = taken::open(&options.file, options.opener, &scratch, seams).await?;
    let lock = match key {
        Some(key) => Ok((taken::same_lock(key, &header.root_key), None)),
        None => {
            unseal::create(&options.configured.config().unseal, options.brought, &*seams.entropy).and_then(|made| {
                let lock = taken::new_lock(&made, &header.mesh, &taken.root, seams)?;
                Ok((lock, Some(made)))
            })
        }
    };
    let outcome = match lock {
        Ok((lock, made)) => {
            let ready = || made.as_ref().map_or(Ok(()), |made| made.show());
            replace(options, (&taken, &header, present), (&lock, &ready), store_file, confirm, seams).await
        }
        Err(error) => Err(error),
    };
    taken.close(&scratch).await?;
    outcome
}

async fn replace(
    options: &RestoreOptions<'_>,
    (taken, header, present): (&Taken, &Header, Option<&Contents>),
    (lock, ready): (&Lock, &(dyn Fn() -> Result<()> + Send + Sync)),
    store_file: &Path,
    confirm: Confirm<'_>,
    seams: &Seams,
) -> Result<Outcome> {
    let config = check(&options.configured, taken, present)?;
    let opened = present.and_then(|contents| open_present(contents, options, lock));
    if let Some(keystore) = &opened
        && assemble_lead::authority(keystore)?.pin() != header.authority_pin()
    {
        bail!("the store in {} is of a mesh with another authority than the snapshot", config.node.state_dir.display());
    }
    let standing = Standing::of(present, &taken.contents)?;
    let Decided { reckoning, members } =
        decide(taken, standing, (options.epoch, options.trust), seams.clock.now().wall)?;
    let authority = Vouched {
        mesh: header.mesh,
        authority: header.authority_pin(),
        by: vouched_by(options, header, present, &opened)?,
    };
    let report = Report::new(&taken.from, authority, &taken.contents, standing.knowledge(), (&reckoning, &members));
    if !confirm(&report)? {
        return Ok(Outcome::Left(report));
    }
    let of_present = standing.present(opened.as_ref());
    let vouched = options.trust == Trust::Members;
    let reign = reign(taken, &reckoning, seams)?;
    let earlier = present.and_then(|contents| restored::unwritten(contents.blobs.get(&BlobName::Restored)));
    let detail = format!(
        "by {} from {}: epoch {} to {}, revision {}, store {}{}",
        options.by,
        taken.from,
        header.position.epoch,
        reign.epoch,
        reckoning.position.revision,
        reign.store,
        earlier.map(|earlier| format!("; before that, and never started: {earlier}")).unwrap_or_default()
    );
    let plan = Plan {
        facts: taken.contents.facts.clone(),
        blobs: carried(&taken.contents, &taken.root, of_present.as_ref(), vouched, seams)?,
        known: present.map(|contents| contents.records.clone()).unwrap_or_default(),
        note: restored::note(Kind::Restore, &detail),
        succession: state(reign, &taken.authority()?)?,
        versions_kept: match &options.configured {
            Configured::File(config) => config.limits.versions_kept,
            // Nobody knows how many were to be kept: none goes now.
            Configured::Lost(..) => usize::MAX,
        },
        reckoning,
        members,
    };
    let building = beside(store_file, ".restoring");
    build(&building, taken, plan, lock, seams).await?;
    ready()?;
    let kept = aside(store_file, WHY, seams.clock.now().wall);
    put(&building, store_file, &kept)?;
    if let Configured::Lost(_, file) = &options.configured {
        config_file::write(file, &config)?;
    }
    Ok(Outcome::Done(report, kept.exists().then_some(kept)))
}

fn reign(taken: &Taken, reckoning: &Reckoning, seams: &Seams) -> Result<Reign> {
    let facts = &taken.contents.facts;
    new_reign(facts.mesh, facts.node.clone(), reckoning.position.epoch, seams)
}

/// A reign of a store that has not lived before.
pub(super) fn new_reign(mesh: MeshId, lead: NodeName, epoch: Epoch, seams: &Seams) -> Result<Reign> {
    let mut id = [0_u8; 16];
    seams.entropy.fill(&mut id)?;
    Ok(Reign { mesh, store: StoreId(id), epoch, lead, begins_at: seams.clock.now().wall })
}
