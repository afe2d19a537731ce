//! A stream of secret discovery while it is open: reads what is new through the vault, and sends it on.
//!
//! Nothing is sent for a name that is denied, missing or too old: Envoy waits for it, or keeps what it has. When that changes, it
//! is read again. Each read is audited; between them only the vault's glances tell that there is something to read.

use std::time::Duration;

use futures_util::stream::unfold;
use hyper::body::Bytes;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::answer::{Messages, framed};
use super::messages_discovery::{DiscoveryRequest, DiscoveryResponse, Resource, SECRET_TYPE};
use super::refusal;
use super::resource::resource;
use super::subscription::{Followed, Heard, Subscription};
use crate::model::caller::Caller;
use crate::model::number::Version;
use crate::model::reference::Reference;
use crate::vault::answer::{ReadAnswer, ReadOutcome};
use crate::vault::error::VaultError;
use crate::vault::follow::{Glance, Moves};
use crate::vault::parts::Vault;
use crate::vault::request::{Context, Known, ReadRequest};

/// How often it is looked again without a change of the store: a grant may end, a closed cache open, by time alone.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How long a client may take for its first request.
pub(super) const REQUEST_PATIENCE: Duration = Duration::from_secs(30);

/// Values in one response, in bytes, after which the rest waits for the next: one value more may come, so 2 MiB at most, which
/// every client of gRPC takes (4 MiB).
const RESPONSE_BYTES: usize = 1 << 20;

/// Why the journal has these reads.
const REASON: &str = "Envoy secret discovery";

/// One stream.
pub(super) struct Discovery {
    vault: Vault,
    caller: Caller,
    stop: CancellationToken,
    moves: Moves,
    subscription: Subscription,
}

/// A response, and whether there is more to send.
struct Gathered {
    ready: Vec<(String, ReadAnswer)>,
    bytes: usize,
}

impl Discovery {
    /// A stream of this caller, until `stop`.
    pub(super) fn new(vault: Vault, caller: Caller, stop: CancellationToken) -> Self {
        let moves = vault.moves();
        Self { vault, caller, stop, moves, subscription: Subscription::default() }
    }

    /// Answers request by request and change by change, for as long as the client stays.
    pub(super) fn follow(self, requests: Streaming<DiscoveryRequest>) -> Messages {
        Box::pin(unfold(Some((self, requests)), |state| async {
            let (mut discovery, mut requests) = state?;
            let next = discovery.next(&mut requests).await?;
            let goes_on = next.is_ok();
            Some((next, goes_on.then_some((discovery, requests))))
        }))
    }

    /// Answers one request with what there is.
    ///
    /// # Errors
    /// As [`Subscription::hear`]; and whatever of the caller or the node keeps everything from being answered.
    pub(super) async fn fetch(mut self, request: &DiscoveryRequest) -> Result<Bytes, Status> {
        self.subscription.hear(request)?;
        match self.news().await? {
            Some(response) => Ok(response),
            None => framed(&response(Vec::new(), String::new(), String::new())),
        }
    }

