//! The deterministic simulation: meshes of the pure machines from one seed, with a checker for each invariant, and checkers
//! of recorded histories.
//!
//! The machines are those that run: the lead's batches (`actors/batch.rs`), everything in `replication`, the decisions of
//! `policy`, and the sealing. Around them are small actors of this test, put together as the real ones are, a network whose
//! connections break anywhere, disks that lose what was not synchronised, and clocks that are set. There are no sockets, no
//! threads and no waiting, so a mesh takes a fraction of a millisecond.

mod checks;
mod clock;
mod disk;
mod disk_reads;
mod events;
mod faults;
mod follower;
mod ghosts;
mod history;
mod lead;
mod names;
mod random;
mod read;
mod rest;
mod rules;
mod seeds;
mod session;
mod shrink;
mod trace;
mod world;
mod world_lead;
mod world_nodes;
