//! Every place of the API that takes a name, on a node as it is in the field.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{can_be_shown, spellings};
use crate::support::http::Answer;
use crate::support::process::{Node, directory};

/// Where in a request a name stands.
enum Place {
    /// In the path or the query, escaped, where `{}` is.
    Target(&'static str, &'static str),
    /// In a JSON body, where a text is `{}`.
    Body(&'static str, &'static str, Value),
    /// The value of a header of a read.
    Header(&'static str),
}

/// A place, and a name that it takes.
struct Taken {
    place: Place,
    base: &'static str,
    /// The answer goes on when the name is taken, so that is not tried.
    goes_on: bool,
}

fn target(method: &'static str, target: &'static str, base: &'static str) -> Taken {
    Taken { place: Place::Target(method, target), base, goes_on: target.contains("watch") }
}

fn body(target: &'static str, base: &'static str, body: Value) -> Taken {
    Taken { place: Place::Body("POST", target, body), base, goes_on: false }
}

fn in_paths() -> Vec<Taken> {
    vec![
        target("GET", "/api/secrets/{}/api_key", "hubspot"),
        target("GET", "/api/secrets/hubspot/{}", "api"),
        target("PATCH", "/api/secrets/{}/api_key", "hubspot"),
        target("DELETE", "/api/secrets/hubspot/{}", "api"),
        target("POST", "/api/secrets/{}/api_key/undelete", "hubspot"),
        target("POST", "/api/secrets/hubspot/{}/destroy?versions=1", "api"),
        target("POST", "/api/secrets/hubspot/{}/rollback?to=1", "api"),
        target("GET", "/api/secrets/{}/api_key/versions", "hubspot"),
        target("GET", "/api/secrets/hubspot/{}/watch", "api"),
        target("GET", "/api/explain/{}/api_key", "hubspot"),
        target("GET", "/api/explain/hubspot/{}", "api"),
        target("GET", "/api/agents/{}", "robot"),
        target("PATCH", "/api/agents/{}", "robot"),
        target("POST", "/api/agents/{}/suspend", "robot"),
        target("POST", "/api/agents/{}/keys", "robot"),
        target("DELETE", "/api/agents/{}/keys/ci", "robot"),
        target("DELETE", "/api/agents/robot/keys/{}", "ci"),
        target("POST", "/api/agents/robot/keys/{}/rotate", "ci"),
        target("POST", "/api/agents/{}/signing-key", "robot"),
        target("GET", "/api/policy/grants/{}", "owner"),
        target("DELETE", "/api/freezes/{}", "agent:robot"),
        target("DELETE", "/api/subscriptions/{}", "ci"),
        target("POST", "/api/subscriptions/{}/pause", "ci"),
        target("POST", "/api/subscriptions/{}/test", "ci"),
        target("POST", "/api/nodes/{}/approve", "vengeance"),
        target("POST", "/api/nodes/{}/ban", "vengeance"),
        target("DELETE", "/api/nodes/{}", "vengeance"),
        target("DELETE", "/api/tokens/{}", "0123456789ab"),
    ]
}

fn in_queries() -> Vec<Taken> {
    vec![
        target("GET", "/api/secrets/hubspot/api_key?scope={}", "global"),
        target("GET", "/api/secrets/hubspot/api_key?scope=company&scope_id={}", "acme"),
        target("GET", "/api/secrets/hubspot/api_key?scope=node&scope_id={}", "vengeance"),
        target("GET", "/api/secrets/hubspot/api_key?environment={}", "prod"),
        target("GET", "/api/secrets/hubspot/api_key?field={}", "client"),
        target("DELETE", "/api/secrets/hubspot/api_key?scope=node&scope_id={}", "vengeance"),
        target("DELETE", "/api/secrets/hubspot/api_key?environment={}", "prod"),
        target("GET", "/api/secrets/hubspot/api_key/versions?environment={}", "prod"),
        target("GET", "/api/secrets?environment={}", "prod"),
        target("GET", "/api/secrets?scope=company&scope_id={}", "acme"),
        target("GET", "/api/secrets?service={}", "hubspot"),
        target("GET", "/api/watch?environment={}", "prod"),
        target("GET", "/api/watch?scope=node&scope_id={}", "vengeance"),
        target("GET", "/api/export?environment={}", "prod"),
        target("GET", "/api/export?cursor=hubspot/{}", "api"),
        target("GET", "/api/explain/hubspot/api_key?environment={}", "prod"),
        target("GET", "/api/connectivity/status?service={}", "openai"),
        target("GET", "/api/connectivity/best?service={}", "openai"),
        target("GET", "/api/audit?node={}", "aurora"),
        target("GET", "/api/audit?company={}", "acme"),
        target("GET", "/api/audit?environment={}", "prod"),
        target("GET", "/api/exposure?of=node:{}", "aurora"),
        target("GET", "/api/exposure?of=company:{}", "acme"),
        target("POST", "/api/keys/rotate?scope=company&scope_id={}", "acme"),
        target("POST", "/api/keys/rotate?scope=global&environment={}", "prod"),
        target("GET", "/api/apikeys?agent={}", "robot"),
        target("DELETE", "/api/freezes?target=company:{}", "acme"),
        target("GET", "/api/freezes/holders?revision=1&target=node:{}", "vengeance"),
        target("GET", "/api/deliveries?name={}", "ci"),
        target("GET", "/api/dead-letters?name={}", "ci"),
        target("GET", "/api/events/history?service={}", "openai"),
        target("GET", "/api/events/history?node={}", "aurora"),
        target("GET", "/api/whoami?action={}", "secret.read"),
        target("GET", "/api/whoami?action=secret.read&secret=hubspot/{}", "api"),
        target("GET", "/api/whoami?action=secret.read&company={}", "acme"),
        target("GET", "/api/whoami?action=secret.read&environment={}", "prod"),
    ]
}

fn in_bodies() -> Vec<Taken> {
    let secret = |field: &str, others: Value| {
        let mut body = json!({"service": "hubspot", "key_name": "hostile", "key_value": "x"});
        let object = body.as_object_mut().expect("an object");
        object.extend(others.as_object().cloned().expect("an object"));
        object.insert(field.to_owned(), "{}".into());
        body
    };
    let agent = |field: &str, text: Value| {
        let mut body = json!({
            "name": "hostile", "capabilities": ["data_read"], "secrets": ["*"], "companies": [], "environments": ["prod"],
            "limit_rpm": 60
        });
        body.as_object_mut().expect("an object").insert(field.to_owned(), text);
        body
    };
    vec![
        body("/api/agents", "robot", agent("name", json!("{}"))),
        body("/api/agents", "data_read", agent("capabilities", json!(["{}"]))),
        body("/api/agents", "acme", agent("companies", json!(["{}"]))),
        body("/api/agents", "prod", agent("environments", json!(["{}"]))),
        body("/api/connectivity/status", "openai", json!({"service": "{}", "status": "healthy"})),
        body("/api/connectivity/status", "healthy", json!({"service": "openai", "status": "{}"})),
        body("/api/access-requests", "openai/api_key", json!({"name": "{}", "reason": "a drill"})),
        body("/api/access-requests", "data_read", json!({"name": "openai/api_key", "reason": "x", "capability": "{}"})),
        body("/api/events", "data.created", json!({"type": "{}", "data": {}})),
        body("/api/events", "prod", json!({"type": "data.created", "environment": "{}"})),
        body("/api/freezes", "agent:robot", json!({"target": "{}", "level": "read", "reason": "a drill"})),
        body("/api/secrets", "hubspot", secret("service", json!({}))),
        body("/api/secrets", "api", secret("key_name", json!({}))),
        body("/api/secrets", "global", secret("scope", json!({}))),
        body("/api/secrets", "acme", secret("scope_id", json!({"scope": "company"}))),
        body("/api/secrets", "vengeance", secret("scope_id", json!({"scope": "node"}))),
        body("/api/secrets", "prod", secret("environment", json!({}))),
        body("/api/tokens", "vengeance", json!({"node": "{}"})),
        body("/api/tokens", "prod", json!({"node": "second", "environment": "{}"})),
        body("/api/tokens", "acme", json!({"node": "third", "companies": ["{}"]})),
        body("/api/nodes/nowhere/entitlement", "prod", json!({"environment": "{}", "companies": [], "allow": ["*"]})),
        body(
            "/api/nodes/nowhere/entitlement",
            "acme",
            json!({"environment": "prod", "companies": ["{}"], "allow": ["*"]}),
        ),
        body("/api/environments/mirror", "prod", json!({"from": "{}", "to": "dev"})),
        body("/api/environments/mirror", "dev", json!({"from": "prod", "to": "{}"})),
        body("/api/environments/check", "prod", json!({"left": "{}", "right": "dev"})),
        body("/api/environments/check", "dev", json!({"left": "prod", "right": "{}"})),
    ]
}

fn in_headers() -> Vec<Taken> {
    let header = |name, base| Taken { place: Place::Header(name), base, goes_on: false };
    vec![header("X-Company-Id", "acme"), header("X-Node-Name", "aurora"), header("X-Aurora-Act-As", "robot")]
}

impl Place {
    /// The request with this text at its place; `None` if HTTP cannot carry it there, or drops what is odd about it.
    fn request(&self, text: &str) -> Option<Vec<u8>> {
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (method, target, header, body) = match self {
            // Nothing at all is another path, and a parameter that is left out.
            Self::Target(..) if text.is_empty() => return None,
            // The one word besides names: all of them.
            Self::Body(_, "/api/agents", _) if text == "*" => return None,
            Self::Target(method, target) => (*method, target.replace("{}", &escaped), String::new(), String::new()),
            Self::Body(method, target, body) => {
                let body = body.to_string().replace("\"{}\"", &Value::from(text).to_string());
                (*method, (*target).to_owned(), format!("Content-Length: {}\r\n", body.len()), body)
            }
            // Blanks around the value of a header are none of it (RFC 9112, 5.1), and a line ends it.
            Self::Header(_) if text.trim_matches([' ', '\t']) != text || text.contains(['\r', '\n']) => return None,
            Self::Header(name) => {
                let target = "/api/secrets/hubspot/api_key".to_owned();
                ("GET", target, format!("{name}: {text}\r\n"), String::new())
            }
        };
        Some(format!("{method} {target} HTTP/1.1\r\nHost: aurora\r\n{header}\r\n{body}").into_bytes())
    }

