//! Who is who: names, certificates, tokens.

use aurora_mesh::crypto::join_token::JoinSecret;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::record::{open, seal};
use aurora_mesh::crypto::scope_key::ScopeKey;
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::model::identity::{MeshId, Role};
use aurora_mesh::model::name::{AgentName, CompanyId, EnvironmentName, GrantName, KeyName, NodeName, ServiceName};
use aurora_mesh::model::number::{Generation, Version};
use aurora_mesh::model::record::SealedValue;
use aurora_mesh::model::secret::{Scope, ScopedSecret, SecretAddress};
use aurora_mesh::policy::file::parse as parse_policy;
use aurora_mesh::transport::authority::{Authority, NODE_LIFETIME};
use aurora_mesh::transport::certificate::pin;
use aurora_mesh::transport::endpoint::Endpoint;
use aurora_mesh::transport::error::{Refusal, TransportError};
use aurora_mesh::transport::node_key::NodeKey;
use aurora_mesh::transport::spiffe::PeerIdentity;
use aurora_mesh::transport::tls::JoinTls;
use aurora_mesh::wire::control::{self, Heartbeat, Hello};
use aurora_mesh::wire::join::{Join, JoinAnswer, Refused, RefusedReason, Rejoin};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::request::{self, Failed, FailureReason, Renew};
use aurora_mesh::wire::version;
use rcgen::SanType;
use serde_json::{Value, json};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::papers::{again, by_a_node, greedy_request, shaped, uri};
use crate::agents::stage::{admin_socket, agent, done, key, mesh as with_secrets, owner, with_key};
use crate::support::callers::{admin, environment, node, put, secret};
use crate::support::forge::{Forge, Papers, ask_as_stranger, ask_by_hand, join_by_hand, now};
use crate::support::http;
use crate::support::intruder::Deed::{Hear, Stream};
use crate::support::intruder::{Intruder, MEMBER, dial, name_stream, say, turned_away};
use crate::support::mesh::{TestMesh, prod};
use crate::support::wait::eventually;

/// Other spellings of `robot`: upper case, blanks, another script, wide letters, a zero byte, an invisible character.
const SPELLINGS: [&str; 9] =
    ["Robot", "ROBOT", " robot", "robot ", "rоbot", "ｒｏｂｏｔ", "robot\0", "ro\u{200b}bot", "robot\n"];

fn refusal(ended: TransportError) -> Refusal {
    let TransportError::PeerRefusedUs { refusal } = ended else { panic!("{ended:?}") };
    refusal
}

/// A member that has been welcomed, with a stream for questions.
async fn member(mesh: &TestMesh, papers: &Papers) -> Intruder {
    let mut member = dial(mesh.lead.config.mesh.listen, MEMBER, Some(papers)).await.expect("let in");
    let hello = Hello { versions: version::offered(), build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [1; 16] };
    member.act([Stream, name_stream(StreamKind::Control), say::<control::FromFollower>(hello), Hear]).await;
    member.act([Stream, name_stream(StreamKind::Request)]).await;
    member
}

