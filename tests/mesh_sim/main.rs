//! The second level of the simulation: a whole mesh in one process, from one seed. Every node is the real one, put together
//! as `aurora up` does it: actors, store, journal, keys, QUIC and TLS. Only what stands around it is simulated: the network
//! (turmoil, under quinn), the clocks, what a power cut leaves on a disk, and who waits for the disk.
//!
//! The first level (`tests/sim`) runs the pure machines in microseconds and finds what is wrong with decisions. This one
//! takes a second for a few minutes of a mesh, and finds what is wrong between the parts.

mod admission;
mod checks;
mod clock;
mod crew;
mod deeds;
mod disk;
mod events;
mod figures;
mod lies;
mod life;
mod machine;
#[path = "../sim/names.rs"]
#[expect(dead_code, reason = "not all of the cast of the other level plays here")]
mod names;
mod network;
#[path = "../sim/random.rs"]
mod random;
mod rest;
mod seeds;
mod told;
#[path = "../sim/trace.rs"]
mod trace;
mod watch;
mod world;
