//! Agents act by API keys, on any node, within what was given to them, and no further.

mod hostile;
mod life;
mod limits_of_power;
mod stage;
