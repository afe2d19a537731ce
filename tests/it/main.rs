//! Integration tests: one file per promise.

mod denied_caller;
mod entitlement;
mod freshness_contract;
mod hostile_peer;
mod house_rules;
mod joining;
mod override_resolution;
mod replication;
mod restarts;
mod service_unit;
mod support;
