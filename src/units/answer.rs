//! One connection of systemd: who asks, for what, and the value or a refusal.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::net::UnixStream;
use tokio::task::JoinError;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::give::{self, Given, Patience, VALUE_BYTES_MAX};
use super::peer_name::{self, Claim};
use crate::callers::peer::Peer;
use crate::callers::seats::{Lane, Seat};
use crate::config::node_config::CredentialName;
use crate::delivery::credential_id::implied;
use crate::model::caller::{Caller, UID_ROOT};
use crate::model::hex::hex;
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
    #[error("the node stops")]
    Stopping,
    #[error("too many connections")]
    Crowd,
    #[error("a fault of ours: {0}")]
    Fault(JoinError),
    #[error("it is not known who asks, or there is no seat")]
    Nobody,
    #[error("no random bytes")]
    NoEntropy,
    #[error("the value has {0} bytes, and systemd takes {VALUE_BYTES_MAX}")]
    TooLarge(usize),
}

/// Answers one connection, in bounded time: also one that nobody is known to have made, for a connection that is closed is a
/// credential to systemd. However it ends, what was written is a whole value, or longer than any.
pub(super) async fn attend(
    mut stream: UnixStream,
    known: Option<(Peer, Seat)>,
    desk: Arc<Desk>,
    stop: CancellationToken,
) {
    // The seat is held until a refusal is written, too.
    let (peer, seat) = known.unzip();
    let lane = seat.as_ref().map_or(Lane::Reserved, Seat::lane);
    let (unit, refusal) = match peer {
        Some(peer) => match answer(&mut stream, peer, lane, &desk, &stop).await {
            Ok(()) => return,
            Err(refused) => refused,
        },
        None => (String::new(), Refusal::Nobody),
    };
    tracing::warn!(unit, %refusal, "a credential of a unit is refused");
    refuse(stream, desk.patience, &stop).await;
}

/// Gives the value, or says of which unit and why not.
async fn answer(
    stream: &mut UnixStream,
    peer: Peer,
    lane: Lane,
    desk: &Arc<Desk>,
    stop: &CancellationToken,
) -> Result<(), (String, Refusal)> {
    let peer = Arc::new(peer);
    let address = stream.peer_addr().ok();
    let address = address.as_ref().and_then(|address| address.as_abstract_name());
    let claim = address.and_then(peer_name::claim);
    let shown = claim.as_ref().map_or_else(|| peer_name::shown(address), |claim| claim.unit.to_string());
    let decided = match desk.request_id() {
        _ if lane == Lane::Reserved => Err(Refusal::Crowd),
        None => Err(Refusal::NoEntropy),
        Some(request_id) => {
            let (desk, peer, shown) = (Arc::clone(desk), Arc::clone(&peer), shown.clone());
            let caller = peer.caller(request_id.into());
            let patience = desk.patience;
            let deciding = async move { desk.decide(&peer, caller, claim, &shown).await };
            in_time(deciding, patience, stop).await
        }
    };
    let refusal = match decided {
        Ok((vault, value)) => match vault.confirm(&value).map(|()| peer.is_there()) {
            Ok(true) => {
                let given = give::value(stream, &value.value, desk.patience.value);
                match before_end(given, desk.patience, stop).await {
                    Some(Given::Whole) => {
                        tracing::debug!(unit = shown, "a unit has its credential");
                        return Ok(());
                    }
                    Some(Given::Gone) => {
                        tracing::info!(unit = shown, "a unit did not wait for its credential");
                        return Ok(());
                    }
                    Some(Given::Stalled) => Refusal::Late(desk.patience.value),
                    None => Refusal::Stopping,
                }
            }
            Ok(false) => Refusal::Vault(VaultError::CallerGone),
            Err(error) => Refusal::Vault(error),
        },
        Err(refusal) => refusal,
    };
    Err((shown, refusal))
}

/// Writes a refusal.
async fn refuse(mut stream: UnixStream, patience: Patience, stop: &CancellationToken) {
    let written = give::refusal(&mut stream, patience.refusal);
    let written = before_end(written, patience, stop).await;
    if !matches!(written, Some(Ok(()))) {
        tracing::warn!("a refusal was not read, and may be taken for a value");
    }
}

/// What is decided within its time and before the end of the node. It has a task of its own, so that a fault in it is a
/// refusal too: a task that ends with the connection in its hands would answer by closing it.
async fn in_time<T: Send + 'static>(
    deciding: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    patience: Patience,
    stop: &CancellationToken,
) -> Result<T, Refusal> {
    let decided = timeout(patience.answer, AbortOnDropHandle::new(tokio::spawn(deciding)));
    match before_end(decided, patience, stop).await {
        Some(Ok(Ok(decided))) => decided,
        Some(Ok(Err(fault))) => Err(Refusal::Fault(fault)),
        Some(Err(_)) => Err(Refusal::Late(patience.answer)),
        None => Err(Refusal::Stopping),
    }
}

/// What comes of this before the node has waited for it long enough at its stop.
async fn before_end<T>(of: impl Future<Output = T>, patience: Patience, stop: &CancellationToken) -> Option<T> {
    let end = async {
        stop.cancelled().await;
        sleep(patience.drain).await;
    };
    tokio::select! {
        biased;
        came = of => Some(came),
        () = end => None,
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
        Some(hex(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use tokio::io::AsyncReadExt;

    use super::*;

    fn short() -> Patience {
        let moment = Duration::from_millis(20);
        Patience { answer: Duration::from_secs(60), drain: moment, ..Patience::default() }
    }

    #[tokio::test]
    async fn what_is_not_decided_when_the_node_stops_is_refused() {
        let stop = CancellationToken::new();
        stop.cancel();
        let decided = in_time(pending::<Result<(), Refusal>>(), short(), &stop).await;
        assert!(matches!(decided, Err(Refusal::Stopping)), "{decided:?}");
        assert!(in_time(ready(Ok(())), short(), &stop).await.is_ok(), "what can be decided still is");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_refused_and_so_is_a_fault_of_ours() {
        let stop = CancellationToken::new();
        let patience = Patience { answer: Duration::from_millis(20), ..Patience::default() };
        let decided = in_time(pending::<Result<(), Refusal>>(), patience, &stop).await;
        assert!(matches!(decided, Err(Refusal::Late(_))), "{decided:?}");
        let faulty = async { Err::<(), _>(Refusal::TooLarge(Vec::new()[ready(1).await])) };
        let decided = in_time(faulty, patience, &stop).await;
        assert!(matches!(decided, Err(Refusal::Fault(_))), "{decided:?}");
    }

    #[tokio::test]
    async fn a_refusal_is_whole_also_while_the_node_stops() {
        let stop = CancellationToken::new();
        stop.cancel();
        let (here, mut there) = UnixStream::pair().expect("a pair");
        let patience = Patience { drain: Duration::from_secs(60), ..Patience::default() };
        let (mut came, refused) = (Vec::new(), refuse(here, patience, &stop));
        let (read, ()) = tokio::join!(there.read_to_end(&mut came), refused);
        assert!(read.expect("read") > VALUE_BYTES_MAX);
        let (here, _there) = UnixStream::pair().expect("a pair");
        refuse(here, short(), &stop).await;
    }
}
