//! What happens: told by programs, heard by whoever listens, and looked up afterwards.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::operation::{Content, Operation, get, post};
use super::words::{NAME, NODE, SCOPES, Word, word};
use crate::api::types_events::{EventBody, HistoryQuery, PublishedView, StreamQuery, TypesQuery, TypesView};
use crate::model::event_kind::EventKind;

/// Who asks which node, and why.
const ON_A_NODE: &[&str] = &["X-Node-Name", "X-Aurora-Reason"];

/// The form of the id of an event, as the schemas of the types have it.
const EVENT_ID: &str = "^evt_[0-9A-HJKMNP-TV-Z]{26}$";

/// Types that programs tell.
fn of_programs() -> Vec<&'static str> {
    EventKind::ALL.iter().filter(|kind| kind.is_for_programs()).map(|kind| kind.as_str()).collect()
}

/// All types: those that programs tell, and those of the mesh alone.
fn kinds() -> Vec<&'static str> {
    EventKind::ALL.iter().map(|kind| kind.as_str()).collect()
}

/// A page of the history.
// A node joins the texts that it keeps, and so has no type for it.
#[derive(Serialize, JsonSchema)]
struct EventsView {
    /// The events, the newest first.
    events: Vec<EventView>,
    next_cursor: Option<String>,
}

/// One event, the same wherever it is read.
#[derive(Serialize, JsonSchema)]
struct EventView {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: String,
    node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    /// The program that tells of it; without it, it is the word of the mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// What there is to say of it, as the schema of its type has it.
    data: Map<String, Value>,
}

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        publish("/api/events", "publishEvent"),
        publish("/events", "publishEventByOlderPath"),
        get("/api/events", "streamEvents", "Hear what happens, as it happens")
            .about(
                "`ready` says behind which number it begins, or `reset` that some of what was missed is no longer \
                 kept; every other event is called by its type and holds its JSON. Ids are numbers of this node: \
                 `Last-Event-ID`, or else `after`, goes on behind one, and a comment after 15 s of silence moves it \
                 on. It needs `event_subscribe`, and each event is told only to whoever may hear of it.",
            )
            .query::<StreamQuery>()
            .repeats(&["type"])
            .reads(&["X-Node-Name", "X-Aurora-Reason", "Last-Event-ID"])
            .answers_with(
                Content::Text("text/event-stream"),
                "The events, as Server-Sent Events, until either end stops.",
            ),
        get("/api/events/history", "listEvents", "What happened, the newest first")
            .about(
                "It needs `event_subscribe`, and each event is told only to whoever may hear of it. A page that \
                 searches long ends early, with a cursor.",
            )
            .query::<HistoryQuery>()
            .repeats(&["type"])
            .reads(ON_A_NODE)
            .answers::<EventsView>("A page of the history of this node."),
        get("/api/events/types", "listEventTypes", "The types of events, with a schema for each")
            .about("It needs `event_subscribe`.")
            .query::<TypesQuery>()
            .reads(ON_A_NODE)
            .answers::<TypesView>("All types, or the one that was asked for.")
            .refuses(400, "`bad_event_type`: there is no such type."),
    ]
}

/// Both paths lead to the same route.
fn publish(path: &'static str, id: &'static str) -> Operation {
    post(path, id, "Tell that something happened")
        .about(
            "It takes `type` with `data`, or the older shape, `source_agent` and `action` with `target` and `details`, \
             which is kept whole as data. It needs `event_publish`; with `X-Company-Id` only those who may hear of \
             that company are told, and the same `Idempotency-Key`, or `id`, of the same caller is the same event. A \
             follower keeps it and sends it to the lead, at once or when the lead is back.",
        )
        .reads(&["X-Company-Id", "X-Node-Name", "X-Aurora-Reason", "Idempotency-Key"])
        .takes::<EventBody>()
        .answers::<PublishedView>("It is kept.")
        .refuses(400, "`bad_event_type`: there is no such type, or only the mesh tells it; or any other bad request.")
        .refuses(413, "`value_too_large`: the data are more than 16 KiB.")
        .refuses(422, "`looks_like_credential`: the message says where, and does not repeat it.")
        .refuses(503, "`overloaded`: as many events as are kept wait for the lead; or the node is not ready.")
}

