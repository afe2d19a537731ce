//! The arguments of `aurora render`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::arguments::Format;
use super::owner::Owner;
use crate::config::duration;

/// What help adds.
pub(super) const RENDER_HELP: &str = "Examples:
  aurora render app.conf.tmpl -o /etc/app/app.conf --owner app -- systemctl reload app
  aurora render app.conf.tmpl -o app.conf --watch -- systemctl reload app
  echo 'password = {{ secret(\"db/password\")|toml }}' | aurora render -

In a template:
  {{ secret(\"hubspot/api_key\") }}            also company=\"acme\", field=\"NAME\", version=N
  {{ field(\"google/oauth\", \"client_id\") }}
  {{ freshness(\"hubspot/api_key\").state }}   lead, fresh or stale; also .age .version .scope .fresh_until
  |json |yaml |toml |shell |url |base64      quote a value for where it lands; |line refuses line breaks";

/// `aurora render TEMPLATE [-o FILE] [-- COMMAND …]`
#[derive(Debug, Args)]
pub struct RenderArguments {
    /// The template; - for standard input
    #[arg(value_name = "TEMPLATE")]
    pub template: PathBuf,
    /// Write into this file, unless it is so already; to standard output if absent
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// The permissions of the file
    #[arg(long, value_name = "MODE", value_parser = mode, default_value = "0600", requires = "output_file")]
    pub mode: u32,
    /// Whose the file becomes
    #[arg(long, value_name = "USER[:GROUP]", value_parser = Owner::parse, requires = "output_file")]
    pub owner: Option<Owner>,
    /// Go on, and write the file anew when a secret that it uses changes
    #[arg(long, requires = "output_file")]
    pub watch: bool,
    /// How long to gather changes before the file is written anew
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1s", requires = "watch")]
    pub debounce: Duration,
    /// What to run each time the file has changed; with --watch once at first as well
    #[arg(last = true, value_name = "COMMAND", requires = "output_file")]
    pub command: Vec<OsString>,
    /// How to print errors. Here -o is the file, as in the tools this replaces
    #[arg(id = "output", long = "output", value_name = "FORMAT", value_enum, hide = true)]
    pub format: Option<Format>,
}

fn mode(text: &str) -> Result<u32, &'static str> {
    let bits = u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o777 && !text.starts_with('+'));
    let bits = bits.ok_or("write the permissions as an octal number, such as 0640")?;
    if bits & 0o002 == 0 { Ok(bits) } else { Err("a file that everybody may write to is no place for a credential") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal_and_never_writable_by_everybody() {
        assert_eq!((mode("0600"), mode("644")), (Ok(0o600), Ok(0o644)));
        for text in ["", "0888", "+600", "4755", "0666", "u=rw", "-1"] {
            assert!(mode(text).is_err(), "{text}");
        }
    }
}
