//! The file of events of a node. It is no authority: one that is damaged is set aside, and a new one begun.

use std::sync::Arc;

use anyhow::Result;

use super::seams::Seams;
use crate::actors::event_log::EventLog;
use crate::config::node_config::NodeConfig;
use crate::events::subject::Home;
use crate::store::rows::Rows;

/// The file, in the state directory.
const EVENTS_FILE: &str = "events.redb";

/// Opens the history.
pub(super) async fn open(config: &NodeConfig, seams: &Seams) -> Result<EventLog> {
    let rows = Rows::open(&config.node.state_dir.join(EVENTS_FILE)).await?;
    let home = Home { node: config.node.name.clone(), environment: config.node.environment.clone() };
    Ok(EventLog::open(rows, home, Arc::clone(&seams.clock), Arc::clone(&seams.entropy)).await?)
}
