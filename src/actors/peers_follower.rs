//! The way to the lead, on a follower: every address it might have, tried in turn with backoff, for as long as it takes.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ractor::ActorProcessingErr;
use tokio::sync::Notify;

use super::error::SessionError;
use super::follower_session::{self, FollowerSessions};
use crate::model::time::Entropy;
use crate::replication::backoff::Backoff;
use crate::transport::endpoint::Endpoint;
use crate::transport::tls::MemberTls;

/// Hints are cheap to forge: so many are remembered and no more.
const HINTS_MAX: usize = 32;

/// One dial a second to any one address, however often it is announced.
const REST: Duration = Duration::from_secs(1);

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

    fn all(&self) -> Vec<SocketAddr> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// What dialling needs.
pub struct FollowerPeers {
    /// Dials.
    pub endpoint: Endpoint,
    /// Proves who we are and who the lead is.
    pub tls: MemberTls,
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
        let mut told = BTreeSet::new();
        loop {
            let mut failed = BTreeSet::new();
            for address in self.candidates().await {
                match self.try_lead(address).await {
                    // The session was welcomed: the lead exists and is tried again at once.
                    Ok(ended) => {
                        if !will_end_so_again(&ended) {
                            backoff.succeeded();
                        }
                        tracing::warn!(%address, reason = %ended, "the session with the lead ended");
                    }
                    Err(error) => {
                        let text = format!("{address}: {error}");
                        if told.contains(&text) {
                            tracing::debug!(%address, %error, "the lead cannot be reached");
                        } else {
                            tracing::warn!(%address, %error, "the lead cannot be reached");
                        }
                        failed.insert(text);
                    }
                }
            }
            // Of several addresses each is complained about once, until it says something else.
            told = failed;
            self.rest(&mut backoff).await;
        }
    }

    /// `Ok` with the reason once a session that was welcomed has ended.
    async fn try_lead(&self, address: SocketAddr) -> Result<SessionError, SessionError> {
        let connection = self.endpoint.connect(address, &self.tls).await?;
        let session = follower_session::greet(connection, Arc::clone(&self.sessions)).await?;
        tracing::info!(%address, "the lead welcomed this node");
        Ok(session.run().await)
    }

    async fn candidates(&self) -> Vec<SocketAddr> {
        let mut found = Vec::new();
        for lead in &self.leads {
            match tokio::net::lookup_host(lead).await {
                Ok(addresses) => found.extend(addresses),
                Err(error) => tracing::debug!(lead, %error, "the name of a lead does not resolve"),
            }
        }
        for hint in self.hints.all() {
            if !found.contains(&hint) {
                found.push(hint);
            }
        }
        let from = self.endpoint.local_address();
        found.retain(|to| from.as_ref().is_ok_and(|from| can_dial(*from, *to)));
        found
    }

    async fn rest(&self, backoff: &mut Backoff) {
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

/// Whether the next session would end as this one did, however soon it begins: this node refused what the lead sent.
fn will_end_so_again(ended: &SessionError) -> bool {
    matches!(ended, SessionError::Apply(_))
}

/// A socket of IPv4 reaches no address of IPv6; one of IPv6 reaches both.
fn can_dial(from: SocketAddr, to: SocketAddr) -> bool {
    from.is_ipv6() || to.is_ipv4()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::error::ApplyError;
    use crate::model::name::EnvironmentName;
    use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};

    /// Followers of a lead that was set back returned to it fourteen times a second, for ever: each welcome counted as a
    /// success, so no pause grew.
    #[test]
    fn a_session_that_ended_in_a_refusal_is_no_success() {
        let refused = ApplyError::NotEntitled { at: secret() };
        assert!(will_end_so_again(&SessionError::Apply(refused)));
        assert!(!will_end_so_again(&SessionError::Silent));
    }

    fn secret() -> ScopedSecret {
        let name = SecretName::parse("hubspot/api_key").expect("a name");
        let environment = EnvironmentName::parse("prod").expect("a name");
        SecretAddress { environment, name }.within(Scope::Global)
    }

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
}
