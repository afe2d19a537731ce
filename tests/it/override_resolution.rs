//! Override resolution: a node's own value beats its company's, which beats the global one, and nothing else counts.
//!
//! Every combination of what each scope holds is stored once in each environment. Every node then reads each of them as
//! every kind of caller, and each answer is compared with what a person would expect from the three rows of the table.

mod expectation;
mod stage;

use aurora_mesh::model::secret::Scope;
use aurora_mesh::vault::answer::{Explanation, Tried};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::Context;

use crate::support::callers::{company, environment, secret};
use expectation::{Case, Cell, Expected, Named, all_cases, expected};
use stage::{Seat, Stage};

/// The two environments of the mesh, with a follower in each.
const ENVIRONMENTS: [&str; 2] = ["prod", "dev"];

/// The company both followers may speak for.
const OWN_COMPANY: &str = "company-town-foods";

/// A company that neither follower may speak for, though it always has a value.
const OTHER_COMPANY: &str = "bisla-farms";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_combination_resolves_as_the_table_says_on_followers_and_on_the_lead() {
    let stage = Stage::set().await;
    let mut checked = 0;
    for seat in stage.seats() {
        for (case, named) in all_cases() {
            let expected = expected(&case, named, &seat);
            let label = format!("{case:?} for {named:?} at {}", seat.name());
            check_typed(&seat, &case, named, &expected, &label).await;
            check_answer(&seat, &case, named, &expected, &label).await;
            check_explanation(&seat, &case, named, &expected, &label).await;
            checked += 1;
        }
    }
    assert_eq!(checked, 4 * 27 * 3, "four seats, three states of three scopes, three ways to name a company");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_of_one_environment_never_resolves_in_the_other() {
    let stage = Box::pin(Stage::set_with_one_secret_in("dev")).await;
    for seat in stage.seats() {
        let found = seat.read(seat.ask("svc/only", None)).await;
        if seat.environment() == "dev" {
            assert_eq!(found.expect("it is there").value.expose(), b"dev only");
        } else {
            assert!(matches!(found, Err(VaultError::NotFound { .. })), "{}: {found:?}", seat.name());
        }
    }
    for (follower, foreign) in [(&stage.prod, "dev"), (&stage.dev, "prod")] {
        let mut ask = crate::support::callers::read("svc/only", None);
        ask.context.environment = Some(environment(foreign));
        let refused = follower.read(ask).await;
        assert!(matches!(refused, Err(VaultError::BadScope(_))), "{refused:?}");
    }
}

/// At the door: value, scope, version, and the typed refusal.
async fn check_typed(seat: &Seat<'_>, case: &Case, named: Named, expected: &Expected, label: &str) {
    let got = seat.read(seat.ask(&case.name(), named.company())).await;
    match (expected, got) {
        (Expected::Value { value, scope, version }, Ok(answer)) => {
            assert_eq!(answer.value.expose(), value.as_bytes(), "{label}");
            assert_eq!(&answer.record.at.scope, scope, "{label}");
            assert_eq!(answer.record.at.secret.environment.as_str(), seat.environment(), "{label}");
            assert_eq!(answer.record.version.get(), *version, "{label}");
        }
        (Expected::NotFound { tried }, Err(VaultError::NotFound { name, tried: really })) => {
            assert_eq!(name, secret(&case.name()), "{label}");
            assert_eq!(&really, tried, "{label}");
        }
        (Expected::Denied, Err(VaultError::Denied { rule })) => assert_eq!(rule, "roster", "{label}"),
        (_, got) => panic!("{label}: expected {expected:?}, got {got:?}"),
    }
}

/// Over the socket: the published shape, `override_applied` among it, and the words of a refusal.
async fn check_answer(seat: &Seat<'_>, case: &Case, named: Named, expected: &Expected, label: &str) {
    let answer = seat.http(&case.name(), named.company()).await;
    match expected {
        Expected::Value { value, scope, version } => {
            let answer = answer.unwrap_or_else(|error| panic!("{label}: {error:?}"));
            let overriding = (*scope != Scope::Global).then(|| scope.kind());
            assert_eq!(answer["key_value"], **value, "{label}");
            assert_eq!(answer["scope"], scope.kind(), "{label}");
            assert_eq!(answer["scope_id"].as_str(), scope.id(), "{label}");
            assert_eq!(answer["override_applied"].as_str(), overriding, "{label}");
            assert_eq!(answer["version"], *version, "{label}");
            assert_eq!(answer["environment"], seat.environment(), "{label}");
        }
        Expected::NotFound { tried } => {
            let (status, code, message) = stage::refusal(answer, label);
            let scopes = tried.iter().map(Scope::to_string).collect::<Vec<_>>().join(", ");
            assert_eq!((status, code.as_str()), (404, "not_found"), "{label}");
            assert!(message.contains(&case.name()) && message.contains(&scopes), "{label}: {message}");
        }
        Expected::Denied => {
            let (status, code, _) = stage::refusal(answer, label);
            assert_eq!((status, code.as_str()), (403, "denied"), "{label}");
        }
    }
}

/// An explanation agrees with the read, and says of each scope what is really in it.
async fn check_explanation(seat: &Seat<'_>, case: &Case, named: Named, expected: &Expected, label: &str) {
    let context = Context { company: named.company().map(company), ..seat.context() };
    let told = seat.vault().explain(&seat.caller(), secret(&case.name()), context).await;
    let told = told.unwrap_or_else(|error| panic!("{label}: {error}"));
    let winner = told.winner.as_ref().map(|record| (record.at.scope.clone(), record.version.get()));
    match expected {
        Expected::Value { scope, version, .. } => {
            assert!(told.allowed, "{label}");
            assert_eq!(winner, Some((scope.clone(), *version)), "{label}");
        }
        Expected::NotFound { .. } => assert!(told.allowed && winner.is_none(), "{label}: {told:?}"),
        Expected::Denied => assert!(!told.allowed && told.rule == "roster", "{label}: {told:?}"),
    }
    if !matches!(expected, Expected::Denied) {
        let tried: Vec<Scope> = told.tried.iter().filter_map(|tried| tried.scope.clone()).collect();
        assert_eq!(tried, expectation::tried_scopes(named, seat), "{label}");
    }
    check_each_scope(&told, case, named, seat, label);
}

fn check_each_scope(told: &Explanation, case: &Case, named: Named, seat: &Seat<'_>, label: &str) {
    let mut won = false;
    for tried in &told.tried {
        let Some(scope) = &tried.scope else {
            let why = if named == Named::Nobody { Tried::NotNamed } else { Tried::NotAllowed };
            assert_eq!((tried.kind, &tried.outcome), ("company", &why), "{label}");
            continue;
        };
        let cell = case.cell(scope);
        let version = expectation::version(cell, scope);
        match (&tried.outcome, cell) {
            (Tried::Won { version: told }, Cell::Present) if !won => {
                assert_eq!(told.get(), version, "{label}: {scope} at {}", seat.name());
                won = true;
            }
            (Tried::Overridden { version: told }, Cell::Present) if won => assert_eq!(told.get(), version, "{label}"),
            (Tried::Deleted { version: told }, Cell::Deleted) => assert_eq!(told.get(), version, "{label}"),
            (Tried::Absent, Cell::Absent) => {}
            (outcome, cell) => panic!("{label}: {scope} holds {cell:?}, told {outcome:?}"),
        }
    }
}
