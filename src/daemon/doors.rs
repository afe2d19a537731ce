//! Where callers come in, and who they are to a node: the same for one that is sealed and one that serves.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;

use super::group;
use super::seams::Seams;
use crate::api::reception::Reception;
use crate::callers::gate::Gate;
use crate::callers::seats::Limits;
use crate::callers::sockets;
use crate::config::node_config::NodeConfig;
use crate::policy::identify::House;
use crate::units;
use crate::vault::parts::Vault;
use crate::vault::sealed::SealedDoor;
use crate::workload::reception::Reception as Workloads;

/// Every socket of a node, and who answers there.
pub(super) struct Doors {
    http: Reception,
    units: units::reception::Reception,
    workload: Workloads,
}

impl Doors {
    /// Binds the sockets, for the owner and the configured group, and answers from this vault.
    pub(super) async fn open(config: &NodeConfig, seams: &Seams, vault: Vault) -> Result<Self> {
        let (sockets, gate) = bind(config).await?;
        let (clock, entropy) = (Arc::clone(&seams.clock), Arc::clone(&seams.entropy));
        let of_units = gate_of_units(&gate, config);
        let units =
            units::reception::Reception::open(sockets.credentials, vault.clone(), names(config, seams), of_units);
        let workload =
            Workloads::open(sockets.workload, vault.clone(), Arc::clone(&clock), Arc::clone(&entropy), gate.clone());
        let http = Reception::open(sockets.http, vault, clock, entropy, (gate, config.limits.value_bytes_max));
        Ok(Self { http, units, workload })
    }

    /// The same, answering that the node is sealed.
    pub(super) async fn sealed(config: &NodeConfig, seams: &Seams, door: SealedDoor) -> Result<Self> {
        let (sockets, gate) = bind(config).await?;
        let (clock, entropy) = (Arc::clone(&seams.clock), Arc::clone(&seams.entropy));
        let of_units = gate_of_units(&gate, config);
        let units =
            units::reception::Reception::sealed(sockets.credentials, door.clone(), names(config, seams), of_units);
        let workload = Workloads::sealed(sockets.workload, Arc::clone(&clock), Arc::clone(&entropy), gate.clone());
        let http = Reception::sealed(sockets.http, door, clock, entropy, (gate, config.limits.value_bytes_max));
        Ok(Self { http, units, workload })
    }

    /// From here on this vault answers, on the same sockets and on connections that are there.
    pub(super) fn admit(&self, vault: &Vault) {
        self.units.admit(vault.clone());
        self.http.admit(vault.clone());
        self.workload.admit(vault.clone());
    }

    /// Where the loopback listener listens, if there is one.
    pub(super) fn loopback(&self) -> Option<SocketAddr> {
        self.http.loopback()
    }

    /// Finishes what is under way and removes the sockets.
    pub(super) async fn close(self) {
        let (http, units, workload) = tokio::join!(self.http.close(), self.units.close(), self.workload.close());
        for error in [http.err(), units.err(), workload.err()].into_iter().flatten() {
            tracing::error!(%error, "the sockets did not close cleanly");
        }
    }
}

/// The sockets, and what their connections share.
async fn bind(config: &NodeConfig) -> Result<(sockets::Sockets, Gate)> {
    let group = group::socket_group(config.api.socket_group.as_deref())?;
    let sockets = sockets::bind(&config.api.socket_dir, group, config.api.listen).await?;
    let limits = &config.limits;
    let limits = Limits { connections: limits.connections, connections_per_uid: limits.connections_per_uid };
    Ok((sockets, Gate::of_machine(limits)))
}

/// The seats of units are their own: everybody who asks there is root, and a unit that cannot start because programs have
/// taken all seats, or because its share of one user is taken, is an outage.
fn gate_of_units(gate: &Gate, config: &NodeConfig) -> Gate {
    let connections = config.limits.connections;
    Gate::new(Arc::clone(&gate.witness), Limits { connections, connections_per_uid: connections })
}

/// What credentials of units are called.
fn names(config: &NodeConfig, seams: &Seams) -> units::reception::Names {
    units::reception::Names { mapped: config.credentials.clone(), entropy: Arc::clone(&seams.entropy) }
}

/// The user that owns the node.
pub(super) fn owner() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Who is special here: the owner, and the members of the socket's group or, without one, of the node's own.
pub(super) fn house(config: &NodeConfig) -> Result<House> {
    let group = group::socket_group(config.api.socket_group.as_deref())?;
    Ok(House { owner: owner(), socket_group: group.unwrap_or_else(|| rustix::process::getegid().as_raw()) })
}
