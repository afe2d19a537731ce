//! Whom a call trusts: the public roots compiled into this build, and certificates that the node's owner names.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};

use super::client::EgressSetupError;

/// Protocols inside TLS, the preferred first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS 1.3 or 1.2 towards a server whose certificate names the host. The store of the system is not asked: an inspecting
/// proxy that put its root there is not given credentials unless the owner of the node says so here. Whether a certificate
/// is in date is judged by the wall clock of the machine, not by the seam the mesh takes its time through: those who issue
/// them go by no other.
pub(super) fn config(extra_roots: Option<&str>) -> Result<ClientConfig, EgressSetupError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(text) = extra_roots {
        add(&mut roots, text)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| EgressSetupError::Library)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A resumed session skips the check of the certificate.
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn add(roots: &mut RootCertStore, text: &str) -> Result<(), EgressSetupError> {
    let mut count = 0_usize;
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        let certificate = certificate.map_err(|_| EgressSetupError::NoCertificate)?;
        roots.add(certificate).map_err(|_| EgressSetupError::NoCertificate)?;
        count = count.saturating_add(1);
    }
    if count == 0 { Err(EgressSetupError::NoCertificate) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_roots_are_trusted_and_sessions_are_not_resumed() {
        let config = config(None).expect("settings");
        assert!(!webpki_roots::TLS_SERVER_ROOTS.is_empty());
        assert!(!config.enable_early_data && config.enable_sni);
        assert!(format!("{:?}", config.resumption).contains("Disabled"), "{:?}", config.resumption);
    }

    #[test]
    fn a_file_that_holds_no_certificate_is_refused() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for text in ["", "certificate", broken, key] {
            assert!(matches!(config(Some(text)), Err(EgressSetupError::NoCertificate)), "{text}");
        }
    }
}
