//! The one look-up of a call: what it finds is checked, and is what is dialled.
