//! Agents act by API keys, on any node, within what was given to them, and no further.

mod command;
mod hostile;
mod life;
mod limits_of_power;
pub mod stage;