/// A name has one spelling, so whatever is counted by name is counted in one place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_01_a_second_spelling_of_a_name_escapes_a_counter() {
    let mesh = with_secrets().await;
    agent(&mesh, "robot", &json!({"limit_rpm": 2})).await;
    for spelling in SPELLINGS {
        assert!(AgentName::parse(spelling).is_err() && NodeName::parse(spelling).is_err(), "{spelling:?}");
        assert!(ServiceName::parse(spelling).is_err() && CompanyId::parse(spelling).is_err(), "{spelling:?}");
        let body = json!({"name": spelling, "secrets": ["*"], "environments": ["prod"]});
        let refused = owner(&mesh, "POST", "/api/agents", &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "bad_name"), "{spelling:?}: {}", refused.body);
    }
    let listed = done(&mesh, "GET", "/api/agents", &Value::Null).await;
    assert_eq!(listed["agents"].as_array().expect("a list").len(), 1, "{listed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_02_an_answer_tells_what_there_is_from_what_there_is_not() {
    let mesh = with_secrets().await;
    agent(&mesh, "robot", &json!({"secrets": ["stripe/*"]})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let socket = mesh.lead.agent_socket();
    for route in ["", "/versions"] {
        let mut told = Vec::new();
        for name in ["api_key", "no_key_"] {
            let target = format!("/api/secrets/hubspot/{name}{route}");
            let answer = with_key(&socket, &key, "GET", &target, &[], "").await;
            let id = answer.header("x-request-id").expect("an id").to_owned();
            told.push((answer.status, answer.body.replace(&id, "").replace(name, "")));
        }
        assert_eq!(told[0].0, 403);
        assert_eq!(told[0], told[1], "{route}");
    }
}

#[tokio::test]
async fn bug_03_a_one_time_code_works_again_in_another_spelling() {
    let mesh = TestMesh::start().await;
    let token = mesh.token("alpha", prod(&[])).await;
    let csr = || NodeKey::generate().expect("a key").csr().expect("csr");
    assert!(matches!(ask_by_hand(&mesh, &token, csr()).await, JoinAnswer::Admitted(_)));
    let text = String::from_utf8(token.text().expose().to_vec()).expect("text");
    let wide: String = text.replace('0', "０").replace('1', "１").replace('2', "２");
    let spellings =
        [text.clone(), format!(" {text}"), format!("{text} "), format!("{text}\n"), wide, text.to_uppercase()];
    let mut refused = 0;
    for spelling in &spellings {
        let Ok(read) = JoinSecret::parse(spelling) else { continue };
        assert_eq!(read.hash(), token.hash(), "{spelling:?} is another token");
        let answer = ask_by_hand(&mesh, &read, csr()).await;
        assert_eq!(answer, JoinAnswer::from(Refused { reason: RefusedReason::TokenConsumed }), "{spelling:?}");
        refused += 1;
    }
    assert!(refused >= 1, "the token itself is read");
}

/// What stands for everything, or for those in charge, is nobody's name, wherever one is given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_06_a_name_that_is_normalised_becomes_a_reserved_one() {
    let mesh = TestMesh::start().await;
    for word in ["root", "global", "lead", "_", "*", "ROOT", " root", "root\u{200b}", "Lead", "glo\u{301}bal"] {
        assert!(GrantName::parse(word).is_err() && AgentName::parse(word).is_err(), "{word:?}");
        assert!(NodeName::parse(word).is_err() && EnvironmentName::parse(word).is_err(), "{word:?}");
        let asks = [
            ("/api/agents", json!({"name": word, "secrets": ["*"], "environments": ["prod"]})),
            ("/api/tokens", json!({"node": word})),
            ("/api/tokens", json!({"node": "alpha", "companies": [word, "acme"]})),
            ("/api/tokens", json!({"node": "alpha", "environment": word})),
            (
                "/api/secrets",
                json!({"service": "a", "key_name": "b", "key_value": "c", "scope": "company", "scope_id": word}),
            ),
            (
                "/api/secrets",
                json!({"service": "a", "key_name": "b", "key_value": "c", "scope": "node", "scope_id": word}),
            ),
        ];
        for (target, body) in asks {
            if word == "*" && body["companies"].is_array() {
                continue;
            }
            let refused = owner(&mesh, "POST", target, &body).await;
            assert_eq!(refused.status, 400, "{word:?} in {target}: {}", refused.body);
        }
        let grant = crate::policy_file::grant(&word.replace(['\u{200b}', '\u{301}'], "\\u200b"), "owner", "a");
        assert!(parse_policy(&grant).is_err(), "{word:?} names a grant");
    }
    assert_eq!(mesh.lead.vault().health().revision.get(), 0, "nothing was stored");
}

/// Serial number, subject and names are those of a member: what counts is the key of whoever signed.
#[tokio::test]
async fn bug_07_a_certificate_is_known_by_its_serial_number() {
    let mesh = TestMesh::start().await;
    let alpha = join_by_hand(&mesh, "alpha", prod(&[])).await;
    let impostor = Forge::impostor(mesh.lead.vault().mesh());
    let names = || vec![uri(impostor.mesh, "follower", "alpha")];
    let alike = shaped(&impostor, &alpha.key, "alpha", names());
    let dressed = Papers { chain: vec![alike.chain[0].clone()], key: again(&alpha.key) };
    let with_the_true_leaf_behind =
        Papers { chain: vec![alike.chain[0].clone(), alpha.chain[0].clone()], key: again(&alpha.key) };
    let lead = mesh.lead.config.mesh.listen;
    assert_eq!(refusal(turned_away(lead, Some(&alike)).await), Refusal::ForeignAuthority);
    assert_eq!(refusal(turned_away(lead, Some(&dressed)).await), Refusal::ForeignAuthority);
    // Which of its faults a longer chain is refused for is not promised.
    let _refused: Refusal = refusal(turned_away(lead, Some(&with_the_true_leaf_behind)).await);
}