const TYPES: &str =
    "Of which types: such as `secret.updated`, `secret.*` or `*`; several, at most 32; of all if there is none.";
const SERVICE: &str = "Only what is about this service.";
const SCOPE: &str = "Only what is about a secret of such a scope.";
const SCOPE_ID: &str = "The company or the node of the scope; only together with it.";
const COMPANY: &str = "Only what is of this company.";
const ENVIRONMENT: &str = "Only what is of this environment.";
const OF_NODE: &str = "Only what this node tells, or what is about it.";

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word("EventBody.type", "What kind of thing happened.").known(of_programs),
    word("EventBody.data", "What there is to say of it: at most 16 KiB, 8 deep, and no credential."),
    word("EventBody.environment", "Where it happened; in that of the node if it is left out.").pattern(NAME),
    word("EventBody.id", "By which a second try is known; the header `Idempotency-Key` counts more.")
        .pattern("^[!-~]{1,128}$"),
    word("EventBody.source_agent", "Older shape: who says that it did something."),
    word(
        "EventBody.action",
        "Older shape: a type, or one in other words, such as `data_created` or `Workflow Failed`.",
    ),
    word("EventBody.target", "Older shape: to what it was done."),
    word("EventBody.details", "Older shape: whatever else there is to say."),
    word("PublishedView.id", "What the event is called.").pattern(EVENT_ID),
    word("HistoryQuery.type", TYPES).several(),
    word("StreamQuery.type", TYPES).several(),
    word("HistoryQuery.service", SERVICE).pattern(NAME),
    word("HistoryQuery.scope", SCOPE).one_of(SCOPES),
    word("HistoryQuery.scope_id", SCOPE_ID),
    word("HistoryQuery.company", COMPANY).pattern(NAME),
    word("HistoryQuery.environment", ENVIRONMENT).pattern(NAME),
    word("HistoryQuery.node", OF_NODE).pattern(NODE),
    word("HistoryQuery.since", "None that is older than this time in RFC 3339, or than so long ago, such as `24h`."),
    word("HistoryQuery.limit", "How many to answer at most; 100 if it is left out.").number(1, 1000),
    word("StreamQuery.service", SERVICE).pattern(NAME),
    word("StreamQuery.scope", SCOPE).one_of(SCOPES),
    word("StreamQuery.scope_id", SCOPE_ID),
    word("StreamQuery.company", COMPANY).pattern(NAME),
    word("StreamQuery.environment", ENVIRONMENT).pattern(NAME),
    word("StreamQuery.node", OF_NODE).pattern(NODE),
    word("StreamQuery.after", "The number behind which to begin; from now on if it is left out.").number(0, u64::MAX),
    word("TypesQuery.type", "Only this type.").known(kinds),
    word("TypesView.types", "The types."),
    word("TypeView.type", "The type, as events and filters name it.").known(kinds),
    word("TypeView.summary", "What it means, in a sentence."),
    word("TypeView.audience", "Who may hear of it, in words."),
    word("TypeView.schema", "The JSON Schema of an event of this type."),
    word("EventView.id", "What it is called, everywhere.").pattern(EVENT_ID),
    word("EventView.type", "What kind of thing happened.").known(kinds),
    word("EventView.timestamp", "When it happened.").time(),
    word("EventView.node", "The node that tells it; of what a program told, the one it was told on.").pattern(NODE),
    word("EventView.environment", "The environment it is of, if it is of one.").pattern(NAME),
    word("EventView.company", "The company it is of, if it is of one.").pattern(NAME),
];
