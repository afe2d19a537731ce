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

fn lookup(name: &str) -> Result<Option<u32>> {
    let groups = std::fs::read_to_string(GROUP_FILE).with_context(|| format!("cannot read {GROUP_FILE}"))?;
    Ok(find(&groups, name))
}

fn find(groups: &str, name: &str) -> Option<u32> {
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
}
