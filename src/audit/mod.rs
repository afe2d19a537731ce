//! The hash-chained journal: append-only JSON Lines in files of a month or less, closed ones packed, each line holding the
//! SHA-256 of the line before.
//!
//! A line is written before the answer it stands for leaves the process. A journal that cannot be written says so within a
//! second and goes on by itself once it can; it never hangs a caller, and an I/O error is never read as an empty journal.
//! What a chain in one place cannot show is a missing end: whoever knows the head hands it to [`verify::verify_to`].

pub mod copies;
pub mod copy;
pub mod cursor;
pub mod decisions;
pub mod entry;
pub mod error;
mod files;
pub mod follow;
pub mod gap;
pub mod head;
pub mod heads;
mod index;
mod index_build;
mod index_layout;
pub mod intake;
pub mod journal;
#[cfg(test)]
mod life_tests;
pub mod line;
mod lines;
mod members;
pub mod options;
mod owed;
pub mod pack;
mod pieces;
pub mod proof;
pub mod proof_file;
pub mod query;
pub mod reads;
pub mod receiving;
#[cfg(test)]
mod receiving_tests;
pub mod recovery;
pub mod retire;
pub mod room;
#[cfg(test)]
mod sample;
pub mod seal;
#[cfg(test)]
mod seal_sample;
pub mod seal_text;
pub mod search;
#[cfg(test)]
mod search_tests;
pub mod selection;
mod sink;
mod spool;
mod syncer;
pub mod tail;
pub mod tombstone;
mod tombstones;
pub mod upkeep;
pub mod verify;
mod writer;
