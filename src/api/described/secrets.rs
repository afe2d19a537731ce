//! Reading secrets, storing them, looking for them, and following what becomes of them.

use super::operation::{Content, Operation, get, post};
use super::words::{NAME, Word, word};
use crate::api::types_bulk::{ExportQuery, ExportView, ImportQuery, ImportView};
use crate::api::types_change::StoredView;
use crate::api::types_explain::ExplainView;
use crate::api::types_list::ListQuery;
use crate::api::types_put::PutBody;
use crate::api::types_record::{ListView, VersionsView};
use crate::api::types_secret::{ExplainQuery, PlaceQuery, PutQuery, ReadQuery, SecretView};
use crate::api::types_watch::{WatchAllQuery, WatchOneQuery};

/// What every answer about one value says of it.
const OF_A_VALUE: &[&str] = &["X-Cache", "Age", "X-Secret-Version", "X-Fresh-Until", "ETag"];

/// Who asks for whom.
const CONTEXT: &[&str] = &["X-Company-Id", "X-Node-Name", "X-Aurora-Reason"];

/// Who asks, and why, where no company is asked for.
const NODE_AND_REASON: &[&str] = &["X-Node-Name", "X-Aurora-Reason"];

/// What a watch reads.
const WATCHED: &[&str] = &["X-Node-Name", "X-Aurora-Reason", "Last-Event-ID"];

/// What a watch is made of.
const EVENTS: Content = Content::Text("text/event-stream");

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    let mut all = of_one();
    all.extend(of_lists());
    all.extend(of_watches());
    all.extend(of_many());
    all
}

/// One secret: read, stored.
fn of_one() -> Vec<Operation> {
    vec![
        get("/api/secrets/{service}/{key}", "readSecret", "Read a secret")
            .about(
                "The narrowest scope wins: node, company, global. `override_applied` says which one did. With `scope` \
                 that one is read and no other. A value of several fields is the text of a JSON object in `key_value`, \
                 or with `field` one of them alone. Older versions are on the lead.",
            )
            .query::<ReadQuery>()
            .reads(&["X-Company-Id", "X-Node-Name", "X-Aurora-Reason", "If-None-Match"])
            .answers::<SecretView<'_>>("The value, and where it came from.")
            .with_headers(OF_A_VALUE)
            .answers_nothing(304, "The caller has this value.")
            .with_headers(OF_A_VALUE)
            .refuses(
                404,
                "`not_found`: no value in the scopes that the message names, no such field or no such version.",
            )
            .refuses(406, "`not_text`: the value is no UTF-8.")
            .refuses(410, "`destroyed`.")
            .refuses(
                503,
                "`stale_cache`: the copy may not be served any more, and the lead is away; `no_lead`: `refresh` was \
                 asked for, and the lead does not answer.",
            ),
        post("/api/secrets", "storeSecret", "Store a secret")
            .about(
                "Makes a new version, on the lead. What is left out of the rest stays as it is, `null` clears it. The \
                 same again changes nothing: `unchanged` says so. With `validate` the provider is asked first, and a \
                 value that it refuses is not stored; one that cannot be checked is.",
            )
            .query::<PutQuery>()
            .reads(NODE_AND_REASON)
            .takes::<PutBody>()
            .answers::<StoredView>("It is stored, or was so already.")
            .refuses(
                400,
                "`bad_fields`: the value and the declared fields do not fit; `bad_scope`: no such place here.",
            )
            .refuses(
                409,
                "`not_lead`; `version_conflict`: the current version is not `cas`; `credential_rejected`: the provider \
                 refuses the value.",
            )
            .refuses(413, "`value_too_large`."),
    ]
}

/// What is known about secrets, without their values.
fn of_lists() -> Vec<Operation> {
    vec![
        get("/api/secrets", "listSecrets", "List secrets, without values")
            .about(
                "The current version of each secret in each scope that the caller may know of, in order of name. Every \
                 condition must hold. A page may be short, or empty, and have a `next_cursor` all the same. A value \
                 that this node has checked has `last_validated_at` and `validation_status`.",
            )
            .query::<ListQuery>()
            .repeats(&["tag"])
            .reads(&["X-Node-Name"])
            .answers::<ListView<'_>>("One page."),
        get("/api/secrets/{service}/{key}/versions", "listVersions", "List the versions of a secret, without values")
            .about(
                "Those that are kept here of one scope, the newest first: ten on the lead unless it is configured \
                 otherwise. And which nodes hold the current one; a follower knows of itself only.",
            )
            .query::<PlaceQuery>()
            .reads(NODE_AND_REASON)
            .answers::<VersionsView<'_>>("The versions.")
            .refuses(404, "`not_found`: there never was one in that scope."),
        get("/api/explain/{service}/{key}", "explainSecret", "Explain why a read comes out as it does")
            .about(
                "What the same caller would get by reading now: each scope that is tried, the winner, the rule of the \
                 policy, how fresh it would be, and who holds it. Never a value. Nothing is told of a scope that the \
                 caller may not ask about.",
            )
            .query::<ExplainQuery>()
            .reads(CONTEXT)
            .answers::<ExplainView<'_>>("The explanation, also when a read would be refused."),
    ]
}

