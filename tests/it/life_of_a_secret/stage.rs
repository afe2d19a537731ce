//! A lead and a follower that live through the batches, and what is compared with the model after each step.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::model::number::{Revision, Version};
use aurora_mesh::model::patch::{Patch, Wish};
use aurora_mesh::model::record::RecordBody;
use aurora_mesh::vault::answer::{ReadOutcome, Stored};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::{PutRequest, ReadRequest, RotationRequest, RotationWish};
use futures_util::future::join_all;

use super::model::{Held, KEPT, Model, Op, Outcome, Seen};
use crate::support::callers::{admin, agent, place, put, read, scope};
use crate::support::mesh::{TestMesh, TestNode, prod};

/// What happens to the mesh between two parts of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Nothing,
    RestartLead,
    RestartFollower,
    RotateKey,
}

/// Sequences that run side by side, in three parts.
#[derive(Debug, Clone)]
pub struct Batch {
    sequences: Vec<[Vec<Op>; 3]>,
    events: [Event; 2],
}

impl Batch {
    /// Cuts each sequence in three; `true` behind an operation starts the next part.
    pub fn new(sequences: Vec<Vec<(Op, bool)>>, events: [Event; 2]) -> Self {
        let cut = |sequence: Vec<(Op, bool)>| {
            let mut parts: [Vec<Op>; 3] = Default::default();
            let mut part = 0;
            for (op, ends) in sequence {
                parts[part].push(op);
                part = (part + usize::from(ends)).min(2);
            }
            parts
        };
        Self { sequences: sequences.into_iter().map(cut).collect(), events }
    }
}

pub struct Stage {
    nodes: tokio::sync::Mutex<Nodes>,
    batches: AtomicUsize,
    revision: Mutex<Revision>,
}

struct Nodes {
    mesh: TestMesh,
    follower: TestNode,
}

/// One secret on its way through a batch.
struct Secret {
    name: String,
    model: Model,
}

type Told = Result<(), String>;

impl Stage {
    pub async fn start() -> Self {
        let mut mesh = TestMesh::start().await;
        mesh.lead.stop().await;
        mesh.lead.config.limits.versions_kept = KEPT;
        mesh.lead.start().await;
        let follower = mesh.follower("vengeance", prod(&[])).await;
        let nodes = tokio::sync::Mutex::new(Nodes { mesh, follower });
        Self { nodes, batches: AtomicUsize::new(0), revision: Mutex::new(Revision(0)) }
    }

    /// Plays a batch, and compares after every step on the lead and after every part on the follower.
    pub async fn play(&self, batch: Batch) -> Told {
        let number = self.batches.fetch_add(1, Ordering::Relaxed);
        let named = |index| Secret { name: format!("batch{number}/secret{index}"), model: Model::default() };
        let mut secrets: Vec<Secret> = (0..batch.sequences.len()).map(named).collect();
        let mut nodes = self.nodes.lock().await;
        for part in 0..3 {
            let lead = &nodes.mesh.lead;
            let play = secrets.iter_mut().zip(&batch.sequences);
            let play = play.map(|(secret, parts)| self.play_part(lead, secret, &parts[part]));
            join_all(play).await.into_iter().collect::<Told>()?;
            if let Some(event) = batch.events.get(part) {
                nodes.happens(*event).await;
            }
            self.compare_follower(&nodes.follower, &secrets).await?;
            let lead = &nodes.mesh.lead;
            join_all(secrets.iter().map(|secret| compare(lead, secret, None))).await.into_iter().collect::<Told>()?;
        }
        Ok(())
    }

    async fn play_part(&self, lead: &TestNode, secret: &mut Secret, ops: &[Op]) -> Told {
        for op in ops {
            let asked = secret.model.clone();
            let wanted = secret.model.apply(*op);
            let (came, revision) = perform(lead, &secret.name, &asked, *op).await;
            if let Some(revision) = revision {
                let mut last = self.revision.lock().expect("no test panics with it");
                *last = (*last).max(revision);
            }
            // Looking is no change: what it finds is compared below.
            if !matches!(op, Op::Read(_)) && came != wanted {
                return Err(format!("{} {op:?} of {asked:?}: {came:?} instead of {wanted:?}", secret.name));
            }
            let looked = if let Op::Read(number) = op { Some(*number) } else { None };
            compare(lead, secret, looked).await?;
        }
        Ok(())
    }

    async fn compare_follower(&self, follower: &TestNode, secrets: &[Secret]) -> Told {
        let revision = *self.revision.lock().expect("no test panics with it");
        follower.reaches(revision).await;
        follower.is_fresh().await;
        for secret in secrets {
            let seen = seen(follower, read(&secret.name, None)).await?;
            if seen != secret.model.read() {
                return Err(format!("{} on the follower: {seen:?} instead of {:?}", secret.name, secret.model.read()));
            }
        }
        Ok(())
    }
}

