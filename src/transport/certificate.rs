//! What can be read off a certificate without trusting it: the key it is for, and when it is valid.

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::crypto::digest::sha256;
use crate::model::identity::KeyPin;
use crate::model::time::Timestamp;

/// SHA-256 of the certificate's public key (SubjectPublicKeyInfo, DER); `None` for bytes that are no certificate.
#[must_use]
pub fn pin(certificate: &[u8]) -> Option<KeyPin> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(KeyPin(sha256(certificate.public_key().raw)))
}

/// From when and until when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
}

impl Validity {
    /// Reads a certificate; `None` for bytes that are none.
    #[must_use]
    pub fn of_certificate(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let at = |seconds: i64| seconds.checked_mul(1000).map(Timestamp);
        let validity = certificate.validity();
        Some(Self { from: at(validity.not_before.timestamp())?, until: at(validity.not_after.timestamp())? })
    }

    /// When half of the time is over: the moment to renew.
    #[must_use]
    pub fn half_life(&self) -> Timestamp {
        Timestamp(self.from.0.saturating_add(self.until.0.saturating_sub(self.from.0) / 2))
    }
}
