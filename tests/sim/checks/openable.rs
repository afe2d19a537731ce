//! What a follower holds it can open, at the place and the version it was sealed for: keys come before the records they open,
//! and go only after them.

use crate::follower::{Follower, Running};
use crate::read;

/// Whether everything opens.
pub fn check(follower: &Follower) -> Result<(), String> {
    follower.running.as_ref().map_or(Ok(()), |running| check_running(follower, running))
}

fn check_running(follower: &Follower, running: &Running) -> Result<(), String> {
    let mut sealed = running.stored.view.after(None).filter(|record| record.sealed().is_some());
    match sealed.find(|record| read::open(running, record).is_none()) {
        Some(record) => {
            Err(format!("{} holds version {} of {} and cannot open it", follower.name, record.version, record.at))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{position, record};
    use super::*;
    use crate::clock::MachineClock;
    use crate::names::{ENTITLEMENTS, NODES};

    #[test]
    fn a_record_without_its_key_is_found() {
        let mut follower = Follower::new(NODES[0].clone(), MachineClock::new(1, 0), ENTITLEMENTS[0].clone());
        assert_eq!(check(&follower), Ok(()));
        follower.running.as_mut().expect("running").stored.view.accept(position(1, 1), vec![record(1, 1)]);
        assert!(check(&follower).is_err());
    }
}
