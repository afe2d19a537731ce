//! What no client of good will sends: the server answers or passes it over, and goes on.

use serde_json::json;

use super::stage::{Mcp, canaries};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_ends_no_session_and_wrong_arguments_are_results_that_say_so() {
    let mesh = canaries().await;
    let mut mcp = Mcp::start(&mesh, None);
    mcp.initialize().await;
    mcp.send(b"garbage\n\n{\"jsonrpc\":\n\xff\xfe\x00\n[[[[[[[[\n").await;
    mcp.send(format!("{}\n", "[".repeat(100_000)).as_bytes()).await;
    let mut huge = vec![b'x'; 10 << 20];
    huge.push(b'\n');
    mcp.send(&huge).await;
    assert!(mcp.good("expiring", json!({})).await["complete"].as_bool().expect("a list"));
    let unknown = mcp.call("read_credential", json!({"name": "openai/api_key"})).await;
    assert!(unknown["error"].is_object() || unknown["result"]["isError"] == true, "{unknown}");
    let method = mcp.ask("resources/read", json!({"uri": "aurora://openai/api_key"})).await;
    assert!(method["error"].is_object(), "{method}");
    for (tool, arguments) in [
        ("explain_credential", json!({})),
        ("explain_credential", json!({"name": 7})),
        ("explain_credential", json!({"name": "openai/api_key", "value": true})),
        ("list_credentials", json!({"limit": "many"})),
        ("report_status", json!({"service": "openai", "status": "down", "response_time_ms": -1})),
    ] {
        let answer = mcp.call(tool, arguments.clone()).await;
        let refused = answer["result"]["isError"] == true || answer["error"]["code"] == -32602;
        assert!(refused, "{tool} {arguments}: {answer}");
    }
    for (tool, arguments, code) in [
        ("explain_credential", json!({"name": "../../etc/passwd"}), "bad_value"),
        ("explain_credential", json!({"name": "openai/api_key?x=1"}), "bad_value"),
        ("explain_credential", json!({"name": "openai/api_key", "company": "A B"}), "bad_value"),
        ("list_credentials", json!({"limit": 0}), "bad_value"),
        ("list_credentials", json!({"limit": 101}), "bad_value"),
        ("list_credentials", json!({"service": "a/../b"}), "bad_value"),
        ("list_credentials", json!({"cursor": "x"}), "bad_value"),
        ("expiring", json!({"within": "soon"}), "bad_value"),
        ("report_status", json!({"service": "openai", "status": "dead"}), "bad_value"),
        ("request_access", json!({"name": "openai/absent", "reason": "a\nb"}), "bad_value"),
        ("request_access", json!({"name": "openai/absent", "reason": "x", "capability": "system_admin"}), "bad_value"),
    ] {
        let refused = mcp.bad(tool, arguments.clone()).await;
        assert_eq!(refused["code"], code, "{tool} {arguments}: {refused}");
    }
    assert_eq!(mcp.good("explain_credential", json!({"name": "openai/api_key"})).await["usable"], true);
    let (code, said) = mcp.end().await;
    assert_eq!(code, Some(0));
    assert!(!said.contains("CANARY"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_at_once_or_speaks_something_else_leaves_no_process_behind() {
    let mesh = canaries().await;
    assert_eq!(Mcp::start(&mesh, None).end().await.0, Some(0), "nothing was said");
    let mut half = Mcp::start(&mesh, None);
    half.send(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"meth").await;
    assert_eq!(half.end().await.0, Some(0), "half a line");
    let mut web = Mcp::start(&mesh, None);
    web.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(web.end().await.0, Some(0), "no line of it is JSON");
}
