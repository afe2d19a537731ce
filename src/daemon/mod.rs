//! Builds every part of a node in order, and takes it down in reverse.

mod assemble;
mod assemble_follower;
mod assemble_lead;
mod audit_parts;
pub mod brought;
mod ceremony;
pub mod command;
mod command_reign;
pub mod config_file;
mod credential;
mod disk;
pub mod doctor;
mod doors;
mod durable;
mod earlier;
mod group;
pub mod hardening;
mod history;
pub mod init;
pub mod join;
mod join_ask;
mod keystore;
pub mod leave;
mod load;
pub mod logging;
mod new_store;
pub mod node;
mod ownership;
mod pending;
mod process_reading;
pub mod promote;
mod providers;
mod reign_blobs;
pub mod reign_report;
mod reign_store;
mod reign_values;
mod reigning;
mod replacing;
pub mod restore;
mod restore_check;
mod restore_standing;
mod restored;
pub mod sealed;
pub mod seams;
pub mod snapshot_offline;
mod snapshot_parts;
pub mod system_clock;
pub mod taken;
#[cfg(feature = "otlp")]
mod traces;
mod unseal;
pub mod up;
mod watchdog;
mod works;

/// The store, in the state directory.
const STORE_FILE: &str = "store.redb";

/// The journal's directory, in the state directory.
const AUDIT_DIR: &str = "audit";
