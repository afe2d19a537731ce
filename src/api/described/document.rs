//! Puts the document together: paths from the tables, schemas from the types, and in both what the names in them mean.

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::lexicon::Lexicon;
use super::operation::{Content, Operation, SchemaOf, Told};
use super::words::{WORDS, Word};
use super::{
    agents, audit, aws, connectivity, events, frame, keys, life, nodes, policy, secrets, state, subscriptions, vault,
};
use crate::api::dialect::Dialect;

/// A family of routes, by the word they are filed under.
struct Family {
    tag: &'static str,
    about: &'static str,
    operations: fn() -> Vec<Operation>,
    words: &'static [Word],
}

const FAMILIES: &[Family] = &[
    family("Secrets", "Reading, storing, looking for and following secrets.", secrets::operations, secrets::WORDS),
    family("Life", "What becomes of a secret after it was stored.", life::operations, life::WORDS),
    family("Policy", "Who may do what, and what is frozen.", policy::operations, policy::WORDS),
    family("Agents", "Programs that act for somebody, and their keys.", agents::operations, agents::WORDS),
    family("Nodes", "The machines of the mesh.", nodes::operations, nodes::WORDS),
    family("Keys", "Keys of the mesh, its snapshots, and opening a sealed node.", keys::operations, keys::WORDS),
    family(
        "Connectivity",
        "Which APIs work from where, and with which credential.",
        connectivity::operations,
        connectivity::WORDS,
    ),
    family("Audit", "What was done, by whom, and what proves it.", audit::operations, audit::WORDS),
    family("Events", "What happens, as it happens.", events::operations, events::WORDS),
    family("Subscriptions", "Who is told of what happens.", subscriptions::operations, subscriptions::WORDS),
    family("State", "How the node itself is.", state::operations, state::WORDS),
    family("Vault", "The routes of HashiCorp Vault, for its clients.", vault::operations, vault::WORDS),
    family("AWS", "The routes of the AWS Secrets Manager Agent, for its clients.", aws::operations, aws::WORDS),
];

const fn family(
    tag: &'static str,
    about: &'static str,
    operations: fn() -> Vec<Operation>,
    words: &'static [Word],
) -> Family {
    Family { tag, about, operations, words }
}

/// What all names mean.
pub(super) fn lexicon() -> Lexicon {
    Lexicon::new(FAMILIES.iter().map(|family| family.words).chain([WORDS]))
}

/// Every route, with the word it is filed under.
fn operations() -> impl Iterator<Item = (&'static str, Operation)> {
    FAMILIES.iter().flat_map(|family| (family.operations)().into_iter().map(|operation| (family.tag, operation)))
}

/// The types of requests and of answers: of the former what may be left out, of the latter what is always there.
struct Types {
    taken: SchemaGenerator,
    told: SchemaGenerator,
}

impl Types {
    fn new() -> Self {
        let settings =
            || SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
        Self { taken: settings().for_deserialize().into_generator(), told: settings().for_serialize().into_generator() }
    }

    /// All that were asked for.
    fn schemas(mut self) -> Map<String, Value> {
        let mut schemas = self.told.take_definitions(true);
        for (name, schema) in self.taken.take_definitions(true) {
            let before = schemas.insert(name.clone(), schema);
            assert!(before.is_none(), "{name} is taken and told: they need two names");
        }
        schemas
    }
}

/// The document.
pub(super) fn document() -> Value {
    let (mut types, lexicon) = (Types::new(), lexicon());
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (tag, operation) in operations() {
        let (path, method) = (operation.path, operation.method);
        let told = described(tag, &operation, &mut types, &lexicon);
        let before = paths.entry(path).or_default().insert(method.to_owned(), told);
        assert!(before.is_none(), "{method} {path} is described twice");
    }
    let refusals = frame::refusals(&mut types.told);
    let mut schemas = types.schemas();
    lexicon.explain(&mut schemas);
    let tag = |family: &Family| json!({"name": family.tag, "description": family.about});
    let tags: Vec<Value> = FAMILIES.iter().map(tag).collect();
    plain(json!({
        "openapi": "3.1.0",
        "info": frame::info(),
        "servers": [frame::server()],
        "security": frame::who(None),
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": frame::headers(&lexicon),
            "parameters": frame::parameters(),
            "responses": refusals,
            "securitySchemes": frame::schemes(),
        },
    }))
}

