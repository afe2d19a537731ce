//! A TOML file into validated options, or the complete list of its problems.
//!
//! Pure: the caller reads the file and hands in its text and a look-up for environment variables. One start tells every
//! problem, each with the key, what is wrong and what would be right; an unknown key is a problem, because a misspelt
//! option that is ignored looks like one that works.

pub mod duration;
pub mod error;
pub mod node_config;
pub mod parse;
mod parse_audit;
mod parse_notify;
mod parse_rules;
mod parse_snapshot;
pub mod paths;
pub mod render;
mod render_notify;
mod section;
