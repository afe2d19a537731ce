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
            if board.contact.load().as_ref().is_some_and(|contact| is_after(&contact.at, &asked)) {
                return;
            }
            board.ask_now.notify_one();
            moved.await;
        }
    };
    tokio::time::timeout(ANSWER_TIMEOUT, vouched).await.map_err(|_| LeadSilent)
}

/// A contact of another boot was before this call, wherever its clock stood.
fn is_after(contact: &Moment, asked: &Moment) -> bool {
    contact.boot_id == asked.boot_id && contact.boot >= asked.boot
}
