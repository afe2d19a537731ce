//! Several slashes in a row are one in the paths of HashiCorp Vault: clients join an address that ends with a slash to a path
//! that begins with one. They are made one before anything else looks at the path, so that guard, routes and refusals all see
//! the same. Everywhere else a path is what it is.

use axum::body::Body;
use axum::http::{Request, Uri};

use super::dialect::Dialect;

/// Makes one slash of several, if what then is there is a path of Vault. A request that is written for a proxy is left as it
/// came: it is refused for that.
pub(super) fn collapse(request: &mut Request<Body>) {
    let uri = request.uri();
    if uri.scheme().is_some() || uri.authority().is_some() || !uri.path().contains("//") {
        return;
    }
    let mut path = String::with_capacity(uri.path().len());
    for character in uri.path().chars() {
        if character != '/' || !path.ends_with('/') {
            path.push(character);
        }
    }
    if Dialect::of(&path) != Dialect::Vault {
        return;
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    if let Ok(collapsed) = path.parse::<Uri>() {
        *request.uri_mut() = collapsed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collapsed(uri: &str) -> String {
        let mut request = Request::builder().uri(uri).body(Body::empty()).expect("a request");
        collapse(&mut request);
        request.uri().to_string()
    }

    #[test]
    fn slashes_in_a_row_are_one_in_the_paths_of_vault_and_the_query_stays() {
        for (sent, seen) in [
            ("//v1/secret/data/crm", "/v1/secret/data/crm"),
            ("///v1//sys///health?standbyok=true", "/v1/sys/health?standbyok=true"),
            ("/v1/secret//metadata//?list=true&x=//", "/v1/secret/metadata/?list=true&x=//"),
            ("/v1/secret/data/crm", "/v1/secret/data/crm"),
            ("/v1//secret/data/%2F%2Fx", "/v1/secret/data/%2F%2Fx"),
        ] {
            assert_eq!(collapsed(sent), seen);
        }
    }

    #[test]
    fn every_other_path_stays_as_it_was_sent() {
        for path in
            ["//api/secrets/a/b", "/api//secrets", "//secretsmanager/get", "/health//", "http://evil.example//v1//x"]
        {
            assert_eq!(collapsed(path), path);
        }
    }
}
