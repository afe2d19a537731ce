//! Where the journals of other nodes are kept on the lead: `nodes/<node>/<chain>/`, each a journal of its own.
//!
//! A node whose journal begins anew, goes back or forks gets the next number, so nothing that was taken is overwritten.

use std::io;
use std::path::{Path, PathBuf};

use super::error::AuditError;
use crate::model::name::NodeName;

/// The directory of copies, in that of the node's own journal.
const NODES: &str = "nodes";

/// The directory of what a follower keeps of its lead's journal: seals.
const LEAD: &str = "lead";

/// One journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalDir {
    /// Whose it is.
    pub node: NodeName,
    /// Which of that node's chains, from 1; none for the node's own journal.
    pub chain: Option<u32>,
    /// Where its files are.
    pub path: PathBuf,
}

/// Every journal of a node's audit directory: its own first, then the copies by node and chain.
///
/// # Errors
/// [`AuditError`] when a directory cannot be read; there are no copies where there is no directory of them.
pub fn journals(audit_dir: &Path, own: &NodeName) -> Result<Vec<JournalDir>, AuditError> {
    let mut journals = vec![JournalDir { node: own.clone(), chain: None, path: audit_dir.to_owned() }];
    let mut nodes: Vec<NodeName> = names(&audit_dir.join(NODES), |name| NodeName::parse(name).ok())?;
    nodes.sort();
    for node in nodes {
        for chain in chains(audit_dir, &node)? {
            let path = chain_dir(audit_dir, &node, chain);
            journals.push(JournalDir { node: node.clone(), chain: Some(chain), path });
        }
    }
    Ok(journals)
}

/// The chains that are kept of one node, in order.
///
/// # Errors
/// As [`journals`].
pub fn chains(audit_dir: &Path, node: &NodeName) -> Result<Vec<u32>, AuditError> {
    let number = |name: &str| name.parse().ok().filter(|number: &u32| *number > 0 && number.to_string() == name);
    let mut chains = names(&node_dir(audit_dir, node), number)?;
    chains.sort_unstable();
    Ok(chains)
}

/// Where a chain of a node is kept.
#[must_use]
pub fn chain_dir(audit_dir: &Path, node: &NodeName, chain: u32) -> PathBuf {
    node_dir(audit_dir, node).join(chain.to_string())
}

/// Where everything of a node is kept. The name of a node is one plain part of a path.
#[must_use]
pub fn node_dir(audit_dir: &Path, node: &NodeName) -> PathBuf {
    audit_dir.join(NODES).join(node.as_str())
}

/// Where a follower keeps the seals of its lead's journal.
#[must_use]
pub fn lead_dir(audit_dir: &Path) -> PathBuf {
    audit_dir.join(LEAD)
}

/// Sets them aside, up to this line of the journal of a lead that leads no more.
///
/// # Errors
/// [`AuditError`].
pub fn set_lead_aside(audit_dir: &Path, lead: &NodeName, seq: u64) -> Result<(), AuditError> {
    let aside = audit_dir.join(format!("{LEAD}-{lead}-{seq}"));
    std::fs::rename(lead_dir(audit_dir), &aside).map_err(AuditError::io(&aside))
}

/// The subdirectories whose names mean something.
fn names<T>(directory: &Path, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, AuditError> {
    let items = match std::fs::read_dir(directory) {
        Ok(items) => items,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(AuditError::io(directory)(error)),
    };
    let mut found = Vec::new();
    for item in items {
        let item = item.map_err(AuditError::io(directory))?;
        if item.file_type().map_err(AuditError::io(directory))?.is_dir() {
            found.extend(item.file_name().to_str().and_then(&parse));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn name(text: &str) -> NodeName {
        NodeName::parse(text).expect(text)
    }

    #[test]
    fn a_nodes_own_journal_comes_first_and_the_copies_by_node_and_chain() {
        let directory = tempfile::tempdir().expect("directory");
        let audit_dir = directory.path();
        assert_eq!(journals(audit_dir, &name("aurora")).expect("readable").len(), 1, "no copies are none");
        for (node, chain) in [("vengeance", 10), ("vengeance", 2), ("macmini", 1)] {
            fs::create_dir_all(chain_dir(audit_dir, &name(node), chain)).expect("directory");
        }
        for other in
            ["nodes/vengeance/01", "nodes/vengeance/0", "nodes/vengeance/x", "nodes/Not A Node/1", "nodes/lead/1"]
        {
            fs::create_dir_all(audit_dir.join(other)).expect("directory");
        }
        fs::write(audit_dir.join("nodes/vengeance/3"), "a file").expect("file");
        let found = journals(audit_dir, &name("aurora")).expect("readable");
        let found: Vec<_> = found.iter().map(|journal| (journal.node.as_str(), journal.chain)).collect();
        let copies = [("macmini", Some(1)), ("vengeance", Some(2)), ("vengeance", Some(10))];
        assert_eq!(found, [vec![("aurora", None)], copies.to_vec()].concat());
    }

    #[test]
    fn a_directory_that_cannot_be_read_is_no_directory_without_journals() {
        let directory = tempfile::tempdir().expect("directory");
        fs::write(directory.path().join("nodes"), "a file").expect("file");
        assert!(journals(directory.path(), &name("aurora")).is_err());
    }
}
