//! What the tests of this room share: samples of every kind of row, and a disk that can fail or lose its power.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use redb::StorageBackend;

use super::facts::Facts;
use super::handle::Store;
use super::mutation::Mutation;
use crate::model::api_key::{ApiKey, ApiKeyHash, KeyText, PreviousText};
use crate::model::article::Article;
use crate::model::change::ChangeKind;
use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::fields::{Field, FieldKind, Fields};
use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
use crate::model::freshness::Offline;
use crate::model::glob::SecretGlob;
use crate::model::grant::Expiry;
use crate::model::identity::{KeyPin, MeshId, Role, SealingPublicKey};
use crate::model::log::{LogEntry, LogSubject};
use crate::model::metadata::{Metadata, SecretOptions};
use crate::model::name::{AgentName, ApiKeyName, CompanyId, EnvironmentName, FieldName, NodeName};
use crate::model::number::{Epoch, Generation, Position, Revision, Version};
use crate::model::reach::Reach;
use crate::model::record::{Contact, Record, RecordBody, SealedScopeKey, SealedValue};
use crate::model::roster::{JoinToken, RosterEntry, Standing, TokenHash};
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
use crate::model::time::{BootId, BootTime, Moment, Timestamp};
use crate::policy::starting::built_in;

pub(super) fn at(environment: &str, name: &str, scope: &str) -> ScopedSecret {
    SecretAddress {
        environment: EnvironmentName::parse(environment).expect("environment"),
        name: SecretName::parse(name).expect("name"),
    }
    .within(Scope::parse(scope).expect("scope"))
}

pub(super) fn node_name(name: &str) -> NodeName {
    NodeName::parse(name).expect("node name")
}

pub(super) fn version(number: u64) -> Version {
    Version::new(number).expect("positive")
}

pub(super) fn facts() -> Facts {
    Facts {
        mesh: MeshId([0xa5; 16]),
        node: node_name("aurora"),
        role: Role::Lead,
        environment: EnvironmentName::parse("prod").expect("environment"),
    }
}

/// A plain record in `prod`, with this ciphertext.
pub(super) fn record(name: &str, scope: &str, number: u64, ciphertext: &[u8]) -> Record {
    Record {
        at: at("prod", name, scope),
        secret_id: 1,
        version: version(number),
        revision: Revision(number),
        change: ChangeKind::Stored,
        purged: None,
        body: RecordBody::Sealed(SealedValue {
            generation: Generation::FIRST,
            nonce: [7; 24],
            ciphertext: ciphertext.to_vec(),
        }),
        metadata: Metadata::default().into(),
        options: SecretOptions::default().into(),
        fields: Fields::default().into(),
        created_at: Timestamp(1_795_248_000_000),
        updated_at: Timestamp(1_795_248_000_123),
    }
}

/// A record in which every field is set.
pub(super) fn full_record() -> Record {
    Record {
        secret_id: 300,
        metadata: Metadata {
            description: Some("for invoices".to_owned()),
            owner: Some("ops".to_owned()),
            contact: Some("ops@example.org".to_owned()),
            note: Some("rotate in spring".to_owned()),
            provider: Some("openai".to_owned()),
            tags: vec!["billing".to_owned(), "eu".to_owned()],
        }
        .into(),
        options: SecretOptions {
            expires_at: Some(Timestamp(1_800_000_000_000)),
            ttl: Some(Duration::from_secs(60)),
            max_stale: Some(Duration::from_millis(1500)),
            offline: Offline::Deny,
            rotation_reminder_days: 30,
        }
        .into(),
        fields: Fields::new(vec![field("client_id", FieldKind::Text), field("client_secret", FieldKind::Secret)])
            .expect("two fields")
            .into(),
        purged: Some(Revision(4)),
        ..record("openai/api_key", "company:acme", 5, b"sealed bytes")
    }
}

fn field(name: &str, kind: FieldKind) -> Field {
    Field { name: FieldName::parse(name).expect("field name"), kind }
}

pub(super) fn scope_key(scope: &str, generation: u32, sealed: &[u8]) -> SealedScopeKey {
    SealedScopeKey {
        at: at("prod", "a/b", scope).key_scope(),
        generation: Generation::new(generation).expect("positive"),
        sealed: sealed.to_vec(),
        made_at: None,
    }
}

fn entitlement() -> Entitlement {
    Entitlement {
        environment: EnvironmentName::parse("prod").expect("environment"),
        companies: Companies::Only([CompanyId::parse("acme").expect("company")].into()),
        globs: vec![SecretGlob::parse("openai/*").expect("glob")],
    }
}

pub(super) fn node(name: &str) -> RosterEntry {
    RosterEntry {
        name: node_name(name),
        role: Role::Follower,
        pin: KeyPin([1; 32]),
        sealing_key: SealingPublicKey([2; 32]),
        entitlement: entitlement(),
        history: EntitlementHistory::beginning(Timestamp(1_795_248_000_000)),
        joined_at: Timestamp(1_795_248_000_000),
        standing: Standing::Active,
        changed_at: Revision(4),
    }
}

pub(super) fn token(first: u8) -> JoinToken {
    JoinToken {
        hash: TokenHash([first; 32]),
        node: node_name("runpod-tx"),
        entitlement: entitlement(),
        approve: false,
        issued_at: None,
        expires_at: Timestamp(1_795_248_600_000),
        consumed_by: None,
    }
}

