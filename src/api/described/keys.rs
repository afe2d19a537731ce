//! Keys of the mesh, snapshots of it, and the opening of a sealed node.

use super::operation::{Content, Operation, get, post};
use super::words::{NAME, NODE, SCOPES, Word, word};
use crate::api::types_keys::{KeysView, RootView, RotateQuery, RotationView};
use crate::api::types_snapshots::{ProofView, SavedView, SnapshotsView, VerifyQuery};
use crate::api::types_unseal::{UnsealBody, UnsealView};

/// Why a node that is not the lead does not do it.
const NOT_LEAD: &str = "`not_lead`: the message names the lead.";

/// What a snapshot is as a body.
const BYTES: Content = Content::Bytes("application/octet-stream");

/// What a snapshot is called in its directory.
const SNAPSHOT: &str = r"^[a-z0-9][a-z0-9-]{0,62}-[0-9]{8}T[0-9]{6}Z-e[0-9]+-r[0-9]+\.aurora-snapshot$";

/// 128 bits in hexadecimal digits.
const ID: &str = "^[0-9a-f]{32}$";

/// A hash of a key.
const PIN: &str = "^sha256:[0-9a-f]{64}$";

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    of_keys().into_iter().chain(of_snapshots()).chain(of_unsealing()).collect()
}

fn of_keys() -> Vec<Operation> {
    vec![
        get("/api/keys", "readKeys", "See how the keys of the mesh are")
            .about(
                "On the lead, for whoever manages the mesh without bounds. No key is shown: generations, times, \
                counts, and the rotation that is under way.",
            )
            .answers::<KeysView<'_>>("The keys.")
            .refuses(409, NOT_LEAD),
        post("/api/keys/rotate", "rotateKeys", "Begin to rotate scope keys")
            .about(
                "On the lead, for whoever may rotate secrets and manages the mesh without bounds. The scope gets a key \
                of the next generation at once, and its values are sealed anew behind the answer: `GET /api/keys` \
                tells how far that is. With `dry_run` it is told which scopes those are. A scope whose last rotation is \
                unfinished goes on with that one.",
            )
            .query::<RotateQuery>()
            .reads(&["X-Aurora-Reason"])
            .answers::<RotationView<'_>>("It has begun, or would.")
            .refuses(400, "`bad_scope`: `scope` and `scope_id` make no scope, or the environment is none of this node.")
            .refuses(404, "`not_found`: nothing was ever stored in that scope, so it has no key.")
            .refuses(409, NOT_LEAD),
        post("/api/keys/rotate-root", "rotateRootKey", "Replace the root key")
            .about(
                "On the lead, for whoever manages the mesh without bounds. It is done when this answers: no byte that \
                the old key wrapped is left in the file.",
            )
            .reads(&["X-Aurora-Reason"])
            .answers::<RootView>("It is replaced.")
            .refuses(409, NOT_LEAD)
            .refuses(503, "`purge_due`: it is replaced, and the bytes of before are still in the file."),
    ]
}

fn of_snapshots() -> Vec<Operation> {
    vec![
        get("/api/snapshots", "listSnapshots", "List the snapshots of the lead")
            .about("On the lead, for whoever manages backups without bounds: those of its own directory.")
            .answers::<SnapshotsView>("The snapshots, newest first; none if the lead has no directory for them.")
            .refuses(409, NOT_LEAD),
        post("/api/snapshots", "saveSnapshot", "Save a snapshot and verify it")
            .about(
                "On the lead, for whoever manages backups without bounds. It goes into the directory or to the command \
                of `[snapshot]` in `node.toml`. It is saved, restored beside the store and found whole when this \
                answers.",
            )
            .reads(&["X-Aurora-Reason"])
            .answers::<SavedView>("It is saved, and could be restored.")
            .refuses(400, "`unsound_snapshot`: what was saved could not be restored.")
            .refuses(409, "`no_place`: it has neither directory nor command. `not_lead`: the message names the lead.")
            .refuses(500, "`snapshot_failed`: the machine failed, not the snapshot.")
            .refuses(503, "`overloaded`: another one is being made or examined."),
        post("/api/snapshots/export", "exportSnapshot", "Get a snapshot")
            .about(
                "On the lead, for whoever manages backups without bounds. It is sent as it is made, and was not \
                verified. One that is broken off is not whole, and the connection ends without the end of the body.",
            )
            .reads(&["X-Aurora-Reason"])
            .answers_with(BYTES, "The snapshot, encrypted.")
            .refuses(409, NOT_LEAD)
            .refuses(500, "`snapshot_failed`: the machine failed, not the snapshot."),
        post("/api/snapshots/verify", "verifySnapshot", "Find out whether a snapshot could be restored")
            .about(
                "On the lead, for whoever manages backups without bounds. The body is the snapshot; with `name` there \
                is no body, and it is the one of the directory. It is restored beside the store, everything in it is \
                opened, and all of it is taken away again.",
            )
            .query::<VerifyQuery>()
            .reads(&["X-Aurora-Reason"])
            .takes_content(BYTES, false)
            .answers::<ProofView>("It is whole, and this is what is in it.")
            .refuses(400, "`unsound_snapshot`: it could not be restored; the message says what is wrong with it.")
            .refuses(404, "`not_found`: the directory has no snapshot of that name.")
            .refuses(409, "`no_place`: the lead has no directory. `not_lead`: the message names the lead.")
            .refuses(500, "`snapshot_failed`: the machine failed, not the snapshot.")
            .refuses(503, "`overloaded`: another one is being made or examined."),
    ]
}