/// Changes as they are made.
fn of_watches() -> Vec<Operation> {
    vec![
        get("/api/secrets/{service}/{key}/watch", "watchSecret", "Follow the changes of one secret")
            .about(
                "Server-Sent Events of one secret in every scope that the caller may know of; the events are those of \
                 `GET /api/watch`.",
            )
            .query::<WatchOneQuery>()
            .reads(WATCHED)
            .answers_with(EVENTS, "Events, until the caller or the node ends it."),
        get("/api/watch", "watchSecrets", "Follow the changes of secrets")
            .about(
                "Server-Sent Events of everything that the caller may list. `ready` (`epoch`, `revision`) says where a \
                 watch begins that resumes nothing. `changed` is one change, never a value: `service`, `key_name`, \
                 `scope`, `scope_id`, `environment`, `change`, `version`, `revision`, `at`, `freshness`. `reset` \
                 (`reason`, `message`, `current`) says that what follows is the newest state and not each change. The \
                 id of an event, such as `1.42`, resumes from there, as `Last-Event-ID` or as `after`. A comment \
                 breaks a silence of 15 s.",
            )
            .query::<WatchAllQuery>()
            .reads(WATCHED)
            .answers_with(EVENTS, "Events, until the caller or the node ends it."),
    ]
}

/// Many values at once.
fn of_many() -> Vec<Operation> {
    vec![
        post("/api/import", "importSecrets", "Store many secrets, all or none")
            .about(
                "Each line is what `POST /api/secrets` takes, without `validate`; blank lines are passed over. All are \
                 stored in one transaction on the lead, or none is: the refusal names the line or the secret. At most \
                 200000 lines and 128 MiB. Only one import is taken at once.",
            )
            .query::<ImportQuery>()
            .reads(NODE_AND_REASON)
            .takes_content(Content::Text("application/x-ndjson"), true)
            .answers::<ImportView>("What became of each line, or would.")
            .refuses(409, "`not_lead`; `version_conflict`: a current version is not its `cas`.")
            .refuses(413, "`too_many`: more lines or bytes than one import may have; `value_too_large`."),
        get("/api/export", "exportSecrets", "Read many secrets")
            .about(
                "Pages of what a read gives, in order of name: at most 100 values and about 1 MiB. What the caller may \
                 not export is left out and counted in `refused`. A page may be empty and have a `next_cursor` all the \
                 same.",
            )
            .query::<ExportQuery>()
            .reads(CONTEXT)
            .answers::<ExportView<'_>>("One page.")
            .refuses(406, "`not_text`: a value of this page is no UTF-8.")
            .refuses(503, "`stale_cache`: a copy may not be served any more, and the lead is away."),
    ]
}

/// What a version can be.
const STATES: &[&str] = &["live", "deleted", "destroyed", "unset"];

/// What a provider can say of a credential.
const VALIDATIONS: &[&str] = &["valid", "rejected", "unreachable", "unsupported"];

/// Whether a copy may be served while the lead is away.
const OFFLINE: &[&str] = &["allow", "deny"];

/// Who sets a duration.
const SET_BY: &[&str] = &["secret", "node"];

/// What may become of a scope that is tried.
const TRIED: &[&str] =
    &["won", "overridden", "absent", "deleted", "destroyed", "unset", "not_entitled", "not_named", "not_allowed"];

/// Kinds of fields.
const FIELDS: &[&str] = &["secret", "string"];

/// Words of `X-Cache`.
const SERVED: &[&str] = &["LEAD", "HIT", "STALE"];

