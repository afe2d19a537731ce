//! Dialling the lead as the node would, when the node does not run: with its own identity, and no further than to where the
//! lead has proved itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::super::assemble_follower::FollowerIdentity;
use super::super::keystore::Keystore;
use super::super::seams::Seams;
use super::reading::LeadReading;
use crate::config::node_config::NodeConfig;
use crate::model::identity::Role;
use crate::store::contents::Contents;
use crate::transport::close::CloseCode;
use crate::transport::endpoint::Endpoint;
use crate::transport::provider;
use crate::transport::tls::MemberTls;

/// A lead that is there proves itself within a few round trips.
const PATIENCE: Duration = Duration::from_secs(3);

/// Dials every configured address in turn.
pub(super) async fn dial(
    config: &NodeConfig,
    contents: &Contents,
    keystore: Result<&Keystore, &str>,
    seams: &Seams,
) -> LeadReading {
    if contents.facts.role == Role::Lead {
        return LeadReading::Here;
    }
    let keystore = match keystore {
        Ok(keystore) => keystore,
        Err(why) => return LeadReading::Untried(why.to_owned()),
    };
    if config.mesh.leads.is_empty() {
        return LeadReading::Untried(
            "it is looked for on the local network, which only a running node does".to_owned(),
        );
    }
    match try_each(config, keystore, seams).await {
        Ok(reached) => reached,
        Err(error) => LeadReading::Untried(format!("{error:#}")),
    }
}

async fn try_each(config: &NodeConfig, keystore: &Keystore, seams: &Seams) -> Result<LeadReading> {
    provider::install();
    let FollowerIdentity { trust, credentials, .. } = FollowerIdentity::open(keystore)?;
    let tls = MemberTls::new(&trust, &credentials, Arc::clone(&seams.clock))?;
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let endpoint = Endpoint::dialling_in(&*seams.network, any).context("no UDP socket can be had")?;
    let mut last = "no address of it is known".to_owned();
    for lead in &config.mesh.leads {
        let addresses = match tokio::net::lookup_host(lead).await {
            Ok(addresses) => addresses,
            Err(error) => {
                last = format!("{lead}: {error}");
                continue;
            }
        };
        for address in addresses {
            match tokio::time::timeout(PATIENCE, endpoint.connect(address, &tls)).await {
                Ok(Ok(connection)) => {
                    connection.close(CloseCode::Done, "only looking");
                    return Ok(LeadReading::Reached(address.to_string()));
                }
                Ok(Err(error)) => last = format!("{address}: {error}"),
                Err(_) => last = format!("{address}: no answer within {} s", PATIENCE.as_secs()),
            }
        }
    }
    Ok(LeadReading::Unreached(last))
}
