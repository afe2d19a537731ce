//! Integration tests: one file per promise.

mod house_rules;
mod replication;
mod support;
