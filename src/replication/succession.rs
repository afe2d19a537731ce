//! What a node makes of a reign it is told of, when it knows of one: pure. That the authority states it was checked before.

use crate::model::number::Epoch;
use crate::model::reign::Reign;

/// How a reign stands to the one that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is that one.
    Same,
    /// It came after.
    Newer,
    /// It is over.
    Older,
    /// It has the same epoch, and another store or lead: two were made lead at once, and neither is believed over the other.
    Split,
}

/// Compares them.
#[must_use]
pub fn heard(known: &Reign, told: &Reign) -> Heard {
    match told.epoch.cmp(&known.epoch) {
        std::cmp::Ordering::Greater => Heard::Newer,
        std::cmp::Ordering::Less => Heard::Older,
        std::cmp::Ordering::Equal if told.store == known.store && told.lead == known.lead => Heard::Same,
        std::cmp::Ordering::Equal => Heard::Split,
    }
}

/// Why a follower does not follow a lead that states its reign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disowned {
    /// Its reign is over.
    #[error("the reign of the lead is over: it speaks for epoch {offered}, this node has followed epoch {own}")]
    Over {
        /// What it speaks for.
        offered: Epoch,
        /// What this node has followed.
        own: Epoch,
    },
    /// There are two of them.
    #[error(
        "two leads speak for epoch {epoch}: this node follows {own} and does not follow {offered}; restore or promote the one \
         that is to lead again, with --epoch {epoch}"
    )]
    Split {
        /// The epoch of both.
        epoch: Epoch,
        /// Whom this node follows, and which store of it.
        own: String,
        /// Who speaks, and of which store.
        offered: String,
    },
    /// The lead states another reign than it welcomed this node in, or somebody else's.
    #[error("the lead states a reign that is not its own")]
    NotItsOwn,
}

/// Whether a follower that knows of this reign, if of any, and whose cache has come to this epoch, follows that one.
///
/// # Errors
/// [`Disowned`] says why not.
pub fn follow(known: Option<&Reign>, cache: Epoch, told: &Reign) -> Result<Heard, Disowned> {
    let over = |own| Disowned::Over { offered: told.epoch, own };
    if told.epoch < cache {
        return Err(over(cache));
    }
    let Some(known) = known else { return Ok(Heard::Newer) };
    match heard(known, told) {
        Heard::Older => Err(over(known.epoch)),
        Heard::Split => {
            let named = |reign: &Reign| format!("{} (store {})", reign.lead, reign.store);
            Err(Disowned::Split { epoch: told.epoch, own: named(known), offered: named(told) })
        }
        heard @ (Heard::Same | Heard::Newer) => Ok(heard),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::identity::{MeshId, StoreId};
    use crate::model::name::NodeName;
    use crate::model::time::Timestamp;

    fn reign(epoch: u64, store: u8, lead: &str) -> Reign {
        let lead = NodeName::parse(lead).expect("a name");
        Reign { mesh: MeshId([7; 16]), store: StoreId([store; 16]), epoch: Epoch(epoch), lead, begins_at: Timestamp(0) }
    }

    #[test]
    fn a_later_epoch_is_newer_and_an_equal_one_is_the_same_store_or_a_split() {
        let known = reign(2, 1, "aurora");
        assert_eq!(heard(&known, &reign(3, 2, "beta")), Heard::Newer);
        assert_eq!(heard(&known, &reign(1, 2, "beta")), Heard::Older);
        assert_eq!(heard(&known, &Reign { begins_at: Timestamp(9), ..known.clone() }), Heard::Same);
        assert_eq!(heard(&known, &reign(2, 2, "aurora")), Heard::Split);
        assert_eq!(heard(&known, &reign(2, 1, "beta")), Heard::Split);
    }

    #[test]
    fn a_follower_follows_no_reign_that_is_over_and_neither_of_two() {
        let known = reign(2, 1, "aurora");
        let judged = |told: &Reign| follow(Some(&known), Epoch(2), told);
        assert_eq!(judged(&reign(3, 2, "beta")), Ok(Heard::Newer));
        assert_eq!(judged(&known), Ok(Heard::Same));
        assert_eq!(judged(&reign(1, 1, "aurora")), Err(Disowned::Over { offered: Epoch(1), own: Epoch(2) }));
        let split = judged(&reign(2, 2, "aurora")).expect_err("two of them");
        assert!(split.to_string().contains("--epoch 2"), "{split}");
    }

    /// A cache that came from a lead of an older protocol has no reign beside it, but an epoch.
    #[test]
    fn a_cache_without_a_reign_still_goes_to_no_older_epoch() {
        assert_eq!(follow(None, Epoch(2), &reign(2, 1, "aurora")), Ok(Heard::Newer));
        let over = follow(None, Epoch(2), &reign(1, 1, "aurora"));
        assert_eq!(over, Err(Disowned::Over { offered: Epoch(1), own: Epoch(2) }));
    }
}
