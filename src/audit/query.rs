//! Which lines somebody looks for: the conditions, and whether a line meets them. Pure; whatever finds lines faster asks
//! this last.

use std::borrow::Cow;

use serde::Deserialize;

use super::entry::Ruling;
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;

/// Longest text of an action, an outcome, a request id or a principal that is looked for. The names of actions are shorter; a
/// principal may be the path of a program.
pub const TEXT_BYTES_MAX: usize = 512;

/// What is looked for. A condition that is not set is met by every line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Written at this time or later.
    pub since: Option<Timestamp>,
    /// Written before this time.
    pub until: Option<Timestamp>,
    /// By a caller that was this principal, among others.
    pub principal: Option<String>,
    /// About a secret that this pattern covers.
    pub secret: Option<SecretGlob>,
    /// Of this action, or of this family of actions.
    pub action: Option<ActionPattern>,
    /// Allowed, or refused.
    pub decision: Option<Ruling>,
    /// Written by this node.
    pub node: Option<NodeName>,
    /// On behalf of this company.
    pub company: Option<CompanyId>,
    /// About this environment.
    pub environment: Option<EnvironmentName>,
    /// With this outcome, such as `ok` or the code of an error.
    pub outcome: Option<String>,
    /// Of this request.
    pub request_id: Option<String>,
}

/// An action, or all of which the name begins so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionPattern {
    /// `secret.read`.
    One(String),
    /// `secret.*`, kept as `secret.`.
    Family(String),
}

/// The text is no action: it is empty, too long, or has other characters than `[a-z0-9._-]` before a `*` at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an action: write secret.read, or secret.* for all that begin so")]
pub struct NotAnAction;

impl ActionPattern {
    /// Reads `secret.read`, `secret.*` or `*`.
    ///
    /// # Errors
    /// [`NotAnAction`].
    pub fn parse(text: &str) -> Result<Self, NotAnAction> {
        let (name, is_family) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if text.is_empty() || text.len() > TEXT_BYTES_MAX || !name.bytes().all(plain) {
            return Err(NotAnAction);
        }
        Ok(if is_family { Self::Family(name.to_owned()) } else { Self::One(name.to_owned()) })
    }

    /// Whether an action is one of those.
    #[must_use]
    pub fn covers(&self, action: &str) -> bool {
        match self {
            Self::One(name) => action == name,
            Self::Family(prefix) => action.starts_with(prefix.as_str()),
        }
    }
}

/// A line, as far as it is searched and shown. All that a line of some kind may lack is optional.
#[derive(Debug, Deserialize)]
pub(super) struct Told<'a> {
    pub(super) seq: u64,
    #[serde(borrow)]
    pub(super) time: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) node: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) request_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) principal: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) action: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) secret: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) environment: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) company: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) decision: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) outcome: Cow<'a, str>,
}

impl<'a> Told<'a> {
    /// Reads a line (without newline) and when it was written; `None` if it is not a line of a journal.
    pub(super) fn parse(line: &'a [u8]) -> Option<(Self, Timestamp)> {
        let told: Self = serde_json::from_slice(line).ok()?;
        let time = Timestamp::parse(&told.time)?;
        Some((told, time))
    }
}

/// Whether one of the principals of a line, which stand between blanks, is this one. The path of a program may hold blanks
/// of its own.
pub(super) fn is_one_of(principals: &str, principal: &str) -> bool {
    format!(" {principals} ").contains(&format!(" {principal} "))
}

impl Query {
    /// Whether a line written at this time meets every condition.
    pub(super) fn covers(&self, line: &Told<'_>, time: Timestamp) -> bool {
        self.covers_time(time)
            && self.principal.as_ref().is_none_or(|principal| is_one_of(&line.principal, principal))
            && self
                .secret
                .as_ref()
                .is_none_or(|glob| line.secret.as_deref().is_some_and(|text| covers_name(glob, text)))
            && self.action.as_ref().is_none_or(|action| action.covers(&line.action))
            && self.decision.is_none_or(|decision| line.decision == decision.as_str())
            && self.node.as_ref().is_none_or(|node| line.node == node.as_str())
            && self.company.as_ref().is_none_or(|company| line.company.as_deref() == Some(company.as_str()))
            && self.environment.as_ref().is_none_or(|name| line.environment.as_deref() == Some(name.as_str()))
            && self.outcome.as_ref().is_none_or(|outcome| line.outcome == outcome.as_str())
            && self.request_id.as_ref().is_none_or(|id| line.request_id == id.as_str())
    }

    /// Whether the time is within the window.
    pub(super) fn covers_time(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }

