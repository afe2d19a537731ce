//! How agents change: pure, from the articles there are to the article there will be.

use std::collections::BTreeSet;

use crate::model::actions::Capability;
use crate::model::agent::{Agent, AgentCapability, AgentOrigin, AgentState, LIMIT_MAX};
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::name::AgentName;
use crate::model::time::Timestamp;
use crate::replication::articles::Articles;

use super::agent_error::AgentError;
use super::agent_request::{AgentDeed, AgentPatch, NewAgent};

/// Most agents of a mesh, archived ones included: a quarter of the articles a rulebook may have.
pub(super) const AGENTS_MAX: usize = 5_000;

/// Longest title: it stands in a table.
const TITLE_BYTES_MAX: usize = 100;

/// Longest note: a sentence or two, because every node keeps it.
const NOTE_BYTES_MAX: usize = 512;

/// What a change of an agent comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    /// The agent as it will be.
    pub(super) agent: Agent,
    /// Whether it may do more than before, or do it more freely: then whoever asks must have it to give.
    pub(super) gives: bool,
}

/// Whose word a change is, and when it is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'ask> {
    pub(super) author: &'ask str,
    pub(super) now: Timestamp,
}

/// The agent of that name, archived or not.
pub(super) fn agent<'all>(articles: &'all Articles, name: &AgentName) -> Result<&'all Agent, AgentError> {
    match articles.get(&ArticleId::Agent(name.clone())).map(|article| &**article) {
        Some(Article::Agent(agent)) => Ok(agent),
        Some(Article::Grant(_) | Article::ApiKey(_) | Article::Freeze(_)) | None => {
            Err(AgentError::NoSuch(name.clone()))
        }
    }
}

/// The same, unless it was archived.
pub(super) fn living<'all>(articles: &'all Articles, name: &AgentName) -> Result<&'all Agent, AgentError> {
    let agent = agent(articles, name)?;
    match agent.state {
        AgentState::Active | AgentState::Suspended => Ok(agent),
        AgentState::Archived => Err(AgentError::Archived(name.clone())),
    }
}

/// A new agent, active from the start. It can do nothing before it has a key.
pub(super) fn create(articles: &Articles, new: NewAgent, word: Word<'_>) -> Result<Planned, AgentError> {
    if agent(articles, &new.name).is_ok() {
        return Err(AgentError::Exists(new.name));
    }
    let agents = articles.iter().filter(|article| matches!(&***article, Article::Agent(_))).count();
    if agents >= AGENTS_MAX {
        return Err(AgentError::TooMany { what: "agents", max: AGENTS_MAX });
    }
    let agent = Agent {
        name: new.name,
        title: text("title", new.title, TITLE_BYTES_MAX)?,
        kind: new.kind,
        state: AgentState::Active,
        owner: word.author.to_owned(),
        created_at: word.now,
        origin: AgentOrigin::Command,
        capabilities: granted(&new.capabilities, new.capability_note, word)?,
        reach: new.reach,
        limit_rpm: limit(new.limit_rpm)?,
        signs: new.signs,
        note: text("note", new.note, NOTE_BYTES_MAX)?,
    };
    Ok(Planned { agent, gives: true })
}

/// What an agent is after a patch.
pub(super) fn update(
    articles: &Articles,
    name: &AgentName,
    patch: AgentPatch,
    word: Word<'_>,
) -> Result<Planned, AgentError> {
    let before = living(articles, name)?;
    if before.origin == AgentOrigin::Policy {
        return Err(AgentError::OfPolicy(name.clone()));
    }
    if let Some(both) = patch.add.intersection(&patch.remove).next() {
        return Err(AgentError::Both(*both));
    }
    let mut agent = before.clone();
    agent.capabilities.retain(|held| {
        let capability = held.capability;
        !patch.remove.contains(&capability) && !patch.add.contains(&capability)
    });
    agent.capabilities.extend(granted(&patch.add, patch.capability_note, word)?);
    agent.capabilities.sort_by_key(|held| held.capability);
    let reach = &mut agent.reach;
    replace(&mut reach.secrets, patch.secrets);
    replace(&mut reach.scopes, patch.scopes);
    replace(&mut reach.companies, patch.companies);
    replace(&mut reach.environments, patch.environments);
    if let Some(title) = patch.title {
        agent.title = text("title", title, TITLE_BYTES_MAX)?;
    }
    if let Some(note) = patch.note {
        agent.note = text("note", note, NOTE_BYTES_MAX)?;
    }
    if let Some(wished) = patch.limit_rpm {
        agent.limit_rpm = limit(wished)?;
    }
    replace(&mut agent.signs, patch.signs);
    let more_freely =
        agent.reach != before.reach || agent.limit_rpm != before.limit_rpm || (before.signs && !agent.signs);
    Ok(Planned { gives: !patch.add.is_empty() || more_freely, agent })
}

/// What an agent is after a deed, and the edits that make it so: none if it is so already.
pub(super) fn deed(articles: &Articles, name: &AgentName, deed: AgentDeed) -> Result<(Planned, Vec<Edit>), AgentError> {
    let before = living(articles, name)?;
    let state = match deed {
        AgentDeed::Activate => AgentState::Active,
        AgentDeed::Suspend => AgentState::Suspended,
        AgentDeed::Archive if before.origin == AgentOrigin::Policy => {
            return Err(AgentError::OfPolicy(name.clone()));
        }
        AgentDeed::Archive => AgentState::Archived,
    };
    let agent = Agent { state, ..before.clone() };
    if agent == *before {
        return Ok((Planned { agent, gives: false }, Vec::new()));
    }
    let mut edits = vec![Edit::Put(Article::Agent(agent.clone()))];
    if deed == AgentDeed::Archive {
        let keys = articles.iter().map(|article| article.id());
        edits.extend(keys.filter(|id| matches!(id, ArticleId::ApiKey(agent, _) if agent == name)).map(Edit::Drop));
    }
    Ok((Planned { agent, gives: deed == AgentDeed::Activate }, edits))
}

/// Requests per minute, within what makes sense.
pub(super) fn limit(wished: Option<u32>) -> Result<Option<u32>, AgentError> {
    match wished {
        Some(limit) if limit == 0 || limit > LIMIT_MAX => Err(AgentError::Limit),
        Some(_) | None => Ok(wished),
    }
}

fn replace<T>(place: &mut T, wished: Option<T>) {
    if let Some(wished) = wished {
        *place = wished;
    }
}

/// A text for people; an empty one is none.
fn text(field: &'static str, text: Option<String>, bytes_max: usize) -> Result<Option<String>, AgentError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.len() > bytes_max || text.chars().any(char::is_control) {
        return Err(AgentError::Text { field, bytes_max });
    }
    Ok(Some(text))
}

fn granted(
    capabilities: &BTreeSet<Capability>,
    note: Option<String>,
    word: Word<'_>,
) -> Result<Vec<AgentCapability>, AgentError> {
    let note = text("capability_note", note, NOTE_BYTES_MAX)?;
    let granted = |&capability: &Capability| AgentCapability {
        capability,
        granted_by: word.author.to_owned(),
        granted_at: word.now,
        note: note.clone(),
    };
    Ok(capabilities.iter().map(granted).collect())
}
