//! What proves that journals are whole, for people.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, counted, plain, rows};
use crate::audit::proof_file::Checked;
use crate::model::identity::KeyPin;

/// What following a journal came to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VerdictView {
    /// Whether every line fits.
    pub(super) valid: bool,
    /// Whose journal.
    pub(super) node: String,
    /// Which of the node's chains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) chain: Option<u32>,
    /// Lines that were checked.
    pub(super) lines: u64,
    /// The last that is sealed.
    pub(super) sealed: Option<u64>,
    /// When it was.
    pub(super) sealed_at: Option<String>,
    /// The first that does not fit.
    pub(super) broken: Option<String>,
    /// The pin of the authority whose seals were believed.
    pub(super) authority: String,
}

impl Shown for VerdictView {
    fn table(&self, _style: Style) -> String {
        let whose = match self.chain {
            Some(chain) => format!("the journal of {}, chain {chain},", plain(&self.node)),
            None => "the journal".to_owned(),
        };
        let checked = counted(self.lines, "line", "lines");
        let sealed = match (&self.sealed, &self.sealed_at) {
            (Some(seq), Some(at)) => format!("sealed up to line {seq} at {}", plain(at)),
            _ => "no line is sealed yet: only the chain was checked".to_owned(),
        };
        match &self.broken {
            None => format!("{whose} is whole: {checked} checked; {sealed}\n"),
            Some(reason) => format!("{whose} is broken after {checked}: {}\n", plain(reason)),
        }
    }
}

/// The same of all chains of a node.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VerdictsView {
    /// Whether every line of every chain fits.
    pub(super) valid: bool,
    /// The chains.
    pub(super) chains: Vec<VerdictView>,
}

impl Shown for VerdictsView {
    fn table(&self, style: Style) -> String {
        self.chains.iter().map(|chain| chain.table(style)).collect()
    }
}

/// What checking a file came to.
#[derive(Debug, Serialize)]
pub(super) struct CheckedView {
    valid: bool,
    journals: Vec<CheckedJournalView>,
    broken: Option<String>,
    authority: String,
}

/// One journal in a file.
#[derive(Debug, Serialize)]
struct CheckedJournalView {
    node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<u32>,
    lines: u64,
    sealed: Option<u64>,
    sealed_at: Option<String>,
}

impl CheckedView {
    /// What is shown of it.
    pub(super) fn new(checked: &Checked, authority: &KeyPin) -> Self {
        let journals = checked.journals.iter().map(|journal| CheckedJournalView {
            node: journal.node.to_string(),
            chain: journal.chain,
            lines: journal.lines,
            sealed: journal.sealed.map(|(seq, _)| seq),
            sealed_at: journal.sealed.map(|(_, at)| at.to_string()),
        });
        let broken = checked.broken.as_ref().map(ToString::to_string);
        Self { valid: broken.is_none(), journals: journals.collect(), broken, authority: authority.to_string() }
    }
}

impl Shown for CheckedView {
    fn table(&self, _style: Style) -> String {
        if let Some(reason) = &self.broken {
            return format!("the file does not prove what it says: {}\n", plain(reason));
        }
        let journal = |journal: &CheckedJournalView| {
            let chain = journal.chain.map(|chain| format!(", chain {chain},")).unwrap_or_default();
            let sealed = match (&journal.sealed, &journal.sealed_at) {
                (Some(seq), Some(at)) => format!("sealed up to line {seq} at {at}"),
                _ => "not sealed".to_owned(),
            };
            format!(
                "the journal of {}{chain} is whole: {} checked; {sealed}\n",
                journal.node,
                counted(journal.lines, "line", "lines")
            )
        };
        self.journals.iter().map(journal).collect()
    }
}

/// The seals that are kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeadsView {
    pub(super) heads: Vec<HeadView>,
    /// The pin of the authority that made them.
    pub(super) authority: String,
}

/// One seal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeadView {
    pub(super) node: String,
    pub(super) seq: u64,
    pub(super) sealed_at: String,
    /// The seal as one line of JSON.
    pub(super) line: String,
}

impl Shown for HeadsView {
    fn table(&self, style: Style) -> String {
        let header = ["JOURNAL OF", "UP TO LINE", "SEALED AT"];
        let cells = |head: &HeadView| vec![plain(&head.node), head.seq.to_string(), plain(&head.sealed_at)];
        rows(style, &header, self.heads.iter().map(cells))
    }
}

/// The journals of all nodes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AuditNodesView {
    nodes: Vec<AuditNodeView>,
    authority: String,
}

/// The journal of one node.
#[derive(Debug, Serialize, Deserialize)]
struct AuditNodeView {
    node: String,
    chain: Option<u32>,
    lines: u64,
    behind: u64,
    proven_at: Option<String>,
    state: String,
    gaps: Vec<String>,
}

impl Shown for AuditNodesView {
    fn table(&self, style: Style) -> String {
        let header = ["NODE", "STATE", "LINES", "BEHIND", "LAST PROVEN", "CHAIN", "WRONG"];
        let cells = |node: &AuditNodeView| {
            vec![
                plain(&node.node),
                plain(&node.state),
                node.lines.to_string(),
                node.behind.to_string(),
                node.proven_at.as_deref().map_or_else(|| "-".to_owned(), plain),
                node.chain.map_or_else(|| "-".to_owned(), |chain| chain.to_string()),
                if node.gaps.is_empty() { "-".to_owned() } else { plain(&node.gaps.join("; ")) },
            ]
        };
        format!("{}authority {}\n", rows(style, &header, self.nodes.iter().map(cells)), plain(&self.authority))
    }
}
