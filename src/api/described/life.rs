//! What becomes of secrets after they were stored, of one or of all, and lists of those that somebody should look at.

use super::operation::{Operation, delete, get, patch, post};
use super::words::{NAME, Word, word};
use crate::api::types_back::{BackBody, BackView};
use crate::api::types_change::StoredView;
use crate::api::types_environments::{CheckBody, EnvironmentsView, MirrorBody, MirrorView, SharedView};
use crate::api::types_expiring::{ExpiringQuery, ExpiringView, UnusedQuery, UnusedView};
use crate::api::types_exposure::{ExposureQuery, ExposureView};
use crate::api::types_patch::PatchBody;
use crate::api::types_secret::{ChangeQuery, DestroyQuery, PutQuery, RollbackQuery};

/// Who asks, and why.
const NODE_AND_REASON: &[&str] = &["X-Node-Name", "X-Aurora-Reason"];

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    let mut all = of_one();
    all.extend(of_versions());
    all.extend(of_environments());
    all.extend(of_what_falls_due());
    all
}

/// The current version of one secret.
fn of_one() -> Vec<Operation> {
    vec![
        patch("/api/secrets/{service}/{key}", "describeSecret", "Say something else about a secret")
            .about(
                "Its value and its version stay. What is left out stays as it is, `null` or an empty text or list \
                 clears it. Made on the lead; the same again changes nothing.",
            )
            .query::<ChangeQuery>()
            .reads(NODE_AND_REASON)
            .takes::<PatchBody>()
            .answers::<StoredView>("It is said, or was so already.")
            .refuses(400, "`bad_fields`: the value has other fields than those; `bad_scope`: no such place here.")
            .refuses(404, "`not_found`: there is none in that scope, or it is deleted.")
            .refuses(409, "`not_lead`."),
        delete("/api/secrets/{service}/{key}", "deleteSecret", "Delete a secret")
            .about(
                "The current version of one scope, on the lead. It can be undeleted, and what is stored next continues \
                 the count. A body is refused.",
            )
            .query::<ChangeQuery>()
            .reads(NODE_AND_REASON)
            .answers::<StoredView>("It is deleted.")
            .refuses(404, "`not_found`: there is nothing to delete in that scope.")
            .refuses(409, "`not_lead`."),
        post("/api/secrets/{service}/{key}/undelete", "undeleteSecret", "Undelete a secret")
            .about("Makes the deleted version of one scope current again, on the lead. A body is refused.")
            .query::<ChangeQuery>()
            .reads(NODE_AND_REASON)
            .answers::<StoredView>("It is current again.")
            .refuses(404, "`not_found`: there is none in that scope.")
            .refuses(409, "`not_deleted`: there is nothing to undelete; `not_lead`.")
            .refuses(410, "`destroyed`: its value is gone for good."),
    ]
}

/// Values of the past: of one secret, or of all.
fn of_versions() -> Vec<Operation> {
    vec![
        post("/api/secrets/{service}/{key}/destroy", "destroyVersions", "Destroy values of a secret for good")
            .about(
                "These versions of one scope, or every one if `versions` is left out. When it answers, no byte of them \
                 is in the file of the lead, and their numbers are never given again. None is destroyed if one that is \
                 named is not kept. A body is refused.",
            )
            .query::<DestroyQuery>()
            .reads(NODE_AND_REASON)
            .answers::<StoredView>("They are gone.")
            .refuses(404, "`not_found`: no such secret in that scope, or no such version.")
            .refuses(409, "`not_lead`; `version_conflict`: others changed it meanwhile.")
            .refuses(503, "`purge_due`: it is done, but bytes are still in the file of the lead."),
        post("/api/secrets/{service}/{key}/rollback", "rollBackSecret", "Go back to an older value of a secret")
            .about(
                "Stores the value of version `to`, which must be given, as a new version, with its fields; what else \
                 is said stays. Made on the lead. A body is refused.",
            )
            .query::<RollbackQuery>()
            .needs(&["to"])
            .reads(NODE_AND_REASON)
            .answers::<StoredView>("It is current again, under a new number.")
            .refuses(404, "`not_found`: no such secret in that scope, or no such version.")
            .refuses(409, "`not_lead`; `version_conflict`: others changed it again and again meanwhile.")
            .refuses(410, "`destroyed`: that value is gone for good."),
        post("/api/rollback", "rollBackMesh", "Bring every secret back to the value it had at a revision")
            .about(
                "In one transaction on the lead, as new versions; what was not there then is deleted. For whoever \
                 manages the mesh: a grant of `system_admin` without bounds. A dry run, by the query or by the body, \
                 changes nothing.",
            )
            .query::<PutQuery>()
            .reads(&["X-Aurora-Reason"])
            .takes::<BackBody>()
            .answers::<BackView>("What became of the secrets, or would.")
            .refuses(404, "`no_such_revision`: the lead has not come so far.")
            .refuses(
                409,
                "`not_lead`; `log_too_short`: the change log begins later; `value_gone`: what some secrets held is not \
                 kept; `version_conflict`: others changed something again and again meanwhile.",
            ),
    ]
}

