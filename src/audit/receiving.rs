//! What the lead makes of what a node says of its journal: which lines it wants, which it takes, and what is wrong.
//!
//! It believes a node about its own lines, and nothing else: what follows must follow what is here, and be signed. A journal
//! that began anew, went back or forked is kept as another chain beside the one that is here, and told.

use std::path::{Path, PathBuf};

use super::copies::node_dir;
use super::copy::Copy;
use super::error::AuditError;
use super::gap::{Cause, Gap, GapBook};
use super::head::Head;
use super::intake::{Misfit, Tip};
use super::seal::{Author, Seal, SignedHead};
use crate::model::identity::KeyPin;
use crate::model::time::Timestamp;

/// Most chains of one node. Each begins with an alarm; a node that goes on for ever must not fill the lead's disk with them.
pub const CHAINS_MAX: u32 = 100;

/// The journal of one node, as it is received.
pub struct Receiving {
    audit_dir: PathBuf,
    author: Author,
    file_bytes_max: u64,
    /// The chain that goes on.
    copy: Option<Copy>,
    /// The line before the oldest the node has: where another chain would begin.
    before: Head,
    /// What was told.
    pub gaps: GapBook,
}

/// What a node says it has.
pub struct Offered<'a> {
    /// The line before its oldest.
    pub before: Head,
    /// The end of its chain.
    pub head: &'a SignedHead,
    /// The newest seal it was given of it, which was checked.
    pub sealed: Option<&'a Seal>,
}

/// What became of what a node sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// Lines are on the disk; this is the end of the copy.
    Taken(Tip),
    /// The node shall send what follows this line.
    From(Head),
    /// Nothing was taken.
    Refused,
    /// Another chain would be one too many.
    TooManyChains,
}

/// The outcome, and what is wrong.
pub type Judged = (Received, Option<Gap>);

