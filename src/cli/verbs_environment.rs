//! `environment`: which there are, what one knows that the other does not, and values they share.

use super::arguments::Format;
use super::arguments_environment::EnvironmentVerb;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::verbs_life::rehearsed;
use super::views_environment::{CheckBody, Comparisons, EnvironmentsView, MirrorBody, MirrorView, SharedView};

/// `aurora environment …`
pub(super) async fn environment(session: &mut Session<'_>, verb: EnvironmentVerb) -> Result<(), CliError> {
    match verb {
        EnvironmentVerb::List => {
            let environments = all(session).await?;
            session.output.show(&environments)
        }
        EnvironmentVerb::Mirror { from, to, prefix, dry_run } => {
            let body = MirrorBody { from: from.as_str(), to: to.as_str(), prefix: prefix.as_deref() };
            mirror(session, &body, dry_run).await
        }
        EnvironmentVerb::Check { left: Some(left), right: Some(right), fail } => {
            let shared = compare(session, left.as_str(), right.as_str()).await?;
            session.output.show(&shared)?;
            verdict(shared.shared_total, fail)
        }
        EnvironmentVerb::Check { fail, .. } => check_all(session, fail).await,
    }
}

async fn all(session: &Session<'_>) -> Result<EnvironmentsView, CliError> {
    session.lister()?.ask(Question::get("/api/environments")).await
}

async fn mirror(session: &mut Session<'_>, body: &MirrorBody<'_>, dry_run: bool) -> Result<(), CliError> {
    let question = rehearsed(Question::post("/api/environments/mirror", body)?, dry_run);
    let question = session.with_reason(question)?;
    let mirrored: MirrorView = session.admin()?.patiently().ask(question).await?;
    session.output.report(&mirrored)
}

async fn compare(session: &Session<'_>, left: &str, right: &str) -> Result<SharedView, CliError> {
    let question = Question::post("/api/environments/check", &CheckBody { left, right })?;
    session.admin()?.patiently().ask(session.with_reason(question)?).await
}

/// Every environment with every other.
async fn check_all(session: &mut Session<'_>, fail: bool) -> Result<(), CliError> {
    let known = all(session).await?.environments.into_iter().filter(|line| line.secrets > 0);
    let names: Vec<String> = known.map(|line| line.environment).collect();
    let mut comparisons = Vec::new();
    for (index, left) in names.iter().enumerate() {
        for right in names.iter().skip(index + 1) {
            comparisons.push(compare(session, left, right).await?);
        }
    }
    if comparisons.is_empty() && session.output.format() == Format::Table {
        session.output.note("no two environments have secrets; there is nothing to compare");
        return Ok(());
    }
    let shared = comparisons.iter().map(|comparison| comparison.shared_total).sum();
    session.output.show(&Comparisons { comparisons })?;
    verdict(shared, fail)
}

fn verdict(count: usize, fail: bool) -> Result<(), CliError> {
    if fail && count > 0 { Err(CliError::SharedValues { count }) } else { Ok(()) }
}
