//! Integration tests: one file per promise.

mod command_line;
mod dev_command;
mod house_rules;
mod kill_nine;
mod no_plaintext_anywhere;
mod replication;
mod socket_api;
mod support;
