//! Aurora Mesh: an authoritative credential store, honest offline caches, one binary. The map of the rooms is in the README.

pub mod crypto;
pub mod discovery;
pub mod model;
pub mod transport;
pub mod wire;
