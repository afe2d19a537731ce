//! Envoy takes a secret by its name over the workload socket, and follows it: what is new is pushed, what is denied, missing or
//! too old is not sent, and comes when that changes.

mod envoy;
mod messages;

use std::time::Duration;

use aurora_mesh::model::article::Edit;
use aurora_mesh::model::fields::{Field, FieldKind, Fields};
use aurora_mesh::model::grant::Effect;
use aurora_mesh::model::name::FieldName;
use aurora_mesh::model::patch::Wish;
use aurora_mesh::model::reach::Reach;

use crate::rulebook::stage::{drop_grant, edit, grant, only};
use crate::support::callers::{admin, place, put};
use crate::support::grpc::{Call, Connection};
use crate::support::mesh::{TestMesh, TestNode, prod};
use messages::{Kind, Request, Response, Taken};

const STREAM: &str = "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets";

/// Long enough that a push would have come: they take milliseconds.
const A_WHILE: Duration = Duration::from_millis(400);

/// A stream that has asked for these names.
async fn follow(node: &TestNode, names: &[&str]) -> Call {
    let call = Connection::open(&node.workload_socket()).await.call(STREAM, &[]).await;
    call.send(&Request::wants(names));
    call
}

/// The next response, which must be one.
async fn next(call: &mut Call) -> Response {
    call.next::<Response>().await.expect("a response")
}

/// Takes a response, as Envoy does.
fn acknowledge(call: &Call, response: &Response, names: &[&str]) {
    let (version_info, response_nonce) = (response.version_info.clone(), response.nonce.clone());
    call.send(&Request { version_info, response_nonce, ..Request::wants(names) });
}

