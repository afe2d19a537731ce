//! What proves that journals are whole: this node's own, and on the lead those of all nodes.

use crate::audit::copies::{JournalDir, chain_dir, chains, lead_dir};
use crate::audit::gap::{Cause, Gap};
use crate::audit::heads::{KeptSeal, seals};
use crate::audit::proof::{Anchor, Proven, prove};
use crate::audit::seal_text;
use crate::audit::verify::Verdict;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::identity::Role;
use crate::model::name::NodeName;
use crate::model::roster::Standing;

use super::account::Account;
use super::answer_audit::{AuditNode, AuditNodes, AuditState, AuditVerdict, KeptHead, KeptHeads};
use super::error::VaultError;
use super::off_thread::off_thread;
use super::parts::Vault;

impl Vault {
    /// Follows this node's own journal from its beginning to the line it has written last, with what was sealed of it.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not read the audit, or the files cannot be read.
    pub async fn audit_verify(&self, caller: &Caller) -> Result<AuditVerdict, VaultError> {
        self.may_read_audit(caller).await?;
        let (dir, journal) = (self.parts.audit_dir.clone(), self.parts.journal.clone());
        let (node, anchor) = (self.parts.node.clone(), self.anchor());
        let proven = off_thread(move || {
            // The seals first: what is sealed meanwhile is behind the head that is read after them.
            let kept = seals(&dir).map_err(internal)?;
            prove(&dir, &node, Some(&journal.head()), &anchor, kept).map_err(internal)
        });
        Ok(self.verdict(self.parts.node.clone(), None, proven.await?))
    }

    /// The same for every chain that the lead has of a node, and for the node's own journal by its own name.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower, `NoSuchNode` when nothing of such a node is here.
    pub async fn audit_verify_node(&self, caller: &Caller, node: NodeName) -> Result<Vec<AuditVerdict>, VaultError> {
        if node == self.parts.node {
            return Ok(vec![self.audit_verify(caller).await?]);
        }
        self.may_read_audit(caller).await?;
        let mut verdicts = Vec::new();
        let journals = self.journals_of(&node).await?;
        let newest = journals.last().and_then(|journal| journal.chain);
        for journal in journals {
            let path = journal.path.clone();
            let kept = off_thread(move || seals(&path).map_err(internal)).await?;
            // Of the chain that goes on, what the lead has said it has; else to the end of its files.
            let goes_on = journal.chain == newest;
            let until = if goes_on { self.lead()?.audit.head_of(&node, journal.chain).await } else { None };
            let (anchor, path, of) = (self.anchor(), journal.path, node.clone());
            let proven = off_thread(move || prove(&path, &of, until.as_ref(), &anchor, kept).map_err(internal));
            verdicts.push(self.verdict(node.clone(), journal.chain, proven.await?));
        }
        Ok(verdicts)
    }

    /// The seals this node keeps: of its own journal, of the lead's if it is a follower; on the lead, of a node.
    ///
    /// # Errors
    /// As [`Self::audit_verify_node`].
    pub async fn audit_heads(&self, caller: &Caller, node: Option<NodeName>) -> Result<KeptHeads, VaultError> {
        self.may_read_audit(caller).await?;
        let directories = match node {
            Some(node) if node == self.parts.node => vec![self.parts.audit_dir.clone()],
            Some(node) => self.journals_of(&node).await?.into_iter().map(|journal| journal.path).collect(),
            None if self.role() == Role::Lead => vec![self.parts.audit_dir.clone()],
            None => vec![self.parts.audit_dir.clone(), lead_dir(&self.parts.audit_dir)],
        };
        let kept = off_thread(move || {
            let kept: Result<Vec<_>, _> = directories.iter().map(|directory| seals(directory)).collect();
            kept.map_err(internal)
        });
        let head = |kept: KeptSeal| {
            let seal = kept.seal?;
            let statement = &seal.head.statement;
            let (node, seq) = (statement.node.clone(), statement.head.seq);
            Some(KeptHead { node, seq, sealed_at: seal.sealed_at, line: seal_text::render(&seal) })
        };
        let mut heads: Vec<KeptHead> = kept.await?.into_iter().flatten().filter_map(head).collect();
        // The newest is kept twice while it is also the one of its hour.
        heads.dedup_by(|next, before| next.line == before.line);
        Ok(KeptHeads { heads, authority: self.parts.authority })
    }