/// The subject carries no authority: not to be somebody, and not to be somebody else.
#[tokio::test]
async fn bug_08_the_common_name_says_who_it_is() {
    let mut mesh = TestMesh::start().await;
    let forge = Forge::of(&mut mesh.lead).await;
    join_by_hand(&mesh, "alpha", prod(&[])).await;
    let mallory = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let lead = mesh.lead.config.mesh.listen;
    let only_a_common_name = shaped(&forge, &mallory.key, "mallory", Vec::new());
    assert_eq!(refusal(turned_away(lead, Some(&only_a_common_name)).await), Refusal::BadIdentity);
    let as_alpha = shaped(&forge, &mallory.key, "mallory", vec![uri(forge.mesh, "follower", "alpha")]);
    assert_eq!(refusal(turned_away(lead, Some(&as_alpha)).await), Refusal::NotAdmitted);
    let called_alpha = shaped(&forge, &mallory.key, "alpha", vec![uri(forge.mesh, "follower", "mallory")]);
    let mut session = dial(lead, MEMBER, Some(&called_alpha)).await.expect("let in");
    let hello = Hello { versions: version::offered(), build: "0".to_owned(), epoch: 0, revision: 0, boot_id: [1; 16] };
    let beat = Heartbeat { stamp: 1, revision: 0, cache_entries: 0, load_milli: 0, uptime_ms: 0 };
    session.act([Stream, name_stream(StreamKind::Control), say::<control::FromFollower>(hello), Hear]).await;
    session.act([say::<control::FromFollower>(beat)]).await;
    eventually("it is heard of as who its key is", || async {
        let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
        let heard = |name: &str| nodes.iter().any(|line| line.name == node(name) && line.last_heard.is_some());
        assert!(!heard("alpha"), "it is not who its subject says");
        heard("mallory").then_some(())
    })
    .await;
}

/// Who was thrown out is known before the lead listens.
#[tokio::test]
async fn bug_09_the_list_of_the_revoked_is_loaded_too_late() {
    let mut mesh = TestMesh::start().await;
    let mallory = join_by_hand(&mesh, "mallory", prod(&[])).await;
    mesh.lead.vault().ban(&admin(), node("mallory"), "a drill".to_owned()).await.expect("banned");
    for _ in 0..3 {
        mesh.lead.stop().await;
        mesh.lead.start().await;
        assert_eq!(refusal(turned_away(mesh.lead.config.mesh.listen, Some(&mallory)).await), Refusal::Revoked);
    }
}

