//! The request stream of one follower, on the lead: certificates are renewed, and what its callers ask to be allowed is taken in.

use std::sync::Arc;

use super::access_desk::AccessRefused;
use super::admission;
use super::error::SessionError;
use super::event_posts::PostRefused;
use super::lead_sessions::LeadSessions;
use crate::model::roster::RosterEntry;
use crate::transport::authority::{Authority, NODE_LIFETIME};
use crate::transport::connection::PeerConnection;
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::access::{AccessList, AccessNoted, AskAccess, ListAccess};
use crate::wire::event::{EventTaken, PublishEvent};
use crate::wire::request::{Failed, FailureReason, FromFollower, FromLead, Left, Renewed};

/// Who asks, and who answers.
pub(super) struct Asked {
    pub(super) sessions: Arc<LeadSessions>,
    pub(super) connection: Arc<PeerConnection>,
}

/// Answers one question after the other, as long as the stream lasts.
pub(super) async fn run(
    mut sender: FrameSender,
    mut receiver: FrameReceiver,
    asked: Asked,
) -> Result<(), SessionError> {
    let asked = Arc::new(asked);
    while let Some(frame) = receiver.receive().await? {
        // In a task of its own: the session of a node that leaves ends with the change that strikes it, and must not cut off
        // the line that says what came of it.
        let answering = tokio::spawn(Arc::clone(&asked).answer(frame));
        sender.send(&answering.await.map_err(SessionError::Panicked)??).await?;
    }
    Ok(())
}

impl Asked {
    async fn answer(self: Arc<Self>, frame: FromFollower) -> Result<FromLead, SessionError> {
        match frame {
            FromFollower::Renew(renew) => Ok(self.renewed(renew.id, &renew.csr)),
            FromFollower::AskAccess(ask) => self.noted(ask).await,
            FromFollower::ListAccess(list) => self.listed(&list).await,
            FromFollower::PublishEvent(told) => self.published(told).await,
            FromFollower::Leave(leave) => self.left(leave.id).await,
        }
    }

    fn renewed(&self, id: u64, csr: &[u8]) -> FromLead {
        match self.reissue(csr) {
            Ok(certificate) => Renewed { id, chain: vec![certificate] }.into(),
            Err(error) => {
                tracing::warn!(node = %self.connection.identity().node, %error, "a certificate was not renewed");
                Failed { id, reason: FailureReason::BadRequest }.into()
            }
        }
    }

    /// A certificate for the key the roster pinned, and for no other, as long as its node is a member.
    fn reissue(&self, csr: &[u8]) -> Result<Vec<u8>, SessionError> {
        let Self { sessions, connection, .. } = self;
        self.member()?;
        if Authority::requested_pin(csr)? != *connection.pin() {
            return Err(SessionError::Unexpected("a request for another key than its own"));
        }
        let now = sessions.clock.now().wall;
        Ok(sessions.authority.issue(csr, connection.identity(), now, NODE_LIFETIME)?)
    }

    async fn noted(&self, ask: AskAccess) -> Result<FromLead, SessionError> {
        let id = ask.id;
        let member = self.member()?;
        let (asker, wish, reason) = ask.read(&member.name)?;
        if wish.company.as_ref().is_some_and(|company| !member.entitlement.companies.contains(company)) {
            return Ok(Failed { id, reason: FailureReason::NotEntitled }.into());
        }
        let environment = member.entitlement.environment.clone();
        let noted = self.sessions.access.ask_from(asker, environment, wish, reason).await;
        Ok(match noted {
            Ok(noted) => AccessNoted { id, number: noted.number, is_new: noted.is_new }.into(),
            Err(error) => Failed { id, reason: told(&error) }.into(),
        })
    }

    async fn listed(&self, list: &ListAccess) -> Result<FromLead, SessionError> {
        let member = self.member()?;
        let principal = list.principal()?;
        let listed = self.sessions.access.list(Some(&member.name), principal.as_ref()).await;
        Ok(match listed {
            Ok(listed) => AccessList::new(list.id, &listed).into(),
            Err(error) => Failed { id: list.id, reason: told(&error) }.into(),
        })
    }

    /// What a program told there. Which node it is, where, and for which companies it may speak, the roster says.
    async fn published(&self, told: PublishEvent) -> Result<FromLead, SessionError> {
        let (id, member) = (told.id, self.member()?);
        let (event, post) = told.read(&member.name, &member.entitlement.environment)?;
        if post.company.as_ref().is_some_and(|company| !member.entitlement.companies.contains(company)) {
            return Ok(Failed { id, reason: FailureReason::NotEntitled }.into());
        }
        Ok(match self.sessions.posts.post_from(&member, &event, post).await {
            Ok(taken) => EventTaken { id, is_new: taken.is_new }.into(),
            Err(PostRefused::Problem(_)) => Failed { id, reason: FailureReason::BadRequest }.into(),
            Err(PostRefused::TooFast) => Failed { id, reason: FailureReason::TooMany }.into(),
            Err(PostRefused::Full | PostRefused::Audit(_) | PostRefused::Store(_)) => {
                Failed { id, reason: FailureReason::Unavailable }.into()
            }
        })
    }

    /// The node at the other end is taken out of the roster. Which one that is, its certificate says; there is nothing in the
    /// question that could name another.
    async fn left(&self, id: u64) -> Result<FromLead, SessionError> {
        let member = self.member()?;
        let address = self.connection.remote_address();
        Ok(match self.sessions.leave.leave(&member, address).await {
            Ok(()) => Left { id }.into(),
            Err(reason) => Failed { id, reason }.into(),
        })
    }

    fn member(&self) -> Result<Arc<RosterEntry>, SessionError> {
        let lead_view = self.sessions.lead_board.lead_view.load();
        Ok(Arc::clone(admission::member(&lead_view, &self.connection)?))
    }
}

fn told(error: &AccessRefused) -> FailureReason {
    match error {
        AccessRefused::Full(_) => FailureReason::TooMany,
        AccessRefused::Unreadable | AccessRefused::Audit(_) | AccessRefused::Store(_) => FailureReason::Unavailable,
    }
}
