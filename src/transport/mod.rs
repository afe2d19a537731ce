//! QUIC endpoints whose streams are tied to an authenticated node.
//!
//! Both sides of a member connection show a certificate of the mesh authority and of nobody else; key exchange is
//! X25519MLKEM768 alone; sessions are never resumed, because a resumed session skips the certificate check. Who a peer is
//! comes from its certificate, never from what it says.
//!
//! In TLS 1.3 a client has finished its handshake before the server has judged its certificate: a connection that
//! `connect` returned may still be refused, and the first reply on it is the proof that it was not.

pub mod acceptor;
pub mod authority;
pub mod certificate;
mod clock;
pub mod close;
pub mod connection;
pub mod credentials;
mod dial_queue;
pub mod endpoint;
pub mod error;
pub mod join;
mod limits;
pub mod network;
pub mod node_key;
pub mod provider;
mod socket;
pub mod spiffe;
pub mod stream;
#[cfg(test)]
mod testing;
pub mod tls;
mod verify;
pub mod workload_authority;
