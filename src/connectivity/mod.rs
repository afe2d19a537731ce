//! Which credential is to be checked when, what to believe of the answers, and what the nodes see together. Pure: an actor
//! keeps the time and makes the calls.

pub mod changes;
pub mod difference;
pub mod feed;
pub mod inbox;
pub mod intake;
pub mod matrix;
pub mod outbox;
pub mod seen_by;
pub mod subject;
pub mod summary;
#[cfg(test)]
mod testing;
