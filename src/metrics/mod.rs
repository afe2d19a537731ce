//! The numbers a node counts, and their text for Prometheus. No name of a secret, a caller or a company is ever a label.

pub mod numbers;
pub mod readings;
pub mod text;
