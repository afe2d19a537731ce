//! Integration tests: one file per promise.

mod house_rules;
mod override_resolution;
mod replication;
mod support;
