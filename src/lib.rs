//! Aurora Mesh: an authoritative credential store, honest offline caches, one binary. The map of the rooms is in the README.

pub mod api;
pub mod cli;
pub mod model;
