//! Integration tests: one file per promise.

mod hostile_peer;
mod house_rules;
mod joining;
mod replication;
mod restarts;
mod support;
