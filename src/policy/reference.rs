//! The policy a second time, as slowly and plainly as it can be said, and a million random cases in which both must agree.
//!
//! The reference knows nothing of the index, of the order of rules or of the helpers of this room: it reads the articles
//! from first to last and asks of each what DESIGN §9 says. It is written from that text, not from the code.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use super::decide::{DEFAULT_RULE, Decision, Question, Within, decide};
use super::rulebook::Rulebook;
use crate::model::actions::{Action, Capability};
use crate::model::agent::{Agent, AgentCapability, AgentKind, AgentOrigin, AgentState};
use crate::model::article::Article;
use crate::model::company::Companies;
use crate::model::glob::SecretGlob;
use crate::model::grant::{Effect, Expiry, Grant};
use crate::model::name::{AgentName, CompanyId, EnvironmentName, GrantName};
use crate::model::principal::Principal;
use crate::model::reach::{Environments, Reach, ScopeKind, Scopes};
use crate::model::secret::{Scope, SecretName};
use crate::model::time::Timestamp;

/// What the reference says, with every rule that may be named for it.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    allowed: bool,
    by: BTreeSet<String>,
}

/// Deny by default; an explicit deny wins; a key bounds its agent; what a caller is besides only closes.
fn reference(articles: &[Article], question: &Question<'_>) -> Said {
    let (mut opens, mut closes) = (BTreeSet::new(), BTreeSet::new());
    for article in articles {
        match article {
            Article::Grant(grant) => {
                let acts = question.principals.contains(&grant.principal);
                let is_besides = question.besides.contains(&grant.principal);
                let over = match grant.expires_at {
                    Expiry::Never => false,
                    Expiry::At(end) => end.0 <= question.now.0,
                };
                if over || !grant.capabilities.iter().any(|given| *given == question.action.capability()) {
                    continue;
                }
                match grant.effect {
                    Effect::Deny if (acts || is_besides) && closes_it(&grant.reach, question) => {
                        closes.insert(grant.name.to_string());
                    }
                    Effect::Allow if acts && reaches_it(&grant.reach, question) => {
                        opens.insert(grant.name.to_string());
                    }
                    Effect::Deny | Effect::Allow => {}
                }
            }
            Article::Agent(agent) => {
                let acts = question.principals.contains(&Principal::Agent(agent.name.clone()));
                let may = agent.capabilities.iter().any(|held| held.capability == question.action.capability());
                if acts && may && agent.state == AgentState::Active && reaches_it(&agent.reach, question) {
                    opens.insert(format!("agent:{}", agent.name));
                }
            }
            Article::ApiKey(_) | Article::Freeze(_) => {}
        }
    }
    if question.principals.contains(&Principal::Admin) {
        opens.insert("admin".to_owned());
    }
    if !closes.is_empty() {
        return Said { allowed: false, by: closes };
    }
    if let Some(key) = question.within
        && !reaches_it(key.reach, question)
    {
        return Said { allowed: false, by: [key.rule.to_owned()].into() };
    }
    if opens.is_empty() {
        return Said { allowed: false, by: ["default-deny".to_owned()].into() };
    }
    Said { allowed: true, by: opens }
}

/// Whether a reach covers what is asked; what is left open is asked about later, one by one, so it is not held against it.
fn reaches_it(reach: &Reach, question: &Question<'_>) -> bool {
    let secret = match question.secret {
        Some(name) => reach.secrets.iter().any(|glob| covers(glob.as_str(), &name.to_string())),
        None => !reach.secrets.is_empty(),
    };
    let scope = match question.scope {
        Some(scope) => kinds(reach).contains(&scope.kind()),
        None => !kinds(reach).is_empty(),
    };
    let company = question.company.is_none_or(|company| names_company(reach, company));
    secret && scope && company && in_environment(reach, question.environment)
}

