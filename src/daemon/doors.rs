//! Where callers come in, and who they are to a node: the same for one that is sealed and one that serves.

use anyhow::Result;

use super::group;
use crate::api::server::Limits;
use crate::api::sockets::{self, Sockets};
use crate::config::node_config::NodeConfig;
use crate::policy::identify::House;

/// Binds both sockets, for the owner and the configured group.
pub(super) async fn bind(config: &NodeConfig) -> Result<Sockets> {
    let group = group::socket_group(config.api.socket_group.as_deref())?;
    Ok(sockets::bind(&config.api.socket_dir, group).await?)
}

/// What local callers may take.
pub(super) fn limits(config: &NodeConfig) -> Limits {
    Limits {
        connections: config.limits.connections,
        connections_per_uid: config.limits.connections_per_uid,
        value_bytes_max: config.limits.value_bytes_max,
    }
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