pub(super) fn log(revision: u64) -> LogEntry {
    LogEntry {
        revision: Revision(revision),
        at: Timestamp(1_795_248_000_000),
        audit_seq: revision + 10,
        subject: LogSubject::Secret {
            at: at("prod", "openai/api_key", "global"),
            change: ChangeKind::Stored,
            version: version(revision),
        },
    }
}

/// Articles of several kinds, in the order of their keys.
pub(super) fn articles() -> [Article; 3] {
    let at = Timestamp(1_795_248_000_000);
    let [grant, _] = built_in(at);
    let text = KeyText { hash: ApiKeyHash([3; 32]), hint: "mj_agent_Ab12".to_owned(), made_at: at };
    let key = ApiKey {
        agent: AgentName::parse("openclaw").expect("agent"),
        name: ApiKeyName::parse("ci").expect("key name"),
        current: text.clone(),
        previous: Some(PreviousText { text, until: at }),
        reach: Reach::everything(),
        limit_rpm: Some(60),
        created_by: "admin".to_owned(),
        created_at: at,
        expires_at: Expiry::Never,
    };
    let freeze = Freeze {
        target: FreezeTarget::Secret(place().secret.name),
        level: FreezeLevel::Read,
        reason: "an incident".to_owned(),
        frozen_by: "admin".to_owned(),
        frozen_at: at,
    };
    [Article::Freeze(freeze), Article::Grant(grant), Article::ApiKey(key)]
}

pub(super) fn position(epoch: u64, revision: u64) -> Position {
    Position { epoch: Epoch(epoch), revision: Revision(revision) }
}

pub(super) fn contact() -> Contact {
    Contact {
        position: position(1, 5),
        at: Moment {
            wall: Timestamp(1_795_248_000_000),
            boot: BootTime(Duration::from_millis(90_500)),
            boot_id: BootId([6; 16]),
        },
    }
}

/// An empty store, and the disk under it.
pub(super) async fn store() -> (Store, Disk) {
    let disk = Disk::default();
    let (store, _) = Store::create_backend(disk.clone(), facts()).await.expect("created");
    (store, disk)
}

/// A version of the secret at [`place`]; its ciphertext is its number.
pub(super) fn put(number: u64) -> Mutation {
    Mutation::PutRecord(record("openai/api_key", "global", number, &number.to_be_bytes()))
}

pub(super) fn place() -> ScopedSecret {
    at("prod", "openai/api_key", "global")
}

/// The versions kept there, newest first.
pub(super) async fn numbers(store: &Store) -> Vec<u64> {
    let versions = store.versions(place()).await.expect("versions");
    versions.iter().map(|record| record.version.get()).collect()
}

/// A disk in memory. Clones share it, so a test can cut its power while a store is open on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk(Arc<Mutex<Platters>>);

#[derive(Debug, Default)]
struct Platters {
    /// What a reader sees.
    current: Vec<u8>,
    /// What outlives a power cut.
    synced: Vec<u8>,
    failing: bool,
    syncs: u64,
    /// So many more writes and lengthenings reach it, and the one after that by half; `None` without end.
    writes_left: Option<u64>,
}

impl Platters {
    /// Counts a write; the one after the last is torn, and after it nothing is written or synchronised any more.
    fn admit(&mut self) -> io::Result<()> {
        match &mut self.writes_left {
            None => Ok(()),
            Some(0) => {
                self.failing = true;
                Err(io::Error::other("the disk is gone"))
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

impl Disk {
    /// A disk that holds this, synchronised, and is cut off after so many more writes: the next is torn.
    pub(super) fn holding(bytes: Vec<u8>, writes_left: Option<u64>) -> Self {
        let synced = bytes.clone();
        Self(Arc::new(Mutex::new(Platters { current: bytes, synced, writes_left, ..Platters::default() })))
    }

    /// Whether it was cut off.
    pub(super) fn is_cut_off(&self) -> bool {
        self.platters().failing
    }

    /// From now on nothing can be synchronised.
    pub(super) fn fail(&self) {
        self.platters().failing = true;
    }

    /// The disk as it comes back after the power was cut: what was not synchronised is gone.
    pub(super) fn after_power_cut(&self) -> Self {
        let synced = self.platters().synced.clone();
        Self(Arc::new(Mutex::new(Platters { current: synced.clone(), synced, ..Platters::default() })))
    }

    /// The disk as it is found after the process was killed: what was written is there, synchronised or not.
    pub(super) fn after_kill(&self) -> Self {
        let current = self.platters().current.clone();
        Self(Arc::new(Mutex::new(Platters { synced: current.clone(), current, ..Platters::default() })))
    }

    /// How often it was synchronised.
    pub(super) fn syncs(&self) -> u64 {
        self.platters().syncs
    }

    fn platters(&self) -> MutexGuard<'_, Platters> {
        self.0.lock().expect("no test panics with it")
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.platters().current.len().try_into().expect("64 bits"))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).expect("64 bits");
        let platters = self.platters();
        let bytes = platters.current.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut platters = self.platters();
        platters.admit()?;
        platters.current.resize(usize::try_from(length).expect("64 bits"), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platters = self.platters();
        if platters.failing {
            return Err(io::Error::other("the disk is gone"));
        }
        platters.synced = platters.current.clone();
        platters.syncs += 1;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).expect("64 bits");
        let mut platters = self.platters();
        let admitted = platters.admit();
        let data = if admitted.is_ok() { data } else { &data[..data.len() / 2] };
        let end = start + data.len();
        if platters.current.len() < end {
            platters.current.resize(end, 0);
        }
        platters.current[start..end].copy_from_slice(data);
        admitted
    }
}
