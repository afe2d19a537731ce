//! Reads a secret as a program on this node gets it, for the verbs that hand values on.

use std::time::Duration;

use super::ago::span;
use super::client::{Answer as Answered, Client};
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::verbs_secret::path;
use super::views_secret::SecretView;
use crate::delivery::answer::{Answer, Standing};
use crate::model::number::Version;
use crate::model::reference::Reference;

/// Reads the whole value of what a reference names; its field is left to the caller, so that one read serves them all.
///
/// # Errors
/// [`CliError`], as the node refuses.
pub(super) async fn read(session: &Session<'_>, client: &Client, of: &Reference) -> Result<Answer, CliError> {
    let version = of.version.map(Version::get).map(|version| version.to_string());
    let question = Question::get(path("secrets", &of.name)).with("version", version.as_deref());
    let question = session.on_behalf(session.in_environment(question), of.company.as_ref())?;
    answer(client.send(question).await?)
}

fn answer(answered: Answered) -> Result<Answer, CliError> {
    let standing = match answered.header("x-cache") {
        Some("LEAD") => Standing::Lead,
        Some("STALE") => Standing::Stale,
        Some(_) | None => Standing::Fresh,
    };
    let age =
        answered.header("age").and_then(|seconds| seconds.parse().ok()).map_or(Duration::ZERO, Duration::from_secs);
    let fresh_until = answered.header("x-fresh-until").map(str::to_owned);
    let secret: SecretView = answered.parse()?;
    let fields = secret.fields().ok_or(CliError::Garbled { what: "the fields of the value are no names" })?;
    let (version, scope, expires_at) = (secret.version(), secret.scope_text(), secret.expires_at());
    let value = secret.key_value.into_plaintext();
    Ok(Answer { value, fields, version, scope, standing, age, fresh_until, expires_at })
}

/// One line about the values that were handed on though the lead is away.
#[derive(Debug, Default)]
pub(super) struct StaleUse {
    first: Option<String>,
    count: usize,
    oldest: Duration,
}

impl StaleUse {
    /// Takes in an answer that is about to be used.
    pub(super) fn saw(&mut self, of: &Reference, answer: &Answer) {
        if answer.standing == Standing::Stale {
            self.first.get_or_insert_with(|| of.name.to_string());
            self.count = self.count.saturating_add(1);
            self.oldest = self.oldest.max(answer.age);
        }
    }

    /// What is to be said, if anything.
    pub(super) fn told(&self) -> Option<String> {
        let first = self.first.as_ref()?;
        let others = match self.count.saturating_sub(1) {
            0 => String::new(),
            1 => " and 1 other".to_owned(),
            more => format!(" and {more} others"),
        };
        Some(format!("the lead is away; the copy of {first}{others} was confirmed {} ago", span(self.oldest)))
    }
}

/// Whether an error says that there is no such secret here, and nothing worse.
pub(super) fn is_absent(error: &CliError) -> bool {
    matches!(error, CliError::Refused { status: 404 | 410, .. } | CliError::NotFound { .. })
}
