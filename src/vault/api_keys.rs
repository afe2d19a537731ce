//! API keys, on the lead: minted, given a new text, revoked, listed. The text of a key leaves once, with the answer to whoever
//! asked for it; the mesh keeps its digest.

use crate::crypto::api_key::ApiKeyText;
use crate::model::actions::Action;
use crate::model::api_key::{ApiKey, KeyText};
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::caller::Caller;
use crate::model::grant::Expiry;
use crate::model::name::{AgentName, ApiKeyName};
use crate::model::number::Revision;
use crate::model::time::Timestamp;
use crate::policy::rulebook::Rulebook;

use super::account::{Account, noted};
use super::agent_error::AgentError;
use super::agent_plan::{self, Word};
use super::agent_request::{ApiKeyLine, KeyLife, KeyRotation, NewApiKey, Page, PageRequest, ShownOnce};
use super::agents::page;
use super::api_key_plan;
use super::error::VaultError;
use super::identity::KeyShown;
use super::parts::Vault;
use super::rule_change::Plan;

impl Vault {
    /// Makes a key of an agent. Its text is in the answer, and nowhere else.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower, [`super::agent_error::AgentError::Escalation`] when the agent may what the
    /// caller may not give.
    pub async fn mint_key(
        &self,
        caller: &Caller,
        new: &NewApiKey,
        reason: Option<&str>,
    ) -> Result<ShownOnce, VaultError> {
        let mut account = Account::open(caller, Action::AgentKey, self.parts.clock.now());
        account.reason(Some(&noted(&format!("create apikey:{}/{}", new.agent, new.name), reason)));
        let result = self.try_mint_key(caller, new, &mut account).await;
        self.settle(&account, result).await
    }

    /// Gives a key a new text. The old one works until its grace is over.
    ///
    /// # Errors
    /// As [`Vault::mint_key`].
    pub async fn rotate_key(
        &self,
        caller: &Caller,
        ask: &KeyRotation,
        reason: Option<&str>,
    ) -> Result<ShownOnce, VaultError> {
        let mut account = Account::open(caller, Action::AgentKey, self.parts.clock.now());
        account.reason(Some(&noted(&format!("rotate apikey:{}/{}", ask.agent, ask.name), reason)));
        let result = self.try_rotate_key(caller, ask, &mut account).await;
        self.settle(&account, result).await
    }

    /// Takes a key away, with both texts if it has two. Nodes that are connected refuse it as soon as they hear of it.
    ///
    /// # Errors
    /// [`VaultError`]; [`super::agent_error::AgentError::NoSuchKey`].
    pub async fn revoke_key(
        &self,
        caller: &Caller,
        agent: &AgentName,
        name: &ApiKeyName,
        reason: Option<&str>,
    ) -> Result<Revision, VaultError> {
        let mut account = Account::open(caller, Action::AgentKey, self.parts.clock.now());
        account.reason(Some(&noted(&format!("revoke apikey:{agent}/{name}"), reason)));
        let result = self.try_revoke_key(caller, agent, name, &mut account).await;
        self.settle(&account, result).await
    }

    /// One page of the keys, by agent and name; of one agent only if one is named.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn api_keys(
        &self,
        caller: &Caller,
        agent: Option<&AgentName>,
        ask: &PageRequest<(AgentName, ApiKeyName)>,
    ) -> Result<Page<ApiKeyLine>, VaultError> {
        let mut account = Account::open(caller, Action::AgentKey, self.parts.clock.now());
        account.reason(Some("list API keys"));
        let permitted = self.node_permit(caller, Action::AgentKey, &mut account).and_then(|()| self.lead());
        let result = permitted.map(|_| {
            let uses = &self.parts.board.key_use;
            let last_used = |key: &ApiKey| uses.last(&(key.agent.clone(), key.name.clone()));
            key_page(&self.parts.board.rules.load(), agent, ask, last_used)
        });
        self.settle(&account, result).await
    }

    async fn try_mint_key(
        &self,
        caller: &Caller,
        new: &NewApiKey,
        account: &mut Account,
    ) -> Result<ShownOnce, VaultError> {
        let who = self.agent_permit(caller, Action::AgentKey, account)?;
        let (author, now) = (who.author(), self.parts.clock.now().wall);
        let (text, kept) = self.key_text(now)?;
        let new = within_life_of(who.key(), new, now);
        let minted = self.change_rules(account, |articles| {
            let key = api_key_plan::mint(articles, &new, &kept, Word { author: &author, now })?;
            self.may_give(&who, agent_plan::living(articles, &new.agent)?)?;
            may_last(who.key(), &key)?;
            Ok(put(key))
        });
        let (revision, key) = minted.await?;
        Ok(ShownOnce { text: text.into_plaintext(), key, revision })
    }

    async fn try_rotate_key(
        &self,
        caller: &Caller,
        ask: &KeyRotation,
        account: &mut Account,
    ) -> Result<ShownOnce, VaultError> {
        let who = self.agent_permit(caller, Action::AgentKey, account)?;
        let now = self.parts.clock.now().wall;
        let (text, kept) = self.key_text(now)?;
        let rotated = self.change_rules(account, |articles| {
            let agent = agent_plan::living(articles, &ask.agent)?;
            let before = api_key_plan::key(articles, &ask.agent, &ask.name)?;
            let key = api_key_plan::rotate(before, &kept, ask.grace, now)?;
            self.may_give(&who, agent)?;
            may_last(who.key(), &key)?;
            Ok(put(key))
        });
        let (revision, key) = rotated.await?;
        Ok(ShownOnce { text: text.into_plaintext(), key, revision })
    }

    async fn try_revoke_key(
        &self,
        caller: &Caller,
        agent: &AgentName,
        name: &ApiKeyName,
        account: &mut Account,
    ) -> Result<Revision, VaultError> {
        self.agent_permit(caller, Action::AgentKey, account)?;
        let revoked = self.change_rules(account, |articles| {
            api_key_plan::key(articles, agent, name)?;
            Ok(Plan { edits: vec![Edit::Drop(ArticleId::ApiKey(agent.clone(), name.clone()))], told: () })
        });
        let (revision, ()) = revoked.await?;
        self.forget_key_uses();
        Ok(revision)
    }

    /// A fresh text, and what is kept of it.
    fn key_text(&self, now: Timestamp) -> Result<(ApiKeyText, KeyText), VaultError> {
        let text = ApiKeyText::generate(&*self.parts.entropy);
        let text = text.map_err(|error| VaultError::Internal(error.to_string()))?;
        let kept = KeyText { hash: text.hash(), hint: text.hint(), made_at: now };
        Ok((text, kept))
    }
}

