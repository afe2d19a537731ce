//! The request stream: questions with ids, pipelined; each gets one answer with its id.

use crate::model::number::{Epoch, Position, Revision};

use super::secret::SecretFrame;

/// "Give me a new certificate." The lead takes only the public key from the CSR, and it must be the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Renew {
    /// Ties the answer to the question.
    pub id: u64,
    /// A certificate signing request, DER.
    pub csr: Vec<u8>,
}

/// "How far must my cache be to answer for this secret now?"
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Confirm {
    /// Ties the answer to the question.
    pub id: u64,
    /// The secret.
    pub secret: SecretFrame,
}

/// A new certificate.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Renewed {
    /// Of the question.
    pub id: u64,
    /// The certificates, leaf first, DER.
    pub chain: Vec<Vec<u8>>,
}

/// The lead's position when it read the question: a cache that has applied it is current for the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Confirmed {
    /// Of the question.
    pub id: u64,
    /// The lead's epoch.
    pub epoch: u64,
    /// The lead's revision.
    pub revision: u64,
}

impl Confirmed {
    /// Where the lead stood.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { epoch: Epoch(self.epoch), revision: Revision(self.revision) }
    }
}

codes! {
    /// Why a question got no answer.
    pub enum FailureReason {
        /// The node may not ask this.
        NotEntitled = 1,
        /// The question makes no sense.
        BadRequest = 2,
        /// Too much at once; ask later.
        Busy = 3,
        /// The lead could not, for reasons of its own.
        Unavailable = 4,
        /// This node is the lead no longer.
        NotLead = 5,
    }
}

/// No answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Failed {
    /// Of the question.
    pub id: u64,
    /// Why.
    pub reason: FailureReason,
}

frames! {
    /// What a follower asks.
    pub enum FromFollower, at most FRAME_BYTES_MAX {
        /// A new certificate.
        401 => Renew,
        /// The lead's position.
        402 => Confirm,
    }
}

frames! {
    /// What the lead answers.
    pub enum FromLead, at most FRAME_BYTES_MAX {
        /// To a renewal.
        501 => Renewed,
        /// To a confirmation.
        502 => Confirmed,
        /// To anything.
        503 => Failed,
    }
}

impl FromLead {
    /// The id of the question this answers.
    #[must_use]
    pub fn id(&self) -> u64 {
        match self {
            Self::Renewed(answer) => answer.id,
            Self::Confirmed(answer) => answer.id,
            Self::Failed(answer) => answer.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{golden, survives_anything};
    use super::*;

    fn confirm() -> Confirm {
        let secret = SecretFrame { environment: "prod".into(), service: "hubspot".into(), key: "api_key".into() };
        Confirm { id: 300, secret }
    }

    #[test]
    fn request_frames_have_the_bytes_they_always_had() {
        golden(&FromFollower::from(Renew { id: 1, csr: vec![0x30, 0x82] }), "0000000701019101023082");
        golden(&FromFollower::from(confirm()), "0000001b010192fb2c010470726f640768756273706f74076170695f6b6579");
        golden(&FromLead::from(Renewed { id: 1, chain: vec![vec![0x30], vec![0x31]] }), "000000090101f5010201300131");
        golden(&FromLead::from(Confirmed { id: 300, epoch: 2, revision: 70_000 }), "0000000c0101f6fb2c0102fc70110100");
        golden(&FromLead::from(Failed { id: 9, reason: FailureReason::NotEntitled }), "000000050101f70901");
        golden(&FromLead::from(Failed { id: 9, reason: FailureReason::NotLead }), "000000050101f70905");
    }

    #[test]
    fn no_bytes_make_the_request_stream_panic() {
        survives_anything(&FromFollower::from(confirm()));
        survives_anything(&FromLead::from(Renewed { id: 1, chain: vec![vec![0x30], vec![0x31]] }));
    }

    #[test]
    fn every_answer_carries_the_id_of_its_question() {
        assert_eq!(FromLead::from(Renewed { id: 1, chain: vec![] }).id(), 1);
        assert_eq!(FromLead::from(Confirmed { id: 2, epoch: 0, revision: 0 }).id(), 2);
        assert_eq!(FromLead::from(Failed { id: 3, reason: FailureReason::Busy }).id(), 3);
    }
}
