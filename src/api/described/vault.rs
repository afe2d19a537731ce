//! The routes of HashiCorp Vault, for its clients.

use schemars::JsonSchema;

use super::operation::{Operation, delete, get, patch, post, put};
use super::words::{NAME, Word, word};
use crate::api::dialect::VaultErrors;
use crate::api::kv_custom::MetadataBody;
use crate::api::kv_system::{HealthView, InitView, MountView, SealView, TokenView};
use crate::api::kv_types::{
    DataView, Envelope, HistoryView, KeysView, ListQuery, VersionQuery, VersionView, VersionsBody, WriteBody,
};

/// Who asks for whom.
const CONTEXT: &[&str] = &["X-Company-Id", "X-Vault-Namespace", "X-Node-Name", "X-Aurora-Reason"];

/// `GET /v1/sys/health?…`, of which nothing else is looked at.
#[derive(JsonSchema)]
#[schemars(rename = "VaultHealthQuery")]
#[expect(dead_code, reason = "it is read out of the query as it stands there: this says only that it is")]
struct HealthQuery {
    /// The status of a sealed node instead of 503.
    sealedcode: Option<String>,
}

/// The data of an answer that has none.
#[derive(JsonSchema)]
#[schemars(inline)]
struct Nothing;

/// Why a path has no fields: a version without a value is told like one that has, with `null` for it.
#[derive(JsonSchema)]
#[schemars(rename = "VaultNothingThere", untagged)]
#[expect(dead_code, reason = "an answer is the one or the other: this says only so")]
enum NothingThere<'a> {
    Gone(Box<Envelope<'a, DataView<'a>>>),
    Absent(VaultErrors),
}

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    let mut all = of_vault();
    all.extend(of_tokens());
    all.extend(of_data());
    all.extend(of_metadata());
    all.extend(of_versions());
    all
}

