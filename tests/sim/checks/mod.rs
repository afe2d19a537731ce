//! What must hold in every simulated mesh at every moment: one file for each invariant, each with a test that shows it
//! going red. A checker is told what happened and answers with what is wrong with it.

pub mod absence;
pub mod acknowledged;
pub mod canonical;
pub mod convergence;
pub mod entitled;
pub mod follows;
pub mod freshness;
pub mod openable;
pub mod right;
pub mod versions;

#[cfg(test)]
pub mod sample;
