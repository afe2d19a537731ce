//! What one decision costs, from ten grants to ten thousand: spread over many principals, and all of them about one group.
//!
//! `cargo bench --bench policy_decision` measures and fails when the target is missed. Without `--bench`, which is how
//! `cargo test --benches` starts it, it decides a handful of each to show that it still works, and judges nothing.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

use std::hint::black_box;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use aurora_mesh::model::actions::{Action, Capability};
use aurora_mesh::model::article::Article;
use aurora_mesh::model::company::Companies;
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::grant::{Effect, Expiry, Grant};
use aurora_mesh::model::name::{CompanyId, EnvironmentName, GrantName};
use aurora_mesh::model::principal::Principal;
use aurora_mesh::model::reach::{Environments, Reach, Scopes};
use aurora_mesh::model::secret::{Scope, SecretName};
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::policy::decide::{Decision, Question, decide};
use aurora_mesh::policy::rulebook::Rulebook;

/// The promise, at a thousand grants.
const DECISION_MAX: Duration = Duration::from_micros(5);
const PROMISED_AT: usize = 1_000;

/// Whom the grants are about.
#[derive(Clone, Copy)]
enum Layout {
    /// Each about a unit of its own.
    Spread,
    /// All about one group, each about a service of its own.
    OneGroup,
    /// All about one group, each about the same service and another key: the worst a sensible policy comes to.
    OneService,
}

fn main() -> ExitCode {
    let judged = std::env::args().any(|argument| argument == "--bench");
    let rounds = if judged { 200_000 } else { 5 };
    let mut kept = true;
    let layouts = [
        ("spread over units", Layout::Spread, true),
        ("one group, own services", Layout::OneGroup, true),
        ("one group, one service", Layout::OneService, false),
    ];
    for (what, layout, promised) in layouts {
        for count in [10, 100, 1_000, 10_000] {
            let began = Instant::now();
            let book = Rulebook::new(grants(layout, count).map(Article::Grant));
            let built = began.elapsed();
            let [allow, deny, default] = [Wanted::Allow, Wanted::Deny, Wanted::Default].map(|wanted| {
                let rounds = if matches!(layout, Layout::OneService) { rounds.min(20_000) } else { rounds };
                measured(&book, layout, count, wanted, rounds)
            });
            line(&format!(
                "{what:26} {count:>6} grants: allow {allow:>9.0?}  deny {deny:>9.0?}  default {default:>9.0?}  (rulebook made in {built:.1?})"
            ));
            if promised && count == PROMISED_AT && [allow, deny, default].iter().any(|cost| *cost > DECISION_MAX) {
                kept = false;
            }
        }
    }
    line(&format!("target: {DECISION_MAX:?} at {PROMISED_AT} grants: {}", if kept { "met" } else { "missed" }));
    if kept || !judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Allow,
    Deny,
    Default,
}

/// Nine in ten allow; every tenth denies.
fn grants(layout: Layout, count: usize) -> impl Iterator<Item = Grant> {
    (0..count).map(move |number| Grant {
        name: GrantName::parse(&format!("g{number}")).expect("name"),
        principal: match layout {
            Layout::Spread => principal(&format!("unit:u{number}.service")),
            Layout::OneGroup | Layout::OneService => principal("group:dev"),
        },
        capabilities: [Capability::DataRead, Capability::DataQuery].into(),
        reach: Reach {
            secrets: vec![SecretGlob::parse(&pattern(layout, number)).expect("glob")],
            scopes: Scopes::All,
            companies: Companies::Only([CompanyId::parse("acme").expect("company")].into()),
            environments: Environments::Only([environment()].into()),
        },
        expires_at: Expiry::At(Timestamp(2)),
        effect: if number % 10 == 9 { Effect::Deny } else { Effect::Allow },
        granted_by: String::new(),
        granted_at: Timestamp(0),
        reason: String::new(),
    })
}

fn pattern(layout: Layout, number: usize) -> String {
    match layout {
        Layout::Spread | Layout::OneGroup => format!("s{number}/*"),
        Layout::OneService => format!("s/k{number}_*"),
    }
}

/// The cost of one decision: the median of a hundred groups of them, so that what else the machine does counts little.
fn measured(book: &Rulebook, layout: Layout, count: usize, wanted: Wanted, rounds: usize) -> Duration {
    let number = match wanted {
        Wanted::Allow => count - 2,
        Wanted::Deny => count - 1,
        Wanted::Default => count,
    };
    let mut principals: Vec<Principal> = [
        "user:1000",
        "user:alice",
        "group:1000",
        "group:27",
        "group:dev",
        "exe:/usr/local/bin/backend",
        "socket-group",
    ]
    .map(principal)
    .into();
    if matches!(layout, Layout::Spread) {
        principals.push(principal(&format!("unit:u{number}.service")));
    }
    let secret = match layout {
        Layout::Spread | Layout::OneGroup => format!("s{number}/api_key"),
        Layout::OneService => format!("s/k{number}_x"),
    };
    let (secret, environment) = (SecretName::parse(&secret).expect("name"), environment());
    let company = CompanyId::parse("acme").expect("company");
    let question = Question {
        principals: &principals,
        besides: &[],
        within: None,
        action: Action::SecretRead,
        secret: Some(&secret),
        scope: Some(&Scope::Global),
        company: Some(&company),
        environment: &environment,
        now: Timestamp(1),
    };
    let decided = decide(book, &question);
    let rule = format!("g{number}");
    let expected = match wanted {
        Wanted::Allow => Decision::Allowed { rule: rule.into() },
        Wanted::Deny => Decision::Denied { rule: rule.into() },
        Wanted::Default => Decision::Denied { rule: "default-deny".into() },
    };
    assert_eq!(decided, expected, "what is measured must be what was meant");
    let group = (rounds / 100).max(1);
    let mut costs: Vec<Duration> = (0..rounds / group)
        .map(|_| {
            let began = Instant::now();
            for _ in 0..group {
                black_box(decide(black_box(book), black_box(&question)));
            }
            began.elapsed() / u32::try_from(group).expect("small")
        })
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2]
}

fn principal(text: &str) -> Principal {
    Principal::parse(text).expect(text)
}

fn environment() -> EnvironmentName {
    EnvironmentName::parse("prod").expect("environment")
}

fn line(text: &str) {
    // Nobody is left to be told if standard output is gone.
    let _gone = writeln!(std::io::stdout(), "{text}");
}
