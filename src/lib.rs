//! Aurora Mesh: an authoritative credential store, honest offline caches, one binary. The map of the rooms is in the README.

pub mod actors;
pub mod api;
pub mod audit;
pub mod callers;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod connectivity;
pub mod crypto;
pub mod daemon;
pub mod delivery;
pub mod discovery;
pub mod egress;
pub mod events;
pub mod interchange;
pub mod mcp;
pub mod metrics;
pub mod model;
pub mod policy;
pub mod replication;
pub mod store;
pub mod transport;
pub mod units;
pub mod vault;
pub mod wire;
pub mod workload;
