//! Tallies between the boards of a node and the frames of its sessions.

use super::board::Board;
use super::error::SessionError;
use super::key_use::KeyId;
use super::limit_board::Told;
use crate::model::name::NodeName;
use crate::model::time::{BootTime, Moment, Timestamp};
use crate::model::usage::{Bucket, Window};
use crate::wire::tally::{self, BucketCounts, LastUse, Tallies, Tally, USES_MAX};

/// What a follower has to tell the lead now: nothing, one frame, or more when very many keys were used.
pub(super) fn to_tell(board: &Board, now: &Moment) -> Vec<Tally> {
    let counted = board.limits.to_tell(now.boot);
    let used = board.key_use.take_changes();
    let mut uses = used.chunks(USES_MAX).map(|uses| uses.iter().map(last_use).collect::<Vec<LastUse>>());
    let first = Tally { buckets: counts(&counted), uses: uses.next().unwrap_or_default() };
    let rest = uses.map(|uses| Tally { buckets: Vec::new(), uses });
    std::iter::once(first).filter(|first| !first.buckets.is_empty() || !first.uses.is_empty()).chain(rest).collect()
}

/// What the lead told a follower, as of now.
pub(super) fn told(tallies: &Tallies, now: BootTime) -> Result<Vec<(Bucket, Window)>, SessionError> {
    Ok(tally::read(&tallies.buckets, now.0.as_secs())?)
}

/// Takes in what a follower told, and gives the answer.
pub(super) fn answer(
    board: &Board,
    node: &NodeName,
    tally: &Tally,
    told: &mut Told,
    now: &Moment,
) -> Result<Tallies, SessionError> {
    for (key, at) in tally.uses()? {
        // Only the keys there are: a follower must not fill the memory of the lead with others.
        if board.rules.load().key(&key.0, &key.1).is_some() {
            board.key_use.note(key, at.min(now.wall));
        }
    }
    let reported = tally::read(&tally.buckets, now.boot.0.as_secs())?;
    Ok(Tallies { buckets: counts(&board.limits.reported(now.boot, node, reported, told)) })
}

/// What changed for a follower since it was told, if anything did.
pub(super) fn news(board: &Board, node: &NodeName, told: &mut Told, now: &Moment) -> Option<Tallies> {
    let news = board.limits.news(now.boot, node, told);
    (!news.is_empty()).then(|| Tallies { buckets: counts(&news) })
}

fn counts(windows: &[(Bucket, Window)]) -> Vec<BucketCounts> {
    windows.iter().map(|(bucket, window)| BucketCounts::new(bucket, window)).collect()
}

fn last_use(((agent, key), at): &(KeyId, Timestamp)) -> LastUse {
    LastUse { agent: agent.to_string(), key: key.to_string(), at_ms: at.0 }
}
