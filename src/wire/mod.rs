//! Peer messages to bytes and back: versions, frame numbers, limits. No sockets and no clock.
//!
//! A frame is a length (u32, big-endian), a format byte, a frame number (u16, big-endian) and a body in bincode. Frame
//! numbers are written out, unique over all streams, and never reused. The wire structs hold plain types; each is turned
//! into the nouns of `model` by hand, and every name is checked again on the way.

#[macro_use]
mod code;
#[macro_use]
pub mod frame;
pub mod access;
pub mod api_check;
mod api_codes;
pub mod article;
mod article_agent;
#[cfg(test)]
mod article_tests;
pub mod audit;
pub mod connectivity;
pub mod control;
pub mod entitlement;
pub mod error;
pub mod event;
pub mod join;
pub mod open;
mod reach;
pub mod record;
pub mod request;
pub mod rules;
pub mod secret;
pub mod subscription;
pub mod succession;
pub mod tally;
#[cfg(test)]
mod testing;
pub mod version;
