//! The stream of audit: a follower's journal on its way to the lead, and what the lead vouches for.
//!
//! The follower says what it has; the lead says from where on it takes it; then lines come in order, one batch under way, each
//! with the end of the chain behind it, signed. The lead answers each with a seal once the lines are on its disk. Besides, it
//! tells the seals of its own journal.

use super::error::{FieldRule, WireError};

/// Most bytes of lines in one batch, but for one longer line.
pub const BATCH_BYTES_MAX: usize = 512 * 1024;

/// Most bytes of lines in one frame: a batch, and one line.
const LINES_BYTES_MAX: usize = BATCH_BYTES_MAX + 17 * 1024;

/// A public key on P-256 has 91 bytes.
const KEY_BYTES_MAX: usize = 128;

/// A signature of ECDSA on P-256 has at most 72 bytes in DER.
const SIGNATURE_BYTES_MAX: usize = 80;

/// Longest name of a node.
const NAME_BYTES_MAX: usize = 63;

/// Longest text of what is wrong.
const DETAIL_BYTES_MAX: usize = 512;

/// The end of a chain, signed by its node.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct HeadFrame {
    /// The mesh.
    pub mesh: [u8; 16],
    /// Whose journal it is.
    pub node: String,
    /// The number of the last line; 0 if there is none.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
    /// Its format.
    pub format: u8,
    /// When it was signed, in milliseconds since 1970 on the node's clock.
    pub time_ms: i64,
    /// The node's public key (`SubjectPublicKeyInfo`, DER).
    pub public_key: Vec<u8>,
    /// Its signature (DER).
    pub signature: Vec<u8>,
}

impl HeadFrame {
    /// Whether its fields have the lengths they can have.
    ///
    /// # Errors
    /// [`WireError::Field`].
    pub fn check(&self) -> Result<(), WireError> {
        bounded("node", self.node.len(), NAME_BYTES_MAX)?;
        bounded("public key", self.public_key.len(), KEY_BYTES_MAX)?;
        bounded("signature", self.signature.len(), SIGNATURE_BYTES_MAX)
    }
}

/// A signed head that the authority of the mesh vouches for.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct SealFrame {
    /// What is vouched for.
    pub head: HeadFrame,
    /// When it was sealed, in milliseconds since 1970 on the lead's clock.
    pub sealed_at_ms: i64,
    /// The authority's public key (`SubjectPublicKeyInfo`, DER).
    pub authority: Vec<u8>,
    /// Its signature (DER).
    pub countersignature: Vec<u8>,
}

impl SealFrame {
    /// Whether its fields have the lengths they can have.
    ///
    /// # Errors
    /// [`WireError::Field`].
    pub fn check(&self) -> Result<(), WireError> {
        self.head.check()?;
        bounded("authority", self.authority.len(), KEY_BYTES_MAX)?;
        bounded("countersignature", self.countersignature.len(), SIGNATURE_BYTES_MAX)
    }
}

/// What the follower has.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Offer {
    /// The number of the line before the oldest it has; 0 if it has its first.
    pub before_seq: u64,
    /// The hash of that line; zeros if there is none.
    pub before_hash: [u8; 32],
    /// The end of its chain.
    pub head: HeadFrame,
    /// The newest seal it was given of its own journal.
    pub sealed: Option<Box<SealFrame>>,
    /// The newest seal it was given of the lead's journal.
    pub lead: Option<Box<SealFrame>>,
}

impl Offer {
    /// Whether its fields have the lengths they can have.
    ///
    /// # Errors
    /// [`WireError::Field`].
    pub fn check(&self) -> Result<(), WireError> {
        self.head.check()?;
        self.sealed.iter().chain(&self.lead).try_for_each(|seal| seal.check())
    }
}

/// Lines that follow what the lead has.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Lines {
    /// The number of the first.
    pub first_seq: u64,
    /// All of them, each with its newline.
    pub lines: Vec<u8>,
    /// The end of the chain behind them.
    pub head: HeadFrame,
}

