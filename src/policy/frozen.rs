//! Whether a freeze holds up what is asked. Pure, like the decision, and asked besides it: a freeze binds whoever would
//! otherwise be allowed, the owner of the node too.

use crate::model::actions::{Action, Capability};
use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
use crate::model::name::{CompanyId, NodeName};
use crate::model::principal::Principal;
use crate::model::secret::{Scope, SecretName};

use super::rulebook::Rulebook;

/// What is asked, as far as a freeze could be about it.
#[derive(Debug, Clone, Copy)]
pub struct FrozenQuestion<'a> {
    /// The node that is asked.
    pub node: &'a NodeName,
    /// What the caller acts as.
    pub principals: &'a [Principal],
    /// What it is besides: an agent that acts as another is frozen with either of the two.
    pub besides: &'a [Principal],
    /// What it wants to do.
    pub action: Action,
    /// With which secret, if it names one.
    pub secret: Option<&'a SecretName>,
    /// In which scope, if that is known: the company of a scope counts like one that was named.
    pub scope: Option<&'a Scope>,
    /// On behalf of which company, if it named one.
    pub company: Option<&'a CompanyId>,
}

/// What an action does that a freeze below `all` could hold up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearing {
    /// It gives out or uses values.
    Uses,
    /// It changes something.
    Changes,
    /// It looks at what is there.
    Neither,
}

/// The one table of what each action does.
#[must_use]
pub fn bearing(action: Action) -> Bearing {
    match action {
        Action::SecretRead
        | Action::SecretExport
        | Action::CredentialApply
        | Action::CredentialValidate
        | Action::IntegrationExecute
        | Action::WorkflowExecute => Bearing::Uses,
        Action::SecretWrite
        | Action::SecretDelete
        | Action::SecretRestore
        | Action::SecretRotate
        | Action::WorkflowCreate
        | Action::WorkflowUpdate
        | Action::WorkflowDelete
        | Action::WorkflowSchedule
        | Action::IntegrationCreate
        | Action::IntegrationUpdate
        | Action::IntegrationDelete
        | Action::BindingManage
        | Action::AgentCreate
        | Action::AgentUpdate
        | Action::AgentSuspend
        | Action::AgentKey
        | Action::EventPublish
        | Action::NodeManage
        | Action::PolicyManage
        | Action::BackupManage => Bearing::Changes,
        // Cancelling ends a use and begins none. Acting as another is held up with what is then done.
        Action::WorkflowCancel
        | Action::WorkflowList
        | Action::WorkflowGet
        | Action::WorkflowRuns
        | Action::IntegrationList
        | Action::IntegrationGet
        | Action::IntegrationHealth
        | Action::ProviderList
        | Action::SecretList
        | Action::SecretInfo
        | Action::SecretExplain
        | Action::AgentImpersonate
        | Action::EventList
        | Action::EventSubscribe
        | Action::AuditRead => Bearing::Neither,
    }
}

/// Whether a level holds up an action.
#[must_use]
pub fn holds_up(level: FreezeLevel, action: Action) -> bool {
    match level {
        FreezeLevel::Read => bearing(action) == Bearing::Uses,
        FreezeLevel::Write => bearing(action) == Bearing::Changes,
        FreezeLevel::All => true,
    }
}

/// The freeze that holds up what is asked: of several the one of the highest level, and of those the widest. What the
/// owner of the node does by `system_admin` is never held up, because nobody could unfreeze.
#[must_use]
pub fn frozen<'book>(rulebook: &'book Rulebook, question: &FrozenQuestion<'_>) -> Option<&'book Freeze> {
    if !rulebook.has_freezes() || is_exempt(question) {
        return None;
    }
    let mut strictest: Option<&Freeze> = None;
    for target in targets(question) {
        let Some(freeze) = rulebook.freeze(&target).filter(|freeze| holds_up(freeze.level, question.action)) else {
            continue;
        };
        if strictest.is_none_or(|known| known.level < freeze.level) {
            strictest = Some(freeze);
        }
    }
    strictest
}

fn is_exempt(question: &FrozenQuestion<'_>) -> bool {
    question.action.capability() == Capability::SystemAdmin && question.principals.contains(&Principal::Admin)
}

