//! The policy a mesh starts with: whoever may open the agent socket of a node may read what the node is entitled to.

use crate::model::actions::Capability;
use crate::model::grant::{Effect, Expiry, Grant};
use crate::model::name::GrantName;
use crate::model::principal::Principal;
use crate::model::reach::Reach;
use crate::model::time::Timestamp;

/// The grants of a lead that has never had a policy.
///
/// Members of the socket's group, and the owner, may read, list and explain. Only the admin may do the rest. Secrets,
/// companies and environments are not narrowed here: the node's entitlement bounds them, and is checked besides.
#[must_use]
pub fn starting(now: Timestamp) -> [Grant; 2] {
    [reader("owner", Principal::Owner, now), reader("socket-group", Principal::SocketGroup, now)]
}

fn reader(name: &str, principal: Principal, now: Timestamp) -> Grant {
    Grant {
        name: GrantName::parse(name).expect("a word of our own is a name"),
        principal,
        capabilities: [Capability::DataRead, Capability::DataQuery].into(),
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
            assert!(!may(&principal, Action::SecretWrite));
            assert!(!may(&principal, Action::NodeManage));
            assert!(!may(&principal, Action::AuditRead));
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