    /// Whether something written between these times, both included, can be within the window.
    pub(super) fn meets(&self, first: Timestamp, last: Timestamp) -> bool {
        self.since.is_none_or(|since| last >= since) && self.until.is_none_or(|until| first < until)
    }

    /// Texts that stand in every line that is looked for, as the journal writes them: a line without one of them need not
    /// be understood. Texts that JSON may write in several ways are left out.
    pub(super) fn needles(&self) -> Vec<String> {
        let glob = self.secret.as_ref().and_then(|glob| {
            let pieces = glob.as_str().split('*').map(str::to_owned);
            pieces.max_by_key(String::len)
        });
        let action = self.action.as_ref().map(|action| match action {
            ActionPattern::One(name) => format!("\"{name}\""),
            ActionPattern::Family(prefix) => format!("\"{prefix}"),
        });
        let quoted = |text: Option<&str>| text.map(|text| format!("\"{text}\""));
        let all = [
            self.principal.clone(),
            glob,
            action,
            quoted(self.decision.map(Ruling::as_str)),
            quoted(self.node.as_ref().map(NodeName::as_str)),
            quoted(self.company.as_ref().map(CompanyId::as_str)),
            quoted(self.environment.as_ref().map(EnvironmentName::as_str)),
            self.outcome.clone(),
            self.request_id.clone(),
        ];
        // A slash may be written as \/ as well; ours never is, but a copied line of another hand would be missed.
        let is_plain = |text: &String| {
            let inner = text.trim_matches('"');
            inner.bytes().all(|byte| (b' '..0x7f).contains(&byte) && !b"\"\\".contains(&byte)) && !inner.is_empty()
        };
        all.into_iter().flatten().filter(is_plain).collect()
    }
}

/// Whether a pattern covers what a line says to be a secret. A text that is none is covered by no pattern.
pub(super) fn covers_name(glob: &SecretGlob, text: &str) -> bool {
    SecretName::parse(text).is_ok_and(|name| glob.matches(&name))
}

/// The conditions in words, for the audit line of whoever looks.
impl std::fmt::Display for Query {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let action = self.action.as_ref().map(|action| match action {
            ActionPattern::One(name) => name.clone(),
            ActionPattern::Family(prefix) => format!("{prefix}*"),
        });
        let all = [
            ("since", self.since.map(|time| time.to_string())),
            ("until", self.until.map(|time| time.to_string())),
            ("principal", self.principal.clone()),
            ("secret", self.secret.as_ref().map(ToString::to_string)),
            ("action", action),
            ("decision", self.decision.map(|ruling| ruling.as_str().to_owned())),
            ("node", self.node.as_ref().map(ToString::to_string)),
            ("company", self.company.as_ref().map(ToString::to_string)),
            ("environment", self.environment.as_ref().map(ToString::to_string)),
            ("outcome", self.outcome.clone()),
            ("request_id", self.request_id.clone()),
        ];
        let told = all.into_iter().filter_map(|(name, text)| text.map(|text| format!("{name}={text}")));
        formatter.write_str(&told.collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_one_or_a_family() {
        let one = ActionPattern::parse("secret.read").expect("an action");
        assert!(one.covers("secret.read") && !one.covers("secret.readable"));
        let family = ActionPattern::parse("secret.*").expect("a family");
        assert!(family.covers("secret.read") && family.covers("secret.write") && !family.covers("secrets"));
        assert!(ActionPattern::parse("*").expect("all").covers("journal.recovered"));
        for text in ["", "secret.*.read", "Secret", "a b", "a\n", "**", &"a".repeat(600)] {
            assert_eq!(ActionPattern::parse(text), Err(NotAnAction), "{text:?}");
        }
    }

    #[test]
    fn the_conditions_are_told_in_words() {
        let query = Query {
            since: Some(Timestamp(0)),
            action: ActionPattern::parse("secret.*").ok(),
            decision: Some(Ruling::Deny),
            ..Query::default()
        };
        assert_eq!(query.to_string(), "since=1970-01-01T00:00:00.000Z action=secret.* decision=deny");
        assert_eq!(Query::default().to_string(), "");
    }

    #[test]
    fn a_text_that_json_may_write_otherwise_is_no_needle() {
        let query = Query {
            principal: Some("exe:/opt/my \"tool\"".to_owned()),
            outcome: Some("ok".to_owned()),
            secret: SecretGlob::parse("open*/api_*").ok(),
            ..Query::default()
        };
        assert_eq!(query.needles(), ["/api_", "ok"]);
    }
}
