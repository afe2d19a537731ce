//! `access`: who asks to be allowed what.

use super::arguments_access::{AccessVerb, RequestArguments};
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_access::{AccessBody, AccessListView, AskedView, DismissedView};
use crate::model::name::CompanyId;

/// `aurora access …`
pub(super) async fn access(session: &mut Session<'_>, verb: &AccessVerb) -> Result<(), CliError> {
    match verb {
        AccessVerb::Request(arguments) => request(session, arguments).await,
        AccessVerb::List => {
            let list: AccessListView = session.lister()?.ask(Question::get("/api/access-requests")).await?;
            session.output.show(&list)
        }
        AccessVerb::Dismiss { id } => {
            let question = session.with_reason(Question::delete(format!("/api/access-requests/{id}")))?;
            let dismissed: DismissedView = session.admin()?.ask(question).await?;
            session.output.report(&dismissed)
        }
    }
}

async fn request(session: &mut Session<'_>, arguments: &RequestArguments) -> Result<(), CliError> {
    let name = arguments.secret.to_string();
    let reason = session.reason().ok_or_else(|| CliError::Usage {
        message: "a request needs a reason: whoever decides reads it".to_owned(),
        hint: format!("Add it: aurora access request {name} --reason TEXT"),
    })?;
    let company = session.company().map(CompanyId::as_str);
    let body = AccessBody { name: &name, reason, capability: arguments.capability.as_str(), company };
    // As whoever runs the command, never as the owner of the node: the owner has nothing to ask for.
    let asked: AskedView = session.agent()?.ask(Question::post("/api/access-requests", &body)?).await?;
    session.output.report(&asked)
}
