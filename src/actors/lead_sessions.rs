//! What all sessions of the lead share, and how a scope key is sealed to the node of one of them.

use std::sync::Arc;

use super::access_desk::AccessDesk;
use super::audit_desk::AuditDesk;
use super::board::{Board, LeadBoard};
use super::error::SessionError;
use super::event_posts::EventPosts;
use super::heartbeat::Heartbeats;
use super::leave_desk::LeaveDesk;
use super::throne::Throne;
use crate::crypto::key_ring::KeyRing;
use crate::crypto::sealing::{self, SealingKey};
use crate::model::identity::MeshId;
use crate::model::name::NodeName;
use crate::model::number::Generation;
use crate::model::roster::RosterEntry;
use crate::model::secret::KeyScope;
use crate::model::time::{Clock, Entropy};
use crate::transport::authority::Authority;
use crate::wire::secret::ScopeKeyFrame;
use crate::wire::version::ProtocolVersion;

/// What all sessions share.
pub struct LeadSessions {
    /// The lead's name.
    pub lead: NodeName,
    /// What reads are answered from: the open scope keys.
    pub board: Arc<Board>,
    /// What sessions are fed from.
    pub lead_board: Arc<LeadBoard>,
    /// Who was heard when.
    pub heartbeats: Heartbeats,
    /// Seals scope keys to nodes.
    pub sealer: ScopeSealer,
    /// Takes in what callers of followers ask to be allowed.
    pub access: Arc<AccessDesk>,
    /// Takes the journals of followers.
    pub audit: Arc<AuditDesk>,
    /// Takes in what programs of followers tell.
    pub posts: Arc<EventPosts>,
    /// Lets nodes go.
    pub leave: LeaveDesk,
    /// Whose reign it is.
    pub throne: Arc<Throne>,
    /// Issues certificates.
    pub authority: Arc<Authority>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Which versions of the protocol this lead speaks, newest first.
    pub speaks: &'static [ProtocolVersion],
}

/// Seals scope keys to nodes, in the name of the mesh.
pub struct ScopeSealer {
    /// Bound into every seal.
    pub mesh: MeshId,
    /// The mesh's own key; followers pinned its public half.
    pub mesh_sealing: SealingKey,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
}

impl ScopeSealer {
    /// One open key of the ring, for the node of a roster entry.
    pub(super) fn seal(
        &self,
        entry: &RosterEntry,
        ring: &KeyRing,
        at: &KeyScope,
        generation: Generation,
    ) -> Result<ScopeKeyFrame, SessionError> {
        let key = ring.get(at, generation).ok_or(SessionError::Sealed)?;
        let Self { mesh, mesh_sealing, entropy } = self;
        let sealed = sealing::seal_scope_key(
            mesh_sealing,
            &entry.sealing_key,
            mesh,
            &entry.name,
            at,
            generation,
            &key,
            &**entropy,
        )?;
        Ok(ScopeKeyFrame::from(&sealed))
    }
}
