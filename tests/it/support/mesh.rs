//! A whole mesh in one process: real stores, real QUIC over loopback, real sockets; only the clocks can be moved.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aurora_mesh::config::node_config::{
    ApiSection, AuditSection, ConnectivitySection, LimitsSection, LogSection, MeshSection, MetricsSection, NodeConfig,
    NodeSection, SnapshotSection, UnsealSource,
};
use aurora_mesh::crypto::join_token::JoinSecret;
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::daemon::init::init;
use aurora_mesh::daemon::join::{JoinOptions, WhilePending, join};
use aurora_mesh::daemon::node::RunningNode;
use aurora_mesh::daemon::seams::{JournalPlace, Seams};
use aurora_mesh::model::company::Companies;
use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::freshness::FreshnessPolicy;
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::identity::Role;
use aurora_mesh::model::number::Revision;
use aurora_mesh::vault::answer::{ReadAnswer, ReadOutcome, Stored};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::parts::Vault;
use aurora_mesh::vault::request::{Place, PutRequest, ReadRequest, TokenRequest};
use aurora_mesh::wire::version::{ProtocolVersion, SPOKEN};
use tempfile::TempDir;

use super::callers::{admin, agent, company, environment, node};
use super::clock::MovableClock;
use super::ports;
use super::wait::eventually;

/// One node: its configuration, its clock, and the node while it runs.
pub struct TestNode {
    pub config: NodeConfig,
    pub clock: Arc<MovableClock>,
    /// Where its journal goes when it starts.
    pub journal: JournalPlace,
    /// Which versions of the protocol it speaks when it starts.
    pub speaks: &'static [ProtocolVersion],
    running: Option<RunningNode>,
}

/// A lead called `aurora` and any number of followers, in a directory that goes when the mesh does.
pub struct TestMesh {
    pub dir: TempDir,
    pub lead: TestNode,
    pub freshness: FreshnessPolicy,
    /// Of every node: whom it calls, and whether it does so by itself.
    pub connectivity: ConnectivitySection,
}

impl TestMesh {
    /// A lead in `prod` that runs.
    pub async fn start() -> Self {
        Self::with_freshness(FreshnessPolicy::default()).await
    }

    /// The same with durations of the test's choice on every node.
    pub async fn with_freshness(freshness: FreshnessPolicy) -> Self {
        Self::with(freshness, ConnectivitySection { probe: false, ..ConnectivitySection::default() }).await
    }

    /// The same where every node calls whom the test says, such as a theatre.
    pub async fn with_connectivity(connectivity: ConnectivitySection) -> Self {
        Self::with(FreshnessPolicy::default(), connectivity).await
    }

    async fn with(freshness: FreshnessPolicy, connectivity: ConnectivitySection) -> Self {
        let dir = tempfile::Builder::new().prefix("aurora-").tempdir().expect("a directory");
        let mut config = config(dir.path(), "aurora", Role::Lead, freshness, &connectivity);
        // The next start takes it too, so that followers find the lead again.
        config.mesh.listen = ports::free();
        let mut lead = TestNode::new(config);
        let file = lead.config_file();
        init(&lead.config, &file, None, &lead.seams()).await.expect("a new mesh");
        lead.start().await;
        Self { dir, lead, freshness, connectivity }
    }

    /// A follower that has joined and runs, with what `entitlement` gives it and the rules the lead has.
    pub async fn follower(&self, name: &str, entitlement: Entitlement) -> TestNode {
        let token = self.token(name, entitlement).await;
        let mut follower = self.stranger(name);
        follower.join(&token).await.expect("joined");
        follower.start().await;
        eventually(&format!("{name} has rules"), || async {
            let (own, of_lead) = (follower.vault().rules(), self.lead.vault().rules());
            (own.grants().count() > 0 || of_lead.grants().count() == 0).then_some(())
        })
        .await;
        follower
    }

    /// A token that admits a node of this name.
    pub async fn token(&self, name: &str, entitlement: Entitlement) -> JoinSecret {
        let ask = TokenRequest { node: node(name), entitlement, approve: false, valid_for: None };
        let token = self.lead.vault().issue_token(&admin(), ask).await.expect("a token");
        JoinSecret::parse(std::str::from_utf8(token.text.expose()).expect("text")).expect("a token")
    }

    /// A machine that has not joined.
    pub fn stranger(&self, name: &str) -> TestNode {
        let config = config(self.dir.path(), name, Role::Follower, self.freshness, &self.connectivity);
        TestNode::new(config)
    }

    /// Stores on the lead.
    pub async fn put(&self, request: PutRequest) -> Stored {
        self.lead.vault().put(&admin(), request).await.expect("stored")
    }

    /// Deletes on the lead.
    pub async fn delete(&self, request: Place) -> Stored {
        self.lead.vault().delete(&admin(), request).await.expect("deleted")
    }
}

/// Everything of `prod`, for these companies.
pub fn prod(companies: &[&str]) -> Entitlement {
    entitlement("prod", companies, &["*"])
}

