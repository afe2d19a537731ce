//! The control stream: who is there, how far it is, and the beacon that keeps a cache fresh.
//!
//! A beacon answers a heartbeat and echoes its stamp. The follower counts freshness from the moment it asked, so a process
//! that slept with a beacon in its buffer cannot take it for a new one.

use std::time::Duration;

use crate::model::freshness::{FRESHNESS_MAX, FreshnessPolicy};
use crate::model::name::NodeName;
use crate::model::number::{Epoch, Position, Revision};

use super::entitlement::EntitlementFrame;
use super::error::{FieldRule, WireError};
use super::succession::SuccessionFrame;
use super::tally::{Tallies, Tally};
use super::version::VERSIONS_MAX;

/// Longest build text, in bytes: `1.22.333-rc.4+commit` fits.
pub const BUILD_BYTES_MAX: usize = 64;

/// First frame of a follower.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Hello {
    /// The protocol versions it speaks, newest first.
    pub versions: Vec<u16>,
    /// Its program version, for people.
    pub build: String,
    /// The epoch of its cache.
    pub epoch: u64,
    /// The revision of its cache.
    pub revision: u64,
    /// Names its boot, so that a restart is told from a reconnect.
    pub boot_id: [u8; 16],
}

impl Hello {
    /// Where the follower's cache stands.
    #[must_use]
    pub fn position(&self) -> Position {
        position(self.epoch, self.revision)
    }

    /// Checks the bounds that the codec does not know.
    ///
    /// # Errors
    /// [`WireError::Field`].
    pub fn check(&self) -> Result<(), WireError> {
        if self.versions.len() > VERSIONS_MAX {
            return Err(WireError::Field { field: "versions", rule: FieldRule::TooMany(VERSIONS_MAX) });
        }
        if self.build.len() > BUILD_BYTES_MAX {
            return Err(WireError::Field { field: "build", rule: FieldRule::TooMany(BUILD_BYTES_MAX) });
        }
        if !self.build.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(WireError::Field { field: "build", rule: FieldRule::NotPrintable });
        }
        Ok(())
    }
}

/// Says that a follower is alive, and asks for a beacon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Heartbeat {
    /// Opaque to the lead, which echoes it: the follower's boot clock in milliseconds when it asked.
    pub stamp: u64,
    /// The revision it has applied.
    pub revision: u64,
    /// Records in its cache.
    pub cache_entries: u64,
    /// Load average of a minute, in thousandths.
    pub load_milli: u32,
    /// How long it has run, in milliseconds.
    pub uptime_ms: u64,
}

/// How long the follower goes on without its lead, by its own configuration: said once, after the welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Promise {
    /// Fresh for so long, in milliseconds.
    pub ttl_ms: u64,
    /// Then given out, marked stale, for so long, in milliseconds.
    pub max_stale_ms: u64,
}

impl Promise {
    /// The durations; longer ones than can be configured count as the longest.
    #[must_use]
    pub fn freshness(&self) -> FreshnessPolicy {
        let duration = |milliseconds| Duration::from_millis(milliseconds).min(FRESHNESS_MAX);
        FreshnessPolicy { ttl: duration(self.ttl_ms), max_stale: duration(self.max_stale_ms) }
    }
}

impl From<FreshnessPolicy> for Promise {
    fn from(policy: FreshnessPolicy) -> Self {
        // Rounded up: the lead must not tell a time that is too early.
        let milliseconds =
            |duration: Duration| u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Self { ttl_ms: milliseconds(policy.ttl), max_stale_ms: milliseconds(policy.max_stale) }
    }
}

/// The lead's answer to a hello. A follower is connected once it has read this, not before.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Welcome {
    /// The protocol version both will speak.
    pub version: u16,
    /// The lead's epoch.
    pub epoch: u64,
    /// The lead's name; its certificate says the same.
    pub lead: String,
    /// What the follower may hold.
    pub entitlement: EntitlementFrame,
}

impl Welcome {
    /// The lead's name, checked.
    ///
    /// # Errors
    /// [`WireError::Name`].
    pub fn lead_name(&self) -> Result<NodeName, WireError> {
        Ok(NodeName::parse(&self.lead)?)
    }
}

/// "You are current up to this position", as an answer to one heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Beacon {
    /// The heartbeat's stamp, echoed.
    pub stamp: u64,
    /// The lead's epoch.
    pub epoch: u64,
    /// The lead's revision.
    pub revision: u64,
    /// The lead's wall clock, in milliseconds since 1970.
    pub lead_time_ms: i64,
}

impl Beacon {
    /// What the lead vouches for.
    #[must_use]
    pub fn position(&self) -> Position {
        position(self.epoch, self.revision)
    }
}

codes! {
    /// Why the lead ends a session it had accepted.
    pub enum GoodbyeReason {
        /// It stops; come back later.
        ShuttingDown = 1,
        /// The node was banned; do not come back.
        Banned = 2,
        /// A newer connection of the same node took this one's place.
        Superseded = 3,
        /// The node did not keep up and must resume from its last acknowledged position.
        TooSlow = 4,
        /// It sent something that breaks the protocol.
        ProtocolViolation = 5,
        /// No protocol version in common.
        VersionUnsupported = 6,
        /// This node is the lead no longer.
        NotLead = 7,
    }
}

