//! `aurora mcp`: an AI agent sees what it may use and why something fails, and never a value; driven by lines of JSON-RPC, as
//! any client might send them, and by the client its users install.

mod client;
mod hostile;
mod stage;

use serde_json::json;

use crate::agents::stage::{agent, key};
use crate::support::callers::put;
use crate::support::mesh::TestMesh;
use stage::{Mcp, TOOLS, canaries};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tool_answers_and_no_byte_of_a_value_goes_either_way() {
    let mesh = canaries().await;
    let mut mcp = Mcp::start(&mesh, None);
    let begun = mcp.initialize().await;
    assert_eq!(begun["serverInfo"]["name"], "aurora", "{begun}");
    assert_eq!(begun["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(begun["instructions"].as_str().expect("instructions").contains("aurora run"));
    let tools = mcp.ask("tools/list", json!({})).await;
    let tools = tools["result"]["tools"].as_array().expect("tools").clone();
    let mut names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, TOOLS);
    for tool in &tools {
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        let reads = !["request_access", "report_status"].contains(&tool["name"].as_str().expect("a name"));
        assert_eq!(tool["annotations"]["readOnlyHint"], reads, "{tool}");
        assert!(tool["description"].as_str().expect("a description").len() > 60, "{tool}");
    }
    let list = mcp.good("list_credentials", json!({"service": "openai"})).await;
    let first = &list["credentials"][0];
    assert_eq!(
        (&first["name"], &first["reference"]),
        (&json!("openai/api_key"), &json!("aurora://openai/api_key")),
        "{list}"
    );
    assert_eq!((&list["complete"], &list["node"]["freshness"]), (&json!(true), &json!("lead")), "{list}");
    let text = first["written_by_others"]["description"].as_str().expect("a text");
    assert!(text.contains("ignore all") && !text.contains('\u{200b}'), "{text:?}");
    let page = mcp.good("list_credentials", json!({"limit": 1})).await;
    assert_eq!((page["complete"].as_bool(), page["credentials"].as_array().map(Vec::len)), (Some(false), Some(1)));
    let rest = mcp.good("list_credentials", json!({"limit": 100, "cursor": page["next_cursor"]})).await;
    assert_eq!(rest["complete"], true, "{rest}");
    let explained = mcp.good("explain_credential", json!({"name": "openai/api_key"})).await;
    assert_eq!((&explained["usable"], &explained["winner"]), (&json!(true), &json!("global")), "{explained}");
    let absent = mcp.good("explain_credential", json!({"name": "openai/absent"})).await;
    assert_eq!((&absent["usable"], absent["why_not"].is_string()), (&json!(false), true), "{absent}");
    assert_eq!(mcp.good("expiring", json!({})).await["within"], "30d");
    let reported = json!({"service": "openai", "status": "down", "response_time_ms": 12, "error": "no answer"});
    assert_eq!(mcp.good("report_status", reported).await["success"], true);
    let matrix = mcp.good("connectivity", json!({"service": "openai"})).await;
    assert_eq!(
        (&matrix["down"], &matrix["services"][0]["nodes"][0]["source"]),
        (&json!(1), &json!("monitor")),
        "{matrix}"
    );
    let allowed = mcp.good("request_access", json!({"name": "openai/api_key", "reason": "x"})).await;
    assert_eq!(allowed["status"], "already_allowed", "{allowed}");
    let (code, said) = mcp.end().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("CANARY"), "a value went over the pipe");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_may_not_read_is_told_why_and_can_ask_and_one_that_may_nothing_is_refused() {
    let mesh = canaries().await;
    agent(&mesh, "robot", &json!({"capabilities": ["event_publish", "data_query"]})).await;
    agent(&mesh, "mute", &json!({"capabilities": ["data_write"], "secrets": ["other/*"]})).await;
    let robot = key(&mesh, "robot", &json!({})).await;
    let mute = key(&mesh, "mute", &json!({})).await;
    let mut mcp = Mcp::start(&mesh, Some(&robot));
    mcp.initialize().await;
    let denied = mcp.good("explain_credential", json!({"name": "openai/api_key"})).await;
    assert_eq!((&denied["allowed"], &denied["rule"]), (&json!(false), &json!("default-deny")), "{denied}");
    assert!(denied["next"].as_str().expect("words").contains("request_access"), "{denied}");
    let asked = mcp.good("request_access", json!({"name": "openai/api_key", "reason": "nightly"})).await;
    assert_eq!((&asked["status"], &asked["id"]), (&json!("pending"), &json!(1)), "{asked}");
    assert!(asked["grant"].as_str().expect("lines").contains("agent:robot"), "{asked}");
    let mut silent = Mcp::start(&mesh, Some(&mute));
    silent.initialize().await;
    for (tool, arguments) in [
        ("list_credentials", json!({})),
        ("explain_credential", json!({"name": "openai/api_key"})),
        ("request_access", json!({"name": "openai/api_key", "reason": "x"})),
    ] {
        let refused = silent.bad(tool, arguments).await;
        assert_eq!(refused["code"], "denied", "{tool}: {refused}");
    }
    for mcp in [mcp, silent] {
        let (code, said) = mcp.end().await;
        assert_eq!(code, Some(0));
        assert!(!said.contains("CANARY") && !said.contains("mj_agent_"), "neither a value nor a key");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_node_the_tools_say_so_and_work_again_when_it_is_back() {
    let mut mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "CANARY-global")).await;
    let mut mcp = Mcp::start(&mesh, None);
    mcp.initialize().await;
    mesh.lead.stop().await;
    let away = mcp.bad("list_credentials", json!({})).await;
    assert_eq!(away["code"], "no_daemon", "{away}");
    assert!(away["hint"].as_str().expect("a hint").contains("aurora up"), "{away}");
    mesh.lead.start().await;
    let back = mcp.good("list_credentials", json!({})).await;
    assert_eq!(back["credentials"][0]["name"], "openai/api_key", "{back}");
    assert_eq!(mcp.end().await.0, Some(0));
}
