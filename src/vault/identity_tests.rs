//! What an identified caller may, beyond what the tests over sockets can arrange: denies of the process behind a key, and who
//! may give what.

use crate::model::actions::{Action, Capability};
use crate::model::article::Article;
use crate::model::grant::{Effect, Expiry, Grant};
use crate::model::name::{AgentName, ApiKeyName, EnvironmentName, GrantName};
use crate::model::principal::Principal;
use crate::model::reach::Reach;
use crate::model::secret::SecretName;
use crate::model::time::{Moment, Timestamp};
use crate::policy::decide::Decision;
use crate::policy::rulebook::Rulebook;

use super::authorise::Object;
use super::identity::{Identified, KeyShown};

const PROCESS: Principal = Principal::User(1000);

fn robot() -> Principal {
    Principal::Agent(AgentName::parse("robot").expect("name"))
}

fn other() -> Principal {
    Principal::Agent(AgentName::parse("other").expect("name"))
}

fn grant(name: &str, principal: Principal, effect: Effect, capability: Capability) -> Article {
    Article::Grant(Grant {
        name: GrantName::parse(name).expect(name),
        principal,
        capabilities: [capability].into(),
        reach: Reach::everything(),
        expires_at: Expiry::Never,
        effect,
        granted_by: "test".to_owned(),
        granted_at: Timestamp(0),
        reason: String::new(),
    })
}

fn key(reach: Reach) -> KeyShown {
    let (agent, name) = (AgentName::parse("robot").expect("name"), ApiKeyName::parse("ci").expect("name"));
    KeyShown::new(agent, name, reach)
}

fn by_key(reach: Reach) -> Identified {
    Identified::new(vec![robot()], vec![PROCESS], Some(key(reach)), None)
}

fn reads(who: &Identified, rules: &[Article]) -> Decision {
    let (name, environment) = (SecretName::parse("a/b").expect("name"), EnvironmentName::parse("prod").expect("name"));
    let rules = Rulebook::new(rules.iter().cloned());
    who.decide(&rules, Action::SecretRead, Object::of_secret(&name, &environment), Moment::default())
}

fn gives(who: &Identified, rules: &[Article]) -> bool {
    who.holds_wholly(&Rulebook::new(rules.iter().cloned()), Capability::DataRead, Timestamp(0))
}

#[test]
fn what_is_denied_to_the_process_is_denied_to_the_agent_it_acts_for_and_what_it_is_allowed_is_not_lent() {
    let agents = grant("agents", robot(), Effect::Allow, Capability::DataRead);
    let who = by_key(Reach::everything());
    assert_eq!(reads(&who, std::slice::from_ref(&agents)), Decision::Allowed { rule: "agents".to_owned() });
    let closed = grant("closed", PROCESS, Effect::Deny, Capability::DataRead);
    assert_eq!(reads(&who, &[agents, closed]), Decision::Denied { rule: "closed".to_owned() });
    let lent = grant("lent", PROCESS, Effect::Allow, Capability::DataRead);
    assert!(matches!(reads(&who, &[lent]), Decision::Denied { .. }));
}

#[test]
fn nobody_gives_through_a_narrow_key_nor_what_is_denied_to_the_process_behind_it() {
    let allow = grant("all", robot(), Effect::Allow, Capability::DataRead);
    assert!(gives(&by_key(Reach::everything()), std::slice::from_ref(&allow)));
    let narrow = Reach { secrets: Vec::new(), ..Reach::everything() };
    assert!(!gives(&by_key(narrow), std::slice::from_ref(&allow)));
    let closed = grant("closed", PROCESS, Effect::Deny, Capability::DataRead);
    assert!(!gives(&by_key(Reach::everything()), &[allow, closed]));
}

#[test]
fn whoever_acts_as_another_does_so_as_far_as_that_right_reaches_and_bears_its_own_denies() {
    let who = || Identified::new(vec![other()], vec![robot(), PROCESS], None, Some(vec![robot()]));
    let others = grant("others", other(), Effect::Allow, Capability::DataRead);
    let acts = grant("acts", robot(), Effect::Allow, Capability::AgentImpersonate);
    let both = [others.clone(), acts.clone()];
    assert_eq!(reads(&who(), &both), Decision::Allowed { rule: "others".to_owned() });
    assert!(gives(&who(), &both));
    assert!(matches!(reads(&who(), std::slice::from_ref(&others)), Decision::Denied { .. }), "the right is gone");
    assert!(!gives(&who(), std::slice::from_ref(&others)));
    let closed = grant("closed", robot(), Effect::Deny, Capability::DataRead);
    let denied = reads(&who(), &[others, acts, closed]);
    assert_eq!(denied, Decision::Denied { rule: "closed".to_owned() });
    assert_eq!(who().author(), "agent:other by agent:robot");
}
