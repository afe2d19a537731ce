//! The hash-chained journal: one append-only JSON Lines file a month, each line holding the SHA-256 of the line before.
//!
//! A line is written before the answer it stands for leaves the process. A journal that cannot be written says so within a
//! second and goes on by itself once it can; it never hangs a caller, and an I/O error is never read as an empty journal.
//! What a chain in one place cannot show is a missing end: whoever knows the head hands it to [`verify::verify_to`].

pub mod copies;
pub mod decisions;
pub mod entry;
pub mod error;
mod files;
pub mod follow;
pub mod head;
mod index;
mod index_build;
mod index_layout;
pub mod journal;
mod line;
mod lines;
mod members;
mod pieces;
pub mod query;
pub mod reads;
pub mod recovery;
#[cfg(test)]
mod sample;
pub mod search;
#[cfg(test)]
mod search_tests;
pub mod selection;
mod sink;
pub mod tail;
pub mod verify;
mod writer;