/// With types called by what they are: `Secret`, not `SecretView`; texts without the links of this code; and no word of
/// what a field is that was left out, which is not what it is when it is `null`.
fn plain(document: Value) -> Value {
    const SCHEMAS: &str = "#/components/schemas/";
    if let Value::Array(values) = document {
        return values.into_iter().map(plain).collect();
    }
    let Value::Object(fields) = document else { return document };
    let fields = fields.into_iter().filter(|(name, value)| name != "default" || !value.is_null());
    let told = fields.map(|(name, value)| match (name.as_str(), value) {
        ("$ref", Value::String(at)) if at.starts_with(SCHEMAS) => (name, json!(bare(&at))),
        ("description", Value::String(text)) => (name, json!(text.replace("[`", "`").replace("`]", "`"))),
        ("schemas", Value::Object(schemas)) => (name, Value::Object(renamed(schemas))),
        (_, value) => (name, plain(value)),
    });
    Value::Object(told.collect())
}

fn renamed(schemas: Map<String, Value>) -> Map<String, Value> {
    let count = schemas.len();
    let renamed: Map<String, Value> = schemas.into_iter().map(|(name, schema)| (bare(&name), plain(schema))).collect();
    assert_eq!(renamed.len(), count, "two types are called the same without their View");
    renamed
}

fn bare(name: &str) -> String {
    name.replace("View", "")
}

/// As text: a line for each route and for each type, so that a change of one is a change of a line.
pub(super) fn text(document: &Value) -> String {
    format!("{}\n", lines(document, 3))
}

