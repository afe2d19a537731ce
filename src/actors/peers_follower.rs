//! The way to the lead, on a follower: every address it might have, tried in turn with backoff, for as long as it takes.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ractor::ActorProcessingErr;
use tokio::sync::Notify;

use super::error::SessionError;
use super::expulsion::{self, Word};
use super::follower_session::{self, FollowerSessions};
use crate::model::time::Entropy;
use crate::replication::backoff::Backoff;
use crate::transport::endpoint::Endpoint;
use crate::transport::tls::{JoinTls, MemberTls};
use crate::wire::join::{JoinAnswer, JoinAsk, Rejoin};

/// Hints are cheap to forge: so many are remembered and no more.
const HINTS_MAX: usize = 32;

/// Complaints that are remembered: of every hint, and of more leads than anybody configures.
const TOLD_MAX: usize = 2 * HINTS_MAX;

/// So many of them are tried between two tries of the configured leads: a silent one costs [`HINT_PATIENCE`], and a network
/// full of lies must not keep a follower from its lead for minutes.
const HINTS_PER_ROUND: usize = 4;

/// A lead on the local network answers within milliseconds.
const HINT_PATIENCE: Duration = Duration::from_secs(2);

/// A configured lead may be far away and its line bad: several retransmissions of a handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// One dial a second to any one address, however often it is announced.
const REST: Duration = Duration::from_secs(1);

/// A banned node that is taken back has to be joined anew as a rule; it looks all the same, seldom enough to bother nobody.
const BANNED_REST: Duration = Duration::from_secs(600);

/// Addresses the local network has whispered. Untrusted: only a certificate decides.
#[derive(Debug, Default)]
pub struct Hints {
    addresses: Mutex<VecDeque<SocketAddr>>,
    arrived: Notify,
}

impl Hints {
    /// Remembers an address, in place of the oldest when there are too many.
    pub fn add(&self, address: SocketAddr) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.contains(&address) {
            return;
        }
        if addresses.len() >= HINTS_MAX {
            addresses.pop_front();
        }
        addresses.push_back(address);
        self.arrived.notify_one();
    }

    /// The next few, in turn.
    fn next(&self) -> Vec<SocketAddr> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let few = addresses.len().min(HINTS_PER_ROUND);
        addresses.rotate_left(few);
        addresses.iter().rev().take(few).rev().copied().collect()
    }
}

/// An address to try.
struct Candidate {
    address: SocketAddr,
    patience: Duration,
}

/// What dialling needs.
pub struct FollowerPeers {
    /// Dials.
    pub endpoint: Endpoint,
    /// Proves who we are and who the lead is.
    pub tls: MemberTls,
    /// Proves who the lead is, when our own certificate has run out.
    pub rejoin_tls: JoinTls,
    /// `host:port` of the leads, from the configuration.
    pub leads: Vec<String>,
    /// What the local network says.
    pub hints: Arc<Hints>,
    /// What every session uses.
    pub sessions: Arc<FollowerSessions>,
    /// For jitter.
    pub entropy: Arc<dyn Entropy>,
}

impl FollowerPeers {
    /// Keeps a session to the lead, for ever.
    pub(super) async fn keep_connected(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        let mut backoff = Backoff::default();
        let mut told = BTreeMap::new();
        loop {
            for Candidate { address, patience } in self.candidates().await {
                match self.try_lead(address, patience).await {
                    Ok((ended, lasted)) => {
                        backoff.ended(lasted);
                        told.remove(&address);
                        tracing::warn!(%address, reason = %ended, "the session with the lead ended");
                        self.heed(address, patience, &ended).await?;
                    }
                    Err(error) => {
                        self.heed(address, patience, &error).await?;
                        let text = error.to_string();
                        if told.get(&address) == Some(&text) {
                            tracing::debug!(%address, %error, "the lead cannot be reached");
                        } else {
                            tracing::warn!(%address, %error, "the lead cannot be reached");
                        }
                        told.insert(address, text);
                    }
                }
            }
            // Of several addresses each is complained about once, until it says something else. Hints come and go.
            if told.len() > TOLD_MAX {
                told.clear();
            }
            self.rest(&mut backoff).await;
        }
    }

    /// Leaves the cache, once it is certain that the lead has banned this node.
    async fn heed(&self, address: SocketAddr, patience: Duration, ended: &SessionError) -> Result<(), SessionError> {
        if self.is_banned() {
            return Ok(());
        }
        let certain = match expulsion::word(ended) {
            Word::None => false,
            Word::Told => true,
            Word::Hint => match tokio::time::timeout(patience, self.rejoin(address)).await {
                Ok(Err(answer)) => expulsion::word(&answer) == Word::Told,
                Ok(Ok(())) | Err(_) => false,
            },
        };
        if certain {
            tracing::error!(%address, "the lead has banned this node: everything it held is taken out of memory and file");
            self.sessions.secrets.forget(self.sessions.clock.now().wall).await?;
        }
        Ok(())
    }

    fn is_banned(&self) -> bool {
        self.sessions.board.banned.load().is_some()
    }

