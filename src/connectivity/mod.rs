//! Which credential is to be checked when, what to believe of the answers, and what the nodes see together. Pure: an actor
//! keeps the time and makes the calls.

pub mod budget;
pub mod fold;
pub mod matrix;
pub mod schedule;
pub mod spent;
pub mod subject;
pub mod summary;

mod belief;
mod flights;
mod pace;
mod slot;
