//! Integration tests: one file per promise.

mod house_rules;
