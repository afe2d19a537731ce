//! The way for a follower's questions to the lead: the door asks here, and the session that runs carries them over. Without a
//! session, or without an answer in time, the asker is told so at once, and nothing waits to be sent later.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{mpsc, oneshot};

use crate::model::access::{Listed, Wish};
use crate::model::event::Post;
use crate::model::principal::Principal;
use crate::policy::access::Noted;
use crate::wire::version::{AUDIT_SINCE, ProtocolVersion, SPOKEN};

/// A lead that is there answers within milliseconds, a write to its disk included; whoever asks waits no longer for a no.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);

/// Questions that wait for their turn: more is somebody who asks in a loop.
const WAITING_MAX: usize = 16;

/// What the lead is asked.
#[derive(Debug, Clone)]
pub enum LeadQuestion {
    /// Somebody asks to be allowed something.
    Access {
        /// What the caller acts as.
        principals: Vec<Principal>,
        /// For what.
        wish: Wish,
        /// Why.
        reason: String,
    },
    /// What was asked for on this node: by one principal, or by anybody.
    Requests(Option<Principal>),
    /// A program told something.
    Publish {
        /// What the event is called.
        event: String,
        /// What was told.
        post: Box<Post>,
    },
    /// This node leaves the mesh.
    Leave,
}

impl LeadQuestion {
    /// The first version of the protocol that has this question.
    pub(super) fn since(&self) -> ProtocolVersion {
        match self {
            Self::Access { .. } | Self::Requests(_) => SPOKEN[SPOKEN.len() - 1],
            Self::Publish { .. } | Self::Leave => AUDIT_SINCE,
        }
    }
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeadAnswer {
    /// The request is kept.
    Noted(Noted),
    /// The requests.
    Requests(Vec<Listed>),
    /// The event is kept.
    Taken,
    /// This node is a member no more.
    Left,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// There is no session with a lead, or it ended, or the lead did not answer in time.
    #[error("the lead could not be asked")]
    NoLead,
    /// The lead runs an older version, which has no such question.
    #[error("the lead runs an older version")]
    OlderLead,
    /// Too many questions wait already.
    #[error("too many questions wait for the lead")]
    Busy,
    /// The lead keeps as many requests of this caller, or of this node, as it takes.
    #[error("the lead takes no more access requests")]
    TooMany,
    /// The lead says that this node may not ask that.
    #[error("the lead says that this node may not ask that")]
    NotEntitled,
    /// The lead has troubles of its own.
    #[error("the lead could not answer")]
    Unavailable,
}

/// A question on its way.
#[derive(Debug)]
pub(super) struct Call {
    /// What is asked.
    pub(super) question: LeadQuestion,
    /// Whoever waits.
    pub(super) answer: oneshot::Sender<Result<LeadAnswer, NoAnswer>>,
}

/// The way.
#[derive(Debug, Default)]
pub struct LeadLine {
    session: ArcSwapOption<mpsc::Sender<Call>>,
}

impl LeadLine {
    /// The session that begins takes the questions from now on. When it drops the receiver, nobody does.
    pub(super) fn open(&self) -> mpsc::Receiver<Call> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        self.session.store(Some(Arc::new(sender)));
        receiver
    }

    /// Asks the lead.
    ///
    /// # Errors
    /// [`NoAnswer`]. A question that was not answered in time may have been heard all the same.
    pub async fn ask(&self, question: LeadQuestion) -> Result<LeadAnswer, NoAnswer> {
        self.ask_within(ANSWER_TIMEOUT, question).await
    }

    async fn ask_within(&self, patience: Duration, question: LeadQuestion) -> Result<LeadAnswer, NoAnswer> {
        let (answer, answered) = oneshot::channel();
        let session = self.session.load_full().ok_or(NoAnswer::NoLead)?;
        session.try_send(Call { question, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NoAnswer::Busy,
            mpsc::error::TrySendError::Closed(_) => NoAnswer::NoLead,
        })?;
        drop(session);
        match tokio::time::timeout(patience, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(NoAnswer::NoLead),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> LeadQuestion {
        LeadQuestion::Requests(None)
    }

    #[tokio::test]
    async fn without_a_session_or_an_answer_in_time_there_is_no_lead() {
        let line = LeadLine::default();
        assert_eq!(line.ask(question()).await, Err(NoAnswer::NoLead), "none yet");
        let calls = line.open();
        assert_eq!(line.ask_within(Duration::ZERO, question()).await, Err(NoAnswer::NoLead), "it does not answer");
        drop(calls);
        assert_eq!(line.ask(question()).await, Err(NoAnswer::NoLead), "it ended");
    }

    #[tokio::test]
    async fn so_many_questions_wait_and_no_more_and_the_next_session_takes_over() {
        let line = LeadLine::default();
        let first = line.open();
        for _ in 0..WAITING_MAX {
            assert_eq!(line.ask_within(Duration::ZERO, question()).await, Err(NoAnswer::NoLead), "nobody answers");
        }
        assert_eq!(line.ask(question()).await, Err(NoAnswer::Busy));
        let mut second = line.open();
        drop(first);
        let answering = async {
            let call = second.recv().await.expect("a question");
            call.answer.send(Ok(LeadAnswer::Requests(Vec::new()))).expect("somebody waits");
        };
        let (answer, ()) = tokio::join!(line.ask(question()), answering);
        assert_eq!(answer, Ok(LeadAnswer::Requests(Vec::new())));
    }
}
