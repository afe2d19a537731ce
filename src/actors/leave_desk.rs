//! Nodes that leave by themselves, on the lead: taken out of the roster as `aurora nodes remove` does, and written down.

use std::net::SocketAddr;
use std::sync::Arc;

use super::board::LeadBoard;
use super::change::Change;
use super::error::CommitError;
use super::secret_lead::LeadSecrets;
use crate::audit::entry::Entry;
use crate::audit::journal::Journal;
use crate::model::roster::RosterEntry;
use crate::wire::request::FailureReason;

/// What the journal calls it.
pub const NODE_LEAVE: &str = "node.leave";

/// What letting a node go needs.
pub struct LeaveDesk {
    /// The one writer: strikes the node, and gives the scopes whose keys it held new ones, in one transaction.
    pub secrets: LeadSecrets,
    /// Where the rotation is asked to reseal.
    pub board: Arc<LeadBoard>,
    /// Written before and after.
    pub journal: Journal,
}

impl LeaveDesk {
    /// Strikes a member that asked for it over its own session. Its name can be given again.
    ///
    /// # Errors
    /// Why it stays.
    pub(super) async fn leave(&self, member: &RosterEntry, address: SocketAddr) -> Result<(), FailureReason> {
        let asked = format!("{} leaves, from {address} with key {}", member.name, member.pin.fingerprint());
        let audit_seq = self.note(member, "intent", &asked).await?;
        match self.secrets.commit(Change::Remove { node: member.name.clone() }, audit_seq).await {
            Ok(_) => {
                self.board.rotation.ask(audit_seq);
                tracing::info!(node = %member.name, "a node left the mesh");
                self.note(member, "ok", &asked).await.map(drop)
            }
            Err(error) => {
                tracing::warn!(node = %member.name, %error, "a node that wants to leave was not let go");
                self.note(member, "failed", &format!("{error}; {asked}")).await?;
                Err(if matches!(error, CommitError::Overloaded) {
                    FailureReason::Busy
                } else {
                    FailureReason::Unavailable
                })
            }
        }
    }

    async fn note(&self, member: &RosterEntry, outcome: &'static str, reason: &str) -> Result<u64, FailureReason> {
        let entry = Entry {
            principal: format!("node:{}", member.name).into(),
            established: "certificate",
            rule: "roster".into(),
            outcome,
            ..Entry::of_node(NODE_LEAVE, reason.to_owned())
        };
        self.journal.append(entry).await.map_err(|_| FailureReason::Unavailable)
    }
}
