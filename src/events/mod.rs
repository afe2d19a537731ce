//! Pure: what happened, as others read it: names and schemas of events, who is told of them, when again, and the marks by
//! which a receiver knows that it was us.

pub mod audience;
pub mod dedup;
pub mod envelope;
pub mod facts;
pub mod filter;
pub mod id;
pub mod kept;
pub mod legacy;
pub mod messages;
pub mod parcel;
pub mod posting;
pub mod retry;
pub mod route;
pub mod rules;
pub mod schema;
#[cfg(test)]
mod schema_tests;
pub mod standing;
pub mod subject;
pub mod subscription;
