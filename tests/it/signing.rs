//! Signed commands: only what an agent signed is taken as its own, once, and only by the lead.

mod commands;
mod keys;
mod stage;
