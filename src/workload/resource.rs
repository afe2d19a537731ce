//! From a value to what Envoy takes it for.
//!
//! The fields `certificate` and `private_key` are a TLS certificate; so is PEM with a certificate and a private key. PEM with
//! certificates alone is whom to trust. Everything else is a generic secret, byte for byte. A reference that names a field is
//! about the text of that field.

use hyper::body::Bytes;
use tonic::Status;

use super::answer::{encoded, wiped};
use super::messages_discovery::{
    DataSource, GenericSecret, Kind, Resource, SECRET_TYPE, Secret, TlsCertificate, ValidationContext,
};
use super::pem::pem;
use crate::crypto::fields::select;
use crate::crypto::plaintext::Plaintext;
use crate::model::name::FieldName;
use crate::vault::answer::ReadAnswer;

/// The field that holds a certificate chain, PEM, if a value has one beside [`PRIVATE_KEY`].
const CERTIFICATE: &str = "certificate";

/// The field that holds its key.
const PRIVATE_KEY: &str = "private_key";

/// The resource of this name.
///
/// # Errors
/// `INTERNAL` when it cannot be written.
pub(super) fn resource(name: &str, answer: ReadAnswer) -> Result<Resource, Status> {
    let fields = &answer.record.fields;
    let has_pair = answer.field.is_none() && fields.get(CERTIFICATE).is_some() && fields.get(PRIVATE_KEY).is_some();
    let kind = match has_pair.then(|| pair(&answer.value)).flatten() {
        Some(pair) => pair,
        None => by_content(answer.value),
    };
    let secret = Secret { name: name.to_owned(), kind: Some(kind) };
    Ok(Resource { type_url: SECRET_TYPE.to_owned(), value: encoded(&secret)? })
}

fn pair(value: &Plaintext) -> Option<Kind> {
    let field = |name: &str| select(value, &FieldName::parse(name).ok()?).ok();
    Some(certificate(field(CERTIFICATE)?, field(PRIVATE_KEY)?))
}

fn by_content(value: Plaintext) -> Kind {
    match pem(&value) {
        Some(pem) if !pem.certificates.is_empty() && !pem.keys.is_empty() => certificate(pem.certificates, pem.keys),
        Some(pem) if !pem.certificates.is_empty() => {
            Kind::ValidationContext(ValidationContext { trusted_ca: Some(source(pem.certificates)) })
        }
        Some(_) | None => Kind::GenericSecret(GenericSecret { secret: Some(source(value)) }),
    }
}

fn certificate(chain: Plaintext, key: Plaintext) -> Kind {
    Kind::TlsCertificate(TlsCertificate { certificate_chain: Some(source(chain)), private_key: Some(source(key)) })
}

fn source(value: Plaintext) -> DataSource {
    let inline_bytes: Bytes = wiped(value);
    DataSource { inline_bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    fn text(source: Option<DataSource>) -> String {
        String::from_utf8(source.expect("there").inline_bytes.to_vec()).expect("text")
    }

    const CHAIN: &str = "-----BEGIN CERTIFICATE-----\nbGVhZg==\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\na2V5\n-----END PRIVATE KEY-----\n";

    /// What a value is taken for, with its texts.
    fn taken(kind: Kind) -> (&'static str, Vec<String>) {
        match kind {
            Kind::TlsCertificate(both) => ("certificate", vec![text(both.certificate_chain), text(both.private_key)]),
            Kind::ValidationContext(trust) => ("trust", vec![text(trust.trusted_ca)]),
            Kind::GenericSecret(generic) => ("generic", vec![text(generic.secret)]),
        }
    }

    #[test]
    fn pem_with_both_is_a_certificate_with_certificates_alone_whom_to_trust_and_all_else_is_generic() {
        let both = vec![CHAIN.to_owned(), KEY.to_owned()];
        assert_eq!(taken(by_content(plain(&format!("{KEY}{CHAIN}")))), ("certificate", both));
        assert_eq!(taken(by_content(plain(CHAIN))), ("trust", vec![CHAIN.to_owned()]));
        for value in ["not-a-real-key", KEY, "", "{\"certificate\":\"x\"}"] {
            assert_eq!(taken(by_content(plain(value))), ("generic", vec![value.to_owned()]));
        }
    }

    #[test]
    fn the_two_fields_are_a_certificate() {
        let value = plain(&format!("{{\"certificate\":{CHAIN:?},\"private_key\":{KEY:?}}}"));
        let both = vec![CHAIN.to_owned(), KEY.to_owned()];
        assert_eq!(taken(pair(&value).expect("both are there")), ("certificate", both));
        assert!(pair(&plain("{\"certificate\":\"x\"}")).is_none());
    }
}
