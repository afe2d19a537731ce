//! Nodes that really call providers: what each of them finds out, all of them tell, with the state and the diagnosis
//! that follow from it; and what is left of it when a node is away.

mod processes;
mod stage;

use std::time::Duration;

use self::stage::{COMPANY_ONLY, GOOD, Mesh, PATH_OF_ALPHA, REFUSED, journalled};
use crate::support::callers::{node, put};
use crate::support::mesh::{entitlement, prod};

#[tokio::test(flavor = "multi_thread")]
async fn a_company_key_that_is_refused_is_known_where_it_may_be_known_and_nowhere_else() {
    let mesh = Mesh::open().await;
    let (alpha, beta) = (mesh.node("alpha", prod(&["acme"])).await, mesh.node("beta", prod(&["acme"])).await);
    let gamma = mesh.node("gamma", prod(&[])).await;
    let (nodes, others) = ([&mesh.of.lead, &alpha, &beta], [&gamma]);
    mesh.put("global", GOOD).await;
    let all = ["alpha healthy", "aurora healthy", "beta healthy", "gamma healthy"];
    mesh.eventually_all(&[&mesh.of.lead, &alpha, &beta, &gamma], "healthy", &all, &[]).await;

    mesh.put("company:acme", REFUSED).await;
    let lines =
        ["alpha degraded key_rejected", "aurora degraded key_rejected", "beta degraded key_rejected", "gamma healthy"];
    mesh.eventually_all(&nodes, "degraded", &lines, &[COMPANY_ONLY]).await;
    mesh.eventually_all(&others, "healthy", &all, &[]).await;
    let told = mesh.body(&gamma).await;
    assert!(!told.contains("acme"), "{told}");

    mesh.put("company:acme", GOOD).await;
    mesh.eventually_all(&[&mesh.of.lead, &alpha, &beta, &gamma], "healthy", &all, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_global_key_that_is_refused_is_down_everywhere_and_a_good_one_heals_it() {
    let mesh = Mesh::open().await;
    let (alpha, beta) = (mesh.node("alpha", prod(&[])).await, mesh.node("beta", prod(&[])).await);
    let nodes = [&mesh.of.lead, &alpha, &beta];
    let healthy = ["alpha healthy", "aurora healthy", "beta healthy"];
    mesh.put("global", GOOD).await;
    mesh.eventually_all(&nodes, "healthy", &healthy, &[]).await;
    mesh.put("global", REFUSED).await;
    let down = ["alpha down key_rejected", "aurora down key_rejected", "beta down key_rejected"];
    let replace = "the key openai/api_key (global, version 2) is rejected on all 3 nodes that use it: replace it";
    mesh.eventually_all(&nodes, "down", &down, &[replace]).await;
    let told = mesh.of_node(&beta).await;
    let key = &told["nodes"][0]["keys"][0];
    let words = ["key", "scope", "status", "cause", "validation"].map(|field| key[field].as_str().unwrap_or_default());
    assert_eq!(words, ["openai/api_key", "global", "down", "key_rejected", "rejected"], "{told}");
    assert_eq!(key["version"], 2);
    mesh.put("global", GOOD).await;
    mesh.eventually_all(&nodes, "healthy", &healthy, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_once_by_the_lead_however_many_nodes_meet_it_and_over_a_restart() {
    let mut mesh = Mesh::open().await;
    let (alpha, beta) = (mesh.node("alpha", prod(&[])).await, mesh.node("beta", prod(&[])).await);
    mesh.put("global", REFUSED).await;
    let down = ["alpha down key_rejected", "aurora down key_rejected", "beta down key_rejected"];
    let replace = ["the key openai/api_key (global, version 1) is rejected on all 3 nodes that use it: replace it"];
    mesh.eventually_all(&[&mesh.of.lead, &alpha, &beta], "down", &down, &replace).await;
    let told = journalled(&mesh.of.lead, "openai/api_key global").await;
    assert_eq!(told, ["openai/api_key global"]);
    // That it was told is noted behind the telling. A second look begins when the note of the first is kept.
    mesh.theatre.answers("slack", 200, &[], r#"{"ok":false,"error":"invalid_auth"}"#);
    mesh.of.put(put("slack/bot_token", "global", "xoxb-not-a-real-token")).await;
    journalled(&mesh.of.lead, "slack/bot_token global").await;
    mesh.of.lead.stop().await;
    mesh.of.lead.start().await;
    mesh.eventually_all(&[&mesh.of.lead, &alpha, &beta], "down", &down, &replace).await;
    // Another key that is refused is told of: what came before it would have been told by then.
    mesh.put("company:acme", REFUSED).await;
    let told = journalled(&mesh.of.lead, "openai/api_key company:acme").await;
    let of_openai: Vec<&String> = told.iter().filter(|told| told.starts_with("openai/")).collect();
    assert_eq!(of_openai, ["openai/api_key global", "openai/api_key company:acme"], "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_starts_anew_has_the_whole_matrix_again_well_within_an_interval() {
    let mut mesh = Mesh::open().await;
    let (alpha, beta) = (mesh.node("alpha", prod(&["acme"])).await, mesh.node("beta", prod(&["acme"])).await);
    mesh.put("global", GOOD).await;
    mesh.put("company:acme", REFUSED).await;
    let lines = ["alpha degraded key_rejected", "aurora degraded key_rejected", "beta degraded key_rejected"];
    mesh.eventually_all(&[&mesh.of.lead, &alpha, &beta], "degraded", &lines, &[COMPANY_ONLY]).await;
    let before = mesh.keys_seen(&alpha).await;
    mesh.of.lead.stop().await;
    for follower in [&alpha, &beta] {
        mesh.eventually_all(&[follower], "degraded", &lines, &[COMPANY_ONLY]).await;
    }
    mesh.of.lead.start().await;
    mesh.eventually_all(&[&mesh.of.lead, &alpha, &beta], "degraded", &lines, &[COMPANY_ONLY]).await;
    for viewer in [&mesh.of.lead, &alpha, &beta] {
        assert_eq!(mesh.keys_seen(viewer).await.len(), before.len(), "{}", viewer.config.node.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_away_grows_old_and_degrades_the_service_until_it_is_back() {
    let mesh = Mesh::open().await;
    let (mut alpha, mut beta) = (mesh.node("alpha", prod(&[])).await, mesh.node("beta", prod(&[])).await);
    mesh.put("global", GOOD).await;
    let healthy = ["alpha healthy", "aurora healthy", "beta healthy"];
    mesh.eventually_all(&[&mesh.of.lead, &alpha, &beta], "healthy", &healthy, &[]).await;
    alpha.stop().await;
    // Two nodes whose clocks jump say so at their next round, or in a new session, as after a sleep.
    beta.stop().await;
    for clock in [&mesh.of.lead.clock, &beta.clock, &alpha.clock] {
        clock.advance(Duration::from_secs(185));
    }
    let both = ["alpha healthy stale", "aurora healthy", "beta healthy stale"];
    mesh.eventually_all(&[&mesh.of.lead], "degraded", &both, &[]).await;
    beta.start().await;
    let old = ["alpha healthy stale", "aurora healthy", "beta healthy"];
    mesh.eventually_all(&[&mesh.of.lead, &beta], "degraded", &old, &[]).await;
    alpha.start().await;
    mesh.eventually_all(&[&mesh.of.lead, &alpha, &beta], "healthy", &healthy, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_on_one_node_alone_is_told_apart_from_a_bad_key() {
    let mut mesh = Mesh::open().await;
    let beta = mesh.node("beta", prod(&[])).await;
    // This one calls another theatre: its way to the provider is its own.
    let own_way = mesh.theatre_of_its_own().await;
    let alpha = mesh.node("alpha", prod(&[])).await;
    let nodes = [&mesh.of.lead, &alpha, &beta];
    own_way.shut("openai").await;
    mesh.put("global", GOOD).await;
    let lines = ["alpha down path_fault connect", "aurora healthy", "beta healthy"];
    let diagnosis = "only alpha fails to reach it (connect): it is that node's";
    mesh.eventually_all(&nodes, "degraded", &lines, &[diagnosis]).await;

    // It is reached again, and refuses there what it takes elsewhere.
    own_way.reopen("openai").await;
    own_way.answers("openai", 401, &[], r#"{"error":{"code":"invalid_api_key"}}"#);
    alpha.clock.advance(Duration::from_secs(70));
    let lines = ["alpha down key_rejected", "aurora healthy", "beta healthy"];
    mesh.eventually_all(&nodes, "degraded", &lines, &[PATH_OF_ALPHA]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_told_nothing_of_services_that_it_may_not_hold_and_checks_none_of_them() {
    let mesh = Mesh::open().await;
    let pod = mesh.node("pod", entitlement("prod", &[], &["slack/*"])).await;
    mesh.theatre.answers("slack", 200, &[], r#"{"ok":true}"#);
    mesh.put("global", REFUSED).await;
    mesh.of.put(put("slack/bot_token", "global", "xoxb-not-a-real-token")).await;
    let lead = &mesh.of.lead;
    let down = ["aurora down key_rejected"];
    mesh.eventually_all(&[lead], "down", &down, &[]).await;
    let slack = ["aurora healthy", "pod healthy"];
    mesh.eventually_of("slack", &[lead, &pod], "healthy", &slack, &[]).await;
    let told = mesh.body(&pod).await;
    assert!(!told.contains("openai"), "{told}");
    let row = pod.running().connectivity().board().matrix().row(&node("aurora")).cloned().expect("a row");
    assert!(row.cells.keys().all(|service| service.as_str() == "slack"), "{row:?}");
}
