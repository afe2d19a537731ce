//! `docker-credential`: docker names a registry on standard input, and is told in JSON. Its errors it reads on standard
//! output.

use std::collections::BTreeMap;
use std::io;

use serde::Deserialize;

use super::arguments_helpers::DockerCredentialArguments;
use super::error::CliError;
use super::question::Question;
use super::reads::{self, StaleUse};
use super::session::Session;
use super::value_source::gather_up_to;
use super::wiped;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::text::ValueText;
use crate::delivery::answer::Answer;
use crate::delivery::docker_credential::{
    Credential, IDENTITY_TOKEN_USER, NOT_FOUND, SERVER_BYTES_MAX, SERVICE, registry, registry_of, secret_of,
};
use crate::delivery::git_hosts::mapped;
use crate::delivery::login::{Login, TOKEN_USER, login};
use crate::model::reference::Reference;

/// Largest thing that docker brings to be stored, in bytes: a registry, a user and a token.
const STORED_BYTES_MAX: usize = 64 << 10;

/// Most registries that are listed: docker asks for each of them.
const LISTED_MAX: &str = "1000";

/// `aurora docker-credential`
pub(super) async fn answer(session: &mut Session<'_>, arguments: &DockerCredentialArguments) -> Result<(), CliError> {
    let done = match arguments.operation.as_str() {
        "get" => get(session, arguments).await,
        "list" => list(session).await,
        "store" | "erase" => refuse_to_keep(),
        other => Err(usage(&format!("docker has no operation {other:?}"))),
    };
    let Err(error) = done else { return Ok(()) };
    let is_absent = reads::is_absent(&error);
    let told = if is_absent { NOT_FOUND.to_owned() } else { format!("aurora: {error}") };
    session.output.write(format!("{}\n", told.replace('\n', " ")).as_bytes())?;
    // Helpers of docker end with 1 when there is none, and so it knows them.
    Err(if is_absent { CliError::Usage { message: error.to_string(), hint: error.hint() } } else { error })
}

async fn get(session: &mut Session<'_>, arguments: &DockerCredentialArguments) -> Result<(), CliError> {
    let input = gather_up_to(SERVER_BYTES_MAX, io::stdin().lock(), "standard input", "the longest registry")?;
    let server = std::str::from_utf8(input.expose()).map_err(|_| usage("this is no registry"))?;
    let server = server.trim_end_matches(['\r', '\n']);
    let nothing = || CliError::NotFound {
        message: "no secret can be called after this registry".to_owned(),
        hint: "Name one with: aurora docker-credential --map HOST=SECRET get".to_owned(),
    };
    let host = registry(server).ok_or_else(nothing)?;
    let by_name = || secret_of(&host).map(Reference::to).map_err(|_| nothing());
    let reference = mapped(&arguments.map, &host, None).map_or_else(by_name, Ok)?;
    let client = session.reader()?;
    let answer = reads::read(session, &client, &reference).await?;
    let mut stale = StaleUse::default();
    stale.saw(&reference, &answer);
    stale.told().iter().for_each(|note| session.output.note(note));
    let (username, secret) = credential(arguments, &reference, &answer)?;
    let told = Credential { server_url: server, username: username.into(), secret: secret.into() };
    session.output.write(wiped::json(&told)?.expose())
}

fn credential(
    arguments: &DockerCredentialArguments,
    reference: &Reference,
    answer: &Answer,
) -> Result<(Plaintext, Plaintext), CliError> {
    let own = |text: &str| Plaintext::new(text.as_bytes().to_vec());
    let token = answer.field_if_declared("identity_token").map_err(|error| usage(&error.to_string()))?;
    if let (Some(token), None) = (token, &reference.field) {
        return Ok((own(IDENTITY_TOKEN_USER), token));
    }
    let Login { username, password } =
        login(answer, reference.field.as_ref()).map_err(|error| usage(&error.to_string()))?;
    let username = username.unwrap_or_else(|| own(arguments.username.as_deref().unwrap_or(TOKEN_USER)));
    Ok((username, password))
}

/// A page of names.
#[derive(Deserialize)]
struct Page {
    secrets: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    key_name: String,
    #[serde(default)]
    deleted: bool,
}

/// The registries, without their users: those are within the values, and docker asks for each by itself.
async fn list(session: &mut Session<'_>) -> Result<(), CliError> {
    let question = Question::get("/api/secrets").with("service", Some(SERVICE)).with("limit", Some(LISTED_MAX));
    let page: Page = session.reader()?.ask(session.in_environment(question)).await?;
    let live = page.secrets.iter().filter(|secret| !secret.deleted);
    let registries: BTreeMap<String, ValueText> =
        live.map(|secret| (registry_of(&secret.key_name), ValueText::from(Plaintext::new(Vec::new())))).collect();
    session.output.write(wiped::json(&registries)?.expose())
}

/// What docker brings is not taken: a login that seems to be kept, and is not, is worse than one that fails.
fn refuse_to_keep() -> Result<(), CliError> {
    drop(gather_up_to(STORED_BYTES_MAX, io::stdin().lock(), "standard input", "the most docker stores")?);
    Err(CliError::Usage {
        message: "nothing that docker login and logout bring is kept or removed".to_owned(),
        hint: "Store it on the lead: aurora put docker/HOST --field username:string --field password:secret".to_owned(),
    })
}

fn usage(message: &str) -> CliError {
    CliError::Usage { message: message.to_owned(), hint: "Look with: aurora docker-credential --help".to_owned() }
}