/// Environments beside each other.
fn of_environments() -> Vec<Operation> {
    vec![
        get("/api/environments", "listEnvironments", "List environments")
            .about("That of the node; on the lead its admin is told of every one.")
            .reads(&["X-Node-Name"])
            .answers::<EnvironmentsView<'_>>("The environments."),
        post("/api/environments/mirror", "mirrorEnvironment", "Make the secrets of one environment known in another")
            .about(
                "For the admin of the lead. Names, what is said about them and how they are kept, never a value nor \
                 the end of one; all or none. What is known there stays as it is, so that it can be done again. Each \
                 list of the answer names at most 1000.",
            )
            .query::<PutQuery>()
            .reads(NODE_AND_REASON)
            .takes::<MirrorBody>()
            .answers::<MirrorView<'_>>("What became known, or would, and what still has no value.")
            .refuses(400, "`bad_scope`: nothing is known in `from`, or both are the same.")
            .refuses(409, "`not_lead`."),
        post("/api/environments/check", "compareEnvironments", "Find values that two environments share")
            .about(
                "For the admin of the lead. Tells where, never what. What the caller may not read is not compared. The \
                 list names at most 1000; those of one name and scope in both come first.",
            )
            .reads(NODE_AND_REASON)
            .takes::<CheckBody>()
            .answers::<SharedView<'_>>("The values that are the same in both.")
            .refuses(400, "`bad_scope`: nothing is known in one of them, or both are the same.")
            .refuses(409, "`not_lead`."),
    ]
}

/// Secrets that somebody should look at.
fn of_what_falls_due() -> Vec<Operation> {
    vec![
        get("/api/expiring", "listExpiring", "List secrets that expire or are due to be rotated")
            .about(
                "What expires within a time, or has, by the word of whoever stored it or of the provider; and what is \
                 due to be rotated. The first to expire first; at most 10000, of those that the caller may list.",
            )
            .query::<ExpiringQuery>()
            .reads(NODE_AND_REASON)
            .answers::<ExpiringView<'_>>("The secrets."),
        get("/api/unused", "listUnused", "List secrets that nobody was given for long")
            .about(
                "Live ones that are older than that, by the journals that this node has: on the lead, the copies of \
                 the others' too. `covers` says whose; on another node it may have been read. For whoever may read all \
                 of the journal: a grant of `system_admin` without bounds. At most 10000.",
            )
            .query::<UnusedQuery>()
            .reads(&["X-Node-Name"])
            .answers::<UnusedView<'_>>("The secrets, those that were not read for longest first."),
        get("/api/exposure", "showExposure", "List the values that somebody could have read")
            .about(
                "The list to work through after an incident. Of a node or a company, which only the lead can tell, it \
                 is what one could have read, by entitlements now and then; of a caller it is what one did read, by \
                 the journals that this node has. Never a value. For whoever may read all of the journal: a grant of \
                 `system_admin` without bounds.",
            )
            .query::<ExposureQuery>()
            .needs(&["of"])
            .answers::<ExposureView<'_>>("The values, those that are in use first.")
            .refuses(404, "`not_found`: no node has that name.")
            .refuses(409, "`not_lead`: a node or a company was asked about."),
    ]
}

