//! `aurora join TOKEN`: this machine becomes a follower.
//!
//! The keys are made and kept before the token is shown to anyone, so an interrupted join can be repeated: the lead
//! answers the same token and the same key with the same membership.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::brought::Brought;
use super::config_file;
use super::keystore::Keystore;
use super::pending::{self, Pending};
use super::seams::Seams;
use super::{STORE_FILE, earlier, new_store, unseal};
use crate::cli::say;
use crate::config::node_config::NodeConfig;
use crate::crypto::join_token::JoinSecret;
use crate::crypto::plaintext::Plaintext;
use crate::discovery::browser::Browser;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::identity::Role;
use crate::model::number::{Position, Revision};
use crate::model::roster::RosterEntry;
use crate::store::blob::BlobName;
use crate::store::facts::Facts;
use crate::store::mutation::Mutation;
use crate::transport::certificate;
use crate::transport::endpoint::Endpoint;
use crate::transport::error::TransportError;
use crate::transport::spiffe::PeerIdentity;
use crate::transport::tls::JoinTls;
use crate::wire::join::{Admitted, Join, JoinAnswer, JoinAsk, RefusedReason};

/// A lead on the local network announces itself within a second; this leaves room for a busy one.
const HINT_TIMEOUT: Duration = Duration::from_secs(5);

/// How a node joins.
#[derive(Debug, Clone)]
pub struct JoinOptions {
    /// What the operator chose; name, environment and leads come from the lead.
    pub template: NodeConfig,
    /// Where `node.toml` goes.
    pub config_file: PathBuf,
    /// Where the lead is; otherwise the addresses in the token, then the local network.
    pub lead: Option<String>,
}

/// Joins, and gives the configuration that was written.
///
/// # Errors
/// When the state directory holds another node, which is left as it is; when no lead can be reached, or it refuses. Each
/// with what to do next.
pub async fn join(
    token: &JoinSecret,
    options: &JoinOptions,
    brought: Option<Brought<'_>>,
    seams: &Seams,
) -> Result<NodeConfig> {
    let file = &options.config_file;
    if file.exists() {
        bail!("{} exists: this machine has joined already; start it with `aurora up`", file.display());
    }
    let state_dir = &options.template.node.state_dir;
    let store_file = state_dir.join(STORE_FILE);
    earlier::refuse_another_node(&store_file, state_dir)?;
    unseal::private_dir(state_dir)?;
    let pending = Pending::load_or_create(&options.template, brought, seams).await?;
    earlier::check(&store_file, &pending).await?;
    let question = Join {
        token_secret: token.secret().expose().try_into().context("the token holds no secret")?,
        csr: pending.node_key.csr()?,
        sealing_key: pending.sealing_key.public().0,
    };
    let (admitted, lead) = find_and_ask(token, options, question, seams).await?;
    let config = follower_config(&options.template, &admitted, token, &lead)?;
    // What an attempt that was interrupted after the answer left behind is made again from the same answer.
    earlier::remove(&store_file, &pending).await?;
    keep(&store_file, &config, &admitted, &pending, seams).await?;
    config_file::write(file, &config)?;
    pending::forget(state_dir);
    Ok(config)
}

/// Asks each address in turn: the one given, else those of the token, else what the local network announces.
async fn find_and_ask(
    token: &JoinSecret,
    options: &JoinOptions,
    question: Join,
    seams: &Seams,
) -> Result<(Admitted, String)> {
    let named: Vec<String> = options.lead.iter().cloned().chain(token.addresses().iter().cloned()).collect();
    let named = if options.lead.is_some() { named.into_iter().take(1).collect() } else { named };
    let mut failures = Vec::new();
    for name in &named {
        say::note(&format!("Asking {name} …"));
        match resolve(name).await {
            Ok(addresses) => {
                for address in addresses {
                    match ask_one(token, address, &question, seams).await {
                        Ok(admitted) => return Ok((admitted, name.clone())),
                        Err(Refused::ByLead(error)) => return Err(error),
                        Err(Refused::Unreachable(error)) => failures.push(format!("{name}: {error:#}")),
                    }
                }
            }
            Err(error) => failures.push(format!("{name}: {error:#}")),
        }
    }
    if options.lead.is_none() && options.template.mesh.discovery {
        say::note("Looking for the lead on the local network …");
        if let Some(found) = ask_the_network(token, &question, seams, &mut failures).await? {
            return Ok(found);
        }
        failures.push("local network: no lead of this mesh announced itself".to_owned());
    }
    bail!("no lead could be reached; give its address with --lead HOST:PORT\n  {}", failures.join("\n  "))
}

async fn ask_the_network(
    token: &JoinSecret,
    question: &Join,
    seams: &Seams,
    failures: &mut Vec<String>,
) -> Result<Option<(Admitted, String)>> {
    let mut browser =
        Browser::start(None).context("cannot look for a lead on the local network; use --lead HOST:PORT")?;
    let deadline = tokio::time::Instant::now() + HINT_TIMEOUT;
    while let Ok(Ok(hint)) = tokio::time::timeout_at(deadline, browser.next()).await {
        for address in hint.addresses {
            match ask_one(token, address, question, seams).await {
                Ok(admitted) => return Ok(Some((admitted, address.to_string()))),
                Err(Refused::ByLead(error)) => return Err(error),
                // Another mesh, or a liar: only the pinned CA decides, and it is not this one's.
                Err(Refused::Unreachable(error)) => failures.push(format!("{address} (announced): {error:#}")),
            }
        }
    }
    Ok(None)
}

