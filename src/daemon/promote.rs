//! `aurora promote --snapshot FILE`: a stopped follower becomes the lead of its mesh, in a new reign.
//!
//! The snapshot gives the secrets and the keys of the mesh; this node gives its own name and key, and what it was told since.
//! What others were told it cannot know, so numbers go on far above, and nobody is trusted whom nobody vouches for. The lead
//! that was is banned: should it come back, followers show it by whom its reign was ended.
//!
//! The store is replaced first, `node.toml` after it. Killed in between, the same command again writes `node.toml`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::keystore::Keystore;
use super::reign_blobs::carried;
use super::reign_report::{Knowledge, Report, Vouched};
use super::reign_store::{Lock, Plan, Taken, build, membership, numbers};
use super::reigning::{first_numbers, state, succession_of};
use super::replacing::{self, aside, beside, forget_attempts, hold, put};
use super::restore::{Confirm, Outcome, new_reign};
use super::restore_standing::Decided;
use super::restored::{self, Kind};
use super::seams::Seams;
use super::taken::{self, Opened, Opener, Secret};
use super::{STORE_FILE, config_file, durable};
use crate::config::node_config::NodeConfig;
use crate::crypto::sealing::SealingKey;
use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::glob::SecretGlob;
use crate::model::identity::Role;
use crate::model::number::{Epoch, FirstNumbers, Revision};
use crate::model::roster::{RosterEntry, Standing};
use crate::model::time::Timestamp;
use crate::replication::reign::{Since, reckon};
use crate::replication::reign_members::{Changed, Hearsay, Trust, as_they_stand};
use crate::snapshot::header::{Header, WrappedRoot};
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::error::StoreError;
use crate::store::facts::Facts;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;
use crate::transport::certificate;
use crate::transport::node_key::NodeKey;

/// The name of what is kept says why.
const WHY: &str = "promotion";

/// How a follower is promoted.
pub struct PromoteOptions<'person> {
    /// The snapshot.
    pub file: PathBuf,
    /// The node, as its `node.toml` describes it.
    pub config: NodeConfig,
    /// Where that is.
    pub config_file: PathBuf,
    /// What opens the snapshot.
    pub opener: Opener<'person>,
    /// What this node's own unseal source needs.
    pub own: Secret<'person>,
    /// Where the lead is to listen, if not where `node.toml` says.
    pub listen: Option<SocketAddr>,
    /// `HOST:PORT` under which others reach it, for join tokens.
    pub advertise: Vec<String>,
    /// The highest epoch that somebody has seen elsewhere.
    pub epoch: Option<Epoch>,
    /// Whether members and keys of the snapshot are trusted.
    pub trust: Trust,
    /// Who does it, for the journal.
    pub by: String,
}

/// Makes a stopped follower the lead.
///
/// # Errors
/// When the node runs, is no follower, was banned, or is of another mesh; when the snapshot does not open; when the disk
/// refuses. The node is what it was then.
pub async fn promote(options: &PromoteOptions<'_>, confirm: Confirm<'_>, seams: &Seams) -> Result<Outcome> {
    crate::transport::provider::install();
    let config = as_lead(options)?;
    let state_dir = &config.node.state_dir;
    let _held = hold(state_dir)?;
    let store_file = state_dir.join(STORE_FILE);
    forget_attempts(&store_file, WHY)?;
    let (store, cache) = match Store::open(&store_file).await {
        Ok(opened) => opened,
        Err(error @ StoreError::InUse) => return Err(error).context("stop the node first"),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be opened", store_file.display())),
    };
    let promoted = promote_over(options, &config, (&store_file, &cache), confirm, seams).await;
    store.close().await?;
    promoted
}

/// What `node.toml` will say.
fn as_lead(options: &PromoteOptions<'_>) -> Result<NodeConfig> {
    let mut config = options.config.clone();
    config.node.role = Role::Lead;
    config.mesh.leads.clone_from(&options.advertise);
    if let Some(listen) = options.listen {
        config.mesh.listen = listen;
    }
    config_file::check(&config)?;
    Ok(config)
}

