//! Who comes to a local socket, in the kernel's words, and how many may.
//!
//! A connection to a Unix socket passes [`sockets`] (modes of the directory and the sockets) · [`gate`] (accept) · [`attest`] (the kernel's
//! word on who connected) · [`seats`] (limits), and reaches the room that speaks its protocol as a [`peer::Peer`] with a
//! seat. Not a byte of it has been read by then. Whoever comes to [`loopback`] is nobody by the
//! kernel's word.

pub mod attest;
pub mod error;
pub mod gate;
pub mod loopback;
pub mod peer;
pub mod seats;
pub mod sockets;

mod digest;
mod names;
mod process;
mod program;
mod unit;
