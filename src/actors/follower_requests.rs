//! The request stream, on a follower: the certificate is renewed over it once it is past half its life, and what callers want
//! the lead to be asked goes over it. One question at a time, so an answer is that of the question before it.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::certificate::CHECK_EVERY;
use super::error::SessionError;
use super::follower_session::FollowerSessions;
use super::lead_line::{LeadAnswer, LeadQuestion, NoAnswer};
use crate::policy::access::Noted;
use crate::transport::connection::PeerConnection;
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::access::{AskAccess, ListAccess};
use crate::wire::event::PublishEvent;
use crate::wire::open::StreamKind;
use crate::wire::request::{FailureReason, FromFollower, FromLead, Leave, Renew};
use crate::wire::version::ProtocolVersion;

/// The lead answers at once, or after a write to its disk: one that does not is stuck, and the session starts over.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs as long as the session.
pub(super) async fn run(
    connection: &PeerConnection,
    sessions: &FollowerSessions,
    version: ProtocolVersion,
) -> Result<(), SessionError> {
    let mut calls = sessions.board.lead_line.open();
    let mut asking = Asking { connection, sessions, stream: None, id: 0 };
    let mut checks = tokio::time::interval(CHECK_EVERY);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let call = tokio::select! {
            _ = checks.tick() => {
                asking.renew().await?;
                continue;
            }
            call = calls.recv() => call.ok_or(SessionError::Stopping)?,
        };
        if call.answer.is_closed() {
            continue;
        }
        let answer = match call.question.since() {
            since if version < since => Err(NoAnswer::OlderLead),
            _ => asking.ask(call.question).await?,
        };
        // Whoever asked may have given up.
        let _gone = call.answer.send(answer);
    }
}

struct Asking<'session> {
    connection: &'session PeerConnection,
    sessions: &'session FollowerSessions,
    /// Opened with the first question.
    stream: Option<(FrameSender, FrameReceiver)>,
    id: u64,
}

impl Asking<'_> {
    /// Renews the certificate if it is due, for the same key.
    async fn renew(&mut self) -> Result<(), SessionError> {
        let certificate = &self.sessions.certificate;
        if !certificate.is_due(self.sessions.clock.now().wall) {
            return Ok(());
        }
        let csr = certificate.csr()?;
        match self.exchange(|id| Renew { id, csr }.into()).await? {
            FromLead::Renewed(renewed) => certificate.install(renewed.chain).await,
            FromLead::Failed(failed) => {
                tracing::warn!(reason = ?failed.reason, "the lead did not renew this node's certificate");
                Ok(())
            }
            FromLead::AccessNoted(_) | FromLead::AccessList(_) | FromLead::EventTaken(_) | FromLead::Left(_) => {
                Err(OTHER_ANSWER)
            }
        }
    }

    async fn ask(&mut self, question: LeadQuestion) -> Result<Result<LeadAnswer, NoAnswer>, SessionError> {
        let answer = match &question {
            LeadQuestion::Access { principals, wish, reason } => {
                self.exchange(|id| AskAccess::new(id, principals, wish, reason).into()).await?
            }
            LeadQuestion::Requests(principal) => {
                let principal = principal.as_ref().map(ToString::to_string);
                self.exchange(|id| ListAccess { id, principal }.into()).await?
            }
            LeadQuestion::Publish { event, post } => {
                self.exchange(|id| PublishEvent::new(id, event, post).into()).await?
            }
            LeadQuestion::Leave => self.exchange(|id| Leave { id }.into()).await?,
        };
        match (answer, question) {
            (FromLead::AccessNoted(noted), LeadQuestion::Access { .. }) => {
                Ok(Ok(LeadAnswer::Noted(Noted { number: noted.number, is_new: noted.is_new })))
            }
            (FromLead::AccessList(list), LeadQuestion::Requests(_)) => {
                let node = &self.sessions.certificate.node;
                let requests = list.requests.into_iter().map(|frame| frame.read(node)).collect::<Result<_, _>>()?;
                Ok(Ok(LeadAnswer::Requests(requests)))
            }
            (FromLead::EventTaken(_), LeadQuestion::Publish { .. }) => Ok(Ok(LeadAnswer::Taken)),
            (FromLead::Left(_), LeadQuestion::Leave) => Ok(Ok(LeadAnswer::Left)),
            (FromLead::Failed(failed), _) => Ok(Err(no_answer(failed.reason))),
            (FromLead::Renewed(_), _)
            | (
                FromLead::AccessNoted(_),
                LeadQuestion::Requests(_) | LeadQuestion::Publish { .. } | LeadQuestion::Leave,
            )
            | (
                FromLead::AccessList(_),
                LeadQuestion::Access { .. } | LeadQuestion::Publish { .. } | LeadQuestion::Leave,
            )
            | (
                FromLead::EventTaken(_),
                LeadQuestion::Access { .. } | LeadQuestion::Requests(_) | LeadQuestion::Leave,
            )
            | (
                FromLead::Left(_),
                LeadQuestion::Access { .. } | LeadQuestion::Requests(_) | LeadQuestion::Publish { .. },
            ) => Err(OTHER_ANSWER),
        }
    }

    async fn exchange(&mut self, question: impl FnOnce(u64) -> FromFollower) -> Result<FromLead, SessionError> {
        let (sender, receiver) = match self.stream.take() {
            Some(open) => self.stream.insert(open),
            None => self.stream.insert(self.connection.open_stream(StreamKind::Request).await?),
        };
        self.id += 1;
        let answered = async {
            sender.send(&question(self.id)).await?;
            receiver.expect::<FromLead>().await
        };
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, answered).await.map_err(|_| SessionError::Silent)??;
        if answer.id() == self.id { Ok(answer) } else { Err(OTHER_ANSWER) }
    }
}

const OTHER_ANSWER: SessionError = SessionError::Unexpected("an answer to another question");

fn no_answer(reason: FailureReason) -> NoAnswer {
    match reason {
        FailureReason::NotEntitled | FailureReason::BadRequest => NoAnswer::NotEntitled,
        FailureReason::Busy => NoAnswer::Busy,
        FailureReason::TooMany => NoAnswer::TooMany,
        FailureReason::Unavailable => NoAnswer::Unavailable,
        FailureReason::NotLead => NoAnswer::NoLead,
    }
}