async fn promote_over(
    options: &PromoteOptions<'_>,
    config: &NodeConfig,
    (store_file, cache): (&Path, &Contents),
    confirm: Confirm<'_>,
    seams: &Seams,
) -> Result<Outcome> {
    let facts = &cache.facts;
    if facts.node != config.node.name {
        bail!(
            "the store in {} belongs to {}, not to {}",
            config.node.state_dir.display(),
            facts.node,
            config.node.name
        );
    }
    if facts.role == Role::Lead {
        let promoted = restored::is_of(Kind::Promotion, cache.blobs.get(&BlobName::Restored));
        ensure!(promoted && options.config.node.role == Role::Follower, "this node is a lead already");
        describe(options, config)?;
        replacing::remove(&beside(store_file, ".snapshot"))?;
        return Ok(Outcome::Complete);
    }
    let own =
        cache.roster.iter().find(|entry| entry.name == facts.node).context("the store does not know its own node")?;
    ensure!(own.is_member(), "this node was banned by its lead and cannot lead");
    let keystore = open_own(options, cache)?;
    let scratch = beside(store_file, ".snapshot");
    let Opened { taken, header, .. } = taken::open(&options.file, options.opener, &scratch, seams).await?;
    let from = Promotion { options, cache, keystore: &keystore, own, taken: &taken, header: &header };
    let outcome = replace(&from, config, store_file, confirm, seams).await;
    taken.close(&scratch).await?;
    outcome
}

/// Everything that a promotion is made of.
struct Promotion<'deed> {
    options: &'deed PromoteOptions<'deed>,
    cache: &'deed Contents,
    keystore: &'deed Keystore,
    own: &'deed RosterEntry,
    taken: &'deed Taken,
    header: &'deed Header,
}

fn open_own(options: &PromoteOptions<'_>, cache: &Contents) -> Result<Keystore> {
    let blob = |name| cache.blobs.get(&name).cloned();
    let wrapped = WrappedRoot {
        wrapped: blob(BlobName::RootKey).context("the store holds no root key")?,
        passphrase: blob(BlobName::PassphraseParameters),
        shares: blob(BlobName::ShareParameters),
    };
    let key = taken::unseal_key(&options.config.unseal, options.own, &wrapped).context("this node does not open")?;
    Keystore::open(Arc::new(key), cache.facts.mesh, cache.blobs.clone())
}

async fn replace(
    from: &Promotion<'_>,
    config: &NodeConfig,
    store_file: &Path,
    confirm: Confirm<'_>,
    seams: &Seams,
) -> Result<Outcome> {
    let Promotion { options, cache, taken, header, .. } = *from;
    check(from)?;
    let now = seams.clock.now().wall;
    let Decided { reckoning, members } = decide(from, now)?;
    let by = Some("the one this node joined");
    let vouched = Vouched { mesh: header.mesh, authority: header.authority_pin(), by };
    let known = Some((cache, Knowledge::Part));
    let report = Report::new(&taken.from, vouched, &taken.contents, known, (&reckoning, &members));
    if !confirm(&report)? {
        return Ok(Outcome::Left(report));
    }
    let reign = new_reign(cache.facts.mesh, cache.facts.node.clone(), reckoning.position.epoch, seams)?;
    let detail = format!(
        "by {} from {}: {} leads in place of {}, epoch {} to {}, revision {}, store {}",
        options.by,
        taken.from,
        reign.lead,
        header.node,
        header.position.epoch,
        reign.epoch,
        reckoning.position.revision,
        reign.store
    );
    let plan = Plan {
        facts: Facts { role: Role::Lead, ..cache.facts.clone() },
        blobs: blobs(from, seams)?,
        known: cache.records.clone(),
        note: restored::note(Kind::Promotion, &detail),
        succession: state(reign, &taken.authority()?)?,
        versions_kept: config.limits.versions_kept,
        reckoning,
        members,
    };
    let building = beside(store_file, ".promoting");
    build(&building, taken, plan, &lock(from, seams)?, seams).await?;
    let kept = aside(store_file, WHY, now);
    put(&building, store_file, &kept)?;
    describe(options, config)?;
    Ok(Outcome::Done(report, Some(kept)))
}

/// Refuses a snapshot of another mesh, or one that knows this node as thrown out.
fn check(from: &Promotion<'_>) -> Result<()> {
    let Promotion { cache, keystore, header, taken, .. } = *from;
    ensure!(
        header.mesh == cache.facts.mesh,
        "the snapshot is of mesh {}, this node of {}",
        header.mesh,
        cache.facts.mesh
    );
    ensure!(header.node != cache.facts.node, "the snapshot is of this node itself: use `aurora snapshot restore`");
    let pinned = certificate::pin(keystore.get(BlobName::AuthorityCertificate)?.expose());
    ensure!(
        pinned == Some(header.authority_pin()),
        "the snapshot is of another authority than the one this node joined"
    );
    let known = taken.contents.roster.iter().find(|entry| entry.name == cache.facts.node);
    let banned = known.is_some_and(|entry| matches!(entry.standing, Standing::Banned { .. }));
    ensure!(!banned, "the snapshot says that {} was banned", cache.facts.node);
    Ok(())
}

