//! Nodes of the mesh, the tokens that lead into it, and the ways out.

use super::operation::{Operation, delete, get, post};
use super::words::{NAME, NODE, Word, word};
use crate::api::types_nodes::{
    ApprovalBody, BanBody, ChangedNodeView, DepartedView, EntitlementBody, NodesView, ThrownOutView,
};
use crate::api::types_tokens::{RevokedView, TokenBody, TokenView, TokensView};

/// Why a node that is not the lead does not do it.
const NOT_LEAD: &str = "`not_lead`: the message names the lead.";

/// What a token is called.
const TOKEN_ID: &str = "^[0-9a-f]{12}$";

/// What had become of a token.
const TOKEN_STATES: &[&str] = &["open", "consumed", "expired"];

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    of_tokens().into_iter().chain(of_members()).chain(of_ends()).collect()
}

/// Who may come.
fn of_tokens() -> Vec<Operation> {
    vec![
        get("/api/tokens", "listTokens", "List the join tokens")
            .about(
                "On the lead, for whoever manages nodes without bounds. Their secrets are not kept. Used tokens and \
                those that are over stay in the list until they are forgotten.",
            )
            .answers::<TokensView<'_>>("The tokens; those that end first first.")
            .refuses(409, NOT_LEAD),
        post("/api/tokens", "issueToken", "Issue a join token")
            .about(
                "On the lead, for whoever manages nodes without bounds. The token admits one node of that name, once, \
                and its text is shown here and nowhere else. Each request makes another one.",
            )
            .takes::<TokenBody>()
            .answers::<TokenView<'_>>("The token.")
            .refuses(
                409,
                "`node_exists`: a node of that name has joined. `node_banned`: it was banned. `not_lead`: the message \
                names the lead.",
            ),
        delete("/api/tokens/{id}", "revokeToken", "Revoke a join token")
            .about("On the lead, for whoever manages nodes without bounds. A node that has joined with it stays.")
            .answers::<RevokedView<'_>>("It admits nobody any more.")
            .refuses(404, "`not_found`: no token is called that, or no more.")
            .refuses(409, NOT_LEAD),
    ]
}

/// Who is there.
fn of_members() -> Vec<Operation> {
    vec![
        get("/api/nodes", "listNodes", "List the nodes of the mesh")
            .about("On the lead, for whoever manages nodes without bounds.")
            .answers::<NodesView<'_>>("Every node of the roster, the lead among them.")
            .refuses(409, NOT_LEAD),
        post("/api/nodes/{name}/entitlement", "entitleNode", "Change what a node may hold")
            .about(
                "On the lead, for whoever manages nodes without bounds. The whole entitlement is given anew. What is \
                taken away leaves the cache of the node, and scopes whose keys it loses get new ones.",
            )
            .takes::<EntitlementBody>()
            .answers::<ChangedNodeView<'_>>("It is entitled to that.")
            .refuses(400, "`bad_scope`: the environment is another than the node's, or the node is the lead.")
            .refuses(404, "`not_found`: no node has that name.")
            .refuses(409, "`node_banned`. `not_lead`: the message names the lead."),
        post("/api/nodes/{name}/approve", "approveNode", "Approve a node that waits")
            .about(
                "On the lead, for whoever manages nodes without bounds. The fingerprint is the one that the machine \
                itself shows: who compares nothing approves nothing.",
            )
            .takes::<ApprovalBody>()
            .answers::<ChangedNodeView<'_>>("It is a member, and gets its certificate when it next asks.")
            .refuses(404, "`not_found`: no node has that name.")
            .refuses(
                409,
                "`not_pending`: it does not wait. `fingerprint_mismatch`: it waits with another key. `node_banned`. \
                `not_lead`: the message names the lead.",
            ),
    ]
}