enum Refused {
    ByLead(anyhow::Error),
    Unreachable(anyhow::Error),
}

async fn ask_one(token: &JoinSecret, address: SocketAddr, question: &Join, seams: &Seams) -> Result<Admitted, Refused> {
    let asked = async {
        let tls = JoinTls::new(token.ca_pin(), seams.clock.clone())?;
        let from =
            if address.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
        let endpoint = Endpoint::dialling(from)?;
        let answer = endpoint.join(address, &tls, &JoinAsk::from(question.clone())).await;
        endpoint.wait_idle().await;
        answer
    };
    let (lead, answer) = asked.await.map_err(|error: TransportError| Refused::Unreachable(error.into()))?;
    match answer {
        JoinAnswer::Admitted(admitted) if !is_consistent(&admitted, &lead, token) => {
            Err(Refused::ByLead(anyhow::anyhow!("the lead's answer contradicts its certificate; do not use this mesh")))
        }
        JoinAnswer::Admitted(admitted) => Ok(admitted),
        JoinAnswer::Refused(refused) => Err(Refused::ByLead(anyhow::anyhow!(
            "the lead refused: {}; a new token is made on the lead: aurora token create NODE",
            refusal_text(refused.reason)
        ))),
    }
}

/// What the lead says of itself must be what its certificate proved, and what the token pins.
fn is_consistent(admitted: &Admitted, lead: &PeerIdentity, token: &JoinSecret) -> bool {
    admitted.mesh_id() == lead.mesh
        && admitted.lead == lead.node.as_str()
        && certificate::pin(&admitted.authority) == Some(token.ca_pin())
}

fn refusal_text(reason: RefusedReason) -> &'static str {
    match reason {
        RefusedReason::UnknownToken => "it does not know this token",
        RefusedReason::TokenExpired => "the token has expired",
        RefusedReason::TokenConsumed => "the token was used before, or its node has joined already",
        RefusedReason::BadRequest => "it could not read the request",
        RefusedReason::Busy => "it is busy; try again",
        RefusedReason::Unavailable => "it cannot admit anyone now; see its log",
        RefusedReason::KeyInUse => {
            "another node has joined with the key of this machine; remove its state directory and try again"
        }
        RefusedReason::UnknownKey => "no member has this node's key",
        RefusedReason::NotLead => "it is not the lead any more",
    }
}

async fn resolve(name: &str) -> Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host(name).await?.collect();
    if found.is_empty() { bail!("the name has no address") } else { Ok(found) }
}

fn follower_config(template: &NodeConfig, admitted: &Admitted, token: &JoinSecret, lead: &str) -> Result<NodeConfig> {
    let entitlement = Entitlement::try_from(admitted.entitlement.clone())?;
    let mut config = template.clone();
    config.node.name = admitted.node_name()?;
    config.node.role = Role::Follower;
    config.node.environment = entitlement.environment;
    let mut leads = vec![lead.to_owned()];
    leads.extend(token.addresses().iter().filter(|address| *address != lead).cloned());
    config.mesh.leads = leads;
    Ok(config)
}

async fn keep(
    store_file: &Path,
    config: &NodeConfig,
    admitted: &Admitted,
    pending: &Pending<'_>,
    seams: &Seams,
) -> Result<()> {
    let entropy = &*seams.entropy;
    let mesh = admitted.mesh_id();
    let (keystore, root) = Keystore::create(&pending.made.key, mesh, entropy)?;
    let leaf = admitted.chain.first().context("the lead sent no certificate")?.clone();
    let entry = RosterEntry {
        name: config.node.name.clone(),
        role: Role::Follower,
        pin: pending.node_key.pin(),
        sealing_key: pending.sealing_key.public(),
        entitlement: Entitlement::try_from(admitted.entitlement.clone())?,
        history: EntitlementHistory::beginning(seams.clock.now().wall),
        joined_at: seams.clock.now().wall,
        changed_at: Revision(0),
    };
    let plain = |bytes: Vec<u8>| Plaintext::new(bytes);
    let mut mutations = vec![
        root,
        keystore.wrap(BlobName::Identity, &pending.node_key.to_plaintext(), entropy)?,
        keystore.wrap(BlobName::SealingKey, &pending.sealing_key.to_plaintext(), entropy)?,
        keystore.wrap(BlobName::AuthorityCertificate, &plain(admitted.authority.clone()), entropy)?,
        keystore.wrap(BlobName::Certificate, &plain(leaf), entropy)?,
        keystore.wrap(BlobName::MeshSealingPublicKey, &plain(admitted.mesh_sealing_key.to_vec()), entropy)?,
        keystore.wrap(BlobName::LeadName, &plain(admitted.lead_name()?.as_str().as_bytes().to_vec()), entropy)?,
        Mutation::PutNode(entry),
        Mutation::Advance(Position::default()),
    ];
    mutations.extend(pending.made.remembered());
    let facts = Facts {
        mesh,
        node: config.node.name.clone(),
        role: Role::Follower,
        environment: config.node.environment.clone(),
    };
    new_store::make(store_file, facts, mutations, || pending.made.show()).await
}
