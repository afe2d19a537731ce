//! gRPC on a socket of its own: Envoy takes secrets by name and follows their changes, and local programs fetch an X.509
//! identity (SPIFFE).
//!
//! HTTP/2 and the framing of gRPC are bounded before anything is decoded. Each stream acts as the process that opened it, and
//! everything it hands out was read through the vault, with a line in the journal, when it was handed out.

mod activity;
mod answer;
mod authority;
mod connection;
mod discovery;
mod front;
mod identities;
mod messages_discovery;
mod messages_spiffe;
mod pem;
pub mod reception;
mod refusal;
mod resource;
mod subscription;
