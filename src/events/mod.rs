//! Pure: what happened, as others read it: names and schemas of events, who is told of them, when again, and the marks by
//! which a receiver knows that it was us.

pub mod audience;
pub mod envelope;
pub mod facts;
pub mod filter;
pub mod id;
pub mod kept;
pub mod legacy;
pub mod posting;
pub mod schema;
#[cfg(test)]
mod schema_tests;
pub mod standing;
pub mod subject;
