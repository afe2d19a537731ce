//! What is too large, too deep, too many or no sense at all.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;

use aurora_mesh::catalogue::lookup::Catalogue;
use aurora_mesh::config::node_config::{Defaults, LimitsSection};
use aurora_mesh::config::parse::parse;
use aurora_mesh::config::paths::Paths;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::shares::Quorum;
use aurora_mesh::delivery::template::Template;
use aurora_mesh::interchange::entry::Format;
use aurora_mesh::interchange::read::read as read_file;
use aurora_mesh::policy::file::parse as parse_policy;
use aurora_mesh::store::handle::Store;
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::error::TransportError;
use aurora_mesh::wire::frame::{Frame, decode};
use aurora_mesh::wire::open::{self, StreamKind};
use aurora_mesh::wire::{audit, connectivity, control, join, request, rules, subscription};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::authorisation::known;
use super::may_look_into_a_node;
use crate::agents::stage::{SECRET, mesh as with_secrets, owner};
use crate::support::callers::{put, read};
use crate::support::forge::join_by_hand;
use crate::support::http;
use crate::support::intruder::Deed::{Bytes, Stream};
use crate::support::intruder::{JOINER, MEMBER, dial, name_stream};
use crate::support::log::Log;
use crate::support::mesh::{TestMesh, prod};
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

/// Numbers nobody chose, the same in every run.
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).expect("64 bits") % end.max(1)
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| u8::try_from(self.next() % 256).expect("a byte")).collect()
    }
}

/// A length in a frame is a claim: whatever it claims, a short frame is refused for what it is.
#[test]
fn bug_68_a_small_frame_asks_for_much_memory() {
    fn refuses<F: Frame + std::fmt::Debug>() {
        let claims: [&[u8]; 4] = [
            &[0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0x80],
            &[0xfc, 0xff, 0xff, 0xff, 0x7f],
            &[0xfb, 0xff, 0xff],
        ];
        for number in known::<F>() {
            for claim in claims {
                for before in 0..60 {
                    let frame = [&[1][..], &number.to_be_bytes(), &vec![1; before], &claim.repeat(3)].concat();
                    // A frame of numbers alone may hold such numbers; one that holds a list of so many things may not.
                    if let Ok(read) = decode::<F>(&frame) {
                        assert!(format!("{read:?}").len() < 8 * frame.len() + 400, "{number}: {read:?}");
                    }
                }
            }
        }
    }
    refuses::<open::Opening>();
    refuses::<join::JoinAsk>();
    refuses::<join::JoinAnswer>();
    refuses::<control::FromFollower>();
    refuses::<control::FromLead>();
    refuses::<subscription::FromFollower>();
    refuses::<subscription::FromLead>();
    refuses::<request::FromFollower>();
    refuses::<request::FromLead>();
    refuses::<rules::FromFollower>();
    refuses::<rules::FromLead>();
    refuses::<connectivity::FromFollower>();
    refuses::<connectivity::FromLead>();
    refuses::<audit::FromFollower>();
    refuses::<audit::FromLead>();
}

/// What is announced too large is refused before it comes: by its length, on each door.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_69_a_gigabyte_is_waited_for() {
    let mesh = with_secrets().await;
    let admin = mesh.lead.agent_socket().with_file_name("admin.sock");
    for target in ["/api/secrets", "/api/agents", "/api/policy/plan"] {
        let request =
            format!("POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1073741824\r\n\r\n");
        let came = http::send(&admin, request.as_bytes()).await.expect("listens");
        let answer = http::Answer::parse(&came).unwrap_or_else(|| panic!("no answer at {target}"));
        assert_eq!(answer.status, 413, "{target}: {}", answer.body);
    }
    let alpha = join_by_hand(&mesh, "alpha", prod(&[])).await;
    for length in [1_u32 << 20 | 1, 1 << 30, 1 << 31, u32::MAX] {
        for (protocol, papers) in [(JOINER, None), (MEMBER, Some(&alpha))] {
            let announced = async || {
                let mut peer = dial(mesh.lead.config.mesh.listen, protocol, papers).await.expect("let in");
                peer.act([Stream, Bytes(length.to_be_bytes().to_vec())]).await;
                peer.ended().await
            };
            let mut ended = announced().await;
            // A lead forgets a connection a moment after it closed it. Who was not told by then is told that there is none.
            for _ in 0..5 {
                if !matches!(ended, TransportError::Broken(_)) {
                    break;
                }
                ended = announced().await;
            }
            let refused = matches!(&ended, TransportError::Closed { code: CloseCode::FrameTooLarge, .. });
            assert!(refused, "{length}: {ended:?}");
        }
    }
}

