//! The decision: deny by default, an explicit deny wins, and the answer names the rule.

use std::sync::Arc;

use crate::model::actions::Action;
use crate::model::grant::Effect;
use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::principal::Principal;
use crate::model::reach::Reach;
use crate::model::secret::{Scope, SecretName};
use crate::model::time::Timestamp;

use super::reaches;
use super::rule::Rule;
use super::rulebook::Rulebook;

/// The rule that refuses when no grant speaks.
pub const DEFAULT_RULE: &str = "default-deny";

/// May one of these principals do this, on this, now?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Everything the caller was proved to be, and acts as.
    pub principals: &'a [Principal],
    /// What it was proved to be besides: an explicit deny of one of these counts, an allow does not. The process that
    /// shows an agent's key is one of these.
    pub besides: &'a [Principal],
    /// The API key it shows: it may do nothing beyond the key's own reach.
    pub within: Option<Within<'a>>,
    /// What it wants to do.
    pub action: Action,
    /// On which secret, if the action is about one.
    pub secret: Option<&'a SecretName>,
    /// In which scope, if that is known.
    pub scope: Option<&'a Scope>,
    /// On behalf of which company, if it named one or the scope does.
    pub company: Option<&'a CompanyId>,
    /// In which environment.
    pub environment: &'a EnvironmentName,
    /// The wall clock.
    pub now: Timestamp,
}

/// An API key, as a bound.
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    /// How far it reaches.
    pub reach: &'a Reach,
    /// What the audit calls it: `apikey:openclaw/ci`.
    pub rule: &'a str,
}

/// The answer, with the rule that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allowed {
        /// The name of the grant.
        rule: Arc<str>,
    },
    /// No.
    Denied {
        /// The name of the deny, or [`DEFAULT_RULE`].
        rule: Arc<str>,
    },
}

/// Decides one question.
#[must_use]
pub fn decide(rulebook: &Rulebook, question: &Question<'_>) -> Decision {
    let denied = |rule: &str| Decision::Denied { rule: rule.into() };
    let mut allowed_by: Option<&Rule> = None;
    let speaking = |principals| {
        let service = question.secret.map(|secret| &secret.service);
        let rules = rulebook.speaking(principals, question.action.capability(), service);
        rules.filter(|rule| speaks_about(rule, question))
    };
    for rule in speaking(question.principals) {
        match rule.effect {
            Effect::Deny => return denied(&rule.name),
            Effect::Allow => allowed_by = allowed_by.or(Some(rule)),
        }
    }
    if let Some(rule) = speaking(question.besides).find(|rule| rule.effect == Effect::Deny) {
        return denied(&rule.name);
    }
    if let Some(key) = question.within.filter(|key| !reaches::allows(key.reach, question)) {
        return denied(key.rule);
    }
    match allowed_by {
        Some(rule) => Decision::Allowed { rule: rule.name.clone() },
        #[cfg(feature = "seeded_bugs")]
        None if crate::model::seeded::bug(19) => Decision::Allowed { rule: DEFAULT_RULE.into() },
        None => denied(DEFAULT_RULE),
    }
}

