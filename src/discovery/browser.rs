//! Listens for leads on the local network.
//!
//! A task drains the daemon's channel whether or not anybody asks for hints: the daemon closes the channel of a listener
//! that is too slow, without a word. If it does, the task subscribes again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mdns_sd::{Receiver, ServiceEvent};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::debug;

use super::candidates::Candidates;
use super::error::DiscoveryError;
use super::hint::{Hint, MeshHash};
use super::service::{self, Daemon};
use crate::model::identity::MeshId;

/// Between two subscriptions, so that a daemon that closes at once is not asked in a tight loop.
const RESUBSCRIBE_AFTER: Duration = Duration::from_secs(1);

/// A subscription to announcements. Dropping it ends the daemon's thread.
pub struct Browser {
    shared: Arc<Shared>,
    /// Owns the daemon.
    task: JoinHandle<()>,
}

struct Shared {
    wanted: Option<MeshHash>,
    candidates: Mutex<Candidates>,
    ended: AtomicBool,
    news: Notify,
}

impl Browser {
    /// Listens for leads of one mesh, or of any. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`DiscoveryError::Unavailable`].
    pub fn start(mesh: Option<MeshId>) -> Result<Self, DiscoveryError> {
        Self::start_on(None, mesh)
    }

    /// As [`Self::start`], on another mDNS port: hears only advertisers on the same one.
    ///
    /// # Errors
    /// [`DiscoveryError::Unavailable`].
    pub fn start_on(mdns_port: Option<u16>, mesh: Option<MeshId>) -> Result<Self, DiscoveryError> {
        Self::over(Daemon::start(mdns_port)?, mesh)
    }

    fn over(daemon: Daemon, mesh: Option<MeshId>) -> Result<Self, DiscoveryError> {
        let events = daemon.inner().browse(service::TYPE).map_err(DiscoveryError::Unavailable)?;
        let shared = Arc::new(Shared {
            wanted: mesh.as_ref().map(MeshHash::of),
            candidates: Mutex::default(),
            ended: AtomicBool::new(false),
            news: Notify::new(),
        });
        let task = tokio::spawn(drain(daemon, events, shared.clone()));
        Ok(Self { shared, task })
    }

    /// The next hint that is new or has changed. Waits for ever for one. Safe to cancel.
    ///
    /// # Errors
    /// [`DiscoveryError::Stopped`] when the daemon is gone.
    pub async fn next(&mut self) -> Result<Hint, DiscoveryError> {
        loop {
            // Read before taking: the task sets it after its last announcement.
            let ended = self.shared.ended.load(Ordering::SeqCst);
            if let Some(hint) = self.shared.take() {
                return Ok(hint);
            }
            if ended {
                return Err(DiscoveryError::Stopped);
            }
            self.shared.news.notified().await;
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn take(&self) -> Option<Hint> {
        self.candidates.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn handle(&self, event: &ServiceEvent) {
        let mut candidates = self.candidates.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            ServiceEvent::ServiceResolved(announced) => {
                let hint = Hint::of_service(announced);
                let Some(hint) = hint.filter(|hint| self.wanted.is_none_or(|wanted| wanted == hint.mesh)) else {
                    return;
                };
                if candidates.announced(&announced.fullname, hint) {
                    self.news.notify_one();
                }
            }
            ServiceEvent::ServiceRemoved(_, service) => candidates.removed(service),
            // Searches that begin and end, services without an address yet, and what a later version may add.
            ServiceEvent::SearchStarted(_) | ServiceEvent::ServiceFound(..) | ServiceEvent::SearchStopped(_) | _ => {}
        }
    }
}

/// Tells the listener when the task ends, however it ends.
struct TellEnd(Arc<Shared>);

impl Drop for TellEnd {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::SeqCst);
        self.0.news.notify_one();
    }
}

async fn drain(daemon: Daemon, mut events: Receiver<ServiceEvent>, shared: Arc<Shared>) {
    let _tell = TellEnd(shared.clone());
    loop {
        while let Ok(event) = events.recv_async().await {
            shared.handle(&event);
        }
        debug!("the mDNS daemon closed its channel; subscribing again");
        sleep(RESUBSCRIBE_AFTER).await;
        match daemon.inner().browse(service::TYPE) {
            Ok(again) => events = again,
            Err(error) => {
                debug!(%error, "the mDNS daemon is gone");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::advertiser::Advertiser;
    use super::*;
    use crate::model::name::NodeName;

    const MESH: MeshId = MeshId([7; 16]);

    /// A port that was free a moment ago; nothing else on this machine speaks mDNS on it.
    fn private_port() -> Option<u16> {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("binds");
        Some(socket.local_addr().expect("bound").port())
    }

    async fn soon<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), future).await.expect("within 20 s")
    }

    #[tokio::test]
    async fn a_lead_on_this_machine_is_found_and_another_meshs_is_not() {
        let port = private_port();
        let (aurora, other) = (NodeName::parse("aurora").expect("name"), NodeName::parse("other").expect("name"));
        let stranger = Advertiser::start_on(port, &MeshId([8; 16]), &other, 4001).expect("announces");
        let lead = Advertiser::start_on(port, &MESH, &aurora, 4002).expect("announces");
        let mut any = Browser::start_on(port, None).expect("listens");
        let mut ours = Browser::start_on(port, Some(MESH)).expect("listens");
        let hint = soon(ours.next()).await.expect("a hint");
        assert_eq!((hint.mesh, &hint.name), (MeshHash::of(&MESH), &aurora));
        assert!(hint.addresses.iter().all(|address| address.port() == 4002), "{hint:?}");
        let mut names = Vec::new();
        while !(names.contains(&aurora) && names.contains(&other)) {
            names.push(soon(any.next()).await.expect("a hint").name);
        }
        soon(async { tokio::join!(lead.stop(), stranger.stop()) }).await;
    }

    #[tokio::test]
    async fn a_browser_whose_daemon_is_gone_says_so() {
        let daemon = Daemon::start(private_port()).expect("starts");
        let handle = daemon.inner().clone();
        let mut browser = Browser::over(daemon, Some(MESH)).expect("listens");
        let ended = handle.shutdown().expect("runs");
        assert!(soon(ended.recv_async()).await.is_ok());
        assert!(matches!(soon(browser.next()).await, Err(DiscoveryError::Stopped)));
        assert!(matches!(soon(browser.next()).await, Err(DiscoveryError::Stopped)), "and goes on saying so");
    }
}
