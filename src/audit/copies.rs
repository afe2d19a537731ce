//! The journals a node has: its own, and on a lead the copies of the others'.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::AuditError;
use crate::model::name::NodeName;

/// Where the copies are, in the directory of the node's own journal: `nodes/<node>/<chain>`.
const COPIES: &str = "nodes";

/// One journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalDir {
    /// Whose it is.
    pub node: NodeName,
    /// Which copy of that node's: a journal that began anew has the next number. `None` for the node's own.
    pub chain: Option<u32>,
    /// Where its files are.
    pub path: PathBuf,
}

/// The journals in a directory: first the node's own, then the copies by node and chain. What has no such name is left out.
///
/// # Errors
/// [`AuditError::Io`] when a directory cannot be read. There need not be any copies.
pub fn journals(audit_dir: &Path, own: &NodeName) -> Result<Vec<JournalDir>, AuditError> {
    let mut journals = Vec::new();
    let copies = audit_dir.join(COPIES);
    for (name, path) in directories(&copies)? {
        let Ok(node) = NodeName::parse(&name) else { continue };
        for (chain, path) in directories(&path)? {
            let number = chain.parse::<u32>().ok().filter(|number| *number > 0 && number.to_string() == chain);
            journals.extend(number.map(|number| JournalDir { node: node.clone(), chain: Some(number), path }));
        }
    }
    journals.sort_by(|one, other| (&one.node, one.chain).cmp(&(&other.node, other.chain)));
    journals.insert(0, JournalDir { node: own.clone(), chain: None, path: audit_dir.to_owned() });
    Ok(journals)
}

/// The directories within one, by name; none if it is missing. Links are not followed.
fn directories(within: &Path) -> Result<Vec<(String, PathBuf)>, AuditError> {
    let items = match fs::read_dir(within) {
        Ok(items) => items,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(AuditError::io(within)(error)),
    };
    let mut found = Vec::new();
    for item in items {
        let item = item.map_err(AuditError::io(within))?;
        if item.file_type().map_err(AuditError::io(item.path()))?.is_dir() {
            found.extend(item.file_name().into_string().ok().map(|name| (name, item.path())));
        }
    }
    Ok(found)
}