/// What is parsed before anybody is known: each cut and each flipped bit of a certificate and of a signing request.
#[test]
fn bug_11_a_parser_panics_before_the_signature_is_checked() {
    let mesh = MeshId([7; 16]);
    let authority = Authority::generate(&mesh, now()).expect("an authority");
    let csr = NodeKey::generate().expect("a key").csr().expect("csr");
    let identity = PeerIdentity { mesh, role: Role::Follower, node: node("alpha") };
    let certificate = authority.issue(&csr, &identity, now(), NODE_LIFETIME).expect("issued");
    assert!(pin(&certificate).is_some() && Authority::requested_pin(&csr).is_ok(), "whole they read");
    for end in 0..certificate.len() {
        assert_eq!(PeerIdentity::of_certificate(&certificate[..end]), None, "cut at {end}");
    }
    for end in 0..csr.len() {
        assert!(Authority::requested_pin(&csr[..end]).is_err(), "cut at {end}");
    }
    let mut refused = 0;
    for bit in 0..csr.len() * 8 {
        let mut other = csr.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        match Authority::requested_pin(&other) {
            Ok(found) => assert_eq!(Ok(found), Authority::requested_pin(&csr).map_err(drop), "bit {bit}: another key"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > csr.len() * 7, "{refused} of {} bits", csr.len() * 8);
    for bit in 0..certificate.len() * 8 {
        let mut other = certificate.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        let _read = (PeerIdentity::of_certificate(&other), pin(&other));
    }
}

#[tokio::test]
async fn bug_12_a_session_is_renewed_with_the_key_of_another() {
    let mesh = TestMesh::start().await;
    let alpha = join_by_hand(&mesh, "alpha", prod(&[])).await;
    let mallory = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let mut session = member(&mesh, &mallory).await;
    let ask = |id, key: &NodeKey| say::<request::FromFollower>(Renew { id, csr: key.csr().expect("csr") });
    session.act([ask(1, &alpha.key)]).await;
    assert_eq!(session.hears::<request::FromLead>().await, Failed { id: 1, reason: FailureReason::BadRequest }.into());
    session.act([ask(2, &mallory.key)]).await;
    let request::FromLead::Renewed(renewed) = session.hears().await else { panic!("its own key is renewed") };
    let told = PeerIdentity::of_certificate(&renewed.chain[0]).expect("an identity");
    assert_eq!((renewed.id, told.node), (2, node("mallory")));
}

#[tokio::test]
async fn bug_13_what_belongs_to_nobody_any_more_is_renewed() {
    let mesh = TestMesh::start().await;
    let token = mesh.token("other", prod(&[])).await;
    let mallory = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let mut session = member(&mesh, &mallory).await;
    mesh.lead.vault().ban(&admin(), node("mallory"), "a drill".to_owned()).await.expect("banned");
    let csr = mallory.key.csr().expect("csr");
    session.act([say::<request::FromFollower>(Renew { id: 1, csr: csr.clone() })]).await;
    let _ended: TransportError = session.ended().await;
    let answer = ask_as_stranger(&mesh, token.ca_pin(), Rejoin { csr: csr.clone() }).await;
    assert_eq!(answer, JoinAnswer::from(Refused { reason: RefusedReason::Banned }));
    mesh.lead.vault().remove(&admin(), node("mallory"), None).await.expect("removed");
    let answer = ask_as_stranger(&mesh, token.ca_pin(), Rejoin { csr }).await;
    assert!(matches!(answer, JoinAnswer::Refused(_)), "{answer:?}");
}

/// A token without a word about its end has one, and none is without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_14_what_has_no_end_is_taken_for_good() {
    let mesh = TestMesh::start().await;
    for life in
        [json!(0), json!(-1), json!(u64::MAX), json!(1e300), json!("never"), json!(1.5), json!(10 * 365 * 86_400_u64)]
    {
        let refused = owner(&mesh, "POST", "/api/tokens", &json!({"node": "alpha", "valid_for": life})).await;
        assert_eq!(refused.status, 400, "{life}: {}", refused.body);
    }
    let given = done(&mesh, "POST", "/api/tokens", &json!({"node": "alpha"})).await;
    let end = given["expires_at"].as_str().expect("an end");
    let end = aurora_mesh::model::time::Timestamp::parse(end).expect("a time");
    let life = end.since(now()).expect("later");
    assert!(life <= std::time::Duration::from_secs(600), "{life:?}");
}

#[tokio::test]
async fn bug_15_a_token_is_good_where_it_was_not_made_for() {
    let (ours, theirs) = (TestMesh::start().await, TestMesh::start().await);
    let token = ours.token("alpha", prod(&[])).await;
    let foreign = theirs.token("alpha", prod(&[])).await;
    let csr = NodeKey::generate().expect("a key").csr().expect("csr");
    let token_secret = token.secret().expose().try_into().expect("32 bytes");
    let ask = Join { token_secret, csr, sealing_key: [7; 32] };
    let answer = ask_as_stranger(&theirs, foreign.ca_pin(), ask.clone()).await;
    assert_eq!(answer, JoinAnswer::from(Refused { reason: RefusedReason::UnknownToken }));
    // A machine that keeps to its token does not even ask there.
    let tls = JoinTls::new(token.ca_pin(), theirs.lead.clock.clone()).expect("settings");
    let endpoint = Endpoint::dialling(([127, 0, 0, 1], 0).into()).expect("binds");
    let refused = endpoint.join(theirs.lead.config.mesh.listen, &tls, &ask.into()).await.expect_err("another mesh");
    assert!(refused.to_string().contains("authority"), "{refused}");
}

#[tokio::test]
async fn bug_16_what_a_signing_request_asks_for_is_signed() {
    let mesh = TestMesh::start().await;
    let id = mesh.lead.vault().mesh();
    let dns = || SanType::DnsName("aurora".try_into().expect("ASCII"));
    let wishes = [
        ("one", vec![uri(id, "lead", "aurora")]),
        ("two", vec![uri(id, "follower", "alpha"), uri(id, "lead", "aurora")]),
        ("three", vec![dns(), uri(MeshId([9; 16]), "follower", "three")]),
        ("four", Vec::new()),
    ];
    for (name, wish) in wishes {
        let token = mesh.token(name, prod(&[])).await;
        let key = NodeKey::generate().expect("a key");
        let answer = ask_by_hand(&mesh, &token, greedy_request(&key, "aurora", wish)).await;
        let JoinAnswer::Admitted(admitted) = answer else { panic!("{name}: {answer:?}") };
        let told = PeerIdentity::of_certificate(&admitted.chain[0]).expect("one name, ours");
        assert_eq!(told, PeerIdentity { mesh: id, role: Role::Follower, node: node(name) });
        let (_, leaf) = X509Certificate::from_der(&admitted.chain[0]).expect("a certificate");
        assert!(!leaf.is_ca(), "{name}");
        let called: Vec<&str> = leaf.subject().iter_common_name().filter_map(|name| name.as_str().ok()).collect();
        assert_eq!(called, [name], "the subject is not what was asked for");
    }
}

#[tokio::test]
async fn bug_17_one_of_several_names_is_chosen() {
    let mut mesh = TestMesh::start().await;
    let forge = Forge::of(&mut mesh.lead).await;
    let mallory = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let own = || uri(forge.mesh, "follower", "mallory");
    let dns = SanType::DnsName("mallory".try_into().expect("ASCII"));
    let cases = [
        ("herself and the lead", vec![own(), uri(forge.mesh, "lead", "aurora")]),
        ("the lead and herself", vec![uri(forge.mesh, "lead", "aurora"), own()]),
        ("herself twice", vec![own(), own()]),
        ("herself and a host", vec![own(), dns]),
    ];
    for (what, names) in cases {
        let papers = shaped(&forge, &mallory.key, "mallory", names);
        assert_eq!(
            refusal(turned_away(mesh.lead.config.mesh.listen, Some(&papers)).await),
            Refusal::BadIdentity,
            "{what}"
        );
    }
    member(&mesh, &shaped(&forge, &mallory.key, "mallory", vec![own()])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_18_a_path_within_an_id_leads_elsewhere() {
    let mesh = TestMesh::start().await;
    let id = mesh.lead.vault().mesh();
    for text in ["../lead", "a/./b", "a/../b", "%2e%2e", "a//b", "a/", ".", "..", "a\\b", "a%00", "a?b", "a#b"] {
        assert!(NodeName::parse(text).is_err() && AgentName::parse(text).is_err(), "{text}");
        assert!(EnvironmentName::parse(text).is_err() && KeyName::parse(text).is_err(), "{text}");
        assert_eq!(PeerIdentity::parse(&format!("spiffe://{id}/follower/{text}")), None, "{text}");
        assert!(JoinSecret::parse(&format!("aurora-join-{text}")).is_err(), "{text}");
        let refused = owner(&mesh, "POST", "/api/tokens", &json!({"node": text})).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "bad_name"), "{text}: {}", refused.body);
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let refused = owner(&mesh, "DELETE", &format!("/api/nodes/{escaped}"), &Value::Null).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "bad_name"), "{text}: {}", refused.body);
    }
}

