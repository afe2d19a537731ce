//! Asking the lead whether the cache is current *now*: a heartbeat out of turn, and the beacon that answers it.

use std::time::Duration;

use super::board::Board;
use crate::model::time::{Clock, Moment};

/// A lead that is there answers within milliseconds; a caller who asked for certainty can wait this long for a no.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The lead did not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lead did not answer in time")]
pub struct LeadSilent;

/// Returns once the lead has vouched for the cache at a moment after this call began.
///
/// # Errors
/// [`LeadSilent`] when it does not within two seconds.
pub async fn with_lead(board: &Board, clock: &dyn Clock) -> Result<(), LeadSilent> {
    let asked = clock.now();
    let vouched = async {
        loop {
            let moved = board.contact_moved.notified();
            if board.contact.load().as_ref().is_some_and(|contact| is_since(&contact.at, &asked)) {
                return;
            }
            board.ask_now.notify_one();
            moved.await;
        }
    };
    tokio::time::timeout(ANSWER_TIMEOUT, vouched).await.map_err(|_| LeadSilent)
}

/// Boot clocks of different boots cannot be compared: a contact written before a reboot is never since.
fn is_since(at: &Moment, asked: &Moment) -> bool {
    at.boot_id == asked.boot_id && at.boot >= asked.boot
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::crypto::key_ring::KeyRing;
    use crate::model::company::Companies;
    use crate::model::entitlement::Entitlement;
    use crate::model::name::EnvironmentName;
    use crate::model::number::Position;
    use crate::model::record::Contact;
    use crate::model::time::{BootId, BootTime};
    use crate::policy::rulebook::Rulebook;
    use crate::replication::view::View;

    /// A clock that stands still.
    struct Still(Moment);

    impl Clock for Still {
        fn now(&self) -> Moment {
            self.0
        }
    }

    fn moment(boot: u8, seconds: u64) -> Moment {
        Moment { boot_id: BootId([boot; 16]), boot: BootTime(Duration::from_secs(seconds)), ..Moment::default() }
    }

    /// Whether a cache with this last contact is taken for confirmed at once, without a word from the lead.
    fn is_confirmed_at_once(contact: Moment, now: Moment) -> bool {
        let environment = EnvironmentName::parse("prod").expect("name");
        let entitlement = Entitlement { environment, companies: Companies::Only(BTreeSet::new()), globs: Vec::new() };
        let contact = Contact { position: Position::default(), at: contact };
        let board = Board::new(View::default(), Rulebook::default(), KeyRing::default(), entitlement, Some(contact));
        let clock = Still(now);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let asking = std::pin::pin!(with_lead(&board, &clock));
            futures_util::poll!(asking).is_ready()
        })
    }

    /// After a reboot the boot clock starts over, and the contact on the disk looked as if it came from the future: a
    /// caller who asked for confirmation got it from nobody.
    #[test]
    fn a_contact_from_before_a_reboot_confirms_nothing() {
        assert!(is_confirmed_at_once(moment(1, 10), moment(1, 10)));
        assert!(!is_confirmed_at_once(moment(1, 9), moment(1, 10)));
        assert!(!is_confirmed_at_once(moment(1, 1_000_000), moment(2, 10)));
    }
}
