//! mDNS at work: the lead announces itself, a follower collects hints. Both are comforts and restart for ever.

use std::sync::Arc;

use ractor::ActorProcessingErr;

use super::peers_follower::Hints;
use crate::discovery::advertiser::Advertiser;
use crate::discovery::browser::Browser;
use crate::model::identity::MeshId;
use crate::model::name::NodeName;

/// What the lead announces.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// The mesh, of which only a hash is told.
    pub mesh: MeshId,
    /// The lead.
    pub lead: NodeName,
}

/// Announces until stopped.
pub(super) async fn announce(announcement: Announcement, port: u16) -> Result<(), ActorProcessingErr> {
    // Announcing is the daemon thread's work; this only keeps it alive, and takes the announcement back when dropped.
    let _advertiser = Advertiser::start(&announcement.mesh, &announcement.lead, port)?;
    std::future::pending().await
}

/// Collects hints until stopped.
pub(super) async fn listen(mesh: MeshId, hints: Arc<Hints>) -> Result<(), ActorProcessingErr> {
    let mut browser = Browser::start(Some(mesh))?;
    loop {
        for address in browser.next().await?.addresses {
            hints.add(address);
        }
    }
}
