//! The messages of Envoy's secret discovery, as far as they are spoken here: field numbers and names of
//! `envoy/service/discovery/v3/discovery.proto`, `envoy/extensions/transport_sockets/tls/v3/{secret,common}.proto`,
//! `envoy/config/core/v3/base.proto`, `google/protobuf/any.proto` and `google/rpc/status.proto`. What is not listed is skipped.
//!
//! Those that hold a value print nothing of it, and hold it in memory that is wiped.

use std::fmt;

use prost::bytes::Bytes;

/// The type of every resource here.
pub(super) const SECRET_TYPE: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

/// A subscription, or what became of the last answer.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DiscoveryRequest {
    #[prost(string, tag = "1")]
    pub(super) version_info: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) resource_names: Vec<String>,
    #[prost(string, tag = "4")]
    pub(super) type_url: String,
    #[prost(string, tag = "5")]
    pub(super) response_nonce: String,
    #[prost(message, optional, tag = "6")]
    pub(super) error_detail: Option<RefusalDetail>,
}

/// `google.rpc.Status`, without its text: what a client says of a resource it refused may quote it.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RefusalDetail {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
}

/// Resources that are new to the client.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DiscoveryResponse {
    #[prost(string, tag = "1")]
    pub(super) version_info: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) resources: Vec<Resource>,
    #[prost(string, tag = "4")]
    pub(super) type_url: String,
    #[prost(string, tag = "5")]
    pub(super) nonce: String,
}

/// `google.protobuf.Any`, of which the value is a [`Secret`].
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct Resource {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
}

/// A secret, by the name it was asked for.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Secret {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(oneof = "Kind", tags = "2, 4, 5")]
    pub(super) kind: Option<Kind>,
}

/// What a secret is to Envoy.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Kind {
    #[prost(message, tag = "2")]
    TlsCertificate(TlsCertificate),
    #[prost(message, tag = "4")]
    ValidationContext(ValidationContext),
    #[prost(message, tag = "5")]
    GenericSecret(GenericSecret),
}

/// A certificate chain with its key, both PEM.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TlsCertificate {
    #[prost(message, optional, tag = "1")]
    pub(super) certificate_chain: Option<DataSource>,
    #[prost(message, optional, tag = "2")]
    pub(super) private_key: Option<DataSource>,
}

/// Whom to trust, PEM.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ValidationContext {
    #[prost(message, optional, tag = "1")]
    pub(super) trusted_ca: Option<DataSource>,
}

/// Any other value.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GenericSecret {
    #[prost(message, optional, tag = "1")]
    pub(super) secret: Option<DataSource>,
}

/// Bytes that are a value.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct DataSource {
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) inline_bytes: Bytes,
}

impl fmt::Debug for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Resource(redacted)")
    }
}

impl fmt::Debug for DataSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DataSource(redacted)")
    }
}
