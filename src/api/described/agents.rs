//! Agents: programs that act by API keys, what they may, and the keys they act and sign with.

use super::operation::{Operation, delete, get, patch, post};
use super::words::{NAME, Word, word};
use crate::api::routes_signing::{SigningKeyQuery, SigningKeyView, UnsignedView};
use crate::api::types_agents::{
    AgentChangedView, AgentLineView, AgentPatchBody, AgentsQuery, AgentsView, NewAgentBody,
};
use crate::api::types_api_keys::{KeysQuery, KeysView, NewKeyBody, RevokedView, RotateBody, ShownKeyView};
use crate::model::actions::Capability;

/// Why.
const WHY: &[&str] = &["X-Aurora-Reason"];

/// Why another node does not answer.
const ON_LEAD: &str = "`not_lead`: agents are known wholly on the lead alone.";

/// Why somebody may not make an agent that may more than it does.
const ESCALATION: &str = "`escalation`: only whoever has a capability without any bound, or the admin, can give it.";

/// Nobody is called so.
const NO_AGENT: &str = "`not_found`: no agent has this name.";

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    of_agents().into_iter().chain(of_states()).chain(of_signing_keys()).chain(of_api_keys()).collect()
}

fn of_agents() -> [Operation; 4] {
    [
        get("/api/agents", "listAgents", "List agents")
            .about("By name, archived ones included, 100 on a page unless `limit` says otherwise.")
            .query::<AgentsQuery>()
            .answers::<AgentsView<'_>>("A page of agents.")
            .refuses(409, ON_LEAD),
        post("/api/agents", "createAgent", "Make an agent")
            .about(
                "It is active at once, and can do nothing before it has a key. What it reaches must be said: with no \
                 `companies` it acts for none.",
            )
            .reads(WHY)
            .takes::<NewAgentBody>()
            .answers::<AgentChangedView<'_>>("The agent as it was made.")
            .refuses(403, ESCALATION)
            .refuses(
                409,
                "`agent_exists`: the name is taken, perhaps by one that is archived; `too_many`: there are 5000; \
                 `version_conflict`: try again; `not_lead`.",
            ),
        get("/api/agents/{name}", "readAgent", "Show an agent")
            .answers::<AgentLineView<'_>>("The agent.")
            .refuses(404, NO_AGENT)
            .refuses(409, ON_LEAD),
        patch("/api/agents/{name}", "updateAgent", "Change an agent")
            .about(
                "What is left out stays as it is; `null` clears `limit_rpm`, `title` and `note`. A list of what it \
                 reaches takes the place of the one before. Whoever changes its reach or its limit, or lets it act \
                 unsigned, must have all it may to give.",
            )
            .reads(WHY)
            .takes::<AgentPatchBody>()
            .answers::<AgentChangedView<'_>>("The agent as it is now.")
            .refuses(403, ESCALATION)
            .refuses(404, NO_AGENT)
            .refuses(
                409,
                "`agent_archived`; `agent_of_policy`: change it in the policy file; `version_conflict`: try again; \
                 `not_lead`.",
            ),
    ]
}

fn of_states() -> [Operation; 3] {
    const NOT_SO: &str = "`agent_archived`, which is for good; `version_conflict`: try again; `not_lead`.";
    [
        post("/api/agents/{name}/suspend", "suspendAgent", "Suspend an agent")
            .about("Its keys are refused, within a second everywhere, until it is activated. Again changes nothing.")
            .reads(WHY)
            .answers::<AgentChangedView<'_>>("The agent as it is now.")
            .refuses(404, NO_AGENT)
            .refuses(409, NOT_SO),
        post("/api/agents/{name}/activate", "activateAgent", "Let a suspended agent act again")
            .about("Its keys work again. For one that is active nothing changes.")
            .reads(WHY)
            .answers::<AgentChangedView<'_>>("The agent as it is now.")
            .refuses(403, ESCALATION)
            .refuses(404, NO_AGENT)
            .refuses(409, NOT_SO),
        post("/api/agents/{name}/archive", "archiveAgent", "End an agent for good")
            .about("Its API keys and signing keys are gone, and its name stays taken.")
            .reads(WHY)
            .answers::<AgentChangedView<'_>>("The agent as it is now.")
            .refuses(404, NO_AGENT)
            .refuses(
                409,
                "`agent_archived`: it is already; `agent_of_policy`: take it out of the policy file; \
                 `version_conflict`: try again; `not_lead`.",
            ),
    ]
}

fn of_signing_keys() -> [Operation; 2] {
    [
        post("/api/agents/{name}/signing-key", "setSigningKey", "Give an agent a new signing key")
            .about("It is shown this once. The one before works until its grace is over, an older one no more.")
            .query::<SigningKeyQuery>()
            .reads(WHY)
            .answers::<SigningKeyView<'_>>("The key.")
            .refuses(403, ESCALATION)
            .refuses(404, NO_AGENT)
            .refuses(409, "`agent_archived`; `too_many`: 1000 agents have a signing key; `not_lead`."),
        delete("/api/agents/{name}/signing-key", "removeSigningKey", "Take all signing keys from an agent")
            .about("Nothing it signs is good any more. Without a key nothing changes.")
            .reads(WHY)
            .answers::<UnsignedView<'_>>("It has none.")
            .refuses(403, ESCALATION)
            .refuses(404, NO_AGENT)
            .refuses(409, "`agent_archived`; `not_lead`."),
    ]
}