/// Whether a rule about one of the principals speaks about the question.
///
/// A question may name no secret (a list), no scope (a read that will be resolved) or no company (a global value). An
/// allow then speaks, because what is found is asked about one by one; a deny speaks only if it is about every secret,
/// scope and company, so that closing one service does not close the list of the others.
fn speaks_about(rule: &Rule, question: &Question<'_>) -> bool {
    rule.capabilities.contains(&question.action.capability())
        && rule.expires_at.is_after(question.now)
        && match rule.effect {
            Effect::Allow => reaches::allows(&rule.reach, question),
            Effect::Deny => reaches::denies(&rule.reach, question),
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::actions::Capability;
    use crate::model::article::Article;
    use crate::model::company::Companies;
    use crate::model::glob::SecretGlob;
    use crate::model::grant::{Expiry, Grant};
    use crate::model::name::GrantName;
    use crate::model::reach::{Environments, ScopeKind, Scopes};

    const NOW: Timestamp = Timestamp(1_000);

    fn environment(text: &str) -> EnvironmentName {
        EnvironmentName::parse(text).expect(text)
    }

    fn company(text: &str) -> CompanyId {
        CompanyId::parse(text).expect(text)
    }

    fn reach() -> Reach {
        Reach {
            secrets: vec![SecretGlob::parse("openai/*").expect("glob")],
            scopes: Scopes::Only([ScopeKind::Global, ScopeKind::Company].into()),
            companies: Companies::Only([company("acme")].into()),
            environments: Environments::Only([environment("prod")].into()),
        }
    }

    /// The user may read `openai/*` in prod, for acme.
    fn grant(name: &str, effect: Effect) -> Grant {
        Grant {
            name: GrantName::parse(&name.replace(' ', "-")).expect(name),
            principal: Principal::User(1000),
            capabilities: [Capability::DataRead, Capability::DataQuery].into(),
            reach: reach(),
            expires_at: Expiry::At(Timestamp(2_000)),
            effect,
            granted_by: "user:1000".to_owned(),
            granted_at: Timestamp(0),
            reason: "test".to_owned(),
        }
    }

    struct Asked {
        principal: Principal,
        besides: Vec<Principal>,
        within: Option<Reach>,
        scope: Option<Scope>,
        action: Action,
        secret: Option<&'static str>,
        company: Option<&'static str>,
        environment: &'static str,
        now: Timestamp,
    }

    impl Default for Asked {
        fn default() -> Self {
            Self {
                principal: Principal::User(1000),
                besides: vec![],
                within: None,
                scope: Some(Scope::Global),
                action: Action::SecretRead,
                secret: Some("openai/api_key"),
                company: Some("acme"),
                environment: "prod",
                now: NOW,
            }
        }
    }

    fn ask(grants: &[Grant], asked: &Asked) -> Decision {
        let secret = asked.secret.map(|text| SecretName::parse(text).expect(text));
        let company = asked.company.map(company);
        let question = Question {
            principals: std::slice::from_ref(&asked.principal),
            besides: &asked.besides,
            within: asked.within.as_ref().map(|reach| Within { reach, rule: "apikey:robot/ci" }),
            scope: asked.scope.as_ref(),
            action: asked.action,
            secret: secret.as_ref(),
            company: company.as_ref(),
            environment: &environment(asked.environment),
            now: asked.now,
        };
        decide(&Rulebook::new(grants.iter().cloned().map(Article::Grant)), &question)
    }

    fn allowed(rule: &str) -> Decision {
        Decision::Allowed { rule: rule.into() }
    }

    fn denied(rule: &str) -> Decision {
        Decision::Denied { rule: rule.into() }
    }

    #[test]
    fn nothing_granted_is_refused_by_the_default() {
        assert_eq!(ask(&[], &Asked::default()), denied(DEFAULT_RULE));
    }

    #[test]
    fn what_a_grant_names_is_allowed_and_the_rule_is_told() {
        assert_eq!(ask(&[grant("openai", Effect::Allow)], &Asked::default()), allowed("openai"));
    }

    #[test]
    fn each_part_of_a_grant_bounds_it() {
        let grants = [grant("openai", Effect::Allow)];
        let outside = [
            Asked { principal: Principal::User(1001), ..Asked::default() },
            Asked { principal: Principal::Group(1000), ..Asked::default() },
            Asked { action: Action::SecretWrite, ..Asked::default() },
            Asked { secret: Some("hubspot/api_key"), ..Asked::default() },
            Asked { company: Some("other"), ..Asked::default() },
            Asked { environment: "dev", ..Asked::default() },
            Asked { scope: Some(Scope::parse("node:vengeance").expect("scope")), ..Asked::default() },
            Asked { now: Timestamp(2_000), ..Asked::default() },
        ];
        for asked in outside {
            assert_eq!(ask(&grants, &asked), denied(DEFAULT_RULE));
        }
    }

    #[test]
    fn an_explicit_deny_wins_in_either_order() {
        let (open, shut) = (grant("open", Effect::Allow), grant("shut", Effect::Deny));
        assert_eq!(ask(&[open.clone(), shut.clone()], &Asked::default()), denied("shut"));
        assert_eq!(ask(&[shut, open], &Asked::default()), denied("shut"));
    }

    #[test]
    fn empty_sets_grant_nothing() {
        let cases = [
            Grant { capabilities: [].into(), ..grant("empty", Effect::Allow) },
            Grant { reach: Reach { secrets: vec![], ..reach() }, ..grant("empty", Effect::Allow) },
            Grant { reach: Reach { scopes: Scopes::default(), ..reach() }, ..grant("empty", Effect::Allow) },
            Grant { reach: Reach { companies: Companies::default(), ..reach() }, ..grant("empty", Effect::Allow) },
            Grant {
                reach: Reach { environments: Environments::default(), ..reach() },
                ..grant("empty", Effect::Allow)
            },
        ];
        for case in cases {
            assert_eq!(ask(&[case], &Asked::default()), denied(DEFAULT_RULE));
        }
    }

    #[test]
    fn a_list_is_allowed_by_any_glob_and_shut_only_by_a_deny_of_everything() {
        let list = Asked { action: Action::SecretList, secret: None, scope: None, company: None, ..Asked::default() };
        let open = grant("open", Effect::Allow);
        assert_eq!(ask(&[open.clone(), grant("one service", Effect::Deny)], &list), allowed("open"));
        for pattern in ["*", "*/*"] {
            let secrets = vec![SecretGlob::parse(pattern).expect(pattern)];
            let reach = Reach { secrets, ..Reach::everything() };
            let everything = Grant { reach, ..grant("everything", Effect::Deny) };
            assert_eq!(ask(&[open.clone(), everything], &list), denied("everything"));
        }
    }

    #[test]
    fn an_expired_deny_no_longer_closes() {
        let grants = [
            Grant { expires_at: Expiry::Never, ..grant("open", Effect::Allow) },
            Grant { expires_at: Expiry::At(NOW), ..grant("shut", Effect::Deny) },
        ];
        assert_eq!(ask(&grants, &Asked::default()), allowed("open"));
    }

    #[test]
    fn what_a_caller_is_besides_closes_but_never_opens() {
        let besides = Asked { principal: Principal::User(1), besides: vec![Principal::User(1000)], ..Asked::default() };
        assert_eq!(ask(&[grant("open", Effect::Allow)], &besides), denied(DEFAULT_RULE));
        let mine = Grant { principal: Principal::User(1), ..grant("mine", Effect::Allow) };
        assert_eq!(ask(std::slice::from_ref(&mine), &besides), allowed("mine"));
        assert_eq!(ask(&[mine, grant("shut", Effect::Deny)], &besides), denied("shut"));
    }

    #[test]
    fn a_key_bounds_what_its_agent_may() {
        let open = [grant("open", Effect::Allow)];
        let inside = Asked { within: Some(Reach::everything()), ..Asked::default() };
        assert_eq!(ask(&open, &inside), allowed("open"));
        let secrets = vec![SecretGlob::parse("hubspot/*").expect("glob")];
        let outside = Asked { within: Some(Reach { secrets, ..Reach::everything() }), ..Asked::default() };
        assert_eq!(ask(&open, &outside), denied("apikey:robot/ci"));
    }

    #[test]
    fn each_of_the_41_actions_is_refused_to_whoever_has_the_13_other_capabilities_and_allowed_to_whoever_has_its_own() {
        let may = |capabilities: &[Capability], action| {
            let capabilities = capabilities.iter().copied().collect();
            let reach = Reach::everything();
            let given = Grant { capabilities, reach, expires_at: Expiry::Never, ..grant("given", Effect::Allow) };
            ask(&[given], &Asked { action, ..Asked::default() })
        };
        for &action in Action::ALL {
            let own = action.capability();
            let others: Vec<Capability> = Capability::ALL.iter().copied().filter(|other| *other != own).collect();
            assert_eq!((others.len(), may(&others, action)), (13, denied(DEFAULT_RULE)), "{action:?}");
            assert_eq!(may(&[own], action), allowed("given"), "{action:?}");
        }
    }
}