/// A key of which nobody said how long it is to work ends no later than the one it is got by.
fn within_life_of(shown: Option<&KeyShown>, new: &NewApiKey, now: Timestamp) -> NewApiKey {
    let life = match (new.life, shown.map(|shown| shown.until)) {
        (None, Some(Expiry::At(end))) => Some(KeyLife::Until(end.min(now.plus(api_key_plan::LIFE)))),
        (life, _) => life,
    };
    NewApiKey { life, ..new.clone() }
}

fn may_last(shown: Option<&KeyShown>, key: &ApiKey) -> Result<(), AgentError> {
    if shown.is_none_or(|shown| shown.may_make(key)) { Ok(()) } else { Err(AgentError::Outlives) }
}

fn put(key: ApiKey) -> Plan<ApiKey> {
    Plan { edits: vec![Edit::Put(Article::ApiKey(key.clone()))], told: key }
}

fn key_page(
    rules: &Rulebook,
    agent: Option<&AgentName>,
    ask: &PageRequest<(AgentName, ApiKeyName)>,
    last_used: impl Fn(&ApiKey) -> Option<Timestamp>,
) -> Page<ApiKeyLine> {
    let of_agent = |key: &&ApiKey| agent.is_none_or(|agent| key.agent == *agent);
    let after = |key: &&ApiKey| ask.after.as_ref().is_none_or(|(agent, name)| (&key.agent, &key.name) > (agent, name));
    let keys = rules.keys().filter(of_agent).filter(after);
    page(keys, ask.limit, |key| ApiKeyLine { key: key.clone(), last_used: last_used(key) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_key::ApiKeyHash;
    use crate::model::grant::Expiry;
    use crate::model::reach::Reach;

    #[test]
    fn ten_thousand_keys_are_listed_in_pages_each_once_and_none_is_longer_than_a_thousand() {
        let key = |number: u32| {
            let text = KeyText { hash: ApiKeyHash([0; 32]), hint: String::new(), made_at: Timestamp(0) };
            Article::ApiKey(ApiKey {
                agent: AgentName::parse(&format!("a{}", number % 100)).expect("name"),
                name: ApiKeyName::parse(&format!("k{}", number / 100)).expect("name"),
                current: text,
                previous: None,
                reach: Reach::default(),
                limit_rpm: None,
                created_by: String::new(),
                created_at: Timestamp(0),
                expires_at: Expiry::Never,
            })
        };
        let rules = Rulebook::new((0..10_000).map(key));
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let ask = PageRequest { limit: Some(usize::MAX), after };
            let page = key_page(&rules, None, &ask, |_| None);
            assert!(page.items.len() <= 1000);
            seen.extend(page.items.into_iter().map(|line| (line.key.agent, line.key.name)));
            after = seen.last().cloned();
            if !page.more {
                break;
            }
        }
        assert_eq!(seen.len(), 10_000);
        assert!(seen.is_sorted_by(|one, next| one < next));
        let of_one = PageRequest { limit: Some(7), after: None };
        let agent = AgentName::parse("a7").expect("name");
        let page = key_page(&rules, Some(&agent), &of_one, |_| None);
        assert!(page.more && page.items.len() == 7 && page.items.iter().all(|line| line.key.agent == agent));
    }
}