    /// A certificate that ran out while this node was away is renewed the way it was first got, with the key the roster
    /// pins in place of a token.
    async fn rejoin(&self, address: SocketAddr) -> Result<(), SessionError> {
        let certificate = &self.sessions.certificate;
        let ask = JoinAsk::from(Rejoin { csr: certificate.csr()? });
        let (lead, answer) = self.endpoint.join(address, &self.rejoin_tls, &ask).await?;
        if lead.mesh != certificate.mesh {
            return Err(SessionError::Unexpected("an answer for another mesh"));
        }
        match answer {
            JoinAnswer::Admitted(admitted) => {
                certificate.install(admitted.chain).await?;
                tracing::info!(%address, "the lead renewed the certificate that had run out");
                Ok(())
            }
            JoinAnswer::Refused(refused) => Err(SessionError::NotReadmitted(refused.reason)),
        }
    }

    /// `Ok` with the reason once a session that was welcomed has ended, and how long it lasted.
    async fn try_lead(
        &self,
        address: SocketAddr,
        patience: Duration,
    ) -> Result<(SessionError, Duration), SessionError> {
        if self.sessions.certificate.is_expired(self.sessions.clock.now().wall) {
            tokio::time::timeout(patience, self.rejoin(address)).await.map_err(|_| SessionError::Silent)??;
        }
        let dialled = tokio::time::timeout(patience, self.endpoint.connect(address, &self.tls));
        let connection = dialled.await.map_err(|_| SessionError::Silent)??;
        let session = follower_session::greet(connection, Arc::clone(&self.sessions)).await?;
        tracing::info!(%address, "the lead welcomed this node");
        let welcomed = self.sessions.clock.now().boot;
        let ended = session.run().await;
        Ok((ended, self.sessions.clock.now().boot.since(welcomed)))
    }

    /// Every configured address, and a few hints: however many lies the network tells, the lead is never far from its
    /// turn.
    async fn candidates(&self) -> Vec<Candidate> {
        let mut found = Vec::new();
        for lead in &self.leads {
            match tokio::net::lookup_host(lead).await {
                Ok(addresses) => found.extend(addresses.map(|address| Candidate { address, patience: PATIENCE })),
                Err(error) => tracing::debug!(lead, %error, "the name of a lead does not resolve"),
            }
        }
        for address in self.hints.next() {
            if !found.iter().any(|known| known.address == address) {
                found.push(Candidate { address, patience: HINT_PATIENCE });
            }
        }
        let from = self.endpoint.local_address();
        found.retain(|to| from.as_ref().is_ok_and(|from| can_dial(*from, to.address)));
        found
    }

    async fn rest(&self, backoff: &mut Backoff) {
        if self.is_banned() {
            tokio::time::sleep(BANNED_REST).await;
            return;
        }
        let mut random = [0_u8; 8];
        // Jitter is a courtesy to the lead: without random bytes there is none.
        let _ = self.entropy.fill(&mut random);
        let pause = backoff.failed(u64::from_le_bytes(random));
        tokio::time::sleep(pause.min(REST)).await;
        let more = pause.saturating_sub(REST);
        // A new hint cuts the wait short, but never below the rest between two dials.
        drop(tokio::time::timeout(more, self.hints.arrived.notified()).await);
    }
}

/// A socket of IPv4 reaches no address of IPv6; one of IPv6 reaches both.
fn can_dial(from: SocketAddr, to: SocketAddr) -> bool {
    from.is_ipv6() || to.is_ipv4()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `listen` on IPv4, the default, every IPv6 address that mDNS announced was dialled in vain, and was warned about
    /// each time because the complaints took turns.
    #[test]
    fn a_socket_of_ipv4_does_not_dial_ipv6() {
        let address = |text: &str| text.parse().expect("an address");
        assert!(!can_dial(address("0.0.0.0:1"), address("[fd00::2]:7700")));
        assert!(can_dial(address("0.0.0.0:1"), address("192.0.2.1:7700")));
        assert!(can_dial(address("[::]:1"), address("192.0.2.1:7700")));
        assert!(can_dial(address("[::]:1"), address("[fd00::2]:7700")));
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    /// All hints were tried before the configured lead was tried again: 32 silent ones kept a follower away for 5 minutes.
    #[test]
    fn a_round_tries_a_few_hints_and_every_hint_has_its_turn() {
        let hints = Hints::default();
        (1..=40).for_each(|port| hints.add(address(port)));
        let mut tried = Vec::new();
        for _ in 0..HINTS_MAX / HINTS_PER_ROUND {
            let round = hints.next();
            assert_eq!(round.len(), HINTS_PER_ROUND);
            tried.extend(round);
        }
        tried.sort();
        assert_eq!(tried, (9..=40).map(address).collect::<Vec<_>>(), "the newest 32, each once");
        assert_eq!(hints.next(), (9..=12).map(address).collect::<Vec<_>>(), "and over again");
    }

    #[test]
    fn no_hints_are_no_candidates() {
        let hints = Hints::default();
        assert!(hints.next().is_empty());
        hints.add(address(1));
        hints.add(address(1));
        assert_eq!(hints.next(), [address(1)]);
    }
}
