//! The redb file: tables, versioned records, migrations. Everything in it was sealed before it came here.
//!
//! One thread owns the database (`worker`); a [`handle::Store`] sends it work and waits. What waits is committed
//! together, durably, before anybody is answered. After a failed commit nothing is answered any more, because nobody
//! knows what is on the disk: the node must stop and open the file again.

pub mod applied;
mod apply;
pub mod blob;
mod check;
pub mod contents;
mod engine;
pub mod error;
pub mod export;
pub mod facts;
pub mod failpoint;
mod file;
pub mod ground;
pub mod handle;
pub mod import;
mod load;
mod migrations;
#[cfg(test)]
mod migrations_tests;
pub mod mutation;
#[cfg(test)]
mod older_versions;
mod open_tables;
mod overlay;
pub mod reading;
mod rebuild;
mod record;
mod recorded;
pub mod rows;
mod schema;
mod step;
pub mod table;
#[cfg(test)]
mod test_support;
mod worker;