/// Thirty days: the longest that a copy is fresh, or may be served after that.
const FRESHNESS_SECONDS_MAX: u64 = 30 * 86_400;

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    // Reading.
    word("key_value", "The value: a text, or an object of texts for one of several fields."),
    word("override_applied", "The scope that won over a wider one.").one_of(&["company", "node"]),
    word("ReadQuery.version", "An older version.").number(1, u64::MAX),
    word("ReadQuery.field", "One field of a value that has several.").pattern(NAME),
    word("ReadQuery.refresh", "Confirm with the lead first.").flag(),
    word("SecretView.field", "The field that was asked for.").pattern(NAME),
    word("FieldView.name", "The name of the field.").pattern(NAME),
    word("FieldView.type", "Whether it must be hidden (`secret`) or may be shown (`string`).").one_of(FIELDS),
    word("MetadataView.description", "What it is for."),
    word("MetadataView.owner", "Whose it is."),
    word("MetadataView.contact", "Whom to ask."),
    word("MetadataView.note", "Anything else."),
    word("MetadataView.provider", "The entry of the catalogue it is checked by."),
    word("MetadataView.tags", "Words to search by."),
    // Storing.
    word("PutBody.metadata", "Texts for people."),
    word("PutBody.cas", "The version that must be current; 0 if there must be no value."),
    word("PutBody.ttl", "For how many seconds a copy counts as fresh; `null`: as the node has it.")
        .number(1, FRESHNESS_SECONDS_MAX),
    word("PutBody.max_stale", "For how many seconds after that it may be served; `null`: as the node has it.")
        .number(0, FRESHNESS_SECONDS_MAX),
    word("PutBody.offline", "Whether a stale copy may be served at all.").one_of(OFFLINE),
    word("PutBody.rotation_reminder_days", "After how many days a new value is due; 0 is never, `null` is 90."),
    word("PutBody.fields", "The fields that the value has, at most 32: the whole list."),
    word("PutBody.validate", "Ask the provider about the value first; one that it refuses is not stored."),
    word("PutBody.force", "Store it though the provider refuses it; only together with `validate`."),
    word("FieldBody.name", "The name of the field.").pattern(NAME),
    word("FieldBody.type", "Whether it must be hidden (`secret`) or may be shown (`string`).").one_of(FIELDS),
    word("MetadataBody.description", "What it is for, in at most 1 KiB."),
    word("MetadataBody.owner", "Whose it is, in at most 1 KiB."),
    word("MetadataBody.contact", "Whom to ask, in at most 1 KiB."),
    word("MetadataBody.note", "Anything else, in at most 1 KiB."),
    word("MetadataBody.provider", "The entry of the catalogue it is checked by, if the service does not tell."),
    word("MetadataBody.tags", "Words to search by, at most 32 of at most 1 KiB: the whole list."),
    word("ToldView.status", "What the provider said, in a word.").one_of(VALIDATIONS),
    // Lists.
    word("ListQuery.prefix", "Only names `service/key_name` that start so."),
    word("ListQuery.tag", "Only what has this tag; all of them, if it is given several times (at most 32).").several(),
    word("ListQuery.provider", "Only what is checked with this provider."),
    word("ListQuery.state", "Only what is in this state.").one_of(STATES),
    word("ListQuery.expires_within", "Only what expires within this duration, such as `30d`, or has expired."),
    word("ListQuery.expires_before", "Only what expires before this time.").time(),
    word("ListQuery.expired", "Only what has expired.").flag(),
    word("ListQuery.limit", "How many to answer at most; 100 if it is left out.").number(1, 1000),
    word("RecordView.deleted", "Whether it was deleted."),
    word("RecordView.state", "Whether it has a value, and if not, why.").one_of(STATES),
    word("RecordView.metadata", "Texts for people; only those that are set."),
    word("RecordView.fields", "The declared fields, if the value has several."),
    word("RecordView.ttl", "For how many seconds a copy counts as fresh; nothing: as the node has it."),
    word("RecordView.max_stale", "For how many seconds after that it may be served; nothing: as the node has it."),
    word("RecordView.offline", "Whether a stale copy may be served at all.").one_of(OFFLINE),
    word("RecordView.rotation_reminder_days", "After how many days a new value is due; 0 is never."),
    word("RecordView.last_validated_at", "When this node last asked the provider about it.").time(),
    word("RecordView.validation_status", "What the provider said then.").one_of(VALIDATIONS),
    word("FreshnessView.served", "Whether the lead answers, or a copy that is fresh or stale.").one_of(SERVED),
    word("FreshnessView.age_ms", "For how many milliseconds this node has not confirmed it with its lead."),
    word("FreshnessView.fresh_until", "Until when it counts as fresh.").time(),
    word("FreshnessView.servable_for_ms", "For how many milliseconds it may still be served; nothing on the lead."),
    word("HolderView.entitled", "Whether the node may hold it."),
    word("HolderView.current", "Whether the node has acknowledged the newest change of it; nothing if nobody knows."),
    word("HolderView.version", "The version that the node holds; nothing if it holds none, or nobody knows."),
    // Explaining.
    word("ExplainView.tried", "Each scope, the narrowest first."),
    word("ExplainView.winner", "What would be read; nothing if there is none that the caller may know of."),
    word("ExplainView.allowed", "Whether the caller may read it."),
    word("ExplainView.rule", "The rule that decided."),
    word("ExplainView.freshness", "How fresh the answer would be; nothing if it would be refused as too old."),
    word("ExplainView.durations", "The durations in force."),
    word("ExplainView.nodes", "Who holds the winner; a follower knows of itself only."),
    word("TriedView.outcome", "What became of the scope.").one_of(TRIED),
    word("TriedView.version", "The version there; nothing if there is none, or if it is not told."),
    word("DurationsView.ttl", "For how many seconds a copy counts as fresh."),
    word("DurationsView.ttl_from", "Who says so.").one_of(SET_BY),
    word("DurationsView.max_stale", "For how many seconds after that it may be served."),
    word("DurationsView.max_stale_from", "Who says so.").one_of(SET_BY),
    // Many at once.
    word("ImportView.dry_run", "Whether it was only told what it would come to."),
    word("ImportView.new", "How many had no value that could be read."),
    word("ImportView.changed", "How many had another value, or something else was said about them."),
    word("ImportView.same", "How many were so already."),
    word("ImportView.entries", "What became of each line, in the order in which they were sent."),
    word("EntryView.outcome", "What became of it.").one_of(&["new", "changed", "same"]),
    word("EntryView.version", "The version that is current after it."),
];
