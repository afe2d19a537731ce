//! The end of this node's membership, by its own wish: the lead is told, and takes it out of the roster.

use std::time::Duration;

use super::account::Account;
use super::error::VaultError;
use super::parts::Vault;
use super::roster_error::RosterError;
use crate::actors::lead_line::{LeadAnswer, LeadQuestion, NoAnswer};
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::identity::Role;

/// The lead's goodbye follows its answer at once, and the cache is gone within a write to the disk.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The node is a member of the mesh no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departed {
    /// Whether its cache is gone already: the lead has said goodbye to it.
    pub forgotten: bool,
}

impl Vault {
    /// Leaves the mesh: the lead forgets this node, and this node forgets what it held.
    ///
    /// # Errors
    /// [`VaultError`]; `LeadStays` on a lead, `NoLead` when the lead does not answer: then this node is a member still, as
    /// far as it knows.
    pub async fn leave(&self, caller: &Caller, reason: Option<&str>) -> Result<Departed, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        account.reason(Some(&format!("this node leaves its mesh{why}")));
        let result = self.try_leave(caller, &mut account).await;
        self.settle(&account, result).await
    }

    async fn try_leave(&self, caller: &Caller, account: &mut Account) -> Result<Departed, VaultError> {
        self.node_permit(caller, Action::NodeManage, account)?;
        if self.role() == Role::Lead {
            return Err(RosterError::LeadLeaves.into());
        }
        self.announce(account).await?;
        let board = &self.parts.board;
        let asked = board.lead_line.ask(LeadQuestion::Leave).await;
        // The lead ends the session of a node that is no member, and its last word may overtake the answer.
        let forgotten = match &asked {
            Ok(_) | Err(NoAnswer::NoLead) => self.is_sent_away().await,
            Err(_) => false,
        };
        match asked {
            Ok(LeadAnswer::Left) => Ok(Departed { forgotten }),
            Ok(LeadAnswer::Noted(_) | LeadAnswer::Requests(_) | LeadAnswer::Taken) => {
                Err(VaultError::Internal("another answer".to_owned()))
            }
            Err(NoAnswer::NoLead) if forgotten => Ok(Departed { forgotten }),
            Err(NoAnswer::NoLead) => Err(VaultError::NoLead { lead: board.lead.load().as_ref().clone() }),
            Err(NoAnswer::OlderLead) => Err(RosterError::OlderLead(self.parts.node.clone()).into()),
            Err(NoAnswer::Busy | NoAnswer::TooMany) => Err(VaultError::Overloaded),
            Err(error @ (NoAnswer::NotEntitled | NoAnswer::Unavailable)) => {
                Err(VaultError::Internal(error.to_string()))
            }
        }
    }

    /// Whether the lead has said goodbye, which it does at once or not any more.
    async fn is_sent_away(&self) -> bool {
        let said = async {
            while self.parts.board.banned.load().is_none() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(GOODBYE_PATIENCE, said).await.is_ok()
    }
}
