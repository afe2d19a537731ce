//! What a caller is after identification: the only thing a grant can name.

use std::fmt;
use std::sync::Arc;

use super::name::{AgentName, LocalName, NameError, NodeName};

/// Longest path of a program that a principal may name, in bytes: that of the kernel (`PATH_MAX`, limits.h).
pub const PATH_BYTES_MAX: usize = 4096;

/// Longest name of a unit, in bytes: that of systemd.unit(5), twice, because a user's unit stands behind its manager's.
pub const UNIT_BYTES_MAX: usize = 512;

/// Separates the path of a program from the digest that it must have.
const DIGEST_MARK: &str = "@sha256:";

/// One thing a caller was proved to be. A caller usually is several at once: a user, and some groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A local user id.
    User(u32),
    /// A local user, by the name the machine has for it.
    UserNamed(LocalName),
    /// A local group id.
    Group(u32),
    /// A local group, by the name the machine has for it.
    GroupNamed(LocalName),
    /// A systemd unit, by the name of its cgroup.
    Unit(UnitName),
    /// A program.
    Executable(Executable),
    /// An agent, by the API key it showed.
    Agent(AgentName),
    /// Another node, by its certificate.
    Node(NodeName),
    /// Whoever runs the node: its own user.
    Owner,
    /// The members of the group that may open the agent socket.
    SocketGroup,
    /// The owner of this node, through the admin door.
    Admin,
}

/// A systemd unit: `backend.service`, or `user@1000.service/agent.service` for a unit of a user's own manager.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName(Arc<str>);

/// A program: its absolute path, and the digest of its bytes if it must have one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Executable {
    /// Absolute, without `.` and `..`.
    path: Arc<str>,
    /// SHA-256 of the file.
    sha256: Option<[u8; 32]>,
}

/// Why a text is no principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalError {
    /// The word before the colon is none of ours.
    #[error(
        "{0:?} is not a principal: write user:NAME, group:NAME, unit:NAME.service, exe:/PATH, agent:NAME, node:NAME, owner, socket-group or admin"
    )]
    Unknown(String),
    /// The name after it is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No unit of systemd.
    #[error("{0:?} is not a unit: write NAME.service or NAME.scope, or user@UID.service/NAME.service for a user's own")]
    Unit(String),
    /// No program.
    #[error(
        "{0:?} is not a program: write an absolute path of plain characters without blanks, . and .., then @sha256: and 64 digits if it must be that file"
    )]
    Executable(String),
}

