//! Pure: the ways in which programs already take their credentials. References, templates, what is masked in a program's
//! output, the protocols of credential helpers, and systemd units.

pub mod mask;
pub mod mask_patterns;
pub mod variables;
