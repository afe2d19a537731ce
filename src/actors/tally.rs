//! Tallies between the boards of a node and the frames of its sessions.

use super::board::Board;
use super::error::SessionError;
use super::key_use::KeyId;
use super::limit_board::Told;
use crate::model::name::NodeName;
use crate::model::reach::Reach;
use crate::model::roster::RosterEntry;
use crate::model::time::{BootTime, Moment, Timestamp};
use crate::model::usage::{Bucket, Window};
use crate::policy::rulebook::Rulebook;
use crate::wire::tally::{self, BucketCounts, LastUse, Tallies, Tally, USES_MAX};

/// What a follower has to tell the lead now: nothing, one frame, or more when very many keys were used.
pub(super) fn to_tell(board: &Board, now: &Moment) -> Vec<Tally> {
    let counted = board.limits.to_tell(now.boot);
    let used = board.key_use.take_changes();
    let mut uses = used.chunks(USES_MAX).map(|uses| uses.iter().map(last_use).collect::<Vec<LastUse>>());
    let first = Tally { buckets: counts(&counted), uses: uses.next().unwrap_or_default() };
    let rest = uses.map(|uses| Tally { buckets: Vec::new(), uses });
    std::iter::once(first).filter(|first| !first.buckets.is_empty() || !first.uses.is_empty()).chain(rest).collect()
}

/// What the lead told a follower, as of now.
pub(super) fn told(tallies: &Tallies, now: BootTime) -> Result<Vec<(Bucket, Window)>, SessionError> {
    Ok(tally::read(&tallies.buckets, now.0.as_secs())?)
}

/// Takes in what a follower told, and gives the answer.
pub(super) fn answer(
    board: &Board,
    member: &RosterEntry,
    tally: &Tally,
    told: &mut Told,
    now: &Moment,
) -> Result<Tallies, SessionError> {
    let rules = board.rules.load();
    for (key, at) in tally.uses()? {
        // Only the keys the node knows: it must not fill the memory of the lead with others.
        if is_held(&rules, member, &Bucket::Key(key.0.clone(), key.1.clone())) {
            board.key_use.note(key, at.min(now.wall));
        }
    }
    let mut reported = tally::read(&tally.buckets, now.boot.0.as_secs())?;
    reported.retain(|(bucket, _)| is_held(&rules, member, bucket));
    Ok(Tallies { buckets: counts(&board.limits.reported(now.boot, &member.name, reported, told)) })
}

/// Whether a node can have counted in a bucket: only for what it holds, on behalf of a company it may speak for. Believed
/// of anything else, a follower could use up the limits of other tenants, and would be told how much they ask.
fn is_held(rules: &Rulebook, member: &RosterEntry, bucket: &Bucket) -> bool {
    let entitled = &member.entitlement;
    let acts = |reach: &Reach| reach.environments.contains(&entitled.environment);
    match bucket {
        Bucket::Agent(agent, company) => {
            rules.agent(agent).is_some_and(|agent| acts(&agent.reach))
                && company.as_ref().is_none_or(|company| entitled.companies.contains(company))
        }
        Bucket::Key(agent, key) => {
            rules.agent(agent).is_some_and(|agent| acts(&agent.reach))
                && rules.key(agent, key).is_some_and(|key| acts(&key.reach))
        }
    }
}

/// What changed for a follower since it was told, if anything did.
pub(super) fn news(board: &Board, node: &NodeName, told: &mut Told, now: &Moment) -> Option<Tallies> {
    let news = board.limits.news(now.boot, node, told);
    (!news.is_empty()).then(|| Tallies { buckets: counts(&news) })
}

fn counts(windows: &[(Bucket, Window)]) -> Vec<BucketCounts> {
    windows.iter().map(|(bucket, window)| BucketCounts::new(bucket, window)).collect()
}

fn last_use(((agent, key), at): &(KeyId, Timestamp)) -> LastUse {
    LastUse { agent: agent.to_string(), key: key.to_string(), at_ms: at.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agent::{Agent, AgentKind, AgentOrigin, AgentState};
    use crate::model::api_key::{ApiKey, ApiKeyHash, KeyText};
    use crate::model::article::Article;
    use crate::model::company::Companies;
    use crate::model::entitlement::Entitlement;
    use crate::model::entitlement_history::EntitlementHistory;
    use crate::model::grant::Expiry;
    use crate::model::identity::{KeyPin, Role, SealingPublicKey};
    use crate::model::name::{AgentName, ApiKeyName, CompanyId, EnvironmentName};
    use crate::model::number::Revision;
    use crate::model::reach::Environments;
    use crate::model::roster::Standing;

    fn agent(name: &str) -> AgentName {
        AgentName::parse(name).expect(name)
    }

    fn reach(environment: &str) -> Reach {
        let environment = EnvironmentName::parse(environment).expect(environment);
        Reach { environments: Environments::Only([environment].into()), ..Reach::everything() }
    }

    fn acting(name: &str, environment: &str) -> [Article; 2] {
        let made = Agent {
            name: agent(name),
            title: None,
            kind: AgentKind::Tool,
            state: AgentState::Active,
            owner: "admin".to_owned(),
            created_at: Timestamp(0),
            origin: AgentOrigin::Command,
            capabilities: Vec::new(),
            reach: reach(environment),
            limit_rpm: Some(60),
            signs: false,
            note: None,
        };
        let hash = ApiKeyHash([u8::try_from(name.len()).expect("short"); 32]);
        let key = ApiKey {
            agent: agent(name),
            name: ApiKeyName::parse("ci").expect("name"),
            current: KeyText { hash, hint: String::new(), made_at: Timestamp(0) },
            previous: None,
            reach: Reach::everything(),
            limit_rpm: Some(60),
            created_by: "admin".to_owned(),
            created_at: Timestamp(0),
            expires_at: Expiry::Never,
        };
        [Article::Agent(made), Article::ApiKey(key)]
    }

    /// A follower could use up the limits of every tenant of the mesh, and was told how much the others asked.
    #[test]
    fn a_follower_is_believed_about_what_it_holds_and_about_nothing_else() {
        let company = |name: &str| CompanyId::parse(name).expect(name);
        let member = RosterEntry {
            name: NodeName::parse("vengeance").expect("name"),
            role: Role::Follower,
            pin: KeyPin([1; 32]),
            sealing_key: SealingPublicKey([2; 32]),
            entitlement: Entitlement {
                environment: EnvironmentName::parse("prod").expect("name"),
                companies: Companies::Only([company("acme")].into()),
                globs: Vec::new(),
            },
            history: EntitlementHistory::beginning(Timestamp(0)),
            joined_at: Timestamp(0),
            standing: Standing::Active,
            changed_at: Revision(0),
        };
        let rules = Rulebook::new(acting("robot", "prod").into_iter().chain(acting("elsewhere", "dev")));
        let is_held = |bucket: Bucket| is_held(&rules, &member, &bucket);
        let key = |name: &str, key: &str| Bucket::Key(agent(name), ApiKeyName::parse(key).expect(key));
        assert!(is_held(Bucket::Agent(agent("robot"), None)) && is_held(key("robot", "ci")));
        assert!(is_held(Bucket::Agent(agent("robot"), Some(company("acme")))));
        assert!(!is_held(Bucket::Agent(agent("robot"), Some(company("globex")))));
        assert!(!is_held(Bucket::Agent(agent("elsewhere"), None)) && !is_held(key("elsewhere", "ci")));
        assert!(!is_held(Bucket::Agent(agent("nobody"), None)) && !is_held(key("robot", "other")));
    }
}
