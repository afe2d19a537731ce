//! Writes secrets as a file of another tool. What is written here reads back, by [`super::read`], to the same names and
//! bytes.
//!
//! JSON and YAML hold canonical names, with the scope after a blank where there is one. Variables hold the usual name
//! of the credential, and a comment before each says which secret it is; where two would have one name, the later gets
//! a number.

use std::collections::{HashMap, HashSet};
use std::io;

use super::dotenv::ANNOTATION;
use super::entry::{Content, Format, Item};
use super::quoting;
use super::target::{FieldTag, Target};
use crate::catalogue::lookup::Catalogue;
use crate::catalogue::provider::variable_part;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::written::written;

/// Why secrets cannot be written in a format.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The value is no text, and every format holds texts only.
    #[error("the value of {0} is not UTF-8 text, and a file of this kind can hold only that")]
    NotText(Target),
    /// The value holds a zero byte, and no variable of a shell can.
    #[error("the value of {0} holds a zero byte, which no shell can; export it as json or yaml")]
    ZeroByte(Target),
    /// The same secret in the same scope, or the same field, is there twice.
    #[error("{0} would be there twice")]
    Twice(Target),
    /// Memory would not be written to, which does not happen.
    #[error("the file could not be put together")]
    Unwritable(#[from] io::Error),
}

/// Writes the items in their order; an item without a value is left out.
///
/// # Errors
/// [`WriteError`], with the secret that does not fit.
pub fn write(format: Format, items: &[Item], catalogue: &Catalogue) -> Result<Plaintext, WriteError> {
    let texts = texts(items, catalogue)?;
    let file = match format {
        Format::Dotenv => {
            let lines = variables(&texts, catalogue);
            written(|to| lines.iter().try_for_each(|line| dotenv_line(to, line)))
        }
        Format::Shell => {
            let lines = variables(&texts, catalogue);
            if let Some(line) = lines.iter().find(|line| line.text.contains('\0')) {
                return Err(WriteError::ZeroByte(line.target.clone()));
            }
            written(|to| lines.iter().try_for_each(|line| shell_line(to, line)))
        }
        Format::Json => written(|to| json(to, &texts)),
        Format::Yaml => written(|to| yaml(to, &texts)),
    };
    Ok(file?)
}

/// The variables under which [`write()`] gives items in a format of variables, in their order, and which value or field
/// each holds.
///
/// # Errors
/// As [`write()`].
pub fn variable_names(items: &[Item], catalogue: &Catalogue) -> Result<Vec<(String, Target)>, WriteError> {
    let texts = texts(items, catalogue)?;
    Ok(variables(&texts, catalogue).into_iter().map(|variable| (variable.name, variable.target)).collect())
}

/// One item whose value is known to be text.
struct Text<'a> {
    /// All of the secret.
    target: Target,
    value: TextValue<'a>,
}

enum TextValue<'a> {
    Whole(&'a str),
    Fields(Vec<(FieldTag, &'a str)>),
}

impl<'a> Text<'a> {
    /// The value, or each field, with what it is.
    fn parts(&self) -> Vec<(Target, &'a str)> {
        match &self.value {
            TextValue::Whole(text) => vec![(self.target.clone(), *text)],
            TextValue::Fields(fields) => {
                fields.iter().map(|(tag, text)| (field_of(&self.target, tag), *text)).collect()
            }
        }
    }
}

fn texts<'a>(items: &'a [Item], catalogue: &Catalogue) -> Result<Vec<Text<'a>>, WriteError> {
    let mut seen = HashSet::new();
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        let target = Target { name: item.name.clone(), field: None, scope: item.scope.clone() };
        let value = match &item.content {
            Content::Nothing => continue,
            Content::Fields(fields) if fields.is_empty() => continue,
            Content::Value(value) => TextValue::Whole(text_of(&target, value)?),
            Content::Fields(fields) => TextValue::Fields(fields_of(&target, fields, catalogue)?),
        };
        if !seen.insert(target.clone()) {
            return Err(WriteError::Twice(target));
        }
        texts.push(Text { target, value });
    }
    Ok(texts)
}

fn fields_of<'a>(
    target: &Target,
    fields: &'a [(FieldTag, Plaintext)],
    catalogue: &Catalogue,
) -> Result<Vec<(FieldTag, &'a str)>, WriteError> {
    let mut seen = HashSet::new();
    let mut texts = Vec::with_capacity(fields.len());
    for (tag, value) in fields {
        let field = field_of(target, &FieldTag::of(tag.name.clone()));
        if !seen.insert(&tag.name) {
            return Err(WriteError::Twice(field));
        }
        // What a reader would take it for anyway need not be said.
        let kind = tag.kind.filter(|kind| *kind != catalogue.kind_of(&target.name, &tag.name));
        texts.push((FieldTag { name: tag.name.clone(), kind }, text_of(&field, value)?));
    }
    Ok(texts)
}

