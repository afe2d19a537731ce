//! mDNS chatter into untrusted address hints.
//!
//! Anybody on the local network can announce anything. A hint only says where to dial; who answers there is decided by its
//! certificate. What is announced tells strangers no more than that some mesh has a lead here: a hash of the mesh's id, the
//! lead's name, its port.

pub mod advertiser;
pub mod browser;
mod candidates;
pub mod error;
pub mod hint;
mod service;
