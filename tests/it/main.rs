//! Integration tests: one file per promise.

mod entitlement;
mod freshness_contract;
mod house_rules;
mod override_resolution;
mod replication;
mod service_unit;
mod support;
