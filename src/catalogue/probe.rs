//! How a credential is checked: one harmless call, and what its answers mean.

use std::fmt;
use std::time::Duration;

use crate::model::connectivity::Verdict;
use crate::model::name::KeyName;

/// How often a credential is checked unless its provider's file says otherwise.
pub const CHECK_EVERY: Duration = Duration::from_secs(15 * 60);

/// The words of a file for what an answer means.
pub(super) const MEANS: [(&str, Verdict); 6] = [
    ("valid", Verdict::Accepted),
    ("limited", Verdict::Limited),
    ("exhausted", Verdict::Exhausted),
    ("throttled", Verdict::Throttled),
    ("rejected", Verdict::Rejected),
    ("fault", Verdict::Fault),
];

/// A text with places for fields of the credential: `Bearer {api_key}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub Vec<Piece>);

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// The value of a field.
    Field(KeyName),
}

/// Where calls go: always HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The host, in lower case; also the name its certificate must have. An address of IPv6 stands in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What stands before the path of every call: empty, or `/base` without a slash at its end.
    pub prefix: String,
}

/// Which host a provider's calls go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The same for everybody.
    Fixed(Origin),
    /// A host of each customer, in a field of the credential: `https://LABEL` and the suffix, and nothing else of what the
    /// field says is used.
    OfField {
        /// Which field: `url`.
        field: KeyName,
        /// What must follow the one label: `.supabase.co`.
        suffix: String,
        /// The port; 443 but for a catalogue of one's own.
        port: u16,
    },
}

/// The method of a probe: none that could change anything, unless the provider has no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

impl Method {
    /// `GET` or `POST`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Where the credential goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authenticate {
    /// Into a header.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: Template,
    },
    /// Into a parameter of the query.
    Query {
        /// Its name.
        name: String,
        /// Its value.
        value: Template,
    },
    /// Into the path, whose template holds it.
    Path,
    /// `Authorization: Basic` (RFC 7617).
    Basic {
        /// The user.
        user: Template,
        /// The password.
        password: Template,
    },
    /// To the token endpoint, as a refresh token (RFC 6749, 6); the access token it gives goes into `Authorization: Bearer`.
    RefreshToken,
    /// To the token endpoint, as a signed assertion (RFC 7523); likewise.
    ServiceAccount,
}

impl Authenticate {
    /// The word of the file: `header`, `query`, `path`, `basic`, `refresh_token` or `service_account`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Header { .. } => "header",
            Self::Query { .. } => "query",
            Self::Path => "path",
            Self::Basic { .. } => "basic",
            Self::RefreshToken => "refresh_token",
            Self::ServiceAccount => "service_account",
        }
    }
}

/// The call itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where it goes, if not to the provider's own host.
    pub origin: Option<Origin>,
    /// The method.
    pub method: Method,
    /// The path, from its first slash; fields are percent-encoded.
    pub path: Template,
    /// Parameters of the query, which are percent-encoded.
    pub query: Vec<(String, Template)>,
    /// Headers besides the one that authenticates.
    pub headers: Vec<(String, String)>,
    /// A body in JSON, as it stands.
    pub json: Option<String>,
}

/// How one credential of a provider is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Which credential it checks: the others it needs are named by its templates.
    pub credential: KeyName,
    /// Where the credential goes.
    pub authenticate: Authenticate,
    /// What is asked; none if to be given an access token is answer enough.
    pub request: Option<Request>,
    /// What answers mean; the first rule that fits decides. What none fits is `throttled` for 429 and `fault` else.
    pub answers: Vec<AnswerRule>,
    /// Where an answer says when the credential expires.
    pub expires: Vec<ExpiryRule>,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRule {
    /// Codes it is about.
    pub status: Vec<Codes>,
    /// What must be true of the answer besides; all of it.
    pub conditions: Vec<Condition>,
    /// What it comes to: never `NoPath`, `NoCredential` or `Unsupported`.
    pub means: Verdict,
    /// For people, in a few words.
    pub note: Option<String>,
}

impl AnswerRule {
    /// The word of the file: `valid`, `limited`, `exhausted`, `throttled`, `rejected` or `fault`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        MEANS.into_iter().find(|(_, verdict)| *verdict == self.means).map_or("fault", |(word, _)| word)
    }
}

/// Codes of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codes {
    /// One.
    One(u16),
    /// All with this first digit: `5xx`.
    Family(u16),
}

impl Codes {
    /// Whether a code is one of these.
    #[must_use]
    pub fn has(self, code: u16) -> bool {
        match self {
            Self::One(one) => code == one,
            Self::Family(digit) => code / 100 == digit,
        }
    }
}

/// Something to be true of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The JSON body has this text, number or truth value at a pointer (RFC 6901), written as text.
    BodyIs {
        /// The pointer.
        at: String,
        /// One of these.
        any: Vec<String>,
    },
    /// The JSON body has a text at a pointer that holds this one, in whatever case.
    BodyHolds {
        /// The pointer.
        at: String,
        /// What it holds.
        text: String,
    },
    /// The JSON body has nothing at a pointer, or `null`.
    BodyLacks {
        /// The pointer.
        at: String,
    },
    /// A header has this value.
    HeaderIs {
        /// Its name, in lower case.
        name: String,
        /// The value.
        value: String,
    },
}

/// In words: `/error/code is invalid_api_key`.
impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyIs { at, any } => write!(formatter, "{at} is {}", any.join(" or ")),
            Self::BodyHolds { at, text } => write!(formatter, "{at} holds {text:?}"),
            Self::BodyLacks { at } => write!(formatter, "{at} is absent"),
            Self::HeaderIs { name, value } => write!(formatter, "{name}: {value}"),
        }
    }
}

/// Where an answer says when the credential expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpiryRule {
    /// A header with a time: RFC 3339, or GitHub's `2026-12-31 08:00:00 UTC`.
    Header(String),
    /// A number of seconds at a pointer of the body.
    SecondsAt(String),
    /// A time (RFC 3339) at a pointer of the body.
    TimeAt(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "https://{}{}{}", self.host, Port(self.port), self.prefix)
    }
}

/// The URL, with the field in the place of its label: `https://{url}.supabase.co`.
impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(origin) => origin.fmt(formatter),
            Self::OfField { field, suffix, port } => write!(formatter, "https://{{{field}}}{suffix}{}", Port(*port)),
        }
    }
}

/// A port as a URL writes it: nothing for that of HTTPS.
struct Port(u16);

impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 443 { Ok(()) } else { write!(formatter, ":{}", self.0) }
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(code) => write!(formatter, "{code}"),
            Self::Family(digit) => write!(formatter, "{digit}xx"),
        }
    }
}
