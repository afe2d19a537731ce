//! The request stream: questions with ids, pipelined; each gets one answer with its id.

use super::access::{AccessList, AccessNoted, AskAccess, ListAccess};
use super::event::{EventTaken, PublishEvent};

/// "Give me a new certificate." The lead takes only the public key from the CSR, and it must be the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Renew {
    /// Ties the answer to the question.
    pub id: u64,
    /// A certificate signing request, DER.
    pub csr: Vec<u8>,
}

/// A new certificate.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Renewed {
    /// Of the question.
    pub id: u64,
    /// The certificates, leaf first, DER.
    pub chain: Vec<Vec<u8>>,
}

/// "I leave the mesh." Of the node that asks, and of no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Leave {
    /// Ties the answer to the question.
    pub id: u64,
}

/// The node is a member no more. Its session ends right after, so that this may not arrive: the goodbye says it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Left {
    /// Of the question.
    pub id: u64,
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
        /// There are too many of these already. In answer to access requests only.
        TooMany = 6,
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
        /// Somebody asks to be allowed something; since version 5.
        402 => AskAccess,
        /// What was asked for and waits; since version 5.
        403 => ListAccess,
        /// A program told something; since version 6.
        404 => PublishEvent,
        /// The node leaves the mesh; since version 6.
        405 => Leave,
    }
}

frames! {
    /// What the lead answers.
    pub enum FromLead, at most FRAME_BYTES_MAX {
        /// To a renewal.
        501 => Renewed,
        /// To an access request.
        502 => AccessNoted,
        /// To anything.
        503 => Failed,
        /// To a question about access requests.
        504 => AccessList,
        /// To an event.
        505 => EventTaken,
        /// To a node that leaves.
        506 => Left,
    }
}

impl FromLead {
    /// The id of the question this answers.
    #[must_use]
    pub fn id(&self) -> u64 {
        match self {
            Self::Renewed(answer) => answer.id,
            Self::AccessNoted(answer) => answer.id,
            Self::AccessList(answer) => answer.id,
            Self::EventTaken(answer) => answer.id,
            Self::Left(answer) => answer.id,
            Self::Failed(answer) => answer.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{golden, survives_anything};
    use super::*;

    #[test]
    fn request_frames_have_the_bytes_they_always_had() {
        golden(&FromFollower::from(Renew { id: 1, csr: vec![0x30, 0x82] }), "0000000701019101023082");
        golden(&FromLead::from(Renewed { id: 1, chain: vec![vec![0x30], vec![0x31]] }), "000000090101f5010201300131");
        golden(&FromLead::from(Failed { id: 9, reason: FailureReason::NotEntitled }), "000000050101f70901");
        golden(&FromLead::from(Failed { id: 9, reason: FailureReason::NotLead }), "000000050101f70905");
        golden(
            &FromFollower::from(AskAccess::sample()),
            "000000300101920201076167656e743a610e6f70656e61692f6170695f6b657909646174615f72656164010461636d6503782079",
        );
        golden(
            &FromFollower::from(ListAccess { id: 3, principal: Some("user:1000".into()) }),
            "0000000f010193030109757365723a31303030",
        );
        golden(&FromLead::from(AccessNoted { id: 2, number: 7, is_new: true }), "000000060101f6020701");
        golden(
            &FromLead::from(AccessList::sample()),
            "000000350101f803010709757365723a313030300470726f640e6f70656e61692f6170695f6b657909646174615f7265616400037820790201",
        );
        golden(&FromLead::from(Failed { id: 9, reason: FailureReason::TooMany }), "000000050101f70906");
        golden(
            &FromFollower::from(PublishEvent::sample()),
            "00000042010194051e6576745f30314152595a36533431303030303030303030303030303030300c646174612e63726561746564076167656e743a61010461636d6502027b7d",
        );
        golden(&FromLead::from(EventTaken { id: 5, is_new: true }), "000000050101f90501");
        golden(&FromFollower::from(Leave { id: 6 }), "0000000401019506");
        golden(&FromLead::from(Left { id: 6 }), "000000040101fa06");
    }

    #[test]
    fn no_bytes_make_the_request_stream_panic() {
        survives_anything(&FromFollower::from(Renew { id: 1, csr: vec![0x30, 0x82] }));
        survives_anything(&FromLead::from(Renewed { id: 1, chain: vec![vec![0x30], vec![0x31]] }));
        survives_anything(&FromFollower::from(AskAccess::sample()));
        survives_anything(&FromLead::from(AccessList::sample()));
        survives_anything(&FromFollower::from(PublishEvent::sample()));
    }

    #[test]
    fn every_answer_carries_the_id_of_its_question() {
        assert_eq!(FromLead::from(Renewed { id: 1, chain: vec![] }).id(), 1);
        assert_eq!(FromLead::from(AccessNoted { id: 2, number: 7, is_new: true }).id(), 2);
        assert_eq!(FromLead::from(AccessList { id: 4, requests: vec![] }).id(), 4);
        assert_eq!(FromLead::from(EventTaken { id: 5, is_new: false }).id(), 5);
        assert_eq!(FromLead::from(Failed { id: 3, reason: FailureReason::Busy }).id(), 3);
    }
}
