//! `put` and `get`: the verbs that touch a value.

use super::ago::ago;
use super::arguments::Format;
use super::arguments_secret::{GetArguments, PutArguments};
use super::client::Answer;
use super::error::CliError;
use super::question::Question;
use super::said::Said;
use super::session::Session;
use super::value_source;
use super::verbs_life::rehearsed;
use super::views_change::{ChangeView, StoredView};
use super::views_secret::{PutBody, SecretView};
use crate::model::name::{EnvironmentName, FieldName};
use crate::model::number::Version;
use crate::model::secret::{Scope, SecretName};

/// The path of a secret. Canonical names need no escape.
pub(super) fn path(family: &str, name: &SecretName) -> String {
    format!("/api/{family}/{}/{}", name.service, name.key)
}

/// `aurora put`
pub(super) async fn put(session: &mut Session<'_>, arguments: PutArguments) -> Result<(), CliError> {
    let value = value_source::read(&arguments)?;
    let garbled = |_| CliError::Garbled { what: "the value is no text" };
    let PutArguments { name, field, metadata, options, cas, dry_run, validate, force, .. } = arguments;
    let scope = session.scope.cloned().unwrap_or(Scope::Global);
    let body = PutBody {
        service: name.service.as_str(),
        key_name: name.key.as_str(),
        key_value: std::str::from_utf8(value.expose()).map_err(garbled)?,
        scope: scope.kind(),
        scope_id: scope.id(),
        environment: session.environment.as_ref().map(EnvironmentName::as_str),
        cas,
        validate,
        force,
        said: Said::new(metadata, options, &field, &[]),
    };
    let question = session.with_reason(rehearsed(Question::post("/api/secrets", &body)?, dry_run))?;
    drop(value);
    let stored: StoredView = session.admin()?.ask(question).await?;
    if let Some(told) = stored.told() {
        session.output.note(&told);
    }
    session.output.report(&ChangeView { stored, what: format!("{name} in {scope}") })
}

/// `aurora get`
pub(super) async fn get(session: &mut Session<'_>, arguments: &GetArguments) -> Result<(), CliError> {
    let version = arguments.version.map(Version::get).map(|version| version.to_string());
    let question = session
        .in_place(Question::get(path("secrets", &arguments.name)))
        .with("version", version.as_deref())
        .with("field", arguments.field.as_ref().map(FieldName::as_str))
        .with("refresh", arguments.refresh.then_some("true"));
    let answer = session.reader()?.send(session.in_context(question)?).await?;
    if answer.header("x-cache") == Some("STALE") {
        let age = age(&answer).map_or_else(|| "some time ago".to_owned(), ago);
        session.output.note(&format!("the lead is away; this copy was confirmed {age}"));
    }
    let secret: SecretView = answer.parse()?;
    match session.output.format() {
        Format::Table => {
            session.output.write(secret.key_value.plaintext().expose())?;
            if session.output.is_terminal() { session.output.write(b"\n") } else { Ok(()) }
        }
        Format::Json | Format::Yaml => session.output.data(&secret),
    }
}

fn age(answer: &Answer) -> Option<u64> {
    let seconds: u64 = answer.header("age")?.parse().ok()?;
    seconds.checked_mul(1000)
}
