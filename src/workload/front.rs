//! What happens to every call, whatever it asks: an id, a caller, a place among the streams; and which path is what.

use std::sync::{Arc, OnceLock};

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request, Response, StatusCode};
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::codec::Codec;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use super::activity::{Activity, Places};
use super::answer::{Messages, Reply, refused, reply};
use super::discovery::{Discovery, REQUEST_PATIENCE};
use super::identities::{Identities, Told};
use super::messages_discovery::DiscoveryRequest;
use crate::callers::attest::Witness;
use crate::callers::peer::Peer;
use crate::model::caller::Caller;
use crate::model::hex::hex;
use crate::model::time::{Clock, Entropy};
use crate::vault::parts::Vault;

/// Largest message a client may send. Envoy's first one lists every extension it was built with, in some tens of KiB.
const MESSAGE_BYTES_MAX: usize = 256 << 10;

const SECRETS: &str = "/envoy.service.secret.v3.SecretDiscoveryService/";
const SPIFFE: &str = "/SpiffeWorkloadAPI/";

/// The metadata that every call of the Workload API must carry, so that no browser can be made to send one
/// (SPIFFE Workload API, 4.3).
const SPIFFE_HEADER: &str = "workload.spiffe.io";

/// What all connections share.
pub(super) struct Front {
    /// Who answers, once the node is open.
    pub(super) vault: OnceLock<Vault>,
    /// Knows who connected.
    pub(super) witness: Arc<Witness>,
    /// The time, for digests of programs.
    pub(super) clock: Arc<dyn Clock>,
    /// Draws request ids.
    pub(super) entropy: Arc<dyn Entropy>,
    /// Places for streams.
    pub(super) places: Places,
    /// When the node stops.
    pub(super) stop: CancellationToken,
}

/// What can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    StreamSecrets,
    FetchSecrets,
    Spiffe(Told),
}

impl Front {
    /// Answers one call. Never fails: a failure is an answer too.
    pub(super) async fn answer(&self, peer: &Peer, activity: &Activity, request: Request<Incoming>) -> Response<Reply> {
        if !is_grpc(&request) {
            let mut response = refused(Status::ok(""));
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            response.headers_mut().clear();
            return response;
        }
        let Some(stay) = self.places.take(peer.uid, activity) else {
            return refused(Status::resource_exhausted("rate_limited: too many streams; end some, or come back later"));
        };
        match self.messages(peer, request).await {
            Ok(messages) => reply(messages, stay),
            Err(status) => refused(status),
        }
    }

    async fn messages(&self, peer: &Peer, request: Request<Incoming>) -> Result<Messages, Status> {
        let call = call(request.uri().path())?;
        if matches!(call, Call::Spiffe(_)) && !has_spiffe_header(request.headers()) {
            return Err(Status::invalid_argument(format!("the metadata {SPIFFE_HEADER}: true is missing")));
        }
        let sealed = || Status::unavailable("sealed: this node has no key yet; its owner opens it with aurora unseal");
        let vault = self.vault.get().ok_or_else(sealed)?.clone();
        let caller = self.caller(peer, &vault).await?;
        tracing::debug!(request_id = &*caller.request_id, uid = peer.uid, ?call, "a stream begins");
        let stop = self.stop.clone();
        Ok(match call {
            Call::StreamSecrets => Discovery::new(vault, caller, stop).follow(requests(request)?),
            Call::FetchSecrets => {
                let asked: DiscoveryRequest = first(requests(request)?).await?;
                let response = Discovery::new(vault, caller, stop).fetch(&asked).await;
                Box::pin(futures_util::stream::once(async { response }))
            }
            Call::Spiffe(told) => {
                let () = first(requests(request)?).await?;
                Identities::new(vault, caller, told, stop).follow()
            }
        })
    }

