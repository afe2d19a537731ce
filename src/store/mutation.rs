//! The changes a transaction is made of.

use super::blob::BlobName;
use crate::model::article::{Article, ArticleId};
use crate::model::log::LogEntry;
use crate::model::name::NodeName;
use crate::model::number::{Generation, Position, Version};
use crate::model::record::{Contact, Record, SealedScopeKey};
use crate::model::roster::{JoinToken, RosterEntry, TokenHash};
use crate::model::secret::{KeyScope, ScopedSecret};

/// One change. A transaction is a list of them, applied in order, wholly or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutation {
    /// Stores a version and makes it current. The one it replaces is kept until it is trimmed; the same version again
    /// replaces its own row. A version below the high-water mark is refused.
    PutRecord(Record),
    /// Stores a version and makes it current, and drops every one before it.
    PutAlone(Record),
    /// Drops the oldest of the older versions, all but `keep`.
    TrimVersions {
        /// Of which secret, in which scope.
        at: ScopedSecret,
        /// How many stay beside the current one.
        keep: usize,
    },
    /// Takes the values out of these older versions, as far as they are kept; that there were such versions stays.
    DestroyVersions {
        /// Of which secret, in which scope.
        at: ScopedSecret,
        /// Which; the current one is not among the older versions.
        versions: Vec<Version>,
    },
    /// Replaces an older version by the same one, sealed anew. Does nothing if that version is not kept any more, or is
    /// not sealed by this generation: it was trimmed, destroyed or sealed anew since it was read.
    ReplaceVersion {
        /// The version as it shall be.
        record: Record,
        /// The generation that seals it now.
        expecting: Generation,
    },
    /// Drops all versions: the node is no longer entitled to it. The high-water mark stays.
    DropRecord(ScopedSecret),
    /// Stores one generation of a scope key.
    PutScopeKey(SealedScopeKey),
    /// Drops every generation of a scope key.
    DropScopeKey(KeyScope),
    /// Drops the generations of a scope key that come before this one.
    DropGenerations {
        /// What the key covers.
        at: KeyScope,
        /// The first generation that stays.
        before: Generation,
    },
    /// Stores a node of the mesh.
    PutNode(RosterEntry),
    /// Drops a node of the mesh.
    DropNode(NodeName),
    /// Stores a join token, or that it was consumed.
    PutToken(JoinToken),
    /// Drops a join token.
    DropToken(TokenHash),
    /// Stores an opaque value.
    PutBlob(BlobName, Vec<u8>),
    /// Removes an opaque value.
    DropBlob(BlobName),
    /// Continues the change log; refused unless it is the next revision.
    AppendLog(LogEntry),
    /// Shortens the change log from its old end.
    TrimLog {
        /// How many entries stay.
        keep: usize,
    },
    /// Stores an article of the rulebook.
    PutArticle(Article),
    /// Drops an article.
    DropArticle(ArticleId),
    /// Drops all articles, before others replace them.
    ForgetArticles,
    /// Remembers up to where a follower holds the rulebook. It may go back: a whole rulebook of another history replaces
    /// what was there.
    SetRulesPosition(Position),
    /// Moves the position; refused if it would go back.
    Advance(Position),
    /// Remembers the last proof that the cache was current.
    SetContact(Contact),
    /// Forgets it: nothing vouches for the cache any more.
    DropContact,
    /// Remembers the serial number of the next new (secret, scope).
    SetNextSecretId(u64),
    /// Drops all records and scope keys, before a snapshot replaces them. High-water marks, the
    /// rulebook and all else stay.
    Forget,
}
