//! From the files an import is made of (values, names, a key) to secrets with their names. Nothing here asks a node.

use std::fs::File;
use std::io;
use std::path::Path;

use super::arguments_bulk::ImportArguments;
use super::error::CliError;
use super::value_source::gather_up_to;
use crate::catalogue::lookup::Catalogue;
use crate::crypto::fernet::FernetKey;
use crate::crypto::plaintext::Plaintext;
use crate::interchange::entry::{FILE_BYTES_MAX, Format};
use crate::interchange::error::{FileError, Problem, Reason};
use crate::interchange::name_map::NameMap;
use crate::interchange::naming::{Named, Rules, plan_names};
use crate::interchange::{fernet, read};
use crate::model::secret::Scope;

/// What a file of values is told when it is larger.
const FILE_LIMIT: &str = "the most that is imported at once";

/// Largest map file: as many names as a file may have, each with a long target.
const MAP_BYTES_MAX: usize = 32 << 20;

/// Largest key file: the key has 44 characters, and an editor may add a few.
const KEY_FILE_BYTES_MAX: usize = 4 << 10;

/// A file that was read.
pub(super) struct Source {
    /// What it is called in what is told about it.
    pub(super) file: String,
    /// What it holds.
    pub(super) named: Named,
}

/// Reads the file as the arguments say; `scope` is for whatever does not say its own.
///
/// # Errors
/// [`CliError::File`] with every wrong line, [`CliError::Input`] when a file cannot be read.
pub(super) fn read(arguments: &ImportArguments, scope: &Scope) -> Result<Source, CliError> {
    let map = arguments.map.as_deref().map(map).transpose()?.unwrap_or_default();
    let key = arguments.fernet_key_file.as_deref().map(key).transpose()?;
    let catalogue = Catalogue::embedded()?;
    let (file, bytes) = bytes(&arguments.file)?;
    let format = arguments.format.map_or_else(|| Format::of_file_name(&file), Format::from);
    let mut entries = read::read(format, &file, &bytes)?;
    drop(bytes);
    if let Some(key) = &key {
        entries = fernet::open(&file, entries, key, &map)?;
    }
    let named = plan_names(&file, entries, Rules { map: &map, catalogue: &catalogue, scope })?;
    Ok(Source { file, named })
}

fn bytes(path: &Path) -> Result<(String, Plaintext), CliError> {
    if path == Path::new("-") {
        let what = "standard input".to_owned();
        let bytes = gather_up_to(FILE_BYTES_MAX, io::stdin().lock(), &what, FILE_LIMIT)?;
        return Ok((what, bytes));
    }
    let what = path.display().to_string();
    let bytes = gather_up_to(FILE_BYTES_MAX, open(path)?, &what, FILE_LIMIT)?;
    Ok((what, bytes))
}

fn map(path: &Path) -> Result<NameMap, CliError> {
    let what = path.display().to_string();
    let bytes = gather_up_to(MAP_BYTES_MAX, open(path)?, &what, "the most a map file may have")?;
    let text = std::str::from_utf8(bytes.expose()).map_err(|error| {
        let before = bytes.expose().get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        FileError { file: what.clone(), problems: vec![Problem { line, reason: Reason::NotUtf8 }] }
    })?;
    Ok(NameMap::parse(&what, text)?)
}

fn key(path: &Path) -> Result<FernetKey, CliError> {
    let what = path.display().to_string();
    let text = gather_up_to(KEY_FILE_BYTES_MAX, open(path)?, &what, "and a Fernet key has 44")?;
    FernetKey::from_key_file(&text).map_err(|_| CliError::Usage {
        message: format!("{what} holds no Fernet key"),
        hint: "The file must hold the key alone: 32 bytes in base64url, which is 44 characters.".to_owned(),
    })
}

fn open(path: &Path) -> Result<File, CliError> {
    File::open(path).map_err(|source| CliError::Input { what: path.display().to_string(), source })
}