/// The path that is judged is the path that is read: none of these ways around leads to a value.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_19_a_path_is_judged_in_one_spelling_and_read_in_another() {
    let mesh = TestMesh::start().await;
    mesh.put(put("root/key", "global", "not-a-real-root-key")).await;
    mesh.put(put("team/key", "global", "not-a-real-team-key")).await;
    agent(&mesh, "robot", &json!({"secrets": ["team/*"]})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let socket = mesh.lead.agent_socket();
    let targets = [
        "/api/secrets/team/../root/key",
        "/api/secrets/team/%2e%2e/root/key",
        "/api/secrets/team%2f..%2froot/key",
        "/api/secrets/team/..%2froot%2fkey",
        "/api/secrets/./root/key",
        "/api/secrets//root/key",
        "/api//secrets/root/key",
        "/api/./secrets/root/key",
        "/api/secrets/team/key/../../root/key",
        "/api/secrets/team;/../root/key",
        "/api/secrets/root/key?service=team",
        "/api/secrets/root/key#/team/key",
        "/v1/secret/data/team/../root",
        "/v1/secret/data/team%2f..%2froot",
        "/v1/secret/data/team/%2e%2e/root",
        "/secretsmanager/get?secretId=team/../root/key",
        "/secretsmanager/get?secretId=team%2f..%2froot%2fkey",
    ];
    for target in targets {
        let header = if target.starts_with("/v1/") { "X-Vault-Token" } else { "X-API-Key" };
        let request = format!("GET {target} HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\n{header}: {key}\r\n\r\n");
        let came = http::send(&socket, request.as_bytes()).await.expect("an answer");
        let text = String::from_utf8(came).expect("text");
        assert!(!text.contains("not-a-real") && !text.starts_with("HTTP/1.1 200"), "{target}: {text}");
    }
    let own = with_key(&socket, &key, "GET", "/api/secrets/team/key", &[], "").await;
    assert_eq!(own.json()["key_value"], "not-a-real-team-key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_20_a_magic_name_is_given_to_somebody() {
    let mesh = TestMesh::start().await;
    for word in ["global", "root", "lead", "_", "*"] {
        for kind in ["company", "node"] {
            assert!(Scope::parse(&format!("{kind}:{word}")).is_err(), "{kind}:{word}");
            let target = format!("/api/secrets/hubspot/api_key?scope={kind}&scope_id={word}");
            let refused = owner(&mesh, "GET", &target, &Value::Null).await;
            assert_eq!(refused.status, 400, "{kind}:{word}: {}", refused.body);
        }
        let headers = [("X-Company-Id", word)];
        let refused = http::ask(&mesh.lead.agent_socket(), "GET", "/api/secrets/a/b", &headers, "").await;
        assert_eq!(refused.status, 400, "{word}: {}", refused.body);
    }
    assert!(Scope::parse("global:x").is_err() && Scope::parse("root").is_err());
}

/// Which node asks is known by where it is asked, and which agent by its key: no header says it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_21_a_header_says_who_asks() {
    let mesh = with_secrets().await;
    mesh.put(put("openai/api_key", "node:vengeance", "not-a-real-node-key")).await;
    agent(&mesh, "robot", &json!({"secrets": ["hubspot/*"]})).await;
    let robot = key(&mesh, "robot", &json!({})).await;
    let socket = mesh.lead.agent_socket();
    let claims = [
        ("X-Node-Name", "vengeance"),
        ("X-Node", "vengeance"),
        ("X-Scope", "node:vengeance"),
        ("X-Agent-Name", "admin"),
        ("X-Forwarded-User", "root"),
        ("X-Remote-User", "root"),
        ("X-Principal", "admin"),
    ];
    for claim in claims {
        let read = http::ask(&socket, "GET", "/api/secrets/openai/api_key", &[claim], "").await;
        assert_ne!(read.json()["key_value"], "not-a-real-node-key", "{claim:?}");
        let read = with_key(&socket, &robot, "GET", "/api/secrets/openai/api_key", &[claim], "").await;
        assert_eq!(read.status, 403, "{claim:?}: {}", read.body);
    }
    let body = json!({"service": "a", "key_name": "b", "key_value": "c", "node": "vengeance"});
    let refused = owner(&mesh, "POST", "/api/secrets", &body).await;
    assert_eq!(refused.code(), "unknown_field");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_22_a_name_means_something_in_a_pattern() {
    let mesh = TestMesh::start().await;
    for name in ["a*", "a+", "a,b", "{{node}}", "${node}", "a|b", "a[b]", "a?"] {
        assert!(NodeName::parse(name).is_err() && CompanyId::parse(name).is_err(), "{name}");
        let refused = owner(&mesh, "POST", "/api/tokens", &json!({"node": name})).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "bad_name"), "{name}: {}", refused.body);
    }
    for glob in ["secrets/{{node}}/*", "{{node}}/*", "A/*", "${x}/*", "a/**", "a/{b,c}", "a/[bc]", "a/?"] {
        let refused = owner(&mesh, "POST", "/api/tokens", &json!({"node": "alpha", "allow": [glob]})).await;
        assert_eq!(refused.status, 400, "{glob}: {}", refused.body);
    }
}