fn of_api_keys() -> [Operation; 4] {
    const KEY_ESCALATION: &str =
        "`escalation`: the agent may what the caller cannot give, or the key would outlive the one the caller shows.";
    const NO_KEY: &str = "`not_found`: no agent has this name, or it has no key of that one.";
    [
        get("/api/apikeys", "listApiKeys", "List API keys")
            .about("By agent and name, 100 on a page unless `limit` says otherwise. The keys themselves are not told.")
            .query::<KeysQuery>()
            .answers::<KeysView<'_>>("A page of keys.")
            .refuses(409, ON_LEAD),
        post("/api/agents/{name}/keys", "createApiKey", "Make an API key of an agent")
            .about(
                "It is shown this once. A key can only narrow what its agent reaches; what is left out does not. It \
                 works for 90 days unless it is said otherwise, and no longer than a key that made it.",
            )
            .reads(WHY)
            .takes::<NewKeyBody>()
            .answers::<ShownKeyView<'_>>("The key, and what is kept of it.")
            .refuses(403, KEY_ESCALATION)
            .refuses(404, NO_AGENT)
            .refuses(
                409,
                "`agent_archived`; `api_key_exists`; `too_many`: the agent has 100, or the mesh 10000; \
                 `version_conflict`: try again; `not_lead`.",
            ),
        post("/api/agents/{name}/keys/{key}/rotate", "rotateApiKey", "Give an API key a new text")
            .about(
                "It is shown this once, and works for as long as the old one did when it was made. The old one works \
                 until its grace is over, and never longer than it would have.",
            )
            .reads(WHY)
            .may_take::<RotateBody>()
            .answers::<ShownKeyView<'_>>("The key, and what is kept of it.")
            .refuses(403, KEY_ESCALATION)
            .refuses(404, NO_KEY)
            .refuses(409, "`agent_archived`; `version_conflict`: try again; `not_lead`."),
        delete("/api/agents/{name}/keys/{key}", "revokeApiKey", "Revoke an API key")
            .about("Both of its texts are refused, within a second on every node that is connected.")
            .reads(WHY)
            .answers::<RevokedView<'_>>("It is gone.")
            .refuses(404, NO_KEY)
            .refuses(409, "`version_conflict`: try again; `not_lead`."),
    ]
}

/// What an agent or a grant may be about.
pub(super) fn capabilities() -> Vec<&'static str> {
    Capability::ALL.iter().map(|capability| capability.as_str()).collect()
}

/// Kinds of scopes, and all of them.
pub(super) const REACHED_SCOPES: &[&str] = &["global", "company", "node", "*"];

