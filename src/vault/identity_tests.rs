//! What an identified caller may, beyond what the tests over sockets can arrange: denies of the process behind a key, and who
//! may give what.

use crate::model::actions::{Action, Capability};
use crate::model::api_key::{ApiKey, ApiKeyHash, KeyText, PreviousText};
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

fn text(byte: u8) -> KeyText {
    KeyText { hash: ApiKeyHash([byte; 32]), hint: String::new(), made_at: Timestamp(0) }
}

fn api_key(name: &str, current: u8, expires_at: Expiry) -> ApiKey {
    ApiKey {
        agent: AgentName::parse("robot").expect("name"),
        name: ApiKeyName::parse(name).expect(name),
        current: text(current),
        previous: None,
        reach: Reach::everything(),
        limit_rpm: None,
        created_by: "test".to_owned(),
        created_at: Timestamp(0),
        expires_at,
    }
}

fn key(reach: Reach) -> KeyShown {
    KeyShown::new(&ApiKey { reach, ..api_key("ci", 1, Expiry::Never) }, text(1).hash)
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
    who.may_give(&Rulebook::new(rules.iter().cloned()), Capability::DataRead, Timestamp(0))
}

/// A rule for a week gave agents that stay for ever.
#[test]
fn what_ends_by_itself_is_used_but_not_given_to_others() {
    let Article::Grant(allow) = grant("all", robot(), Effect::Allow, Capability::DataRead) else { panic!("a grant") };
    let for_a_week = [Article::Grant(Grant { expires_at: Expiry::At(Timestamp(9)), ..allow })];
    let who = by_key(Reach::everything());
    assert!(who.holds_wholly(&Rulebook::new(for_a_week.iter().cloned()), Capability::DataRead, Timestamp(0)));
    assert!(!gives(&who, &for_a_week));
}

/// A key that was lent for a day made one that works for a year; one that was replaced took its place again.
#[test]
fn no_key_makes_one_that_outlives_it_and_only_the_newest_text_of_a_key_renews_it() {
    let until = |end: i64| Expiry::At(Timestamp(end));
    let shown = KeyShown::new(&api_key("ci", 1, until(50)), text(1).hash);
    assert!(shown.may_make(&api_key("new", 2, until(50))));
    assert!(!shown.may_make(&api_key("new", 2, until(51))) && !shown.may_make(&api_key("new", 2, Expiry::Never)));
    let renewed =
        ApiKey { previous: Some(PreviousText { text: text(1), until: Timestamp(60) }), ..api_key("ci", 2, until(500)) };
    assert!(shown.may_make(&renewed) && shown.may_make(&api_key("ci", 2, until(500))), "its own next text");
    let old = KeyShown::new(&renewed, text(1).hash);
    let again =
        ApiKey { previous: Some(PreviousText { text: text(2), until: Timestamp(70) }), ..api_key("ci", 3, until(600)) };
    assert!(!old.may_make(&again), "the text of before");
    assert!(KeyShown::new(&renewed, text(2).hash).may_make(&again));
    assert!(KeyShown::new(&api_key("ci", 1, Expiry::Never), text(1).hash).may_make(&renewed));
}

#[test]
fn what_is_denied_to_the_process_is_denied_to_the_agent_it_acts_for_and_what_it_is_allowed_is_not_lent() {
    let agents = grant("agents", robot(), Effect::Allow, Capability::DataRead);
    let who = by_key(Reach::everything());
    assert_eq!(reads(&who, std::slice::from_ref(&agents)), Decision::Allowed { rule: "agents".into() });
    let closed = grant("closed", PROCESS, Effect::Deny, Capability::DataRead);
    assert_eq!(reads(&who, &[agents, closed]), Decision::Denied { rule: "closed".into() });
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
    assert_eq!(reads(&who(), &both), Decision::Allowed { rule: "others".into() });
    assert!(gives(&who(), &both));
    assert!(matches!(reads(&who(), std::slice::from_ref(&others)), Decision::Denied { .. }), "the right is gone");
    assert!(!gives(&who(), std::slice::from_ref(&others)));
    let closed = grant("closed", robot(), Effect::Deny, Capability::DataRead);
    let denied = reads(&who(), &[others, acts, closed]);
    assert_eq!(denied, Decision::Denied { rule: "closed".into() });
    assert_eq!(who().author(), "agent:other by agent:robot");
}