/// Everything whose freeze would be about the question, the widest first.
fn targets(question: &FrozenQuestion<'_>) -> impl Iterator<Item = FreezeTarget> {
    let of_scope = match question.scope {
        Some(Scope::Company(company)) => Some(company),
        Some(Scope::Global | Scope::Node(_)) | None => None,
    };
    let companies = question.company.into_iter().chain(of_scope).cloned().map(FreezeTarget::Company);
    let agents = question.principals.iter().chain(question.besides).filter_map(Principal::agent);
    let agents = agents.cloned().map(FreezeTarget::Agent);
    [FreezeTarget::Mesh, FreezeTarget::Node(question.node.clone())]
        .into_iter()
        .chain(companies)
        .chain(agents)
        .chain(question.secret.cloned().map(FreezeTarget::Secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::article::Article;
    use crate::model::name::AgentName;
    use crate::model::time::Timestamp;

    fn freeze(target: &str, level: FreezeLevel) -> Article {
        Article::Freeze(Freeze {
            target: FreezeTarget::parse(target).expect(target),
            level,
            reason: format!("of {target}"),
            frozen_by: "admin".to_owned(),
            frozen_at: Timestamp(0),
        })
    }

    fn book(freezes: &[(&str, FreezeLevel)]) -> Rulebook {
        Rulebook::new(freezes.iter().map(|(target, level)| freeze(target, *level)))
    }

    /// What holds up this action of the agent `robot` on `openai/api_key` for acme, on vengeance.
    fn held_up(freezes: &[(&str, FreezeLevel)], action: Action) -> Option<String> {
        let robot = [Principal::Agent(AgentName::parse("robot").expect("name"))];
        asked(freezes, action, &robot, &[])
    }

    fn asked(
        freezes: &[(&str, FreezeLevel)],
        action: Action,
        principals: &[Principal],
        besides: &[Principal],
    ) -> Option<String> {
        let question = FrozenQuestion {
            node: &NodeName::parse("vengeance").expect("name"),
            principals,
            besides,
            action,
            secret: Some(&SecretName::parse("openai/api_key").expect("name")),
            scope: Some(&Scope::parse("company:acme").expect("scope")),
            company: None,
        };
        frozen(&book(freezes), &question).map(|freeze| format!("{} {}", freeze.target, freeze.level.as_str()))
    }

    #[test]
    fn each_target_holds_up_what_is_about_it_and_nothing_else() {
        for about in ["mesh", "node:vengeance", "company:acme", "agent:robot", "secret:openai/api_key"] {
            let told = held_up(&[(about, FreezeLevel::Read)], Action::SecretRead);
            assert_eq!(told, Some(format!("{about} read")), "{about}");
        }
        for other in ["node:aurora", "company:beta", "agent:other", "secret:openai/other"] {
            assert_eq!(held_up(&[(other, FreezeLevel::All)], Action::SecretRead), None, "{other}");
        }
        assert_eq!(held_up(&[], Action::SecretRead), None);
    }

    #[test]
    fn read_stops_uses_write_stops_changes_and_all_stops_everything() {
        for &action in Action::ALL {
            let is = |level| held_up(&[("mesh", level)], action).is_some();
            assert_eq!(is(FreezeLevel::Read), bearing(action) == Bearing::Uses, "{action:?}");
            assert_eq!(is(FreezeLevel::Write), bearing(action) == Bearing::Changes, "{action:?}");
            assert!(is(FreezeLevel::All), "{action:?}");
        }
    }

    #[test]
    fn whatever_may_change_is_a_change_and_whatever_gives_values_is_a_use() {
        let of = |capability: Capability| {
            Action::ALL.iter().copied().filter(move |action| action.capability() == capability).map(bearing)
        };
        assert!(of(Capability::DataWrite).all(|bearing| bearing == Bearing::Changes));
        assert!(of(Capability::WorkflowManage).all(|bearing| bearing == Bearing::Changes));
        assert!(of(Capability::AgentManage).all(|bearing| bearing == Bearing::Changes));
        assert!(of(Capability::DataRead).all(|bearing| bearing == Bearing::Uses));
        assert!(of(Capability::DataQuery).all(|bearing| bearing == Bearing::Neither));
        assert_eq!(Action::ALL.iter().filter(|action| bearing(**action) == Bearing::Uses).count(), 6);
    }

    #[test]
    fn of_two_freezes_the_stricter_one_is_told() {
        let both = [("mesh", FreezeLevel::Read), ("agent:robot", FreezeLevel::All)];
        assert_eq!(held_up(&both, Action::SecretRead).as_deref(), Some("agent:robot all"));
        let same = [("secret:openai/api_key", FreezeLevel::Read), ("company:acme", FreezeLevel::Read)];
        assert_eq!(held_up(&same, Action::SecretRead).as_deref(), Some("company:acme read"));
        let apart = [("mesh", FreezeLevel::Write), ("agent:robot", FreezeLevel::Read)];
        assert_eq!(held_up(&apart, Action::SecretRead).as_deref(), Some("agent:robot read"));
        assert_eq!(held_up(&apart, Action::SecretWrite).as_deref(), Some("mesh write"));
    }

    #[test]
    fn the_owner_is_bound_like_everybody_but_can_always_unfreeze() {
        let all = [("mesh", FreezeLevel::All)];
        let admin = [Principal::Admin];
        for &action in Action::ALL {
            let told = asked(&all, action, &admin, &[]);
            assert_eq!(told.is_none(), action.capability() == Capability::SystemAdmin, "{action:?}");
            assert!(held_up(&all, action).is_some(), "an agent with system_admin is bound: {action:?}");
        }
    }

    #[test]
    fn an_agent_that_acts_as_another_is_frozen_with_either() {
        let named = |name| Principal::Agent(AgentName::parse(name).expect("name"));
        let all = [("agent:robot", FreezeLevel::All)];
        assert!(asked(&all, Action::SecretRead, &[named("other")], &[named("robot")]).is_some());
        assert!(asked(&all, Action::SecretRead, &[named("robot")], &[named("other")]).is_some());
        assert!(asked(&all, Action::SecretRead, &[named("other")], &[]).is_none());
    }
}
