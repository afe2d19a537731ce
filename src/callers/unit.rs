//! The systemd unit of a process, from its cgroup.
//!
//! Whoever a cgroup was delegated to may make any names below it, so the first unit on the way from the root decides, and
//! what stands below it does not. Only the manager of a user is passed: its units are told with its own name before them,
//! for everything below it is that user's word.

use crate::model::principal::UnitName;

/// The unit of `/proc/PID/cgroup`: of the one hierarchy of version 2, else of systemd's own of version 1. `None` for
/// everything that is not plainly a unit.
pub(super) fn unit_of(cgroup: &str) -> Option<UnitName> {
    let path = |prefix: &str| cgroup.lines().find_map(|line| line.strip_prefix(prefix));
    let version_1 = || cgroup.lines().find_map(|line| line.split_once(":name=systemd:").map(|(_, path)| path));
    // At the root of version 2 is who was never put anywhere: version 1 decides where it is in use.
    unit_at(path("0::").filter(|path| *path != "/").or_else(version_1)?)
}

fn unit_at(path: &str) -> Option<UnitName> {
    let path = path.strip_prefix('/')?;
    let odd = |part: &str| part.is_empty() || part.starts_with('.') || part.starts_with('_');
    // The kernel marks a cgroup that was removed with " (deleted)": if that was the unit's own, it is no name of one. Below a
    // unit anybody may write the same.
    if path.split('/').any(|part| part.is_empty() || part == "..") {
        return None;
    }
    let mut parts = path.split('/').skip_while(|part| is_slice(part));
    // systemd writes a name that could be taken for a file of the kernel with an underscore before it. No unit needs one.
    let first = parts.next().filter(|part| !odd(part))?;
    if !is_manager(first) {
        return UnitName::parse(first).ok();
    }
    match parts.find(|part| !is_slice(part)) {
        Some(below) if odd(below) => None,
        Some(below) => UnitName::parse(&format!("{first}/{below}")).ok(),
        None => UnitName::parse(first).ok(),
    }
}

fn is_slice(part: &str) -> bool {
    part.len() > ".slice".len() && part.ends_with(".slice") && !part.starts_with(['_', '.'])
}

/// `user@1000.service`.
fn is_manager(part: &str) -> bool {
    let uid = part.strip_prefix("user@").and_then(|rest| rest.strip_suffix(".service"));
    uid.is_some_and(|uid| uid.parse::<u32>().is_ok_and(|id| id.to_string() == uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(cgroup: &str) -> Option<String> {
        unit_of(cgroup).map(|unit| unit.to_string())
    }

    #[test]
    fn the_first_unit_from_the_root_is_the_unit() {
        let table = [
            ("0::/system.slice/backup.service\n", "backup.service"),
            ("0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service"),
            ("0::/init.scope\n", "init.scope"),
            ("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"),
            ("0::/machine.slice/dev\\x2dbox.scope/payload\n", "dev\\x2dbox.scope"),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.service\n", "user@1000.service/a.service"),
            ("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", "user@1000.service/init.scope"),
            ("0::/user.slice/user-1000.slice/user@1000.service\n", "user@1000.service"),
            ("12:pids:/x\n1:name=systemd:/system.slice/old.service\n", "old.service"),
            ("1:name=systemd:/system.slice/old.service\n0::/\n", "old.service"),
            ("0::/system.slice/backup.service/below (deleted)\n", "backup.service"),
            ("1:name=systemd:/system.slice/old.service\n0::/system.slice/new.service\n", "new.service"),
        ];
        for (cgroup, expected) in table {
            assert_eq!(unit(cgroup).as_deref(), Some(expected), "{cgroup}");
        }
    }

    #[test]
    fn whoever_makes_names_below_its_own_unit_stays_that_unit() {
        let table = [
            ("0::/system.slice/web.service/backup.service\n", "web.service"),
            ("0::/system.slice/web.service/system.slice/backup.service\n", "web.service"),
            ("0::/system.slice/web.service/user@0.service/backup.service\n", "web.service"),
            ("0::/system.slice/user@alice.service/backup.service\n", "user@alice.service"),
            ("0::/docker.scope/system.slice/backup.service\n", "docker.scope"),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/backup.service/x.service\n",
                "user@1000.service/backup.service",
            ),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/user@0.service/backup.service\n",
                "user@1000.service/user@0.service",
            ),
        ];
        for (cgroup, expected) in table {
            assert_eq!(unit(cgroup).as_deref(), Some(expected), "{cgroup}");
        }
    }

    #[test]
    fn what_is_not_plainly_a_unit_is_none() {
        let table = [
            "",
            "0::\n",
            "0::/\n",
            "0::backup.service\n",
            "0::/../system.slice/backup.service\n",
            "0::/system.slice/../backup.service\n",
            "0::/system.slice/web.service/../backup.service\n",
            "0::/system.slice//backup.service\n",
            "0::/system.slice/backup.service (deleted)\n",
            "0::/user.slice/user-1000.slice/user@1000.service/a.service (deleted)\n",
            "0::/system.slice/_backup.service\n",
            "0::/system.slice/.service\n",
            "0::/.slice/backup.service\n",
            "0::/_x.slice/backup.service\n",
            "0::/docker/0123abcd\n",
            "0::/docker/backup.service\n",
            "0::/system.slice\n",
            "0::/system.slice/a b.service\n",
            "0::/system.slice/b\u{e4}ckup.service\n",
            "0::/system.slice/backup.service\u{0}x\n",
            "0::/user.slice/user@1000.service/app.slice/plain\n",
            "0::/user.slice/user@1000.service/_a.service\n",
            "3:cpu:/system.slice/backup.service\n",
            "2:name=other:/system.slice/backup.service\n",
        ];
        for cgroup in table {
            assert_eq!(unit(cgroup), None, "{cgroup}");
        }
    }

    #[test]
    fn a_name_as_long_as_a_path_is_none() {
        assert_eq!(unit(&format!("0::/system.slice/{}.service\n", "x".repeat(4000))), None);
    }
}
