//! Announces a lead on the local network.

use mdns_sd::ServiceInfo;

use super::error::DiscoveryError;
use super::hint::MeshHash;
use super::service::{self, Daemon};
use crate::model::identity::MeshId;
use crate::model::name::NodeName;

/// An announcement that lasts until it is stopped or dropped.
pub struct Advertiser {
    daemon: Daemon,
}

impl Advertiser {
    /// Announces that the lead takes connections on this UDP port of this machine, on every interface; the addresses follow
    /// the machine's. The machine's own host name is not announced.
    ///
    /// # Errors
    /// [`DiscoveryError::Unavailable`]. A network that refuses multicast shows no error: nobody hears.
    pub fn start(mesh: &MeshId, lead: &NodeName, port: u16) -> Result<Self, DiscoveryError> {
        Self::start_on(None, mesh, lead, port)
    }

    /// As [`Self::start`], on another mDNS port: heard only by browsers on the same one.
    ///
    /// # Errors
    /// [`DiscoveryError::Unavailable`].
    pub fn start_on(mdns_port: Option<u16>, mesh: &MeshId, lead: &NodeName, port: u16) -> Result<Self, DiscoveryError> {
        let hash = MeshHash::of(mesh).to_string();
        let host = format!("aurora-{}.local.", hash.get(..12).unwrap_or(&hash));
        let properties =
            [(service::VERSION_KEY, service::VERSION), (service::MESH_KEY, &hash), (service::NAME_KEY, lead.as_str())];
        let info = ServiceInfo::new(service::TYPE, &hash, &host, "", port, &properties[..])
            .map_err(DiscoveryError::Unavailable)?
            .enable_addr_auto();
        let daemon = Daemon::start(mdns_port)?;
        daemon.inner().register(info).map_err(DiscoveryError::Unavailable)?;
        Ok(Self { daemon })
    }

    /// Says goodbye, so that browsers forget the lead now and not after two minutes.
    pub async fn stop(self) {
        self.daemon.stop().await;
    }
}
