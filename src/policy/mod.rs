//! Pure answer to "may this principal do this action on this secret", with the rule that decided.
//!
//! Nothing here reads a clock, a file or a socket. Absence never grants: no grant, an expired grant, an empty set and an
//! unknown caller all end in a refusal, and an explicit deny beats every allow.

pub mod decide;
pub mod error;
pub mod frozen;
pub mod identify;
pub mod rate;
mod reaches;
pub mod rule;
pub mod rulebook;
pub mod signing;
pub mod starting;
