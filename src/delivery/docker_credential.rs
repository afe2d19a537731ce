//! What docker says to a credential helper (`docker-credential-helpers`, protocol of `get` and `list`): a registry in, JSON
//! out.

use serde::Serialize;

use super::host::Host;
use crate::crypto::text::ValueText;
use crate::model::name::{KeyName, NameError, ServiceName};
use crate::model::secret::SecretName;

/// Longest name of a registry that is read, in bytes.
pub const SERVER_BYTES_MAX: usize = 4 << 10;

/// The service whose secrets are the credentials of registries.
pub const SERVICE: &str = "docker";

/// What docker takes for "there is none", word for word: it goes on without a credential.
pub const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user name that says that the secret is an identity token.
pub const IDENTITY_TOKEN_USER: &str = "<token>";

/// The answer of `get`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Credential<'a> {
    /// The registry, as docker wrote it.
    #[serde(rename = "ServerURL")]
    pub server_url: &'a str,
    /// The user.
    pub username: ValueText,
    /// The password or token.
    pub secret: ValueText,
}

/// The registry that docker means: a host with its port, or a URL, of which only the host counts (`docker login` without
/// a name is about `https://index.docker.io/v1/`).
#[must_use]
pub fn registry(server: &str) -> Option<Host> {
    let server = server.trim_end_matches(['\r', '\n']);
    let rest = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://")).unwrap_or(server);
    let host = rest.split_once('/').map_or(rest, |(host, _)| host);
    Host::parse(host).ok().map(|host| host.without(443))
}

/// The secret of a registry: `docker/ghcr.io`, and `docker/127.0.0.1_5000` for one with a port. No host has an underscore,
/// so that no two registries share a secret.
///
/// # Errors
/// [`NameError`] when no secret can be called so: a host that is longer than a name, or an address of IPv6.
pub fn secret_of(registry: &Host) -> Result<SecretName, NameError> {
    let key = registry.to_string().replace(':', "_");
    Ok(SecretName { service: ServiceName::parse(SERVICE)?, key: KeyName::parse(&key)? })
}

/// The registry of a secret.
#[must_use]
pub fn registry_of(key: &str) -> String {
    key.replacen('_', ":", 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::plaintext::Plaintext;

    fn secret(server: &str) -> Option<String> {
        secret_of(&registry(server)?).ok().map(|name| name.to_string())
    }

    #[test]
    fn each_registry_has_a_secret_of_its_own() {
        let table = [
            ("ghcr.io", "docker/ghcr.io"),
            ("GHCR.io\n", "docker/ghcr.io"),
            ("https://index.docker.io/v1/", "docker/index.docker.io"),
            ("127.0.0.1:5000", "docker/127.0.0.1_5000"),
            ("registry-5000.example", "docker/registry-5000.example"),
            ("registry.example:443", "docker/registry.example"),
        ];
        for (server, wanted) in table {
            assert_eq!(secret(server).as_deref(), Some(wanted), "{server}");
        }
        assert_eq!(registry_of("127.0.0.1_5000"), "127.0.0.1:5000");
        for server in ["", "a_b", "user@ghcr.io", "ghcr.io\nevil", "[::1]:5000", "https://", &"a".repeat(65)] {
            assert_eq!(secret(server), None, "{server:?}");
        }
    }

    #[test]
    fn the_answer_has_the_shape_docker_reads() {
        let text = |text: &str| ValueText::from(Plaintext::new(text.as_bytes().to_vec()));
        let credential = Credential { server_url: "ghcr.io", username: text("robot"), secret: text("p\"w") };
        let json = serde_json::to_string(&credential).expect("JSON");
        assert_eq!(json, r#"{"ServerURL":"ghcr.io","Username":"robot","Secret":"p\"w"}"#);
    }
}