/// Thirty days: the longest that a copy is fresh, or may be served after that.
const FRESHNESS_SECONDS_MAX: u64 = 30 * 86_400;

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    // One secret.
    word("RollbackQuery.to", "The version whose value becomes the new one.").number(1, u64::MAX),
    word("PatchBody.metadata", "Texts for people."),
    word("PatchBody.ttl", "For how many seconds a copy counts as fresh; `null`: as the node has it.")
        .number(1, FRESHNESS_SECONDS_MAX),
    word("PatchBody.max_stale", "For how many seconds after that it may be served; `null`: as the node has it.")
        .number(0, FRESHNESS_SECONDS_MAX),
    word("PatchBody.offline", "Whether a stale copy may be served at all.").one_of(&["allow", "deny"]),
    word("PatchBody.rotation_reminder_days", "After how many days a new value is due; 0 is never, `null` is 90."),
    word("PatchBody.fields", "The fields that the value has, at most 32: the whole list."),
    // All secrets.
    word("BackBody.to_revision", "The revision to go back to."),
    word("BackBody.reason", "Why; it wins over `X-Aurora-Reason`."),
    word("BackView.dry_run", "Whether it was only told what it would come to."),
    word("BackView.to_revision", "The revision that was gone back to."),
    word("BackView.secrets", "The secrets that are otherwise than before."),
    word("WentView.secret", "Which secret, as `service/key_name`."),
    word("WentView.scope", "In which scope: `global`, `company:ID` or `node:NAME`."),
    word("WentView.version", "The version that is current now."),
    word("WentView.outcome", "What became of it.").one_of(&["restored", "deleted", "undeleted"]),
    // Environments.
    word("EnvironmentView.environment", "Its name.").pattern(NAME),
    word("EnvironmentView.own", "Whether the node that answers is in it."),
    word(
        "EnvironmentView.secrets",
        "How many secrets in their scopes are known there, of those that the caller may list.",
    ),
    word("EnvironmentView.live", "How many of them can be read."),
    word("EnvironmentView.without_value", "How many of them cannot."),
    word("EnvironmentView.nodes", "How many nodes are in it; a follower knows of itself only."),
    word("MirrorBody.from", "The environment whose live secrets become known.").pattern(NAME),
    word("MirrorBody.to", "The environment in which they do.").pattern(NAME),
    word("MirrorBody.prefix", "Only names `service/key_name` that start so."),
    word("MirrorView.from", "The environment whose live secrets became known.").pattern(NAME),
    word("MirrorView.to", "The environment in which they did.").pattern(NAME),
    word("MirrorView.declared", "What became known: the first of it."),
    word("MirrorView.declared_total", "How many became known."),
    word("MirrorView.already_known", "How many were known already."),
    word("MirrorView.without_value", "What has no value there yet: the first of it."),
    word("MirrorView.without_value_total", "How many have no value there yet."),
    word("MirrorView.skipped_node_scopes", "How many were passed over because they are for one node."),
    word("LackingView.state", "Why it has none.").one_of(&["deleted", "destroyed", "unset"]),
    word("CheckBody.left", "One environment.").pattern(NAME),
    word("CheckBody.right", "The other, whose secrets are told.").pattern(NAME),
    word("SharedView.left", "One environment.").pattern(NAME),
    word("SharedView.right", "The other, whose secrets are told.").pattern(NAME),
    word("SharedView.compared_left", "How many secrets of the left one were compared."),
    word("SharedView.compared_right", "How many secrets of the right one were compared."),
    word("SharedView.skipped", "How many were not, because the caller may not read them."),
    word(
        "SharedView.shared",
        "Secrets of the right one whose value, or a field of it, the left one has too: the first.",
    ),
    word("SharedView.shared_total", "How many there are of them."),
    word("SharedValueView.same_place", "Whether the left one has it under the same name and scope."),
    word("SharedValueView.left", "Where the left one has it: at most ten places."),
    // What falls due.
    word(
        "ExpiringQuery.within",
        "How far to look ahead: a duration such as `24h`, at most `3650d`; `30d` if left out.",
    ),
    word("ExpiringView.within", "How far it looks ahead."),
    word("ExpiringView.secrets", "The first to expire first, then those that are only due to be rotated."),
    word("ExpiringView.complete", "Whether that is all of them."),
    word("ExpiringSecretView.expires_at", "When it stops working; nothing if it does not within that time.").time(),
    word(
        "ExpiringSecretView.source",
        "Who says so: whoever stored it, a header or the body of an answer, or it itself.",
    )
    .one_of(&["user", "header", "answer", "jwt"]),
    word("ExpiringSecretView.expired", "Whether it has stopped working."),
    word("ExpiringSecretView.days_left", "How many days are left."),
    word("ExpiringSecretView.rotation_due", "Whether a new value is due."),
    word("ExpiringSecretView.rotation_due_at", "Since when it is.").time(),
    word("UnusedQuery.for", "How far to look back: a duration such as `24h`, at most `3650d`; `90d` if left out."),
    word("UnusedView.for", "How far it looks back."),
    word("UnusedView.secrets", "Those that were not read for longest first."),
    word("UnusedView.covers", "The nodes whose journals were read."),
    word("UnusedView.journal_since", "When the oldest line of them was written: nothing is known of before.").time(),
    word("UnusedView.complete", "Whether that is all of them."),
    word("UnusedView.unreadable_lines", "How many lines of the journals could not be understood."),
    word("UnusedSecretView.last_read", "When any version of it was last given out, if ever.").time(),
    word(
        "ExposureQuery.of",
        "Whose: `node:NAME`, `company:ID`, or a caller: `user:UID`, `group:GID`, `unit:NAME`, \
         `exe:PATH`, `agent:NAME` or `admin`.",
    ),
    word("ExposureView.of", "Who was asked about."),
    word("ExposureView.values", "The values."),
    word("ExposureView.nodes", "The nodes that could read them; empty for a caller."),
    word("ExposureView.principals", "Whom the policy of this node lets read for the company; empty for all others."),
    word("ExposureView.covers", "The nodes whose journals were read."),
    word("ExposureView.complete", "Whether that is all of them."),
    word("ExposureView.unreadable_lines", "How many lines of the journals could not be understood."),
    word("ExposedView.state", "Whether it is in use still.").one_of(&["current", "deleted", "replaced"]),
    word("ExposedView.since", "Since when it could be read; of a caller, when it was first.").time(),
    word("ExposedView.until", "Until when, nothing if it still can be; of a caller, when it was last.").time(),
    word("ExposedView.last_read", "When it was last read, as far as the journals tell.").time(),
    word("ExposedView.nodes", "The nodes that could; empty for a caller."),
];