impl Nodes {
    async fn happens(&mut self, event: Event) {
        match event {
            Event::Nothing => {}
            Event::RestartLead => {
                self.mesh.lead.stop().await;
                self.mesh.lead.start().await;
            }
            Event::RestartFollower => {
                self.follower.stop().await;
                self.follower.start().await;
            }
            // Not waited for: values are sealed anew while the next part is played.
            Event::RotateKey => {
                let wish = RotationWish::One { scope: scope("global"), environment: None };
                let ask = RotationRequest { wish, reason: None };
                self.mesh.lead.vault().rotate_keys(&admin(), ask).await.expect("begun");
            }
        }
    }
}

/// Reads, and the versions that are kept, as the model says.
async fn compare(lead: &TestNode, secret: &Secret, looked: Option<u8>) -> Told {
    let Secret { name, model } = secret;
    let plain = seen(lead, read(name, None)).await?;
    if plain != model.read() {
        return Err(format!("{name}: {plain:?} instead of {:?}", model.read()));
    }
    if let Some(version) = looked.and_then(|number| Version::new(number.into())) {
        let older = seen(lead, ReadRequest { version: Some(version), ..read(name, None) }).await?;
        let wanted = model.read_version(version.get());
        if older != wanted {
            return Err(format!("{name} version {version}: {older:?} instead of {wanted:?}"));
        }
    }
    let kept = match lead.vault().versions(&agent(), place(name, "global")).await {
        Ok(list) => list.versions.iter().map(|record| (record.version.get(), record.body.clone())).collect(),
        Err(VaultError::NotFound { .. }) => Vec::new(),
        Err(error) => return Err(error.to_string()),
    };
    let wanted = model.kept();
    let same = |((number, body), (expected, held)): (&(u64, RecordBody), &(u64, Held))| {
        number == expected && (*body == RecordBody::Destroyed) == (*held == Held::Destroyed)
    };
    if kept.len() != wanted.len() || !kept.iter().zip(&wanted).all(same) {
        return Err(format!("{name} keeps {kept:?} instead of {wanted:?}"));
    }
    Ok(())
}

async fn seen(node: &TestNode, ask: ReadRequest) -> Result<Seen, String> {
    match node.vault().read(&agent(), ask).await {
        Ok(ReadOutcome::Value(answer)) => {
            let text = std::str::from_utf8(answer.value.expose()).expect("text");
            let value = text.strip_prefix("value ").and_then(|digits| digits.parse().ok()).expect("one of ours");
            Ok(Seen::Value { value, version: answer.record.version.get() })
        }
        Err(VaultError::NotFound { .. }) => Ok(Seen::NotFound),
        Err(VaultError::NoSuchVersion { .. }) => Ok(Seen::NoSuchVersion),
        Err(VaultError::VersionDeleted { .. }) => Ok(Seen::VersionDeleted),
        Err(VaultError::Destroyed { .. }) => Ok(Seen::Destroyed),
        other => Err(format!("{other:?}")),
    }
}

async fn perform(lead: &TestNode, name: &str, model: &Model, op: Op) -> (Outcome, Option<Revision>) {
    let (vault, owner, at) = (lead.vault(), admin(), place(name, "global"));
    let valued = |value: u8| {
        let request = put(name, "global", "");
        PutRequest { value: Plaintext::new(format!("value {value}").into_bytes()), ..request }
    };
    let number = |number: u8| Version::new(number.into());
    let told = match op {
        Op::Put(value) => vault.put(&owner, valued(value)).await,
        Op::Cas { expected, value } => {
            let cas = Some(model.expectation(expected));
            vault.put(&owner, PutRequest { cas, ..valued(value) }).await
        }
        Op::Describe(text) => {
            let patch = Patch { description: Wish::Set(text.to_string()), ..Patch::default() };
            vault.describe(&owner, at, patch).await
        }
        Op::Delete => vault.delete(&owner, at).await,
        Op::Undelete => vault.undelete(&owner, at).await,
        Op::DestroyAll => vault.destroy(&owner, at, None).await,
        Op::Destroy(version) => match number(version) {
            Some(version) => vault.destroy(&owner, at, Some(vec![version])).await,
            None => return (model.clone().apply(op), None),
        },
        Op::Rollback(version) => match number(version) {
            Some(version) => vault.rollback(&owner, at, version).await,
            None => return (model.clone().apply(op), None),
        },
        Op::Read(_) => return (model.clone().apply(op), None),
    };
    (outcome(&told), told.ok().map(|stored| stored.revision))
}

fn outcome(told: &Result<Stored, VaultError>) -> Outcome {
    match told {
        Ok(stored) => Outcome::Done { version: stored.version.get(), changed: stored.changed },
        Err(VaultError::VersionConflict { current }) => Outcome::Conflict { live: current.map(Version::get) },
        Err(VaultError::NotFound { .. }) => Outcome::NotFound,
        Err(VaultError::NoSuchVersion { .. }) => Outcome::NoSuchVersion,
        Err(VaultError::NotDeleted { .. }) => Outcome::NotDeleted,
        Err(VaultError::Destroyed { .. }) => Outcome::Destroyed,
        Err(other) => panic!("{other:?}"),
    }
}
