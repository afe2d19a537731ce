//! What a policy would have said to what was asked before: the journal's decisions against a candidate, and where they part.
//!
//! Pure: lines come in one by one, as the journal tells them. Expiry is judged by now, not by the time of the line: the
//! question is what would change, and what has expired does not come back.

use std::collections::BTreeMap;

use crate::model::actions::Action;
use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::principal::Principal;
use crate::model::secret::{Scope, SecretName};
use crate::model::time::Timestamp;

use super::decide::{DEFAULT_RULE, Decision, Question, decide};
use super::rule::{ADMIN_RULE, is_reserved};
use super::rulebook::Rulebook;

/// Most kinds of difference that are kept apart: beyond it only their number is known. Bounds the memory, for a stranger
/// may have asked for a million names.
pub const DIFFERENCES_MAX: usize = 10_000;

/// A decision of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Every principal the caller was, as the line tells them, with blanks between them.
    pub principal: String,
    /// What it wanted to do.
    pub action: Action,
    /// On which secret.
    pub secret: Option<SecretName>,
    /// In which scope, if that was known.
    pub scope: Option<Scope>,
    /// For which company, if it named one.
    pub company: Option<CompanyId>,
    /// In which environment, if the line says so; that of the node if not.
    pub environment: Option<EnvironmentName>,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The rule that decided.
    pub rule: String,
    /// What came of it: `ok`, or the code of the error.
    pub outcome: String,
    /// When.
    pub time: Timestamp,
}

/// What would change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drift {
    /// Lines whose decision was made again.
    pub compared: u64,
    /// Lines that no policy decided: the roster, a limit, a freeze, an identity that was not established.
    pub skipped: u64,
    /// The differences, the most frequent first.
    pub differences: Vec<Difference>,
    /// Lines with a difference that is none of those listed, because there are too many kinds.
    pub unlisted: u64,
}

/// Something that was decided one way and would be decided the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Who asked: the first principal of the line, by which people know the caller.
    pub principal: String,
    /// What it wanted to do.
    pub action: Action,
    /// On which secret.
    pub secret: Option<SecretName>,
    /// In which scope.
    pub scope: Option<Scope>,
    /// What was decided the last time.
    pub was: Decision,
    /// What would be.
    pub would: Decision,
    /// Whether the policy of today says what the candidate says: then it was another policy that decided.
    pub as_today: bool,
    /// How many lines.
    pub count: u64,
    /// The last of them.
    pub last: Timestamp,
}

impl Drift {
    /// Whether the candidate decides anything otherwise than the policy of today.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.unlisted == 0 && self.differences.iter().all(|difference| difference.as_today)
    }
}

type Kind = (String, Action, Option<SecretName>, Option<Scope>, bool, bool);

/// A candidate, and what was found so far.
#[derive(Debug)]
pub struct Replay<'a> {
    today: &'a Rulebook,
    candidate: &'a Rulebook,
    environment: &'a EnvironmentName,
    now: Timestamp,
    found: BTreeMap<Kind, Difference>,
    drift: Drift,
}

impl<'a> Replay<'a> {
    /// Nothing was found yet. `environment` is that of lines that name none.
    #[must_use]
    pub fn new(today: &'a Rulebook, candidate: &'a Rulebook, environment: &'a EnvironmentName, now: Timestamp) -> Self {
        Self { today, candidate, environment, now, found: BTreeMap::new(), drift: Drift::default() }
    }

    /// Decides a line again.
    pub fn take(&mut self, past: Past) {
        let principals = if by_policy(&past) { principals(&past.principal) } else { None };
        let Some(principals) = principals.filter(|principals| !principals.is_empty()) else {
            self.drift.skipped = self.drift.skipped.saturating_add(1);
            return;
        };
        self.drift.compared = self.drift.compared.saturating_add(1);
        let would = self.again(self.candidate, &past, &principals);
        if is_allowed(&would) == past.allowed {
            return;
        }
        let as_today = is_allowed(&self.again(self.today, &past, &principals)) != past.allowed;
        let first = principals.first().map(ToString::to_string).unwrap_or_default();
        self.note(past, first, would, as_today);
    }

    /// Everything that was found.
    #[must_use]
    pub fn finish(self) -> Drift {
        let mut differences: Vec<Difference> = self.found.into_values().collect();
        differences.sort_by(|left, right| (left.as_today, right.count).cmp(&(right.as_today, left.count)));
        Drift { differences, ..self.drift }
    }

