//! From the bytes of a file to its entries, or to every line that is wrong. What is checked for all formats is checked
//! here.

use super::dotenv::{self, Dialect};
use super::entry::{Content, Entry, FILE_BYTES_MAX, Format};
use super::error::{FileError, Problem, Reason};
use super::{json, shape, yaml};
use crate::crypto::plaintext::Plaintext;
use crate::model::record::VALUE_BYTES_MAX;

/// Reads a file that the caller names `file`.
///
/// # Errors
/// [`FileError`]: the file is refused as a whole, with every wrong line that could be told.
pub fn read(format: Format, file: &str, bytes: &Plaintext) -> Result<Vec<Entry>, FileError> {
    let entries = text_of(bytes).and_then(|text| entries(format, text)).and_then(with_bounded_values);
    entries.map_err(|problems| FileError::new(file, problems))
}

fn entries(format: Format, text: &str) -> Result<Vec<Entry>, Vec<Problem>> {
    match format {
        Format::Dotenv => dotenv::read(text, Dialect::Dotenv).and_then(with_unique_names),
        Format::Shell => dotenv::read(text, Dialect::Shell).and_then(with_unique_names),
        Format::Json => json::read(text).map_err(|problem| vec![problem]).and_then(shape::entries),
        Format::Yaml => yaml::read(text).map_err(|problem| vec![problem]).and_then(shape::entries),
    }
}

/// The text, without the byte order mark that some editors put before it.
fn text_of(bytes: &Plaintext) -> Result<&str, Vec<Problem>> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(vec![Problem::new(1, Reason::FileTooLarge(FILE_BYTES_MAX))]);
    }
    let bytes = bytes.expose();
    let text = str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        vec![Problem::new(line, Reason::NotUtf8)]
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The maps of JSON and YAML check this themselves: there a name may stand once in each.
fn with_unique_names(entries: Vec<Entry>) -> Result<Vec<Entry>, Vec<Problem>> {
    let problems = shape::twice(entries.iter().map(|entry| (entry.line, entry.raw_name.as_str())));
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

fn with_bounded_values(entries: Vec<Entry>) -> Result<Vec<Entry>, Vec<Problem>> {
    let too_long = entries.iter().filter(|entry| content_bytes(&entry.content) > VALUE_BYTES_MAX);
    let problems: Vec<Problem> =
        too_long.map(|entry| Problem::new(entry.line, Reason::ValueTooLong(VALUE_BYTES_MAX))).collect();
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

fn content_bytes(content: &Content) -> usize {
    match content {
        Content::Value(value) => value.len(),
        Content::Fields(fields) => fields.iter().map(|(tag, value)| tag.name.as_str().len() + value.len()).sum(),
        Content::Nothing => 0,
    }
}
