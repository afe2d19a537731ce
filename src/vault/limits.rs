//! Whether an agent may ask once more: asked right after it is known, before policy and before anything is done for it.
//!
//! An agent's limit counts for each company by itself, so that one tenant does not use up another's share. A company counts
//! as one only if this node may speak for it, something was ever stored for it, and the agent may act for it: whoever
//! invents companies, or names those of others, shares the count of no company.

use crate::actors::limit_board::Taken;
use crate::audit::entry::Ruling;
use crate::model::agent::Agent;
use crate::model::api_key::ApiKey;
use crate::model::caller::{Allowance, Caller, LimitScope};
use crate::model::grant::Effect;
use crate::model::name::CompanyId;
use crate::model::principal::Principal;
use crate::model::secret::{KeyScope, Scope};
use crate::model::usage::Bucket;
use crate::policy::rate::Room;
use crate::policy::rulebook::Rulebook;

use super::account::Account;
use super::error::VaultError;
use super::parts::Vault;

/// The rule named when a limit refuses.
const RATE_LIMIT_RULE: &str = "rate-limit";

impl Vault {
    /// Counts the request of an agent, made with one of its keys. A request counts once; one that is refused costs nothing.
    pub(super) fn count(
        &self,
        rules: &Rulebook,
        caller: &Caller,
        (agent, key): (&Agent, &ApiKey),
        account: &mut Account,
    ) -> Result<(), VaultError> {
        if caller.shown.counted.is_done() {
            return Ok(());
        }
        let mut wanted: Vec<(Bucket, u32)> = Vec::with_capacity(2);
        if let Some(limit) = agent.limit_rpm {
            let company = self.company_of(caller).filter(|company| acts_for(rules, agent, key, company));
            wanted.push((Bucket::Agent(agent.name.clone(), company.cloned()), limit));
        }
        if let Some(limit) = key.limit_rpm {
            wanted.push((Bucket::Key(agent.name.clone(), key.name.clone()), limit));
        }
        let board = &self.parts.board;
        let taken = board.limits.take(self.parts.clock.now().boot, &wanted).map_err(|_| VaultError::Overloaded)?;
        let Some(Taken { verdict, of_mesh, is_news }) = taken else {
            caller.shown.counted.done(None);
            return Ok(());
        };
        if is_news {
            board.ask_now.notify_one();
        }
        let (limit, scope) = (verdict.limit, if of_mesh { LimitScope::Mesh } else { LimitScope::Node });
        match verdict.room {
            Room::Allowed { remaining } => {
                caller.shown.counted.done(Some(Allowance { limit, remaining, scope }));
                Ok(())
            }
            Room::Limited { retry_after } => {
                account.decided(Ruling::Deny, RATE_LIMIT_RULE);
                Err(VaultError::RateLimited { retry_after, limit, scope })
            }
        }
    }

    /// The company a request is counted for.
    fn company_of<'ask>(&self, caller: &'ask Caller) -> Option<&'ask CompanyId> {
        let company = caller.shown.company.as_ref()?;
        let board = &self.parts.board;
        let at = KeyScope { environment: self.parts.environment.clone(), scope: Scope::Company(company.clone()) };
        let is_honoured = board.held.load().entitlement.companies.contains(company);
        (is_honoured && board.keys.load().newest(&at).is_some()).then_some(company)
    }
}

/// Whether an agent may anything on behalf of a company, with this key. Whoever names others, where no company is asked
/// for, would else have a limit for each.
fn acts_for(rules: &Rulebook, agent: &Agent, key: &ApiKey, company: &CompanyId) -> bool {
    let agent = [Principal::Agent(agent.name.clone())];
    let mut allowed = rules.about(&agent).filter(|rule| rule.effect == Effect::Allow);
    key.reach.companies.contains(company) && allowed.any(|rule| rule.reach.companies.contains(company))
}

#[cfg(test)]
mod tests {
    use super::RATE_LIMIT_RULE;
    use crate::policy::rule::is_reserved;

    #[test]
    fn no_grant_has_the_name_under_which_a_limit_refuses() {
        assert!(is_reserved(RATE_LIMIT_RULE));
    }
}
