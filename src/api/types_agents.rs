//! Agents: what is asked about them, and how they are shown.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::query::{self, given as not_empty};
use super::types_patch::given;
use super::types_reach::{self, ReachView};
use crate::model::actions::Capability;
use crate::model::agent::{Agent, AgentCapability, AgentKind, AgentOrigin};
use crate::model::company::Companies;
use crate::model::name::AgentName;
use crate::model::reach::{Reach, Scopes};
use crate::vault::agent_request::{AgentLine, AgentPatch, NewAgent, PageRequest};
use crate::vault::error::VaultError;

/// Most lines on one page, as the vault bounds it.
const PAGE_LINES_MAX: usize = 1000;

/// `POST /api/agents`. What it reaches must be said: secrets and environments; every kind of scope and no company unless
/// they are named.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct NewAgentBody {
    name: String,
    title: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    capabilities: Vec<String>,
    capability_note: Option<String>,
    secrets: Vec<String>,
    scopes: Option<Vec<String>>,
    companies: Option<Vec<String>>,
    environments: Vec<String>,
    limit_rpm: Option<u32>,
    #[serde(default)]
    signs: bool,
    note: Option<String>,
}

impl NewAgentBody {
    /// The agent it stands for; a tool unless it is said to be autonomous.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_request(self) -> Result<NewAgent, ApiError> {
        let kind = self.kind.as_deref().map_or(Some(AgentKind::Tool), AgentKind::parse);
        Ok(NewAgent {
            name: AgentName::parse(&self.name)?,
            title: self.title,
            kind: kind.ok_or(ApiError::BadValue { field: "kind", wanted: "autonomous or tool" })?,
            capabilities: capabilities("capabilities", &self.capabilities)?,
            capability_note: self.capability_note,
            reach: Reach {
                secrets: types_reach::secrets(&self.secrets)?,
                scopes: self.scopes.as_deref().map_or(Ok(Scopes::All), types_reach::scopes)?,
                companies: self.companies.as_deref().map_or(Ok(Companies::default()), types_reach::companies)?,
                environments: types_reach::environments(&self.environments)?,
            },
            limit_rpm: self.limit_rpm,
            signs: self.signs,
            note: self.note,
        })
    }
}

/// `PATCH /api/agents/{name}`. A field that is left out stays as it is; `null` clears a limit, a title or a note.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct AgentPatchBody {
    add_capabilities: Vec<String>,
    remove_capabilities: Vec<String>,
    capability_note: Option<String>,
    secrets: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    companies: Option<Vec<String>>,
    environments: Option<Vec<String>>,
    #[serde(deserialize_with = "given")]
    limit_rpm: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    title: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    note: Option<Option<String>>,
    signs: Option<bool>,
}

impl AgentPatchBody {
    /// The patch it stands for.
    ///
    /// # Errors
    /// [`ApiError`] names the field; a patch that says nothing is refused, because it was meant to say something.
    pub(super) fn into_patch(self) -> Result<AgentPatch, ApiError> {
        let patch = AgentPatch {
            add: capabilities("add_capabilities", &self.add_capabilities)?,
            remove: capabilities("remove_capabilities", &self.remove_capabilities)?,
            capability_note: self.capability_note,
            secrets: self.secrets.as_deref().map(types_reach::secrets).transpose()?,
            scopes: self.scopes.as_deref().map(types_reach::scopes).transpose()?,
            companies: self.companies.as_deref().map(types_reach::companies).transpose()?,
            environments: self.environments.as_deref().map(types_reach::environments).transpose()?,
            limit_rpm: self.limit_rpm,
            title: self.title,
            note: self.note,
            signs: self.signs,
        };
        let says_nothing = AgentPatch { capability_note: patch.capability_note.clone(), ..AgentPatch::default() };
        if patch == says_nothing {
            return Err(ApiError::BadValue {
                field: "the body",
                wanted: "an object that says what is to be different",
            });
        }
        Ok(patch)
    }
}

fn capabilities(field: &'static str, texts: &[String]) -> Result<BTreeSet<Capability>, ApiError> {
    let known: Option<BTreeSet<Capability>> = texts.iter().map(|text| Capability::parse(text)).collect();
    known.ok_or(ApiError::BadValue { field, wanted: "a list of capabilities, such as data_read (there are 14)" })
}

/// `GET /api/agents?limit=&cursor=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct AgentsQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

impl AgentsQuery {
    /// The page it stands for.
    ///
    /// # Errors
    /// [`ApiError`] names the parameter.
    pub(super) fn into_request(self) -> Result<PageRequest<AgentName>, ApiError> {
        let after = not_empty(self.cursor).as_deref().map(AgentName::parse).transpose();
        Ok(PageRequest { limit: page_limit(self.limit)?, after: after.map_err(|_| VaultError::BadCursor)? })
    }
}

/// How many lines a page shall have.
///
/// # Errors
/// [`ApiError::BadValue`].
pub(super) fn page_limit(text: Option<String>) -> Result<Option<usize>, ApiError> {
    query::limit(text, PAGE_LINES_MAX, "a whole number from 1 to 1000")
}

