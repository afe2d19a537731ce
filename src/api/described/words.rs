//! What a name means wherever it stands: in a query, a path, a body or an answer. A field that says itself what it is, in its
//! own documentation, is left at that; its form is told here all the same.

/// What form a value has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// Whatever its type says.
    Plain,
    /// A time in RFC 3339.
    Time,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// One of those that the code knows.
    Known(fn() -> Vec<&'static str>),
    /// What this regular expression matches.
    Pattern(&'static str),
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the last.
    Number(u64, u64),
    /// A parameter that may be there several times.
    Several,
}

/// A name, with what it means. `Type.name` is about the field of one type, by its Rust name or the one it is given in the
/// document; `segment/{name}` is about the part of a path behind that segment; a bare name is about all others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// The name.
    pub(super) name: &'static str,
    /// What it means.
    pub(super) says: &'static str,
    /// What form it has.
    pub(super) form: Form,
}

/// A name that means this.
pub(super) const fn word(name: &'static str, says: &'static str) -> Word {
    Word { name, says, form: Form::Plain }
}

impl Word {
    /// Its value is a time.
    pub(super) const fn time(self) -> Self {
        Self { form: Form::Time, ..self }
    }

    /// Its value is one of these.
    pub(super) const fn one_of(self, words: &'static [&'static str]) -> Self {
        Self { form: Form::OneOf(words), ..self }
    }

    /// Its value is one of those that the code knows.
    pub(super) const fn known(self, words: fn() -> Vec<&'static str>) -> Self {
        Self { form: Form::Known(words), ..self }
    }

    /// Its value is what this matches.
    pub(super) const fn pattern(self, pattern: &'static str) -> Self {
        Self { form: Form::Pattern(pattern), ..self }
    }

    /// As a parameter it is true or false.
    pub(super) const fn flag(self) -> Self {
        Self { form: Form::Flag, ..self }
    }

    /// As a parameter it is a whole number between these.
    pub(super) const fn number(self, least: u64, most: u64) -> Self {
        Self { form: Form::Number(least, most), ..self }
    }

    /// It is a parameter that may be there several times.
    pub(super) const fn several(self) -> Self {
        Self { form: Form::Several, ..self }
    }
}

/// The form of most names, as `model::name` takes them.
pub(super) const NAME: &str = r"^(?!.*\.\.)[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9_-])?$";

/// The form of the name of a node.
pub(super) const NODE: &str = "^[a-z0-9][a-z0-9-]{0,62}$";

/// Kinds of scopes.
pub(super) const SCOPES: &[&str] = &["global", "company", "node"];

/// Headers of a request.
pub(super) const ASKED: &[Word] = &[
    word("X-Company-Id", "The company on whose behalf it is asked.").pattern(NAME),
    word("X-Node-Name", "The node that the caller believes to ask; another one refuses with `node_mismatch`.")
        .pattern(NODE),
    word("X-Aurora-Reason", "Why, in at most 256 bytes; kept in the audit journal."),
    word("If-None-Match", "The `ETag` of the answer the caller has: it is not sent again."),
    word("Last-Event-ID", "The id of the last event the caller saw: what came after it follows."),
    word("Idempotency-Key", "By which a second try of the same request is known."),
    word("X-Vault-Namespace", "What Vault's clients call a namespace: here the company on whose behalf it is asked.")
        .pattern(NAME),
];

/// Headers of an answer.
pub(super) const TOLD: &[Word] = &[
    word("X-Request-Id", "Ties the answer to the log and to the audit journal."),
    word("X-Cache", "Whether the lead answered, or a copy that is fresh or stale.").one_of(&["LEAD", "HIT", "STALE"]),
    word("Age", "For how many seconds this node has not confirmed it with its lead.").number(0, u64::MAX),
    word("X-Secret-Version", "The version of the value.").number(1, u64::MAX),
    word("X-Fresh-Until", "Until when the copy counts as fresh.").time(),
    word("ETag", "What to send as `If-None-Match`."),
    word("Retry-After", "After how many seconds to try again.").number(0, u64::MAX),
    word("X-RateLimit-Limit", "Requests that a caller may make in a minute.").number(0, u64::MAX),
    word("X-RateLimit-Remaining", "How many of them are left.").number(0, u64::MAX),
    word("X-RateLimit-Scope", "Whose limit it is."),
];

/// Names that mean the same in every family.
pub(super) const WORDS: &[Word] = &[
    word("service", "The provider or application.").pattern(NAME),
    word("key_name", "The credential within the service.").pattern(NAME),
    word("{service}", "The provider or application.").pattern(NAME),
    word("{key}", "The credential within the service.").pattern(NAME),
    word("scope", "Who it is for: everybody, one company, or one node.").one_of(SCOPES),
    word("scope_id", "The company or the node of the scope; nothing for global."),
    word("environment", "Where it lives, such as `prod`; that of the node if it is left out.").pattern(NAME),
    word("company", "The company on whose behalf it is asked."),
    word("secret_id", "The serial number of the secret in its scope: it tells two of one name apart."),
    word("version", "Which value it is: versions count from 1 in each scope."),
    word("revision", "The number of the change in the history of the mesh."),
    word("epoch", "The number of the reign of the lead."),
    word("node", "The name of a node."),
    word("success", "Always true: a failure has the shape of an error."),
    word("message", "What was done, for people."),
    word("reason", "Why."),
    word("timestamp", "Now, by the clock of the node.").time(),
    word("created_at", "When it was made.").time(),
    word("updated_at", "When it was last changed.").time(),
    word("expires_at", "When it ends; nothing if it does not.").time(),
    word("cursor", "`next_cursor` of the page before."),
    word("next_cursor", "Where the next page begins; nothing on the last."),
    word("dry_run", "Tell what it would come to, and change nothing.").flag(),
    word("ErrorText.code", "The stable word that programs branch on."),
];
