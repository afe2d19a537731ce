//! From the kernel's word about a caller to the principals it may act as.

use crate::model::caller::{Caller, Door, UID_NOBODY, UID_ROOT};
use crate::model::principal::Principal;

use super::error::PolicyError;

/// What the kernel reports for an id it has no answer for (`-1`).
const ID_UNKNOWN: u32 = u32::MAX;

/// The users and groups that are special on one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct House {
    /// The uid the node runs as.
    pub owner: u32,
    /// The group whose members may open the agent socket.
    pub socket_group: u32,
}

/// Everything the caller is by the kernel's word: its user, its groups, its unit and program, and the admin if it came
/// through the admin door as the owner or root.
///
/// The door alone grants nothing: whoever reaches the admin socket as somebody else stays an ordinary caller, so a socket
/// left open by mistake does not make administrators.
///
/// Nobody comes through the loopback door by the kernel's word: it says nothing of who connects there. Through the
/// credentials door systemd comes as root, for a unit: see [`for_unit`].
///
/// # Errors
/// [`PolicyError::Nobody`] for uid 65534 and for an id the kernel could not map.
pub fn identify(caller: &Caller, house: House) -> Result<Vec<Principal>, PolicyError> {
    if caller.door == Door::Loopback {
        return Ok(Vec::new());
    }
    if is_nobody(caller.uid) {
        return Err(PolicyError::Nobody { uid: caller.uid });
    }
    let mut principals = Vec::with_capacity(caller.groups.len().saturating_add(8));
    if is_admin(caller, house.owner) {
        principals.push(Principal::Admin);
    }
    principals.push(Principal::User(caller.uid));
    if caller.uid == house.owner {
        principals.push(Principal::Owner);
    }
    // There may be 65,536 of them, each once.
    let others = caller.groups.iter().filter(|gid| **gid != caller.gid);
    for &gid in std::iter::once(&caller.gid).chain(others).filter(|gid| !is_nobody(**gid)) {
        principals.push(Principal::Group(gid));
        if gid == house.socket_group {
            principals.push(Principal::SocketGroup);
        }
    }
    principals.extend(attested(caller));
    Ok(principals)
}

/// Of what a caller at the credentials door is, what it acts as there: its unit, and nothing that root may do besides.
///
/// # Errors
/// [`PolicyError::NoUnit`] when it is in none.
pub fn for_unit(principals: Vec<Principal>) -> Result<(Vec<Principal>, Vec<Principal>), PolicyError> {
    let (units, besides): (Vec<_>, Vec<_>) =
        principals.into_iter().partition(|principal| matches!(principal, Principal::Unit(_)));
    if units.is_empty() { Err(PolicyError::NoUnit) } else { Ok((units, besides)) }
}

/// What the system says about the process besides its ids.
fn attested(caller: &Caller) -> impl Iterator<Item = Principal> {
    let attested = &caller.attested;
    let user = attested.user.iter().cloned().map(Principal::UserNamed);
    let groups = attested.groups.iter().cloned().map(Principal::GroupNamed);
    let unit = attested.unit.iter().cloned().map(Principal::Unit);
    let program = attested.executable.iter().flat_map(|program| {
        let exactly = program.sha256().map(|_| program.clone());
        std::iter::once(program.without_digest()).chain(exactly).map(Principal::Executable)
    });
    user.chain(groups).chain(unit).chain(program)
}

fn is_admin(caller: &Caller, owner: u32) -> bool {
    match caller.door {
        Door::Agent | Door::Loopback | Door::Credentials | Door::Workload => false,
        Door::Admin => caller.uid == owner || caller.uid == UID_ROOT,
    }
}

