//! Freshness, consistency, downgrades: what was true once and is no more.

use std::time::Duration;

use aurora_mesh::model::freshness::FreshnessPolicy;
use aurora_mesh::model::number::{Epoch, Position, Revision};
use aurora_mesh::model::record::Contact;
use aurora_mesh::model::time::{BootId, BootTime, Moment, Timestamp};
use aurora_mesh::replication::freshness::{Standing, Vouching, judge};
use aurora_mesh::store::error::StoreError;
use aurora_mesh::store::handle::Store;
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::error::{Refusal, TransportError};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::wire::control::{self, Hello};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::version;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use serde_json::{Value, json};

use crate::agents::stage::{SECRET, agent, done, key, mesh as with_secrets, with_key};
use crate::support::callers::{admin, node, place, put, read};
use crate::support::forge::join_by_hand;
use crate::support::intruder::Deed::{Hear, Stream};
use crate::support::intruder::{MEMBER, dial, dial_with, name_stream, say, turned_away};
use crate::support::mesh::{TestMesh, prod};
use crate::support::process::AURORA;
use crate::support::watcher::Watcher;

const POLICY: FreshnessPolicy = FreshnessPolicy { ttl: Duration::from_secs(5), max_stale: Duration::from_secs(10) };

fn moment(wall_ms: i64, boot_ms: u64, boot: u8) -> Moment {
    Moment { wall: Timestamp(wall_ms), boot: BootTime(Duration::from_millis(boot_ms)), boot_id: BootId([boot; 16]) }
}

fn contact(at: Moment) -> Contact {
    Contact { position: Position { epoch: Epoch(1), revision: Revision(1) }, at }
}

/// At its end and on both sides of it: nothing is fresh for ever, and nothing after its end.
#[test]
fn bug_95_what_is_renewed_at_its_end_never_ends() {
    let asked = moment(1_000_000, 1_000_000, 1);
    let at = |age_ms: u64| {
        judge(
            Some(&contact(asked)),
            POLICY,
            &moment(1_000_000 + i64::try_from(age_ms).expect("short"), 1_000_000 + age_ms, 1),
        )
    };
    for age in [0, 4_999, 5_000] {
        assert!(matches!(at(age), Standing::Fresh { .. }), "{age}");
    }
    for age in [5_001, 14_999, 15_000] {
        assert!(matches!(at(age), Standing::Stale { .. }), "{age}");
    }
    for age in [15_001, 1 << 40] {
        assert!(matches!(at(age), Standing::Closed { .. }), "{age}");
    }
    for longest in [Duration::ZERO, Duration::MAX] {
        let policy = FreshnessPolicy { ttl: longest, max_stale: longest };
        let _never_overflows = judge(Some(&contact(asked)), policy, &moment(i64::MAX, u64::MAX >> 22, 1));
    }
    assert!(matches!(judge(None, POLICY, &asked), Standing::Closed { age: None }), "without a contact");
    let rebooted = moment(999_999, 5, 2);
    assert!(matches!(judge(Some(&contact(asked)), POLICY, &rebooted), Standing::Closed { .. }), "a clock set back");
}

/// A hundred thousand steps of asking, hearing, waiting and starting anew: what is served is never older than its time.
#[test]
fn bug_96_a_copy_outlives_its_time() {
    let mut state = 96_u64;
    let mut next = |end: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    let position = |revision| Position { epoch: Epoch(1), revision: Revision(revision) };
    let (mut now_ms, mut lead, mut applied) = (1_000_000_u64, 1_u64, 1_u64);
    let mut vouching = Vouching::new(position(applied));
    // What the lead has really said: when it was asked, and how far it stood then.
    let (mut asked, mut held): (Vec<(u64, u64)>, Option<Contact>) = (Vec::new(), None);
    let mut served = 0;
    for step in 0..100_000 {
        match next(6) {
            0 => now_ms += next(4_000),
            1 => lead += next(3),
            2 => asked.push((now_ms, lead)),
            3 => {
                if let Some((at, stood)) = asked.pop() {
                    let wall = i64::try_from(at).expect("short");
                    held = vouching.heard(moment(wall, at, 1), position(stood)).or(held);
                }
            }
            4 => {
                applied = (applied + next(3)).min(lead);
                held = vouching.applied(position(applied)).or(held);
            }
            _ => {
                vouching.begin();
                asked.clear();
            }
        }
        let now = moment(i64::try_from(now_ms).expect("short"), now_ms, 1);
        if let (Standing::Fresh { age } | Standing::Stale { age }, Some(contact)) =
            (judge(held.as_ref(), POLICY, &now), held)
        {
            served += 1;
            let true_age = now_ms - u64::try_from(contact.at.boot.0.as_millis()).expect("short");
            assert_eq!(age, Duration::from_millis(true_age), "step {step}");
            assert!(true_age <= 15_000 && contact.position.revision.get() <= applied, "step {step}: {contact:?}");
        }
    }
    assert!(served > 20, "{served}");
}

