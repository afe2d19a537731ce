//! The one codec of articles: the bytes that travel are the bytes that every store keeps.
//!
//! A format byte, a byte for the kind, then the body in bincode. An article is read wholly or not at all: a capability, a
//! level or a kind of scope that this build does not know is an error, because a rule without it would be another rule.

use crate::model::actions::Capability;
use crate::model::article::{Article, ArticleId};
use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
use crate::model::grant::{Effect, Expiry, Grant};
use crate::model::name::{AgentName, ApiKeyName, GrantName};
use crate::model::principal::Principal;
use crate::model::time::Timestamp;

use super::article_agent::{AgentFrame, ApiKeyFrame};
use super::error::{FieldRule, WireError};
use super::frame::{MEMORY_FACTOR, decode_payload, encode_payload};
use super::reach::{ReachFrame, distinct};

/// Longest article, in bytes: one chunk of many of them stays well under a frame.
pub const ARTICLE_BYTES_MAX: usize = 64 * 1024;

/// Longest text for people in an article, in bytes, like that of a secret's metadata.
pub const TEXT_BYTES_MAX: usize = 1024;

/// The codec may use this much memory for one article.
const MEMORY: usize = MEMORY_FACTOR * ARTICLE_BYTES_MAX;

/// The first byte. A changed body is a new format beside this one.
const FORMAT: u8 = 1;

/// The second byte: never changed, never reused.
const GRANT: u8 = 1;
const AGENT: u8 = 2;
const API_KEY: u8 = 3;
const FREEZE: u8 = 4;

codes! {
    /// Whether a grant opens or closes.
    pub enum EffectCode {
        /// Opens.
        Allow = 1,
        /// Closes.
        Deny = 2,
    }
}

codes! {
    /// How much is frozen.
    pub enum LevelCode {
        /// Values.
        Read = 1,
        /// Changes.
        Write = 2,
        /// Everything.
        All = 3,
    }
}

codes! {
    /// What kind of article an id is of.
    pub enum ArticleKind {
        /// A grant; its name.
        Grant = 1,
        /// An agent; its name.
        Agent = 2,
        /// An API key; the names of its agent and its own.
        ApiKey = 3,
        /// A freeze; its target.
        Freeze = 4,
    }
}

/// The plain form of [`ArticleId`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct ArticleIdFrame {
    /// Of what kind.
    pub kind: ArticleKind,
    /// Its name, that of its agent, or its target.
    pub name: String,
    /// The name of an API key; empty for everything else.
    pub key: String,
}

/// The plain form of [`Grant`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
struct GrantFrame {
    name: String,
    principal: String,
    capabilities: Vec<String>,
    reach: ReachFrame,
    expires_at_ms: Option<i64>,
    effect: EffectCode,
    granted_by: String,
    granted_at_ms: i64,
    reason: String,
}

/// The plain form of [`Freeze`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
struct FreezeFrame {
    target: String,
    level: LevelCode,
    reason: String,
    frozen_by: String,
    frozen_at_ms: i64,
}

/// The bytes of an article. What is written can be read again, by every node.
///
/// # Errors
/// [`WireError::Field`] when something in it is over its bounds.
pub fn encode(article: &Article) -> Result<Vec<u8>, WireError> {
    let kind = match article {
        Article::Grant(_) => GRANT,
        Article::Agent(_) => AGENT,
        Article::ApiKey(_) => API_KEY,
        Article::Freeze(_) => FREEZE,
    };
    let number = u16::from(kind);
    let body = match article {
        Article::Grant(grant) => encode_payload(number, &GrantFrame::from(grant)),
        Article::Agent(agent) => encode_payload(number, &AgentFrame::from(agent)),
        Article::ApiKey(key) => encode_payload(number, &ApiKeyFrame::from(key)),
        Article::Freeze(freeze) => encode_payload(number, &FreezeFrame::from(freeze)),
    };
    let bytes = [&[FORMAT, kind], body?.as_slice()].concat();
    decode(&bytes)?;
    Ok(bytes)
}

/// The article of these bytes: all of them and nothing else.
///
/// # Errors
/// [`WireError`] names the field that holds what it may not.
pub fn decode(bytes: &[u8]) -> Result<Article, WireError> {
    if bytes.len() > ARTICLE_BYTES_MAX {
        return Err(WireError::Field { field: "article", rule: FieldRule::TooMany(ARTICLE_BYTES_MAX) });
    }
    match bytes {
        [FORMAT, GRANT, body @ ..] => Grant::try_from(payload::<GrantFrame>(body)?).map(Article::Grant),
        [FORMAT, AGENT, body @ ..] => payload::<AgentFrame>(body)?.try_into().map(Article::Agent),
        [FORMAT, API_KEY, body @ ..] => payload::<ApiKeyFrame>(body)?.try_into().map(Article::ApiKey),
        [FORMAT, FREEZE, body @ ..] => Freeze::try_from(payload::<FreezeFrame>(body)?).map(Article::Freeze),
        [FORMAT, ..] => Err(WireError::Field { field: "article", rule: FieldRule::Unknown }),
        [] => Err(WireError::Field { field: "article", rule: FieldRule::Malformed }),
        [found, ..] => Err(WireError::UnknownFormat { found: *found }),
    }
}