/// Everything that tells one value from another is bound into it: what differs in one thing does not open.
#[test]
fn bug_24_a_result_is_kept_under_too_small_a_key() {
    let key = ScopeKey::generate(&SystemEntropy).expect("a key");
    let (mesh, first) = (MeshId([7; 16]), Generation::new(1).expect("positive"));
    let address = |of: &str, name: &str| SecretAddress { environment: environment(of), name: secret(name) };
    let at = |of: &str, name: &str, scope: &str| address(of, name).within(Scope::parse(scope).expect(scope));
    let true_place = at("prod", "hubspot/api_key", "company:acme");
    let value = Plaintext::new(b"example-hubspot-key".to_vec());
    let sealed = seal(&key, first, &mesh, &true_place, Version::FIRST, &value, &SystemEntropy).expect("sealed");
    assert!(open(&key, &mesh, &true_place, Version::FIRST, &sealed).is_ok());
    let places: [(&str, ScopedSecret); 6] = [
        ("environment", at("dev", "hubspot/api_key", "company:acme")),
        ("service", at("prod", "hubspo/tapi_key", "company:acme")),
        ("key name", at("prod", "hubspot/api_kez", "company:acme")),
        ("company", at("prod", "hubspot/api_key", "company:acne")),
        ("kind of scope", at("prod", "hubspot/api_key", "node:acme")),
        ("scope", at("prod", "hubspot/api_key", "global")),
    ];
    for (what, place) in places {
        assert!(open(&key, &mesh, &place, Version::FIRST, &sealed).is_err(), "{what} is not bound");
    }
    let second = SealedValue { generation: Generation::new(2).expect("positive"), ..sealed.clone() };
    assert!(open(&key, &MeshId([8; 16]), &true_place, Version::FIRST, &sealed).is_err(), "the mesh is not bound");
    assert!(open(&key, &mesh, &true_place, Version::FIRST.next(), &sealed).is_err(), "the version is not bound");
    assert!(open(&key, &mesh, &true_place, Version::FIRST, &second).is_err(), "the generation is not bound");
}

