//! What a caller is after identification: the only thing a grant can name.

use std::fmt;

use crate::model::name::NodeName;

/// One thing a caller was proved to be. A caller usually is several at once: a user, and some groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A local user id.
    User(u32),
    /// A local group id.
    Group(u32),
    /// A systemd unit, by the name of its cgroup.
    Unit(String),
    /// A program, by its absolute path.
    Executable(String),
    /// An agent, by the id of the API key it showed.
    Agent(String),
    /// Another node, by its certificate.
    Node(NodeName),
    /// The owner of this node, through the admin door.
    Admin,
}

/// `user:1000`, `admin`: the form of grants and audit lines.
impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(uid) => write!(formatter, "user:{uid}"),
            Self::Group(gid) => write!(formatter, "group:{gid}"),
            Self::Unit(unit) => write!(formatter, "unit:{unit}"),
            Self::Executable(path) => write!(formatter, "exe:{path}"),
            Self::Agent(id) => write!(formatter, "agent:{id}"),
            Self::Node(name) => write!(formatter, "node:{name}"),
            Self::Admin => formatter.write_str("admin"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_prints_its_own_prefix() {
        assert_eq!(Principal::User(1000).to_string(), "user:1000");
        assert_eq!(Principal::Executable("/usr/bin/python3".to_owned()).to_string(), "exe:/usr/bin/python3");
        assert_eq!(Principal::Node(NodeName::parse("vengeance").expect("name")).to_string(), "node:vengeance");
        assert_eq!(Principal::Admin.to_string(), "admin");
    }
}
