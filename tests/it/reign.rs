//! One lead at a time, and time that only goes forward: whatever a lead is made of, nobody sees an older value than before, and
//! nobody who was shut out comes back. A lead whose reign is over learns it from its followers.

mod going_back;
mod killed;
mod odd_stores;
mod promoting;
mod restoring;
pub mod stage;
mod stepping_down;