    /// The process that connected, as the author of one stream.
    async fn caller(&self, peer: &Peer, vault: &Vault) -> Result<Caller, Status> {
        let mut id = [0_u8; 16];
        self.entropy.fill(&mut id).map_err(|_| Status::internal("there is no randomness"))?;
        let caller = peer.caller(hex(&id).into());
        let program = peer.attested.executable.as_ref();
        if !program.is_some_and(|program| vault.wants_digest(program.path())) {
            return Ok(caller);
        }
        let taken = peer.with_digest(&self.witness, self.clock.now().wall);
        let late = |_| Status::deadline_exceeded("the program could not be read in time");
        let taken = tokio::time::timeout(REQUEST_PATIENCE, taken).await.map_err(late)?;
        let attested = taken.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(Caller { attested, ..caller })
    }
}

/// gRPC over HTTP/2: a POST of messages encoded by Protocol Buffers.
fn is_grpc(request: &Request<Incoming>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    request.method() == Method::POST && matches!(kind, b"application/grpc" | b"application/grpc+proto")
}

fn has_spiffe_header(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(SPIFFE_HEADER).iter();
    values.next().is_some_and(|value| value == "true") && values.next().is_none()
}

fn call(path: &str) -> Result<Call, Status> {
    if let Some(method) = path.strip_prefix(SECRETS) {
        return match method {
            "StreamSecrets" => Ok(Call::StreamSecrets),
            "FetchSecrets" => Ok(Call::FetchSecrets),
            "DeltaSecrets" => Err(Status::unimplemented("incremental discovery is not spoken: set api_type GRPC")),
            _ => Err(Status::unimplemented("no such method")),
        };
    }
    match path.strip_prefix(SPIFFE) {
        Some("FetchX509SVID") => Ok(Call::Spiffe(Told::Identities)),
        Some("FetchX509Bundles") => Ok(Call::Spiffe(Told::Bundle)),
        Some("FetchJWTSVID" | "FetchJWTBundles" | "ValidateJWTSVID") => {
            Err(Status::unimplemented("this node gives X.509 identities, and no JWT"))
        }
        Some(_) | None => Err(Status::unimplemented("no such method")),
    }
}

/// The messages of a call, each bounded before it is read.
fn requests<M: Message + Default + Send + 'static>(request: Request<Incoming>) -> Result<Streaming<M>, Status> {
    let encoding = request.headers().get("grpc-encoding");
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(Status::unimplemented("compressed messages are not taken"));
    }
    let decoder = ProstCodec::<M, M>::default().decoder();
    Ok(Streaming::new_request(decoder, request.into_body(), None, Some(MESSAGE_BYTES_MAX)))
}

/// The one message of a call that has one.
async fn first<M>(mut requests: Streaming<M>) -> Result<M, Status> {
    let late = |_| Status::deadline_exceeded("no request came");
    let message = tokio::time::timeout(REQUEST_PATIENCE, requests.message()).await.map_err(late)??;
    message.ok_or_else(|| Status::invalid_argument("the request is missing"))
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn each_method_is_known_by_its_whole_path() {
        let known = [
            ("/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets", Call::StreamSecrets),
            ("/envoy.service.secret.v3.SecretDiscoveryService/FetchSecrets", Call::FetchSecrets),
            ("/SpiffeWorkloadAPI/FetchX509SVID", Call::Spiffe(Told::Identities)),
            ("/SpiffeWorkloadAPI/FetchX509Bundles", Call::Spiffe(Told::Bundle)),
        ];
        for (path, expected) in known {
            assert_eq!(call(path).ok(), Some(expected), "{path}");
        }
        for path in [
            "/",
            "",
            "/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets",
            "/envoy.service.secret.v3.SecretDiscoveryService/streamsecrets",
            "/SpiffeWorkloadAPI/FetchX509SVID/",
            "/SpiffeWorkloadAPI/FetchJWTSVID",
            "/SpiffeWorkloadAPI/FetchJWTBundles",
            "/SpiffeWorkloadAPI/ValidateJWTSVID",
            "/SpiffeWorkloadAPI/FetchWITSVID",
            "/api/secrets/hubspot/api_key",
        ] {
            assert_eq!(call(path).expect_err("no method").code(), Code::Unimplemented, "{path}");
        }
    }
}
