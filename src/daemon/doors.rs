//! Where callers come in, and who they are to a node: the same for one that is sealed and one that serves.

use anyhow::Result;

use super::group;
use crate::api::server::Limits;
use crate::api::sockets::{self, Sockets};
use crate::config::node_config::NodeConfig;
use crate::policy::decide::Policy;
use crate::policy::starting;

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

/// Who may do what.
pub(super) fn policy(config: &NodeConfig) -> Result<Policy> {
    let group = group::socket_group(config.api.socket_group.as_deref())?;
    Ok(starting::starting(group.unwrap_or_else(|| rustix::process::getegid().as_raw()), owner()))
}
