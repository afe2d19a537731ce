//! The file of events of a node. It is no authority: one that is damaged is set aside, and a new one begun.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::seams::Seams;
use crate::actors::event_log::EventLog;
use crate::actors::event_posts::EventPosts;
use crate::audit::journal::Journal;
use crate::config::node_config::NodeConfig;
use crate::events::subject::Home;
use crate::store::rows::Rows;

/// The file, in the state directory.
const EVENTS_FILE: &str = "events.redb";

/// Opens the history, and says whether a damaged one had to be set aside.
pub(super) async fn open(
    config: &NodeConfig,
    seams: &Seams,
    journal: &Journal,
) -> Result<(EventLog, Arc<EventPosts>, bool)> {
    let (log, is_new) = log(config, seams).await?;
    let posts = EventPosts::open(log.clone(), journal.clone(), config.node.role).await?;
    Ok((log, Arc::new(posts), is_new))
}

async fn log(config: &NodeConfig, seams: &Seams) -> Result<(EventLog, bool)> {
    let path = config.node.state_dir.join(EVENTS_FILE);
    match log_in(&path, config, seams).await {
        Ok(log) => Ok((log, false)),
        Err(error) => {
            let aside = path.with_extension(format!("damaged-{}", seams.clock.now().wall.0));
            tracing::error!(%error, aside = %aside.display(), "the file of events cannot be read; a new one is begun");
            std::fs::rename(&path, &aside).context("the damaged file of events cannot be set aside")?;
            Ok((log_in(&path, config, seams).await?, true))
        }
    }
}

async fn log_in(path: &Path, config: &NodeConfig, seams: &Seams) -> Result<EventLog> {
    let rows = Rows::open(&seams.ground, path).await?;
    let home = Home { node: config.node.name.clone(), environment: config.node.environment.clone() };
    Ok(EventLog::open(rows, home, Arc::clone(&seams.clock), Arc::clone(&seams.entropy)).await?)
}