/// Whoever comes after somebody of the same name has nothing of theirs, and they have nothing of his.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_97_what_was_taken_away_comes_back_with_the_name() {
    let mesh = with_secrets().await;
    agent(&mesh, "robot", &json!({})).await;
    let first = key(&mesh, "robot", &json!({})).await;
    let socket = mesh.lead.agent_socket();
    assert_eq!(with_key(&socket, &first, "GET", SECRET, &[], "").await.status, 200);
    done(&mesh, "DELETE", "/api/agents/robot/keys/ci", &Value::Null).await;
    let second = key(&mesh, "robot", &json!({})).await;
    assert_ne!(first, second);
    assert_eq!(with_key(&socket, &first, "GET", SECRET, &[], "").await.status, 401);
    assert_eq!(with_key(&socket, &second, "GET", SECRET, &[], "").await.status, 200);
    let old = join_by_hand(&mesh, "alpha", prod(&[])).await;
    mesh.lead.vault().remove(&admin(), node("alpha"), None).await.expect("removed");
    let new = join_by_hand(&mesh, "alpha", prod(&[])).await;
    let ended = turned_away(mesh.lead.config.mesh.listen, Some(&old)).await;
    assert!(matches!(ended, TransportError::PeerRefusedUs { refusal: Refusal::NotAdmitted }), "{ended:?}");
    assert!(dial(mesh.lead.config.mesh.listen, MEMBER, Some(&new)).await.is_ok());
    let version = mesh.put(put("a/b", "global", "one")).await.version;
    mesh.delete(place("a/b", "global")).await;
    let again = mesh.put(put("a/b", "global", "two")).await.version;
    assert!(again > version, "{again} after {version}");
}

/// Data, version, revision and log of every change are there together.
#[tokio::test]
async fn bug_102_an_index_says_something_else_than_the_data() {
    let mut mesh = TestMesh::start().await;
    for (number, scope) in ["global", "company:acme", "node:vengeance"].iter().cycle().take(24).enumerate() {
        mesh.put(put(&format!("service-{}/key", number % 5), scope, &format!("value {number}"))).await;
        if number % 7 == 3 {
            mesh.delete(place(&format!("service-{}/key", number % 5), scope)).await;
        }
    }
    let told = mesh.lead.vault().health().revision;
    mesh.lead.stop().await;
    let (store, contents) = Store::open(&mesh.lead.store_file()).await.expect("opens");
    store.close().await.expect("closes");
    assert_eq!(contents.position.revision, told);
    let newest = contents.records.iter().map(|record| record.revision).max();
    let logged = contents.log.iter().map(|entry| entry.revision).max();
    assert_eq!((newest, logged), (Some(told), Some(told)));
    let revisions: Vec<u64> = contents.log.iter().map(|entry| entry.revision.get()).collect();
    assert!(revisions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{revisions:?}");
    for record in &contents.records {
        let mark = contents.high_water.iter().find(|(at, _)| *at == record.at).map(|(_, version)| *version);
        assert_eq!(mark, Some(record.version), "{}", record.at);
    }
}

/// The stream of changes goes forward only, has every one of them once, and goes on behind any of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_103_a_watcher_is_told_of_the_past_or_of_nothing() {
    let mesh = TestMesh::start().await;
    let socket = mesh.lead.agent_socket();
    let mut whole = Watcher::from_now(&socket, "/api/watch").await;
    let mut wanted = Vec::new();
    for number in 0..12 {
        wanted.push(
            mesh.put(put(&format!("service-{}/key", number % 3), "global", &format!("value {number}")))
                .await
                .revision
                .get(),
        );
    }
    let mut ids = Vec::new();
    for revision in &wanted {
        let event = whole.next().await;
        assert_eq!(event.data["revision"], json!(revision), "{event:?}");
        ids.push(event.id);
    }
    for (at, id) in ids.iter().enumerate().step_by(3) {
        let mut rest = Watcher::open(&socket, "/api/watch", &[("Last-Event-ID", id)]).await;
        for revision in &wanted[at + 1..] {
            let event = loop {
                let event = rest.next().await;
                if event.name == "changed" {
                    break event;
                }
            };
            assert_eq!(event.data["revision"], json!(revision), "behind {id}");
        }
    }
}

