//! The lead's end of a join: one question, one answer, from somebody nobody knows yet.

use std::net::SocketAddr;
use std::time::Duration;

use quinn::Connection;
use tokio::time::timeout;

use super::close::CloseCode;
use super::error::TransportError;
use super::stream::{FrameReceiver, FrameSender};
use crate::wire::join::{JoinAnswer, JoinAsk};

/// How long a whole step of a join may take. A stranger that only holds the connection open is closed after this.
pub(super) const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that closes when it is dropped; the acceptor holds another handle to it, to make room.
#[derive(Debug)]
struct Stranger(Connection);

impl Stranger {
    fn close(&self, code: CloseCode) {
        self.0.close(code.variable_integer(), b"");
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.close(CloseCode::Done);
    }
}

/// A stranger's connection. Dropping it closes it.
#[derive(Debug)]
pub struct JoinConnection {
    stranger: Stranger,
}

impl JoinConnection {
    pub(super) fn new(connection: Connection) -> Self {
        Self { stranger: Stranger(connection) }
    }

    /// Where the stranger is; for the audit, it proves nothing.
    #[must_use]
    pub fn remote_address(&self) -> SocketAddr {
        self.stranger.0.remote_address()
    }

    /// Reads the question.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`] after 10 s, [`TransportError::FrameTooLarge`] beyond 4 KiB; the connection is closed.
    pub async fn ask(self) -> Result<(JoinAsk, Answering), TransportError> {
        let asked = timeout(JOIN_TIMEOUT, async {
            let (sender, receiver) = self.stranger.0.accept_bi().await?;
            let mut receiver = FrameReceiver::new(receiver);
            let ask = receiver.expect::<JoinAsk>().await?;
            Ok::<_, TransportError>((ask, FrameSender::new(sender)))
        });
        let asked = asked.await.unwrap_or(Err(TransportError::TimedOut { what: "the joiner asks nothing" }));
        match asked {
            Ok((ask, sender)) => Ok((ask, Answering { stranger: self.stranger, sender })),
            Err(error) => {
                self.stranger.close(error.close_code());
                Err(error)
            }
        }
    }
}

/// A joiner that waits for its answer.
#[derive(Debug)]
pub struct Answering {
    stranger: Stranger,
    sender: FrameSender,
}

impl Answering {
    /// Where the stranger is; for the audit, it proves nothing.
    #[must_use]
    pub fn remote_address(&self) -> SocketAddr {
        self.stranger.0.remote_address()
    }

    /// Sends the answer, waits until it has arrived, and closes. An error does not mean that it did not arrive: the joiner
    /// may repeat its question with the same key.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`], or why the connection ended.
    pub async fn answer(mut self, answer: &JoinAnswer) -> Result<(), TransportError> {
        let answered = timeout(JOIN_TIMEOUT, async {
            self.sender.send(answer).await?;
            self.sender.finish_and_wait().await
        });
        let answered = answered.await.unwrap_or(Err(TransportError::TimedOut { what: "the joiner does not read" }));
        self.stranger.close(CloseCode::Done);
        answered
    }
}
