//! `describe`, `delete`, `undelete`, `destroy` and `rollback`: what is done to a secret after it was stored.

use super::arguments::Format;
use super::arguments_life::{ChangeArguments, DescribeArguments, DestroyArguments, RollbackArguments};
use super::confirm;
use super::error::CliError;
use super::question::Question;
use super::said::Said;
use super::session::Session;
use super::verbs_back;
use super::verbs_secret::path;
use super::views_change::{ChangeView, StoredView};
use super::views_record::VersionsView;
use crate::model::number::Version;
use crate::model::secret::{Scope, SecretName};

/// `aurora describe`
pub(super) async fn describe(session: &mut Session<'_>, arguments: DescribeArguments) -> Result<(), CliError> {
    let DescribeArguments { name, metadata, options, field, clear, dry_run } = arguments;
    let body = Said::new(metadata, options, &field, &clear);
    if body.is_empty() {
        return Err(CliError::Usage {
            message: "nothing is said about the secret".to_owned(),
            hint: "Give what is to be said, such as --description TEXT, or --clear WHAT.".to_owned(),
        });
    }
    let question = rehearsed(Question::patch(path("secrets", &name), &body)?, dry_run);
    change(session, &name, question).await
}

/// `aurora delete`
pub(super) async fn delete(session: &mut Session<'_>, arguments: &ChangeArguments) -> Result<(), CliError> {
    let name = &arguments.name;
    change(session, name, rehearsed(Question::delete(path("secrets", name)), arguments.dry_run)).await?;
    if !arguments.dry_run && session.output.format() == Format::Table {
        let options = session.place_options();
        session.output.note(&format!("to undo it: aurora undelete {name}{options}"));
    }
    Ok(())
}

/// `aurora undelete`
pub(super) async fn undelete(session: &mut Session<'_>, arguments: &ChangeArguments) -> Result<(), CliError> {
    let name = &arguments.name;
    let question = Question::deed(format!("{}/undelete", path("secrets", name)));
    change(session, name, rehearsed(question, arguments.dry_run)).await
}

/// `aurora destroy`
pub(super) async fn destroy(session: &mut Session<'_>, arguments: &DestroyArguments) -> Result<(), CliError> {
    let DestroyArguments { name, versions, yes, dry_run } = arguments;
    let numbers: Vec<u64> = versions.iter().map(|version| version.get()).collect();
    let listed = versions.iter().map(Version::to_string).collect::<Vec<_>>().join(",");
    let listed = Some(listed.as_str()).filter(|listed| !listed.is_empty());
    if !yes && !dry_run {
        let options = listed.map_or_else(|| " --yes".to_owned(), |listed| format!(" --versions {listed} --yes"));
        confirm::possible("destroying values", &format!("aurora destroy {name}{options}"))?;
        let question = session.in_place(Question::get(format!("{}/versions", path("secrets", name))));
        let kept: VersionsView = session.admin()?.ask(question).await?;
        let scope = session.scope.unwrap_or(&Scope::Global);
        confirm::ask(&match kept.with_values(&numbers).as_str() {
            "" => format!("No value of {name} in {scope} is left to be destroyed. Go on?"),
            doomed => format!("The values of {name} in {scope}, versions {doomed}, go for good. Destroy them?"),
        })?;
    }
    let question = Question::deed(format!("{}/destroy", path("secrets", name))).with("versions", listed);
    change(session, name, rehearsed(question, *dry_run)).await
}

/// `aurora rollback`
pub(super) async fn rollback(session: &mut Session<'_>, arguments: &RollbackArguments) -> Result<(), CliError> {
    let RollbackArguments { name, to, to_revision, dry_run, yes } = arguments;
    if let Some(to_revision) = to_revision {
        return verbs_back::rollback(session, *to_revision, *dry_run, *yes).await;
    }
    let (Some(name), Some(to)) = (name, to) else {
        let message = "it was not said which secret goes back, and to which version".to_owned();
        return Err(CliError::Usage { message, hint: "Such as: aurora rollback hubspot/api_key --to 3".to_owned() });
    };
    let question = Question::deed(format!("{}/rollback", path("secrets", name))).with("to", Some(&to.to_string()));
    change(session, name, rehearsed(question, *dry_run)).await
}

/// Asks what it would come to, if that is wanted.
pub(super) fn rehearsed(question: Question, dry_run: bool) -> Question {
    question.with("dry_run", dry_run.then_some("true"))
}

/// Asks for a change in the place that was named, and says what came of it.
async fn change(session: &mut Session<'_>, name: &SecretName, question: Question) -> Result<(), CliError> {
    let question = session.with_reason(session.in_place(question))?;
    let stored: StoredView = session.admin()?.ask(question).await?;
    let scope = session.scope.unwrap_or(&Scope::Global);
    session.output.report(&ChangeView { stored, what: format!("{name} in {scope}") })
}
