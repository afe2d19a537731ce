//! Why a credential can be used or not, told so that an agent knows what to do next.

use rmcp::schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answers::scope_text;
use crate::model::name::CompanyId;
use crate::model::secret::SecretName;

/// How a credential stands for whoever asks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Explained {
    /// `service/key_name`.
    name: String,
    environment: String,
    /// Whether it could be used now.
    usable: bool,
    /// Whether policy lets whoever asks read it.
    allowed: bool,
    /// The rule by which it does, or refuses.
    rule: String,
    /// The scope whose value would be used.
    winner: Option<String>,
    /// The version of that value.
    version: Option<u64>,
    expires_at: Option<String>,
    /// How old the copy is; absent if it is too old to be given out.
    freshness: Option<FreshnessView>,
    /// Each scope that was tried, the narrowest first.
    tried: Vec<Tried>,
    /// Why it cannot be used.
    why_not: Option<String>,
    /// What to do next.
    next: String,
}

/// What became of one scope.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Tried {
    scope: String,
    /// `won`, `overridden`, `absent`, `deleted`, `destroyed`, `unset`, `not_entitled`, `not_named` or `not_allowed`.
    outcome: String,
    version: Option<u64>,
}

/// How fresh a copy is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct FreshnessView {
    /// `LEAD`, `HIT` or `STALE`.
    served: String,
    age_ms: u64,
    fresh_until: String,
}

/// `GET /api/explain/{service}/{key}`.
#[derive(Debug, Deserialize)]
pub(super) struct ExplainView {
    environment: String,
    tried: Vec<TriedView>,
    winner: Option<WinnerView>,
    allowed: bool,
    rule: String,
    freshness: Option<FreshnessView>,
}

#[derive(Debug, Deserialize)]
struct TriedView {
    scope: String,
    scope_id: Option<String>,
    outcome: String,
    version: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct WinnerView {
    scope: String,
    scope_id: Option<String>,
    version: u64,
    expires_at: Option<String>,
}

impl Explained {
    /// What a node says, with what follows from it.
    pub(super) fn new(name: &SecretName, company: Option<&CompanyId>, view: ExplainView) -> Self {
        let (why_not, next) = verdict(name, company, &view);
        let tried = |it: TriedView| Tried {
            scope: scope_text(&it.scope, it.scope_id.as_deref()),
            outcome: it.outcome,
            version: it.version,
        };
        let winner = view.winner.as_ref();
        Self {
            name: name.to_string(),
            environment: view.environment,
            usable: why_not.is_none(),
            allowed: view.allowed,
            rule: view.rule,
            winner: winner.map(|winner| scope_text(&winner.scope, winner.scope_id.as_deref())),
            version: winner.map(|winner| winner.version),
            expires_at: view.winner.and_then(|winner| winner.expires_at),
            freshness: view.freshness,
            tried: view.tried.into_iter().map(tried).collect(),
            why_not,
            next,
        }
    }
}

/// Why it cannot be used, if it cannot, and what to do next.
fn verdict(name: &SecretName, company: Option<&CompanyId>, view: &ExplainView) -> (Option<String>, String) {
    let rule = &view.rule;
    if !view.allowed {
        let why = format!("policy refuses it (rule {rule})");
        let next = if rule.starts_with("freeze") {
            "It is frozen for now: wait, or tell whoever you work for. A request for access does not help.".to_owned()
        } else if rule == "roster" {
            "This node does not speak for that company: leave the company out, or tell whoever you work for.".to_owned()
        } else {
            format!("Call request_access with name {name} and a reason; a person decides. Then ask again.")
        };
        return (Some(why), next);
    }
    if view.winner.is_none() {
        let unnamed = company.is_none() && view.tried.iter().any(|tried| tried.outcome == "not_named");
        let next = if unnamed {
            "Name the company it is for, if there is one; else ask a person to store it with: aurora put"
        } else {
            "Ask a person to store it with: aurora put"
        };
        return (Some("no scope that may be known of has a value for it".to_owned()), format!("{next} {name}"));
    }
    if view.freshness.is_none() {
        let next = "This node has not heard its lead for too long: use a node that has, or try again later.";
        return (Some("the copy on this node is too old to be given out".to_owned()), next.to_owned());
    }
    let of = company.map(|company| format!("?company={company}")).unwrap_or_default();
    let next = format!(
        "Use it without seeing it: write aurora://{name}{of} as the value of an environment variable and start the program \
         with: aurora run -- COMMAND"
    );
    (None, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(change: impl FnOnce(&mut ExplainView)) -> Explained {
        let name = SecretName::parse("openai/api_key").expect("a name");
        let winner = WinnerView { scope: "global".into(), scope_id: None, version: 3, expires_at: None };
        let freshness = FreshnessView { served: "HIT".into(), age_ms: 5, fresh_until: "soon".into() };
        let mut view = ExplainView {
            environment: "prod".into(),
            tried: Vec::new(),
            winner: Some(winner),
            allowed: true,
            rule: "owner".into(),
            freshness: Some(freshness),
        };
        change(&mut view);
        Explained::new(&name, None, view)
    }

    #[test]
    fn what_can_be_used_says_how_and_what_cannot_says_why_and_what_to_do() {
        let good = explained(|_| {});
        assert!(good.usable && good.next.contains("aurora://openai/api_key") && good.next.contains("aurora run"));
        let denied = explained(|view| (view.allowed, view.rule) = (false, "default-deny".into()));
        assert!(!denied.usable && denied.next.contains("request_access"), "{}", denied.next);
        let frozen = explained(|view| (view.allowed, view.rule) = (false, "freeze:mesh".into()));
        assert!(frozen.next.contains("frozen") && !frozen.next.contains("Call request_access"));
        let absent = explained(|view| view.winner = None);
        assert!(absent.next.contains("aurora put openai/api_key"), "{}", absent.next);
        let old = explained(|view| view.freshness = None);
        assert!(old.why_not.expect("too old").contains("too old"));
    }
}
