//! What the integration tests share: whole meshes, callers, clocks, intruders, and waiting without guessing.

pub mod callers;
pub mod clock;
pub mod forge;
pub mod intruder;
pub mod log;
pub mod mesh;
pub mod wait;