/// An agent.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AgentView<'a> {
    name: &'a str,
    title: Option<&'a str>,
    kind: &'static str,
    state: &'static str,
    origin: &'static str,
    owner: &'a str,
    created_at: String,
    capabilities: Vec<CapabilityView<'a>>,
    #[serde(flatten)]
    reach: ReachView<'a>,
    limit_rpm: Option<u32>,
    signs: bool,
    note: Option<&'a str>,
}

/// One capability of an agent, and whose word that is.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct CapabilityView<'a> {
    capability: &'static str,
    granted_by: &'a str,
    granted_at: String,
    note: Option<&'a str>,
}

impl<'a> From<&'a AgentCapability> for CapabilityView<'a> {
    fn from(held: &'a AgentCapability) -> Self {
        Self {
            capability: held.capability.as_str(),
            granted_by: &held.granted_by,
            granted_at: held.granted_at.to_string(),
            note: held.note.as_deref(),
        }
    }
}

impl<'a> From<&'a Agent> for AgentView<'a> {
    fn from(agent: &'a Agent) -> Self {
        Self {
            name: agent.name.as_str(),
            title: agent.title.as_deref(),
            kind: agent.kind.as_str(),
            state: agent.state.as_str(),
            origin: match agent.origin {
                AgentOrigin::Policy => "policy",
                AgentOrigin::Command => "command",
            },
            owner: &agent.owner,
            created_at: agent.created_at.to_string(),
            capabilities: agent.capabilities.iter().map(CapabilityView::from).collect(),
            reach: ReachView::from(&agent.reach),
            limit_rpm: agent.limit_rpm,
            signs: agent.signs,
            note: agent.note.as_deref(),
        }
    }
}

/// An agent, with how many API keys it has.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AgentLineView<'a> {
    #[serde(flatten)]
    agent: AgentView<'a>,
    keys: usize,
}

impl<'a> From<&'a AgentLine> for AgentLineView<'a> {
    fn from(line: &'a AgentLine) -> Self {
        Self { agent: AgentView::from(&line.agent), keys: line.keys }
    }
}

/// `GET /api/agents`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AgentsView<'a> {
    /// By name.
    pub(super) agents: Vec<AgentLineView<'a>>,
    /// To ask for the next page with.
    pub(super) next_cursor: Option<&'a str>,
    /// Now, on the node's clock.
    pub(super) timestamp: String,
}

/// An agent after a change.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AgentChangedView<'a> {
    /// Always true: a failure has the shape of an error.
    pub(super) success: bool,
    /// For people.
    pub(super) message: &'static str,
    /// As it is now.
    pub(super) agent: AgentView<'a>,
    /// The change.
    pub(super) revision: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reach::Environments;

    fn new(text: &str) -> Result<NewAgent, ApiError> {
        serde_json::from_str::<NewAgentBody>(text).expect("json").into_request()
    }

    #[test]
    fn an_agent_reaches_no_company_unless_one_is_named_and_nothing_unless_it_is_said() {
        let agent = new(r#"{"name":"robot","secrets":["openai/*"],"environments":["prod"]}"#).expect("good");
        assert_eq!((agent.kind, agent.reach.companies), (AgentKind::Tool, Companies::default()));
        assert!(
            agent.capabilities.is_empty()
                && agent.reach.scopes == Scopes::All
                && agent.reach.environments != Environments::All
        );
        for lacking in [r#"{"name":"robot"}"#, r#"{"name":"robot","secrets":["*"]}"#] {
            assert!(serde_json::from_str::<NewAgentBody>(lacking).is_err(), "{lacking}");
        }
        let refused = [
            r#"{"name":"Robot","secrets":["*"],"environments":["*"]}"#,
            r#"{"name":"robot","secrets":[],"environments":["*"]}"#,
            r#"{"name":"robot","secrets":["*"],"environments":["*"],"kind":"human"}"#,
            r#"{"name":"robot","secrets":["*"],"environments":["*"],"capabilities":["data_*"]}"#,
        ];
        for text in refused {
            assert!(new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_patch_says_what_is_different_and_null_clears() {
        let patch = |text: &str| serde_json::from_str::<AgentPatchBody>(text).expect("json").into_patch();
        let wished = patch(r#"{"limit_rpm":null,"title":"T","add_capabilities":["data_read"]}"#).expect("good");
        assert_eq!((wished.limit_rpm, wished.title), (Some(None), Some(Some("T".to_owned()))));
        assert_eq!((wished.add, wished.note, wished.signs), ([Capability::DataRead].into(), None, None));
        for nothing in ["{}", r#"{"capability_note":"why"}"#] {
            assert!(matches!(patch(nothing), Err(ApiError::BadValue { .. })), "{nothing}");
        }
        assert!(serde_json::from_str::<AgentPatchBody>(r#"{"state":"active"}"#).is_err());
    }
}
