//! Tools for AI agents over the Model Context Protocol: what they may use, and why something fails, and never a value.
//!
//! `aurora mcp` speaks the protocol on standard input and output and asks a node on its agent socket, as whoever runs it or
//! with the API key it was given. It has no way to a value: it asks no route that answers with one, and no type of it has a
//! field for one.

mod answers;
mod arguments;
mod connectivity;
mod explained;
mod node;
mod refusal;
pub mod serve;
mod texts;
mod tools;
