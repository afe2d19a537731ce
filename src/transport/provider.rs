//! The cryptography under TLS: aws-lc, installed once, and between members with one key exchange only.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};

/// Installs the process-wide provider. To be called before any key or connection is made: two providers in one program
/// would otherwise panic at the first use. A second call does nothing.
pub fn install() {
    if CryptoProvider::get_default().is_none() {
        // Losing a race against another caller leaves the same provider installed.
        drop(default_provider().install_default());
    }
}

/// The provider between members: X25519MLKEM768 and nothing else, so that nobody can talk two nodes down to a key
/// exchange that a later quantum computer breaks.
pub(super) fn mesh() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { kx_groups: vec![kx_group::X25519MLKEM768], ..default_provider() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_know_one_key_exchange() {
        let groups: Vec<_> = mesh().kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(groups, [rustls::NamedGroup::X25519MLKEM768]);
    }

    #[test]
    fn installing_twice_is_harmless() {
        install();
        install();
        assert!(CryptoProvider::get_default().is_some());
    }
}