fn is_nobody(id: u32) -> bool {
    id == UID_NOBODY || id == ID_UNKNOWN
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::attested::Attested;
    use crate::model::caller::Shown;
    use crate::model::name::LocalName;
    use crate::model::principal::{Executable, UnitName};

    const OWNER: u32 = 1000;
    const HOUSE: House = House { owner: OWNER, socket_group: 300 };

    fn caller(door: Door, uid: u32, groups: &[u32]) -> Caller {
        Caller {
            door,
            uid,
            gid: 100,
            groups: groups.into(),
            pid: None,
            attested: Arc::default(),
            shown: Shown::default(),
            request_id: "r1".into(),
        }
    }

    #[test]
    fn a_caller_is_its_user_and_each_of_its_groups_once() {
        let principals = identify(&caller(Door::Agent, 1001, &[100, 200]), HOUSE).expect("known");
        assert_eq!(principals, [Principal::User(1001), Principal::Group(100), Principal::Group(200)]);
    }

    #[test]
    fn nobody_is_refused_at_both_doors() {
        for door in [Door::Agent, Door::Admin] {
            for uid in [UID_NOBODY, u32::MAX] {
                assert_eq!(identify(&caller(door, uid, &[]), HOUSE), Err(PolicyError::Nobody { uid }));
            }
        }
    }

    #[test]
    fn an_unmapped_owner_does_not_make_nobody_an_admin() {
        assert!(identify(&caller(Door::Admin, UID_NOBODY, &[]), House { owner: UID_NOBODY, ..HOUSE }).is_err());
    }

    #[test]
    fn an_unmapped_group_is_no_group() {
        let principals = identify(&caller(Door::Agent, 1001, &[65_534, u32::MAX]), HOUSE).expect("known");
        assert_eq!(principals, [Principal::User(1001), Principal::Group(100)]);
    }

    #[test]
    fn only_the_owner_and_root_are_admin_and_only_at_the_admin_door() {
        let is_admin = |door, uid| identify(&caller(door, uid, &[]), HOUSE).expect("known").contains(&Principal::Admin);
        assert!(is_admin(Door::Admin, OWNER));
        assert!(is_admin(Door::Admin, 0));
        assert!(!is_admin(Door::Admin, 1001));
        assert!(!is_admin(Door::Agent, OWNER));
        assert!(!is_admin(Door::Agent, 0));
    }

    #[test]
    fn the_owner_and_the_members_of_the_sockets_group_are_told_from_others() {
        let principals = identify(&caller(Door::Agent, OWNER, &[300]), HOUSE).expect("known");
        assert!(principals.contains(&Principal::Owner) && principals.contains(&Principal::SocketGroup));
        let principals = identify(&caller(Door::Agent, 1001, &[]), HOUSE).expect("known");
        assert!(!principals.contains(&Principal::Owner) && !principals.contains(&Principal::SocketGroup));
    }

    #[test]
    fn nobody_comes_over_loopback_by_the_word_of_the_kernel() {
        for uid in [OWNER, 0, 1001, UID_NOBODY] {
            assert_eq!(identify(&caller(Door::Loopback, uid, &[300]), HOUSE), Ok(Vec::new()));
        }
    }

    #[test]
    fn systemd_acts_as_the_unit_it_asks_for_and_as_nothing_else_that_it_is() {
        let unit = Principal::Unit(UnitName::parse("worker.service").expect("unit"));
        let root = vec![Principal::User(0), Principal::Owner, unit.clone(), Principal::SocketGroup];
        let besides = vec![Principal::User(0), Principal::Owner, Principal::SocketGroup];
        assert_eq!(for_unit(root), Ok((vec![unit], besides.clone())));
        assert_eq!(for_unit(besides), Err(PolicyError::NoUnit));
    }

    #[test]
    fn what_the_system_says_of_a_process_makes_it_that_and_a_digest_makes_it_both() {
        let program = Executable::new("/usr/bin/backup", Some([7; 32])).expect("path");
        let attested = Attested {
            user: Some(LocalName::parse("alice").expect("name")),
            unit: Some(UnitName::parse("backup.service").expect("unit")),
            executable: Some(program.clone()),
            ..Attested::default()
        };
        let caller = Caller { attested: Arc::new(attested), ..caller(Door::Agent, 1001, &[]) };
        let principals = identify(&caller, HOUSE).expect("known");
        let texts: Vec<String> = principals.iter().map(ToString::to_string).collect();
        let exactly = format!("exe:{program}");
        let expected = ["user:1001", "group:100", "user:alice", "unit:backup.service", "exe:/usr/bin/backup", &exactly];
        assert_eq!(texts, expected);
    }
}
