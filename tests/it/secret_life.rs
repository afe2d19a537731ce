//! A secret can be described, deleted and undeleted, rolled back and destroyed, and may have several fields: over HTTP and
//! on the command line, with every refusal.

mod by_hand;
mod fields;
mod over_http;

use serde_json::{Value, json};

use crate::support::http::{self, Answer};
use crate::support::process::Node;

/// The secret of these tests.
const SECRET: &str = "/api/secrets/hubspot/api_key";

/// Stores a value of it in the global scope; `more` are further fields of the body.
async fn put(lead: &Node, value: &str, more: &Value) -> Answer {
    let mut body = json!({"service": "hubspot", "key_name": "api_key", "key_value": value});
    let fields = more.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(fields);
    http::post(&lead.admin(), "/api/secrets", &body).await
}

/// Asks for a change through the admin socket.
async fn change(lead: &Node, method: &str, target: &str, body: &str) -> Answer {
    http::ask(&lead.admin(), method, target, &[], body).await
}

/// A read through the agent socket.
async fn read(node: &Node, query: &str) -> Answer {
    http::get(&node.agent(), &format!("{SECRET}{query}")).await
}

/// The status, the code and whether the message says this.
fn assert_refused(answer: &Answer, status: u16, code: &str, says: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(answer.message().contains(says), "{says:?} is not in {}", answer.body);
}
