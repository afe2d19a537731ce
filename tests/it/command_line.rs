//! The command line keeps what the API page says: exit codes, what is printed where, and what is never an argument.

mod admin;
mod daemon;
mod exit_codes;
mod output;
mod values;
mod variables;
