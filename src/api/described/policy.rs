//! Who may do what: the policy and its file, requests for access, freezes, and what the node sees of a caller.

use super::agents::{REACHED_SCOPES, capabilities};
use super::operation::{Operation, delete, get, post};
use super::words::{NAME, NODE, Word, word};
use crate::api::types_access::{AccessBody, AccessListView, AskedView, DismissedView};
use crate::api::types_freezes::{
    FreezeBody, FreezesView, FrozenView, HoldersQuery, HoldersView, TargetQuery, UnfrozenView,
};
use crate::api::types_policy::{ApplyBody, DriftView, GrantView, PlanBody, PlanView, PolicyView, TestBody};
use crate::api::types_whoami::{WhoamiQuery, WhoamiView};
use crate::model::actions::Action;

/// Why.
const WHY: &[&str] = &["X-Aurora-Reason"];

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    of_policy().into_iter().chain(of_access()).chain(of_freezes()).chain([of_oneself()]).collect()
}

fn of_policy() -> [Operation; 5] {
    const BAD_POLICY: &str = "`bad_policy`, with every problem of the file by its line.";
    const TOO_LONG: &str = "`too_many`: the body is longer than a policy of 1 MiB can need.";
    [
        get("/api/policy", "readPolicy", "Show the policy")
            .about("For whoever manages the policy. On the lead it is the mesh's, elsewhere what concerns the node.")
            .answers::<PolicyView<'_>>("The grants, by name."),
        get("/api/policy/grants/{name}", "readGrant", "Show a grant")
            .about("For whoever manages the policy.")
            .answers::<GrantView<'_>>("The grant.")
            .refuses(404, "`not_found`: this node knows no grant of this name."),
        post("/api/policy/plan", "planPolicy", "Tell what a policy file would change")
            .about("On the lead, for whoever manages the policy. Nothing is changed.")
            .takes::<PlanBody>()
            .answers::<PlanView<'_>>("What would change, and what stands in the way of it.")
            .refuses(400, BAD_POLICY)
            .refuses(409, "`not_lead`.")
            .refuses(413, TOO_LONG),
        post("/api/policy/apply", "applyPolicy", "Make a file the policy of the mesh")
            .about(
                "On the lead, in one transaction: all of it or nothing. `expect` is the `revision` that a plan told, \
                 so that nothing is done that nobody looked at. A file that says what holds already changes nothing.",
            )
            .reads(WHY)
            .takes::<ApplyBody>()
            .answers::<PlanView<'_>>("What has changed.")
            .refuses(400, BAD_POLICY)
            .refuses(403, "`escalation`: only whoever has `system_admin` without any bound, or the admin, may.")
            .refuses(
                409,
                "`version_conflict`: the policy, an agent, a key or a freeze changed since it was planned; \
                 `policy_refused`: something stands in the way, as a plan tells; `not_lead`.",
            )
            .refuses(413, TOO_LONG),
        post("/api/policy/test", "testPolicy", "Tell what a policy file would have decided otherwise")
            .about(
                "For whoever manages the policy. The journal of this node is decided again by the file, and nothing is \
                 changed.",
            )
            .takes::<TestBody>()
            .answers::<DriftView<'_>>("What would have come out otherwise.")
            .refuses(400, BAD_POLICY)
            .refuses(413, TOO_LONG),
    ]
}

fn of_access() -> [Operation; 3] {
    const NO_LEAD: &str = "`no_lead`: the lead keeps the requests, and does not answer or is older than they are.";
    [
        get("/api/access-requests", "listAccessRequests", "List access requests")
            .about(
                "The oldest first. Whoever manages the policy sees all of them on the lead, and those of the node \
                 elsewhere; everybody else sees what it asked for itself on this node.",
            )
            .answers::<AccessListView>("What was asked for.")
            .refuses(409, "`not_lead`: the reign of this lead is over.")
            .refuses(503, NO_LEAD),
        post("/api/access-requests", "requestAccess", "Ask to be allowed something")
            .about(
                "It needs `event_publish`, and grants nothing by itself. The answer is the same whether there is such \
                 a secret or not, and the same request again is the one that waits.",
            )
            .reads(&["X-Node-Name"])
            .takes::<AccessBody>()
            .answers::<AskedView>("It waits, or is allowed already.")
            .refuses(409, "`too_many` wait already; `not_lead`: the reign of this lead is over.")
            .refuses(503, NO_LEAD),
        delete("/api/access-requests/{id}", "dismissAccessRequest", "Take an access request out of the list")
            .about("On the lead, for whoever manages the policy. Whoever asked may ask again.")
            .reads(WHY)
            .answers::<DismissedView>("What was taken out.")
            .refuses(404, "`not_found`: no request has this number.")
            .refuses(409, "`not_lead`."),
    ]
}