fn generic(name: &str, value: &str) -> Taken {
    Taken { name: name.to_owned(), kind: Kind::Generic(value.to_owned()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_is_sent_once_and_again_when_it_changes_on_lead_and_follower() {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let stored = mesh.put(put("openai/api_key", "global", "not-a-real-key-1")).await;
    follower.reaches(stored.revision).await;
    for node in [&mesh.lead, &follower] {
        let mut call = follow(node, &["openai/api_key"]).await;
        let first = next(&mut call).await;
        assert_eq!(first.taken(), [generic("openai/api_key", "not-a-real-key-1")]);
        assert_eq!((first.nonce.as_str(), first.type_url.as_str()), ("1", messages::SECRET_TYPE));
        acknowledge(&call, &first, &["openai/api_key"]);
        mesh.put(put("other/key", "global", "not-a-real-key")).await;
        assert!(call.is_silent_for(A_WHILE).await, "nothing is new");
        mesh.put(put("openai/api_key", "global", "not-a-real-key-2")).await;
        let second = next(&mut call).await;
        assert_eq!(second.taken(), [generic("openai/api_key", "not-a-real-key-2")]);
        assert_eq!(second.nonce, "2");
        assert_ne!(first.version_info, second.version_info);
        let last = mesh.put(put("openai/api_key", "global", "not-a-real-key-1")).await;
        assert_eq!(next(&mut call).await.taken(), [generic("openai/api_key", "not-a-real-key-1")]);
        follower.reaches(last.revision).await;
    }
    let lines = follower.vault().audit_tail(&admin(), 20).await.expect("the owner may read the journal");
    let reads = lines.iter().filter(|line| line.contains("secret.read")).collect::<Vec<_>>();
    assert_eq!(reads.len(), 3, "one line for each value: {reads:?}");
    assert!(reads.iter().all(|line| line.contains("workload socket") && line.contains("Envoy secret discovery")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_denied_or_missing_is_not_sent_and_comes_when_it_may() {
    let mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    edit(&mesh, vec![Edit::Put(grant("shut", "owner", Effect::Deny, only("openai/*")))]).await;
    let mut call = follow(&mesh.lead, &["openai/api_key", "stripe/api_key"]).await;
    assert!(call.is_silent_for(A_WHILE).await);
    let lines = mesh.lead.vault().audit_tail(&admin(), 20).await.expect("the owner may read the journal");
    let denied: Vec<_> = lines.iter().filter(|line| line.contains(r#""rule":"shut""#)).collect();
    assert_eq!(denied.len(), 1, "refused once, and not again and again: {lines:?}");

    edit(&mesh, vec![drop_grant("shut")]).await;
    assert_eq!(next(&mut call).await.taken(), [generic("openai/api_key", "not-a-real-key")]);
    mesh.put(put("stripe/api_key", "global", "not-a-real-key-either")).await;
    assert_eq!(next(&mut call).await.taken(), [generic("stripe/api_key", "not-a-real-key-either")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_taken_away_ends_the_pushing_and_a_freeze_holds_it_up() {
    let mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key-1")).await;
    let mut call = follow(&mesh.lead, &["openai/api_key"]).await;
    assert_eq!(next(&mut call).await.taken(), [generic("openai/api_key", "not-a-real-key-1")]);
    edit(&mesh, vec![Edit::Put(grant("shut", "owner", Effect::Deny, Reach::everything()))]).await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key-2")).await;
    assert!(call.is_silent_for(A_WHILE).await);
    edit(&mesh, vec![drop_grant("shut")]).await;
    assert_eq!(next(&mut call).await.taken(), [generic("openai/api_key", "not-a-real-key-2")]);
    mesh.delete(place("openai/api_key", "global")).await;
    assert!(call.is_silent_for(A_WHILE).await, "what is gone is not sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_cache_sends_nothing_until_the_lead_is_heard_again() {
    let mut mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let stored = mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    follower.reaches(stored.revision).await;
    mesh.lead.stop().await;
    follower.clock.advance(Duration::from_secs(2 * 60 * 60));
    let mut call = follow(&follower, &["openai/api_key"]).await;
    assert!(call.is_silent_for(A_WHILE).await);
    mesh.lead.start().await;
    assert_eq!(next(&mut call).await.taken(), [generic("openai/api_key", "not-a-real-key")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_come_and_go_on_one_stream_and_a_refused_value_is_not_sent_again() {
    let mesh = TestMesh::start().await;
    for (name, value) in [("a/key", "value-a"), ("b/key", "value-b"), ("c/key", "value-c")] {
        mesh.put(put(name, "global", value)).await;
    }
    let mut call = follow(&mesh.lead, &["a/key", "b/key"]).await;
    let both = next(&mut call).await;
    assert_eq!(both.taken(), [generic("a/key", "value-a"), generic("b/key", "value-b")]);
    acknowledge(&call, &both, &["b/key", "c/key"]);
    let new = next(&mut call).await;
    assert_eq!(new.taken(), [generic("c/key", "value-c")], "what it has is not sent again");
    mesh.put(put("a/key", "global", "value-a-2")).await;
    assert!(call.is_silent_for(A_WHILE).await, "nobody follows it any more");
    call.send(&Request::refuses(&["b/key", "c/key"], &new.nonce));
    assert!(call.is_silent_for(A_WHILE).await, "it would be refused again");
    mesh.put(put("c/key", "global", "value-c-2")).await;
    assert_eq!(next(&mut call).await.taken(), [generic("c/key", "value-c-2")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_sent_as_such_and_a_reference_may_name_a_field_and_a_company() {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&["acme"])).await;
    let chain = "-----BEGIN CERTIFICATE-----\nbGVhZg==\n-----END CERTIFICATE-----\n";
    let key = "-----BEGIN PRIVATE KEY-----\na2V5\n-----END PRIVATE KEY-----\n";
    mesh.put(put("web/pem", "global", &format!("{chain}{key}"))).await;
    mesh.put(put("web/root", "global", chain)).await;
    let mut pair =
        put("web/pair", "global", &serde_json::json!({"certificate": chain, "private_key": key}).to_string());
    let field = |name: &str| Field { name: FieldName::parse(name).expect(name), kind: FieldKind::Secret };
    pair.patch.fields = Wish::Set(Fields::new(vec![field("certificate"), field("private_key")]).expect("two"));
    mesh.put(pair).await;
    mesh.put(put("hubspot/api_key", "global", "value-of-all")).await;
    let stored = mesh.put(put("hubspot/api_key", "company:acme", "value-of-acme")).await;
    follower.reaches(stored.revision).await;
    let names =
        ["aurora://web/root", "hubspot/api_key?company=acme", "web/pair", "web/pair?field=private_key", "web/pem"];
    let all = next(&mut follow(&follower, &names).await).await.taken();
    let both = Kind::Certificate(chain.to_owned(), key.to_owned());
    let expected = [
        Taken { name: names[0].to_owned(), kind: Kind::Trust(chain.to_owned()) },
        generic(names[1], "value-of-acme"),
        Taken { name: names[2].to_owned(), kind: both.clone() },
        generic(names[3], key),
        Taken { name: names[4].to_owned(), kind: both },
    ];
    assert_eq!(all, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fetch_answers_with_what_there_is_and_ends() {
    let mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    let connection = Connection::open(&mesh.lead.workload_socket()).await;
    let mut call = connection.call("/envoy.service.secret.v3.SecretDiscoveryService/FetchSecrets", &[]).await;
    call.send(&Request::wants(&["openai/api_key", "not/there"]));
    call.finish();
    assert_eq!(next(&mut call).await.taken(), [generic("openai/api_key", "not-a-real-key")]);
    assert_eq!(call.ended().await.code, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_ends_its_streams_and_says_to_come_again() {
    let mut mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    let mut call = follow(&mesh.lead, &["openai/api_key"]).await;
    next(&mut call).await;
    mesh.lead.stop().await;
    assert_eq!(call.ended().await.code, 14, "UNAVAILABLE");
    assert!(!mesh.lead.workload_socket().exists());
}