const KINDS: &[&str] = &["autonomous", "tool"];
const STATES: &[&str] = &["active", "suspended", "archived"];
const SECRETS: &str = "Patterns of the secrets it is about, 1 to 32: `openai/*`, or `*` for all.";
const SCOPES: &str = "The kinds of scope it is about; `*` alone for all.";
const COMPANIES: &str = "The companies it acts for, at most 32; `*` alone for all.";
const ENVIRONMENTS: &str = "The environments it is about, 1 to 32; `*` alone for all.";
const TITLE: &str = "What people call it: one line of at most 100 bytes.";
const NOTE: &str = "Anything else: one line of at most 512 bytes.";
const KIND: &str = "Whether it decides itself what to do, or does what somebody tells it.";
const STATE: &str = "Whether it may act, may not for now, or never again.";
const OWNER: &str = "Who made it, as a principal.";
const HINT: &str = "The first 13 characters of the key.";
const PREVIOUS_UNTIL: &str = "Until when the text before works; nothing if there is none.";

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word("agents/{name}", "The agent.").pattern(NAME),
    word("keys/{key}", "What the key is called among those of its agent.").pattern(NAME),
    word("agent", "The name of the agent.").pattern(NAME),
    word("capability_note", "Why it is given these capabilities: one line of at most 512 bytes."),
    word("limit_rpm", "Requests in any 60 seconds, on all nodes together; no such limit if absent.")
        .number(1, 1_000_000),
    word("signs", "Whether its commands must be signed."),
    word("granted_by", "Who gave it, as a principal."),
    word("granted_at", "When it was given.").time(),
    word("grace", "How long the one before still works, such as `24h`, the default; at most `30d`."),
    word("origin", "Where it comes from: whoever made it changes it.").one_of(&["policy", "command"]),
    word("created_by", "Who made it, as a principal."),
    word("rotated_at", "When it got the text it has; nothing if that is its first.").time(),
    word("previous_hint", "The first 13 characters of the text before, while that works."),
    word("last_used_at", "When it was last used, as far as this node has heard; kept once a minute.").time(),
    word("NewAgentBody.name", "What it is to be called.").pattern(NAME),
    word("NewAgentBody.title", TITLE),
    word("NewAgentBody.kind", "What kind of program it is; a tool unless it is said.").one_of(KINDS),
    word("NewAgentBody.capabilities", "What it may; nothing if it is left out.").known(capabilities),
    word("NewAgentBody.secrets", SECRETS),
    word("NewAgentBody.scopes", "The kinds of scope it is about; all if it is left out.").one_of(REACHED_SCOPES),
    word("NewAgentBody.companies", "The companies it acts for, at most 32, or `*`; none if it is left out."),
    word("NewAgentBody.environments", ENVIRONMENTS),
    word("NewAgentBody.note", NOTE),
    word("add_capabilities", "What it may from now on; what it may already is given anew.").known(capabilities),
    word("remove_capabilities", "What it may no more.").known(capabilities),
    word("AgentPatchBody.secrets", SECRETS),
    word("AgentPatchBody.scopes", SCOPES).one_of(REACHED_SCOPES),
    word("AgentPatchBody.companies", COMPANIES),
    word("AgentPatchBody.environments", ENVIRONMENTS),
    word("AgentPatchBody.title", TITLE),
    word("AgentPatchBody.note", NOTE),
    word("AgentsQuery.limit", "How many to answer at most; 100 unless it is said.").number(1, 1000),
    word("AgentChangedView.agent", "The agent as it is now."),
    word("AgentView.name", "What it is called.").pattern(NAME),
    word("AgentView.title", TITLE),
    word("AgentView.kind", KIND).one_of(KINDS),
    word("AgentView.state", STATE).one_of(STATES),
    word("AgentView.owner", OWNER),
    word("AgentView.capabilities", "What it may, and whose word that is."),
    word("AgentView.secrets", SECRETS),
    word("AgentView.scopes", SCOPES).one_of(REACHED_SCOPES),
    word("AgentView.companies", COMPANIES),
    word("AgentView.environments", ENVIRONMENTS),
    word("AgentView.note", NOTE),
    word("AgentLineView.name", "What it is called.").pattern(NAME),
    word("AgentLineView.title", TITLE),
    word("AgentLineView.kind", KIND).one_of(KINDS),
    word("AgentLineView.state", STATE).one_of(STATES),
    word("AgentLineView.owner", OWNER),
    word("AgentLineView.capabilities", "What it may, and whose word that is."),
    word("AgentLineView.secrets", SECRETS),
    word("AgentLineView.scopes", SCOPES).one_of(REACHED_SCOPES),
    word("AgentLineView.companies", COMPANIES),
    word("AgentLineView.environments", ENVIRONMENTS),
    word("AgentLineView.note", NOTE),
    word("AgentLineView.keys", "How many API keys it has."),
    word("CapabilityView.capability", "What it may.").known(capabilities),
    word("CapabilityView.note", "Why it was given."),
    word("SigningKeyView.signing_key", "The key: the whole text is the key of the HMAC."),
    word("SigningKeyView.previous_until", "Until when the key before works; nothing if there was none.").time(),
    word("NewKeyBody.name", "What the key is to be called among those of its agent.").pattern(NAME),
    word("NewKeyBody.expires_at", "When it ends: a time in RFC 3339, at most 366 days away, or `never`."),
    word("expires_in", "In place of `expires_at`: for how long it works, such as `90d`, the default."),
    word("NewKeyBody.secrets", SECRETS),
    word("NewKeyBody.scopes", SCOPES).one_of(REACHED_SCOPES),
    word("NewKeyBody.companies", COMPANIES),
    word("NewKeyBody.environments", ENVIRONMENTS),
    word("KeysQuery.agent", "Only the keys of this agent.").pattern(NAME),
    word("KeysQuery.limit", "How many to answer at most; 100 unless it is said.").number(1, 1000),
    word("ApiKeyView.name", "What it is called among the keys of its agent.").pattern(NAME),
    word("ApiKeyView.hint", HINT),
    word("ApiKeyView.expired", "Whether it works no more."),
    word("ApiKeyView.previous_until", PREVIOUS_UNTIL).time(),
    word("ApiKeyView.secrets", SECRETS),
    word("ApiKeyView.scopes", SCOPES).one_of(REACHED_SCOPES),
    word("ApiKeyView.companies", COMPANIES),
    word("ApiKeyView.environments", ENVIRONMENTS),
    word("KeyLineView.name", "What it is called among the keys of its agent.").pattern(NAME),
    word("KeyLineView.hint", HINT),
    word("KeyLineView.expired", "Whether it works no more."),
    word("KeyLineView.previous_until", PREVIOUS_UNTIL).time(),
    word("KeyLineView.secrets", SECRETS),
    word("KeyLineView.scopes", SCOPES).one_of(REACHED_SCOPES),
    word("KeyLineView.companies", COMPANIES),
    word("KeyLineView.environments", ENVIRONMENTS),
];
