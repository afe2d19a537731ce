//! Credentials for systemd units: `LoadCredential=NAME:/run/aurora/credentials.sock`, one connection for each at every start.
//!
//! A connection says which unit and which credential it is about, in an address that anybody may bind. It is believed of
//! root alone, and only of a process in the cgroup of that very unit; then the unit is asked about like every caller.
//!
//! systemd takes a connection that is closed for an empty value, and starts the unit with it. So nothing is refused here by
//! closing: a refusal is a text longer than any credential may be, on which the start fails (exit code 243).

pub mod reception;

mod answer;
mod give;
mod peer_name;
