//! The policy a mesh starts with: whoever may open the agent socket of a node may read what the node is entitled to, and may
//! say and ask whether the APIs it is for work.

use std::collections::BTreeSet;

use crate::model::actions::Capability;
use crate::model::grant::{Effect, Expiry, Grant};
use crate::model::name::GrantName;
use crate::model::principal::Principal;
use crate::model::reach::Reach;
use crate::model::time::Timestamp;

/// The grants of a lead that has never had a policy.
///
/// Members of the socket's group, and the owner, may read, list and explain, ask which APIs work, and report on them. Only
/// the admin may do the rest. Secrets, companies and environments are not narrowed here: the node's entitlement bounds
/// them, and is checked besides.
#[must_use]
pub fn starting(now: Timestamp) -> [Grant; 2] {
    let capabilities =
        [Capability::DataRead, Capability::DataQuery, Capability::IntegrationRead, Capability::EventPublish];
    readers(capabilities.into(), now)
}

/// The rules that were built in before a mesh had a policy of its own, as grants: a store of that time opens with these,
/// for what it is opened by must not widen what anybody may do.
#[must_use]
pub fn built_in(now: Timestamp) -> [Grant; 2] {
    readers([Capability::DataRead, Capability::DataQuery].into(), now)
}

fn readers(capabilities: BTreeSet<Capability>, now: Timestamp) -> [Grant; 2] {
    let owner = reader("owner", Principal::Owner, capabilities.clone(), now);
    [owner, reader("socket-group", Principal::SocketGroup, capabilities, now)]
}

fn reader(name: &str, principal: Principal, capabilities: BTreeSet<Capability>, now: Timestamp) -> Grant {
    Grant {
        name: GrantName::parse(name).expect("a word of our own is a name"),
        principal,
        capabilities,
        reach: Reach::everything(),
        expires_at: Expiry::Never,
        effect: Effect::Allow,
        granted_by: "aurora".to_owned(),
        granted_at: now,
        reason: "the policy every mesh starts with".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::decide::{Decision, Question, decide};
    use super::super::rulebook::Rulebook;
    use super::*;
    use crate::model::actions::Action;
    use crate::model::article::Article;
    use crate::model::name::EnvironmentName;
    use crate::model::secret::SecretName;

    fn may(principal: &Principal, action: Action) -> bool {
        let question = Question {
            principals: std::slice::from_ref(principal),
            besides: &[],
            within: None,
            action,
            secret: Some(&SecretName::parse("openai/api_key").expect("name")),
            scope: None,
            company: None,
            environment: &EnvironmentName::parse("prod").expect("environment"),
            now: Timestamp(0),
        };
        let rulebook = Rulebook::new(starting(Timestamp(0)).map(Article::Grant));
        matches!(decide(&rulebook, &question), Decision::Allowed { .. })
    }

    #[test]
    fn the_group_and_the_owner_read_but_do_not_write() {
        for principal in [Principal::SocketGroup, Principal::Owner] {
            assert!(may(&principal, Action::SecretRead));
            assert!(may(&principal, Action::SecretList));
            assert!(may(&principal, Action::SecretExplain));
            assert!(may(&principal, Action::IntegrationHealth));
            assert!(may(&principal, Action::ProviderList));
            assert!(may(&principal, Action::EventPublish));
            assert!(!may(&principal, Action::CredentialValidate));
            assert!(!may(&principal, Action::SecretWrite));
            assert!(!may(&principal, Action::NodeManage));
            assert!(!may(&principal, Action::AuditRead));
        }
    }

    #[test]
    fn a_store_that_is_older_than_policies_opens_with_no_more_than_was_built_in() {
        for (older, newer) in built_in(Timestamp(0)).into_iter().zip(starting(Timestamp(0))) {
            assert_eq!(older.capabilities, [Capability::DataRead, Capability::DataQuery].into());
            assert_eq!(Grant { capabilities: newer.capabilities.clone(), ..older }, newer);
        }
    }

    #[test]
    fn the_admin_may_do_everything_and_a_stranger_nothing() {
        for &action in Action::ALL {
            assert!(may(&Principal::Admin, action), "{action:?}");
            assert!(!may(&Principal::User(1001), action), "{action:?}");
            assert!(!may(&Principal::Group(100), action), "{action:?}");
        }
    }
}
