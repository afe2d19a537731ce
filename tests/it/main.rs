//! Integration tests: one file per promise.

mod command_line;
mod denied_caller;
mod destroying;
mod dev_command;
mod entitlement;
mod environments;
mod freshness_contract;
mod hostile_peer;
mod house_rules;
mod import_and_export;
mod joining;
mod kill_nine;
mod life_of_a_secret;
mod no_plaintext_anywhere;
mod override_resolution;
mod replication;
mod restarts;
mod sealed_node;
mod searching;
mod secret_life;
mod service_unit;
mod socket_api;
mod support;
