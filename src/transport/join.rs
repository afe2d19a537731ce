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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::crypto::aws_lc_rs::kx_group::X25519MLKEM768;

    use super::super::acceptor::Incoming;
    use super::super::endpoint::Endpoint;
    use super::super::error::Refusal;
    use super::super::testing::{Mesh, OddClient, identity, loopback, soon};
    use super::super::tls::JoinTls;
    use super::*;
    use crate::model::identity::{KeyPin, Role};
    use crate::wire::join::{Join, Refused, RefusedReason};

    fn ask() -> JoinAsk {
        JoinAsk::from(Join { token_secret: [1; 32], csr: vec![0x30], sealing_key: [2; 32] })
    }

    #[tokio::test]
    async fn a_joiner_asks_a_lead_of_the_pinned_authority_and_gets_its_answer() {
        let mut mesh = Mesh::start();
        let answer = JoinAnswer::from(Refused { reason: RefusedReason::UnknownToken });
        let tls = JoinTls::new(mesh.authority.pin(), Arc::new(mesh.clock.clone())).expect("settings");
        let endpoint = Endpoint::dialling(loopback()).expect("binds");
        let question = ask();
        let address = mesh.address();
        let serve = async {
            let Incoming::Join(joiner) = mesh.acceptor.accept().await.expect("accepts") else {
                panic!("a member where a joiner was expected")
            };
            let (asked, answering) = joiner.ask().await.expect("asks");
            answering.answer(&answer).await.expect("arrives");
            asked
        };
        let (got, asked) = soon(async { tokio::join!(endpoint.join(address, &tls, &question), serve) }).await;
        assert_eq!(got.expect("answered"), (identity(Role::Lead, "aurora"), answer));
        assert_eq!(asked, question);
    }

    #[tokio::test]
    async fn a_joiner_sends_nothing_to_a_lead_of_another_authority_or_to_a_follower() {
        for (role, pin) in [(Role::Lead, Some(KeyPin([9; 32]))), (Role::Follower, None)] {
            let mesh = Mesh::start_as(role, None);
            let pin = pin.unwrap_or(mesh.authority.pin());
            let tls = JoinTls::new(pin, Arc::new(mesh.clock.clone())).expect("settings");
            let endpoint = Endpoint::dialling(loopback()).expect("binds");
            let refused = soon(endpoint.join(mesh.address(), &tls, &ask())).await.expect_err("refused");
            let wanted = if role == Role::Lead { Refusal::ForeignAuthority } else { Refusal::WrongRole };
            assert!(matches!(refused, TransportError::WeRefusedPeer { refusal } if refusal == wanted), "{refused:?}");
        }
    }

    /// Holding connections open must not keep a real joiner out.
    #[tokio::test]
    async fn the_oldest_idle_joiner_makes_room_for_a_new_one() {
        let mut mesh = Mesh::start();
        let idle = OddClient { protocol: b"aurora-join/1", group: X25519MLKEM768, credentials: None }.dialling(&mesh);
        let endpoint = Endpoint::dialling(loopback()).expect("binds");
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..17 {
            theirs.push(soon(endpoint.connect(mesh.address(), &idle)).await.expect("the lead is proved"));
            let Incoming::Join(joiner) = soon(mesh.acceptor.accept()).await.expect("accepts") else {
                panic!("a member")
            };
            ours.push(joiner);
        }
        let first = soon(theirs.first().expect("dialled").closed()).await;
        assert!(matches!(first, TransportError::Closed { code: CloseCode::Busy, .. }), "{first:?}");
        drop(ours.pop());
        let last = soon(theirs.last().expect("dialled").closed()).await;
        assert!(matches!(last, TransportError::Closed { code: CloseCode::Done, .. }), "{last:?}");
    }
}
