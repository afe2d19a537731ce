//! Pure: the ways in which programs already take their credentials. References, templates, what is masked in a program's
//! output, the protocols of credential helpers, and systemd units.

pub mod agent_unit;
pub mod credential_id;
pub mod unit_file;
pub mod unit_grant;
pub mod unit_words;
