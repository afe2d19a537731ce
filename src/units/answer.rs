//! One connection of systemd: who asks, for what, and the value or a refusal.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::give::{self, Given, Patience, VALUE_BYTES_MAX};
use super::peer_name::{self, Claim};
use crate::callers::peer::Peer;
use crate::callers::seats::{Lane, Seat};
use crate::config::node_config::CredentialName;
use crate::delivery::credential_id::implied;
use crate::model::caller::{Caller, UID_ROOT};
use crate::model::reference::Reference;
use crate::model::time::Entropy;
use crate::vault::answer::{ReadAnswer, ReadOutcome};
use crate::vault::error::VaultError;
use crate::vault::parts::Vault;
use crate::vault::request::{Context, ReadRequest};
use crate::vault::sealed::SealedDoor;
use crate::vault::units::NotTheUnit;

/// Whose door it is: that of a sealed node until it is opened.
#[derive(Clone)]
pub(super) enum Source {
    /// Nothing to be had yet.
    Sealed(SealedDoor),
    /// The vault.
    Open(Vault),
}

/// What all connections share.
pub(super) struct Desk {
    /// The door that answers now.
    pub(super) source: tokio::sync::watch::Sender<Source>,
    /// Which secret systemd gets by which name.
    pub(super) names: BTreeMap<CredentialName, Reference>,
    /// Draws request ids.
    pub(super) entropy: Arc<dyn Entropy>,
    /// How long everything may take.
    pub(super) patience: Patience,
}

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("{0}")]
    NotTheUnit(NotTheUnit),
    #[error("no answer in {} s", .0.as_secs())]
    Late(std::time::Duration),
    #[error("too many connections")]
    Crowd,
    #[error("it is not known who asks, or there is no seat")]
    Nobody,
    #[error("no random bytes")]
    NoEntropy,
    #[error("the value has {0} bytes, and systemd takes {VALUE_BYTES_MAX}")]
    TooLarge(usize),
}

/// Answers one connection, in bounded time: also one that nobody is known to have made, for a connection that is closed is a
/// credential to systemd.
pub(super) async fn attend(
    mut stream: UnixStream,
    known: Option<(Peer, Seat)>,
    desk: Arc<Desk>,
    stop: CancellationToken,
) {
    let answered = async {
        match &known {
            Some((peer, seat)) => answer(&mut stream, peer, seat.lane(), &desk).await,
            None => refuse(&mut stream, "", &Refusal::Nobody, &desk).await,
        }
    };
    let mut answered = std::pin::pin!(answered);
    tokio::select! {
        biased;
        () = answered.as_mut() => {}
        () = stop.cancelled() => {
            if timeout(desk.patience.drain, answered).await.is_err() {
                tracing::warn!("the node stops while a unit is given its credential");
            }
        }
    }
}

async fn answer(stream: &mut UnixStream, peer: &Peer, lane: Lane, desk: &Desk) {
    let address = stream.peer_addr().ok();
    let address = address.as_ref().and_then(|address| address.as_abstract_name());
    let claim = address.and_then(peer_name::claim);
    let shown = claim.as_ref().map_or_else(|| peer_name::shown(address), |claim| claim.unit.to_string());
    let decided = match desk.request_id() {
        _ if lane == Lane::Reserved => Err(Refusal::Crowd),
        None => Err(Refusal::NoEntropy),
        Some(request_id) => {
            let decided = desk.decide(peer, peer.caller(request_id), claim, &shown);
            timeout(desk.patience.answer, decided).await.unwrap_or(Err(Refusal::Late(desk.patience.answer)))
        }
    };
    let refusal = match decided {
        Ok((vault, value)) => match vault.confirm(&value).map(|()| peer.is_there()) {
            Ok(true) => match give::value(stream, &value.value, desk.patience.value).await {
                Given::Whole => return tracing::debug!(unit = shown, "a unit has its credential"),
                Given::Gone => return tracing::info!(unit = shown, "a unit did not wait for its credential"),
                Given::Stalled => Refusal::Late(desk.patience.value),
            },
            Ok(false) => Refusal::Vault(VaultError::CallerGone),
            Err(error) => Refusal::Vault(error),
        },
        Err(refusal) => refusal,
    };
    refuse(stream, &shown, &refusal, desk).await;
}

/// Refuses so that no start survives it.
async fn refuse(stream: &mut UnixStream, unit: &str, refusal: &Refusal, desk: &Desk) {
    tracing::warn!(unit, %refusal, "a credential of a unit is refused");
    if let Err(error) = give::refusal(stream, desk.patience.refusal).await {
        tracing::warn!(unit, %error, "a refusal was not read, and may be taken for a value");
    }
}

impl Desk {
    /// The value, which may still be refused when it is about to be written.
    async fn decide(
        &self,
        peer: &Peer,
        caller: Caller,
        claim: Option<Claim>,
        shown: &str,
    ) -> Result<(Vault, ReadAnswer), Refusal> {
        let source = self.source.borrow().clone();
        let vault = match source {
            Source::Open(vault) => vault,
            Source::Sealed(door) => {
                return Err(door.refuse_value(&caller, &format!("a credential for {shown}")).await.into());
            }
        };
        let (reference, reason) = match self.meant(peer, claim, shown) {
            Ok(meant) => meant,
            Err(why) => {
                // A refusal that cannot be written down is told apart: then the journal is what has to be looked at.
                let refused = vault.refuse_unit(&caller, &why).await;
                let is_written = matches!(refused, VaultError::Denied { .. });
                return Err(if is_written { Refusal::NotTheUnit(why) } else { refused.into() });
            }
        };
        let Reference { name, field, company, version } = reference;
        let context = Context { company, reason: Some(reason), ..Context::default() };
        let ask = ReadRequest { name, context, scope: None, version, field, refresh: false, known: None };
        match vault.read(&caller, ask).await? {
            ReadOutcome::Value(answer) if answer.value.len() > VALUE_BYTES_MAX => {
                Err(Refusal::TooLarge(answer.value.len()))
            }
            ReadOutcome::Value(answer) => Ok((vault, answer)),
            ReadOutcome::NotModified { .. } => {
                Err(VaultError::Internal("a value was left out that nobody has".to_owned()).into())
            }
        }
    }

    /// Which secret is meant, and the reason for the journal; if it is systemd that asks, and for that unit.
    fn meant(&self, peer: &Peer, claim: Option<Claim>, shown: &str) -> Result<(Reference, String), NotTheUnit> {
        let Claim { unit: claimed, credential } =
            claim.ok_or_else(|| NotTheUnit::NoClaim { address: shown.to_owned() })?;
        if peer.uid != UID_ROOT {
            return Err(NotTheUnit::NotRoot { uid: peer.uid, claimed });
        }
        if peer.attested.unit.as_ref() != Some(&claimed) {
            return Err(NotTheUnit::OtherUnit { claimed, actual: peer.attested.unit.clone() });
        }
        let named = CredentialName::parse(&credential).ok();
        let reference = named.as_ref().and_then(|name| self.names.get(name).cloned().or_else(|| implied(name)));
        match reference {
            Some(reference) => Ok((reference, format!("systemd credential {credential}"))),
            None => {
                let credential = credential.as_bytes().escape_ascii().to_string();
                Err(NotTheUnit::NoSuchCredential { claimed, credential })
            }
        }
    }

    /// 128 random bits in hexadecimal.
    fn request_id(&self) -> Option<String> {
        let mut bytes = [0_u8; 16];
        self.entropy.fill(&mut bytes).ok()?;
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}