fn lines(value: &Value, depth: usize) -> String {
    let Some(fields) = value.as_object().filter(|fields| depth > 0 && !fields.is_empty()) else {
        return value.to_string();
    };
    let line = |(name, value): (&String, &Value)| format!("{}:{}", json!(name), lines(value, depth - 1));
    let lines: Vec<String> = fields.iter().map(line).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

/// One method of one path.
fn described(tag: &str, operation: &Operation, types: &mut Types, lexicon: &Lexicon) -> Value {
    let mut parameters = lexicon.path_parameters(operation.path);
    if let Some((name, query)) = operation.query {
        parameters.extend(query_parameters(&name(), query, operation, types, lexicon));
    }
    parameters.extend(operation.reads.iter().map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
    let mut answers: Map<String, Value> =
        operation.answers.iter().map(|told| (told.status.to_string(), answer(told, types))).collect();
    let refusal = json!({"$ref": format!("#/components/responses/{}", frame::refusal_of(operation.path))});
    for (status, when) in &operation.refusals {
        let mut told = refusal.clone();
        told["description"] = json!(when);
        answers.insert(status.to_string(), told);
    }
    answers.insert("default".to_owned(), refusal);
    let mut told = json!({
        "operationId": operation.id, "tags": [tag], "summary": operation.summary, "responses": answers,
    });
    if Dialect::of(operation.path) != Dialect::Aurora {
        told["security"] = frame::who(Some(operation.path));
    }
    if !operation.about.is_empty() {
        told["description"] = json!(operation.about);
    }
    if !parameters.is_empty() {
        told["parameters"] = json!(parameters);
    }
    if let Some((body, required)) = &operation.body {
        told["requestBody"] = json!({"required": required, "content": content(*body, &mut types.taken)});
    }
    told
}

/// The fields of the type of a query, each as a parameter, and what the operation takes besides.
fn query_parameters(
    name: &str,
    query: SchemaOf,
    operation: &Operation,
    types: &mut Types,
    lexicon: &Lexicon,
) -> Vec<Value> {
    let schema = query(&mut types.taken).to_value();
    let fields = schema["properties"].as_object().unwrap_or_else(|| panic!("{name} is a query without parameters"));
    let is_needed = |field: &str| operation.needs.contains(&field);
    assert!(operation.needs.iter().all(|needed| fields.contains_key(*needed)), "{} needs what is none", operation.id);
    let taken = fields.iter().filter(|(field, _)| !operation.without.contains(&field.as_str()));
    let once = taken.map(|(field, said)| lexicon.query_parameter(name, field, said, is_needed(field)));
    let often = operation.repeats.iter().map(|field| lexicon.query_parameter(name, field, &Value::Null, false));
    once.chain(often).collect()
}

fn answer(told: &Told, types: &mut Types) -> Value {
    let mut headers = Map::new();
    for name in ["X-Request-Id"].iter().chain(told.headers) {
        headers.insert((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    }
    let mut answer = json!({"description": told.when, "headers": headers});
    if let Some(of) = told.content {
        answer["content"] = content(of, &mut types.told);
    }
    answer
}

/// How a body or an answer is described.
pub(super) fn content(content: Content, types: &mut SchemaGenerator) -> Value {
    match content {
        Content::Json(schema) => json!({"application/json": {"schema": schema(types)}}),
        Content::Text(media_type) => json!({media_type: {"schema": {"type": "string"}}}),
        Content::Bytes(media_type) => json!({media_type: {}}),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::words::{ASKED, TOLD};
    use super::*;

    /// With `AURORA_WRITE_OPENAPI=1` the text is written anew.
    #[test]
    fn the_openapi_json_that_a_node_carries_is_this_document() {
        let made = document();
        if std::env::var_os("AURORA_WRITE_OPENAPI").is_some() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/openapi.json");
            std::fs::write(file, text(&made)).expect("a writable source");
            return;
        }
        let carried: Value = serde_json::from_str(crate::api::openapi::DOCUMENT).expect("JSON");
        assert!(
            carried == made,
            "src/api/openapi.json is of another day: AURORA_WRITE_OPENAPI=1 cargo test --lib openapi"
        );
    }

    #[test]
    fn every_name_is_explained_and_every_word_stands_somewhere() {
        let (mut types, lexicon) = (Types::new(), lexicon());
        for (tag, operation) in operations() {
            described(tag, &operation, &mut types, &lexicon);
        }
        frame::refusals(&mut types.told);
        lexicon.explain(&mut types.schemas());
        assert_eq!(lexicon.missing(), BTreeSet::new(), "names without a meaning");
        assert_eq!(lexicon.unused(), BTreeSet::new(), "words that stand nowhere");
    }

    #[test]
    fn every_route_is_called_by_a_word_of_its_own() {
        let mut ids = BTreeSet::new();
        for (_, Operation { id, path, method, answers, summary, .. }) in operations() {
            assert!(ids.insert(id), "{id} is two routes");
            assert!(!answers.is_empty() && !summary.ends_with('.'), "{method} {path}");
        }
        assert!(ids.len() > 100, "{}", ids.len());
    }

    #[test]
    fn every_header_that_is_read_or_told_is_explained_and_no_other() {
        let all = |words: &[Word]| words.iter().map(|word| word.name).collect::<BTreeSet<_>>();
        let (mut read, mut told) = (BTreeSet::new(), frame::OF_REFUSALS.iter().copied().collect::<BTreeSet<_>>());
        for (_, operation) in operations() {
            read.extend(operation.reads);
            told.extend(operation.answers.iter().flat_map(|answer| answer.headers));
        }
        assert_eq!((read, told), (all(ASKED), all(TOLD)));
    }
}