impl UnitName {
    /// Reads the name of a unit.
    ///
    /// # Errors
    /// [`PrincipalError::Unit`].
    pub fn parse(text: &str) -> Result<Self, PrincipalError> {
        let parts: Vec<&str> = text.split('/').collect();
        let of_user = parts.first().is_some_and(|manager| manager.starts_with("user@"));
        let counted = if of_user { parts.len() <= 2 } else { parts.len() == 1 };
        if counted && text.len() <= UNIT_BYTES_MAX && parts.iter().all(|part| is_unit(part)) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(PrincipalError::Unit(shortened(text)))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The alphabet of systemd.unit(5), and the two kinds of unit that hold processes of their own.
fn is_unit(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    let stem = text.strip_suffix(".service").or_else(|| text.strip_suffix(".scope"));
    stem.is_some_and(|stem| !stem.is_empty()) && text.bytes().all(plain)
}

impl Executable {
    /// A program by its path and, if it is known, its digest.
    ///
    /// # Errors
    /// [`PrincipalError::Executable`] when the path is not absolute and plain. A blank in it would read as the end of one
    /// principal and the start of another wherever a caller's are written beside each other, as in the audit.
    pub fn new(path: &str, sha256: Option<[u8; 32]>) -> Result<Self, PrincipalError> {
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        let parts = path.strip_prefix('/').map(|rest| rest.split('/').all(plain));
        let printable = path.bytes().all(|byte| byte.is_ascii_graphic()) && !path.contains(DIGEST_MARK);
        if parts == Some(true) && printable && path.len() <= PATH_BYTES_MAX {
            Ok(Self { path: Arc::from(path), sha256 })
        } else {
            Err(PrincipalError::Executable(shortened(path)))
        }
    }

    /// Reads `/PATH` or `/PATH@sha256:DIGEST`.
    ///
    /// # Errors
    /// [`PrincipalError::Executable`].
    pub fn parse(text: &str) -> Result<Self, PrincipalError> {
        let Some((path, digest)) = text.split_once(DIGEST_MARK) else { return Self::new(text, None) };
        let digest = digest_of(digest).ok_or_else(|| PrincipalError::Executable(shortened(text)))?;
        Self::new(path, Some(digest))
    }

    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The digest it must have, or has.
    #[must_use]
    pub fn sha256(&self) -> Option<&[u8; 32]> {
        self.sha256.as_ref()
    }

    /// The same program, whatever its bytes.
    #[must_use]
    pub fn without_digest(&self) -> Self {
        Self { path: self.path.clone(), sha256: None }
    }
}

fn digest_of(text: &str) -> Option<[u8; 32]> {
    let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 64 || !text.bytes().all(plain) {
        return None;
    }
    let mut digest = [0_u8; 32];
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

impl Principal {
    /// Reads the form of grants and audit lines. A number is the id of a user or group, anything else its name.
    ///
    /// # Errors
    /// [`PrincipalError`] says what would be right.
    pub fn parse(text: &str) -> Result<Self, PrincipalError> {
        match text.split_once(':') {
            None if text == "owner" => Ok(Self::Owner),
            None if text == "socket-group" => Ok(Self::SocketGroup),
            None if text == "admin" => Ok(Self::Admin),
            Some(("user", name)) => match id_of(name) {
                Some(id) => Ok(Self::User(id)),
                None => Ok(Self::UserNamed(LocalName::parse(name)?)),
            },
            Some(("group", name)) => match id_of(name) {
                Some(id) => Ok(Self::Group(id)),
                None => Ok(Self::GroupNamed(LocalName::parse(name)?)),
            },
            Some(("unit", name)) => Ok(Self::Unit(UnitName::parse(name)?)),
            Some(("exe", path)) => Ok(Self::Executable(Executable::parse(path)?)),
            Some(("agent", name)) => Ok(Self::Agent(AgentName::parse(name)?)),
            Some(("node", name)) => Ok(Self::Node(NodeName::parse(name)?)),
            Some(_) | None => Err(PrincipalError::Unknown(shortened(text))),
        }
    }

    /// The agent, if it is one.
    #[must_use]
    pub fn agent(&self) -> Option<&AgentName> {
        if let Self::Agent(name) = self { Some(name) } else { None }
    }
}

/// An id in its one spelling: `007` and `+7` are none.
fn id_of(text: &str) -> Option<u32> {
    text.parse::<u32>().ok().filter(|id| id.to_string() == text)
}

impl fmt::Display for UnitName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Display for Executable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)?;
        let Some(digest) = &self.sha256 else { return Ok(()) };
        formatter.write_str(DIGEST_MARK)?;
        digest.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// `user:1000`, `admin`: the form of grants and audit lines.
impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(uid) => write!(formatter, "user:{uid}"),
            Self::UserNamed(name) => write!(formatter, "user:{name}"),
            Self::Group(gid) => write!(formatter, "group:{gid}"),
            Self::GroupNamed(name) => write!(formatter, "group:{name}"),
            Self::Unit(unit) => write!(formatter, "unit:{unit}"),
            Self::Executable(program) => write!(formatter, "exe:{program}"),
            Self::Agent(name) => write!(formatter, "agent:{name}"),
            Self::Node(name) => write!(formatter, "node:{name}"),
            Self::Owner => formatter.write_str("owner"),
            Self::SocketGroup => formatter.write_str("socket-group"),
            Self::Admin => formatter.write_str("admin"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn every_principal_reads_back_as_it_is_written() {
        let exe = format!("exe:/usr/bin/python3@sha256:{DIGEST}");
        let texts = [
            "user:1000",
            "user:alice",
            "group:0",
            "group:aurora",
            "unit:backend.service",
            "unit:session-3.scope",
            "unit:user@1000.service/agent.service",
            "exe:/usr/bin/python3",
            &exe,
            "agent:openclaw",
            "node:vengeance",
            "owner",
            "socket-group",
            "admin",
        ];
        for text in texts {
            assert_eq!(Principal::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let long = format!("exe:/{}", "a".repeat(PATH_BYTES_MAX));
        let texts = [
            "",
            "user",
            "user:",
            "user:+1",
            "user:007",
            "user:a b",
            "user:\0",
            "group:4294967296",
            "unit:backend",
            "unit:.service",
            "unit:a/b.service",
            "unit:user@1.service/a.service/b.service",
            "unit:a\n.service",
            "exe:python3",
            "exe:/usr/../bin/x",
            "exe:/usr//bin",
            "exe:/",
            "exe:/a@sha256:00",
            "exe:/a\u{7}",
            "exe:/tmp/a admin",
            "exe:/tmp/a\u{202e}",
            "exe:/tmp/\u{e4}",
            &long,
            "agent:Open Claw",
            "node:lead",
            "Admin",
            "admin:1",
            "root",
            "everyone",
            "аdmin",
        ];
        for text in texts {
            assert!(Principal::parse(text).is_err(), "{text:?}");
        }
    }
}
