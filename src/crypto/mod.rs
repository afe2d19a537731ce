//! The only place that turns plaintext into a sealed record and back.
//!
//! Everything sealed is bound by associated data to where it belongs, so that bytes moved elsewhere do not open. Keys
//! live in locked, wiped memory; plaintext exists only as [`plaintext::Plaintext`].

pub mod api_key;
mod armour;
pub mod assertion;
mod binding;
pub mod chunks;
pub mod digest;
mod draw;
mod envelope;
pub mod error;
pub mod fernet;
pub mod fields;
pub mod fields_object;
pub mod gathering;
pub mod join_token;
pub mod key_ring;
pub mod locked;
pub mod passphrase;
pub mod plaintext;
pub mod record;
pub mod recovery;
pub mod root;
pub mod same;
pub mod scope_key;
pub mod sealing;
pub mod shares;
pub mod signature;
#[cfg(test)]
pub mod signature_testing;
pub mod signing;
pub mod signing_keys;
pub mod succession;
pub mod system_entropy;
#[cfg(test)]
mod test_support;
pub mod text;
pub mod text_map;
pub mod unseal;
pub mod webhook;
pub mod written;
