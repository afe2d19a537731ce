//! `export`: the values that a read would give, as a file of another tool.

use std::path::Path;

use serde::Serialize;

use super::arguments;
use super::arguments_bulk::ExportArguments;
use super::error::CliError;
use super::output::Shown;
use super::question::Question;
use super::secret_file;
use super::session::Session;
use super::table::{Style, plain};
use super::views_bulk::{ExportPage, ExportedSecret};
use super::views_secret::FieldView;
use crate::catalogue::lookup::Catalogue;
use crate::crypto::fields::select;
use crate::crypto::plaintext::Plaintext;
use crate::delivery::variables::is_obeyed;
use crate::interchange::entry::{Content, Format, Item};
use crate::interchange::target::FieldTag;
use crate::interchange::write::{variable_names, write};
use crate::model::fields::FieldKind;
use crate::model::name::{FieldName, KeyName, ServiceName};
use crate::model::secret::{Scope, SecretName};

/// `aurora export`
pub(super) async fn export(session: &mut Session<'_>, arguments: &ExportArguments) -> Result<(), CliError> {
    let catalogue = Catalogue::embedded()?;
    let format = format(arguments, session.output.format());
    let Values { items, refused } = values(session, arguments.prefix.as_deref()).await?;
    if items.is_empty() {
        return Err(nothing(arguments.prefix.as_deref(), refused));
    }
    let items = for_format(items, format, &catalogue, session)?;
    let file = write(format, &items, &catalogue)?;
    if refused > 0 {
        session.output.note(&format!("{refused} names were left out, because policy does not let you export them"));
    }
    let Some(path) = &arguments.output_file else {
        if session.output.is_terminal() {
            session.output.note("what follows are values, on a screen");
        }
        return session.output.write(file.expose());
    };
    secret_file::write(path, &file)?;
    session.output.report(&ExportedView::new(path, format, items.len(), refused))
}

/// What was asked for, else what the file's name says; without a file, what is asked of every answer.
fn format(arguments: &ExportArguments, answers: arguments::Format) -> Format {
    match (arguments.format, &arguments.output_file, answers) {
        (Some(format), _, _) => Format::from(format),
        (None, Some(path), _) => Format::of_file_name(&path.to_string_lossy()),
        (None, None, arguments::Format::Table) => Format::Dotenv,
        (None, None, arguments::Format::Json) => Format::Json,
        (None, None, arguments::Format::Yaml) => Format::Yaml,
    }
}

/// What may be written so: a shell that reads a file of variables obeys some of them, and the name of a secret is chosen by
/// whoever may store one.
fn for_format(
    items: Vec<Item>,
    format: Format,
    catalogue: &Catalogue,
    session: &mut Session<'_>,
) -> Result<Vec<Item>, CliError> {
    if format != Format::Shell {
        return Ok(items);
    }
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        let names = variable_names(std::slice::from_ref(&item), catalogue)?;
        match names.iter().find(|(name, _)| is_obeyed(name)) {
            Some((name, _)) => {
                let secret = &item.name;
                session.output.note(&format!("{secret} was left out: shells and programs obey {name}"));
            }
            None => kept.push(item),
        }
    }
    Ok(kept)
}

/// All pages.
pub(super) struct Values {
    /// The values.
    pub(super) items: Vec<Item>,
    /// How many names policy keeps from this caller.
    pub(super) refused: usize,
}

/// Asks for everything whose name starts so.
pub(super) async fn values(session: &Session<'_>, prefix: Option<&str>) -> Result<Values, CliError> {
    let client = session.reader()?;
    let mut values = Values { items: Vec::new(), refused: 0 };
    let mut cursor: Option<String> = None;
    loop {
        let question = session.in_place(Question::get("/api/export")).with("prefix", prefix);
        let question = session.in_context(question.with("cursor", cursor.as_deref()))?;
        let page: ExportPage = client.ask(question).await?;
        values.refused = values.refused.saturating_add(page.refused);
        for secret in page.secrets {
            values.items.push(item(secret).ok_or(CliError::Garbled { what: "a value is not as it was declared" })?);
        }
        // A node that gives the same cursor again would keep us here for ever.
        if page.next_cursor.is_none() || page.next_cursor == cursor {
            return Ok(values);
        }
        cursor = page.next_cursor;
    }
}

/// A value as it is written. Which scope it is from stays with it unless that is everybody's: imported elsewhere, what
/// one company owns must not become what all may read.
fn item(secret: ExportedSecret) -> Option<Item> {
    let scope = Scope::from_parts(&secret.scope, secret.scope_id.as_deref()).ok()?;
    let service = ServiceName::parse(&secret.service).ok()?;
    let name = SecretName { service, key: KeyName::parse(&secret.key_name).ok()? };
    let value = secret.key_value.into_plaintext();
    let content = if secret.fields.is_empty() {
        Content::Value(value)
    } else {
        let part = |view: &FieldView| part(&value, view);
        Content::Fields(secret.fields.iter().map(part).collect::<Option<_>>()?)
    };
    Some(Item { name, scope: (scope != Scope::Global).then_some(scope), content })
}

fn part(value: &Plaintext, view: &FieldView) -> Option<(FieldTag, Plaintext)> {
    let tag = FieldTag { name: FieldName::parse(&view.name).ok()?, kind: FieldKind::parse(&view.kind) };
    let text = select(value, &tag.name).ok()?;
    Some((tag, text))
}

/// Why there is nothing to give.
pub(super) fn nothing(prefix: Option<&str>, refused: usize) -> CliError {
    if refused > 0 {
        return CliError::Usage {
            message: format!("policy lets you export none of the {refused} values there are"),
            hint: "Ask an admin of this node for a grant.".to_owned(),
        };
    }
    let message = match prefix {
        Some(prefix) => format!("there is no value here whose name starts with {prefix:?}"),
        None => "there is no value here".to_owned(),
    };
    CliError::NotFound { message, hint: "Look with: aurora list".to_owned() }
}

/// What was written where.
#[derive(Debug, Serialize)]
struct ExportedView {
    file: String,
    format: &'static str,
    secrets: usize,
    refused: usize,
}

impl ExportedView {
    fn new(path: &Path, format: Format, secrets: usize, refused: usize) -> Self {
        Self { file: path.display().to_string(), format: format.as_str(), secrets, refused }
    }
}

impl Shown for ExportedView {
    fn table(&self, _style: Style) -> String {
        let Self { file, format, secrets, .. } = self;
        format!("{secrets} secrets are in {} ({format}; only you may read it)\n", plain(file))
    }
}
