//! Why a call failed, found in what the HTTP library says.
//!
//! Its own texts may hold the address of a request, and those of TLS the words of the other end. So no text of theirs is
//! passed on: only kinds are read, and said in words of this room or of the standard library.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter::successors;

use rustls::CertificateError;

use super::error::EgressError;
use super::resolver::NoAddress;

/// What became of a call to this host.
pub(super) fn blame(host: &str, error: &reqwest::Error) -> EgressError {
    let host = host.to_owned();
    if let Some(none) = find::<NoAddress>(error) {
        return match none.clone() {
            NoAddress::Unknown(reason) => EgressError::Dns { host, reason },
            NoAddress::Forbidden { address, kind } => EgressError::Forbidden { host, address, kind },
        };
    }
    if error.is_builder() {
        return EgressError::Unsendable { host, part: "path" };
    }
    if !error.is_connect() {
        return EgressError::Broken { host, reason: broken(error) };
    }
    if let Some(error) = find::<rustls::Error>(error) {
        return EgressError::Tls { host, reason: untrusted(error).to_owned() };
    }
    match find::<io::Error>(error) {
        Some(error) if is_of_connecting(error) => EgressError::Connect { host, reason: error.kind().to_string() },
        Some(_) | None => {
            EgressError::Tls { host, reason: "the connection ended before it could prove anything".to_owned() }
        }
    }
}

/// Whether the system refused a connection, and not what came over one. A connection that ends while it is being secured
/// ends without a word of the system, or is reset.
fn is_of_connecting(error: &io::Error) -> bool {
    let ended = [ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted, ErrorKind::BrokenPipe];
    error.raw_os_error().is_some() && !ended.contains(&error.kind())
}

fn broken(error: &reqwest::Error) -> String {
    match find::<io::Error>(error) {
        Some(error) => error.kind().to_string(),
        None => "the connection ended, or what came is not HTTP".to_owned(),
    }
}

/// What was wrong with the proof, as a person can act on it.
pub(super) fn untrusted(error: &rustls::Error) -> &'static str {
    let rustls::Error::InvalidCertificate(error) = error else {
        return "no secure connection was agreed on";
    };
    if matches!(error, CertificateError::Expired | CertificateError::ExpiredContext { .. }) {
        return "its certificate has expired";
    }
    if matches!(error, CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) {
        return "its certificate is not valid yet";
    }
    if matches!(error, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) {
        return "its certificate is for another name";
    }
    // One that an unknown authority signed under the name of a known one has a bad signature.
    if matches!(error, CertificateError::UnknownIssuer | CertificateError::BadSignature) {
        return "its certificate is of an authority that is not trusted here";
    }
    "its certificate is not accepted"
}

/// The first error of this type in the chain. An I/O error hides the one it was made of from the chain.
fn find<'error, E: Error + 'static>(error: &'error (dyn Error + 'static)) -> Option<&'error E> {
    successors(Some(error), |error| inner(*error)).find_map(|error| error.downcast_ref::<E>())
}

fn inner<'error>(error: &'error (dyn Error + 'static)) -> Option<&'error (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inside) => Some(inside),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_inside_an_io_error_is_found() {
        let inner = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let outer = io::Error::other(io::Error::new(ErrorKind::InvalidData, inner));
        let found = find::<rustls::Error>(&outer).expect("inside");
        assert_eq!(untrusted(found), "its certificate is of an authority that is not trusted here");
        assert!(find::<NoAddress>(&outer).is_none());
    }

    #[test]
    fn a_refused_connection_is_told_from_one_that_ends() {
        assert!(is_of_connecting(&io::Error::from_raw_os_error(111)), "refused");
        assert!(is_of_connecting(&io::Error::from_raw_os_error(113)), "no route");
        assert!(!is_of_connecting(&io::Error::from_raw_os_error(104)), "reset");
        assert!(!is_of_connecting(&io::Error::new(ErrorKind::UnexpectedEof, "tls handshake eof")));
    }

    #[test]
    fn the_words_of_the_other_end_are_not_passed_on() {
        let error = rustls::Error::InvalidCertificate(CertificateError::Other(rustls::OtherError(
            std::sync::Arc::new(io::Error::other("sk-test")),
        )));
        assert!(!untrusted(&error).contains("sk-test"));
        assert!(!untrusted(&rustls::Error::General("sk-test".to_owned())).contains("sk-test"));
    }
}
