//! Agents, as they are asked for and shown.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, pairs, rows};
use crate::model::actions::Capability;

/// How far something reaches; what is `None` is not said.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ReachBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secrets: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) companies: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environments: Option<Vec<String>>,
}

/// The body of `POST /api/agents` and of `PATCH /api/agents/{name}`; what is not said is left out.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct AgentBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) capabilities: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) add_capabilities: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) remove_capabilities: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capability_note: Option<String>,
    #[serde(flatten)]
    pub(super) reach: ReachBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit_rpm: Option<Option<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<Option<String>>,
}

/// An agent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AgentView {
    name: String,
    title: Option<String>,
    kind: String,
    state: String,
    origin: String,
    owner: String,
    created_at: String,
    capabilities: Vec<CapabilityView>,
    secrets: Vec<String>,
    scopes: Vec<String>,
    companies: Vec<String>,
    environments: Vec<String>,
    limit_rpm: Option<u32>,
    signs: bool,
    note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CapabilityView {
    capability: String,
    granted_by: String,
    granted_at: String,
    note: Option<String>,
}

/// An agent, with how many API keys it has.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AgentLine {
    #[serde(flatten)]
    agent: AgentView,
    keys: u64,
}

impl AgentView {
    /// The capabilities in the width of a column; `aurora agent show` has them all.
    fn may(&self) -> String {
        let held: Vec<String> = self.capabilities.iter().map(|held| held.capability.clone()).collect();
        match held.as_slice() {
            all if all.len() == Capability::ALL.len() => "all".to_owned(),
            [first, second, rest @ ..] if rest.len() > 1 => format!("{first}, {second} and {} more", rest.len()),
            few => list(few),
        }
    }

    fn limit(&self) -> String {
        self.limit_rpm.map_or_else(|| "-".to_owned(), |limit| format!("{limit}/min"))
    }
}

/// Words beside each other; a hyphen for none, `all` for the star.
pub(super) fn list(words: &[String]) -> String {
    match words {
        [] => "-".to_owned(),
        [only] if only == "*" => "all".to_owned(),
        words => words.join(", "),
    }
}

/// The answer of `GET /api/agents`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AgentsView {
    agents: Vec<AgentLine>,
    /// To ask for the next page with.
    #[serde(skip_serializing)]
    pub(super) next_cursor: Option<String>,
    timestamp: String,
}

impl AgentsView {
    /// Adds the next page.
    pub(super) fn append(&mut self, page: Self) {
        self.agents.extend(page.agents);
        self.next_cursor = page.next_cursor;
    }
}

impl Shown for AgentsView {
    fn table(&self, style: Style) -> String {
        let header = ["NAME", "STATE", "KIND", "MAY", "ON", "COMPANIES", "ENVIRONMENTS", "LIMIT", "KEYS"];
        let line = |AgentLine { agent, keys }: &AgentLine| {
            vec![
                agent.name.clone(),
                agent.state.clone(),
                agent.kind.clone(),
                agent.may(),
                list(&agent.secrets),
                list(&agent.companies),
                list(&agent.environments),
                agent.limit(),
                keys.to_string(),
            ]
        };
        rows(style, &header, self.agents.iter().map(line))
    }
}

impl Shown for AgentLine {
    fn table(&self, style: Style) -> String {
        let agent = &self.agent;
        let facts = [
            ("agent", Some(agent.name.clone())),
            ("title", agent.title.clone()),
            ("kind", Some(agent.kind.clone())),
            ("state", Some(agent.state.clone())),
            ("made by", Some(format!("{}, {}", agent.owner, agent.created_at))),
            ("from", Some(agent.origin.clone())),
            ("secrets", Some(list(&agent.secrets))),
            ("scopes", Some(list(&agent.scopes))),
            ("companies", Some(list(&agent.companies))),
            ("environments", Some(list(&agent.environments))),
            ("limit", Some(agent.limit())),
            ("signs", agent.signs.then(|| "its commands must be signed".to_owned())),
            ("keys", Some(self.keys.to_string())),
            ("note", agent.note.clone()),
        ];
        let header = ["MAY", "SAYS", "SINCE", "WHY"];
        let held = agent.capabilities.iter().map(|held| {
            let why = held.note.clone().unwrap_or_else(|| "-".to_owned());
            vec![held.capability.clone(), held.granted_by.clone(), held.granted_at.clone(), why]
        });
        format!("{}\n{}", pairs(style, facts), rows(style, &header, held))
    }
}

/// An agent after a change.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AgentChangedView {
    success: bool,
    message: String,
    agent: AgentView,
    revision: u64,
}

impl Shown for AgentChangedView {
    fn table(&self, _style: Style) -> String {
        format!("{}: {} (revision {})\n", self.agent.name, self.message, self.revision)
    }
}

/// When something was or will be, if it was or will.
pub(super) fn when(now: &str, time: Option<&String>, otherwise: &str) -> String {
    time.map_or_else(|| otherwise.to_owned(), |time| seen_from(now, time))
}
