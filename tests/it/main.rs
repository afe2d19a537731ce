//! Integration tests: one file per promise.

mod replication;
mod support;