fn text_of<'a>(target: &Target, value: &'a Plaintext) -> Result<&'a str, WriteError> {
    str::from_utf8(value.expose()).map_err(|_| WriteError::NotText(target.clone()))
}

fn field_of(target: &Target, tag: &FieldTag) -> Target {
    Target { field: Some(tag.clone()), ..target.clone() }
}

/// A variable, what it is, and its value.
struct Variable<'a> {
    name: String,
    target: Target,
    text: &'a str,
}

/// A variable for each value and each field, no two of one name.
fn variables<'a>(texts: &[Text<'a>], catalogue: &Catalogue) -> Vec<Variable<'a>> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    let parts = texts.iter().flat_map(Text::parts);
    let named = parts.map(|(target, text)| {
        let wanted = variable_of(&target, catalogue);
        Variable { name: free_name(&mut taken, wanted), target, text }
    });
    named.collect()
}

/// The usual variable of a secret, else one made of its name.
fn variable_of(target: &Target, catalogue: &Catalogue) -> String {
    if let (None, Some(usual)) = (&target.field, catalogue.variable_of(&target.name)) {
        return usual.to_owned();
    }
    let field = target.field.as_ref().map(|tag| tag.name.as_str());
    let parts = [target.name.service.as_str(), target.name.key.as_str()].into_iter().chain(field);
    let variable = parts.map(variable_part).collect::<Vec<_>>().join("_");
    // No shell takes a variable that begins with a digit.
    if variable.starts_with(|first: char| first.is_ascii_digit()) { format!("_{variable}") } else { variable }
}

/// The wanted name, or with the first number that makes it one of its own. `taken` says of each name how often it was
/// wanted, so that ten thousand companies with one credential are not ten thousand searches.
fn free_name(taken: &mut HashMap<String, usize>, wanted: String) -> String {
    let mut number = taken.get(&wanted).copied().unwrap_or_default() + 1;
    let mut name = if number == 1 { wanted.clone() } else { format!("{wanted}_{number}") };
    while taken.contains_key(&name) {
        number += 1;
        name = format!("{wanted}_{number}");
    }
    taken.insert(wanted, number);
    taken.entry(name.clone()).or_insert(1);
    name
}

fn dotenv_line(to: &mut dyn io::Write, line: &Variable<'_>) -> io::Result<()> {
    write!(to, "# {ANNOTATION} {}\n{}=", line.target, line.name)?;
    quoting::dotenv(to, line.text)?;
    to.write_all(b"\n")
}

fn shell_line(to: &mut dyn io::Write, line: &Variable<'_>) -> io::Result<()> {
    write!(to, "# {ANNOTATION} {}\nexport {}=", line.target, line.name)?;
    quoting::shell(to, line.text)?;
    to.write_all(b"\n")
}

fn json(to: &mut dyn io::Write, texts: &[Text<'_>]) -> io::Result<()> {
    to.write_all(b"{")?;
    for (index, Text { target, value }) in texts.iter().enumerate() {
        write!(to, "{}\n  \"{target}\": ", comma(index))?;
        match value {
            TextValue::Whole(text) => quoting::tree(to, text)?,
            TextValue::Fields(fields) => {
                to.write_all(b"{")?;
                for (index, (tag, text)) in fields.iter().enumerate() {
                    write!(to, "{}\n    \"{tag}\": ", comma(index))?;
                    quoting::tree(to, text)?;
                }
                to.write_all(b"\n  }")?;
            }
        }
    }
    to.write_all(if texts.is_empty() { b"}\n" } else { b"\n}\n" })
}

/// What stands before an entry: a comma, but for the first.
fn comma(index: usize) -> &'static str {
    if index == 0 { "" } else { "," }
}

fn yaml(to: &mut dyn io::Write, texts: &[Text<'_>]) -> io::Result<()> {
    if texts.is_empty() {
        return to.write_all(b"{}\n");
    }
    for Text { target, value } in texts {
        write!(to, "\"{target}\":")?;
        match value {
            TextValue::Whole(text) => {
                to.write_all(b" ")?;
                quoting::tree(to, text)?;
            }
            TextValue::Fields(fields) => {
                for (tag, text) in fields {
                    write!(to, "\n  \"{tag}\": ")?;
                    quoting::tree(to, text)?;
                }
            }
        }
        to.write_all(b"\n")?;
    }
    Ok(())
}
