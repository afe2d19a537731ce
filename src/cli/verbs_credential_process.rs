//! `credential-process`: the SDKs of AWS run it for a key.

use super::arguments_helpers::{CredentialProcessArguments, ProcessSource};
use super::client::Client;
use super::error::CliError;
use super::reads::{self, StaleUse};
use super::session::Session;
use super::wiped;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::text::ValueText;
use crate::delivery::answer::Answer;
use crate::delivery::aws_process::{ACCESS_KEY_ID, ProcessCredentials, SECRET_ACCESS_KEY, SESSION_TOKEN};
use crate::model::name::{KeyName, ServiceName};
use crate::model::reference::Reference;
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;

/// The parts of a key.
struct Parts {
    id: Plaintext,
    key: Plaintext,
    token: Option<Plaintext>,
    expires_at: Option<Timestamp>,
}

/// `aurora credential-process`
pub(super) async fn answer(session: &mut Session<'_>, arguments: &CredentialProcessArguments) -> Result<(), CliError> {
    let client = session.reader()?;
    let mut stale = StaleUse::default();
    let parts = match &arguments.source {
        ProcessSource::Fields(reference) => {
            let answer = reads::read(session, &client, reference).await?;
            stale.saw(reference, &answer);
            of_fields(&answer, reference)?
        }
        ProcessSource::Secrets(service) => of_secrets(session, &client, service, &mut stale).await?,
    };
    stale.told().iter().for_each(|note| session.output.note(note));
    let text = ValueText::from;
    let expiration = parts.expires_at.map(|at| at.to_string());
    let told = ProcessCredentials::new(text(parts.id), text(parts.key), parts.token.map(text), expiration);
    session.output.write(wiped::json(&told)?.expose())?;
    session.output.write(b"\n")
}

fn of_fields(answer: &Answer, reference: &Reference) -> Result<Parts, CliError> {
    let field = |name: &str| {
        answer.field_if_declared(name).map_err(|error| CliError::Usage {
            message: format!("{}: {error}", reference.name),
            hint: "Store it anew with its fields.".to_owned(),
        })
    };
    let needed = |name: &str| {
        field(name)?.ok_or_else(|| CliError::Usage {
            message: format!("{} has no field {name}", reference.name),
            hint: format!(
                "It needs both: aurora put {} --field {ACCESS_KEY_ID}:string --field {SECRET_ACCESS_KEY}:secret",
                reference.name
            ),
        })
    };
    let token = field(SESSION_TOKEN)?;
    Ok(Parts { id: needed(ACCESS_KEY_ID)?, key: needed(SECRET_ACCESS_KEY)?, token, expires_at: answer.expires_at })
}

async fn of_secrets(
    session: &Session<'_>,
    client: &Client,
    service: &ServiceName,
    stale: &mut StaleUse,
) -> Result<Parts, CliError> {
    let mut read = async |name: &str| {
        let key = KeyName::parse(name).map_err(|_| CliError::Garbled { what: "a part has no name" })?;
        let reference = Reference::to(SecretName { service: service.clone(), key });
        let answer = reads::read(session, client, &reference).await?;
        stale.saw(&reference, &answer);
        Ok::<_, CliError>(answer)
    };
    let (id, key) = (read(ACCESS_KEY_ID).await?, read(SECRET_ACCESS_KEY).await?);
    // Keys that do not expire have none. A token that is there and refused is no reason to go on without it.
    let token = match read(SESSION_TOKEN).await {
        Ok(token) => Some(token),
        Err(error) if reads::is_absent(&error) => None,
        Err(error) => return Err(error),
    };
    let ends = [Some(&id), Some(&key), token.as_ref()];
    let expires_at = ends.into_iter().flatten().filter_map(|part| part.expires_at).min();
    Ok(Parts { id: id.value, key: key.value, token: token.map(|token| token.value), expires_at })
}
