//! Signed heads and seals, as the wire has them and as the audit room speaks of them.

use crate::audit::head::Head;
use crate::audit::seal::{Seal, SignedHead, Statement};
use crate::crypto::signature::pin;
use crate::model::identity::MeshId;
use crate::model::name::NodeName;
use crate::model::time::Timestamp;
use crate::wire::audit::{HeadFrame, SealFrame};
use crate::wire::error::WireError;

/// A signed head for the wire.
pub(super) fn head_frame(head: &SignedHead) -> HeadFrame {
    let Statement { mesh, node, head: at, format, time, .. } = &head.statement;
    HeadFrame {
        mesh: mesh.0,
        node: node.to_string(),
        seq: at.seq,
        hash: at.hash,
        format: *format,
        time_ms: time.0,
        public_key: head.public_key.clone(),
        signature: head.signature.clone(),
    }
}

/// A signed head from the wire. Whether it is signed is for the receiver to check.
///
/// # Errors
/// [`WireError`] when a field is not what it can be.
pub(super) fn signed_head(frame: HeadFrame) -> Result<SignedHead, WireError> {
    frame.check()?;
    let statement = Statement {
        mesh: MeshId(frame.mesh),
        node: NodeName::parse(&frame.node)?,
        head: Head { seq: frame.seq, hash: frame.hash },
        format: frame.format,
        time: Timestamp(frame.time_ms),
        key: pin(&frame.public_key),
    };
    Ok(SignedHead { statement, public_key: frame.public_key, signature: frame.signature })
}

/// A seal for the wire.
pub(super) fn seal_frame(seal: &Seal) -> SealFrame {
    SealFrame {
        head: head_frame(&seal.head),
        sealed_at_ms: seal.sealed_at.0,
        authority: seal.authority.clone(),
        countersignature: seal.countersignature.clone(),
    }
}

/// A seal from the wire. Whether it is one is for the receiver to check.
///
/// # Errors
/// [`WireError`] when a field is not what it can be.
pub(super) fn seal(frame: SealFrame) -> Result<Seal, WireError> {
    frame.check()?;
    Ok(Seal {
        head: signed_head(frame.head)?,
        sealed_at: Timestamp(frame.sealed_at_ms),
        authority: frame.authority,
        countersignature: frame.countersignature,
    })
}