/// A node's certificate is no authority: what it signs is nobody's, not even for a key that is pinned.
#[tokio::test]
async fn bug_25_what_a_certificate_may_sign_is_not_looked_at() {
    let mesh = TestMesh::start().await;
    let mallory = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let alpha = join_by_hand(&mesh, "alpha", prod(&[])).await;
    let id = mesh.lead.vault().mesh();
    for (name, key) in [("alpha", &alpha.key), ("mallory", &mallory.key)] {
        let papers = by_a_node(&mallory, key, name, vec![uri(id, "follower", name)]);
        let ended = turned_away(mesh.lead.config.mesh.listen, Some(&papers)).await;
        assert!(matches!(ended, TransportError::PeerRefusedUs { .. }), "{name}: {ended:?}");
    }
}

/// Exactly the unaltered certificate is accepted, whatever is altered in it and whatever that leaves readable.
#[tokio::test]
async fn bug_27_the_accepted_set_is_larger_than_the_model_s() {
    let mesh = TestMesh::start().await;
    join_by_hand(&mesh, "mallorx", prod(&[])).await;
    let mallory = join_by_hand(&mesh, "mallory", prod(&[])).await;
    let leaf = &mallory.chain[0];
    let mut altered: Vec<(String, Vec<u8>)> = Vec::new();
    for at in leaf.len() - 24..leaf.len() {
        let mut other = leaf.clone();
        other[at] ^= 1;
        altered.push((format!("byte {at} of the signature"), other));
    }
    for (from, to) in
        [(&b"mallory"[..], &b"mallorx"[..]), (b"/follower/", b"/followeR/"), (b"261", b"291"), (b"spiffe", b"spiffE")]
    {
        let places: Vec<usize> = (0..leaf.len() - from.len()).filter(|at| leaf[*at..].starts_with(from)).collect();
        for at in places {
            let mut other = leaf.clone();
            other[at..at + to.len()].copy_from_slice(to);
            altered.push((format!("{:?} at {at}", String::from_utf8_lossy(to)), other));
        }
    }
    assert!(altered.len() >= 26, "{}", altered.len());
    for (what, leaf) in altered {
        let papers = Papers { chain: vec![leaf], key: again(&mallory.key) };
        let ended = turned_away(mesh.lead.config.mesh.listen, Some(&papers)).await;
        assert!(matches!(ended, TransportError::PeerRefusedUs { .. }), "{what}: {ended:?}");
    }
    let _welcomed = member(&mesh, &mallory).await;
    assert!(admin_socket(&mesh).exists());
}
