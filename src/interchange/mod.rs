//! Files of other tools into named values and back: dotenv, JSON, YAML, shell. Pure: the caller reads and writes the
//! files.
//!
//! A file is read whole or refused whole, with the lines that are wrong. Nothing is expanded, guessed or converted: a
//! value is the text that stands in the file, byte for byte, and what is not clearly a text is an error. No error
//! quotes a value.
//!
//! Reading goes in two steps. [`read::read`] gives the entries of a file under the names they have there (and
//! [`fernet::open`] opens their values, where another tool enciphered them); [`naming::plan_names`] finds which secret
//! each of them is. [`write::write`] goes back, in a form that reads to the same names and bytes.

mod dotenv;
pub mod entry;
pub mod error;
pub mod fernet;
mod json;
pub mod name_map;
pub mod naming;
mod quoting;
pub mod read;
mod shape;
pub mod target;
#[cfg(test)]
mod tests;
mod tree;
pub mod write;
mod yaml;
