//! `policy`: what holds, and a file that is to hold. The plan comes from the lead; what is applied is that plan or nothing.

use std::fs::File;
use std::io;
use std::path::Path;

use super::arguments::Format;
use super::arguments_policy::{ApplyArguments, PolicyVerb, TestArguments};
use super::confirm;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::value_source::gather_up_to;
use super::views_policy::{ApplyBody, DriftView, GrantView, PlanBody, PlanView, PolicyView, TestBody};
use crate::policy::file::{POLICY_BYTES_MAX, parse};

/// `aurora policy …`
pub(super) async fn policy(session: &mut Session<'_>, verb: &PolicyVerb) -> Result<(), CliError> {
    match verb {
        PolicyVerb::List => {
            let policy: PolicyView = session.lister()?.ask(Question::get("/api/policy")).await?;
            session.output.show(&policy)
        }
        PolicyVerb::Show { name } => {
            let question = Question::get(format!("/api/policy/grants/{name}"));
            let grant: GrantView = session.lister()?.ask(question).await?;
            session.output.show(&grant)
        }
        PolicyVerb::Apply(arguments) => apply(session, arguments).await,
        PolicyVerb::Test(arguments) => test(session, arguments).await,
    }
}

/// The error of a test: all but its answer, that the policy would decide otherwise, mean that there is none.
pub(super) fn untested(error: CliError) -> CliError {
    let is_answer = matches!(error, CliError::PolicyDrift { .. } | CliError::Output(_));
    if is_answer { error } else { CliError::Untested(Box::new(error)) }
}

async fn apply(session: &mut Session<'_>, arguments: &ApplyArguments) -> Result<(), CliError> {
    let text = read(&arguments.file)?;
    let client = session.lister()?.patiently();
    let question = Question::post("/api/policy/plan", &PlanBody { policy: &text })?;
    let plan: PlanView = client.ask(question).await?;
    let is_for_people = session.output.format() == Format::Table;
    if is_for_people || arguments.dry_run || plan.changes.is_empty() || !plan.obstacles.is_empty() {
        session.output.report(&plan)?;
    }
    if !plan.obstacles.is_empty() {
        return Err(CliError::Usage {
            message: format!("the policy cannot be applied: {}", plan.obstacles.join("; ")),
            hint: "Nothing was changed. Correct the file, and run the same command again.".to_owned(),
        });
    }
    if arguments.dry_run || plan.changes.is_empty() {
        return Ok(());
    }
    if !arguments.yes {
        approved(&plan)?;
    }
    let body = ApplyBody { policy: &text, expect: plan.revision };
    let question = session.with_reason(Question::post("/api/policy/apply", &body)?)?;
    let applied: PlanView = client.ask(question).await?;
    if !is_for_people {
        return session.output.show(&applied);
    }
    if session.output.is_quiet() { Ok(()) } else { session.output.write(applied.outcome().as_bytes()) }
}

/// Asks whether to go on; a script says so with an option.
fn approved(plan: &PlanView) -> Result<(), CliError> {
    if confirm::somebody_is_there() {
        return confirm::ask(&format!("Apply this to the whole mesh ({})?", plan.summary));
    }
    Err(CliError::Usage {
        message: "nothing was changed: there is no terminal to ask on".to_owned(),
        hint: "Add --yes to apply it, or --dry-run to look only.".to_owned(),
    })
}

async fn test(session: &mut Session<'_>, arguments: &TestArguments) -> Result<(), CliError> {
    let text = read(&arguments.file)?;
    let body = TestBody { policy: &text, days: arguments.days };
    let question = Question::post("/api/policy/test", &body)?;
    let drift: DriftView = session.lister()?.patiently().ask(question).await?;
    session.output.show(&drift)?;
    if drift.drift { Err(CliError::PolicyDrift { count: drift.kinds() }) } else { Ok(()) }
}

/// The text of a policy. What is wrong with it is told before a node is asked, with the name of the file.
fn read(path: &Path) -> Result<String, CliError> {
    const LIMIT: &str = "the most a policy may have";
    let (what, bytes) = if path == Path::new("-") {
        let what = "standard input".to_owned();
        let bytes = gather_up_to(POLICY_BYTES_MAX, io::stdin().lock(), &what, LIMIT)?;
        (what, bytes)
    } else {
        let what = path.display().to_string();
        let file = File::open(path).map_err(|source| CliError::Input { what: what.clone(), source })?;
        let bytes = gather_up_to(POLICY_BYTES_MAX, file, &what, LIMIT)?;
        (what, bytes)
    };
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| CliError::Usage {
        message: format!("{what} is not UTF-8 text"),
        hint: "A policy is TOML: mesh-config/policy.toml is a sample with comments.".to_owned(),
    })?;
    parse(text).map_err(|problems| CliError::Policy { file: what, problems })?;
    Ok(text.to_owned())
}