    /// An agent that showed its key acts as itself; what it was besides can only close. Its key's own reach let the line
    /// through, or refused it, and is no part of a policy.
    fn again(&self, book: &Rulebook, past: &Past, principals: &[Principal]) -> Decision {
        let acts = match principals.first() {
            Some(Principal::Agent(_)) => 1,
            Some(_) | None => principals.len(),
        };
        let (principals, besides) = principals.split_at(acts);
        let of_scope = past.scope.as_ref().and_then(|scope| match scope {
            Scope::Company(company) => Some(company),
            Scope::Global | Scope::Node(_) => None,
        });
        let question = Question {
            principals,
            besides,
            within: None,
            action: past.action,
            secret: past.secret.as_ref(),
            scope: past.scope.as_ref(),
            company: past.company.as_ref().or(of_scope),
            environment: past.environment.as_ref().unwrap_or(self.environment),
            now: self.now,
        };
        decide(book, &question)
    }

    fn note(&mut self, past: Past, principal: String, would: Decision, as_today: bool) {
        let kind = (principal.clone(), past.action, past.secret.clone(), past.scope.clone(), past.allowed, as_today);
        if self.found.len() >= DIFFERENCES_MAX && !self.found.contains_key(&kind) {
            self.drift.unlisted = self.drift.unlisted.saturating_add(1);
            return;
        }
        let Past { action, secret, scope, allowed, rule, time, .. } = past;
        let rule = rule.into();
        let was = if allowed { Decision::Allowed { rule } } else { Decision::Denied { rule } };
        let found = self.found.entry(kind).or_insert_with(|| Difference {
            principal,
            action,
            secret,
            scope,
            was: was.clone(),
            would: would.clone(),
            as_today,
            count: 0,
            last: time,
        });
        found.count = found.count.saturating_add(1);
        if time >= found.last {
            (found.was, found.would, found.last) = (was, would, time);
        }
    }
}

fn is_allowed(decision: &Decision) -> bool {
    match decision {
        Decision::Allowed { .. } => true,
        Decision::Denied { .. } => false,
    }
}

/// Whether a policy decided the line. What was refused for another reason says so by its code, or by a rule that is no
/// grant; a line that announces a change is followed by one that tells what came of it.
fn by_policy(past: &Past) -> bool {
    let by_grant = match past.rule.as_str() {
        ADMIN_RULE | DEFAULT_RULE => true,
        rule => !is_reserved(rule) && (rule.starts_with("agent:") || !rule.contains([':', ' '])),
    };
    by_grant && past.outcome != "intent" && (past.allowed || past.outcome == "denied")
}

