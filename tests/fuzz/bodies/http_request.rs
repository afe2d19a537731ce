//! A request on a socket of a whole lead that runs in this process: bytes as they are, or a request that is nearly right. The
//! node answers with an answer of HTTP or closes, and answers the next.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use aurora_mesh::config::node_config::{Defaults, LimitsSection, NodeConfig};
use aurora_mesh::config::parse::parse;
use aurora_mesh::config::paths::Paths;
use aurora_mesh::daemon::init::init;
use aurora_mesh::daemon::node::RunningNode;
use aurora_mesh::daemon::seams::{JournalPlace, Seams};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A node keeps what it is told; after so many requests another takes its place, so that a campaign does not fill the disk.
const REQUESTS_OF_ONE_NODE: usize = 20_000;

/// An answer that takes longer has hung.
const PATIENCE: Duration = Duration::from_secs(20);

/// Paths that do something. A byte names one.
const PATHS: [&str; 40] = [
    "/api/secrets/hubspot/api_key",
    "/api/secrets",
    "/api/secrets/hubspot/api_key/versions",
    "/api/explain/hubspot/api_key",
    "/api/secrets/hubspot/api_key/destroy",
    "/api/secrets/hubspot/api_key/rollback",
    "/api/import",
    "/api/export",
    "/api/environments/mirror",
    "/api/environments/check",
    "/api/tokens",
    "/api/nodes",
    "/api/policy/plan",
    "/api/policy/apply",
    "/api/policy/test",
    "/api/audit",
    "/api/audit/export",
    "/api/agents",
    "/api/agents/openclaw/keys",
    "/api/freezes",
    "/api/subscriptions",
    "/api/events",
    "/api/access-requests",
    "/api/connectivity/status",
    "/secretsmanager/get",
    "/v1/secret/data/hubspot",
    "/v1/secret/metadata/hubspot",
    "/v1/sys/health",
    "/health",
    "/metrics",
    "/api/whoami",
    "/api/unseal",
    "/api/secrets/hubspot/api_key/undelete",
    "/api/nodes/vengeance/entitlement",
    "/api/exposure",
    "/api/expiring",
    "/api/events/history",
    "/events",
    "/notify",
    "/api/apikeys",
];

/// What would make the node call somebody: a fuzzer calls nobody. A campaign has no network besides, so that this is not all
/// there is between it and the world.
const CALLS: [&[u8]; 3] = [b"webhook", b"channel", b"validate"];

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "LIST", "HEAD", "OPTIONS"];

/// A lead, and where it listens.
struct House {
    runtime: Runtime,
    node: Option<RunningNode>,
    agent: PathBuf,
    admin: PathBuf,
    asked: usize,
    _dir: TempDir,
}

/// The first byte chooses the door and whether the rest is the whole request, or method, path, and then a query, headers and
/// a body between blank lines.
pub fn run(data: &[u8]) {
    let Some((what, rest)) = data.split_first() else { return };
    if CALLS.iter().any(|call| rest.windows(call.len()).any(|part| part == *call)) {
        return;
    }
    let mut house = house();
    house.asked += 1;
    if house.asked > REQUESTS_OF_ONE_NODE {
        *house = House::open();
    }
    let socket = if what & 1 == 0 { &house.agent } else { &house.admin };
    let request = if what & 2 == 0 { rest.to_vec() } else { nearly_right(rest) };
    let mut stream = UnixStream::connect(socket).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    // A node that refuses early closes while this still writes.
    let _refused_early = stream.write_all(&request).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert!(!matches!(error.kind(), std::io::ErrorKind::WouldBlock), "no answer"),
    }
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{:?}", String::from_utf8_lossy(&answer));
    // What was wrong on this side of the door is not told; that it never happens is asserted here.
    assert!(!answer.starts_with(b"HTTP/1.1 500"), "{}", String::from_utf8_lossy(&answer));
}

fn nearly_right(data: &[u8]) -> Vec<u8> {
    let (&[method, path], rest) = data.split_first_chunk::<2>().unwrap_or((&[0, 0], data));
    let (method, path) = (METHODS[usize::from(method) % METHODS.len()], PATHS[usize::from(path) % PATHS.len()]);
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (query, rest) = rest.split_at(end);
    let rest = rest.get(1..).unwrap_or_default();
    let end = rest.windows(2).position(|two| two == b"\n\n").unwrap_or(0);
    let (headers, body) = rest.split_at(end);
    let body = body.strip_prefix(b"\n\n").unwrap_or(body);
    let mut request = format!("{method} {path}").into_bytes();
    request.extend_from_slice(query);
    request.extend_from_slice(b" HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\n");
    for header in headers.split(|byte| *byte == b'\n').filter(|header| !header.is_empty()) {
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    request.extend_from_slice(body);
    request
}

impl House {
    fn open() -> Self {
        let dir = tempfile::Builder::new().prefix("aurora-").tempdir().expect("a directory");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let seams = Seams { journal: JournalPlace::Nowhere, ..Seams::system().expect("a Linux kernel") };
        let config = configuration(&dir);
        let node = runtime.block_on(async {
            init(&config, &dir.path().join("node.toml"), None, &seams).await.expect("a new mesh");
            RunningNode::start(&config, None, &seams).await.expect("starts")
        });
        let sockets = &config.api.socket_dir;
        let (agent, admin) = (sockets.join("agent.sock"), sockets.join("admin.sock"));
        Self { runtime, node: Some(node), agent, admin, asked: 0, _dir: dir }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            self.runtime.block_on(node.stop());
        }
    }
}

fn configuration(dir: &TempDir) -> NodeConfig {
    let at = dir.path().display();
    let text = format!(
        "[node]\nname = \"aurora\"\nrole = \"lead\"\nenvironment = \"prod\"\nstate_dir = \"{at}/state\"\n\
         [mesh]\nlisten = \"127.0.0.1:0\"\ndiscovery = false\n[api]\nsocket_dir = \"{at}/run\"\n[connectivity]\nprobe = false\n"
    );
    let config = parse(&text, &Defaults::of_paths(Paths::system())).expect("a configuration");
    NodeConfig { limits: LimitsSection { versions_kept: 2, log_revisions: 100, ..config.limits }, ..config }
}

fn house() -> MutexGuard<'static, House> {
    static HOUSE: OnceLock<Mutex<House>> = OnceLock::new();
    HOUSE.get_or_init(|| Mutex::new(House::open())).lock().unwrap_or_else(PoisonError::into_inner)
}