    fn is_target(&self) -> bool {
        matches!(self, Self::Target(..))
    }

    fn shown(&self) -> String {
        match self {
            Self::Target(method, target) => format!("{method} {target}"),
            Self::Body(method, target, body) => format!("{method} {target} {body}"),
            Self::Header(name) => (*name).to_owned(),
        }
    }
}

/// A connection that is made again when the node has closed it.
struct Talk {
    socket: PathBuf,
    stream: Option<UnixStream>,
}

impl Talk {
    fn with(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), stream: None }
    }

    async fn ask(&mut self, request: &[u8]) -> Answer {
        if let Some(answer) = self.try_ask(request).await {
            return answer;
        }
        self.try_ask(request).await.unwrap_or_else(|| panic!("no answer to {}", String::from_utf8_lossy(request)))
    }

    async fn try_ask(&mut self, request: &[u8]) -> Option<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => UnixStream::connect(&self.socket).await.expect("listens"),
        };
        // A node that refuses early closes while this still writes; its answer is there nevertheless.
        let _refused_early = stream.write_all(request).await;
        let mut received = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            let read = stream.read(&mut chunk).await.ok()?;
            if read == 0 {
                return None;
            }
            received.extend_from_slice(&chunk[..read]);
            if let Some(answer) = Answer::parse_if_whole(&received) {
                if answer.header("connection") != Some("close") {
                    self.stream = Some(stream);
                }
                return Some(answer);
            }
        }
    }
}