/// Whether a reach covers all of what is asked: what is left open must be in it as a whole.
fn closes_it(reach: &Reach, question: &Question<'_>) -> bool {
    let secret = match question.secret {
        Some(name) => reach.secrets.iter().any(|glob| covers(glob.as_str(), &name.to_string())),
        None => reach.secrets.iter().any(|glob| ["*", "*/*"].contains(&glob.as_str())),
    };
    let scope = match question.scope {
        Some(scope) => kinds(reach).contains(&scope.kind()),
        None => reach.scopes == Scopes::All,
    };
    let company = match question.company {
        Some(company) => names_company(reach, company),
        None => reach.companies == Companies::All,
    };
    secret && scope && company && in_environment(reach, question.environment)
}

fn kinds(reach: &Reach) -> Vec<&'static str> {
    match &reach.scopes {
        Scopes::All => vec!["global", "company", "node"],
        Scopes::Only(kinds) => kinds.iter().map(|kind| kind.as_str()).collect(),
    }
}

fn names_company(reach: &Reach, company: &CompanyId) -> bool {
    match &reach.companies {
        Companies::All => true,
        Companies::Only(names) => names.iter().any(|name| name == company),
    }
}

fn in_environment(reach: &Reach, environment: &EnvironmentName) -> bool {
    match &reach.environments {
        Environments::All => true,
        Environments::Only(names) => names.iter().any(|name| name == environment),
    }
}

/// `*` is everything; else both parts must match, in which `*` is any run of characters.
fn covers(pattern: &str, name: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let ((service, key), (its_service, its_key)) = (halves(pattern), halves(name));
    part(service.as_bytes(), its_service.as_bytes()) && part(key.as_bytes(), its_key.as_bytes())
}

fn halves(text: &str) -> (&str, &str) {
    text.split_once('/').expect("two parts")
}

fn part(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|skipped| part(rest, &text[skipped..])),
        [first, rest @ ..] => text.first() == Some(first) && part(rest, &text[1..]),
    }
}

/// A small random source (splitmix64), so that a case is found again by its number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(below).expect("small")).expect("small")
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.roll(count) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }

    /// Each with one chance in two.
    fn some<T: Clone>(&mut self, from: &[T]) -> Vec<T> {
        from.iter().filter(|_| self.one_in(2)).cloned().collect()
    }
}

/// Few names of each kind, so that what is asked often meets what is granted.
struct Alphabet {
    principals: Vec<Principal>,
    globs: Vec<SecretGlob>,
    secrets: Vec<SecretName>,
    scopes: Vec<Scope>,
    companies: Vec<CompanyId>,
    environments: Vec<EnvironmentName>,
    actions: Vec<Action>,
}

impl Alphabet {
    fn new() -> Self {
        fn all<T, E: std::fmt::Debug>(texts: &[&str], parse: impl Fn(&str) -> Result<T, E>) -> Vec<T> {
            texts.iter().map(|text| parse(text).expect(text)).collect()
        }
        let principals = ["user:1", "group:1", "user:alice", "unit:a.service", "agent:robot", "agent:tool", "admin"];
        let globs = ["*", "*/*", "a/*", "ab/*", "a/x", "a*/x", "*/x*", "*b/*y", "ab/x*y", ".a/*"];
        let actions = [Action::SecretRead, Action::SecretList, Action::SecretExport, Action::PolicyManage];
        Self {
            principals: all(&principals, Principal::parse),
            globs: all(&globs, SecretGlob::parse),
            secrets: all(&["a/x", "a/xy", "ab/x", "ab/xzy", "b/y", "bab/xx"], SecretName::parse),
            scopes: all(&["global", "company:c", "company:d", "node:n"], Scope::parse),
            companies: all(&["c", "d"], CompanyId::parse),
            environments: all(&["prod", "dev"], EnvironmentName::parse),
            actions: actions.to_vec(),
        }
    }

    fn reach(&self, dice: &mut Dice) -> Reach {
        let scopes = match dice.roll(3) {
            0 => Scopes::Only(dice.some(&ScopeKind::ALL).into_iter().collect()),
            _ => Scopes::All,
        };
        let companies = match dice.roll(2) {
            0 => Companies::Only(dice.some(&self.companies).into_iter().collect()),
            _ => Companies::All,
        };
        let environments = match dice.roll(3) {
            0 => Environments::Only(dice.some(&self.environments).into_iter().collect()),
            _ => Environments::All,
        };
        let count = dice.roll(4);
        Reach { secrets: (0..count).map(|_| dice.pick(&self.globs)).collect(), scopes, companies, environments }
    }

