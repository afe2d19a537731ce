//! Certificates for servers that tests call: good ones, and ones that no caller may accept.

use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::version::TLS12;
use rustls::{ALL_VERSIONS, ServerConfig, SupportedProtocolVersion};

/// What a server shows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// A certificate for `localhost` and the addresses of loopback.
    Good,
    /// One for another name.
    OtherName,
    /// One that an authority made whom nobody knows.
    UnknownAuthority,
    /// One that an authority made which calls itself by the name of the known one.
    Impostor,
    /// One that has expired.
    Expired,
    /// One that is for later.
    NotYet,
}

/// An authority of a test's own.
pub struct TestAuthority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl TestAuthority {
    pub fn new() -> Self {
        Self::called("an authority of tests")
    }

    fn called(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server that shows this, and speaks HTTP/2 only if it is asked to.
    pub fn server(&self, shown: Shown, protocols: &[&str]) -> Arc<ServerConfig> {
        match shown {
            Shown::Good => serve(&self.issuer, "localhost", (2020, 2090), ALL_VERSIONS, protocols),
            Shown::OtherName => serve(&self.issuer, "other.test", (2020, 2090), ALL_VERSIONS, protocols),
            Shown::UnknownAuthority => {
                serve(&Self::called("another").issuer, "localhost", (2020, 2090), ALL_VERSIONS, protocols)
            }
            Shown::Impostor => serve(&Self::new().issuer, "localhost", (2020, 2090), ALL_VERSIONS, protocols),
            Shown::Expired => serve(&self.issuer, "localhost", (2020, 2021), ALL_VERSIONS, protocols),
            Shown::NotYet => serve(&self.issuer, "localhost", (2089, 2090), ALL_VERSIONS, protocols),
        }
    }

    /// A good certificate and its key as PEM, for a server of others.
    pub fn pem_pair(&self) -> (String, String) {
        let (certificate, key) = leaf(&self.issuer, "localhost", (2020, 2090));
        (certificate.pem(), key.serialize_pem())
    }

    /// A good one that knows nothing newer.
    pub fn server_of_tls_1_2(&self) -> Arc<ServerConfig> {
        serve(&self.issuer, "localhost", (2020, 2090), &[&TLS12], &[])
    }
}

fn serve(
    issuer: &Issuer<'_, KeyPair>,
    name: &str,
    years: (i32, i32),
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> Arc<ServerConfig> {
    let (certificate, key) = leaf(issuer, name, years);
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate)], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .expect("a certificate and its key");
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(config)
}

fn leaf(issuer: &Issuer<'_, KeyPair>, name: &str, years: (i32, i32)) -> (Certificate, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let mut names = vec![name.to_owned()];
    if name == "localhost" {
        names.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
    }
    let mut params = CertificateParams::new(names).expect("names");
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    (params.signed_by(&key, issuer).expect("a certificate"), key)
}
