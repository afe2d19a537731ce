//! The question of a joiner: asked at every address the lead may have, and again while somebody must approve the machine.

use std::io::IsTerminal;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::join::{ApprovalPending, JoinOptions, WhilePending};
use super::seams::Seams;
use crate::cli::progress::Progress;
use crate::cli::say;
use crate::crypto::join_token::JoinSecret;
use crate::discovery::browser::Browser;
use crate::model::identity::KeyPin;
use crate::transport::certificate;
use crate::transport::endpoint::Endpoint;
use crate::transport::error::TransportError;
use crate::transport::spiffe::PeerIdentity;
use crate::transport::tls::JoinTls;
use crate::wire::join::{Admitted, Join, JoinAnswer, JoinAsk, RefusedReason};

/// A lead on the local network announces itself within a second; this leaves room for a busy one.
const HINT_TIMEOUT: Duration = Duration::from_secs(5);

/// Between two questions whether the node is approved by now.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(3);

/// Asks until the answer is another than to wait.
pub(super) async fn until_approved(
    token: &JoinSecret,
    options: &JoinOptions,
    question: &Join,
    pin: &KeyPin,
    seams: &Seams,
) -> Result<(Admitted, String)> {
    let mut waiting: Option<Waiting> = None;
    let mut reached = None;
    loop {
        match (find_and_ask(token, options, question, reached.as_deref(), seams).await, &waiting) {
            (Ok(Found::Admitted(admitted, lead)), _) => return Ok((*admitted, lead)),
            (Ok(Found::Pending(lead)), _) => {
                if options.pending == WhilePending::Leave {
                    return Err(ApprovalPending { fingerprint: pin.fingerprint() }.into());
                }
                waiting.get_or_insert_with(|| Waiting::begin(pin));
                reached = Some(lead);
            }
            // The lead may be started again while somebody makes up their mind.
            (Err(error), Some(_)) if error.is::<NoLeadReached>() => {}
            (Err(error), _) => return Err(error),
        }
        tokio::time::sleep(ASK_AGAIN_AFTER).await;
    }
}

/// What a person sees meanwhile.
struct Waiting(Progress);

impl Waiting {
    fn begin(pin: &KeyPin) -> Self {
        let fingerprint = pin.fingerprint();
        say::note(&format!("This machine's key:  {fingerprint}"));
        say::note("On the lead, compare it (aurora nodes list), then:");
        say::note(&format!("  aurora nodes approve NAME --fingerprint {fingerprint}"));
        let progress = Progress::new(std::io::stderr().is_terminal());
        progress.wait("waiting for approval; Ctrl-C is safe, the same join goes on later");
        Self(progress)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// No address led to a lead of the mesh.
#[derive(Debug, thiserror::Error)]
#[error("no lead could be reached; give its address with --lead HOST:PORT\n  {0}")]
struct NoLeadReached(String);

/// What a lead of the mesh answered, and where it was found.
enum Found {
    Admitted(Box<Admitted>, String),
    Pending(String),
}

/// Asks each address in turn: the one that answered before, else the one given, else those of the token, else what the local
/// network announces.
async fn find_and_ask(
    token: &JoinSecret,
    options: &JoinOptions,
    question: &Join,
    reached: Option<&str>,
    seams: &Seams,
) -> Result<Found> {
    let named: Vec<String> = match reached.map(str::to_owned).or_else(|| options.lead.clone()) {
        Some(one) => vec![one],
        None => token.addresses().to_vec(),
    };
    let mut failures = Vec::new();
    for name in &named {
        if reached.is_none() {
            say::note(&format!("Asking {name} …"));
        }
        match resolve(name).await {
            Ok(addresses) => {
                for address in addresses {
                    match ask_one(token, address, question, seams).await {
                        Ok(Some(admitted)) => return Ok(Found::Admitted(admitted, name.clone())),
                        Ok(None) => return Ok(Found::Pending(name.clone())),
                        Err(Refused::ByLead(error)) => return Err(error),
                        Err(Refused::Unreachable(error)) => failures.push(format!("{name}: {error:#}")),
                    }
                }
            }
            Err(error) => failures.push(format!("{name}: {error:#}")),
        }
    }
    if options.lead.is_none() && reached.is_none() && options.template.mesh.discovery {
        say::note("Looking for the lead on the local network …");
        if let Some(found) = ask_the_network(token, question, seams, &mut failures).await? {
            return Ok(found);
        }
        failures.push("local network: no lead of this mesh announced itself".to_owned());
    }
    Err(NoLeadReached(failures.join("\n  ")).into())
}

async fn ask_the_network(
    token: &JoinSecret,
    question: &Join,
    seams: &Seams,
    failures: &mut Vec<String>,
) -> Result<Option<Found>> {
    let mut browser =
        Browser::start(None).context("cannot look for a lead on the local network; use --lead HOST:PORT")?;
    let deadline = tokio::time::Instant::now() + HINT_TIMEOUT;
    while let Ok(Ok(hint)) = tokio::time::timeout_at(deadline, browser.next()).await {
        for address in hint.addresses {
            match ask_one(token, address, question, seams).await {
                Ok(Some(admitted)) => return Ok(Some(Found::Admitted(admitted, address.to_string()))),
                Ok(None) => return Ok(Some(Found::Pending(address.to_string()))),
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

/// `None` while somebody must approve this machine.
async fn ask_one(
    token: &JoinSecret,
    address: SocketAddr,
    question: &Join,
    seams: &Seams,
) -> Result<Option<Box<Admitted>>, Refused> {
    let asked = async {
        let tls = JoinTls::new(token.ca_pin(), seams.clock.clone())?;
        let from =
            if address.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
        let endpoint = Endpoint::dialling_in(&*seams.network, from)?;
        let answer = endpoint.join(address, &tls, &JoinAsk::from(question.clone())).await;
        endpoint.wait_idle().await;
        answer
    };
    let (lead, answer) = asked.await.map_err(|error: TransportError| Refused::Unreachable(error.into()))?;
    match answer {
        JoinAnswer::Admitted(admitted) if !is_consistent(&admitted, &lead, token) => {
            Err(Refused::ByLead(anyhow::anyhow!("the lead's answer contradicts its certificate; do not use this mesh")))
        }
        JoinAnswer::Admitted(admitted) => Ok(Some(Box::new(admitted))),
        JoinAnswer::Refused(refused) if refused.reason == RefusedReason::Pending => Ok(None),
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
        RefusedReason::Pending => "somebody must approve this machine first",
        RefusedReason::Banned => {
            "this machine was banned; on the lead: aurora nodes remove NODE, and here: remove its state directory"
        }
    }
}

async fn resolve(name: &str) -> Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host(name).await?.collect();
    if found.is_empty() { bail!("the name has no address") } else { Ok(found) }
}
