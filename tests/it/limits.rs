//! How often agents may ask: exactly, on all nodes together, and each tenant for itself.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::agents::stage::{agent, assert_refused, done, journal, key, mesh, owner, read, with_key};
use crate::support::http::Answer;
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

/// The headers about the limit: the limit, what remains, what was counted.
fn told(answer: &Answer) -> (u32, u32, String) {
    let number = |name: &str| {
        let text = answer.header(name).unwrap_or_else(|| panic!("no {name} in {}", answer.head));
        text.parse().unwrap_or_else(|_| panic!("{name}: {text}"))
    };
    let scope = answer.header("x-ratelimit-scope").expect("a scope").to_owned();
    (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), scope)
}

fn seconds_to_wait(answer: &Answer) -> u64 {
    answer.header("retry-after").expect("seconds").parse().expect("a number")
}

fn assert_limited(answer: &Answer, limit: u32, scope: &str) {
    assert_refused(answer, 429, "rate_limited");
    assert_eq!(told(answer), (limit, 0, scope.to_owned()));
    assert!((1..=60).contains(&seconds_to_wait(answer)), "{}", answer.head);
}

/// Reads until a limit of the lead refuses; gives how often it was let through.
async fn exhaust(socket: &Path, key: &str, headers: &[(&str, &str)]) -> u32 {
    for count in 0.. {
        let answer = with_key(socket, key, "GET", crate::agents::stage::SECRET, headers, "").await;
        if answer.status == 429 {
            return count;
        }
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    unreachable!("a limit ends it")
}

/// A mesh whose clock only the test moves, so that no request of a slow machine falls out of the window by itself.
async fn held() -> TestMesh {
    let mesh = mesh().await;
    mesh.lead.clock.hold();
    mesh
}

async fn follower_of(mesh: &TestMesh, name: &str, companies: &[&str]) -> TestNode {
    let follower = mesh.follower(name, prod(companies)).await;
    follower.reaches(mesh.lead.vault().health().revision).await;
    follower.is_fresh().await;
    follower
}

/// Returns once the follower knows the key: its article has arrived.
async fn knows(follower: &TestNode, key: &str) {
    eventually("the follower knows the key", || async {
        let answer = with_key(&follower.agent_socket(), key, "GET", "/api/secrets?limit=1", &[], "").await;
        (answer.status != 401).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_may_ask_as_often_as_its_limit_says_and_again_after_the_seconds_it_was_told() {
    let mesh = held().await;
    agent(&mesh, "robot", &json!({"limit_rpm": 5})).await;
    let (key, socket) = (key(&mesh, "robot", &json!({})).await, mesh.lead.agent_socket());
    for remaining in (0..5).rev() {
        let answer = read(&socket, &key).await;
        assert_eq!((answer.status, told(&answer)), (200, (5, remaining, "mesh".to_owned())), "{}", answer.body);
        mesh.lead.clock.advance(Duration::from_secs(2));
    }
    // The first of them was 10 s ago.
    let refused = read(&socket, &key).await;
    assert_limited(&refused, 5, "mesh");
    assert_eq!(seconds_to_wait(&refused), 50);
    mesh.lead.clock.advance(Duration::from_secs(49));
    assert_eq!(seconds_to_wait(&read(&socket, &key).await), 1, "what is refused costs nothing");
    mesh.lead.clock.advance(Duration::from_secs(1));
    assert_eq!(told(&read(&socket, &key).await).1, 0);
    assert_eq!(seconds_to_wait(&read(&socket, &key).await), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_audited_with_its_rule_and_counts_denials_like_answers() {
    let mesh = held().await;
    agent(&mesh, "robot", &json!({"limit_rpm": 2})).await;
    let (key, socket) = (key(&mesh, "robot", &json!({})).await, mesh.lead.agent_socket());
    let denied = with_key(&socket, &key, "GET", "/api/nodes", &[], "").await;
    assert_eq!((denied.status, told(&denied)), (403, (2, 1, "mesh".to_owned())), "{}", denied.body);
    assert_eq!(read(&socket, &key).await.status, 200);
    let refused = read(&socket, &key).await;
    assert_limited(&refused, 2, "mesh");
    let id = refused.header("x-request-id").expect("an id").to_owned();
    let line = journal(&mesh).await.into_iter().find(|line| line["request_id"] == id).expect("a line");
    assert_eq!((&line["outcome"], &line["rule"]), (&json!("rate_limited"), &json!("rate-limit")), "{line}");
    assert!(line["principal"].as_str().expect("a text").starts_with("agent:robot"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_its_own_limit_under_that_of_its_agent() {
    let mesh = held().await;
    agent(&mesh, "robot", &json!({"limit_rpm": 5})).await;
    let narrow = key(&mesh, "robot", &json!({"name": "narrow", "limit_rpm": 2})).await;
    let wide = key(&mesh, "robot", &json!({"name": "wide"})).await;
    let socket = mesh.lead.agent_socket();
    assert_eq!(told(&read(&socket, &narrow).await), (2, 1, "mesh".to_owned()));
    assert_eq!(told(&read(&socket, &narrow).await), (2, 0, "mesh".to_owned()));
    assert_limited(&read(&socket, &narrow).await, 2, "mesh");
    // The refused one took nothing from the agent: three are left of five.
    assert_eq!(exhaust(&socket, &wide, &[]).await, 3);
    assert_limited(&read(&socket, &wide).await, 5, "mesh");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_limit_is_told_of_none() {
    let mesh = held().await;
    agent(&mesh, "robot", &json!({})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let free = read(&mesh.lead.agent_socket(), &key).await;
    assert_eq!((free.status, free.header("x-ratelimit-limit")), (200, None));
    let owner = owner(&mesh, "GET", "/api/nodes", &Value::Null).await;
    assert_eq!((owner.status, owner.header("x-ratelimit-limit")), (200, None));
}

/// Whoever invents companies shares the count of no company, else a limit could be got round by naming new ones.
#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_does_not_use_up_the_share_of_another_and_an_invented_one_has_none() {
    let mesh = held().await;
    agent(&mesh, "robot", &json!({"limit_rpm": 3, "companies": ["*"]})).await;
    let (key, socket) = (key(&mesh, "robot", &json!({})).await, mesh.lead.agent_socket());
    assert_eq!(exhaust(&socket, &key, &[("X-Company-Id", "acme")]).await, 3);
    assert_eq!(exhaust(&socket, &key, &[("X-Company-Id", "globex")]).await, 3);
    assert_eq!(exhaust(&socket, &key, &[("X-Company-Id", "invented")]).await, 3);
    assert_eq!(exhaust(&socket, &key, &[("X-Company-Id", "invented-too")]).await, 0);
    assert_eq!(exhaust(&socket, &key, &[]).await, 0);
}

/// An agent had its limit once more for every company of the node, wherever nobody asked what it may for that company.
#[tokio::test(flavor = "multi_thread")]
async fn a_company_the_agent_may_not_act_for_is_counted_as_none() {
    let mesh = held().await;
    agent(&mesh, "robot", &json!({"limit_rpm": 3, "companies": ["acme"]})).await;
    let (key, socket) = (key(&mesh, "robot", &json!({})).await, mesh.lead.agent_socket());
    for _ in 0..3 {
        let told = with_key(&socket, &key, "GET", "/api/whoami", &[("X-Company-Id", "globex")], "").await;
        assert_eq!(told.status, 200, "{}", told.body);
    }
    assert_eq!(exhaust(&socket, &key, &[]).await, 0);
    assert_eq!(exhaust(&socket, &key, &[("X-Company-Id", "acme")]).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_the_roster_does_not_give_the_node_is_counted_as_none() {
    let mesh = held().await;
    agent(&mesh, "robot", &json!({"limit_rpm": 4, "companies": ["*"]})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let follower = follower_of(&mesh, "vengeance", &["acme"]).await;
    knows(&follower, &key).await;
    follower.clock.hold();
    follower.clock.advance(Duration::from_secs(61));
    let socket = follower.agent_socket();
    let refused = with_key(&socket, &key, "GET", crate::agents::stage::SECRET, &[("X-Company-Id", "globex")], "").await;
    assert_eq!((refused.status, told(&refused).1), (403, 3), "{}", refused.body);
    assert_eq!(told(&read(&socket, &key).await).1, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_a_limit_and_say_so() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({"limit_rpm": 40})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let follower = follower_of(&mesh, "vengeance", &["acme"]).await;
    knows(&follower, &key).await;
    let (here, there) = (mesh.lead.agent_socket(), follower.agent_socket());
    // Both hear of each other, and the follower says that it counts for the mesh.
    let answer = eventually("the follower counts what the lead counted", || async {
        let answer = read(&there, &key).await;
        (answer.status == 429 || told(&answer).2 == "mesh").then_some(answer)
    })
    .await;
    assert_eq!(told(&answer).2, "mesh");
    for node in [&mesh.lead, &follower] {
        node.clock.hold();
    }
    let through_lead = exhaust(&here, &key, &[]).await;
    assert!(through_lead < 40, "the follower's requests are among the forty: {through_lead}");
    let refused = eventually("the follower hears that the limit is reached", || async {
        let answer = read(&there, &key).await;
        (answer.status == 429).then_some(answer)
    })
    .await;
    assert_eq!(told(&refused), (40, 0, "mesh".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_the_lead_counts_for_itself_and_says_so() {
    let mut mesh = mesh().await;
    agent(&mesh, "robot", &json!({"limit_rpm": 1000})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let follower = follower_of(&mesh, "vengeance", &["acme"]).await;
    knows(&follower, &key).await;
    let socket = follower.agent_socket();
    eventually("the follower counts for the mesh", || async {
        (told(&read(&socket, &key).await).2 == "mesh").then_some(())
    })
    .await;
    mesh.lead.stop().await;
    follower.clock.advance(Duration::from_secs(6));
    let answer = read(&socket, &key).await;
    assert_eq!((answer.status, told(&answer).2.as_str()), (200, "node"), "{}", answer.body);
    mesh.lead.start().await;
    eventually("the follower counts for the mesh again", || async {
        (told(&read(&socket, &key).await).2 == "mesh").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_limit_counts_at_once() {
    let mesh = held().await;
    agent(&mesh, "robot", &json!({"limit_rpm": 1})).await;
    let (key, socket) = (key(&mesh, "robot", &json!({})).await, mesh.lead.agent_socket());
    assert_eq!(exhaust(&socket, &key, &[]).await, 1);
    done(&mesh, "PATCH", "/api/agents/robot", &json!({"limit_rpm": 3})).await;
    assert_eq!(exhaust(&socket, &key, &[]).await, 2);
    done(&mesh, "PATCH", "/api/agents/robot", &json!({"limit_rpm": null})).await;
    assert_eq!(read(&socket, &key).await.status, 200);
}

/// A use on a follower is told with its heartbeats.
#[tokio::test(flavor = "multi_thread")]
async fn the_lead_knows_that_a_key_was_used_on_a_follower() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let listed = || async { done(&mesh, "GET", "/api/apikeys", &Value::Null).await["keys"][0].clone() };
    assert_eq!(listed().await["last_used_at"], Value::Null);
    let follower = follower_of(&mesh, "vengeance", &["acme"]).await;
    knows(&follower, &key).await;
    eventually("the lead knows of the use", || async {
        let line = listed().await;
        line["last_used_at"].is_string().then_some(())
    })
    .await;
}
