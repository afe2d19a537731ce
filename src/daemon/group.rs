//! The group whose members may open the agent socket.

use anyhow::{Context, Result, bail};

/// Where the system keeps its groups. Directories behind NSS are not asked: a node must start before they are there.
const GROUP_FILE: &str = "/etc/group";

/// The group a system-wide installation uses, when it exists and the node runs as root.
const DEFAULT_GROUP: &str = "aurora";

/// The id of the configured group; without one, of `aurora` if this is root and it exists; else none: the sockets are the
/// owner's alone.
pub(super) fn socket_group(configured: Option<&str>) -> Result<Option<u32>> {
    let Some(name) = configured else {
        return if rustix::process::geteuid().is_root() { lookup(DEFAULT_GROUP) } else { Ok(None) };
    };
    match lookup(name)? {
        Some(id) => Ok(Some(id)),
        None => bail!("[api] socket_group: there is no group {name}; make it: groupadd --system {name}"),
    }
}

/// The group that a new node's configuration names, so that the file says what happens whoever the node runs as later.
pub(super) fn default_name() -> Result<Option<String>> {
    let there = rustix::process::geteuid().is_root() && lookup(DEFAULT_GROUP)?.is_some();
    Ok(there.then(|| DEFAULT_GROUP.to_owned()))
}

fn lookup(name: &str) -> Result<Option<u32>> {
    let groups = std::fs::read_to_string(GROUP_FILE).with_context(|| format!("cannot read {GROUP_FILE}"))?;
    Ok(find(&groups, name))
}

/// A number is the group of that number, listed or not.
fn find(groups: &str, name: &str) -> Option<u32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let groups = "root:x:0:\naurora-old:x:7:\naurora:x:991:dev,ops\nbroken\n";
        assert_eq!(find(groups, "aurora"), Some(991));
        assert_eq!(find(groups, "auror"), None);
    }

    /// node.toml promises the name or the number of a group; the number was looked for as a name.
    #[test]
    fn a_number_is_the_group_of_that_number() {
        assert_eq!(find("aurora:x:991:\n", "991"), Some(991));
        assert_eq!(find("", "2000"), Some(2000));
    }
}
