//! What the desk does with what a node sent: everything that touches files, and what people are shown of it.

use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use super::audit_desk::{Answer, AuditDesk, Sender, Sent, Standing, lock};
use crate::audit::copy::Copy;
use crate::audit::error::AuditError;
use crate::audit::gap::{Cause, Gap};
use crate::audit::receiving::{Judged, Offered, Received, Receiving};
use crate::audit::room;
use crate::audit::seal::{Author, Seal, SignedHead};
use crate::wire::audit::NotTakenReason;

impl AuditDesk {
    /// Everything that touches files.
    pub(super) fn judge(
        &self,
        mut turn: OwnedMutexGuard<Option<Receiving>>,
        from: &Sender,
        sent: Sent,
    ) -> Result<(Answer, Vec<Gap>), AuditError> {
        let author = Author { mesh: self.parts.own.mesh, node: from.node.clone() };
        let receiving = match turn.take() {
            Some(receiving) => turn.insert(receiving),
            None => turn.insert(Receiving::open(&self.parts.audit_dir, author, self.parts.file_bytes_max)?),
        };
        let head = match &sent {
            Sent::Offer { head, .. } | Sent::Lines { head, .. } | Sent::Alive { head } => head.clone(),
            Sent::Broken { detail } => {
                let gap = Gap::new(Cause::Broken, format!("it cannot be read on the node: {detail}"));
                return Ok((Answer::NotTaken(NotTakenReason::Misfit), vec![gap]));
            }
        };
        if let Err(gap) = receiving.check(&head, &from.key) {
            return Ok((Answer::NotTaken(NotTakenReason::Signature), vec![gap]));
        }
        let has_lines = matches!(sent, Sent::Lines { .. });
        if has_lines && self.is_short_of_disk()? {
            tracing::error!("the disk is nearly full: the lead takes no lines of other nodes' journals");
            return Ok((Answer::NotTaken(NotTakenReason::Disk), Vec::new()));
        }
        let judged = match sent {
            Sent::Offer { before, sealed, .. } => {
                let believed = sealed.filter(|seal| self.is_ours(seal, &from.node));
                receiving.offered(&Offered { before, head: &head, sealed: believed.as_deref() })?
            }
            Sent::Lines { first, lines, .. } => receiving.lines(first, &lines, &head, self.parts.clock.now().wall)?,
            Sent::Alive { .. } | Sent::Broken { .. } => match receiving.alive(&head)? {
                Some(judged) => judged,
                None => return Ok(self.noted(receiving, from, &head, Answer::Nothing, Vec::new())),
            },
        };
        self.answered(receiving, from, head, judged)
    }

    fn answered(
        &self,
        receiving: &mut Receiving,
        from: &Sender,
        head: SignedHead,
        (received, gap): Judged,
    ) -> Result<(Answer, Vec<Gap>), AuditError> {
        let mut gaps: Vec<Gap> = gap.into_iter().collect();
        let answer = match received {
            Received::From(from) => Answer::From(from),
            Received::Refused if gaps.iter().any(|gap| gap.cause == Cause::Signature) => {
                Answer::NotTaken(NotTakenReason::Signature)
            }
            Received::Refused => Answer::NotTaken(NotTakenReason::Misfit),
            Received::TooManyChains => Answer::NotTaken(NotTakenReason::Chains),
            Received::Taken(tip) => {
                let known = receiving.copy().and_then(|copy| copy.heads().newest());
                match known.filter(|seal| *seal.chain_head() == tip.head).cloned() {
                    Some(seal) => Answer::Taken(Arc::new(seal)),
                    None => match Seal::new(head.clone(), self.parts.clock.now().wall, &*self.parts.authority) {
                        Some(seal) => {
                            gaps.extend(receiving.seal(seal.clone())?);
                            Answer::Taken(Arc::new(seal))
                        }
                        None => Answer::NotTaken(NotTakenReason::Disk),
                    },
                }
            }
        };
        if matches!(answer, Answer::Taken(_)) {
            for over in [Cause::Signature, Cause::Misfit, Cause::Broken, Cause::Silent, Cause::Gone] {
                receiving.gaps.over(over)?;
            }
        }
        Ok(self.noted(receiving, from, &head, answer, gaps))
    }

    /// Shows to people what is known now.
    fn noted(
        &self,
        receiving: &Receiving,
        from: &Sender,
        head: &SignedHead,
        answer: Answer,
        gaps: Vec<Gap>,
    ) -> (Answer, Vec<Gap>) {
        let now = self.parts.clock.now();
        let standing = Standing {
            chain: receiving.copy().map(Copy::chain),
            lines: receiving.copy().map_or(0, |copy| copy.tip().head.seq),
            said: head.statement.head.seq,
            proven_at: Some(now.wall),
            proven: Some(now.boot),
            gaps: receiving.gaps.told(),
        };
        lock(&self.standings).insert(from.node.clone(), standing);
        (answer, gaps)
    }

    fn is_short_of_disk(&self) -> Result<bool, AuditError> {
        let (free, size) = room::of(&self.parts.audit_dir)?;
        // Of a small disk a twentieth.
        Ok(free < self.parts.reserve_bytes.min(size / 20))
    }
}
