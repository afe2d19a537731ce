//! One checker for each invariant, as it shows from outside: what clients asked and were told, what nodes show of
//! themselves, and what is on the disk of a machine that is off.

#[path = "../../sim/checks/acknowledged.rs"]
#[expect(dead_code, reason = "no old lead is restored here")]
pub mod acknowledged;
pub mod audited;
pub mod banned;
pub mod entitled;
#[path = "../../sim/checks/follows.rs"]
pub mod follows;
pub mod freshness;
pub mod frozen;
#[path = "../../sim/checks/sample.rs"]
mod sample;
pub mod values;
#[path = "../../sim/checks/versions.rs"]
pub mod versions;

/// What a checker found; the run ends with it.
pub type Found = Result<(), String>;