fn payload<T: bincode::Decode<()>>(body: &[u8]) -> Result<T, WireError> {
    let malformed = |_| WireError::Field { field: "article", rule: FieldRule::Malformed };
    decode_payload::<T, MEMORY>(0, body).map_err(malformed)
}

/// A text for people, within its bounds.
pub(super) fn text(field: &'static str, text: String) -> Result<String, WireError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(WireError::Field { field, rule: FieldRule::TooMany(TEXT_BYTES_MAX) });
    }
    Ok(text)
}

/// A word of the table of capabilities.
pub(super) fn capability(word: &str) -> Result<Capability, WireError> {
    Capability::parse(word).ok_or(WireError::Field { field: "capabilities", rule: FieldRule::Unknown })
}

impl From<&Grant> for GrantFrame {
    fn from(grant: &Grant) -> Self {
        Self {
            name: grant.name.to_string(),
            principal: grant.principal.to_string(),
            capabilities: grant.capabilities.iter().map(|held| held.as_str().to_owned()).collect(),
            reach: ReachFrame::from(&grant.reach),
            expires_at_ms: match grant.expires_at {
                Expiry::Never => None,
                Expiry::At(end) => Some(end.0),
            },
            effect: match grant.effect {
                Effect::Allow => EffectCode::Allow,
                Effect::Deny => EffectCode::Deny,
            },
            granted_by: grant.granted_by.clone(),
            granted_at_ms: grant.granted_at.0,
            reason: grant.reason.clone(),
        }
    }
}

impl TryFrom<GrantFrame> for Grant {
    type Error = WireError;

    fn try_from(frame: GrantFrame) -> Result<Self, WireError> {
        Ok(Self {
            name: GrantName::parse(&frame.name)?,
            principal: Principal::parse(&frame.principal)?,
            capabilities: distinct("capabilities", &frame.capabilities, capability)?,
            reach: (&frame.reach).try_into()?,
            expires_at: frame.expires_at_ms.map_or(Expiry::Never, |end| Expiry::At(Timestamp(end))),
            effect: match frame.effect {
                EffectCode::Allow => Effect::Allow,
                EffectCode::Deny => Effect::Deny,
            },
            granted_by: text("granted_by", frame.granted_by)?,
            granted_at: Timestamp(frame.granted_at_ms),
            reason: text("reason", frame.reason)?,
        })
    }
}

impl From<&Freeze> for FreezeFrame {
    fn from(freeze: &Freeze) -> Self {
        Self {
            target: freeze.target.to_string(),
            level: match freeze.level {
                FreezeLevel::Read => LevelCode::Read,
                FreezeLevel::Write => LevelCode::Write,
                FreezeLevel::All => LevelCode::All,
            },
            reason: freeze.reason.clone(),
            frozen_by: freeze.frozen_by.clone(),
            frozen_at_ms: freeze.frozen_at.0,
        }
    }
}

impl TryFrom<FreezeFrame> for Freeze {
    type Error = WireError;

    fn try_from(frame: FreezeFrame) -> Result<Self, WireError> {
        Ok(Self {
            target: FreezeTarget::parse(&frame.target)?,
            level: match frame.level {
                LevelCode::Read => FreezeLevel::Read,
                LevelCode::Write => FreezeLevel::Write,
                LevelCode::All => FreezeLevel::All,
            },
            reason: text("reason", frame.reason)?,
            frozen_by: text("frozen_by", frame.frozen_by)?,
            frozen_at: Timestamp(frame.frozen_at_ms),
        })
    }
}

impl From<&ArticleId> for ArticleIdFrame {
    fn from(id: &ArticleId) -> Self {
        let (kind, name, key) = match id {
            ArticleId::Grant(name) => (ArticleKind::Grant, name.to_string(), String::new()),
            ArticleId::Agent(name) => (ArticleKind::Agent, name.to_string(), String::new()),
            ArticleId::ApiKey(agent, name) => (ArticleKind::ApiKey, agent.to_string(), name.to_string()),
            ArticleId::Freeze(target) => (ArticleKind::Freeze, target.to_string(), String::new()),
        };
        Self { kind, name, key }
    }
}

impl TryFrom<ArticleIdFrame> for ArticleId {
    type Error = WireError;

    fn try_from(frame: ArticleIdFrame) -> Result<Self, WireError> {
        if frame.kind != ArticleKind::ApiKey && !frame.key.is_empty() {
            return Err(WireError::Field { field: "key", rule: FieldRule::Contradiction });
        }
        Ok(match frame.kind {
            ArticleKind::Grant => Self::Grant(GrantName::parse(&frame.name)?),
            ArticleKind::Agent => Self::Agent(AgentName::parse(&frame.name)?),
            ArticleKind::ApiKey => Self::ApiKey(AgentName::parse(&frame.name)?, ApiKeyName::parse(&frame.key)?),
            ArticleKind::Freeze => Self::Freeze(FreezeTarget::parse(&frame.name)?),
        })
    }
}
