//! What a restore or a promotion did, as the new store remembers it until the node has written it into its journal: the
//! commands work on a node that is stopped, and only a node writes its journal.

use anyhow::{Context, Result};

use crate::actors::board::Board;
use crate::audit::entry::Entry;
use crate::audit::journal::Journal;
use crate::model::event::Event;
use crate::store::blob::BlobName;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

/// Most characters of an earlier deed in what is remembered of a later one.
const DETAIL_CHARS_MAX: usize = 1_000;

/// Which of the two it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A lead went back to a snapshot.
    Restore,
    /// A follower became the lead.
    Promotion,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Restore, Self::Promotion];

    /// The action of the line in the journal; also the first line of what is remembered.
    fn action(self) -> &'static str {
        match self {
            Self::Restore => "snapshot.restore",
            Self::Promotion => "node.promote",
        }
    }
}

/// What is remembered.
pub(super) fn note(kind: Kind, detail: &str) -> Mutation {
    Mutation::PutBlob(BlobName::Restored, format!("{}\n{detail}", kind.action()).into_bytes())
}

/// Whether a store was made by a deed of this kind that its node has not written down.
pub(super) fn is_of(kind: Kind, kept: Option<&Vec<u8>>) -> bool {
    kept.is_some_and(|kept| parse(kept).is_some_and(|(of, _)| of == kind))
}

/// What an earlier deed did that no node has written down yet.
pub(super) fn unwritten(kept: Option<&Vec<u8>>) -> Option<String> {
    let (_, detail) = parse(kept?)?;
    Some(detail.chars().take(DETAIL_CHARS_MAX).collect())
}

fn parse(kept: &[u8]) -> Option<(Kind, &str)> {
    let (action, detail) = std::str::from_utf8(kept).ok()?.split_once('\n')?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.action() == action)?;
    Some((kind, detail))
}

/// Writes it down, tells it, and forgets it, in this order: a crash in between writes it down twice, never not at all.
pub(super) async fn write_down(kept: Option<&[u8]>, store: &Store, journal: &Journal, board: &Board) -> Result<()> {
    let Some(kept) = kept else { return Ok(()) };
    let (kind, detail) = parse(kept).context("what a restore left in the store is damaged")?;
    tracing::warn!(detail, "{}", kind.action());
    let line = Entry::of_node(kind.action(), detail.to_owned());
    journal.append(line).await.context("what a restore did cannot be written into the journal")?;
    board.events.tell(Event::SystemMaintenance { detail: detail.to_owned() });
    Ok(store.commit(vec![Mutation::DropBlob(BlobName::Restored)]).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_reads_back_and_nothing_else_does() {
        for kind in Kind::ALL {
            let Mutation::PutBlob(BlobName::Restored, kept) = note(kind, "one\ntwo") else { panic!("a blob") };
            assert_eq!(parse(&kept), Some((kind, "one\ntwo")));
            assert!(is_of(kind, Some(&kept)));
        }
        assert!(!is_of(Kind::Promotion, Some(&b"snapshot.restore\n".to_vec())) && !is_of(Kind::Restore, None));
        for bad in [&b""[..], b"snapshot.restore", b"secret.read\nx", &[0xff, b'\n']] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