fn of_freezes() -> [Operation; 5] {
    const NOT_FROZEN: &str = "`not_found`: it is not frozen.";
    const MOVED: &str = "`version_conflict`: try again; `not_lead`.";
    [
        get("/api/freezes", "listFreezes", "List freezes")
            .about("For whoever manages the policy. A node that is not the lead knows those that concern it.")
            .answers::<FreezesView<'_>>("What is frozen."),
        post("/api/freezes", "freeze", "Freeze something")
            .about(
                "On the lead, for whoever manages the policy; of an agent, for whoever may suspend agents. It takes \
                 the place of an earlier freeze of the same, binds the owner too, and holds on the lead when this is \
                 answered. Nodes say by `/api/freezes/holders` whether it holds there.",
            )
            .takes::<FreezeBody>()
            .answers::<FrozenView>("The freeze.")
            .refuses(409, MOVED),
        delete("/api/freezes", "unfreeze", "Lift a freeze")
            .about("On the lead. `target` must be given. Other freezes that hold up the same stay.")
            .query::<TargetQuery>()
            .needs(&["target"])
            .reads(WHY)
            .answers::<UnfrozenView>("It is not frozen any more.")
            .refuses(404, NOT_FROZEN)
            .refuses(409, MOVED),
        delete("/api/freezes/{target}", "unfreezeTarget", "Lift a freeze, by its path")
            .about("The same, with what is frozen in the path: the slash of a secret is written `%2F`.")
            .reads(WHY)
            .answers::<UnfrozenView>("It is not frozen any more.")
            .refuses(404, NOT_FROZEN)
            .refuses(409, MOVED),
        get("/api/freezes/holders", "listFreezeHolders", "Tell which nodes act by a freeze")
            .about(
                "On the lead, for whoever manages the policy. `revision` must be given. A node that cannot be reached \
                 stops by itself at the time that is told.",
            )
            .query::<HoldersQuery>()
            .needs(&["revision"])
            .answers::<HoldersView<'_>>("Every node, by name.")
            .refuses(409, "`not_lead`."),
    ]
}

fn of_oneself() -> Operation {
    get("/api/whoami", "whoami", "Tell who the caller is to this node")
        .about(
            "Anybody may ask about itself. With `action` it is decided whether the caller may do that, and nothing is \
             done: what it may not is refused with `denied`.",
        )
        .query::<WhoamiQuery>()
        .reads(&["X-Company-Id", "X-Node-Name", "X-Aurora-Reason"])
        .answers::<WhoamiView<'_>>("What is known of the caller, and what it acts as.")
        .refuses(400, "`bad_scope`: it is no scope, or the node is in another environment.")
}

/// The form of whatever can be done.
const ACTION: &str = r"^[a-z]+\.[a-z]+$";

const ASKABLE: &[&str] = &["data_query", "data_read", "data_write", "integration_execute"];
const LEVELS: &[&str] = &["read", "write", "all"];
const DOORS: &[&str] = &["agent", "admin", "loopback", "credentials", "workload"];
const TARGET: &str = "What is frozen: `agent:NAME`, `secret:SERVICE/KEY`, `node:NAME`, `company:ID` or `mesh`.";
const FREEZE_REASON: &str = "Why: told to everybody who is refused by it.";
const SINCE: &str = "When it was frozen.";

