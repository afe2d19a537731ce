//! The nouns: small validated types every other room speaks. No I/O, no async, no clock.
//!
//! A value of one of these types is proof that its text was checked once, at the edge: the store key, the cache key,
//! the policy check and the audit line all use the same type, so they cannot disagree about a spelling.

pub mod access;
pub mod actions;
pub mod agent;
pub mod api_check;
pub mod api_key;
pub mod article;
pub mod attested;
pub mod caller;
pub mod change;
pub mod channel;
pub mod company;
pub mod connectivity;
pub mod crew;
pub mod entitlement;
pub mod entitlement_history;
pub mod event;
pub mod event_kind;
pub mod fields;
pub mod finding;
pub mod freeze;
pub mod freshness;
pub mod glob;
pub mod grant;
pub mod hex;
pub mod identity;
pub mod log;
pub mod metadata;
pub mod name;
pub mod number;
pub mod patch;
pub mod principal;
pub mod quiet_hours;
pub mod rare;
pub mod reach;
pub mod record;
pub mod reference;
pub mod reign;
pub mod roster;
pub mod secret;
#[cfg(feature = "seeded_bugs")]
pub mod seeded;
pub mod time;
pub mod usage;
pub mod web_address;