    fn capabilities(&self, dice: &mut Dice) -> Vec<Capability> {
        dice.some(&[Capability::DataRead, Capability::DataQuery, Capability::SystemAdmin])
    }

    fn articles(&self, dice: &mut Dice) -> Vec<Article> {
        let grants = (0..dice.roll(12)).map(|number| {
            Article::Grant(Grant {
                name: GrantName::parse(&format!("g{number}")).expect("name"),
                principal: dice.pick(&self.principals),
                capabilities: self.capabilities(dice).into_iter().collect(),
                reach: self.reach(dice),
                expires_at: if dice.one_in(3) { Expiry::At(self.time(dice)) } else { Expiry::Never },
                effect: if dice.one_in(6) { Effect::Deny } else { Effect::Allow },
                granted_by: String::new(),
                granted_at: Timestamp(0),
                reason: String::new(),
            })
        });
        let mut articles: Vec<Article> = grants.collect();
        for name in ["robot", "tool"] {
            if dice.one_in(2) {
                articles.push(Article::Agent(self.agent(name, dice)));
            }
        }
        articles
    }

    fn agent(&self, name: &str, dice: &mut Dice) -> Agent {
        let given = |capability| AgentCapability {
            capability,
            granted_by: String::new(),
            granted_at: Timestamp(0),
            note: None,
        };
        Agent {
            name: AgentName::parse(name).expect(name),
            title: None,
            kind: AgentKind::Tool,
            state: dice.pick(&AgentState::ALL),
            owner: String::new(),
            created_at: Timestamp(0),
            origin: AgentOrigin::Policy,
            capabilities: self.capabilities(dice).into_iter().map(given).collect(),
            reach: self.reach(dice),
            limit_rpm: None,
            signs: false,
            note: None,
        }
    }

    fn time(&self, dice: &mut Dice) -> Timestamp {
        dice.pick(&[Timestamp(1), Timestamp(2), Timestamp(3)])
    }

    fn asked(&self, dice: &mut Dice) -> Asked {
        let mut principals = dice.some(&self.principals);
        if !dice.one_in(10) {
            principals.retain(|principal| *principal != Principal::Admin);
        }
        Asked {
            principals,
            besides: if dice.one_in(2) { dice.some(&self.principals) } else { Vec::new() },
            within: dice.one_in(4).then(|| self.reach(dice)),
            action: dice.pick(&self.actions),
            secret: (!dice.one_in(4)).then(|| dice.pick(&self.secrets)),
            scope: dice.one_in(2).then(|| dice.pick(&self.scopes)),
            company: dice.one_in(2).then(|| dice.pick(&self.companies)),
            environment: dice.pick(&self.environments),
            now: self.time(dice),
        }
    }
}

#[derive(Debug)]
struct Asked {
    principals: Vec<Principal>,
    besides: Vec<Principal>,
    within: Option<Reach>,
    action: Action,
    secret: Option<SecretName>,
    scope: Option<Scope>,
    company: Option<CompanyId>,
    environment: EnvironmentName,
    now: Timestamp,
}

impl Asked {
    fn question(&self) -> Question<'_> {
        Question {
            principals: &self.principals,
            besides: &self.besides,
            within: self.within.as_ref().map(|reach| Within { reach, rule: "apikey:robot/ci" }),
            action: self.action,
            secret: self.secret.as_ref(),
            scope: self.scope.as_ref(),
            company: self.company.as_ref(),
            environment: &self.environment,
            now: self.now,
        }
    }
}

/// What many cases came to.
#[derive(Debug, Default)]
struct Counts {
    allowed: AtomicU64,
    denied: AtomicU64,
    by_default: AtomicU64,
}

