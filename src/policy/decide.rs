//! The decision: deny by default, an explicit deny wins, and the answer names the rule.

use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;

use super::actions::Action;
use super::grant::{Effect, Grant};
use super::principal::Principal;

/// The rule that refuses when no grant speaks.
pub const DEFAULT_RULE: &str = "default-deny";

/// Every grant of a node. The empty policy refuses everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The rules; their order decides nothing but which of several equal ones is named.
    pub grants: Vec<Grant>,
}

/// May one of these principals do this, on this, now?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Everything the caller was proved to be.
    pub principals: &'a [Principal],
    /// What it wants to do.
    pub action: Action,
    /// On which secret, if the action is about one.
    pub secret: Option<&'a SecretName>,
    /// On behalf of which company, if it named one or the scope does.
    pub company: Option<&'a CompanyId>,
    /// In which environment.
    pub environment: &'a EnvironmentName,
    /// The wall clock.
    pub now: Timestamp,
}

/// The answer, with the rule that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allowed {
        /// The name of the grant.
        rule: String,
    },
    /// No.
    Denied {
        /// The name of the deny, or [`DEFAULT_RULE`].
        rule: String,
    },
}

/// Decides one question.
#[must_use]
pub fn decide(policy: &Policy, question: &Question<'_>) -> Decision {
    let mut allowed_by = None;
    for grant in policy.grants.iter().filter(|grant| grant.speaks_about(question)) {
        match grant.effect {
            Effect::Deny => return Decision::Denied { rule: grant.name.clone() },
            Effect::Allow => allowed_by = allowed_by.or(Some(grant)),
        }
    }
    match allowed_by {
        Some(grant) => Decision::Allowed { rule: grant.name.clone() },
        None => Decision::Denied { rule: DEFAULT_RULE.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::super::actions::Capability;
    use super::super::grant::{Environments, Expiry};
    use super::*;
    use crate::model::company::Companies;
    use crate::model::glob::SecretGlob;

    const NOW: Timestamp = Timestamp(1_000);

    fn environment(text: &str) -> EnvironmentName {
        EnvironmentName::parse(text).expect(text)
    }

    fn company(text: &str) -> CompanyId {
        CompanyId::parse(text).expect(text)
    }

    /// The user may read `openai/*` in prod, for acme.
    fn grant(name: &str, effect: Effect) -> Grant {
        Grant {
            name: name.to_owned(),
            principal: Principal::User(1000),
            capabilities: [Capability::DataRead, Capability::DataQuery].into(),
            globs: vec![SecretGlob::parse("openai/*").expect("glob")],
            companies: Companies::Only([company("acme")].into()),
            environments: Environments::Only([environment("prod")].into()),
            expires_at: Expiry::At(Timestamp(2_000)),
            effect,
            granted_by: "user:1000".to_owned(),
            reason: "test".to_owned(),
        }
    }

    struct Asked {
        principal: Principal,
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
            action: asked.action,
            secret: secret.as_ref(),
            company: company.as_ref(),
            environment: &environment(asked.environment),
            now: asked.now,
        };
        decide(&Policy { grants: grants.to_vec() }, &question)
    }

    fn allowed(rule: &str) -> Decision {
        Decision::Allowed { rule: rule.to_owned() }
    }

    fn denied(rule: &str) -> Decision {
        Decision::Denied { rule: rule.to_owned() }
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
            Grant { globs: vec![], ..grant("empty", Effect::Allow) },
            Grant { companies: Companies::default(), ..grant("empty", Effect::Allow) },
            Grant { environments: Environments::default(), ..grant("empty", Effect::Allow) },
        ];
        for case in cases {
            assert_eq!(ask(&[case], &Asked::default()), denied(DEFAULT_RULE));
        }
    }

    #[test]
    fn a_list_is_allowed_by_any_glob_and_shut_only_by_a_deny_of_everything() {
        let list = Asked { action: Action::SecretList, secret: None, company: None, ..Asked::default() };
        let open = grant("open", Effect::Allow);
        assert_eq!(ask(&[open.clone(), grant("one service", Effect::Deny)], &list), allowed("open"));
        for pattern in ["*", "*/*"] {
            let globs = vec![SecretGlob::parse(pattern).expect(pattern)];
            let everything = Grant { globs, companies: Companies::All, ..grant("everything", Effect::Deny) };
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
}
