//! What the integration tests share: whole meshes, processes, callers, clocks, and waiting without guessing.

pub mod callers;
pub mod clock;
pub mod http;
pub mod mesh;
pub mod process;
pub mod wait;
