//! Whose a file becomes: names of this machine, or numbers.

use std::fs::File;
use std::io::Read;

/// Largest file of names that is read, in bytes: a hundred thousand users.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// `USER`, or `USER:GROUP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: u32,
    /// The group; as it is if none was named.
    pub group: Option<u32>,
}

/// Why a text names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {kind} {name:?} in {file}; a number is taken as it is")]
pub struct OwnerError {
    kind: &'static str,
    name: String,
    file: &'static str,
}

impl Owner {
    /// Reads `www-data`, `www-data:adm` or `33:4`. No name service is asked.
    ///
    /// # Errors
    /// [`OwnerError`] names who is not known.
    pub fn parse(text: &str) -> Result<Self, OwnerError> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let user = number(user, "user", "/etc/passwd")?;
        Ok(Self { user, group: group.map(|group| number(group, "group", "/etc/group")).transpose()? })
    }
}

fn number(name: &str, kind: &'static str, file: &'static str) -> Result<u32, OwnerError> {
    // The largest number means "as it is" to the kernel.
    let plain = name.parse().ok().filter(|number| *number != u32::MAX && !name.starts_with('+'));
    let unknown = || OwnerError { kind, name: name.chars().take(64).collect(), file };
    plain.or_else(|| listed(&contents(file)?, name)).ok_or_else(unknown)
}

fn contents(file: &str) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(file).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Of both files the first part of a line is the name and the third the number (passwd(5), group(5)).
fn listed(lines: &str, name: &str) -> Option<u32> {
    let mut found = lines
        .lines()
        .map(|line| line.split(':'))
        .filter_map(|mut parts| if parts.next() == Some(name) { parts.nth(1)?.parse().ok() } else { None });
    found.next().filter(|_| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read_and_nobody_is_guessed() {
        assert_eq!(Owner::parse("root:root"), Ok(Owner { user: 0, group: Some(0) }));
        assert_eq!(Owner::parse("1234"), Ok(Owner { user: 1234, group: None }));
        for text in ["", "no-such-user", "0:", "root:no-such-group", "4294967295", "+1", "-1"] {
            assert!(Owner::parse(text).is_err(), "{text}");
        }
        assert_eq!(listed("a:x:7:8\nb:x:9\n", "b"), Some(9));
        assert_eq!(listed("::7\nc\n", ""), None);
    }
}
