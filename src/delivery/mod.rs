//! Pure: the ways in which programs already take their credentials. References, templates, what is masked in a program's
//! output, the protocols of credential helpers, and systemd units.

pub mod agent_unit;
pub mod answer;
pub mod aws_process;
pub mod credential_id;
pub mod docker_credential;
pub mod git_credential;
pub mod git_hosts;
pub mod host;
pub mod login;
pub mod mask;
pub mod mask_patterns;
pub mod quoting;
pub mod template;
mod template_depth;
pub mod template_error;
mod template_text;
mod template_value;
pub mod unit_file;
pub mod unit_grant;
pub mod unit_words;
pub mod variables;
