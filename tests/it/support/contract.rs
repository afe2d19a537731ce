//! Holds what tests ask and what they are answered against the document that a node gives of itself (`/openapi.json`), so
//! that it is as true as the tests are many: every success is described, every answer has the shape it is said to have, and
//! every request that was taken is one that the document allows.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};

use super::http::Answer;

/// Where the document stands for the references in it; nothing is fetched.
const PLACE: &str = "https://aurora.invalid/openapi.json";

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../src/api/openapi.json")).expect("JSON"));

static REGISTRY: LazyLock<Registry<'static>> = LazyLock::new(|| {
    let added = Registry::new().draft(Draft::Draft202012).add(PLACE, DOCUMENT.clone());
    added.expect("a resource").prepare().expect("whose references lead somewhere")
});

static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);

/// Every method and path of the document, the method in capitals.
pub fn routes() -> Vec<(String, String)> {
    let paths = DOCUMENT["paths"].as_object().expect("paths").iter();
    let of_path = |(path, methods): (&String, &Value)| {
        let methods: Vec<String> = methods.as_object().expect("methods").keys().cloned().collect();
        methods.into_iter().map(|method| (method.to_ascii_uppercase(), path.clone())).collect::<Vec<_>>()
    };
    paths.flat_map(of_path).collect()
}

/// What the document says of a route, by the path as it stands there.
pub fn operation(method: &str, path: &str) -> &'static Value {
    &DOCUMENT["paths"][path][method.to_ascii_lowercase()]
}

/// Panics when an answer is none that the document describes. What it knows nothing of is passed over: tests ask for that
/// too.
pub fn hold(method: &str, target: &str, sent: &str, answer: &Answer) {
    if let Err(broken) = look(method, target, sent, answer) {
        panic!("{method} {target}: {broken}\n{}\n\n{}", answer.head, answer.body);
    }
}

/// The same, told.
fn look(method: &str, target: &str, sent: &str, answer: &Answer) -> Result<(), String> {
    let path = target.split('?').next().unwrap_or_default();
    let Some(path) = template(path) else { return Ok(()) };
    let operation = operation(method, path);
    if operation.is_null() || is_no_request(answer) {
        return Ok(());
    }
    let at = format!("/paths/{}/{}", escaped(path), method.to_ascii_lowercase());
    look_at_answer(&at, operation, answer)?;
    if answer.status >= 300 {
        return Ok(());
    }
    look_at_query(operation, target)?;
    look_at_request(&at, operation, sent)
}

/// Whether this was refused before there was a request: what is no HTTP has no id.
fn is_no_request(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 431) && answer.body.is_empty() && answer.header("x-request-id").is_none()
}

fn look_at_answer(at: &str, operation: &Value, answer: &Answer) -> Result<(), String> {
    let (responses, status) = (&operation["responses"], answer.status.to_string());
    let is_described = !responses[&status].is_null();
    if !is_described && answer.status < 400 {
        return Err(format!("the status {status} is not described"));
    }
    let said = if is_described { &status } else { "default" };
    let (at, described) = followed(format!("{at}/responses/{said}"), &responses[said]);
    let Some(body) = answer_of(answer, described)? else { return Ok(()) };
    valid(&format!("{at}/content/application~1json/schema"), &body, "the answer")
}

/// The parameters of a request that was taken: what is not described was read all the same.
fn look_at_query(operation: &Value, target: &str) -> Result<(), String> {
    let described: Vec<&str> = operation["parameters"].as_array().map_or_else(Vec::new, |parameters| {
        let of_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        of_query.filter_map(|parameter| parameter["name"].as_str()).collect()
    });
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    // Health answers whoever asks, whatever else he says.
    let is_open = ["readHealth", "vaultHealth", "ping"].iter().any(|id| operation["operationId"] == *id);
    let unknown: Vec<&str> = names.filter(|name| !name.is_empty() && !described.contains(name)).collect();
    if unknown.is_empty() || is_open { Ok(()) } else { Err(format!("{unknown:?} was taken and is not described")) }
}

/// A request that was taken.
fn look_at_request(at: &str, operation: &Value, sent: &str) -> Result<(), String> {
    let takes = &operation["requestBody"]["content"];
    if takes["application/json"].is_null() || sent.is_empty() {
        return Ok(());
    }
    let body = serde_json::from_str(sent).map_err(|error| format!("what was taken is no JSON: {error}"))?;
    valid(&format!("{at}/requestBody/content/application~1json/schema"), &body, "the request, which was taken,")
}

/// The JSON of an answer that is described as such.
fn answer_of(answer: &Answer, described: &Value) -> Result<Option<Value>, String> {
    let content = described["content"].as_object();
    let kind = answer.header("content-type").unwrap_or_default();
    match content {
        None if answer.body.is_empty() => Ok(None),
        None => Err("an answer without a body is described".to_owned()),
        Some(content) if !content.contains_key(kind) => Err(format!("{kind:?} is not described")),
        // What comes in pieces is taken apart by the test itself.
        Some(_) if kind != "application/json" || answer.header("content-length").is_none() => Ok(None),
        Some(_) => serde_json::from_str(&answer.body).map(Some).map_err(|error| format!("no JSON: {error}")),
    }
}

