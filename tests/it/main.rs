//! Integration tests: one file per promise.

mod command_line;
mod house_rules;
mod replication;
mod socket_api;
mod support;
