//! `aurora render` makes a file from a template whole or not at all, and shows no value anywhere else.

mod files;
mod refusals;
mod watch;
