//! From the text of one provider's file to a [`Provider`], or to every problem of it.

use toml::Table;

use super::error::{Problem, Reason};
use super::probe::CHECK_EVERY;
use super::provider::{Credential, Provider, ProviderType};
use super::section::Section;
use crate::model::fields::FieldKind;
use crate::model::name::{KeyName, NameError, ServiceName};

/// Reads one file. `None` means that a problem was noted; a provider may come with problems, too.
pub(super) fn provider(file: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Provider> {
    let table = match text.parse::<Table>() {
        Ok(table) => table,
        Err(error) => {
            problems.push(syntax_problem(file, text, &error));
            return None;
        }
    };
    let mut section = Section::new(file, String::new(), table, problems);
    let name = section.text("name", |name| {
        let service = ServiceName::parse(name).map_err(bad_name)?;
        let own_file = file.strip_suffix(".toml") == Some(name);
        own_file.then_some(service).ok_or_else(|| refused(name, "what the file is called"))
    });
    let title = section.text("title", |title| Ok(title.to_owned()));
    let docs = section.optional_text("docs");
    let tables = section.tables("fields");
    section.finish();
    let mut fields: Vec<Credential> = Vec::with_capacity(tables.len());
    for (index, table) in tables.into_iter().enumerate() {
        let mut section = Section::new(file, format!("fields[{index}]."), table, problems);
        let credential = credential(&mut section);
        if let Some(twice) = credential.iter().find(|it| fields.iter().any(|earlier| earlier.name == it.name)) {
            section
                .refuse("name", Reason::Twice { name: twice.name.to_string(), first: "an earlier field".to_owned() });
        }
        section.finish();
        fields.extend(credential);
    }
    Some(Provider {
        name: name?,
        title: title?,
        kind: ProviderType::ApiKey,
        docs,
        host: None,
        auth_url: None,
        token: None,
        scopes: Vec::new(),
        allow_private: false,
        check_every: CHECK_EVERY,
        calls_per_day: None,
        probes: Vec::new(),
        unprobed: None,
        fields,
    })
}

fn credential(section: &mut Section<'_>) -> Option<Credential> {
    let name = section.text("name", |name| KeyName::parse(name).map_err(bad_name));
    let kind =
        section.text("kind", |kind| FieldKind::parse(kind).ok_or_else(|| refused(kind, "\"secret\" or \"string\"")));
    let variables = section.texts("variables", |variable| {
        is_variable(variable).then_some(()).ok_or_else(|| refused(variable, "a variable: A-Z, 0-9 and underscore"))
    });
    Some(Credential { name: name?, kind: kind?, required: false, variables })
}

/// As environment variables are written: POSIX.1-2024, 8.1.
fn is_variable(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.bytes().all(inside) && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

fn bad_name(error: NameError) -> Reason {
    Reason::Value { found: error.text, wanted: "a canonical name: a-z, 0-9, dot, underscore and hyphen" }
}

fn refused(found: &str, wanted: &'static str) -> Reason {
    Reason::Value { found: found.to_owned(), wanted }
}

fn syntax_problem(file: &str, text: &str, error: &toml::de::Error) -> Problem {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count().saturating_add(1);
    Problem { file: file.to_owned(), key: format!("line {line}"), reason: Reason::Syntax(error.message().to_owned()) }
}
