//! What the integration tests share: meshes, processes, callers, clocks, intruders, and waiting without guessing.

pub mod authority;
pub mod callers;
pub mod clients;
pub mod clock;
pub mod contract;
pub mod forge;
pub mod grpc;
pub mod http;
pub mod intruder;
pub mod journal;
pub mod log;
pub mod loopback;
pub mod mesh;
pub mod ports;
pub mod process;
pub mod raw;
pub mod snapshot;
pub mod stage;
pub mod theatre;
pub mod tls_server;
pub mod wait;
pub mod watcher;