/// More joiners than the lead has room for, each with a beginning of a frame and no end: a real one still gets in.
#[tokio::test]
async fn bug_71_joins_that_never_end_take_all_the_room() {
    let mesh = TestMesh::start().await;
    let mut crowd = Vec::new();
    for _ in 0..40 {
        let Ok(mut stranger) = dial(mesh.lead.config.mesh.listen, JOINER, None).await else { continue };
        stranger.act([Stream, Bytes(vec![0, 0, 1, 0, 1, 2])]).await;
        crowd.push(stranger);
    }
    let turned_out = crowd.iter().filter(|stranger| stranger.connection.close_reason().is_some()).count();
    let newcomer = mesh.follower("alpha", prod(&[])).await;
    newcomer.is_fresh().await;
    assert!(crowd.len() >= 16 && turned_out < crowd.len(), "{turned_out} of {}", crowd.len());
}

#[tokio::test]
async fn bug_72_one_bad_peer_ends_the_listening() {
    let log = Log::capture();
    let mesh = TestMesh::start().await;
    let honest = mesh.follower("alpha", prod(&[])).await;
    honest.is_fresh().await;
    let lead = mesh.lead.config.mesh.listen;
    let mut noise = Noise(72);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    for _ in 0..500 {
        let count = noise.below(1400);
        let _sent = socket.send_to(&noise.bytes(count), lead);
    }
    for _ in 0..8 {
        let mut stranger = dial(lead, JOINER, None).await.expect("still listening");
        stranger.act([Stream, Bytes(noise.bytes(64))]).await;
        let _ended = stranger.ended().await;
        assert!(dial(lead, b"no-such-protocol", None).await.is_err());
    }
    let stored = mesh.put(put("hubspot/api_key", "global", "still")).await;
    honest.reaches(stored.revision).await;
    assert!(log.sessions_of("alpha") >= 1, "the log was heard");
    assert_eq!(log.disturbances(), Vec::<String>::new());
}

/// No lock is held where others wait: the compiler's lints forbid it, for every file.
#[test]
fn bug_73_a_lock_is_held_across_a_wait() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml")).expect("text").parse().expect("TOML");
    let lints = manifest["lints"]["clippy"].as_table().expect("lints");
    for lint in ["await_holding_lock", "unwrap_used", "large_futures", "todo", "unimplemented"] {
        assert_eq!(lints[lint].as_str(), Some("deny"), "{lint}");
    }
    assert_eq!(manifest["lints"]["rust"]["unsafe_code"].as_str(), Some("deny"));
    // A panic ends one task and not the process: supervision needs it.
    let profiles = manifest["profile"].as_table().expect("profiles");
    assert!(profiles.values().all(|profile| profile.get("panic").is_none()));
    for (path, bytes) in super::audit::files(&root.join("src")) {
        let text = String::from_utf8(bytes).expect("text");
        assert!(!text.contains("allow(clippy::await_holding_lock"), "{}", path.display());
    }
}

/// The first datagram of a true handshake, changed in 2,000 ways.
#[tokio::test]
async fn bug_74_a_datagram_brings_the_transport_down() {
    let log = Log::capture();
    let mesh = TestMesh::start().await;
    let honest = mesh.follower("alpha", prod(&[])).await;
    honest.is_fresh().await;
    let lead: SocketAddr = mesh.lead.config.mesh.listen;
    let trap = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    let at = trap.local_addr().expect("bound");
    let dialling = tokio::spawn(async move { dial(at, JOINER, None).await.is_ok() });
    let mut initial = vec![0; 2048];
    let (length, _) = trap.recv_from(&mut initial).await.expect("a datagram");
    dialling.abort();
    initial.truncate(length);
    assert!(length >= 1200, "the first of a handshake is padded");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    let mut noise = Noise(74);
    for _ in 0..2_000 {
        let mut other = initial.clone();
        for _ in 0..=noise.below(4) {
            let at = if noise.below(2) == 0 { noise.below(64) } else { noise.below(length) };
            other[at] ^= 1 << noise.below(8);
        }
        if noise.below(8) == 0 {
            other.truncate(noise.below(length));
        }
        let _sent = socket.send_to(&other, lead);
    }
    let stored = mesh.put(put("hubspot/api_key", "global", "still")).await;
    honest.reaches(stored.revision).await;
    assert!(log.sessions_of("alpha") >= 1, "the log was heard");
    assert_eq!(log.disturbances(), Vec::<String>::new());
    assert!(dial(lead, JOINER, None).await.is_ok());
}

