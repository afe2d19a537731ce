//! Which credential is to be checked when, what to believe of the answers, and what the nodes see together. Pure: an actor
//! keeps the time and makes the calls.

pub mod allowance;
pub mod best;
pub mod budget;
pub mod changes;
pub mod diagnosis;
pub mod difference;
pub mod elsewhere;
pub mod expiring;
pub mod feed;
pub mod fold;
pub mod health;
pub mod inbox;
pub mod intake;
pub mod lifetimes;
pub mod matrix;
pub mod news;
pub mod outbox;
pub mod own_row;
pub mod schedule;
pub mod seen_by;
pub mod spent;
pub mod subject;
pub mod summary;
pub mod told;

mod belief;
mod flights;
mod key_diagnosis;
mod pace;
#[cfg(test)]
mod schedule_limits_tests;
#[cfg(test)]
mod schedule_model;
#[cfg(test)]
mod schedule_tests;
#[cfg(test)]
mod schedule_world;
mod slot;
#[cfg(test)]
mod testing;
