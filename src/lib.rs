//! Aurora Mesh: an authoritative credential store, honest offline caches, one binary. The map of the rooms is in the README.

pub mod actors;
pub mod api;
pub mod audit;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod connectivity;
pub mod crypto;
pub mod daemon;
pub mod discovery;
pub mod egress;
pub mod interchange;
pub mod model;
pub mod policy;
pub mod replication;
pub mod store;
pub mod transport;
pub mod vault;
pub mod wire;
