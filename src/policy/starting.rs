//! The policy a node starts with: whoever may open the agent socket may read what the node is entitled to.

use crate::model::company::Companies;
use crate::model::glob::SecretGlob;

use super::actions::Capability;
use super::decide::Policy;
use super::grant::{Effect, Environments, Expiry, Grant};
use super::principal::Principal;

/// The grants that `init` and `join` write.
///
/// Members of the socket's group, and the owner, may read, list and explain. Only the admin may do the rest. Secrets,
/// companies and environments are not narrowed here: the node's entitlement bounds them, and is checked besides.
#[must_use]
pub fn starting(socket_group: u32, owner: u32) -> Policy {
    let readers = [Capability::DataRead, Capability::DataQuery];
    Policy {
        grants: vec![
            unbounded("admin", Principal::Admin, Capability::ALL),
            unbounded("owner", Principal::User(owner), &readers),
            unbounded("socket-group", Principal::Group(socket_group), &readers),
        ],
    }
}

fn unbounded(name: &str, principal: Principal, capabilities: &[Capability]) -> Grant {
    Grant {
        name: name.to_owned(),
        principal,
        capabilities: capabilities.iter().copied().collect(),
        globs: vec![SecretGlob::everything()],
        companies: Companies::All,
        environments: Environments::All,
        expires_at: Expiry::Never,
        effect: Effect::Allow,
        granted_by: "aurora".to_owned(),
        reason: "the policy every node starts with".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::actions::Action;
    use super::super::decide::{Decision, Question, decide};
    use super::*;
    use crate::model::name::EnvironmentName;
    use crate::model::secret::SecretName;
    use crate::model::time::Timestamp;

    const GROUP: u32 = 200;
    const OWNER: u32 = 1000;

    fn may(principal: &Principal, action: Action) -> bool {
        let question = Question {
            principals: std::slice::from_ref(principal),
            action,
            secret: Some(&SecretName::parse("openai/api_key").expect("name")),
            company: None,
            environment: &EnvironmentName::parse("prod").expect("environment"),
            now: Timestamp(0),
        };
        matches!(decide(&starting(GROUP, OWNER), &question), Decision::Allowed { .. })
    }

    #[test]
    fn the_group_and_the_owner_read_but_do_not_write() {
        for principal in [Principal::Group(GROUP), Principal::User(OWNER)] {
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
