//! Pure: what happened, as others read it: names and schemas of events, who is told of them, when again, and the marks by
//! which a receiver knows that it was us.

pub mod dedup;
pub mod retry;