/// A part of the document, or the one it refers to, with its place.
fn followed(at: String, part: &Value) -> (String, &Value) {
    let Some(refers) = part["$ref"].as_str().and_then(|refers| refers.strip_prefix('#')) else { return (at, part) };
    (refers.to_owned(), DOCUMENT.pointer(refers).expect("a reference that leads somewhere"))
}

/// The path of the document that this one is of: a name where a name may stand, a word before a name.
fn template(path: &str) -> Option<&'static str> {
    let segments: Vec<&str> = path.split('/').collect();
    let is_name = |segment: &str| segment.starts_with('{');
    let fits = |template: &&'static String| {
        let wanted: Vec<&str> = template.split('/').collect();
        let each = |(wanted, given): (&&str, &&str)| wanted == given || (is_name(wanted) && !given.is_empty());
        wanted.len() == segments.len() && wanted.iter().zip(&segments).all(each)
    };
    let fitting = DOCUMENT["paths"].as_object().expect("paths").keys().filter(fits);
    fitting.min_by_key(|template| template.split('/').filter(|segment| is_name(segment)).count()).map(String::as_str)
}

/// A key as a JSON pointer has it (RFC 6901).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn valid(at: &str, value: &Value, what: &str) -> Result<(), String> {
    let broken: Vec<String> = validator(at)
        .iter_errors(value)
        .map(|error| format!("{error} at {:?}", error.instance_path().to_string()))
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(format!("{what} is not as described: {}", broken.join("; "))) }
}

/// The validator of a schema of the document. Each is made once, and lives as long as the tests.
fn validator(at: &str) -> &'static Validator {
    let mut made = VALIDATORS.lock().expect("not poisoned");
    made.entry(at.to_owned()).or_insert_with(|| {
        // Braces of a path are no characters of a fragment.
        let fragment = at.replace('{', "%7B").replace('}', "%7D");
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        let reference = format!("{PLACE}#{fragment}");
        // The document lets answers become more; what tests see of them today is described.
        let schema = json!({"$ref": reference, "unevaluatedProperties": !at.contains("/responses/")});
        Box::leak(Box::new(
            options.with_registry(&REGISTRY).build(&schema).unwrap_or_else(|error| panic!("{at}: {error}")),
        ))
    })
}

#[test]
fn an_answer_that_is_not_as_described_is_noticed() {
    let answer = |status: u16, kind: &str, body: &str| {
        let head = format!("HTTP/1.1 {status} .\r\ncontent-type: {kind}\r\ncontent-length: {}", body.len());
        Answer { status, head, body: body.to_owned() }
    };
    let look = |answer: Answer| look("GET", "/api/keys?x=1", "", &answer);
    let refusal = r#"{"error":{"code":"denied","message":"m","hint":"h","request_id":"r"}}"#;
    assert_eq!(look(answer(403, "application/json", refusal)), Ok(()));
    let noticed = |answer: Answer, says: &str| {
        let broken = look(answer).expect_err(says);
        assert!(broken.contains(says), "{broken}");
    };
    noticed(answer(200, "application/json", refusal), "is not as described");
    noticed(answer(403, "application/json", r#"{"error":{"code":"denied"}}"#), "\"message\" is a required property");
    noticed(answer(202, "application/json", "{}"), "202 is not described");
    noticed(answer(200, "text/plain", "x"), "\"text/plain\" is not described");
    let more = refusal.replacen('{', r#"{"more":1,"#, 1);
    noticed(answer(403, "application/json", &more), "is not as described");
    noticed(answer(200, "application/json", "{"), "no JSON");
}

#[test]
fn a_parameter_that_was_taken_and_is_not_described_is_noticed() {
    let look = |target: &str| look_at_query(operation("GET", "/api/unused"), target);
    assert_eq!(look("/api/unused?for=30d&&"), Ok(()));
    assert!(look("/api/unused?for=30d&since=1").expect_err("unknown").contains("since"));
}

#[test]
fn a_request_that_was_taken_and_is_not_as_described_is_noticed() {
    let path = "/api/environments/check";
    let look = |sent: &str| look_at_request(&format!("/paths/{}/post", escaped(path)), operation("POST", path), sent);
    assert_eq!(look(r#"{"left":"prod","right":"dev"}"#), Ok(()));
    for wrong in [r#"{"left":1,"right":"dev"}"#, r#"{"left":"prod","right":"dev","x":1}"#] {
        assert!(look(wrong).expect_err(wrong).contains("the request, which was taken, is not as described"));
    }
}
