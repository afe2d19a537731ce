//! The providers: what their credentials are called, how each is checked, and what an answer means.
//!
//! The knowledge is data: one file for each provider in `mesh-config/providers`, compiled into the binary. What is said
//! there is not secret and decides nothing; it only saves people from writing down what everybody knows.

pub mod answer;
#[cfg(test)]
mod answer_tests;
mod embedded;
pub mod error;
pub mod lookup;
mod parse;
mod parse_answer;
mod parse_probe;
#[cfg(test)]
mod parse_tests;
mod parse_url;
pub mod probe;
pub mod provider;
mod section;
mod template;
