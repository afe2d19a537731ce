//! What is written in a journal cannot go missing unseen: lines reach the lead in order and once, and who has a seal can tell.

mod forwarding;
mod hostile;
pub mod journals;
pub mod tampering;
mod witness;
