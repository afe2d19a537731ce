//! Whom a node calls, and whom it trusts there: the catalogue of the build with the files that are to stand in for it, and
//! certificates besides the public roots. All problems are told before the node starts.

use anyhow::{Context, Result};

use crate::catalogue::lookup::Catalogue;
use crate::config::node_config::ConnectivitySection;
use crate::egress::client::Egress;

/// Reads what the configuration names.
pub(super) fn load(section: &ConnectivitySection) -> Result<(Catalogue, Egress)> {
    let catalogue = Catalogue::embedded()?;
    let roots = match &section.ca_file {
        Some(file) => {
            Some(std::fs::read_to_string(file).with_context(|| format!("connectivity.ca_file: {}", file.display()))?)
        }
        None => None,
    };
    let egress = Egress::new(roots.as_deref()).context("connectivity.ca_file")?;
    Ok((catalogue, egress))
}