/// Asks many questions of one random policy; the first in which `decide` and the reference part, if there is one.
fn disagreement(
    alphabet: &Alphabet,
    seed: u64,
    questions: usize,
    decide: impl Fn(&Rulebook, &Question<'_>) -> Decision,
    counts: &Counts,
) -> Option<String> {
    let mut dice = Dice(seed);
    let articles = alphabet.articles(&mut dice);
    let book = Rulebook::new(articles.iter().cloned());
    for number in 0..questions {
        let asked = alphabet.asked(&mut dice);
        let question = asked.question();
        let (decided, said) = (decide(&book, &question), reference(&articles, &question));
        let (allowed, rule) = match &decided {
            Decision::Allowed { rule } => (true, rule),
            Decision::Denied { rule } => (false, rule),
        };
        let count = match (allowed, &**rule) {
            (true, _) => &counts.allowed,
            (false, DEFAULT_RULE) => &counts.by_default,
            (false, _) => &counts.denied,
        };
        count.fetch_add(1, Ordering::Relaxed);
        if allowed != said.allowed || !said.by.contains(&**rule) {
            return Some(format!(
                "policy {seed}, question {number}: {decided:?} but {said:?}\n{asked:#?}\n{articles:#?}"
            ));
        }
    }
    None
}

#[test]
fn a_million_random_cases_agree_with_the_reference() {
    const POLICIES: u64 = 4_000;
    const QUESTIONS: usize = 250;
    let (alphabet, counts) = (Alphabet::new(), Counts::default());
    std::thread::scope(|threads| {
        for part in 0..2 {
            let (alphabet, counts) = (&alphabet, &counts);
            threads.spawn(move || {
                for seed in (0..POLICIES).filter(|seed| seed % 2 == part) {
                    let parted = disagreement(alphabet, seed, QUESTIONS, decide, counts);
                    assert!(parted.is_none(), "{}", parted.unwrap_or_default());
                }
            });
        }
    });
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    let (allowed, denied, by_default) = (count(&counts.allowed), count(&counts.denied), count(&counts.by_default));
    assert_eq!(allowed + denied + by_default, 1_000_000);
    // A test in which everything is refused would agree, too.
    assert!(allowed > 150_000 && denied > 50_000 && by_default > 150_000, "{counts:?}");
}

type Broken = fn(&Rulebook, &Question<'_>) -> Decision;

#[test]
fn a_planted_mistake_is_found() {
    let broken: [(&str, Broken); 8] = [
        ("an allow beats a deny", |book, question| {
            let opens = book.grants().filter(|grant| grant.effect == Effect::Allow).cloned().map(Article::Grant);
            decide(&Rulebook::new(opens.chain(book.agents().cloned().map(Article::Agent))), question)
        }),
        ("what a caller is besides does not close", |book, question| {
            decide(book, &Question { besides: &[], ..*question })
        }),
        ("what a caller is besides opens", |book, question| {
            let both = [question.principals, question.besides].concat();
            decide(book, &Question { principals: &both, ..*question })
        }),
        ("a key does not bound its agent", |book, question| decide(book, &Question { within: None, ..*question })),
        ("what ends now still holds", |book, question| {
            decide(book, &Question { now: Timestamp(question.now.0 - 1), ..*question })
        }),
        ("companies are not looked at", |book, question| decide(book, &Question { company: None, ..*question })),
        ("scopes are not looked at", |book, question| decide(book, &Question { scope: None, ..*question })),
        ("a suspended agent acts", |book, question| {
            let active = |agent: &Agent| Agent { state: AgentState::Active, ..agent.clone() };
            let agents = book.agents().map(|agent| Article::Agent(active(agent)));
            decide(&Rulebook::new(book.grants().cloned().map(Article::Grant).chain(agents)), question)
        }),
    ];
    let alphabet = Alphabet::new();
    for (mistake, decide) in broken {
        let found = (0..200).any(|seed| disagreement(&alphabet, seed, 100, decide, &Counts::default()).is_some());
        assert!(found, "{mistake}: nobody noticed");
    }
}