    /// What the lead knows of the journal of each node.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn audit_nodes(&self, caller: &Caller) -> Result<AuditNodes, VaultError> {
        self.may_read_audit(caller).await?;
        let lead = self.lead()?;
        let (view, standings) = (lead.board.lead_view.load_full(), lead.audit.standings());
        let presences = lead.board.presence.load_full();
        let own = &self.parts.node;
        let gaps_of_own = standings.get(own).map(|standing| standing.gaps.clone()).unwrap_or_default();
        let head = self.parts.journal.head();
        let mut nodes = vec![AuditNode {
            node: own.clone(),
            chain: None,
            lines: head.seq,
            behind: 0,
            proven_at: lead.audit.own_sealed_at(),
            state: state(&gaps_of_own, true, true),
            gaps: told(&gaps_of_own),
        }];
        for entry in view.nodes().filter(|entry| entry.role == Role::Follower && entry.standing == Standing::Active) {
            let standing = match standings.get(&entry.name) {
                Some(standing) => standing.clone(),
                None => lead.audit.read_standing(&entry.name).await,
            };
            let is_here = presences.get(&entry.name).is_some_and(|presence| presence.address.is_some());
            nodes.push(AuditNode {
                node: entry.name.clone(),
                chain: standing.chain,
                lines: standing.lines,
                behind: standing.said.saturating_sub(standing.lines),
                proven_at: standing.proven_at,
                state: state(&standing.gaps, standing.proven_at.is_some(), is_here),
                gaps: told(&standing.gaps),
            });
        }
        Ok(AuditNodes { nodes, authority: self.parts.authority })
    }

    /// The journals whose lines and seals may be handed out to be checked elsewhere: of this node, or of one of the lead's.
    ///
    /// # Errors
    /// As [`Self::audit_verify_node`].
    pub async fn audit_proof(&self, caller: &Caller, node: Option<NodeName>) -> Result<Vec<JournalDir>, VaultError> {
        self.may_read_audit(caller).await?;
        match node {
            Some(node) if node != self.parts.node => self.journals_of(&node).await,
            Some(_) | None => {
                let (node, path) = (self.parts.node.clone(), self.parts.audit_dir.clone());
                Ok(vec![JournalDir { node, chain: None, path }])
            }
        }
    }

    async fn may_read_audit(&self, caller: &Caller) -> Result<(), VaultError> {
        let mut account = Account::open(caller, Action::AuditRead, self.parts.clock.now());
        let permitted = self.node_permit(caller, Action::AuditRead, &mut account);
        self.settle(&account, permitted).await
    }

    async fn journals_of(&self, node: &NodeName) -> Result<Vec<JournalDir>, VaultError> {
        self.lead()?;
        let (dir, of) = (self.parts.audit_dir.clone(), node.clone());
        let found = off_thread(move || {
            let journal =
                |chain| JournalDir { node: of.clone(), chain: Some(chain), path: chain_dir(&dir, &of, chain) };
            Ok(chains(&dir, &of).map_err(internal)?.into_iter().map(journal).collect::<Vec<_>>())
        });
        let found = found.await?;
        if found.is_empty() { Err(VaultError::NoSuchNode(node.clone())) } else { Ok(found) }
    }

    fn anchor(&self) -> Anchor {
        Anchor { authority: self.parts.authority, mesh: Some(self.parts.mesh) }
    }

    fn verdict(&self, node: NodeName, chain: Option<u32>, proven: Proven) -> AuditVerdict {
        let Proven { verdict: Verdict { lines, broken, .. }, sealed } = proven;
        let broken = broken.map(|broken| broken.to_string());
        AuditVerdict { node, chain, lines, sealed, broken, authority: self.parts.authority }
    }
}

/// What matters most of what is wrong.
fn state(gaps: &[Gap], is_proven: bool, is_here: bool) -> AuditState {
    let has = |cause| gaps.iter().any(|gap| gap.cause == cause);
    if gaps.iter().any(|gap| !matches!(gap.cause, Cause::Silent | Cause::Gone)) {
        AuditState::Gap
    } else if has(Cause::Silent) {
        AuditState::Silent
    } else if !is_proven {
        AuditState::Never
    } else if is_here {
        AuditState::Whole
    } else {
        AuditState::Away
    }
}

fn told(gaps: &[Gap]) -> Vec<String> {
    gaps.iter().map(|gap| gap.detail.clone()).collect()
}

fn internal(error: impl std::fmt::Display) -> VaultError {
    VaultError::Internal(error.to_string())
}
