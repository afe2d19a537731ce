//! The providers: what their credentials are called, how each is checked, and what an answer means.
//!
//! The knowledge is data: one file for each provider in `mesh-config/providers`, compiled into the binary. What is said
//! there is not secret and decides nothing; it only saves people from writing down what everybody knows.

mod embedded;
pub mod error;
pub mod lookup;
mod parse;
pub mod probe;
pub mod provider;
mod section;
