//! Pure state machines of replication: what the lead sends, what a follower accepts, how fresh a cache is, who is
//! alive, what a watcher is told.
//!
//! Nothing here reads a clock, a socket or a random source: time comes in as an argument and decisions go out as values.

pub mod acceptance;
pub mod articles;
pub mod back;
pub mod backoff;
#[cfg(test)]
mod convergence;
#[cfg(test)]
mod convergence_peer;
pub mod exposure;
pub mod feed;
pub mod freshness;
pub mod history;
pub mod holding;
pub mod lingering;
pub mod liveness;
pub mod promise;
pub mod reign;
pub mod reign_members;
pub mod rules_acceptance;
#[cfg(test)]
mod rules_convergence;
pub mod rules_feed;
#[cfg(test)]
mod rules_feed_tests;
pub mod sealed_by;
pub mod sent_keys;
pub mod succession;
pub mod tally;
pub mod view;
pub mod watch;
#[cfg(test)]
mod watch_model;
