//! The streams of the SPIFFE Workload API: identities, and whom to trust. Each sends what there is at once, and again when it
//! changes: when half of a certificate's life is over, or the program may carry another name.
//!
//! A program that may carry none is refused, also in the middle of a stream: that is how it hears that a right was taken away.

use std::collections::BTreeMap;

use futures_util::stream::unfold;
use hyper::body::Bytes;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::answer::{Messages, framed, wiped};
use super::discovery::LOOK_AGAIN;
use super::messages_spiffe::{X509BundlesResponse, X509Svid, X509SvidResponse};
use super::refusal;
use crate::model::caller::Caller;
use crate::model::time::Timestamp;
use crate::transport::workload_authority::WorkloadIdentity;
use crate::vault::error::VaultError;
use crate::vault::follow::Moves;
use crate::vault::parts::Vault;
use crate::vault::workload::{WorkloadBundle, WorkloadName};

/// What a program is told that may carry no name.
const NO_IDENTITY: &str =
    "denied: no identity is given to this program; allow it integration_execute on secrets spiffe/*";

/// What a stream tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Identities, with their keys.
    Identities,
    /// The authority alone.
    Bundle,
}

/// One stream.
pub(super) struct Identities {
    vault: Vault,
    caller: Caller,
    stop: CancellationToken,
    moves: Moves,
    told: Told,
    given: Option<Given>,
}

/// What was sent last.
struct Given {
    names: Vec<WorkloadName>,
    renew_at: Option<Timestamp>,
}

impl Identities {
    /// A stream of this caller, until `stop`.
    pub(super) fn new(vault: Vault, caller: Caller, told: Told, stop: CancellationToken) -> Self {
        let moves = vault.moves();
        Self { vault, caller, stop, moves, told, given: None }
    }

    /// Answers for as long as the client stays and may have it.
    pub(super) fn follow(self) -> Messages {
        Box::pin(unfold(Some(self), |state| async {
            let mut stream = state?;
            let next = stream.next().await;
            let goes_on = next.is_ok();
            Some((next, goes_on.then_some(stream)))
        }))
    }

    async fn next(&mut self) -> Result<Bytes, Status> {
        while self.is_current() {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Status::unavailable("the node stops")),
                () = self.moves.next() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
        let answer = match self.told {
            Told::Identities => self.identities().await,
            Told::Bundle => self.bundle().await,
        };
        let answer = answer.map_err(|error| self.refused(&error))?;
        if !self.caller.attested.presence.is_there() {
            return Err(self.refused(&VaultError::CallerGone));
        }
        answer
    }

    /// Whether what was sent last is what would be sent now. Of the bundle only the right to it can change: the authority is
    /// as old as the node.
    fn is_current(&self) -> bool {
        let Some(given) = &self.given else { return false };
        let names = self.vault.workload_names(&self.caller);
        match self.told {
            Told::Identities => given.names == names && !given.renew_at.is_some_and(|at| self.vault.is_due(at)),
            Told::Bundle => !names.is_empty(),
        }
    }

    async fn identities(&mut self) -> Result<Result<Bytes, Status>, VaultError> {
        let issued = self.vault.workload_identities(&self.caller).await?;
        let bundle = self.vault.bundle();
        let renew_at = issued.iter().map(|(_, identity)| identity.renew_at).min();
        self.given = Some(Given { names: issued.iter().map(|(name, _)| name.clone()).collect(), renew_at });
        let svids = issued.into_iter().map(|(name, identity)| svid(&name, identity, &bundle)).collect();
        Ok(framed(&X509SvidResponse { svids }))
    }

    async fn bundle(&mut self) -> Result<Result<Bytes, Status>, VaultError> {
        let WorkloadBundle { trust_domain_id, certificate } = self.vault.workload_bundle(&self.caller).await?;
        self.given = Some(Given { names: Vec::new(), renew_at: None });
        Ok(framed(&X509BundlesResponse { bundles: BTreeMap::from([(trust_domain_id, certificate)]) }))
    }

    fn refused(&self, error: &VaultError) -> Status {
        if matches!(error, VaultError::Denied { .. }) {
            return Status::permission_denied(NO_IDENTITY);
        }
        refusal::status(error, &self.caller.request_id)
    }
}

fn svid(name: &WorkloadName, identity: WorkloadIdentity, bundle: &WorkloadBundle) -> X509Svid {
    X509Svid {
        spiffe_id: identity.id,
        x509_svid: identity.certificate.into(),
        x509_svid_key: wiped(identity.key),
        bundle: bundle.certificate.clone().into(),
        hint: name.kind.to_owned(),
    }
}