pub fn entitlement(name: &str, companies: &[&str], globs: &[&str]) -> Entitlement {
    Entitlement {
        environment: environment(name),
        companies: Companies::Only(companies.iter().map(|id| company(id)).collect::<BTreeSet<_>>()),
        globs: globs.iter().map(|glob| SecretGlob::parse(glob).expect(glob)).collect(),
    }
}

impl TestNode {
    fn new(config: NodeConfig) -> Self {
        let (clock, journal) = (Arc::new(MovableClock::new()), JournalPlace::Files);
        Self { config, clock, journal, speaks: &SPOKEN, running: None }
    }

    /// Joins with what the token says.
    pub async fn join(&mut self, token: &JoinSecret) -> anyhow::Result<()> {
        self.join_through(token, None).await
    }

    /// The same, through the lead at this address if there is one.
    pub async fn join_through(&mut self, token: &JoinSecret, lead: Option<String>) -> anyhow::Result<()> {
        let pending = WhilePending::Wait;
        let options = JoinOptions { template: self.config.clone(), config_file: self.config_file(), lead, pending };
        self.config = join(token, &options, None, &self.seams()).await?;
        Ok(())
    }

    /// Starts, or starts again from the disk.
    pub async fn start(&mut self) {
        self.running = Some(RunningNode::start(&self.config, None, &self.seams()).await.expect("starts"));
    }

    /// Stops in order. A process that ends gives up its port at once; here, connections that linger hold it a little.
    pub async fn stop(&mut self) {
        let running = self.running.take().expect("runs");
        let port = running.address();
        running.stop().await;
        if let Some(address) = port {
            eventually("the port is free", || async { UdpSocket::bind(address).ok().map(drop) }).await;
        }
    }

    /// Starts again with a loopback listener, and gives its address.
    pub async fn on_loopback(&mut self) -> SocketAddr {
        self.stop().await;
        self.config.api.listen = Some(([127, 0, 0, 1], 0).into());
        self.start().await;
        self.running().loopback().expect("listens")
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub fn running(&self) -> &RunningNode {
        self.running.as_ref().expect("runs")
    }

    pub fn vault(&self) -> &Vault {
        self.running().vault()
    }

    pub fn agent_socket(&self) -> PathBuf {
        self.config.api.socket_dir.join("agent.sock")
    }

    pub fn workload_socket(&self) -> PathBuf {
        self.config.api.socket_dir.join("workload.sock")
    }

    pub fn store_file(&self) -> PathBuf {
        self.config.node.state_dir.join("store.redb")
    }

    pub fn config_file(&self) -> PathBuf {
        self.config.node.state_dir.with_extension("toml")
    }

    pub fn seams(&self) -> Seams {
        let (clock, entropy) = (self.clock.clone(), Arc::new(SystemEntropy));
        Seams { clock, entropy, journal: self.journal, speaks: self.speaks, ..Seams::system().expect("a Linux kernel") }
    }

    /// Reads as a program on this node does. A disk that is busy for a second keeps the journal from being written; then it
    /// asks again.
    pub async fn read(&self, request: ReadRequest) -> Result<ReadAnswer, VaultError> {
        let outcome = eventually("the journal can be written", || async {
            let outcome = self.vault().read(&agent(), request.clone()).await;
            (!matches!(outcome, Err(VaultError::AuditUnavailable))).then_some(outcome)
        });
        match outcome.await? {
            ReadOutcome::Value(answer) => Ok(answer),
            ReadOutcome::NotModified { .. } => panic!("no version was known"),
        }
    }

    /// The value a program on this node gets.
    pub async fn value(&self, request: ReadRequest) -> Result<String, VaultError> {
        let answer = self.read(request).await?;
        Ok(String::from_utf8(answer.value.expose().to_vec()).expect("text"))
    }

    /// Returns once this node has applied the revision.
    pub async fn reaches(&self, revision: Revision) {
        eventually(&format!("{} reaches revision {revision}", self.config.node.name), || async {
            (self.vault().health().revision >= revision).then_some(())
        })
        .await;
    }

    /// Returns once the lead has vouched for the cache.
    pub async fn is_fresh(&self) {
        eventually(&format!("{} is fresh", self.config.node.name), || async {
            (self.vault().health().freshness == "fresh").then_some(())
        })
        .await;
    }
}

fn config(
    dir: &Path,
    name: &str,
    role: Role,
    freshness: FreshnessPolicy,
    connectivity: &ConnectivitySection,
) -> NodeConfig {
    let state_dir = dir.join(name);
    NodeConfig {
        node: NodeSection { name: node(name), role, environment: environment("prod"), state_dir: state_dir.clone() },
        mesh: MeshSection { listen: ([127, 0, 0, 1], 0).into(), leads: Vec::new(), discovery: false },
        cache: freshness,
        unseal: UnsealSource::File { path: state_dir.join("unseal.key") },
        audit: AuditSection::default(),
        api: ApiSection { socket_dir: dir.join(format!("{name}.run")), socket_group: None, listen: None },
        limits: LimitsSection::default(),
        connectivity: connectivity.clone(),
        metrics: MetricsSection::default(),
        log: LogSection::default(),
        notify: aurora_mesh::model::channel::Notify::default(),
        snapshot: SnapshotSection::default(),
        credentials: BTreeMap::new(),
    }
}
