//! How API keys change: pure, from the articles there are to the key there will be.

use std::time::Duration;

use crate::model::api_key::{ApiKey, KeyText, PreviousText};
use crate::model::article::{Article, ArticleId};
use crate::model::grant::Expiry;
use crate::model::name::{AgentName, ApiKeyName};
use crate::model::time::Timestamp;
use crate::replication::articles::Articles;

use super::agent_error::AgentError;
use super::agent_plan::{Word, limit, living};
use super::agent_request::{KeyLife, NewApiKey};

/// Most keys of one agent: one for each place it runs in, and some more.
pub(super) const AGENT_KEYS_MAX: usize = 100;

/// Most keys of a mesh: half of the articles a rulebook may have, so that keys never leave no room for a freeze.
pub(super) const KEYS_MAX: usize = 10_000;

/// A key that nobody said more about: a quarter of a year.
pub(super) const LIFE: Duration = Duration::from_secs(90 * DAY);

/// A year, leap years included. What shall work for longer must be said to be endless.
const LIFE_MAX: Duration = Duration::from_secs(366 * DAY);

/// How long the old text of a rotated key works, unless it is said: a day to bring the new one everywhere.
const GRACE: Duration = Duration::from_secs(DAY);

/// Two texts for longer than this are two keys.
const GRACE_MAX: Duration = Duration::from_secs(30 * DAY);

const DAY: u64 = 86_400;

/// The key of that name.
pub(super) fn key<'all>(
    articles: &'all Articles,
    agent: &AgentName,
    name: &ApiKeyName,
) -> Result<&'all ApiKey, AgentError> {
    match articles.get(&ArticleId::ApiKey(agent.clone(), name.clone())).map(|article| &**article) {
        Some(Article::ApiKey(key)) => Ok(key),
        Some(Article::Grant(_) | Article::Agent(_) | Article::Freeze(_)) | None => {
            Err(AgentError::NoSuchKey { agent: agent.clone(), key: name.clone() })
        }
    }
}

/// A new key of an agent.
pub(super) fn mint(articles: &Articles, new: &NewApiKey, text: &KeyText, word: Word<'_>) -> Result<ApiKey, AgentError> {
    living(articles, &new.agent)?;
    if key(articles, &new.agent, &new.name).is_ok() {
        return Err(AgentError::KeyExists { agent: new.agent.clone(), key: new.name.clone() });
    }
    let owners = articles.iter().filter_map(|article| match &**article {
        Article::ApiKey(key) => Some(&key.agent),
        Article::Grant(_) | Article::Agent(_) | Article::Freeze(_) => None,
    });
    let (mut all, mut own) = (0_usize, 0_usize);
    for owner in owners {
        all += 1;
        own += usize::from(*owner == new.agent);
    }
    if own >= AGENT_KEYS_MAX {
        return Err(AgentError::TooMany { what: "API keys of this agent", max: AGENT_KEYS_MAX });
    }
    if all >= KEYS_MAX {
        return Err(AgentError::TooMany { what: "API keys", max: KEYS_MAX });
    }
    Ok(ApiKey {
        agent: new.agent.clone(),
        name: new.name.clone(),
        current: text.clone(),
        previous: None,
        reach: new.reach.clone(),
        limit_rpm: limit(new.limit_rpm)?,
        created_by: word.author.to_owned(),
        created_at: word.now,
        expires_at: expiry(new.life.unwrap_or(KeyLife::For(LIFE)), word.now)?,
    })
}

/// The key with a new text, which works for as long as the old one did when it was made. The old text works until the
/// grace is over, and never for longer than it would have; a text that was still in its grace works no more.
pub(super) fn rotate(
    before: &ApiKey,
    text: &KeyText,
    grace: Option<Duration>,
    now: Timestamp,
) -> Result<ApiKey, AgentError> {
    let grace = grace.unwrap_or(GRACE);
    if grace > GRACE_MAX {
        return Err(AgentError::Grace);
    }
    let (until, expires_at) = match before.expires_at {
        Expiry::Never => (now.plus(grace), Expiry::Never),
        Expiry::At(end) => {
            let life = end.since(before.current.made_at).unwrap_or(LIFE);
            (now.plus(grace).min(end), Expiry::At(now.plus(life)))
        }
    };
    let previous = (until > now).then(|| PreviousText { text: before.current.clone(), until });
    Ok(ApiKey { current: text.clone(), previous, expires_at, ..before.clone() })
}

fn expiry(life: KeyLife, now: Timestamp) -> Result<Expiry, AgentError> {
    let end = match life {
        KeyLife::Endless => return Ok(Expiry::Never),
        KeyLife::For(life) => now.plus(life),
        KeyLife::Until(end) => end,
    };
    if end <= now || end > now.plus(LIFE_MAX) {
        return Err(AgentError::Lifetime);
    }
    Ok(Expiry::At(end))
}