fn of_unsealing() -> Vec<Operation> {
    vec![
        get("/api/unseal", "readSeal", "See whether the node is sealed")
            .about("For everybody. A sealed node tells what opens it and how far that is.")
            .answers::<UnsealView>("Whether it is sealed, and what it waits for."),
        post("/api/unseal", "unseal", "Bring what opens a sealed node")
            .about(
                "On the admin socket of a sealed node, for its owner. One thing at a time: a share, the passphrase, or \
                the wish that all shares be forgotten. With the last share, or the passphrase, it answers when the \
                node serves.",
            )
            .takes::<UnsealBody>()
            .answers::<UnsealView>("It was taken. `sealed` is false once the node serves.")
            .refuses(
                400,
                "`bad_share`: it is no share, or one of another set. `duplicate_share`: it was brought already. \
                `wrong_shares`: they open nothing, and all are forgotten. `wrong_passphrase`. `bad_value`: this node \
                is opened by something else.",
            )
            .refuses(409, "`not_sealed`: the node serves. What was brought was not looked at.")
            .refuses(503, "`sealed`: it has been unsealed and is starting."),
    ]
}

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word("RotateQuery.scope", "Whose key: everybody's if it is left out, one company's, or one node's.").one_of(SCOPES),
    word("RotateQuery.environment", "The environment; if it is left out that of the node, or with `all` every one.")
        .pattern(NAME),
    word("RotateQuery.all", "Every scope that has a key. No scope is named then.").flag(),
    word("TargetView.environment", "The environment whose values of this scope the key seals.").pattern(NAME),
    word("KeyView.environment", "The environment whose values of this scope the key seals.").pattern(NAME),
    word("generation", "The number of the newest key of the scope: they count from 1."),
    word("RootView.since", "Since when the root key is the root key.").time(),
    word("KeysView.keys", "The newest key of every scope that has one."),
    word("KeysView.root", "The root key, which wraps the others."),
    word("KeysView.rotation", "The rotation that is under way, or stands still; null if there is none."),
    word("KeyView.since", "When it was made; null where that is not known.").time(),
    word("KeyView.values", "How many current values it seals, those that a deletion keeps included."),
    word("unfinished", "Whether there is an older key of the scope still."),
    word("values_under_older", "How many current values older keys of the scope still seal."),
    word("RootKeyView.since", "Since when it is the root key.").time(),
    word("RootKeyView.unseal", "What opens it when the lead starts.").one_of(&[
        "file",
        "passphrase",
        "systemd-credential",
        "shamir",
    ]),
    word("ProgressView.scopes", "The scopes, and the generations that their values come under."),
    word("ProgressView.phase", "What is done now: current values, older ones, or the end of the old keys.").one_of(&[
        "current",
        "older",
        "finishing",
    ]),
    word("resealed", "How many values were sealed anew in this phase, since it began or the node started."),
    word("ProgressView.total", "How many there were to do; null where that is not known."),
    word("ProgressView.failure", "Why it stands still; it is tried again. Null if it goes on."),
    word("SavedView.name", "What it is called, in the directory if the lead has one.").pattern(SNAPSHOT),
    word("bytes", "How large it is, in bytes."),
    word("SavedView.valid", "Always true: what could not be restored is refused."),
    word("ProofView.valid", "Always true: what could not be restored is refused."),
    word("mesh", "The id of the mesh.").pattern(ID),
    word("SavedView.node", "The lead that it is of.").pattern(NODE),
    word("ProofView.node", "The lead that it is of.").pattern(NODE),
    word("SavedView.store", "Which life of the lead's store it is of.").pattern(ID),
    word("ProofView.store", "Which life of the lead's store it is of.").pattern(ID),
    word("SavedView.revision", "The last change in it."),
    word("ProofView.revision", "The last change in it."),
    word("taken_at", "When it was taken, by the clock of the lead.").time(),
    word("SavedView.schema", "The schema of the rows in it."),
    word("ProofView.schema", "The schema of the rows in it."),
    word("build", "The version of the program that wrote it."),
    word("SavedView.authority", "The hash of the key that signed it.").pattern(PIN),
    word("ProofView.authority", "The hash of the key that signed it.").pattern(PIN),
    word("rows", "How many rows are in it, by what they are about."),
    word("RowsView.secrets", "Current values of secrets, and what is known of secrets without one."),
    word("older_versions", "Older values of secrets."),
    word("RowsView.nodes", "Nodes of the roster."),
    word("articles", "Articles of the rulebook: grants, agents, their keys, and freezes."),
    word("RowsView.tokens", "Join tokens."),
    word("blobs", "What the lead keeps once, such as its own keys, wrapped."),
    word("log_entries", "Entries of the log of changes."),
    word("RowsView.all", "All rows, those of other kinds included."),
    word("verified_taken_at", "When the newest that is known to restore was taken.").time(),
    word("verified_epoch", "The reign that snapshot is of; null if there is none."),
    word("verified_revision", "The last change in that snapshot; null if there is none."),
    word("KeptView.name", "What it is called.").pattern(SNAPSHOT),
    word("KeptView.node", "The lead that it is of.").pattern(NODE),
    word("KeptView.revision", "The last change in it."),
    word("verified_at", "When it was last restored and found whole; null if it never was.").time(),
    word("share", "One share, as it was given out."),
    word("passphrase", "The passphrase."),
    word("reset", "True: forget the shares that were brought."),
    word("UnsealView.sealed", "Whether it has no key yet, and gives out nothing."),
    word("UnsealView.source", "What opens it.").one_of(&["shamir", "passphrase"]),
    word("UnsealView.shares", "How far its shares are, if shares open it."),
    word("UnsealView.message", "What it waits for, for people."),
    word("SharesView.provided", "How many were brought."),
    word("SharesView.threshold", "How many open it."),
    word("SharesView.set", "Which ones fit: a share says of which set it is.").pattern("^[0-9a-f]{16}$"),
];
