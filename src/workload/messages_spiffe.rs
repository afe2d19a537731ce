//! The messages of the SPIFFE Workload API, as far as they are spoken here: field numbers of `standards/workloadapi.proto`
//! of spiffe/spiffe. Requests are empty. What holds a private key prints nothing of it.

use std::collections::BTreeMap;
use std::fmt;

use prost::bytes::Bytes;

/// Every identity of the program.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct X509SvidResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) svids: Vec<X509Svid>,
}

/// One identity.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct X509Svid {
    #[prost(string, tag = "1")]
    pub(super) spiffe_id: String,
    /// DER, the leaf alone: the authority that signed it is in the bundle.
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) x509_svid: Bytes,
    /// PKCS#8, DER.
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) x509_svid_key: Bytes,
    /// DER.
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) bundle: Bytes,
    /// `unit`, `user` or `uid`.
    #[prost(string, tag = "5")]
    pub(super) hint: String,
}

/// Whom to trust, by trust domain.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct X509BundlesResponse {
    #[prost(btree_map = "string, bytes", tag = "2")]
    pub(super) bundles: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for X509Svid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "X509Svid({})", self.spiffe_id)
    }
}
