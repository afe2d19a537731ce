//! The namespace of a client of HashiCorp Vault is a company here: `X-Vault-Namespace: acme` says what `X-Company-Id: acme`
//! says. It is turned into that before anything else looks at the request, so that nothing has to know both.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request};

use super::context::COMPANY;
use super::dialect::Dialect;

const X_VAULT_NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");

const X_COMPANY_ID: HeaderName = HeaderName::from_static(COMPANY);

/// The namespace of those who name none.
const ROOT: &[u8] = b"root";

/// Takes the namespace out of a request in Vault's words. One that is not the company named besides makes two companies of
/// them, which is refused like a header that is there twice.
pub(super) fn adopt(request: &mut Request<Body>) {
    if Dialect::of(request.uri().path()) != Dialect::Vault {
        return;
    }
    let namespaces: Vec<HeaderValue> = request.headers().get_all(&X_VAULT_NAMESPACE).iter().cloned().collect();
    request.headers_mut().remove(&X_VAULT_NAMESPACE);
    for namespace in namespaces {
        let name = trimmed(namespace.as_bytes());
        let same = |company: &HeaderValue| company.as_bytes() == name;
        let known = request.headers().get_all(&X_COMPANY_ID).iter().any(same);
        if name.is_empty() || name == ROOT || known {
            continue;
        }
        if let Ok(company) = HeaderValue::from_bytes(name) {
            request.headers_mut().append(X_COMPANY_ID, company);
        }
    }
}

/// Without the slashes that Vault takes before and after a namespace.
fn trimmed(mut name: &[u8]) -> &[u8] {
    while let Some(rest) = name.strip_prefix(b"/") {
        name = rest;
    }
    while let Some(rest) = name.strip_suffix(b"/") {
        name = rest;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn companies(path: &str, headers: &[(&str, &str)]) -> Vec<String> {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).expect("a request");
        adopt(&mut request);
        let companies = request.headers().get_all(COMPANY).iter();
        companies.map(|company| company.to_str().expect("text").to_owned()).collect()
    }

    #[test]
    fn a_namespace_is_a_company_in_the_paths_of_vault_alone() {
        let namespace = ("x-vault-namespace", "/acme/");
        assert_eq!(companies("/v1/secret/data/crm", &[namespace]), ["acme"]);
        assert!(companies("/api/secrets/crm/key", &[namespace]).is_empty());
        assert_eq!(companies("/v1/secret/data/crm", &[namespace, ("x-company-id", "acme")]), ["acme"]);
        for none in ["", "/", "root"] {
            assert!(companies("/v1/secret/data/crm", &[("x-vault-namespace", none)]).is_empty(), "{none}");
        }
    }

    #[test]
    fn two_companies_stay_two_and_are_refused_where_they_are_read() {
        let two = [("x-vault-namespace", "acme"), ("x-company-id", "other")];
        assert_eq!(companies("/v1/secret/data/crm", &two), ["other", "acme"]);
        let twice = [("x-vault-namespace", "acme"), ("x-vault-namespace", "other")];
        assert_eq!(companies("/v1/secret/data/crm", &twice), ["acme", "other"]);
    }
}