/// The lead's last frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Goodbye {
    /// Why.
    pub reason: GoodbyeReason,
}

frames! {
    /// What a follower says on the control stream.
    pub enum FromFollower, at most FRAME_BYTES_MAX {
        /// First.
        2 => Hello,
        /// Then, again and again.
        3 => Heartbeat,
        /// With a heartbeat, if there is something to tell.
        4 => Tally,
        /// Once, before the first heartbeat.
        5 => Promise,
        /// After the welcome, if it knows of a reign: a lead whose reign is over learns it by this.
        6 => SuccessionFrame,
    }
}

frames! {
    /// What the lead says on the control stream.
    pub enum FromLead, at most FRAME_BYTES_MAX {
        /// Answers the hello.
        101 => Welcome,
        /// Answers a heartbeat.
        102 => Beacon,
        /// The end.
        104 => Goodbye,
        /// Answers a tally, and comes when others' counts change.
        105 => Tallies,
        /// Follows the welcome.
        106 => SuccessionFrame,
    }
}

fn position(epoch: u64, revision: u64) -> Position {
    Position { epoch: Epoch(epoch), revision: Revision(revision) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{golden, survives_anything};
    use super::*;

    fn hello() -> Hello {
        Hello { versions: vec![1], build: "0.1.0".to_owned(), epoch: 1, revision: 300, boot_id: [7; 16] }
    }

    fn welcome() -> Welcome {
        Welcome { version: 1, epoch: 2, lead: "aurora".to_owned(), entitlement: EntitlementFrame::sample() }
    }

    #[test]
    fn control_frames_have_the_bytes_they_always_had() {
        golden(&FromFollower::from(hello()), "0000001f010002010105302e312e3001fb2c0107070707070707070707070707070707");
        let heartbeat = Heartbeat { stamp: 70_000, revision: 300, cache_entries: 9, load_milli: 1500, uptime_ms: 4 };
        golden(&FromFollower::from(heartbeat), "00000010010003fc70110100fb2c0109fbdc0504");
        golden(&FromFollower::from(Promise { ttl_ms: 300_000, max_stale_ms: 0 }), "00000009010005fce093040000");
        golden(
            &FromLead::from(welcome()),
            "000000220100650102066175726f72610470726f6400010461636d6501086f70656e61692f2a",
        );
        golden(
            &FromLead::from(Beacon { stamp: 70_000, epoch: 2, revision: 300, lead_time_ms: -1 }),
            "0000000d010066fc7011010002fb2c0101",
        );
        golden(&FromLead::from(Goodbye { reason: GoodbyeReason::ShuttingDown }), "0000000401006801");
        golden(&FromLead::from(Goodbye { reason: GoodbyeReason::NotLead }), "0000000401006807");
        let succession = concat!(
            "07070707070707070707070707070707",
            "09090909090909090909090909090909",
            "03066175726f7261",
            "01",
            "02ab01",
            "01cd"
        );
        golden(&FromFollower::from(SuccessionFrame::sample()), &format!("00000031010006{succession}"));
        golden(&FromLead::from(SuccessionFrame::sample()), &format!("0000003101006a{succession}"));
    }

    #[test]
    fn no_bytes_make_the_control_stream_panic() {
        survives_anything(&FromFollower::from(hello()));
        survives_anything(&FromLead::from(welcome()));
    }

    #[test]
    fn a_promise_is_told_to_the_millisecond_and_is_bounded() {
        let policy = FreshnessPolicy { ttl: Duration::from_nanos(1_500_001), max_stale: Duration::from_secs(3_600) };
        let promise = Promise::from(policy);
        assert_eq!((promise.ttl_ms, promise.max_stale_ms), (2, 3_600_000));
        let endless = Promise { ttl_ms: u64::MAX, max_stale_ms: 0 }.freshness();
        assert_eq!((endless.ttl, endless.max_stale), (FRESHNESS_MAX, Duration::ZERO));
    }

    #[test]
    fn an_unknown_reason_is_refused() {
        let frame = [1, 0, 104, 99];
        assert!(matches!(
            super::super::frame::decode::<FromLead>(&frame),
            Err(WireError::Malformed { number: 104, .. })
        ));
    }

    #[test]
    fn a_hello_with_a_text_for_a_terminal_is_refused() {
        assert!(hello().check().is_ok());
        let field = |hello: Hello| hello.check().expect_err("refused").to_string();
        assert_eq!(
            field(Hello { build: "a\u{1b}[2J".into(), ..hello() }),
            "field build: only printable ASCII is allowed"
        );
        assert_eq!(field(Hello { build: "a".repeat(65), ..hello() }), "field build: more than 64");
        assert_eq!(field(Hello { versions: vec![1; 5], ..hello() }), "field versions: more than 4");
    }

    #[test]
    fn a_lead_with_a_bad_name_is_refused() {
        assert_eq!(welcome().lead_name().expect("name").as_str(), "aurora");
        let refused = Welcome { lead: "../lead".to_owned(), ..welcome() };
        assert!(matches!(refused.lead_name(), Err(WireError::Name(_))));
    }
}
