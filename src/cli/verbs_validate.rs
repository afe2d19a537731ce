//! `validate`: asks providers whether they take the credentials of this node.

use std::collections::BTreeSet;

use serde::Serialize;

use super::arguments_validate::{ValidateArguments, Which};
use super::client::Client;
use super::error::CliError;
use super::output::Shown;
use super::question::Question;
use super::session::Session;
use super::views_validate::{CredentialsPage, ValidationView, ValidationsView};
use crate::model::name::{KeyName, ServiceName};

/// The body of `POST /credentials/{service}/validate`.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key_name: Option<&'a str>,
}

/// `aurora validate [SERVICE[/KEY_NAME] | --all]`
pub(super) async fn validate(session: &mut Session<'_>, arguments: &ValidateArguments) -> Result<(), CliError> {
    match &arguments.which {
        Some(which) => {
            let client = session.lister()?;
            let view = ask(session, &client, which).await?;
            conclude(session, &view, std::slice::from_ref(&view))?;
            if view.len() == 0 { Err(nothing_of(&which.service)) } else { Ok(()) }
        }
        None => {
            let view = ValidationsView { validations: all(session).await? };
            conclude(session, &view, &view.validations)
        }
    }
}

/// Whoever names a service goes on only if something of it works.
fn nothing_of(service: &ServiceName) -> CliError {
    CliError::NotFound {
        message: format!("there is no credential of {service} on this node"),
        hint: format!("What they are called: aurora providers show {service}; what is stored: aurora list"),
    }
}

async fn ask(session: &Session<'_>, client: &Client, which: &Which) -> Result<ValidationView, CliError> {
    let body = Body { key_name: which.key.as_ref().map(KeyName::as_str) };
    let question = Question::post(format!("/credentials/{}/validate", which.service), &body)?;
    client.ask(session.in_context(question)?).await
}

async fn all(session: &mut Session<'_>) -> Result<Vec<ValidationView>, CliError> {
    let client = session.lister()?;
    let services = services(&client).await?;
    let (progress, total) = (session.output.progress(), u64::try_from(services.len()).ok());
    let mut validations = Vec::new();
    for (done, service) in (0..).zip(services) {
        progress.at("asking providers", done, total);
        let which = Which { service, key: None };
        match ask(session, &client, &which).await {
            Ok(view) => validations.push(view),
            // Of several services, those the caller may not check are left out, and said so.
            Err(CliError::Refused { status: 403, message, .. }) => {
                progress.end();
                session.output.note(&format!("{}: {message}", which.service));
            }
            Err(error) => {
                progress.end();
                return Err(error);
            }
        }
    }
    progress.end();
    Ok(validations)
}

/// The services of which the node holds a credential of a provider.
async fn services(client: &Client) -> Result<BTreeSet<ServiceName>, CliError> {
    let mut services = BTreeSet::new();
    let mut cursor: Option<String> = None;
    loop {
        let question = Question::get("/credentials/status").with("limit", Some("1000"));
        let page: CredentialsPage = client.ask(question.with("cursor", cursor.as_deref())).await?;
        for line in page.credentials.into_iter().filter(|line| line.provider.is_some()) {
            let garbled = |_| CliError::Garbled { what: "a service that is no name" };
            services.insert(ServiceName::parse(&line.service).map_err(garbled)?);
        }
        // A node that gives the same cursor again would keep us here for ever.
        if page.next_cursor.is_none() || page.next_cursor == cursor {
            return Ok(services);
        }
        cursor = page.next_cursor;
    }
}

fn conclude(session: &mut Session<'_>, shown: &impl Shown, views: &[ValidationView]) -> Result<(), CliError> {
    session.output.show(shown)?;
    let count = |status: &str| views.iter().map(|view| view.count(status)).sum::<usize>();
    let (rejected, unreachable) = (count("rejected"), count("unreachable"));
    if rejected + unreachable == 0 {
        return Ok(());
    }
    Err(CliError::NotValidated { rejected, unreachable, of: views.iter().map(ValidationView::len).sum() })
}