/// A hundred thousand openings, in every language that is read here: an error, not an end of the stack.
#[test]
fn bug_75_what_is_nested_deep_ends_the_stack() {
    const DEEP: usize = 100_000;
    let bytes = |text: &str| Plaintext::new(text.as_bytes().to_vec());
    let defaults = || Defaults::of_paths(Paths::system());
    let toml = [
        format!("a = {}", "[".repeat(DEEP)),
        format!("a = {}", "{a=".repeat(DEEP)),
        format!("[{}a]", "a.".repeat(DEEP)),
    ];
    for text in &toml {
        assert!(parse(text, &defaults()).is_err());
        assert!(parse_policy(text).is_err());
        assert!(Catalogue::from_files([("deep", text.as_str())]).is_err());
    }
    for text in ["[".repeat(DEEP), "{\"a\":".repeat(DEEP), format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP))] {
        assert!(read_file(Format::Json, "deep", &bytes(&text)).is_err());
        assert!(read_file(Format::Yaml, "deep", &bytes(&text)).is_err());
        assert!(aurora_mesh::audit::seal_text::parse(text.as_bytes()).is_none());
        assert!(aurora_mesh::events::posting::text(&text).is_err());
    }
    let blocks: String = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(read_file(Format::Yaml, "deep", &bytes(&format!("a: {}", "- ".repeat(DEEP)))).is_err());
    assert!(read_file(Format::Yaml, "deep", &bytes(&blocks)).is_err());
    for text in [
        format!("{{{{ {}1{} }}}}", "(".repeat(DEEP), ")".repeat(DEEP)),
        "{% if 1 %}".repeat(20_000),
        format!("{{{{ {}1 }}}}", "-".repeat(DEEP)),
        format!("{{{{ {}1 }}}}", "not ".repeat(DEEP)),
    ] {
        let template = Template::parse(text);
        assert!(template.is_err() || template.is_ok_and(|template| template.render().is_err()));
    }
}

#[tokio::test]
async fn bug_76_clients_that_die_leave_their_files_open() {
    if !may_look_into_a_node() {
        return;
    }
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let count = || std::fs::read_dir(format!("/proc/{}/fd", lead.pid().as_raw_nonzero())).expect("readable").count();
    lead.health().await;
    let before = count();
    for round in 0..300 {
        let Ok(mut stream) = UnixStream::connect(lead.agent()).await else { continue };
        if round % 3 > 0 {
            let _cut = stream.write_all(&b"GET /api/secrets HTTP/1.1\r\n"[..round % 27]).await;
        }
    }
    eventually("as many files are open as before", || async { (count() <= before + 2).then_some(()) }).await;
    assert_eq!(lead.health().await["node"], "aurora");
}

