//! The API in the words of OpenAPI 3.1: what is said here of each route, family by family, and the types that it takes and
//! answers. The tests make one document of it and hold `openapi.json` beside the routes against that, so that a node carries
//! a text, and nothing that makes it.
//!
//! [`operation`] is how a route is described, [`words`] what a name means wherever it stands, [`lexicon`] says it there,
//! [`frame`] is what all routes have in common, and [`document`] puts them together.

mod document;
mod frame;
mod lexicon;
mod operation;
mod words;

mod agents;
mod audit;
mod aws;
mod connectivity;
mod events;
mod keys;
mod life;
mod nodes;
mod policy;
mod secrets;
mod state;
mod subscriptions;
mod vault;
