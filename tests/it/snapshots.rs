//! Snapshots are known to restore: what is saved is one moment of the store, what is examined is really restored, and when
//! nothing vouches for the lead any more people are told.

mod calendar;
mod commands;
pub mod forger;
mod hostile;
mod killed;
mod proving;
mod saving;