fn actions() -> Vec<&'static str> {
    Action::ALL.iter().map(|action| action.as_str()).collect()
}

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word("grants/{name}", "The grant.").pattern(NAME),
    word("access-requests/{id}", "The number of the request.").number(1, u64::MAX),
    word("freezes/{target}", TARGET),
    word("TestBody.days", "How far to look back; 30 unless it is said.").number(1, 366),
    word("PolicyView.grants", "The grants, by name."),
    word("PolicyView.agents", "How many agents there are."),
    word("PolicyView.revision", "The last change of the rules; nothing on a node that is not the lead."),
    word("GrantView.name", "What it is called: an explanation names it as the rule that decided.").pattern(NAME),
    word("GrantView.principal", "Whom it is about, such as `user:1000`, `agent:NAME` or `owner`."),
    word("GrantView.effect", "Whether it allows, or denies whatever else is granted.").one_of(&["allow", "deny"]),
    word("GrantView.capabilities", "What it is about.").known(capabilities),
    word("GrantView.secrets", "Patterns of the secrets it is about: `openai/*`, or `*` for all."),
    word("GrantView.scopes", "The kinds of scope it is about; `*` alone for all.").one_of(REACHED_SCOPES),
    word("GrantView.companies", "The companies it is about; `*` alone for all."),
    word("GrantView.environments", "The environments it is about; `*` alone for all."),
    word("PlanView.applied", "Whether it was done; a plan does nothing."),
    word("PlanView.summary", "How much it is, in a few words."),
    word("PlanView.changes", "The changes: grants by name, then agents by name."),
    word("PlanView.unchanged", "How many grants and agents of the file are there already, word by word."),
    word("PlanView.obstacles", "Why it cannot be applied; empty if it can."),
    word("PlanView.notes", "What it does not change although one could think so."),
    word("ChangeView.change", "What becomes of it.").one_of(&["added", "changed", "removed"]),
    word("ChangeView.kind", "What it is.").one_of(&["grant", "agent"]),
    word("ChangeView.name", "What it is called.").pattern(NAME),
    word("ChangeView.fields", "What it says, or said, differently."),
    word("GrantField.field", "The key of the file, such as `secrets`; `state` of an agent that comes back."),
    word("GrantField.was", "What it said; nothing if it was not there."),
    word("GrantField.will", "What it will say; nothing if it will not be there."),
    word("DriftView.drift", "Whether anything would be decided otherwise than today."),
    word("DriftView.days", "How far was looked back.").number(1, 366),
    word("DriftView.compared", "Decisions that were made again."),
    word("DriftView.skipped", "Lines that no policy decided: the roster, a limit, a freeze."),
    word("DriftView.unreadable", "Lines that could not be understood."),
    word("DriftView.differences", "What would come out otherwise, the most frequent first."),
    word("DriftView.unlisted", "Lines with a difference that is not listed, because there are too many kinds."),
    word("DifferenceView.principal", "Who asked."),
    word("DifferenceView.action", "What it wanted to do, such as `secret.read`.").pattern(ACTION),
    word("DifferenceView.secret", "To which secret, as `SERVICE/KEY`; nothing if to none."),
    word("DifferenceView.scope", "In which scope: `global`, `company:ID` or `node:NAME`; nothing if it is not known."),
    word("DifferenceView.was", "What was decided the last time."),
    word("DifferenceView.would", "What would be."),
    word("DifferenceView.as_today", "Whether the policy of today says so too: then it was another that decided."),
    word("DifferenceView.count", "How many lines."),
    word("DifferenceView.last", "When the last of them was written.").time(),
    word("DecisionView.decision", "Whether it is allowed.").one_of(&["allow", "deny"]),
    word("DecisionView.rule", "The rule that decides."),
    word("AccessBody.name", "The secret, as `SERVICE/KEY`, whether there is one or not."),
    word("AccessBody.reason", "What it is needed for: one line of 1 to 256 bytes, for whoever decides."),
    word("AccessBody.capability", "What to be allowed; `data_read` unless it is said.").one_of(ASKABLE),
    word("AskedView.status", "Whether it waits, or is allowed already.").one_of(&["pending", "already_allowed"]),
    word("AskedView.next", "What is to be done next, for people."),
    word("AccessListView.requests", "The requests, the oldest first."),
    word("AccessListView.of", "Whose they are: the caller's own, those of the node, or of the mesh.")
        .one_of(&["own", "node", "mesh"]),
    word("AccessView.id", "The number of the request."),
    word("AccessView.status", "Whether policy allows it by now.").one_of(&["pending", "granted"]),
    word("AccessView.name", "The secret, as `SERVICE/KEY`."),
    word("AccessView.capability", "What it asks to be allowed.").one_of(ASKABLE),
    word("AccessView.environment", "Where: the environment of the node it was asked on.").pattern(NAME),
    word("AccessView.principal", "Who asks: whom the grant names."),
    word("AccessView.node", "On which node it was asked.").pattern(NODE),
    word("AccessView.requested_at", "When it was asked first.").time(),
    word("AccessView.grant", "Lines for the policy file that would give exactly this."),
    word("DismissedView.id", "The number it had."),
    word("DismissedView.name", "The secret it was about, as `SERVICE/KEY`."),
    word("DismissedView.principal", "Who had asked."),
    word("level", "How much: giving out and using values, changes, or everything.").one_of(LEVELS),
    word("FreezeBody.target", TARGET),
    word("FreezeBody.reason", "Why: one line of 1 to 256 bytes, told to everybody who is refused by it."),
    word("TargetQuery.target", TARGET),
    word("HoldersQuery.revision", "The revision that freezing was answered with.").number(0, u64::MAX),
    word("HoldersQuery.target", "What was frozen: nodes that hold nothing of it are told apart."),
    word("FreezeView.target", TARGET),
    word("FreezeView.reason", FREEZE_REASON),
    word("FreezeView.since", SINCE).time(),
    word("FrozenView.target", TARGET),
    word("FrozenView.reason", FREEZE_REASON),
    word("FrozenView.since", SINCE).time(),
    word("FrozenView.known", "Whether there is such an agent or node: a name may be mistyped. True of all else."),
    word("FrozenView.revision", "The change: a node that has it is frozen."),
    word("FreezesView.freezes", "The freezes that this node knows."),
    word("ListedView.target", TARGET),
    word("ListedView.reason", FREEZE_REASON),
    word("ListedView.since", SINCE).time(),
    word("frozen_by", "Who froze it, as a principal."),
    word("HoldersView.nodes", "Every node, by name."),
    word("FreezeHolder.node", "The name of the node.").pattern(NODE),
    word("FreezeHolder.state", "Whether it acts by it, is about to, cannot be told, or has nothing it is about.")
        .one_of(&["frozen", "waiting", "unreachable", "not_concerned"]),
    word("FreezeHolder.stops_by", "When a node that cannot be reached stops by itself.").time(),
    word("WhoamiQuery.action", "What the caller may want to do.").known(actions),
    word("WhoamiQuery.secret", "To which secret, as `SERVICE/KEY`; only with `action`."),
    word("WhoamiView.door", "The door the caller came through.").one_of(DOORS),
    word("WhoamiView.uid", "Its user id."),
    word("WhoamiView.user", "What the machine calls that user, if it does."),
    word("WhoamiView.gid", "Its group id."),
    word("WhoamiView.groups", "Its supplementary groups."),
    word("WhoamiView.group_names", "What the machine calls its groups, where it does."),
    word("WhoamiView.pid", "Its process id."),
    word("WhoamiView.unit", "Its systemd unit, if it has one."),
    word("WhoamiView.executable", "The path of its program, if it is known."),
    word("WhoamiView.sha256", "The digest of its program, if a rule asks for it.").pattern("^[0-9a-f]{64}$"),
    word("WhoamiView.attest", "How surely that is known.").one_of(&["strong", "weak"]),
    word("WhoamiView.agent", "The agent it acts as, if it does.").pattern(NAME),
    word("WhoamiView.key", "The API key it showed, as the audit calls it."),
    word("WhoamiView.principals", "What it acts as."),
    word("WhoamiView.besides", "What it is besides: a deny of one of these counts, and an allow does not."),
    word("WhoamiView.may", "What it asked whether it may; nothing if it did not ask."),
    word("MayView.action", "What it may.").known(actions),
    word("MayView.allowed", "Always true: what it may not is refused."),
    word("MayView.rule", "The rule that allows it."),
];
