//! Integration tests: one file per promise.

mod house_rules;
mod replication;
mod service_unit;
mod support;
