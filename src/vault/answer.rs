//! What the door answers: typed, so that the API only has to spell it.

use std::sync::Arc;
use std::time::Duration;

use crate::crypto::plaintext::Plaintext;
use crate::model::api_check::KeyCheck;
use crate::model::caller::LeadAddress;
use crate::model::entitlement::Entitlement;
use crate::model::freshness::FreshnessPolicy;
use crate::model::identity::{KeyPin, Role};
use crate::model::name::{EnvironmentName, FieldName, NodeName};
use crate::model::number::{Epoch, Revision, Version};
use crate::model::record::{Record, RecordState};
use crate::model::reign::Reign;
use crate::model::roster::Standing;
use crate::model::secret::{Scope, ScopedSecret, SecretName};
use crate::model::time::{Moment, Timestamp};

use super::frozen::Behalf;

/// How fresh an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// By the lead itself.
    Lead,
    /// From a cache the lead vouched for within `ttl`.
    Hit,
    /// From a cache past its `ttl`, within `max_stale`.
    Stale,
}

/// Freshness as it is told to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// Which state.
    pub served: Served,
    /// Time since the lead vouched for the cache; zero on the lead.
    pub age: Duration,
    /// Until when this answer counts as fresh.
    pub fresh_until: Timestamp,
    /// After this much more time the answer may not be given; `None` on the lead.
    pub servable_for: Option<Duration>,
}

/// A value, with everything a caller is told about it. Ask [`super::parts::Vault::confirm`] just before it is written out.
#[derive(Debug)]
pub struct ReadAnswer {
    /// Which version, and what is said about it.
    pub record: Arc<Record>,
    /// The value, or the field that was asked for.
    pub value: Plaintext,
    /// Which field that is.
    pub field: Option<FieldName>,
    /// How fresh it is.
    pub freshness: Freshness,
    /// When it was decided; the deadline counts from here.
    pub decided_at: Moment,
    /// Whether it was asked for by scope instead of resolved: then no override is reported.
    pub resolved: bool,
    /// On whose behalf.
    pub behalf: Behalf,
}

/// What a read comes to, if it is not refused.
#[derive(Debug)]
pub enum ReadOutcome {
    /// The value.
    Value(ReadAnswer),
    /// The caller has this value already.
    NotModified {
        /// Serial number of the (secret, scope).
        secret_id: u64,
        /// Which version.
        version: Version,
        /// How fresh that is.
        freshness: Freshness,
    },
}

/// A committed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Serial number of the (secret, scope).
    pub secret_id: u64,
    /// What it is called, where.
    pub at: ScopedSecret,
    /// The current version, live or not.
    pub version: Version,
    /// The change, or the last one if there was none to make.
    pub revision: Revision,
    /// Whether anything changed: the same again changes nothing.
    pub changed: bool,
}

/// One line of a list. The record's body is never shown.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The current record.
    pub record: Arc<Record>,
    /// The last check of exactly this value on this node, if it was ever checked here.
    pub check: Option<KeyCheck>,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct ListPage {
    /// The lines.
    pub items: Vec<Listed>,
    /// Where the next page starts, if there is one.
    pub next_cursor: Option<String>,
}

/// What became of one scope in a resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// It had the value that was used.
    Won {
        /// Which one.
        version: Version,
    },
    /// It has a value, but a narrower scope won.
    Overridden {
        /// Which one.
        version: Version,
    },
    /// Nothing is stored there, or not for this node.
    Absent,
    /// The value there was deleted.
    Deleted {
        /// Which one.
        version: Version,
    },
    /// The value there was destroyed.
    Destroyed {
        /// Which one.
        version: Version,
    },
    /// The secret is declared there, and has had no value so far.
    Unset,
    /// Nothing is there, and nothing could be: what this node may hold leaves the name out.
    NotEntitled,
    /// No company was named, so no company scope was tried.
    NotNamed,
    /// The node may not speak for that company, or the caller may not, or may not know of it.
    NotAllowed,
}

/// One line of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedScope {
    /// `node`, `company` or `global`.
    pub kind: &'static str,
    /// The scope, when one could be formed.
    pub scope: Option<Scope>,
    /// What became of it.
    pub outcome: Tried,
}

/// Which node holds which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The node.
    pub node: NodeName,
    /// Whether it is entitled to the winner.
    pub entitled: bool,
    /// Whether it has acknowledged the change that wrote it; `None` when this node cannot know.
    pub current: Option<bool>,
    /// The version it holds, by what it has acknowledged; `None` when it holds none, or nobody can tell any more.
    pub version: Option<Version>,
}

/// How long an answer counts as fresh, and how long it may be given after that, with who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durations {
    /// What is in force.
    pub policy: FreshnessPolicy,
    /// Who sets `ttl`.
    pub ttl_by: SetBy,
    /// Who sets `max_stale`.
    pub max_stale_by: SetBy,
}

/// Who sets a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetBy {
    /// The secret has its own.
    Secret,
    /// The secret has none, so the node's counts.
    Node,
}

