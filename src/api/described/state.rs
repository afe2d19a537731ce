//! How a node is: for a machine that watches it, for the person who runs it, and as numbers.

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::operation::{Content, Operation, get};
use super::words::{NAME, NODE, Word, word};
use crate::api::types_diagnosis::DiagnosisView;
use crate::api::types_health::{HealthView, StatusView};
use crate::api::types_unseal::SealedHealthView;
use crate::metrics::text::MEDIA_TYPE;

/// 128 bits in hexadecimal digits.
const ID: &str = "^[0-9a-f]{32}$";

/// How fresh what a node holds is.
const FRESHNESS: &[&str] = &["lead", "stepped_down", "banned", "fresh", "stale", "closed"];

/// Of a node that serves, or of one that is sealed.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "an answer is the one or the other: this says only so")]
enum AnyHealth<'a> {
    Open(HealthView<'a>),
    Sealed(SealedHealthView<'a>),
}

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        get("/openapi.json", "readOpenApi", "Read this document")
            .about("For everybody, as health is: it says nothing about a node or a mesh.")
            .answers::<Map<String, Value>>("The document, of OpenAPI 3.1."),
        get("/health", "readHealth", "See whether the node does its work")
            .about(
                "For everybody, and without policy, journal or store: it is 200 whenever the process lives, so look at \
                `status`. On loopback it takes no API key.",
            )
            .answers::<AnyHealth<'_>>("How it is."),
        get("/api/status", "readStatus", "See how the node is")
            .about(
                "The same and more, for everybody on a socket and for whoever shows an API key on loopback. Whoever is \
                not the owner of the node is told only of freezes of the mesh and of this node.",
            )
            .answers::<StatusView<'_>>("How it is."),
        get("/api/diagnosis", "readDiagnosis", "See what the node knows of its own health")
            .about(
                "On any node, for whoever manages the mesh without bounds: what `aurora doctor` cannot see from \
                outside.",
            )
            .answers::<DiagnosisView<'_>>("What it knows. What is not known, or not of such a node, is null."),
        get("/metrics", "readMetrics", "Read the numbers of the node")
            .about(
                "For Prometheus, and for whoever manages the mesh without bounds; with `[metrics] loopback` in \
                `node.toml` also for everybody who reaches the loopback listener. The numbers name nodes, and no \
                secret, caller or company. A look that is allowed leaves no line in the journal.",
            )
            .answers_with(Content::Text(MEDIA_TYPE), "OpenMetrics text."),
    ]
}

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word(
        "HealthView.status",
        "A degraded node serves stale copies; an unhealthy one serves none, or cannot write its journal; a sealed one \
        has no key yet.",
    )
    .one_of(&["healthy", "degraded", "unhealthy"]),
    word(
        "StatusView.status",
        "A degraded node serves stale copies; an unhealthy one serves none, or cannot write its journal.",
    )
    .one_of(&["healthy", "degraded", "unhealthy"]),
    word("SealedHealthView.status", "That it is sealed.").one_of(&["sealed"]),
    word("SealedHealthView.freshness", "Nothing can be opened.").one_of(&["closed"]),
    word("SealedHealthView.node", "The name of this node.").pattern(NODE),
    word("SealedHealthView.lead", "Not known before it is open."),
    word("SealedHealthView.revision", "Not known before it is open."),
    word("SealedHealthView.sealed", "Always true."),
    word("SealedHealthView.shares", "How far its shares are, if it takes any."),
    word("UnsealProgress.provided", "So many are there."),
    word("UnsealProgress.threshold", "So many are needed."),
    word("HealthView.node", "The name of this node.").pattern(NODE),
    word("StatusView.node", "The name of this node.").pattern(NODE),
    word("role", "Whether it holds the authority, or a cache.").one_of(&["lead", "follower"]),
    word("HealthView.revision", "The last change that it has."),
    word("StatusView.revision", "The last change that it has."),
    word("HealthView.lead", "The name of the lead; null if it is not known.").pattern(NODE),
    word("StatusView.lead", "The name of the lead; null if it is not known.").pattern(NODE),
    word("lead_last_heard_ms", "For how many milliseconds the lead was not heard; 0 on the lead, null if unknown."),
    word("HealthView.freshness", "How fresh its copies are; `lead` where the originals are.").one_of(FRESHNESS),
    word("StatusView.freshness", "How fresh its copies are; `lead` where the originals are.").one_of(FRESHNESS),
    word("StatusView.environment", "The environment that it is in.").pattern(NAME),
    word("lead_address", "Where the lead is reached, if that is known."),
    word("StatusView.banned_at", "When it was told that it is banned, if it was.").time(),
    word("stepped_down", "The later reign by which its own was ended, if it was."),
    word("StatusView.secrets", "How many secrets it holds."),
    word("StatusView.uptime_ms", "For how many milliseconds it has run."),
    word("frozen", "What is frozen, as far as the caller is told."),
    word("ReignView.lead", "Who leads in it.").pattern(NODE),
    word("ReignView.store", "Which life of the lead's store speaks in it.").pattern(ID),
    word("begins_at", "When it began, by the clock of whoever began it.").time(),
    word("DiagnosisView.certificate", "When the certificate that it shows is valid."),
    word("lead_ahead_ms", "By how many milliseconds the clock of the lead was ahead when it was last heard."),
    word("journal_works", "Whether its journal took the last line it was given."),
    word("unlocked_key_pages", "How many pages of keys the kernel did not lock in memory: those may reach swap."),
    word("DiagnosisView.protocol", "The newest version of the protocol that it speaks."),
    word("oldest_follower", "On the lead: the follower that speaks the oldest version."),
    word("MemberView.node", "Which follower.").pattern(NODE),
    word("MemberView.protocol", "The version of the protocol that it speaks."),
    word("store_id", "On the lead: which life of its store this is.").pattern(ID),
    word("migrations", "What was done to bring its store to its schema."),
    word("DiagnosisView.secrets", "How many current values its store holds."),
    word("snapshot_verified_at", "On the lead: when the newest snapshot was taken that is known to restore.").time(),
    word("oldest_key_made_at", "When the oldest key was made that is still the newest of its scope.").time(),
    word("root_rotated_at", "When the root key was last replaced; null while it is the first.").time(),
    word("passphrase_memory_kib", "If a passphrase opens it: the memory that deriving its key takes, in KiB."),
    word("passphrase_passes", "If a passphrase opens it: the passes that deriving its key takes."),
    word("shares_needed", "If shares open it: how many."),
    word("DiagnosisView.shares", "If shares open it: how many there are."),
    word("ValidityView.from", "From when.").time(),
    word("ValidityView.until", "Until when.").time(),
    word("MigrationView.name", "What it is called: the schema it leads to, and what it does."),
    word("applied_at", "When; null if it was before there was a record.").time(),
    word("applied_by", "The version of the program that did; null if it was before there was a record."),
    word("checksum", "SHA-256 of its name and wording in that version.").pattern("^[0-9a-f]{64}$"),
];
