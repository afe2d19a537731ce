//! What nodes tell each other about requests they counted, so that a limit holds on all of them together.

use super::error::{FieldRule, WireError};
use crate::model::name::{AgentName, ApiKeyName, CompanyId};
use crate::model::time::Timestamp;
use crate::model::usage::{Bucket, WINDOW_SECONDS, Window};

/// Most buckets in one frame.
pub const BUCKETS_MAX: usize = 1_000;

/// Most uses of keys in one frame.
pub const USES_MAX: usize = 1_000;

/// What was counted in one bucket: of an agent, for one company or none, or of one of its keys.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct BucketCounts {
    /// Whose it is.
    pub agent: String,
    /// For which company; never together with a key.
    pub company: Option<String>,
    /// With which key.
    pub key: Option<String>,
    /// Requests by age in seconds, the running second first.
    pub by_age: Vec<u32>,
}

impl BucketCounts {
    /// A bucket and its window, as they are sent.
    #[must_use]
    pub fn new(bucket: &Bucket, window: &Window) -> Self {
        let (agent, company, key) = match bucket {
            Bucket::Agent(agent, company) => (agent, company.as_ref().map(ToString::to_string), None),
            Bucket::Key(agent, key) => (agent, None, Some(key.to_string())),
        };
        Self { agent: agent.to_string(), company, key, by_age: window.ages() }
    }

    /// The bucket, and its window as of the receiver's second.
    ///
    /// # Errors
    /// [`WireError`] for names that are none, a company beside a key, or more seconds than a window has.
    pub fn read(&self, now: u64) -> Result<(Bucket, Window), WireError> {
        if self.by_age.len() > WINDOW_SECONDS {
            return Err(WireError::Field { field: "by_age", rule: FieldRule::TooMany(WINDOW_SECONDS) });
        }
        let agent = AgentName::parse(&self.agent)?;
        let bucket = match (&self.company, &self.key) {
            (company, None) => Bucket::Agent(agent, company.as_deref().map(CompanyId::parse).transpose()?),
            (None, Some(key)) => Bucket::Key(agent, ApiKeyName::parse(key)?),
            (Some(_), Some(_)) => return Err(WireError::Field { field: "key", rule: FieldRule::Contradiction }),
        };
        Ok((bucket, Window::from_ages(now, &self.by_age)))
    }
}

/// What a follower counted itself, in buckets that changed since it last said so; all of them at the start of a session.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Tally {
    /// Each replaces what was said of the same bucket before.
    pub buckets: Vec<BucketCounts>,
    /// The last uses of API keys that were used since it last said so.
    pub uses: Vec<LastUse>,
}

impl Tally {
    /// The uses, with their names checked.
    ///
    /// # Errors
    /// [`WireError`] for more than [`USES_MAX`], and for names that are none.
    pub fn uses(&self) -> Result<Vec<KeyUsed>, WireError> {
        if self.uses.len() > USES_MAX {
            return Err(WireError::Field { field: "uses", rule: FieldRule::TooMany(USES_MAX) });
        }
        let read = |used: &LastUse| {
            Ok(((AgentName::parse(&used.agent)?, ApiKeyName::parse(&used.key)?), Timestamp(used.at_ms)))
        };
        self.uses.iter().map(read).collect()
    }
}

/// A key, by its agent and its name, and when it was last used.
pub type KeyUsed = ((AgentName, ApiKeyName), Timestamp);

/// When an API key was last used.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct LastUse {
    /// Whose it is.
    pub agent: String,
    /// What it is called.
    pub key: String,
    /// When, in milliseconds since 1970 on the follower's wall clock.
    pub at_ms: i64,
}

/// What all nodes but the receiver counted, in buckets that it reported. Comes after every tally, and when it changes.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Tallies {
    /// Each replaces what was said of the same bucket before.
    pub buckets: Vec<BucketCounts>,
}

/// Reads the buckets of a frame.
///
/// # Errors
/// [`WireError`] for more than [`BUCKETS_MAX`], and for any that is not right.
pub fn read(buckets: &[BucketCounts], now: u64) -> Result<Vec<(Bucket, Window)>, WireError> {
    if buckets.len() > BUCKETS_MAX {
        return Err(WireError::Field { field: "buckets", rule: FieldRule::TooMany(BUCKETS_MAX) });
    }
    buckets.iter().map(|bucket| bucket.read(now)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::control::{FromFollower, FromLead};
    use super::super::testing::{golden, survives_anything};
    use super::*;

    fn of_company() -> BucketCounts {
        BucketCounts { agent: "openclaw".into(), company: Some("acme".into()), key: None, by_age: vec![1, 0, 300] }
    }

    fn of_key() -> BucketCounts {
        BucketCounts { agent: "a".into(), company: None, key: Some("k".into()), by_age: vec![] }
    }

    #[test]
    fn tallies_have_the_bytes_they_always_had_and_survive_any_others() {
        let tally = FromFollower::from(Tally {
            buckets: vec![of_company(), of_key()],
            uses: vec![LastUse { agent: "a".into(), key: "k".into(), at_ms: 1 }],
        });
        golden(&tally, "0000002701000402086f70656e636c6177010461636d6500030100fb2c0101610001016b00010161016b02");
        let tallies = FromLead::from(Tallies { buckets: vec![of_key()] });
        golden(&tallies, "0000000b0100690101610001016b00");
        survives_anything(&tally);
        survives_anything(&tallies);
    }

    #[test]
    fn a_bucket_reads_back_as_what_was_counted() {
        for sent in [of_company(), of_key(), BucketCounts { company: None, ..of_company() }] {
            let (bucket, window) = sent.read(1_000).expect("read");
            assert_eq!(BucketCounts::new(&bucket, &window), sent);
        }
    }

    #[test]
    fn uses_of_keys_are_bounded_and_their_names_checked() {
        let used = LastUse { agent: "a".into(), key: "k".into(), at_ms: 7 };
        let tally = |uses: Vec<LastUse>| Tally { buckets: vec![], uses }.uses();
        assert_eq!(tally(vec![used.clone(); USES_MAX]).expect("read")[0].1, Timestamp(7));
        assert!(tally(vec![used.clone(); USES_MAX + 1]).is_err());
        assert!(tally(vec![LastUse { key: "K".into(), ..used }]).is_err());
    }

    #[test]
    fn what_no_node_would_send_is_refused() {
        let refused = |sent: BucketCounts| sent.read(1_000).expect_err("refused").to_string();
        assert_eq!(refused(BucketCounts { by_age: vec![0; 61], ..of_key() }), "field by_age: more than 60");
        let both = BucketCounts { company: Some("acme".into()), ..of_key() };
        assert_eq!(refused(both), "field key: contradicts another field");
        for hostile in ["", "../a", "A", "a\0"] {
            assert!(matches!(BucketCounts { agent: hostile.into(), ..of_key() }.read(1), Err(WireError::Name(_))));
            assert!(BucketCounts { company: Some(hostile.into()), ..of_company() }.read(1).is_err());
            assert!(BucketCounts { key: Some(hostile.into()), ..of_key() }.read(1).is_err());
        }
        assert!(read(&vec![of_key(); BUCKETS_MAX + 1], 1).is_err());
        assert_eq!(read(&vec![of_key(); BUCKETS_MAX], 1).expect("read").len(), BUCKETS_MAX);
    }
}