/// A route that takes `POST` and `PUT`, which are one to Vault.
fn either(
    path: &'static str,
    ids: [&'static str; 2],
    summary: &'static str,
    told: fn(Operation) -> Operation,
) -> [Operation; 2] {
    let [posted, stored] = ids;
    [told(post(path, posted, summary)), told(put(path, stored, summary))]
}

fn of_vault() -> Vec<Operation> {
    vec![
        get("/v1/sys/health", "vaultHealth", "Ask whether a node serves, as from Vault")
            .about(
                "For everybody, also with `HEAD`. A follower answers 200 too: it serves reads by itself. A sealed node \
                 answers the same with 503, or with the status that `sealedcode` asks for. Other parameters are passed \
                 over.",
            )
            .query::<HealthQuery>()
            .answers::<HealthView>("The node serves.")
            .answers_as::<HealthView>(
                299,
                "The node is sealed, and the client asked for this status, as those of Go do.",
            )
            .answers_as::<HealthView>(503, "The node is sealed."),
        get("/v1/sys/init", "vaultInit", "Ask whether a node was made, as from Vault")
            .about("For everybody. A node that answers was made by `aurora init` or `aurora join`.")
            .answers::<InitView>("It was."),
        get("/v1/sys/seal-status", "vaultSealStatus", "Ask whether a node is sealed, as from Vault")
            .about("For everybody, also with `HEAD`. How a node is unsealed is told by `/api/unseal`.")
            .answers::<SealView>("Whether it is, with 200 in both cases."),
        get("/v1/sys/internal/ui/mounts/{path}", "vaultMount", "Look a mount up, as in Vault")
            .about("Clients ask so which version of the KV engine a path has. There is one mount, `secret/`.")
            .answers::<Envelope<'_, MountView>>("The mount, of version 2.")
            .refuses(403, "Also for any other mount."),
    ]
}

fn of_tokens() -> Vec<Operation> {
    let mut all = vec![
        get("/v1/auth/token/lookup-self", "vaultLookupSelf", "Ask who one is, as from Vault")
            .about("The API key by its name, and whom the caller acts as. `/api/whoami` tells more.")
            .answers::<Envelope<'_, TokenView>>("Who asks."),
    ];
    all.extend(either(
        "/v1/auth/token/renew-self",
        ["vaultRenewSelf", "vaultRenewSelfByPut"],
        "Let a token be as it is, as Vault renews one",
        |renewal| {
            renewal
                .about(
                    "Nothing changes: an API key works until it ends, and `auth` says how long that is. A body is \
                     passed over. Keys are made and revoked with `aurora apikey` alone: Vault's other requests about \
                     tokens are refused with `not_offered`.",
                )
                .answers::<Envelope<'_, Nothing>>("The key as it was, in `auth`.")
        },
    ));
    all
}

fn of_data() -> Vec<Operation> {
    const PATH: &str = "/v1/secret/data/{service}";
    let read = get(PATH, "vaultRead", "Read a path, as from Vault")
        .about(
            "A path is a service, and its fields are the keys of that service. Each is read by itself, as it resolves: \
             node, company, global; what the caller may not read is left out. `X-Vault-Namespace` names the company as \
             `X-Company-Id` does. Older versions are on the lead. A version that was deleted or destroyed is told with \
             404 in the shape of an answer, whose `data.data` is `null`.",
        )
        .query::<VersionQuery>()
        .reads(CONTEXT)
        .answers::<Envelope<'_, DataView<'_>>>("The fields, and which version they are.")
        .with_headers(&["X-Cache", "Age", "X-Fresh-Until"])
        .refuses(
            400,
            "`not_text`: a value is no UTF-8. `not_offered`: it was asked for with `X-Vault-Wrap-TTL`. `bad_value`: an \
             older version on a follower, or more than 256 fields.",
        )
        .answers_as::<NothingThere<'_>>(404, "There is no such path or version, or it was deleted or destroyed.")
        .refuses(503, "`stale_cache`: a copy may not be served any more, and the lead is away.");
    let written = either(PATH, ["vaultWrite", "vaultWriteByPut"], "Write a path, as in Vault", |written| {
        written
            .about(
                "On the lead, in the scope of the company that is named, else in the global one. The fields are stored \
                 under one new version, all of them or none; what else the path has there is deleted, as far as the \
                 caller may read it.",
            )
            .reads(CONTEXT)
            .takes::<WriteBody>()
            .answers::<Envelope<'_, VersionView<'_>>>("The new version.")
            .refuses(
                400,
                "`version_conflict`: `options.cas` is not the current version. `not_lead`. `bad_value`: `data` is no \
                 object of 1 to 256 texts.",
            )
            .refuses(413, "`value_too_large`.")
    });
    let patched = patch(PATH, "vaultPatch", "Change fields of a path, as in Vault")
        .about(
            "As a write, but the fields that are not mentioned stay, and those that are `null` go (RFC 7396). There \
             must be one text or more.",
        )
        .reads(CONTEXT)
        .takes::<WriteBody>()
        .answers::<Envelope<'_, VersionView<'_>>>("The new version.")
        .refuses(400, "`version_conflict`: `options.cas` is not the current version. `not_lead`. `bad_value`.")
        .refuses(404, "The path has no value: `errors` is empty.")
        .refuses(413, "`value_too_large`.");
    let deleted = delete(PATH, "vaultDelete", "Delete what a path has now, as in Vault")
        .about("On the lead. It can be undeleted. Where there is nothing, nothing is left to be done.")
        .reads(CONTEXT)
        .answers_nothing(204, "It is deleted.")
        .refuses(400, "`bad_value` or `unknown_field`: it has a body or a query. `not_lead`.");
    [read].into_iter().chain(written).chain([patched, deleted]).collect()
}

fn of_metadata() -> Vec<Operation> {
    const PATH: &str = "/v1/secret/metadata/{service}";
    const BAD: &str = "`not_offered`: a setting is fixed. `bad_value`: a name cannot be kept. `not_lead`.";
    let listed = get("/v1/secret/metadata", "vaultList", "List paths, as in Vault")
        .about(
            "The services with a key that has a value or could be undeleted, in the scopes a read would look at. \
             `list=true` must be there. Vault's own method `LIST`, for which this document has no place, asks the same \
             without a parameter.",
        )
        .query::<ListQuery>()
        .needs(&["list"])
        .reads(&["X-Company-Id", "X-Node-Name"])
        .answers::<Envelope<'_, KeysView<'_>>>("The services, in order.")
        .refuses(404, "There are none: `errors` is empty.")
        .refuses(405, "Without `list=true`.");
    let read = get(PATH, "vaultHistory", "List the versions of a path, as in Vault")
        .about("For whoever has `secret.info`. A follower knows the current version of each key alone.")
        .reads(CONTEXT)
        .answers::<Envelope<'_, HistoryView<'_>>>("The versions that are kept, and what is said about the path.")
        .refuses(404, "There is no such path, or all of it was destroyed: `errors` is empty.");
    let said = either(PATH, ["vaultDescribe", "vaultDescribeByPut"], "Say what a path is, as in Vault", |said| {
        said.about(
            "Of every key of the path that has a value, on the lead. Texts that are not mentioned go, unless there is \
             no `custom_metadata` at all.",
        )
        .reads(CONTEXT)
        .takes::<MetadataBody>()
        .answers_nothing(204, "It is said.")
        .refuses(400, BAD)
        .refuses(404, "The path has no value: `errors` is empty.")
    });
    let patched = patch(PATH, "vaultDescribePart", "Say something else about a path, as in Vault")
        .about("As `POST`, but texts that are not mentioned stay, and those that are `null` go.")
        .reads(CONTEXT)
        .takes::<MetadataBody>()
        .answers_nothing(204, "It is said.")
        .refuses(400, BAD)
        .refuses(404, "The path has no value: `errors` is empty.");
    let destroyed = delete(PATH, "vaultDestroyAll", "Destroy every version of a path, as in Vault")
        .about("On the lead. The values are gone for good; that there were such versions is still known.")
        .reads(CONTEXT)
        .answers_nothing(204, "No value is left.")
        .refuses(400, "`bad_value` or `unknown_field`: it has a body or a query. `not_lead`.")
        .refuses(503, "Also `purge_due`: they are destroyed, but their bytes are still in the lead's file.");
    [listed, read].into_iter().chain(said).chain([patched, destroyed]).collect()
}

fn of_versions() -> Vec<Operation> {
    const BAD: &str = "`bad_value`: no list of 1 to 1000 numbers from 1. `not_lead`.";
    let deleted = either(
        "/v1/secret/delete/{service}",
        ["vaultDeleteVersions", "vaultDeleteVersionsByPut"],
        "Delete versions of a path, as in Vault",
        |deleted| {
            let about = "On the lead. They can be undeleted. One that is not kept is passed over.";
            let done = deleted.about(about).reads(CONTEXT).takes::<VersionsBody>();
            done.answers_nothing(204, "They are deleted.").refuses(400, BAD)
        },
    );
    let undeleted = either(
        "/v1/secret/undelete/{service}",
        ["vaultUndeleteVersions", "vaultUndeleteVersionsByPut"],
        "Undelete versions of a path, as in Vault",
        |undeleted| {
            let about = "On the lead. One that is not deleted, or not kept, is passed over.";
            let done = undeleted.about(about).reads(CONTEXT).takes::<VersionsBody>();
            done.answers_nothing(204, "They are there again.").refuses(400, BAD)
        },
    );
    let destroyed = either(
        "/v1/secret/destroy/{service}",
        ["vaultDestroyVersions", "vaultDestroyVersionsByPut"],
        "Destroy versions of a path, as in Vault",
        |destroyed| {
            let about = "On the lead. Their values are gone for good. One that is not kept is passed over.";
            let done = destroyed.about(about).reads(CONTEXT).takes::<VersionsBody>();
            done.answers_nothing(204, "They are destroyed.")
                .refuses(400, BAD)
                .refuses(503, "Also `purge_due`: they are destroyed, but their bytes are still in the lead's file.")
        },
    );
    deleted.into_iter().chain(undeleted).chain(destroyed).collect()
}

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word("mounts/{path}", "A path, of which the first part is the mount."),
    word("VaultVersionQuery.version", "An older version; 0 is the current one.").number(0, u64::MAX),
    word("VaultListQuery.list", "`true`: what the method `LIST` asks for.").flag(),
    word("VaultHealthQuery.sealedcode", "The status of a sealed node instead of 503.").number(200, 999),
    word("VaultVersion.created_time", "When it, or what is said of it, last changed.").time(),
    word("VaultState.created_time", "When it, or what is said of it, last changed.").time(),
    word("VaultHistory.created_time", "When the first key of the path was stored.").time(),
    word("VaultHistory.updated_time", "When any of it changed last.").time(),
    word("VaultToken.expire_time", "When the key ends; nothing if it does not.").time(),
    word("VaultKeys.keys", "The services.").pattern(NAME),
    word("VaultErrors.errors", "Why, in Vault's words, and by our code; empty for what is not there."),
];
