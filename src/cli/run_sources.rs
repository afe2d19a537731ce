//! Where the variables of a program come from: this program's own environment, files, the names of a prefix, and the
//! command line.

use std::fs::File;
use std::path::Path;

use super::arguments_run::RunArguments;
use super::error::CliError;
use super::run_read::Plan;
use super::session::Session;
use super::value_source::gather_up_to;
use super::verbs_export::{self, Values};
use crate::catalogue::lookup::Catalogue;
use crate::delivery::variables::Variables;
use crate::interchange::entry::{Content, Entry, Format};
use crate::interchange::read;
use crate::interchange::write::variable_names;
use crate::model::reference::Reference;

/// Largest file of variables: Linux takes 6 MiB of arguments and variables together at most.
const FILE_BYTES_MAX: usize = 6 << 20;

/// Puts them together; what stands later wins: environment, files, prefix, command line.
///
/// # Errors
/// [`CliError::NotStarted`] with every variable that cannot be, [`CliError::File`] and [`CliError::Input`] for a file.
pub(super) async fn variables(session: &mut Session<'_>, arguments: &RunArguments) -> Result<Plan, CliError> {
    let mut variables = Variables::default();
    variables.inherit(std::env::vars_os());
    for path in &arguments.env {
        for entry in entries(path)? {
            if let Content::Value(text) = entry.content {
                variables.text(&entry.raw_name, text);
            }
        }
    }
    if let Some(prefix) = &arguments.prefix {
        Box::pin(by_prefix(session, prefix, &mut variables)).await?;
    }
    arguments.map.iter().for_each(|text| variables.map(text));
    variables.finish().map_err(|unfit| CliError::NotStarted(unfit.into()))
}

fn entries(path: &Path) -> Result<Vec<Entry>, CliError> {
    let what = path.display().to_string();
    let file = File::open(path).map_err(|source| CliError::Input { what: what.clone(), source })?;
    let bytes = gather_up_to(FILE_BYTES_MAX, file, &what, "more than a program can be given")?;
    Ok(read::read(Format::Dotenv, &what, &bytes)?)
}

/// The names come from an export, and the values from reads like those of any other variable: an export does not say how
/// old each of its values is.
async fn by_prefix(session: &mut Session<'_>, prefix: &str, variables: &mut Variables) -> Result<(), CliError> {
    let prefix = (!prefix.is_empty()).then_some(prefix);
    let Values { items, refused } = verbs_export::values(session, prefix).await?;
    if items.is_empty() {
        return Err(verbs_export::nothing(prefix, refused));
    }
    if refused > 0 {
        session.output.note(&format!("{refused} names were left out, because policy does not let you export them"));
    }
    for (name, target) in variable_names(&items, &Catalogue::embedded()?)? {
        let field = target.field.map(|tag| tag.name);
        let secret = Reference { field, ..Reference::to(target.name) };
        if !variables.secret(&name, secret.clone()) {
            let why = "which is left out: programs take it for an order; if it is meant, ask for it";
            session.output.note(&format!("{} would be {name}, {why}: --map {name}={}", secret.name, secret.name));
        }
    }
    Ok(())
}
