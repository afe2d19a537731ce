//! What two entries of a policy say differently, key by key, in the words of the file.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::model::actions::Capability;
use crate::model::agent::AgentState;
use crate::model::company::Companies;
use crate::model::grant::Expiry;
use crate::model::reach::{Environments, Reach, Scopes};

use super::file::{FileAgent, FileGrant};

/// One key that says something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// The key of the file.
    pub field: &'static str,
    /// What it said; none if it was not there.
    pub was: Option<String>,
    /// What it will say; none if it will not be there.
    pub will: Option<String>,
}

/// A grant, key by key.
pub(super) fn of_grant(before: Option<&FileGrant>, now: &FileGrant) -> Vec<Differs> {
    differing(before.map(grant_texts), grant_texts(now))
}

/// An agent, key by key.
pub(super) fn of_agent(before: Option<&FileAgent>, now: &FileAgent) -> Vec<Differs> {
    differing(before.map(agent_texts), agent_texts(now))
}

/// A grant that goes, key by key.
pub(super) fn said_by_grant(gone: &FileGrant) -> Vec<Differs> {
    going(grant_texts(gone))
}

/// An agent that goes, key by key.
pub(super) fn said_by_agent(gone: &FileAgent) -> Vec<Differs> {
    going(agent_texts(gone))
}

/// An agent that had left the file and is in it again.
pub(super) fn comes_back() -> Differs {
    let word = |state: AgentState| Some(state.as_str().to_owned());
    Differs { field: "state", was: word(AgentState::Archived), will: word(AgentState::Active) }
}

fn going(texts: Texts) -> Vec<Differs> {
    let said = texts.into_iter().map(|(field, was)| Differs { field, was, will: None });
    said.filter(|differs| differs.was.is_some()).collect()
}

type Texts = Vec<(&'static str, Option<String>)>;

fn differing(before: Option<Texts>, now: Texts) -> Vec<Differs> {
    let mut before = before.unwrap_or_default().into_iter();
    let each =
        now.into_iter().map(|(field, will)| Differs { field, was: before.next().and_then(|(_, was)| was), will });
    each.filter(|differs| differs.was != differs.will).collect()
}

fn grant_texts(grant: &FileGrant) -> Texts {
    let mut texts = vec![
        ("principal", Some(grant.principal.to_string())),
        ("capabilities", Some(capabilities(&grant.capabilities))),
    ];
    texts.extend(reach(&grant.reach));
    texts.push(("expires_at", Some(expiry(grant.expires_at))));
    texts.push(("effect", Some(grant.effect.as_str().to_owned())));
    texts.push(("reason", Some(grant.reason.clone())));
    texts
}

fn agent_texts(agent: &FileAgent) -> Texts {
    let mut texts = vec![
        ("title", agent.title.clone()),
        ("kind", Some(agent.kind.as_str().to_owned())),
        ("capabilities", Some(capabilities(&agent.capabilities))),
    ];
    texts.extend(reach(&agent.reach));
    texts.push(("limit_rpm", agent.limit_rpm.map(|limit| limit.to_string())));
    texts.push(("signs", Some(agent.signs.to_string())));
    texts.push(("note", agent.note.clone()));
    texts
}

fn capabilities(capabilities: &BTreeSet<Capability>) -> String {
    list(capabilities.iter().map(|capability| capability.as_str()))
}

fn reach(reach: &Reach) -> [(&'static str, Option<String>); 4] {
    let scopes = match &reach.scopes {
        Scopes::All => "*".to_owned(),
        Scopes::Only(kinds) => list(kinds.iter().map(|kind| kind.as_str())),
    };
    let companies = match &reach.companies {
        Companies::All => Some("*".to_owned()),
        Companies::Only(names) if names.is_empty() => None,
        Companies::Only(names) => Some(list(names)),
    };
    let environments = match &reach.environments {
        Environments::All => "*".to_owned(),
        Environments::Only(names) => list(names),
    };
    [
        ("secrets", Some(list(&reach.secrets))),
        ("scopes", Some(scopes)),
        ("companies", companies),
        ("environments", Some(environments)),
    ]
}

fn expiry(expiry: Expiry) -> String {
    match expiry {
        Expiry::Never => "never".to_owned(),
        Expiry::At(at) => at.to_string(),
    }
}

fn list<T: Display>(each: impl IntoIterator<Item = T>) -> String {
    each.into_iter().map(|each| each.to_string()).collect::<Vec<_>>().join(", ")
}
