//! The values of a program's variables: each secret is read once, several at a time, and judged by its age.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use super::client::{Answer, Client};
use super::error::CliError;
use super::question::Question;
use super::run_problem::{Cause, Problem, Problems};
use super::session::Session;
use super::verbs_secret::path;
use super::views_secret::SecretView;
use crate::crypto::fields::select;
use crate::crypto::plaintext::Plaintext;
use crate::delivery::variables::{VariableError, Wanted, in_environment};
use crate::model::fields::FieldKind;
use crate::model::name::FieldName;
use crate::model::reference::Reference;

/// Reads under way at once: enough to hide the time of one, few beside the 256 connections a user may have.
const READS_AT_ONCE: usize = 8;

/// The variables of a program.
pub(super) type Plan = BTreeMap<OsString, Wanted>;

/// What the secrets hold.
pub(super) type Values = BTreeMap<Reference, Found>;

/// How old a value may be, and who may be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) offline: bool,
    pub(super) max_age: Option<Duration>,
}

/// What one secret holds.
pub(super) struct Found {
    /// What the variable gets.
    pub(super) value: Plaintext,
    /// The texts of secret fields within it: a program may print one of them alone.
    pub(super) fields: Vec<Plaintext>,
    /// How long ago it was confirmed, if that is longer than it should be.
    pub(super) stale: Option<Duration>,
}

/// The secrets a plan speaks of.
pub(super) fn references(plan: &Plan) -> BTreeSet<&Reference> {
    plan.values().filter_map(reference).collect()
}

fn reference(wanted: &Wanted) -> Option<&Reference> {
    if let Wanted::Secret(reference) = wanted { Some(reference) } else { None }
}

/// Reads all of them, or tells of every variable that would have no value. Without a reference nobody is asked.
///
/// # Errors
/// [`CliError::NotStarted`] where values are not to be had, another when the node is not.
pub(super) async fn values(session: &Session<'_>, plan: &Plan, rules: Rules) -> Result<Values, CliError> {
    let references = references(plan);
    if references.is_empty() {
        return Ok(Values::new());
    }
    let client = session.reader()?;
    let read = |reference: Reference| {
        let client = &client;
        async move { (read(session, client, &reference, rules).await, reference) }
    };
    let reads = stream::iter(references.into_iter().cloned().map(read)).buffer_unordered(READS_AT_ONCE);
    let (mut values, mut causes) = (Values::new(), BTreeMap::new());
    for (outcome, reference) in reads.collect::<Vec<_>>().await {
        match outcome {
            Ok(found) => drop(values.insert(reference, found)),
            Err(Cause::Refused(error)) if is_of_the_node(&error) => return Err(error),
            Err(cause) => drop(causes.insert(reference, cause)),
        }
    }
    if causes.is_empty() { Ok(values) } else { Err(CliError::NotStarted(problems(plan, causes))) }
}

/// The variables as the program gets them.
pub(super) fn environment<'a>(plan: &'a Plan, values: &'a Values) -> Vec<(&'a OsStr, &'a OsStr)> {
    let text = |wanted: &'a Wanted| match wanted {
        Wanted::Text(text) => in_environment(text).ok(),
        Wanted::Secret(reference) => in_environment(&values.get(reference)?.value).ok(),
    };
    plan.iter().filter_map(|(name, wanted)| Some((name.as_os_str(), text(wanted)?))).collect()
}

async fn read(session: &Session<'_>, client: &Client, reference: &Reference, rules: Rules) -> Result<Found, Cause> {
    let mut answer = ask(session, client, reference, None).await.map_err(Cause::Refused)?;
    if let Some(max) = rules.max_age.filter(|max| age(&answer) > *max) {
        let age = age(&answer);
        if rules.offline {
            return Err(Cause::TooOld { age, max });
        }
        answer = ask(session, client, reference, Some("true")).await.map_err(Cause::Refused)?;
    }
    let stale = (answer.header("x-cache") == Some("STALE")).then(|| age(&answer));
    let view: SecretView = answer.parse().map_err(Cause::Refused)?;
    let fields = if reference.field.is_none() { secret_fields(&view) } else { Vec::new() };
    let value = view.key_value.into_plaintext();
    in_environment(&value).map_err(|_| Cause::Unfit(VariableError::ZeroByte))?;
    Ok(Found { value, fields, stale })
}

async fn ask(
    session: &Session<'_>,
    client: &Client,
    reference: &Reference,
    refresh: Option<&str>,
) -> Result<Answer, CliError> {
    let version = reference.version.map(|version| version.get().to_string());
    let question = session
        .in_place(Question::get(path("secrets", &reference.name)))
        .with("version", version.as_deref())
        .with("field", reference.field.as_ref().map(FieldName::as_str))
        .with("refresh", refresh);
    let question = match &reference.company {
        Some(company) => session.with_reason(question)?.header("x-company-id", Some(company.as_str()))?,
        None => session.in_context(question)?,
    };
    client.send(question).await
}

fn age(answer: &Answer) -> Duration {
    let seconds = answer.header("age").and_then(|text| text.parse().ok());
    // A node that does not say how old an answer is has not confirmed it.
    seconds.map_or(Duration::MAX, Duration::from_secs)
}

fn secret_fields(view: &SecretView) -> Vec<Plaintext> {
    let secret = view.fields.iter().filter(|field| FieldKind::parse(&field.kind) != Some(FieldKind::Text));
    secret.filter_map(|field| select(view.key_value.plaintext(), &FieldName::parse(&field.name).ok()?).ok()).collect()
}

/// Whether it is the same whatever is asked for: then it is told once, and not of each variable.
fn is_of_the_node(error: &CliError) -> bool {
    let CliError::Refused { status, code, .. } = error else { return true };
    matches!(status, 401 | 429 | 500..) && code != "stale_cache" && code != "no_lead"
}

fn problems(plan: &Plan, mut causes: BTreeMap<Reference, Cause>) -> Problems {
    let mut problems = Vec::new();
    let mut told: BTreeMap<&Reference, &OsStr> = BTreeMap::new();
    for (name, wanted) in plan {
        let Wanted::Secret(reference) = wanted else { continue };
        let variable = name.to_string_lossy().into_owned();
        if let Some(cause) = causes.remove(reference) {
            told.insert(reference, name);
            problems.push(Problem { variable, secret: Some(reference.clone()), cause });
        } else if let Some(first) = told.get(reference) {
            let message = format!("as for {}", first.display());
            let cause = Cause::Refused(CliError::NotFound { message, hint: String::new() });
            problems.push(Problem { variable, secret: Some(reference.clone()), cause });
        }
    }
    Problems(problems)
}
