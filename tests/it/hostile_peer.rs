//! Whatever a hostile peer shows or sends, it is refused with a reason, and nobody else notices.

mod claims;
mod crowds;
mod false_lead;
mod frames;
mod papers;

use std::net::SocketAddr;

use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::transport::error::{Refusal, TransportError};

use crate::support::callers::{put, read};
use crate::support::log::Log;
use crate::support::mesh::{TestMesh, TestNode, prod};

/// A lead and two honest followers, whose sessions are watched.
struct Siege {
    mesh: TestMesh,
    honest: [TestNode; 2],
    log: Log,
}

impl Siege {
    async fn of(mesh: TestMesh) -> Self {
        let log = Log::capture();
        let honest = [mesh.follower("alpha", prod(&[])).await, mesh.follower("beta", prod(&[])).await];
        for follower in &honest {
            follower.is_fresh().await;
        }
        Self { mesh, honest, log }
    }

    fn lead(&self) -> SocketAddr {
        self.mesh.lead.running().address().expect("the lead listens")
    }

    /// A change still reaches both followers, and nothing that was done to the lead ended a session of theirs.
    async fn nobody_noticed(&self, during: &str) {
        let stored = self.mesh.put(put("hubspot/api_key", "global", during)).await;
        for follower in &self.honest {
            follower.reaches(stored.revision).await;
            assert_eq!(follower.value(read("hubspot/api_key", None)).await.expect("readable"), during);
        }
        assert!(["alpha", "beta"].iter().all(|name| self.log.sessions_of(name) >= 1), "the log was heard");
        assert_eq!(self.log.disturbances(), Vec::<String>::new(), "disturbed by {during}");
    }
}

fn is_refusal(error: &TransportError, wanted: Refusal) -> bool {
    matches!(error, TransportError::PeerRefusedUs { refusal } if *refusal == wanted)
}

fn is_closed(error: &TransportError, wanted: CloseCode, why: &str) -> bool {
    matches!(error, TransportError::Closed { code, reason } if *code == wanted && reason.contains(why))
}