fn decide(from: &Promotion<'_>, now: Timestamp) -> Result<Decided> {
    let Promotion { options, cache, taken, own, .. } = *from;
    let snapshot = numbers(&taken.contents, first_numbers(&taken.contents)?);
    // A follower may have met a reign of which it holds nothing yet.
    let met = succession_of(cache)?.map(|told| told.reign.epoch);
    let since = Since::Heard(numbers(cache, FirstNumbers::default()));
    let reckoning = reckon(&snapshot, &since, options.epoch.max(met))?;
    let told = cache.rules_position.is_some_and(|told| told >= taken.contents.position);
    let hearsay = told.then(|| Hearsay {
        node: own.name.clone(),
        entitled: own.entitlement.clone(),
        articles: cache.articles.clone(),
    });
    let revision = reckoning.position.revision;
    let mut members = as_they_stand(membership(&taken.contents), Changed::Heard(hearsay), options.trust, revision, now);
    members.roster.retain(|entry| entry.name != own.name);
    let successor = own.name.as_str();
    members.roster.iter_mut().filter(|entry| entry.role == Role::Lead).for_each(|lead| dethrone(lead, successor, now));
    members.roster.push(enthroned(from, revision, now));
    Ok(Decided { reckoning, members })
}

/// The lead that was. As a follower that was banned it can be removed, and then join again under its name.
fn dethrone(lead: &mut RosterEntry, successor: &str, now: Timestamp) {
    let environment = lead.entitlement.environment.clone();
    let nothing = Entitlement { environment, companies: Companies::default(), globs: Vec::new() };
    let before = std::mem::replace(&mut lead.entitlement, nothing);
    lead.history = lead.history.clone().followed(before, now);
    lead.role = Role::Follower;
    lead.standing = Standing::Banned { at: now, reason: format!("{successor} was promoted in its place") };
}

fn enthroned(from: &Promotion<'_>, changed_at: Revision, now: Timestamp) -> RosterEntry {
    let own = from.own;
    RosterEntry {
        role: Role::Lead,
        entitlement: Entitlement {
            environment: own.entitlement.environment.clone(),
            companies: Companies::All,
            globs: vec![SecretGlob::everything()],
        },
        history: EntitlementHistory::beginning(now),
        standing: Standing::Active,
        changed_at,
        ..own.clone()
    }
}

/// What comes along from the snapshot, with this node's own keys in place of those of the lead that was.
fn blobs(from: &Promotion<'_>, seams: &Seams) -> Result<Vec<Mutation>> {
    let Promotion { options, keystore, taken, own, .. } = *from;
    let vouched = options.trust == Trust::Members;
    let mut blobs = carried(&taken.contents, &taken.root, None, vouched, seams)?;
    blobs.retain(|blob| !matches!(blob, Mutation::PutBlob(BlobName::Identity | BlobName::SealingKey, _)));
    let (identity, sealing) = (keystore.get(BlobName::Identity)?, keystore.get(BlobName::SealingKey)?);
    ensure!(NodeKey::from_plaintext(&identity)?.pin() == own.pin, "the store holds another identity than its own");
    ensure!(
        SealingKey::from_plaintext(&sealing)?.public() == own.sealing_key,
        "the store holds another key than its own"
    );
    for (name, plain) in [(BlobName::Identity, identity), (BlobName::SealingKey, sealing)] {
        let wrapped = taken.root.wrap(&keystore.mesh, name.as_str(), &plain, &*seams.entropy)?;
        blobs.push(Mutation::PutBlob(name, wrapped));
    }
    Ok(blobs)
}

/// This node goes on opening with what it opened with, around the root key of the snapshot.
fn lock(from: &Promotion<'_>, seams: &Seams) -> Result<Lock> {
    let Promotion { cache, keystore, taken, .. } = *from;
    let wrapped = keystore.unseal.wrap_root(&keystore.mesh, &taken.root, &*seams.entropy)?;
    let kept = [BlobName::PassphraseParameters, BlobName::ShareParameters]
        .into_iter()
        .filter_map(|name| cache.blobs.get(&name).map(|bytes| Mutation::PutBlob(name, bytes.clone())));
    let remembered = kept.chain([Mutation::PutBlob(BlobName::RootKey, wrapped)]).collect();
    Ok(Lock { key: Arc::clone(&keystore.unseal), remembered })
}

/// Writes `node.toml` of the lead, and keeps the follower's beside it.
fn describe(options: &PromoteOptions<'_>, config: &NodeConfig) -> Result<()> {
    let file = &options.config_file;
    let kept = file.with_extension("toml.before-promotion");
    if !kept.exists() {
        std::fs::copy(file, &kept).with_context(|| format!("cannot keep {} as {}", file.display(), kept.display()))?;
        durable::sync_file(&kept).with_context(|| format!("cannot synchronise {}", kept.display()))?;
    }
    config_file::write(file, config)
}
