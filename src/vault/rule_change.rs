//! Changes of the rulebook, from plan to commit. A plan is made against the articles of one moment; if others changed them
//! before it was committed, it is made again.

use crate::actors::change::Change;
use crate::actors::error::CommitError;
use crate::audit::entry::Ruling;
use crate::model::article::Edit;
use crate::model::number::Revision;
use crate::replication::articles::Articles;

use super::account::Account;
use super::agent_error::AgentError;
use super::error::VaultError;
use super::parts::Vault;
use super::refusal::{Subject, refusal};

/// How often a plan is made anew. Rules are changed by people: more than a few at once is a fault.
const PLANS_MAX: usize = 8;

/// The rule named when somebody would give what it does not have.
pub(super) const ESCALATION_RULE: &str = "escalation";

/// What a plan comes to.
pub(super) struct Plan<T> {
    /// What becomes of which article; nothing if all is as it was asked for.
    pub(super) edits: Vec<Edit>,
    /// What the caller is told.
    pub(super) told: T,
}

impl Vault {
    /// Plans a change, announces it, and commits it. The revision is that of the change, or today's if there was none to make.
    ///
    /// # Errors
    /// What the plan says; [`AgentError::Moved`] when others were faster every time.
    pub(super) async fn change_rules<T>(
        &self,
        account: &mut Account,
        mut plan: impl FnMut(&Articles) -> Result<Plan<T>, VaultError>,
    ) -> Result<(Revision, T), VaultError> {
        let lead = self.lead()?;
        let _turn = lead.board.rules_turn.acquire().await.map_err(|_| VaultError::Overloaded)?;
        let mut announced = None;
        for _ in 0..PLANS_MAX {
            let view = lead.board.lead_view.load_full();
            let Plan { edits, told } = plan(&view.articles).inspect_err(|refused| {
                if let VaultError::Agent(AgentError::Escalation(_) | AgentError::Outlives) = refused {
                    account.decided(Ruling::Deny, ESCALATION_RULE);
                }
            })?;
            if edits.is_empty() {
                return Ok((view.view.position.revision, told));
            }
            let audit_seq = match announced {
                Some(audit_seq) => audit_seq,
                None => self.announce(account).await?,
            };
            announced = Some(audit_seq);
            let change = Change::Rules { seen: view.articles.changed_at(), edits };
            match lead.secrets.commit(change, audit_seq).await {
                Ok(committed) => return Ok((committed.rules()?, told)),
                Err(CommitError::Moved) => {}
                Err(error) => return Err(refusal(&error, Subject::Many)),
            }
        }
        Err(AgentError::Moved.into())
    }
}