/// A file that cannot be read is no empty one: neither a store nor a journal begins anew over it.
#[tokio::test]
async fn bug_105_an_error_of_the_disk_reads_as_the_end() {
    let mut mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "value")).await;
    mesh.lead.stop().await;
    let file = mesh.lead.store_file();
    let whole = std::fs::read(&file).expect("a store");
    for bytes in [&whole[..0], &whole[..whole.len() / 2], &whole[..100]] {
        std::fs::write(&file, bytes).expect("written");
        assert!(Store::open(&file).await.is_err(), "{} bytes", bytes.len());
        assert_eq!(std::fs::read(&file).expect("there").len(), bytes.len(), "it was left as it is");
    }
    std::fs::remove_file(&file).expect("removed");
    assert!(matches!(Store::open(&file).await, Err(StoreError::Missing { .. })));
    assert!(!file.exists(), "opening makes none");
    std::fs::create_dir(&file).expect("made");
    assert!(Store::open(&file).await.is_err());
    std::fs::remove_dir(&file).expect("removed");
    std::fs::write(&file, &whole).expect("written");
    let audit = mesh.lead.config.node.state_dir.join("audit");
    let aside = audit.with_extension("aside");
    std::fs::rename(&audit, &aside).expect("moved");
    std::fs::write(&audit, b"no directory").expect("written");
    let seams = mesh.lead.seams();
    let started = aurora_mesh::daemon::node::RunningNode::start(&mesh.lead.config, None, &seams).await;
    assert!(started.is_err(), "a node without its journal does not start");
    std::fs::remove_file(&audit).expect("removed");
    std::fs::rename(&aside, &audit).expect("moved");
    mesh.lead.start().await;
    assert_eq!(mesh.lead.value(read("hubspot/api_key", None)).await.expect("there"), "value");
    let gone = mesh.lead.value(read("hubspot/none", None)).await;
    assert!(matches!(gone, Err(VaultError::NotFound { .. } | VaultError::OfSecret { .. })), "{gone:?}");
}

/// An older key exchange, an older cipher, an older protocol: nothing of it is spoken, and who asks for it harms nobody.
#[tokio::test]
async fn bug_107_two_nodes_are_talked_down() {
    let mesh = TestMesh::start().await;
    let papers = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let lead = mesh.lead.config.mesh.listen;
    for group in [kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1] {
        let weak = CryptoProvider { kx_groups: vec![group], ..default_provider() };
        let refused = dial_with(lead, MEMBER, Some(&papers), weak).await.err();
        let in_time = refused.as_ref().is_some_and(|error| !matches!(error, TransportError::TimedOut { .. }));
        assert!(in_time, "{:?}: {refused:?}", group.name());
    }
    let strong = dial_with(lead, MEMBER, Some(&papers), default_provider()).await;
    assert!(strong.is_ok(), "the control: the same papers with the groups of today");
    for protocol in [&b"aurora/0"[..], b"aurora", b"hq-29", b"aurora/1\0"] {
        assert!(dial(lead, protocol, Some(&papers)).await.is_err());
    }
    let oldest = version::offered().into_iter().min().expect("one");
    for versions in [vec![], vec![0], vec![oldest - 1], vec![u16::MAX]] {
        let mut member = dial(lead, MEMBER, Some(&papers)).await.expect("let in");
        let hello = Hello { versions, build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [1; 16] };
        member.act([Stream, name_stream(StreamKind::Control), say::<control::FromFollower>(hello)]).await;
        let ended = member.ended().await;
        assert!(matches!(ended, TransportError::Closed { code: CloseCode::VersionUnsupported, .. }), "{ended:?}");
    }
    let mut member = dial(lead, MEMBER, Some(&papers)).await.expect("let in");
    let hello = Hello { versions: version::offered(), build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [1; 16] };
    member.act([Stream, name_stream(StreamKind::Control), say::<control::FromFollower>(hello), Hear]).await;
    assert!(member.connection.close_reason().is_none(), "the positive control");
}

/// The program is built so that its memory is hard to use against it.
#[test]
fn bug_108_the_program_is_not_hardened() {
    let bytes = std::fs::read(AURORA).expect("the program");
    let number = |at: usize, count: usize| -> u64 {
        bytes[at..at + count].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    let index = |number: u64| usize::try_from(number).expect("a place in a file");
    assert_eq!((&bytes[..4], bytes[4], bytes[5]), (&b"\x7fELF"[..], 2, 1), "64 bits, the least first");
    assert_eq!(number(16, 2), 3, "it can be loaded anywhere");
    let (table, entry, count) = (index(number(32, 8)), index(number(54, 2)), index(number(56, 2)));
    let headers: Vec<usize> = (0..count).map(|at| table + at * entry).collect();
    let of_kind = |kind: u64| headers.iter().find(|at| number(**at, 4) == kind).copied();
    let stack = of_kind(0x6474_e551).expect("a word about the stack");
    assert_eq!(number(stack + 4, 4) & 1, 0, "the stack is not executed");
    assert!(of_kind(0x6474_e552).is_some(), "relocations become read-only");
    let writable_code = headers.iter().filter(|at| number(**at, 4) == 1 && number(**at + 4, 4) & 3 == 3).count();
    assert_eq!(writable_code, 0, "nothing is both written and executed");
    let dynamic = of_kind(2).expect("it is dynamic");
    let (start, size) = (index(number(dynamic + 8, 8)), index(number(dynamic + 32, 8)));
    let tags: Vec<(u64, u64)> =
        (start..start + size).step_by(16).map(|at| (number(at, 8), number(at + 8, 8))).collect();
    let has = |wanted: u64| tags.iter().any(|(tag, _)| *tag == wanted);
    assert!(!has(15) && !has(29), "no path of its own for libraries");
    let now = tags
        .iter()
        .any(|(tag, value)| *tag == 24 || *tag == 30 && value & 8 != 0 || *tag == 0x6fff_fffb && value & 1 != 0);
    assert!(now, "everything is bound at the start");
}