/// Why a read comes out as it does.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The secret.
    pub name: SecretName,
    /// Where it was looked for.
    pub environment: EnvironmentName,
    /// Each scope, narrowest first.
    pub tried: Vec<TriedScope>,
    /// The winner, if any.
    pub winner: Option<Arc<Record>>,
    /// Whether the caller may read it, and by which rule.
    pub allowed: bool,
    /// The policy rule that decided.
    pub rule: String,
    /// How fresh an answer would be; `None` when it would be refused as too old.
    pub freshness: Option<Freshness>,
    /// The durations that are in force.
    pub durations: Durations,
    /// Who holds it; on a follower, only itself.
    pub holders: Vec<Holder>,
}

/// All versions of one (secret, scope) that are kept, newest first.
#[derive(Debug, Clone)]
pub struct VersionList {
    /// The secret in its scope.
    pub at: ScopedSecret,
    /// The records; bodies are never shown.
    pub versions: Vec<Record>,
    /// Who holds the current one.
    pub holders: Vec<Holder>,
}

/// Whether a node is heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// This is the node that answers.
    Here,
    /// A heartbeat came lately.
    Alive,
    /// Heartbeats are overdue.
    Suspect,
    /// Not heard of for so long that it is on its own.
    Lost,
    /// Never heard of since the lead started.
    Unknown,
}

/// One node of the mesh.
#[derive(Debug, Clone)]
pub struct NodeLine {
    /// Its name.
    pub name: NodeName,
    /// What it is.
    pub role: Role,
    /// Whether it is heard of.
    pub state: NodeState,
    /// Its pinned key.
    pub pin: KeyPin,
    /// What it may hold.
    pub entitlement: Entitlement,
    /// When it joined.
    pub joined_at: Timestamp,
    /// Whether it is taken for a member.
    pub standing: Standing,
    /// Time since its last heartbeat.
    pub last_heard: Option<Duration>,
    /// The last revision it acknowledged.
    pub acknowledged: Option<Revision>,
    /// Records in its cache.
    pub cache_entries: Option<u64>,
    /// Its one-minute load average, in thousandths.
    pub load_milli: Option<u32>,
    /// How long it has run.
    pub uptime: Option<Duration>,
    /// From where it is connected.
    pub address: Option<String>,
}

/// What `/health` and `aurora status` say.
#[derive(Debug, Clone)]
pub struct Health {
    /// This node.
    pub node: NodeName,
    /// What it is.
    pub role: Role,
    /// Its environment.
    pub environment: EnvironmentName,
    /// The reign it follows.
    pub epoch: Epoch,
    /// The last change it has.
    pub revision: Revision,
    /// The lead; on the lead, itself.
    pub lead: LeadAddress,
    /// Time since the lead was last heard; zero on the lead, `None` if never.
    pub lead_last_heard: Option<Duration>,
    /// `fresh`, `stale` or `closed` by the node's own durations, `banned` once it knows that it is; `lead` on the lead, and
    /// `stepped_down` on one whose reign is over.
    pub freshness: &'static str,
    /// When this node was told that it is banned, if it was.
    pub banned_at: Option<Timestamp>,
    /// The later reign by which this lead's was ended, if it was.
    pub ended_by: Option<Arc<Reign>>,
    /// The journal took the last line it was given; while it does not, nothing is answered.
    pub journal_works: bool,
    /// Secrets held (current records).
    pub secrets: usize,
    /// How long the node has run.
    pub uptime: Duration,
    /// Now.
    pub now: Timestamp,
}

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentLine {
    /// Its name.
    pub name: EnvironmentName,
    /// Secrets in their scopes that are known there.
    pub secrets: usize,
    /// Those of them that can be read.
    pub live: usize,
    /// Nodes that are in it; a follower knows of itself only.
    pub nodes: usize,
    /// Whether the node that answers is.
    pub own: bool,
}

/// What became known in an environment, and what it still lacks.
#[derive(Debug, Clone)]
pub struct Mirrored {
    /// What became known.
    pub declared: Vec<ScopedSecret>,
    /// How many were known already.
    pub known: usize,
    /// What has a value where it was copied from and none where it was copied to, and why.
    pub lacking: Vec<(ScopedSecret, RecordState)>,
    /// Values for one node, which have no counterpart: a node is in one environment for life.
    pub of_nodes: usize,
    /// The last change of the store.
    pub revision: Revision,
}

/// Values that two environments share. The values themselves are not here.
#[derive(Debug, Clone)]
pub struct SharedValues {
    /// Live secrets of the one environment and of the other that were compared.
    pub compared: (usize, usize),
    /// Those that were not, because the caller may not read them.
    pub skipped: usize,
    /// What is the same; those of the same name and scope come first.
    pub shared: Vec<SharedValue>,
}

/// A secret whose value is in the other environment too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedValue {
    /// The secret, in the right environment.
    pub at: ScopedSecret,
    /// Whether the left environment has it under the same name and scope.
    pub same_place: bool,
    /// Where the left environment has it: some places, if there are many.
    pub left: Vec<ScopedSecret>,
}