/// Who goes.
fn of_ends() -> Vec<Operation> {
    vec![
        post("/api/nodes/{name}/ban", "banNode", "Throw a node out")
            .about(
                "On the lead, for whoever manages nodes without bounds. Its connection ends, every scope whose key it \
                held gets a new one, and it wipes its cache when it hears of it. It stays known as banned.",
            )
            .takes::<BanBody>()
            .answers::<ThrownOutView<'_>>("It is banned.")
            .refuses(404, "`not_found`: no node has that name.")
            .refuses(
                409,
                "`node_banned`: it is banned already. `lead_stays`: it is the lead. `not_lead`: the message names the \
                lead.",
            ),
        delete("/api/nodes/{name}", "removeNode", "Throw a node out and forget it")
            .about(
                "On the lead, for whoever manages nodes without bounds. As a ban, but the node is told nothing, and \
                its name can be given again.",
            )
            .reads(&["X-Aurora-Reason"])
            .answers::<ThrownOutView<'_>>("It is forgotten.")
            .refuses(404, "`not_found`: no node has that name.")
            .refuses(409, "`lead_stays`: it is the lead. `not_lead`: the message names the lead."),
        post("/api/leave", "leaveMesh", "Leave the mesh")
            .about(
                "On a follower, for whoever manages nodes without bounds. The lead takes this node out of the roster, \
                and the node forgets what it held. Its files stay: `aurora leave` removes them.",
            )
            .reads(&["X-Aurora-Reason"])
            .answers::<DepartedView<'_>>("This node is a member no more.")
            .refuses(
                409,
                "`lead_stays`: this node is the lead. `no_lead`: the lead runs an older version without this.",
            )
            .refuses(503, "`no_lead`: the lead cannot be reached, and nothing was changed here."),
    ]
}

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word("nodes/{name}", "The name of the node.").pattern(NODE),
    word("tokens/{id}", "What the token is called in the list: twelve hexadecimal digits.").pattern(TOKEN_ID),
    word("TokenBody.node", "The name of the only node that it admits.").pattern(NODE),
    word("TokenBody.environment", "The environment of that node; the lead's own if it is left out.").pattern(NAME),
    word("TokenBody.companies", "The companies whose secrets it may hold, at most 32; none if it is left out."),
    word("TokenBody.allow", "Patterns of the secrets it may hold, at most 32; `*`, which is all, if it is left out."),
    word("TokenBody.valid_for", "For how many seconds it admits; 600 if it is left out.").number(1, 86_400),
    word("approve", "Whether the node waits until somebody has compared its key; it does not if this is left out."),
    word("TokenView.id", "What it is called in lists.").pattern(TOKEN_ID),
    word("TokenLineView.id", "What it is called.").pattern(TOKEN_ID),
    word("TokenLineView.node", "The only node that it admits.").pattern(NODE),
    word("TokenLineView.state", "Whether it still admits, has admitted its node, or was not used in time.")
        .one_of(TOKEN_STATES),
    word("TokenLineView.environment", "The environment that its node is to be in.").pattern(NAME),
    word("TokenLineView.companies", "The companies whose secrets that node will hold; `*` alone for all."),
    word("issued_at", "When it was made; null where that was not written down.").time(),
    word("TokenRevoked.id", "What it was called.").pattern(TOKEN_ID),
    word("TokenRevoked.node", "The node that it admitted, or would have.").pattern(NODE),
    word("TokenRevoked.state", "What had become of it before.").one_of(TOKEN_STATES),
    word("EntitlementBody.environment", "The environment that the node is in: it stays there.").pattern(NAME),
    word("EntitlementBody.companies", "The companies whose secrets it may hold, at most 32."),
    word("allow", "Patterns of the secrets that it may hold, such as `*`, `openai/*` or `openai/api_*`; at most 32."),
    word("ApprovalBody.fingerprint", "The fingerprint that the machine shows: four times four hexadecimal digits."),
    word("BanBody.reason", "Why, in 1 to 256 bytes of text on one line; it stays in the roster."),
    word("NodeView.name", "What it is called.").pattern(NODE),
    word("NodeView.state", "Whether it is heard of: the node that answers is `here`.")
        .one_of(&["here", "alive", "suspect", "lost", "unknown"]),
    word("standing", "How the mesh takes it: it waits for approval, is a member, or was thrown out.")
        .one_of(&["pending", "active", "banned"]),
    word("NodeView.banned_at", "When it was thrown out, if it was.").time(),
    word("ban_reason", "Why it was thrown out, in the words of whoever did it."),
    word("NodeView.environment", "The environment that it is in.").pattern(NAME),
    word("NodeView.companies", "The companies whose secrets it may hold; `*` alone for all."),
    word("NodeView.fingerprint", "The beginning of the hash of its key, for people to compare.")
        .pattern("^[0-9a-f]{4}(?:-[0-9a-f]{4}){3}$"),
    word("joined_at", "When it joined.").time(),
    word("last_heard_ms", "For how many milliseconds it has not been heard; null if it is not known."),
    word("NodeView.revision", "The last change that it has confirmed; null if it is not known."),
    word("cache_entries", "How many secrets it holds, by its last heartbeat."),
    word("load", "The load of its machine in the last minute, by its last heartbeat."),
    word("NodeView.uptime_ms", "For how many milliseconds it has run, by its last heartbeat."),
    word("NodeView.address", "From where it is connected, if it is."),
];
