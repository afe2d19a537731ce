//! Aurora Mesh: an authoritative credential store, honest offline caches, one binary. The map of the rooms is in the README.

pub mod audit;
pub mod config;
pub mod crypto;
pub mod model;
pub mod policy;
pub mod replication;
pub mod wire;