/// A store whose file was changed in one place: it opens, or it says what is wrong; never anything else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_78_an_altered_store_brings_the_node_down() {
    let mut mesh = with_secrets().await;
    mesh.lead.stop().await;
    let whole = std::fs::read(mesh.lead.store_file()).expect("a store");
    let directory = tempfile::tempdir().expect("a directory");
    let mut noise = Noise(78);
    let (mut opened, mut refused) = (0, 0);
    for round in 0..120 {
        let mut other = whole.clone();
        // Most of a file is empty pages: two of three changes are made where something stands.
        let mut at = noise.below(other.len());
        while round % 3 > 0 && other[at] == 0 {
            at = noise.below(other.len());
        }
        match round % 4 {
            0 => other.truncate(at),
            1 => other[at..].iter_mut().take(64).for_each(|byte| *byte = 0xff),
            _ => other[at] ^= 1 << noise.below(8),
        }
        let path = directory.path().join(format!("store-{round}.redb"));
        std::fs::write(&path, &other).expect("written");
        let opening = tokio::time::timeout(std::time::Duration::from_secs(20), Store::open(&path));
        match opening.await.unwrap_or_else(|_| panic!("round {round} hangs")) {
            Ok((store, _)) => {
                opened += 1;
                let _closed = store.close().await;
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
        std::fs::remove_file(&path).expect("removed");
    }
    assert!(refused >= 20, "{refused} refused, {opened} opened");
}

#[test]
fn bug_79_a_setting_that_makes_no_sense_is_taken() {
    let keys = [
        ("limits", "value_bytes_max"),
        ("limits", "log_revisions"),
        ("limits", "versions_kept"),
        ("limits", "connections"),
        ("limits", "connections_per_uid"),
        ("cache", "ttl"),
        ("cache", "max_stale"),
        ("audit", "file_bytes_max"),
        ("audit", "keep_months"),
        ("audit", "spool_bytes_max"),
        ("audit", "reserve_bytes"),
    ];
    let node = "[node]\nname = \"aurora\"\nrole = \"lead\"\nenvironment = \"prod\"\n";
    let defaults = Defaults::of_paths(Paths::system());
    assert!(parse(node, &defaults).is_ok(), "the rest is right");
    for (section, key) in keys {
        for value in ["-1", "nan", "inf", "1e999", "1.5", "\"\"", "\"-1s\"", "\"18446744073709551615d\"", "[]", "true"]
        {
            let text = format!("{node}[{section}]\n{key} = {value}\n");
            let refused = parse(&text, &defaults).expect_err(&text).to_string();
            let names_it = refused.contains(&format!("{section}.{key}")) || refused.contains("line 6");
            assert!(names_it, "{section}.{key} = {value}: {refused}");
        }
    }
}

/// Whatever is a list has an end that is checked first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_80_a_list_is_as_long_as_it_says() {
    assert!(Quorum::new(2, 17).is_err() && Quorum::new(17, 17).is_err() && Quorum::new(1, 1).is_err());
    let leads = (0..17).map(|port| format!("\"localhost:{}\"", 7000 + port)).collect::<Vec<_>>().join(",");
    let text =
        format!("[node]\nname = \"a\"\nrole = \"follower\"\nenvironment = \"prod\"\n[mesh]\nleads = [{leads}]\n");
    assert!(parse(&text, &Defaults::of_paths(Paths::system())).is_err());
    let mesh = TestMesh::start().await;
    let names = |count: usize| (0..count).map(|number| format!("c{number}")).collect::<Vec<_>>();
    let globs = |count: usize| (0..count).map(|number| format!("s{number}/*")).collect::<Vec<_>>();
    for body in [json!({"node": "a", "companies": names(10_000)}), json!({"node": "a", "allow": globs(10_000)})] {
        let refused = owner(&mesh, "POST", "/api/tokens", &body).await;
        assert!(matches!(refused.status, 400 | 413), "{}", refused.body);
    }
    let tags = json!({"service": "a", "key_name": "b", "key_value": "c", "metadata": {"tags": names(1_000)}});
    assert_eq!(owner(&mesh, "POST", "/api/secrets", &tags).await.status, 400);
    let fields: Vec<_> = names(1_000).iter().map(|name| json!({"name": name, "type": "secret"})).collect();
    let fields = json!({"service": "a", "key_name": "b", "key_value": "{}", "fields": fields});
    assert_eq!(owner(&mesh, "POST", "/api/secrets", &fields).await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_82_one_caller_takes_every_connection() {
    let mut mesh = with_secrets().await;
    mesh.lead.stop().await;
    mesh.lead.config.limits = LimitsSection { connections_per_uid: 4, ..LimitsSection::default() };
    mesh.lead.start().await;
    let socket = mesh.lead.agent_socket();
    let mut idle = Vec::new();
    for _ in 0..4 {
        idle.push(UnixStream::connect(&socket).await.expect("listens"));
    }
    eventually("one more is told that it is one too many", || async {
        let answer = http::try_ask(&socket, "GET", SECRET, &[], "").await;
        answer.is_none_or(|answer| answer.status == 429).then_some(())
    })
    .await;
    let health = http::try_ask(&socket, "GET", "/health", &[], "").await;
    assert!(health.is_some_and(|answer| answer.status == 200), "how the node is, it still says");
    idle.clear();
    eventually("those who wait are served", || async {
        let answer = http::try_ask(&socket, "GET", SECRET, &[], "").await?;
        (answer.status == 200).then_some(())
    })
    .await;
    assert!(mesh.lead.value(read("openai/api_key", None)).await.is_ok());
}

/// A member that opens streams without end gets no more of them than there are kinds, and the others do not notice.
#[tokio::test]
async fn bug_82_one_member_takes_every_stream() {
    let mesh = TestMesh::start().await;
    let honest = mesh.follower("alpha", prod(&[])).await;
    honest.is_fresh().await;
    let papers = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let mut mallory = dial(mesh.lead.config.mesh.listen, MEMBER, Some(&papers)).await.expect("let in");
    let opening = async {
        for _ in 0..200 {
            mallory.act([Stream, name_stream(StreamKind::Request)]).await;
            if mallory.connection.close_reason().is_some() {
                return;
            }
        }
        panic!("200 streams were opened");
    };
    let _ended = tokio::time::timeout(std::time::Duration::from_secs(20), opening).await;
    let stored = mesh.put(put("hubspot/api_key", "global", "still")).await;
    honest.reaches(stored.revision).await;
    let mut stream = UnixStream::connect(mesh.lead.agent_socket()).await.expect("listens");
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
