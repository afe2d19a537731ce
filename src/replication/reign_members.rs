//! Who is a member and who may do what when a new reign begins of a snapshot: pure. A value may come back; a right that was
//! taken away may not.
//!
//! Where the store is still there, it knows: roster, tokens and rulebook stay as they are, and the snapshot gives the secrets.
//! Where it is not, nobody here knows who was banned since and which key was revoked; so nobody is trusted but whom somebody
//! vouches for.

use std::collections::BTreeMap;

use crate::model::agent::Agent;
use crate::model::api_key::ApiKey;
use crate::model::article::{Article, ArticleId};
use crate::model::entitlement::Entitlement;
use crate::model::grant::Grant;
use crate::model::identity::Role;
use crate::model::name::NodeName;
use crate::model::number::Revision;
use crate::model::roster::{JoinToken, RosterEntry, Standing};
use crate::model::time::Timestamp;

/// Who is a member, and who may do what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// The nodes.
    pub roster: Vec<RosterEntry>,
    /// The join tokens.
    pub tokens: Vec<JoinToken>,
    /// The rulebook.
    pub articles: Vec<Article>,
}

/// What is known of who was shut out since the snapshot was taken.
#[derive(Debug, Clone)]
pub enum Changed {
    /// Everything: how it is now.
    Known(Membership),
    /// What there was until another lead took over, which may have shut out others since.
    Outdated(Membership),
    /// What a follower was told after the snapshot was taken, if there is one that was told anything.
    Heard(Option<Hearsay>),
}

/// The rulebook as one follower holds it: what concerns that node, as far as it does.
#[derive(Debug, Clone)]
pub struct Hearsay {
    /// The follower.
    pub node: NodeName,
    /// What it is entitled to.
    pub entitled: Entitlement,
    /// What it was told.
    pub articles: Vec<Article>,
}

/// Whether nodes and keys of the snapshot are taken for what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// They are: somebody says that nobody was shut out since.
    Members,
    /// They are not: nodes wait to be approved, and API keys are gone.
    Nobody,
}

/// How members and rules stand in the new reign, which begins now; whatever is written anew has this revision.
#[must_use]
pub fn as_they_stand(
    snapshot: Membership,
    changed: Changed,
    trust: Trust,
    revision: Revision,
    now: Timestamp,
) -> Membership {
    let Membership { roster, tokens, articles } = match changed {
        Changed::Known(now) => now,
        Changed::Outdated(then) => Membership {
            roster: then.roster.into_iter().map(|entry| vouched_for(entry, trust, now)).collect(),
            tokens: Vec::new(),
            articles: overlaid(then.articles, None, trust),
        },
        Changed::Heard(hearsay) => Membership {
            roster: snapshot.roster.into_iter().map(|entry| vouched_for(entry, trust, now)).collect(),
            // Nobody knows which of them were used since.
            tokens: Vec::new(),
            articles: overlaid(snapshot.articles, hearsay, trust),
        },
    };
    let roster = roster.into_iter().map(|entry| RosterEntry { changed_at: revision, ..entry }).collect();
    Membership { roster, tokens, articles }
}

/// A member that nobody vouches for waits to be approved. What it held until then it may still have, so that stays known.
fn vouched_for(entry: RosterEntry, trust: Trust, now: Timestamp) -> RosterEntry {
    match (&entry.standing, entry.role, trust) {
        (Standing::Active, Role::Follower, Trust::Nobody) => RosterEntry {
            standing: Standing::Pending,
            history: entry.history.clone().followed(entry.entitlement.clone(), now),
            ..entry
        },
        (Standing::Active | Standing::Pending | Standing::Banned { .. }, Role::Lead | Role::Follower, _) => entry,
    }
}

fn overlaid(articles: Vec<Article>, hearsay: Option<Hearsay>, trust: Trust) -> Vec<Article> {
    let by_id = |articles: Vec<Article>| articles.into_iter().map(|article| (article.id(), article));
    let mut known: BTreeMap<ArticleId, Article> = by_id(articles).collect();
    if let Some(Hearsay { node, entitled, articles }) = hearsay {
        let mut heard: BTreeMap<ArticleId, Article> = by_id(articles).collect();
        known = known
            .into_iter()
            .filter_map(|(id, then)| {
                let told = then.for_node(&node, &entitled);
                let now = match (heard.remove(&id), told) {
                    // What does not concern the node it was told nothing of. What does and is gone was taken back.
                    (None, None) => Some(then),
                    (None, Some(_)) => None,
                    (Some(now), told) => Some(widened(now, &then, told.as_ref())),
                };
                now.map(|article| (id, article))
            })
            .collect();
        known.extend(heard);
    }
    if trust == Trust::Nobody {
        known.retain(|_, article| !matches!(article, Article::ApiKey(_)));
    }
    known.into_values().collect()
}