impl Receiving {
    /// The journal of this node, of which something may have been received before.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn open(audit_dir: &Path, author: Author, file_bytes_max: u64) -> Result<Self, AuditError> {
        let copy = Copy::newest(audit_dir, &author.node, file_bytes_max)?;
        let gaps = GapBook::open(&node_dir(audit_dir, &author.node))?;
        Ok(Self { audit_dir: audit_dir.to_owned(), author, file_bytes_max, copy, before: Head::GENESIS, gaps })
    }

    /// The chain that goes on, if there is one.
    #[must_use]
    pub fn copy(&self) -> Option<&Copy> {
        self.copy.as_ref()
    }

    /// The same, to seal it or to let it rest.
    pub fn copy_mut(&mut self) -> Option<&mut Copy> {
        self.copy.as_mut()
    }

    /// Whether a head is signed by the node this is about, with the key it is known by.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, head: &SignedHead, key: &KeyPin) -> Result<(), Gap> {
        if head.statement.key != *key {
            return Err(Gap::new(Cause::Signature, "a head is signed with another key than the node's own"));
        }
        head.check(&self.author).map_err(|flaw| Gap::new(Cause::Signature, format!("a signed head {flaw}")))
    }

    /// From where on lines are wanted of a node whose signed head was checked.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn offered(&mut self, offered: &Offered<'_>) -> Result<Judged, AuditError> {
        self.before = offered.before;
        let Some(copy) = &mut self.copy else { return self.begin(1, None) };
        let (tip, own) = (copy.tip().head, offered.head.statement.head);
        let known_key = copy.heads().newest().map(|seal| seal.head.statement.key);
        if known_key.is_some_and(|known| known != offered.head.statement.key) {
            let detail = format!("it signs with another key since line {}: it was set up anew", tip.seq);
            return self.anew(Gap::new(Cause::Key, detail));
        }
        if own.seq < tip.seq {
            let detail = format!("it ends at line {}, but line {} was received: lines were removed", own.seq, tip.seq);
            return self.anew(Gap::new(Cause::Rewind, detail));
        }
        if own.seq == tip.seq && own.hash != tip.hash {
            return self.anew(forked(tip.seq));
        }
        if tip.seq == 0 {
            copy.begin_behind(offered.before);
            return Ok((Received::From(copy.tip().head), begins(offered.before)));
        }
        if offered.before.seq > tip.seq {
            let (first, last) = (tip.next_seq(), offered.before.seq);
            let detail = format!("lines {first} to {last} were not received, and are not there any more");
            return self.anew(Gap::new(Cause::Missing, detail));
        }
        let sealed = [offered.sealed, copy.heads().newest()].into_iter().flatten().map(Seal::chain_head);
        let cut = sealed.map(|sealed| sealed.seq).max().filter(|sealed| *sealed > tip.seq);
        let detail = |sealed| {
            format!("the copy on the lead ends at line {}, but line {sealed} was sealed: its end was removed", tip.seq)
        };
        Ok((Received::From(tip), cut.map(|sealed| Gap::new(Cause::Copy, detail(sealed)))))
    }

    /// Takes lines with the head behind them, which was checked. When this returns they are on the disk.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn lines(&mut self, first: u64, lines: &[u8], head: &SignedHead, now: Timestamp) -> Result<Judged, AuditError> {
        let Some(copy) = &mut self.copy else {
            return Ok((Received::Refused, Some(Gap::new(Cause::Misfit, "lines came before the journal was offered"))));
        };
        if let Some(gap) = other_key(copy, head) {
            return Ok((Received::Refused, Some(gap)));
        }
        let expected = copy.tip().head.next_seq();
        if first != expected {
            let misfit = Misfit::OutOfOrder { expected, found: first };
            return Ok((Received::Refused, Some(Gap::new(Cause::Misfit, misfit.to_string()))));
        }
        let preview = match copy.preview(lines) {
            Ok(preview) => preview,
            Err(Misfit::OtherPast { seq }) if seq == expected => return self.anew(forked(seq)),
            Err(misfit) => return Ok((Received::Refused, Some(Gap::new(Cause::Misfit, misfit.to_string())))),
        };
        if says(head) != preview {
            let detail = format!("the head of line {} is not that of the lines it came with", head.statement.head.seq);
            return Ok((Received::Refused, Some(Gap::new(Cause::Signature, detail))));
        }
        copy.take(lines, preview, now)?;
        Ok((Received::Taken(preview), None))
    }

    /// What a head that came without lines says, which was checked: everything was taken, or more is to come.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn alive(&mut self, head: &SignedHead) -> Result<Option<Judged>, AuditError> {
        let Some(copy) = &self.copy else { return Ok(None) };
        if let Some(gap) = other_key(copy, head) {
            return Ok(Some((Received::Refused, Some(gap))));
        }
        let tip = copy.tip();
        let own = head.statement.head;
        if own.seq < tip.head.seq {
            let detail =
                format!("it ends at line {}, but line {} was received: lines were removed", own.seq, tip.head.seq);
            return self.anew(Gap::new(Cause::Rewind, detail)).map(Some);
        }
        let is_all = tip.head.seq > 0 && says(head) == tip;
        Ok(is_all.then_some((Received::Taken(tip), None)))
    }

    /// Keeps what is sealed of the copy.
    ///
    /// # Errors
    /// [`AuditError`] of the disk; a seal that does not fit those before it is a gap.
    pub fn seal(&mut self, seal: Seal) -> Result<Option<Gap>, AuditError> {
        use super::heads::HeadsError;
        let Some(copy) = &mut self.copy else { return Ok(None) };
        match copy.heads_mut().keep(seal) {
            Ok(()) => Ok(None),
            Err(HeadsError::Audit(error)) => Err(error),
            // The copy came to this place before: it was cut, and what follows now must be the same again.
            Err(HeadsError::Back { .. }) => Ok(None),
            Err(refused @ HeadsError::Fork { .. }) => Ok(Some(Gap::new(Cause::Fork, refused.to_string()))),
        }
    }

    fn anew(&mut self, gap: Gap) -> Result<Judged, AuditError> {
        let chain = self.copy.as_ref().map_or(0, Copy::chain).saturating_add(1);
        if chain > CHAINS_MAX {
            return Ok((Received::TooManyChains, Some(gap)));
        }
        self.begin(chain, Some(gap))
    }

    fn begin(&mut self, chain: u32, gap: Option<Gap>) -> Result<Judged, AuditError> {
        let mut copy = Copy::open(&self.audit_dir, &self.author.node, chain, self.file_bytes_max)?;
        copy.begin_behind(self.before);
        let from = copy.tip().head;
        self.copy = Some(copy);
        Ok((Received::From(from), gap.or_else(|| begins(self.before))))
    }
}

fn says(head: &SignedHead) -> Tip {
    Tip { head: head.statement.head, format: head.statement.format }
}

/// A node that was set up anew under the name of another goes on with that one's chain as little as it does at the start.
fn other_key(copy: &Copy, head: &SignedHead) -> Option<Gap> {
    let known = copy.heads().newest()?.head.statement.key;
    let detail = "it goes on with a chain that another key has signed, without offering its own first";
    (known != head.statement.key).then(|| Gap::new(Cause::Key, detail))
}

fn forked(seq: u64) -> Gap {
    Gap::new(
        Cause::Fork,
        format!("it has another line {seq} than follows what was received: it was rewritten or put back"),
    )
}

fn begins(before: Head) -> Option<Gap> {
    let detail = || format!("it begins behind line {}: what was before it was never received", before.seq);
    (before.seq > 0).then(|| Gap::new(Cause::Missing, detail()))
}
