//! The certificate this node shows. It is renewed while connections live, so TLS asks here at every handshake.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::Validity;
use super::error::TransportError;
use super::node_key::NodeKey;

/// The current certificate and key; clones share it.
#[derive(Debug, Clone)]
pub struct Credentials(Arc<Current>);

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl Credentials {
    /// Certificates (DER, leaf first, then the authority's) and the key of the leaf. The lead must include the
    /// authority's: joiners know only its pin.
    ///
    /// # Errors
    /// [`TransportError::Tls`] when key and leaf do not belong together or the chain is empty.
    pub fn new(chain: &[Vec<u8>], key: &NodeKey) -> Result<Self, TransportError> {
        let certified = key.certified(chain)?;
        Ok(Self(Arc::new(Current(ArcSwap::from_pointee(certified)))))
    }

    /// Shows these from the next handshake on.
    ///
    /// # Errors
    /// As [`Self::new`]; then the old ones stay.
    pub fn replace(&self, chain: &[Vec<u8>], key: &NodeKey) -> Result<(), TransportError> {
        let certified = key.certified(chain)?;
        self.0.0.store(Arc::new(certified));
        Ok(())
    }

    /// When the certificate is valid.
    #[must_use]
    pub fn validity(&self) -> Option<Validity> {
        self.0.0.load().end_entity_cert().ok().and_then(|leaf| Validity::of_certificate(leaf))
    }

    pub(super) fn for_server(&self) -> Arc<dyn ResolvesServerCert> {
        self.0.clone()
    }

    pub(super) fn for_client(&self) -> Arc<dyn ResolvesClientCert> {
        self.0.clone()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl ResolvesClientCert for Current {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