/// The principals of a line; `None` when one is none. No principal holds a blank.
fn principals(text: &str) -> Option<Vec<Principal>> {
    text.split(' ').map(|text| Principal::parse(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::file::parse;
    use super::super::plan::{Author, candidate, plan};
    use super::*;

    const NOW: Timestamp = Timestamp(10_000);

    fn book(grants: &[(&str, &str, &str)]) -> Rulebook {
        let text: String = grants
            .iter()
            .map(|(name, principal, more)| {
                format!(
                    "[[grant]]\nname = \"{name}\"\nprincipal = \"{principal}\"\ncapabilities = [\"data_read\"]\n\
                     secrets = [\"openai/*\"]\nenvironments = [\"prod\"]\nreason = \"x\"\n{more}\n"
                )
            })
            .collect();
        let file = parse(&text).unwrap_or_else(|problems| panic!("{problems}"));
        let plan = plan(&Rulebook::default(), &file, Author { who: "user:0", at: NOW });
        Rulebook::new(candidate([], &plan))
    }

    const NEVER: &str = "expires_at = \"never\"";

    fn read(principal: &str, rule: &str, allowed: bool) -> Past {
        Past {
            principal: principal.to_owned(),
            action: Action::SecretRead,
            secret: SecretName::parse("openai/api_key").ok(),
            scope: allowed.then_some(Scope::Global),
            company: None,
            environment: None,
            allowed,
            rule: rule.to_owned(),
            outcome: if allowed { "ok" } else { "denied" }.to_owned(),
            time: Timestamp(1_000),
        }
    }

    fn drift(today: &Rulebook, candidate: &Rulebook, lines: &[Past]) -> Drift {
        let prod = EnvironmentName::parse("prod").expect("name");
        let mut replay = Replay::new(today, candidate, &prod, NOW);
        lines.iter().cloned().for_each(|line| replay.take(line));
        replay.finish()
    }

    #[test]
    fn the_same_policy_decides_the_same() {
        let book = book(&[("alice", "user:alice", NEVER)]);
        let lines = [
            read("user:1 user:alice", "alice", true),
            read("user:2", "default-deny", false),
            read("admin user:0", "admin", true),
        ];
        let drift = drift(&book, &book, &lines);
        assert_eq!((drift.compared, drift.skipped, drift.is_none()), (3, 0, true), "{drift:?}");
    }

    #[test]
    fn what_would_be_decided_otherwise_is_told_once_with_both_rules_its_number_and_the_last_time() {
        let today = book(&[("alice", "user:alice", NEVER)]);
        let candidate = book(&[("bob", "user:bob", NEVER)]);
        let later = Past { time: Timestamp(2_000), ..read("user:1 user:alice", "alice", true) };
        let lines = [
            read("user:1 user:alice", "alice", true),
            later,
            read("user:2 user:bob", "default-deny", false),
            read("user:3", "default-deny", false),
        ];
        let drift = drift(&today, &candidate, &lines);
        let [lost, won] = &drift.differences[..] else { panic!("{drift:?}") };
        assert_eq!((lost.principal.as_str(), lost.count, lost.last), ("user:1", 2, Timestamp(2_000)));
        assert_eq!(lost.was, Decision::Allowed { rule: "alice".into() });
        assert_eq!(lost.would, Decision::Denied { rule: DEFAULT_RULE.into() });
        assert_eq!(won.would, Decision::Allowed { rule: "bob".into() });
        assert!(!drift.is_none() && !lost.as_today && drift.compared == 4);
    }

    #[test]
    fn what_the_policy_of_today_decides_otherwise_already_is_no_drift() {
        let today = book(&[("bob", "user:bob", NEVER)]);
        let drift = drift(&today, &today, &[read("user:2 user:bob", "default-deny", false)]);
        assert!(drift.is_none() && drift.differences[0].as_today, "{drift:?}");
    }

    #[test]
    fn a_grant_that_has_expired_by_now_decides_nothing_that_was_asked_before() {
        let today = book(&[("alice", "user:alice", NEVER)]);
        let candidate = book(&[("alice", "user:alice", "expires_at = \"1970-01-01T00:00:05Z\"")]);
        assert_eq!(drift(&today, &candidate, &[read("user:alice", "alice", true)]).differences.len(), 1);
    }

    #[test]
    fn what_no_policy_decided_is_counted_and_left_out() {
        let book = book(&[]);
        let with = |rule: &str, outcome: &str| Past { outcome: outcome.to_owned(), ..read("user:1", rule, false) };
        let lines = [
            with("roster", "denied"),
            with("undecided", "node_mismatch"),
            with("agent-suspended", "denied"),
            with("frozen", "frozen"),
            with("uid 65534 is nobody: run the program as a user this machine knows", "no_identity"),
            with("no such API key", "no_identity"),
            with("default-deny", "rate_limited"),
            with("apikey:robot/ci", "denied"),
            with("freeze:mesh", "denied"),
            Past { outcome: "intent".to_owned(), ..read("admin", "admin", true) },
            read("somebody", "default-deny", false),
        ];
        let drift = drift(&book, &book, &lines);
        assert_eq!((drift.compared, drift.skipped), (0, lines.len().try_into().expect("few")), "{drift:?}");
    }

    #[test]
    fn an_agent_acts_as_itself_and_what_it_is_besides_only_closes() {
        let today = book(&[("robot", "agent:robot", NEVER)]);
        let line = || [read("agent:robot user:1 user:alice", "robot", true)];
        let deny = "expires_at = \"never\"\neffect = \"deny\"\ncompanies = \"*\"";
        let closed = book(&[("robot", "agent:robot", NEVER), ("shut", "user:alice", deny)]);
        assert_eq!(drift(&today, &closed, &line()).differences.len(), 1);
        let moved = book(&[("alice", "user:alice", NEVER)]);
        assert_eq!(drift(&today, &moved, &line()).differences.len(), 1, "the grant of its user is not the agent's");
    }

    #[test]
    fn principals_read_back_from_a_line_and_a_blank_always_ends_one() {
        let text = "admin user:0 owner group:0 unit:a.service exe:/opt/b";
        let read: Vec<String> = principals(text).expect("right").iter().map(ToString::to_string).collect();
        assert_eq!(read.join(" "), text);
        for text in ["", "user:0 exe:/opt/my tool", "user:0 exe:/opt/b@sha256:00", "user:0 (and 3 more)"] {
            assert_eq!(principals(text), None, "{text}");
        }
    }

    #[test]
    fn kinds_of_difference_are_bounded() {
        let today = book(&[]);
        let candidate = book(&[("all", "socket-group", NEVER)]);
        let lines: Vec<Past> = (0..DIFFERENCES_MAX + 5)
            .map(|number| Past {
                secret: SecretName::parse(&format!("openai/k{number}")).ok(),
                ..read("socket-group", "default-deny", false)
            })
            .collect();
        let drift = drift(&today, &candidate, &lines);
        assert_eq!((drift.differences.len(), drift.unlisted), (DIFFERENCES_MAX, 5));
    }
}