/// What a node was told of an article, for the whole mesh: if the reach of it is what it was, it reaches as far as it did.
fn widened(now: Article, then: &Article, told: Option<&Article>) -> Article {
    match (now, then, told) {
        (Article::Grant(now), Article::Grant(then), Some(Article::Grant(told))) if now.reach == told.reach => {
            Article::Grant(Grant { reach: then.reach.clone(), ..now })
        }
        (Article::Agent(now), Article::Agent(then), Some(Article::Agent(told))) if now.reach == told.reach => {
            Article::Agent(Agent { reach: then.reach.clone(), ..now })
        }
        (Article::ApiKey(now), Article::ApiKey(then), Some(Article::ApiKey(told))) if now.reach == told.reach => {
            Article::ApiKey(ApiKey { reach: then.reach.clone(), ..now })
        }
        (now, _, _) => now,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};

    use std::collections::BTreeSet;

    use super::*;
    use crate::model::agent::{AgentKind, AgentOrigin, AgentState};
    use crate::model::api_key::{ApiKeyHash, KeyText};
    use crate::model::company::Companies;
    use crate::model::entitlement_history::EntitlementHistory;
    use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
    use crate::model::grant::Expiry;
    use crate::model::identity::{KeyPin, SealingPublicKey};
    use crate::model::name::{AgentName, ApiKeyName, CompanyId, EnvironmentName};
    use crate::model::reach::{Environments, Reach};
    use crate::model::roster::TokenHash;

    fn node(name: &str, role: Role, standing: Standing) -> RosterEntry {
        RosterEntry {
            name: NodeName::parse(name).expect("name"),
            role,
            pin: KeyPin([1; 32]),
            sealing_key: SealingPublicKey([2; 32]),
            entitlement: Entitlement {
                environment: EnvironmentName::parse("prod").expect("name"),
                companies: Companies::default(),
                globs: Vec::new(),
            },
            history: EntitlementHistory::beginning(Timestamp(0)),
            joined_at: Timestamp(0),
            standing,
            changed_at: Revision(1),
        }
    }

    fn banned() -> Standing {
        Standing::Banned { at: Timestamp(5), reason: "stolen".to_owned() }
    }

    fn token(byte: u8) -> JoinToken {
        let entry = node("gamma", Role::Follower, Standing::Active);
        JoinToken {
            hash: TokenHash([byte; 32]),
            node: entry.name,
            entitlement: entry.entitlement,
            approve: false,
            issued_at: None,
            expires_at: Timestamp(9),
            consumed_by: None,
        }
    }

    fn agent(state: AgentState) -> Article {
        Article::Agent(Agent {
            name: AgentName::parse("robot").expect("name"),
            title: None,
            kind: AgentKind::Tool,
            state,
            owner: "admin".to_owned(),
            created_at: Timestamp(0),
            origin: AgentOrigin::Command,
            capabilities: Vec::new(),
            reach: Reach::everything(),
            limit_rpm: None,
            signs: false,
            note: None,
        })
    }

    fn key(byte: u8) -> Article {
        Article::ApiKey(ApiKey {
            agent: AgentName::parse("robot").expect("name"),
            name: ApiKeyName::parse(&format!("key{byte}")).expect("name"),
            current: KeyText { hash: ApiKeyHash([byte; 32]), hint: "hint".to_owned(), made_at: Timestamp(0) },
            previous: None,
            reach: Reach::everything(),
            limit_rpm: None,
            created_by: "admin".to_owned(),
            created_at: Timestamp(0),
            expires_at: Expiry::Never,
        })
    }

    fn freeze(target: &str) -> Article {
        Article::Freeze(Freeze {
            target: FreezeTarget::parse(target).expect("target"),
            level: FreezeLevel::All,
            reason: "incident".to_owned(),
            frozen_by: "admin".to_owned(),
            frozen_at: Timestamp(0),
        })
    }

    fn snapshot() -> Membership {
        Membership {
            roster: vec![
                node("aurora", Role::Lead, Standing::Active),
                node("beta", Role::Follower, Standing::Active),
                node("gone", Role::Follower, banned()),
            ],
            tokens: vec![token(1)],
            articles: vec![agent(AgentState::Active), key(1), key(2)],
        }
    }

    fn standing<'a>(membership: &'a Membership, name: &str) -> Option<&'a Standing> {
        membership.roster.iter().find(|entry| entry.name.as_str() == name).map(|entry| &entry.standing)
    }

    fn with_state(state: AgentState) -> impl Fn(&Article) -> bool {
        move |article| matches!(article, Article::Agent(agent) if agent.state == state)
    }

    #[test]
    fn with_the_store_at_hand_members_and_rules_are_what_they_are_now() {
        let now = Membership {
            roster: vec![node("aurora", Role::Lead, Standing::Active), node("beta", Role::Follower, banned())],
            tokens: vec![JoinToken { consumed_by: Some(KeyPin([3; 32])), ..token(1) }],
            articles: vec![agent(AgentState::Suspended), key(2), freeze("mesh")],
        };
        let stands = as_they_stand(snapshot(), Changed::Known(now.clone()), Trust::Nobody, Revision(9), Timestamp(9));
        assert_eq!((&stands.tokens, &stands.articles), (&now.tokens, &now.articles));
        assert_eq!(standing(&stands, "beta"), Some(&banned()));
        assert_eq!(standing(&stands, "gone"), None, "who was removed does not come back");
        assert!(stands.roster.iter().all(|entry| entry.changed_at == Revision(9)));
    }

    #[test]
    fn without_it_nobody_is_trusted_whom_nobody_vouches_for() {
        let stands = as_they_stand(snapshot(), Changed::Heard(None), Trust::Nobody, Revision(9), Timestamp(9));
        assert_eq!(standing(&stands, "aurora"), Some(&Standing::Active));
        assert_eq!(standing(&stands, "beta"), Some(&Standing::Pending));
        assert_eq!(standing(&stands, "gone"), Some(&banned()));
        assert!(stands.tokens.is_empty());
        assert_eq!(stands.articles, [agent(AgentState::Active)], "the keys are gone, the agent is not");
        let gamma = stands.roster.iter().find(|entry| entry.standing == Standing::Pending).expect("one waits");
        assert!(gamma.was_member() && gamma.history.former[0].until == Timestamp(9), "what it held stays known");
        let trusted = as_they_stand(snapshot(), Changed::Heard(None), Trust::Members, Revision(9), Timestamp(9));
        assert_eq!(standing(&trusted, "beta"), Some(&Standing::Active));
        assert_eq!(standing(&trusted, "gone"), Some(&banned()), "nobody vouches for who was thrown out");
        assert!(trusted.tokens.is_empty(), "which tokens were used nobody can say");
        assert_eq!(trusted.articles.len(), 3);
    }

    /// A lead whose reign was ended knows of bans before that, and of none after it.
    #[test]
    fn what_a_lead_knew_until_another_took_over_is_trusted_no_more_than_a_snapshot() {
        let now = Membership {
            roster: vec![node("beta", Role::Follower, banned()), node("gamma", Role::Follower, Standing::Active)],
            tokens: vec![token(1)],
            articles: vec![agent(AgentState::Suspended), key(2)],
        };
        let stands =
            as_they_stand(snapshot(), Changed::Outdated(now.clone()), Trust::Nobody, Revision(9), Timestamp(9));
        assert_eq!(standing(&stands, "beta"), Some(&banned()));
        assert_eq!(standing(&stands, "gamma"), Some(&Standing::Pending));
        assert!(stands.tokens.is_empty());
        assert_eq!(stands.articles, [agent(AgentState::Suspended)]);
        let trusted = as_they_stand(snapshot(), Changed::Outdated(now), Trust::Members, Revision(9), Timestamp(9));
        assert_eq!(standing(&trusted, "gamma"), Some(&Standing::Active));
        assert_eq!((standing(&trusted, "beta"), trusted.articles.len()), (Some(&banned()), 2));
    }

    /// What a follower of `prod`, which speaks for acme, was told.
    fn heard(articles: Vec<Article>) -> Changed {
        let acme = CompanyId::parse("acme").expect("id");
        let entitled = Entitlement {
            companies: Companies::Only([acme].into()),
            ..node("beta", Role::Follower, Standing::Active).entitlement
        };
        let node = NodeName::parse("beta").expect("name");
        let told = articles.iter().filter_map(|article| article.for_node(&node, &entitled)).collect();
        Changed::Heard(Some(Hearsay { node, entitled, articles: told }))
    }

    #[test]
    fn what_a_follower_heard_since_stands() {
        let newer = vec![agent(AgentState::Suspended), key(1), freeze("company:acme")];
        let stands = as_they_stand(snapshot(), heard(newer), Trust::Members, Revision(9), Timestamp(9));
        assert!(stands.articles.iter().any(with_state(AgentState::Suspended)));
        assert!(!stands.articles.iter().any(with_state(AgentState::Active)));
        assert!(stands.articles.contains(&freeze("company:acme")));
        assert!(stands.articles.contains(&key(1)), "it reaches as far as it did, not as far as the follower was told");
        assert!(
            !stands.articles.contains(&key(2)),
            "it concerned the follower, which holds it no more: it was revoked"
        );
    }

    #[test]
    fn what_does_not_concern_the_follower_is_as_the_snapshot_has_it() {
        let elsewhere = |name: &str| Environments::Only([EnvironmentName::parse(name).expect("name")].into());
        let Article::ApiKey(key) = key(7) else { panic!("a key") };
        let reach = Reach { environments: elsewhere("dev"), ..Reach::everything() };
        let dev = Article::ApiKey(ApiKey { reach, ..key });
        let then = Membership { articles: vec![dev.clone()], ..snapshot() };
        let stands = as_they_stand(then, heard(Vec::new()), Trust::Members, Revision(9), Timestamp(9));
        assert_eq!(stands.articles, [dev]);
    }

    fn anybody() -> impl Strategy<Value = Membership> {
        let nodes = proptest::collection::btree_map(0..4_u8, 0..3_u8, 0..4);
        let (keys, tokens) =
            (proptest::collection::btree_set(0..4_u8, 0..4), proptest::collection::btree_set(0..4_u8, 0..4));
        (nodes, keys, tokens, any::<bool>(), any::<bool>()).prop_map(|(nodes, keys, tokens, suspended, frozen)| {
            let entry = |(name, standing): (u8, u8)| {
                let standing = [Standing::Active, Standing::Pending, banned()][usize::from(standing)].clone();
                node(&format!("n{name}"), Role::Follower, standing)
            };
            let mut articles: Vec<Article> = keys.into_iter().map(key).collect();
            articles.push(agent(if suspended { AgentState::Suspended } else { AgentState::Active }));
            articles.extend(frozen.then(|| freeze("mesh")));
            let roster = nodes.into_iter().map(entry).collect();
            Membership { roster, tokens: tokens.into_iter().map(token).collect(), articles }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Whatever the snapshot says: nobody is in, no key works and no token is open but by what is known now, or by
        /// somebody's word; and no freeze that is known is lifted.
        #[test]
        fn nothing_that_was_taken_away_comes_back(then in anybody(), now in anybody()) {
            let known = as_they_stand(then.clone(), Changed::Known(now.clone()), Trust::Nobody, Revision(9), Timestamp(9));
            let ids = |membership: &Membership| membership.articles.iter().map(Article::id).collect::<BTreeSet<_>>();
            prop_assert_eq!(ids(&known), ids(&now));
            prop_assert_eq!(&known.tokens, &now.tokens);
            for entry in &known.roster {
                prop_assert_eq!(Some(&entry.standing), standing(&now, entry.name.as_str()));
            }
            let blind = as_they_stand(then.clone(), Changed::Heard(None), Trust::Nobody, Revision(9), Timestamp(9));
            prop_assert!(blind.roster.iter().all(|entry| entry.standing != Standing::Active));
            prop_assert!(blind.tokens.is_empty());
            prop_assert!(!blind.articles.iter().any(|article| matches!(article, Article::ApiKey(_))));
            let told = as_they_stand(then, heard(now.articles.clone()), Trust::Members, Revision(9), Timestamp(9));
            prop_assert_eq!(ids(&told), ids(&now));
        }
    }
}
