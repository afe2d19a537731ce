//! What happens is told once, to those who may hear of it, also over restarts; and what programs tell reaches the lead.

mod audience;
mod posts;
mod sources;
mod stage;
mod streams;