impl Lines {
    /// Whether there are lines, and no more than fit.
    ///
    /// # Errors
    /// [`WireError::Field`].
    pub fn check(&self) -> Result<(), WireError> {
        self.head.check()?;
        if self.lines.is_empty() {
            return Err(WireError::Field { field: "lines", rule: FieldRule::Zero });
        }
        bounded("lines", self.lines.len(), LINES_BYTES_MAX)
    }
}

/// "My journal ends here": now and then, when nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Alive {
    /// The end of its chain.
    pub head: HeadFrame,
}

/// "My journal cannot be read in order."
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Broken {
    /// Where, and how: for people.
    pub detail: String,
}

impl Broken {
    /// What is wrong, cut to what fits.
    #[must_use]
    pub fn new(detail: &str) -> Self {
        Self { detail: detail.chars().take(DETAIL_BYTES_MAX / 4).collect() }
    }

    /// The detail, without characters that move a terminal.
    ///
    /// # Errors
    /// [`WireError::Field`] when it is too long.
    pub fn read(&self) -> Result<String, WireError> {
        bounded("detail", self.detail.len(), DETAIL_BYTES_MAX)?;
        Ok(self.detail.chars().map(|character| if character.is_control() { '?' } else { character }).collect())
    }
}

/// "Send what follows this line."
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct SendFrom {
    /// Its number; 0 for the beginning.
    pub seq: u64,
    /// Its hash, as the lead has it.
    pub hash: [u8; 32],
}

/// "Everything up to here is on my disk."
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Taken {
    /// What the authority vouches for.
    pub seal: SealFrame,
}

/// A seal of the lead's own journal.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct LeadHead {
    /// What the authority vouches for.
    pub seal: SealFrame,
}

codes! {
    /// Why the lead takes no lines.
    pub enum NotTakenReason {
        /// They do not follow what it has, or are no lines.
        Misfit = 1,
        /// What was signed is not what this node says of these lines.
        Signature = 2,
        /// Its disk refuses, or what is left of it is for its own journal.
        Disk = 3,
        /// It keeps as many chains of this node as it will.
        Chains = 4,
    }
}

/// "I take none of it now": the follower asks again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct NotTaken {
    /// Why.
    pub reason: NotTakenReason,
}

fn bounded(field: &'static str, length: usize, max: usize) -> Result<(), WireError> {
    if length > max {
        return Err(WireError::Field { field, rule: FieldRule::TooMany(max) });
    }
    Ok(())
}

frames! {
    /// What a follower says on the stream of audit.
    pub enum FromFollower, at most FRAME_BYTES_MAX {
        /// First, and again after lines were not taken.
        601 => Offer,
        /// One batch under way.
        602 => Lines,
        /// Each minute.
        603 => Alive,
        /// Instead of lines.
        604 => Broken,
    }
}

