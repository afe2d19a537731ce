//! What reading and writing promise together.

mod malformed;
mod round_trip;
