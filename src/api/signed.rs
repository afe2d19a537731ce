//! The signature of a command, from its three headers.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request};

use super::digesting::digested;
use crate::model::caller::{Accepted, BodyDigest, ShownSignature, Signing};
use crate::policy::signing::{is_nonce, mac, timestamp};

const TIMESTAMP: &str = "x-aurora-timestamp";
const NONCE: &str = "x-aurora-nonce";
const SIGNATURE: &str = "x-aurora-signature";

/// Takes what a request shows to prove who made it. If it is a signature, the body will be digested while it is read. One
/// header of the three without the others is no signature, and never none: whoever sends it means to sign.
pub(super) fn signing(request: &mut Request<Body>) -> Signing {
    let Some(texts) = texts(request.headers()) else { return Signing::None };
    let (Some(at), Some(nonce), Some(code)) = texts else { return Signing::Malformed };
    let (Some(timestamp), true, Some(mac)) = (timestamp(at), is_nonce(nonce), mac(code)) else {
        return Signing::Malformed;
    };
    let nonce = nonce.to_owned();
    let (method, uri) = (request.method().to_string(), request.uri());
    let target = uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string);
    let body = BodyDigest::default();
    let undigested = std::mem::take(request.body_mut());
    *request.body_mut() = digested(undigested, body.clone());
    let accepted = Accepted::default();
    Signing::Signed(Arc::new(ShownSignature { method, target, timestamp, nonce, mac, body, accepted }))
}

type Texts<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

/// The three texts; `None` when none of the headers is there.
fn texts(headers: &HeaderMap) -> Option<Texts<'_>> {
    let is_there = [TIMESTAMP, NONCE, SIGNATURE].iter().any(|name| headers.contains_key(*name));
    is_there.then(|| (one(headers, TIMESTAMP), one(headers, NONCE), one(headers, SIGNATURE)))
}

/// The text of a header that is there once.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.to_str().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::sha256;
    use crate::policy::signing;

    const GOOD: [(&str, &str); 2] = [(TIMESTAMP, "1795248000"), (NONCE, "3f2a0c81b7d94e65")];

    fn shown(headers: &[(&str, &str)]) -> Signing {
        let mut request = Request::builder().method("DELETE").uri("/api/secrets/a/b?scope=global&x=%2F");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        signing(&mut request.body(Body::empty()).expect("a request"))
    }

    #[test]
    fn three_headers_are_a_signature_over_the_request_as_it_was_sent() {
        let code = signing::shown(&[7; 32]);
        let Signing::Signed(signature) = shown(&[GOOD[0], GOOD[1], (SIGNATURE, &code)]) else { panic!("a signature") };
        assert_eq!((signature.method.as_str(), signature.timestamp), ("DELETE", 1_795_248_000));
        assert_eq!(signature.target, "/api/secrets/a/b?scope=global&x=%2F");
        assert_eq!((signature.nonce.as_str(), signature.mac), ("3f2a0c81b7d94e65", [7; 32]));
        assert_eq!(signature.body.get(), Some(sha256(b"")));
    }

    #[test]
    fn a_part_of_a_signature_is_none_and_never_the_absence_of_one() {
        let code = signing::shown(&[7; 32]);
        assert!(matches!(shown(&[]), Signing::None));
        for headers in [
            vec![GOOD[0]],
            vec![GOOD[0], GOOD[1]],
            vec![(SIGNATURE, code.as_str())],
            vec![GOOD[0], GOOD[0], GOOD[1], (SIGNATURE, &code)],
            vec![GOOD[0], (NONCE, "short"), (SIGNATURE, &code)],
            vec![(TIMESTAMP, "now"), GOOD[1], (SIGNATURE, &code)],
            vec![GOOD[0], GOOD[1], (SIGNATURE, "v2=00")],
        ] {
            assert!(matches!(shown(&headers), Signing::Malformed), "{headers:?}");
        }
    }
}