/// A refusal of the node in its one shape, or of its HTTP parser, which has no body: what is no HTTP is no request.
fn assert_refused(place: &Place, text: &str, answer: &Answer) {
    let shown: String = text.chars().take(40).collect();
    let at = || format!("{} with {shown:?}: {answer:?}", place.shown());
    assert!(can_be_shown(&answer.head.replace("\r\n", " ")), "{}", at());
    if answer.body.is_empty() {
        let by_parser = matches!((answer.status, place), (431, _) | (400, Place::Header(_)));
        assert!(by_parser, "{}", at());
        return;
    }
    assert!(answer.status >= 400, "{}", at());
    let code = answer.code();
    let fits = match (answer.status, code.as_str()) {
        (400, "bad_name" | "bad_scope" | "bad_value" | "bad_event_type") => true,
        (404, "unknown_route") => place.is_target(),
        _ => false,
    };
    assert!(fits, "{}", at());
    assert!(can_be_shown(&answer.message()), "{}", at());
    assert!(answer.body.len() < 2_000, "{}", at());
}

async fn try_all(places: Vec<Taken>) {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    let mut talk = Talk::with(&lead.admin());
    for Taken { place, base, goes_on } in places {
        for text in spellings(base) {
            if let Some(request) = place.request(&text) {
                assert_refused(&place, &text, &talk.ask(&request).await);
            }
        }
        if !goes_on {
            let control = talk.ask(&place.request(base).expect("plain")).await;
            // What a route says of the rest of a request that holds nothing but the name is another matter.
            let taken = control.status != 400 || control.code() == "bad_json";
            assert!(taken, "the control: {} with {base}: {control:?}", place.shown());
        }
    }
    let health = lead.health().await;
    assert_eq!(health["status"], "healthy", "{health}");
}

#[tokio::test]
async fn a_path_takes_no_other_spelling() {
    try_all(in_paths()).await;
}

#[tokio::test]
async fn a_query_takes_no_other_spelling() {
    try_all(in_queries()).await;
}

#[tokio::test]
async fn a_body_takes_no_other_spelling() {
    try_all(in_bodies()).await;
}

#[tokio::test]
async fn a_header_takes_no_other_spelling() {
    try_all(in_headers()).await;
}
