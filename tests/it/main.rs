//! Integration tests: one file per promise.

mod house_rules;
mod joining;
mod replication;
mod restarts;
mod support;
