//! What stands around the routes: what all of them have in common, who may ask, and how all of them refuse.

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::document::content;
use super::lexicon::{Lexicon, parameter_schema};
use super::operation::{Content, SchemaOf};
use super::words::{ASKED, TOLD, Word};
use crate::api::dialect::{AwsError, Dialect, VaultErrors};
use crate::api::types_error::ErrorBody;

const ABOUT: &str = "Credentials for the programs of a machine. The same routes are on the agent socket, on the admin \
    socket and, if the node is configured so, on a loopback port. Who asks on a socket is known from the kernel; on \
    loopback it takes an API key, and the header `X-Aurora-Request: true`. With `X-Aurora-Act-As` a caller acts as an \
    agent that it may act as; an agent that signs its commands does so with `X-Aurora-Timestamp`, `X-Aurora-Nonce` and \
    `X-Aurora-Signature`. Answers to a caller with a limit have `X-RateLimit-Limit`, `X-RateLimit-Remaining` and \
    `X-RateLimit-Scope`.\n\nSecrets, policy and nodes are changed on the lead: other nodes refuse that with `not_lead`. \
    Nothing about a secret is answered before it stands in the audit journal. Unknown fields and parameters are \
    refused. A parameter that is empty is one that was left out. What answers list, fields and words alike, may become \
    more.";

/// Headers that a refusal may have.
pub(super) const OF_REFUSALS: &[&str] =
    &["X-Request-Id", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Scope"];

/// What the document is.
pub(super) fn info() -> Value {
    json!({
        "title": "Aurora Mesh",
        "version": "1",
        "summary": "Credentials for the programs of a machine.",
        "description": ABOUT,
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    })
}

/// Where it is true, for clients that know no sockets.
pub(super) fn server() -> Value {
    json!({"url": "http://127.0.0.1:8003", "description": "The loopback listener, if there is one: it takes API keys."})
}

/// What a request shows: nothing on a socket, a key on loopback. At the paths of another system a key is shown as there.
pub(super) fn who(path: Option<&str>) -> Value {
    let mut ways = vec![json!({}), json!({"apiKey": [], "marked": []}), json!({"bearer": [], "marked": []})];
    match path.map_or(Dialect::Aurora, Dialect::of) {
        Dialect::Aurora => {}
        Dialect::Vault => ways.push(json!({"vaultToken": []})),
        Dialect::Aws => ways.extend([json!({"vaultToken": []}), json!({"awsToken": []})]),
    }
    json!(ways)
}

/// How it is shown.
pub(super) fn schemes() -> Value {
    let header = |name, says| json!({"type": "apiKey", "in": "header", "name": name, "description": says});
    json!({
        "apiKey": header("X-API-Key", "An API key of an agent."),
        "bearer": {"type": "http", "scheme": "bearer", "description": "The same key, as RFC 6750 shows one."},
        "vaultToken": header("X-Vault-Token", "The same key, as clients of Vault show one, at their own paths."),
        "awsToken": header(
            "X-Aws-Parameters-Secrets-Token",
            "The same key, as clients of the AWS agent show one, at their own paths.",
        ),
        "marked": header("X-Aurora-Request", "`true`, on loopback: no page in a browser can send it."),
    })
}

/// How a route is refused, in the words of whoever asks there.
pub(super) fn refusal_of(path: &str) -> &'static str {
    match Dialect::of(path) {
        Dialect::Aurora => "Refusal",
        Dialect::Vault => "VaultRefusal",
        Dialect::Aws => "AwsRefusal",
    }
}

/// The refusals of each dialect.
pub(super) fn refusals(types: &mut SchemaGenerator) -> Value {
    let reference = |name: &&str| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    let headers: Map<String, Value> = OF_REFUSALS.iter().map(reference).collect();
    let mut refusal = |schema: SchemaOf, description: &str| {
        let content = content(Content::Json(schema), types);
        json!({"description": description, "headers": headers, "content": content})
    };
    json!({
        "Refusal": refusal(SchemaGenerator::subschema_for::<ErrorBody<'_>>, "It was refused, or failed."),
        "VaultRefusal": refusal(SchemaGenerator::subschema_for::<VaultErrors>, "The same, as Vault says it."),
        "AwsRefusal": refusal(SchemaGenerator::subschema_for::<AwsError<'_>>, "The same, as the AWS agent says it."),
    })
}

/// The headers of answers.
pub(super) fn headers(lexicon: &Lexicon) -> Map<String, Value> {
    TOLD.iter().map(|word| (word.name.to_owned(), lexicon.header(word))).collect()
}

/// The headers of requests.
pub(super) fn parameters() -> Map<String, Value> {
    let parameter = |word: &Word| {
        let schema = parameter_schema(Some(*word));
        json!({"name": word.name, "in": "header", "required": false, "description": word.says, "schema": schema})
    };
    ASKED.iter().map(|word| (word.name.to_owned(), parameter(word))).collect()
}
