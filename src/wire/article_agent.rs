//! Agents and API keys as they are encoded.

use crate::model::actions::Capability;
use crate::model::agent::{Agent, AgentCapability, AgentKind, AgentOrigin, AgentState, LIMIT_MAX};
use crate::model::api_key::{ApiKey, ApiKeyHash, KeyText, PreviousText};
use crate::model::grant::Expiry;
use crate::model::name::{AgentName, ApiKeyName};
use crate::model::time::Timestamp;

use super::article::{capability, text};
use super::error::{FieldRule, WireError};
use super::reach::ReachFrame;

codes! {
    /// What kind of program.
    pub enum KindCode {
        /// It decides itself.
        Autonomous = 1,
        /// It does what it is told.
        Tool = 2,
    }
}

codes! {
    /// Whether an agent may act.
    pub enum StateCode {
        /// It may.
        Active = 1,
        /// Not for now.
        Suspended = 2,
        /// Not any more.
        Archived = 3,
    }
}

codes! {
    /// Where an agent comes from.
    pub enum OriginCode {
        /// The policy file.
        Policy = 1,
        /// A command.
        Command = 2,
    }
}

/// The plain form of [`Agent`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub(super) struct AgentFrame {
    name: String,
    title: Option<String>,
    kind: KindCode,
    state: StateCode,
    owner: String,
    created_at_ms: i64,
    origin: OriginCode,
    capabilities: Vec<CapabilityFrame>,
    reach: ReachFrame,
    limit_rpm: Option<u32>,
    signs: bool,
    note: Option<String>,
}

/// The plain form of [`AgentCapability`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
struct CapabilityFrame {
    capability: String,
    granted_by: String,
    granted_at_ms: i64,
    note: Option<String>,
}

/// The plain form of [`ApiKey`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub(super) struct ApiKeyFrame {
    agent: String,
    name: String,
    current: KeyTextFrame,
    /// And until when it works.
    previous: Option<(KeyTextFrame, i64)>,
    reach: ReachFrame,
    limit_rpm: Option<u32>,
    created_by: String,
    created_at_ms: i64,
    expires_at_ms: Option<i64>,
}

/// The plain form of [`KeyText`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
struct KeyTextFrame {
    sha256: [u8; 32],
    hint: String,
    made_at_ms: i64,
}

impl From<&Agent> for AgentFrame {
    fn from(agent: &Agent) -> Self {
        let held = |held: &AgentCapability| CapabilityFrame {
            capability: held.capability.as_str().to_owned(),
            granted_by: held.granted_by.clone(),
            granted_at_ms: held.granted_at.0,
            note: held.note.clone(),
        };
        Self {
            name: agent.name.to_string(),
            title: agent.title.clone(),
            kind: match agent.kind {
                AgentKind::Autonomous => KindCode::Autonomous,
                AgentKind::Tool => KindCode::Tool,
            },
            state: match agent.state {
                AgentState::Active => StateCode::Active,
                AgentState::Suspended => StateCode::Suspended,
                AgentState::Archived => StateCode::Archived,
            },
            owner: agent.owner.clone(),
            created_at_ms: agent.created_at.0,
            origin: match agent.origin {
                AgentOrigin::Policy => OriginCode::Policy,
                AgentOrigin::Command => OriginCode::Command,
            },
            capabilities: agent.capabilities.iter().map(held).collect(),
            reach: ReachFrame::from(&agent.reach),
            limit_rpm: agent.limit_rpm,
            signs: agent.signs,
            note: agent.note.clone(),
        }
    }
}

impl TryFrom<AgentFrame> for Agent {
    type Error = WireError;