frames! {
    /// What the lead says on the stream of audit.
    pub enum FromLead, at most JOIN_FRAME_BYTES_MAX {
        /// The answer to an offer, and whenever a chain begins anew.
        701 => SendFrom,
        /// The answer to lines.
        702 => Taken,
        /// When its own journal moved.
        703 => LeadHead,
        /// Instead of an answer.
        704 => NotTaken,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{golden, survives_anything};
    use super::*;

    fn head() -> HeadFrame {
        HeadFrame {
            mesh: [7; 16],
            node: "a".into(),
            seq: 300,
            hash: [1; 32],
            format: 2,
            time_ms: 1,
            public_key: vec![2, 3],
            signature: vec![4],
        }
    }

    fn seal() -> SealFrame {
        SealFrame { head: head(), sealed_at_ms: 2, authority: vec![5], countersignature: vec![6, 7] }
    }

    fn offer() -> Offer {
        Offer { before_seq: 0, before_hash: [0; 32], head: head(), sealed: Some(Box::new(seal())), lead: None }
    }

    fn lines() -> Lines {
        Lines { first_seq: 9, lines: b"{}\n".to_vec(), head: head() }
    }

    #[test]
    fn the_frames_of_audit_have_the_bytes_they_always_had() {
        let head = format!("{}0161fb2c01{}0202020203{}", "07".repeat(16), "01".repeat(32), "0104");
        let seal = format!("{head}040105020607");
        let framed = |number: &str, body: &str| {
            let body = format!("01{number}{body}");
            format!("{:08x}{body}", body.len() / 2)
        };
        let zeros = "00".repeat(32);
        golden(&FromFollower::from(offer()), &framed("0259", &format!("00{zeros}{head}01{seal}00")));
        golden(&FromFollower::from(lines()), &framed("025a", &format!("09037b7d0a{head}")));
        golden(&FromFollower::from(Alive { head: self::head() }), &framed("025b", &head));
        golden(&FromFollower::from(Broken { detail: "x".into() }), &framed("025c", "0178"));
        golden(&FromLead::from(SendFrom { seq: 1, hash: [0; 32] }), &framed("02bd", &format!("01{zeros}")));
        golden(&FromLead::from(Taken { seal: self::seal() }), &framed("02be", &seal));
        golden(&FromLead::from(LeadHead { seal: self::seal() }), &framed("02bf", &seal));
        golden(&FromLead::from(NotTaken { reason: NotTakenReason::Disk }), &framed("02c0", "03"));
    }

    #[test]
    fn no_bytes_make_the_stream_of_audit_panic() {
        survives_anything(&FromFollower::from(offer()));
        survives_anything(&FromFollower::from(lines()));
        survives_anything(&FromFollower::from(Broken { detail: "x".into() }));
        survives_anything(&FromLead::from(Taken { seal: seal() }));
        survives_anything(&FromLead::from(NotTaken { reason: NotTakenReason::Misfit }));
    }

    #[test]
    fn fields_longer_than_they_can_be_are_refused() {
        let told = |checked: Result<(), WireError>| checked.expect_err("refused").to_string();
        assert_eq!(told(HeadFrame { node: "a".repeat(64), ..head() }.check()), "field node: more than 63");
        assert_eq!(told(HeadFrame { public_key: vec![0; 129], ..head() }.check()), "field public key: more than 128");
        assert_eq!(told(HeadFrame { signature: vec![0; 81], ..head() }.check()), "field signature: more than 80");
        assert_eq!(told(SealFrame { authority: vec![0; 129], ..seal() }.check()), "field authority: more than 128");
        let sealed = Some(Box::new(SealFrame { countersignature: vec![0; 81], ..seal() }));
        assert_eq!(told(Offer { lead: sealed, ..offer() }.check()), "field countersignature: more than 80");
        let long = vec![b'\n'; LINES_BYTES_MAX + 1];
        assert_eq!(told(Lines { lines: long, ..lines() }.check()), "field lines: more than 541696");
        assert!(Lines { lines: Vec::new(), ..lines() }.check().is_err());
        assert!(Broken { detail: "x".repeat(513) }.read().is_err());
        assert_eq!(Broken::new(&"\u{1b}é".repeat(600)).read().expect("fits").chars().next(), Some('?'));
        offer().check().and_then(|()| lines().check()).expect("as they are");
    }

    #[test]
    fn the_largest_frames_fit() {
        use super::super::frame::encode;
        let head = HeadFrame { public_key: vec![0; 128], signature: vec![0; 80], node: "a".repeat(63), ..head() };
        let seal = SealFrame { head: head.clone(), authority: vec![0; 128], countersignature: vec![0; 80], ..seal() };
        encode(&FromFollower::from(Lines { first_seq: u64::MAX, lines: vec![0; LINES_BYTES_MAX], head }))
            .expect("fits");
        encode(&FromLead::from(Taken { seal })).expect("fits");
    }
}
