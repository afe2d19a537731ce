//! Pure answer to "may this principal do this action on this secret", with the rule that decided.
//!
//! Nothing here reads a clock, a file or a socket. Absence never grants: no grant, an expired grant, an empty set and an
//! unknown caller all end in a refusal, and an explicit deny beats every allow.

pub mod access;
pub mod access_grant;
pub mod decide;
pub mod error;
pub mod file;
mod file_entries;
pub mod file_error;
mod file_section;
#[cfg(test)]
mod file_tests;
pub mod frozen;
pub mod identify;
pub mod plan;
pub mod plan_fields;
pub mod rate;
mod reaches;
#[cfg(test)]
mod reference;
pub mod replay;
pub mod rule;
pub mod rulebook;
mod shelf;
pub mod signing;
pub mod starting;
