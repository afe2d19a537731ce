//! Outbound HTTPS and mail with a guard: one pinned host, an address that was checked and then dialled, no redirects, no
//! proxies.
//!
//! A credential goes to the host its provider's file names, or nowhere. Whoever can answer for that name in the DNS cannot
//! draw the call to an address inside, and whoever answers the call cannot send it on.

pub mod address;
#[cfg(test)]
mod address_tests;
mod blame;
pub mod call;
pub mod client;
pub mod error;
pub mod mail;
mod mail_stream;
pub mod notice;
mod request;
pub mod resolver;
mod tls;
