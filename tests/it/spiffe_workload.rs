//! The SPIFFE Workload API: a program is given an X.509 identity by the names that the kernel gives it, if policy allows it, and
//! a new one in time; what it signs with is worth nothing in the mesh.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use aurora_mesh::model::actions::Capability;
use aurora_mesh::model::article::{Article, Edit};
use aurora_mesh::model::attested::Attested;
use aurora_mesh::model::caller::{Caller, Door};
use aurora_mesh::model::grant::{Effect, Grant};
use aurora_mesh::model::name::LocalName;
use aurora_mesh::model::principal::UnitName;
use aurora_mesh::model::reach::Reach;
use aurora_mesh::vault::error::VaultError;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::rulebook::stage::{drop_grant, edit, grant, only};
use crate::support::callers::{admin, agent};
use crate::support::clients;
use crate::support::grpc::{Call, Connection};
use crate::support::mesh::TestMesh;
use crate::support::process::{Node, directory};

const HEADER: (&str, &str) = ("workload.spiffe.io", "true");

const IDENTITIES: &str = "/SpiffeWorkloadAPI/FetchX509SVID";

#[derive(Clone, PartialEq, prost::Message)]
struct Svids {
    #[prost(message, repeated, tag = "1")]
    svids: Vec<Svid>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Svid {
    #[prost(string, tag = "1")]
    spiffe_id: String,
    #[prost(bytes = "vec", tag = "2")]
    x509_svid: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    x509_svid_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    bundle: Vec<u8>,
    #[prost(string, tag = "5")]
    hint: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Bundles {
    #[prost(btree_map = "string, bytes", tag = "2")]
    bundles: BTreeMap<String, Vec<u8>>,
}

/// Lets a principal carry what names it has among these.
fn may_carry(name: &str, principal: &str, names: &str) -> Edit {
    let Article::Grant(reading) = grant(name, principal, Effect::Allow, only(names)) else { unreachable!("a grant") };
    Edit::Put(Article::Grant(Grant { capabilities: [Capability::IntegrationExecute].into(), ..reading }))
}

async fn call(socket: &Path, path: &str) -> Call {
    let mut call = Connection::open(socket).await.call(path, &[HEADER]).await;
    call.send(&());
    call.finish();
    call
}

fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_has_an_identity_until_it_is_granted_and_nobody_after_it_was_taken_away() {
    let mesh = TestMesh::start().await;
    let socket = mesh.lead.workload_socket();
    for path in [IDENTITIES, "/SpiffeWorkloadAPI/FetchX509Bundles"] {
        let refused = call(&socket, path).await.ended().await;
        assert_eq!(refused.code, 7, "PERMISSION_DENIED: {refused:?}");
        assert!(refused.text.contains("integration_execute"), "{refused:?}");
    }
    edit(&mesh, vec![may_carry("carry", "owner", "spiffe/uid.*")]).await;
    let mut stream = call(&socket, IDENTITIES).await;
    let first: Svids = stream.next().await.expect("an identity");
    let [svid] = first.svids.as_slice() else { panic!("{first:?}") };
    let domain = svid.spiffe_id.strip_suffix(&format!("/uid/{}", uid())).expect("its uid").to_owned();
    let mesh_id = domain.strip_prefix("spiffe://aurora.").expect("the node, then the mesh");
    assert!(mesh_id.len() == 32 && mesh_id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{domain}");
    assert_eq!(svid.hint, "uid");
    assert!(!svid.x509_svid.is_empty() && !svid.x509_svid_key.is_empty());
    let mut bundles = call(&socket, "/SpiffeWorkloadAPI/FetchX509Bundles").await;
    let told: Bundles = bundles.next().await.expect("a bundle");
    assert_eq!(told.bundles, BTreeMap::from([(domain, svid.bundle.clone())]));

    edit(&mesh, vec![drop_grant("carry")]).await;
    assert_eq!(stream.ended().await.code, 7, "PERMISSION_DENIED");
    assert_eq!(bundles.ended().await.code, 7, "PERMISSION_DENIED");
    let lines = mesh.lead.vault().audit_tail(&admin(), 20).await.expect("the owner may read the journal");
    let name = format!("spiffe/uid.{}", uid());
    let given = |line: &&String| {
        line.contains("credential.apply") && line.contains(&name) && line.contains(r#""rule":"carry""#)
    };
    assert_eq!(lines.iter().filter(given).count(), 2, "{lines:?}");
    let denied = lines.iter().filter(|line| line.contains("credential.apply") && line.contains("default-deny"));
    assert_eq!(denied.count(), 4, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_way_through_its_life_an_identity_is_renewed_on_the_same_stream() {
    let mesh = TestMesh::start().await;
    edit(&mesh, vec![may_carry("carry", "owner", "spiffe/*")]).await;
    let mut stream = call(&mesh.lead.workload_socket(), IDENTITIES).await;
    let first: Svids = stream.next().await.expect("an identity");
    mesh.lead.clock.advance(Duration::from_secs(20 * 60));
    assert!(stream.is_silent_for(Duration::from_secs(6)).await, "too early");
    mesh.lead.clock.advance(Duration::from_secs(10 * 60));
    let second: Svids = stream.next().await.expect("the next one");
    assert_eq!(first.svids[0].spiffe_id, second.svids[0].spiffe_id);
    assert_eq!(first.svids[0].bundle, second.svids[0].bundle);
    assert_ne!(first.svids[0].x509_svid, second.svids[0].x509_svid);
    assert_ne!(first.svids[0].x509_svid_key, second.svids[0].x509_svid_key, "each has a key of its own");
}

/// A program in a unit, run by a user with a name.
fn program(unit: &str, user: &str) -> Caller {
    let attested = Attested {
        unit: Some(UnitName::parse(unit).expect(unit)),
        user: Some(LocalName::parse(user).expect(user)),
        ..Attested::default()
    };
    Caller { door: Door::Workload, attested: attested.into(), ..agent() }
}

async fn ids(mesh: &TestMesh, caller: &Caller) -> Result<Vec<String>, VaultError> {
    let given = mesh.lead.vault().workload_identities(caller).await?;
    let path = |id: &str| id.splitn(4, '/').nth(3).expect("a path").to_owned();
    Ok(given.iter().map(|(_, identity)| path(&identity.id)).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_carries_its_own_names_alone_and_only_those_that_are_granted() {
    let mesh = TestMesh::start().await;
    let worker = program("worker.service", "ada");
    assert!(matches!(ids(&mesh, &worker).await, Err(VaultError::Denied { .. })));
    edit(&mesh, vec![may_carry("worker", "unit:worker.service", "spiffe/unit.*")]).await;
    assert_eq!(ids(&mesh, &worker).await.expect("granted"), ["unit/worker.service"]);
    let other = ids(&mesh, &program("other.service", "ada")).await;
    assert!(matches!(other, Err(VaultError::Denied { .. })), "{other:?}");
    edit(&mesh, vec![may_carry("ada", "user:ada", "spiffe/*")]).await;
    let uid = format!("uid/{}", uid());
    assert_eq!(ids(&mesh, &worker).await.expect("granted"), ["unit/worker.service", "user/ada", uid.as_str()]);
    let shut = Edit::Put(grant("shut", "user:ada", Effect::Deny, Reach::everything()));
    edit(&mesh, vec![shut]).await;
    assert_eq!(ids(&mesh, &worker).await.expect("reading alone is denied").len(), 3);
    // Names that a SPIFFE id cannot hold as they are, are not given at all.
    let odd = ids(&mesh, &program("worker@1.service", "Ada")).await;
    assert!(matches!(odd, Err(VaultError::Denied { .. })), "{odd:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metadata_is_demanded_and_what_is_not_done_says_so() {
    let mesh = TestMesh::start().await;
    edit(&mesh, vec![may_carry("carry", "owner", "spiffe/*")]).await;
    let connection = Connection::open(&mesh.lead.workload_socket()).await;
    for headers in [&[][..], &[("workload.spiffe.io", "false")], &[HEADER, HEADER]] {
        let mut call = connection.call(IDENTITIES, headers).await;
        call.send(&());
        assert_eq!(call.ended().await.code, 3, "INVALID_ARGUMENT: {headers:?}");
    }
    for method in ["FetchJWTSVID", "FetchJWTBundles", "ValidateJWTSVID", "FetchWITSVID"] {
        let mut call = connection.call(&format!("/SpiffeWorkloadAPI/{method}"), &[HEADER]).await;
        assert_eq!(call.ended().await.code, 12, "UNIMPLEMENTED: {method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_node_says_so_and_answers_on_the_same_connection_once_it_is_open() {
    let dir = directory();
    let mut lead = Node::new(dir.path(), "aurora", "info");
    let printed = lead.init_with(&["--shamir", "2/3"], b"").await;
    let shares: Vec<_> = printed.split_whitespace().filter(|word| word.starts_with("aurora-share-")).collect();
    lead.start().await;
    let connection = Connection::open(&lead.socket_dir().join("workload.sock")).await;
    let ask = || async {
        let mut call = connection.call(IDENTITIES, &[HEADER]).await;
        call.send(&());
        call.ended().await
    };
    let sealed = ask().await;
    assert_eq!(sealed.code, 14, "UNAVAILABLE: {sealed:?}");
    assert!(sealed.text.contains("sealed"), "{sealed:?}");
    lead.run(&["unseal", "-"], shares[..2].join("\n").as_bytes()).await.text();
    assert_eq!(ask().await.code, 7, "PERMISSION_DENIED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_takes_an_identity_checks_it_and_follows_its_renewal() {
    let Some(python) = clients::python() else { return };
    let mesh = TestMesh::start().await;
    edit(&mesh, vec![may_carry("carry", "owner", "spiffe/uid.*")]).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/spiffe_fetch.py");
    let mut command = Command::new(python);
    command.arg(script).arg(mesh.lead.workload_socket()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = command.stderr(Stdio::inherit()).kill_on_drop(true).spawn().expect("Python starts");
    let mut lines = BufReader::new(client.stdout.take().expect("piped")).lines();
    let mut next = async || {
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await.expect("in time");
        serde_json::from_str::<Value>(&line.expect("readable").expect("a line")).expect("JSON")
    };
    let (fetched, sourced) = (next().await, next().await);
    assert_eq!((&fetched["how"], &sourced["how"]), (&Value::from("fetched"), &Value::from("sourced")));
    let id = fetched["id"].as_str().expect("an id");
    assert!(id.starts_with("spiffe://aurora.") && id.ends_with(&format!("/uid/{}", uid())), "{id}");
    mesh.lead.clock.advance(Duration::from_secs(30 * 60));
    let renewed = next().await;
    assert_eq!((&renewed["how"], &renewed["id"]), (&sourced["how"], &sourced["id"]));
    assert_ne!(renewed["serial"], sourced["serial"]);
    drop(client.stdin.take());
    let ended = tokio::time::timeout(Duration::from_secs(60), client.wait()).await.expect("in time").expect("ended");
    assert!(ended.success(), "{ended:?}");
}
