//! What was done, by whom, and what proves that the journals say so still.

use schemars::JsonSchema;

use super::operation::{Content, Operation, get};
use super::words::{NAME, NODE, Word, word};
use crate::api::types_audit::{AuditQuery, AuditView, UsageQuery, UsageView};
use crate::api::types_audit_proof::{AuditNodesView, HeadsView, NodeQuery, VerdictView, VerdictsView};

const NO_SUCH: &str = "`not_found`: no journal of such a node is here.";
const NOT_LEAD: &str = "`not_lead`: the journals of other nodes are on the lead.";

/// Of this node's journal, or of each chain of another's.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "an answer is the one or the other: this says only so")]
enum AnyVerdict {
    Own(VerdictView),
    Chains(VerdictsView),
}

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    of_lines().into_iter().chain(of_proofs()).collect()
}

fn of_lines() -> [Operation; 4] {
    [
        get("/api/audit", "searchAudit", "Look for lines of the journal")
            .about(
                "The lead looks through its own journal and its copies of those of the other nodes, a follower through \
                 its own. It needs `audit.read` without bounds, as do all routes about the journal, and leaves a line \
                 itself, whose reason is what was looked for. Without `order` the last lines come, the oldest of them \
                 first.",
            )
            .query::<AuditQuery>()
            .answers::<AuditView>("A page of lines."),
        get("/api/audit/export", "exportAudit", "All lines that are looked for")
            .about(
                "Each line as the journal has it, the oldest first. A journal that cannot be read to its end breaks \
                 the answer off, so that no part is taken for the whole.",
            )
            .query::<AuditQuery>()
            .without(&["order", "limit", "cursor"])
            .answers_with(Content::Text("application/x-ndjson"), "The lines."),
        get("/api/audit/follow", "followAudit", "Lines as they are written")
            .about(
                "Each line is the data of an event `line`, in the order of each journal; on the lead those of other \
                 nodes as they arrive. After each batch stands an id, and `Last-Event-ID` goes on there, with at most \
                 one batch again; without it, it begins now.",
            )
            .query::<AuditQuery>()
            .without(&["order", "limit", "cursor"])
            .reads(&["Last-Event-ID"])
            .answers_with(
                Content::Text("text/event-stream"),
                "The lines, as Server-Sent Events, until either end stops.",
            ),
        get("/credentials/usage", "listCredentialUsage", "Which credentials were used, and by whom")
            .about(
                "The newest uses in the journals, in the shape of the older design. It needs `audit.read` without \
                 bounds.",
            )
            .query::<UsageQuery>()
            .answers::<UsageView>("The uses, the newest first."),
    ]
}

fn of_proofs() -> [Operation; 4] {
    [
        get("/api/audit/verify", "verifyAudit", "Whether a journal is whole")
            .about(
                "The journal of this node is followed from its beginning, with what was sealed of it. With `node` the \
                 answer is another: `{\"valid\",\"chains\"}`, a verdict on each chain that the lead has of that node.",
            )
            .query::<NodeQuery>()
            .answers::<AnyVerdict>("What was found; a broken journal is an answer, too.")
            .refuses(404, NO_SUCH)
            .refuses(409, NOT_LEAD),
        get("/api/audit/heads", "listAuditHeads", "The seals that are kept")
            .about(
                "Those of the journal of this node, and on a follower also those of the lead's; with `node`, on the \
                 lead, those of that node.",
            )
            .query::<NodeQuery>()
            .answers::<HeadsView>("The seals, to be kept elsewhere.")
            .refuses(404, NO_SUCH)
            .refuses(409, NOT_LEAD),
        get("/api/audit/nodes", "listAuditNodes", "What the lead has of each journal, and what is wrong")
            .answers::<AuditNodesView>("The journals, that of the lead first.")
            .refuses(409, NOT_LEAD),
        get("/api/audit/proof", "proveAudit", "A whole journal with what proves it")
            .about(
                "Records are lines of the journal, byte for byte, and `{\"journal\":…}`, `{\"seal\":…}` and \
                 `{\"tombstone\":…}`; `aurora audit verify --file` checks them anywhere. With `node`, on the lead, \
                 every chain it has of that node.",
            )
            .query::<NodeQuery>()
            .answers_with(Content::Text("application/x-ndjson"), "The records.")
            .refuses(404, NO_SUCH)
            .refuses(409, NOT_LEAD),
    ]
}

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word("AuditQuery.since", "Written then or later: a time in RFC 3339, or how long ago, such as `2h` or `30d`."),
    word("AuditQuery.until", "Written before: a time in RFC 3339, or how long ago."),
    word("AuditQuery.principal", "By a caller that was this principal, among others, such as `agent:NAME`."),
    word("AuditQuery.secret", "About this secret, `SERVICE/KEY_NAME`, or a pattern such as `openai/*`."),
    word("AuditQuery.action", "An action such as `secret.read`, or `secret.*` for all that begin so."),
    word("AuditQuery.decision", "Allowed or refused.").one_of(&["allow", "deny"]),
    word("AuditQuery.node", "Written by this node.").pattern(NODE),
    word("AuditQuery.company", "On behalf of this company.").pattern(NAME),
    word("AuditQuery.environment", "About this environment.").pattern(NAME),
    word("AuditQuery.outcome", "With this outcome: `ok`, `intent`, or the code of an error."),
    word("AuditQuery.request_id", "Of this request."),
    word("AuditQuery.order", "Which lines come first.").one_of(&["newest", "oldest"]),
    word("AuditQuery.limit", "How many lines to answer at most; 100 if it is left out.").number(1, 1000),
    word("AuditView.nodes", "The nodes whose journals were looked at.").pattern(NODE),
    word("AuditView.unreadable_lines", "How many lines were met that are none of a journal."),
    word("UsageQuery.limit", "How many uses to answer at most; 50 if it is left out.").number(1, 1000),
    word("UsageView.usage", "The uses, the newest first."),
    word("UsageView.total", "How many they are."),
    word("UseView.action", "What was done with it.").one_of(&[
        "secret.read",
        "secret.export",
        "credential.apply",
        "credential.validate",
    ]),
    word("UseView.time", "When.").time(),
    word("VerdictView.node", "Whose journal it is.").pattern(NODE),
    word("VerdictView.sealed_at", "When it was sealed.").time(),
    word("HeadView.node", "Whose journal it seals.").pattern(NODE),
    word("HeadView.seq", "The number of the last line that it covers."),
    word("HeadView.sealed_at", "When it was made.").time(),
    word("AuditNodeView.node", "Whose journal it is.").pattern(NODE),
    word("AuditNodeView.chain", "Which chain goes on; nothing if no line came yet, or for the lead's own."),
    word("AuditNodeView.lines", "The number of the last line that is on the lead."),
    word("AuditNodeView.behind", "How many lines the node said it has and the lead does not."),
    word("AuditNodeView.proven_at", "When the node last proved where its journal ends.").time(),
    word(
        "AuditNodeView.state",
        "How the journal stands: `silent` is connected and proves nothing, `never` sent nothing.",
    )
    .one_of(&["whole", "away", "silent", "never", "gap"]),
    word("AuditNodeView.gaps", "Everything that is wrong, in words."),
];
