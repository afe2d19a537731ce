//! From the kernel's word about a caller to the principals it may act as.

use crate::model::caller::{Caller, Door, UID_NOBODY};

use super::error::PolicyError;
use super::principal::Principal;

/// What the kernel reports for an id it has no answer for (`-1`).
const ID_UNKNOWN: u32 = u32::MAX;

/// The uid of the superuser, who owns every node anyway.
const UID_ROOT: u32 = 0;

/// Everything the caller is: its user, its groups, and the admin if it came through the admin door as the owner or root.
///
/// The door alone grants nothing: whoever reaches the admin socket as somebody else stays an ordinary caller, so a socket
/// left open by mistake does not make administrators.
///
/// # Errors
/// [`PolicyError::Nobody`] for uid 65534 and for an id the kernel could not map.
pub fn identify(caller: &Caller, owner: u32) -> Result<Vec<Principal>, PolicyError> {
    if is_nobody(caller.uid) {
        return Err(PolicyError::Nobody { uid: caller.uid });
    }
    let mut principals = Vec::with_capacity(caller.groups.len().saturating_add(3));
    if is_admin(caller, owner) {
        principals.push(Principal::Admin);
    }
    principals.push(Principal::User(caller.uid));
    for &gid in std::iter::once(&caller.gid).chain(&caller.groups) {
        let group = Principal::Group(gid);
        if !is_nobody(gid) && !principals.contains(&group) {
            principals.push(group);
        }
    }
    Ok(principals)
}

fn is_admin(caller: &Caller, owner: u32) -> bool {
    match caller.door {
        Door::Agent => false,
        Door::Admin => caller.uid == owner || caller.uid == UID_ROOT,
    }
}

fn is_nobody(id: u32) -> bool {
    id == UID_NOBODY || id == ID_UNKNOWN
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: u32 = 1000;

    fn caller(door: Door, uid: u32, groups: &[u32]) -> Caller {
        Caller { door, uid, gid: 100, groups: groups.to_vec(), pid: None, request_id: "r1".to_owned() }
    }

    #[test]
    fn a_caller_is_its_user_and_each_of_its_groups_once() {
        let principals = identify(&caller(Door::Agent, 1001, &[100, 200]), OWNER).expect("known");
        assert_eq!(principals, [Principal::User(1001), Principal::Group(100), Principal::Group(200)]);
    }

    #[test]
    fn nobody_is_refused_at_both_doors() {
        for door in [Door::Agent, Door::Admin] {
            for uid in [UID_NOBODY, u32::MAX] {
                assert_eq!(identify(&caller(door, uid, &[]), OWNER), Err(PolicyError::Nobody { uid }));
            }
        }
    }

    #[test]
    fn an_unmapped_owner_does_not_make_nobody_an_admin() {
        assert!(identify(&caller(Door::Admin, UID_NOBODY, &[]), UID_NOBODY).is_err());
    }

    #[test]
    fn an_unmapped_group_is_no_group() {
        let principals = identify(&caller(Door::Agent, 1001, &[65_534, u32::MAX]), OWNER).expect("known");
        assert_eq!(principals, [Principal::User(1001), Principal::Group(100)]);
    }

    #[test]
    fn only_the_owner_and_root_are_admin_and_only_at_the_admin_door() {
        let is_admin = |door, uid| identify(&caller(door, uid, &[]), OWNER).expect("known").contains(&Principal::Admin);
        assert!(is_admin(Door::Admin, OWNER));
        assert!(is_admin(Door::Admin, 0));
        assert!(!is_admin(Door::Admin, 1001));
        assert!(!is_admin(Door::Agent, OWNER));
        assert!(!is_admin(Door::Agent, 0));
    }
}