    fn try_from(frame: AgentFrame) -> Result<Self, WireError> {
        Ok(Self {
            name: AgentName::parse(&frame.name)?,
            title: frame.title.map(|title| text("title", title)).transpose()?,
            kind: match frame.kind {
                KindCode::Autonomous => AgentKind::Autonomous,
                KindCode::Tool => AgentKind::Tool,
            },
            state: match frame.state {
                StateCode::Active => AgentState::Active,
                StateCode::Suspended => AgentState::Suspended,
                StateCode::Archived => AgentState::Archived,
            },
            owner: text("owner", frame.owner)?,
            created_at: Timestamp(frame.created_at_ms),
            origin: match frame.origin {
                OriginCode::Policy => AgentOrigin::Policy,
                OriginCode::Command => AgentOrigin::Command,
            },
            capabilities: capabilities(frame.capabilities)?,
            reach: (&frame.reach).try_into()?,
            limit_rpm: limit(frame.limit_rpm)?,
            signs: frame.signs,
            note: frame.note.map(|note| text("note", note)).transpose()?,
        })
    }
}

/// Each once, in the order of the table: there is one spelling of what an agent may.
fn capabilities(frames: Vec<CapabilityFrame>) -> Result<Vec<AgentCapability>, WireError> {
    let held = |frame: CapabilityFrame| {
        Ok(AgentCapability {
            capability: capability(&frame.capability)?,
            granted_by: text("granted_by", frame.granted_by)?,
            granted_at: Timestamp(frame.granted_at_ms),
            note: frame.note.map(|note| text("note", note)).transpose()?,
        })
    };
    if frames.len() > Capability::ALL.len() {
        return Err(WireError::Field { field: "capabilities", rule: FieldRule::Repeated });
    }
    let held = frames.into_iter().map(held).collect::<Result<Vec<AgentCapability>, WireError>>()?;
    if held.windows(2).all(|pair| matches!(pair, [one, next] if one.capability < next.capability)) {
        Ok(held)
    } else {
        Err(WireError::Field { field: "capabilities", rule: FieldRule::Repeated })
    }
}

fn limit(rpm: Option<u32>) -> Result<Option<u32>, WireError> {
    let max = usize::try_from(LIMIT_MAX).unwrap_or(usize::MAX);
    if rpm.is_some_and(|rpm| rpm > LIMIT_MAX) {
        return Err(WireError::Field { field: "limit_rpm", rule: FieldRule::TooMany(max) });
    }
    Ok(rpm)
}

impl From<&ApiKey> for ApiKeyFrame {
    fn from(key: &ApiKey) -> Self {
        let previous = key.previous.as_ref();
        Self {
            agent: key.agent.to_string(),
            name: key.name.to_string(),
            current: KeyTextFrame::from(&key.current),
            previous: previous.map(|previous| (KeyTextFrame::from(&previous.text), previous.until.0)),
            reach: ReachFrame::from(&key.reach),
            limit_rpm: key.limit_rpm,
            created_by: key.created_by.clone(),
            created_at_ms: key.created_at.0,
            expires_at_ms: match key.expires_at {
                Expiry::Never => None,
                Expiry::At(end) => Some(end.0),
            },
        }
    }
}

impl TryFrom<ApiKeyFrame> for ApiKey {
    type Error = WireError;

    fn try_from(frame: ApiKeyFrame) -> Result<Self, WireError> {
        let previous = frame
            .previous
            .map(|(text, until)| Ok::<_, WireError>(PreviousText { text: text.try_into()?, until: Timestamp(until) }));
        Ok(Self {
            agent: AgentName::parse(&frame.agent)?,
            name: ApiKeyName::parse(&frame.name)?,
            current: frame.current.try_into()?,
            previous: previous.transpose()?,
            reach: (&frame.reach).try_into()?,
            limit_rpm: limit(frame.limit_rpm)?,
            created_by: text("created_by", frame.created_by)?,
            created_at: Timestamp(frame.created_at_ms),
            expires_at: frame.expires_at_ms.map_or(Expiry::Never, |end| Expiry::At(Timestamp(end))),
        })
    }
}

impl From<&KeyText> for KeyTextFrame {
    fn from(key: &KeyText) -> Self {
        Self { sha256: key.hash.0, hint: key.hint.clone(), made_at_ms: key.made_at.0 }
    }
}

impl TryFrom<KeyTextFrame> for KeyText {
    type Error = WireError;

    fn try_from(frame: KeyTextFrame) -> Result<Self, WireError> {
        let hint = text("hint", frame.hint)?;
        Ok(Self { hash: ApiKeyHash(frame.sha256), hint, made_at: Timestamp(frame.made_at_ms) })
    }
}
