//! What the integration tests share: whole meshes, callers, clocks, and waiting without guessing.

pub mod callers;
pub mod clock;
pub mod mesh;
pub mod wait;