    async fn next(&mut self, requests: &mut Streaming<DiscoveryRequest>) -> Option<Result<Bytes, Status>> {
        loop {
            match self.news().await {
                Ok(None) => {}
                Ok(Some(response)) => return Some(Ok(response)),
                Err(status) => return Some(Err(status)),
            }
            let has_begun = self.subscription.has_begun();
            let patience = if has_begun { LOOK_AGAIN } else { REQUEST_PATIENCE };
            let heard = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Some(Err(Status::unavailable("the node stops"))),
                heard = requests.message() => heard,
                () = self.moves.next(), if has_begun => continue,
                () = tokio::time::sleep(patience), if has_begun => continue,
                () = tokio::time::sleep(patience) => return Some(Err(Status::deadline_exceeded("no request came"))),
            };
            match heard {
                Ok(Some(request)) => match self.subscription.hear(&request) {
                    Ok(Heard::Refuses(code)) => {
                        tracing::warn!(
                            code,
                            uid = self.caller.uid,
                            "a client of secret discovery refuses what it was sent"
                        );
                    }
                    Ok(Heard::Wants | Heard::Late) => {}
                    Err(status) => return Some(Err(status)),
                },
                Ok(None) => return None,
                Err(status) => return Some(Err(status)),
            }
        }
    }

    /// What is new of what is followed, framed; `None` when there is nothing.
    async fn news(&mut self) -> Result<Option<Bytes>, Status> {
        let mut gathered = Gathered { ready: Vec::new(), bytes: 0 };
        for (name, followed) in self.subscription.names() {
            if gathered.bytes >= RESPONSE_BYTES {
                break;
            }
            let Some(answer) = look(&self.vault, &self.caller, name, followed).await? else { continue };
            gathered.bytes = gathered.bytes.saturating_add(answer.value.len());
            gathered.ready.push((name.clone(), answer));
        }
        if gathered.ready.is_empty() { Ok(None) } else { self.written(gathered) }
    }

    /// The response. A value whose time ended while others were read is left out, and read again.
    fn written(&mut self, gathered: Gathered) -> Result<Option<Bytes>, Status> {
        if !self.caller.attested.presence.is_there() {
            return Err(refusal::status(&VaultError::CallerGone, &self.caller.request_id));
        }
        let (mut resources, mut versions) = (Vec::new(), Vec::new());
        for (name, answer) in gathered.ready {
            if self.vault.confirm(&answer).is_err() {
                self.subscription.names().filter(|(known, _)| **known == name).for_each(|(_, followed)| {
                    (followed.seen, followed.sent) = (None, None);
                });
                continue;
            }
            versions.push(format!("{}.{}", answer.record.secret_id, answer.record.version.get()));
            resources.push(resource(&name, answer)?);
        }
        if resources.is_empty() {
            return Ok(None);
        }
        let nonce = self.subscription.next_nonce();
        framed(&response(resources, versions.join("+"), nonce)).map(Some)
    }
}

/// Reads a name, if reading it would come to something else than the last time; gives a value that was not sent before.
async fn look(
    vault: &Vault,
    caller: &Caller,
    name: &str,
    followed: &mut Followed,
) -> Result<Option<ReadAnswer>, Status> {
    let ask = request(&followed.reference, followed.sent);
    let glance = vault.glance(caller, &ask);
    if followed.seen == Some(glance) {
        return Ok(None);
    }
    followed.seen = Some(glance);
    match vault.read(caller, ask).await {
        Ok(ReadOutcome::Value(answer)) => {
            let (secret_id, version) = (answer.record.secret_id, answer.record.version);
            followed.seen = Some(Glance::Value { secret_id, version });
            followed.sent = Some((secret_id, version));
            Ok(Some(answer))
        }
        Ok(ReadOutcome::NotModified { .. }) => Ok(None),
        Err(gone @ (VaultError::CallerGone | VaultError::NoIdentity)) => {
            Err(refusal::status(&gone, &caller.request_id))
        }
        Err(VaultError::AuditUnavailable | VaultError::AuditSpoolFull) => {
            followed.seen = None;
            Err(refusal::status(&VaultError::AuditUnavailable, &caller.request_id))
        }
        Err(error) => {
            let (request_id, code) = (&*caller.request_id, error.code());
            tracing::info!(request_id, uid = caller.uid, code, "a secret that is followed is not sent");
            tracing::debug!(request_id, name, code, "it is this one");
            Ok(None)
        }
    }
}

fn request(reference: &Reference, sent: Option<(u64, Version)>) -> ReadRequest {
    let Reference { name, field, company, version } = reference.clone();
    ReadRequest {
        name,
        context: Context { company, reason: Some(REASON.to_owned()), ..Context::default() },
        scope: None,
        version,
        field,
        refresh: false,
        known: sent.map(|value| Known::Values(vec![value])),
    }
}

fn response(resources: Vec<Resource>, version_info: String, nonce: String) -> DiscoveryResponse {
    DiscoveryResponse { version_info, resources, type_url: SECRET_TYPE.to_owned(), nonce }
}
