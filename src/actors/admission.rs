//! Who is a member at this moment, by the roster: asked at every handshake, and again for as long as a session lasts.

use std::sync::Arc;

use super::board::LeadBoard;
use super::error::SessionError;
use crate::model::identity::{KeyPin, Role};
use crate::model::name::NodeName;
use crate::model::roster::{RosterEntry, Standing};
use crate::replication::view::LeadView;
use crate::transport::connection::PeerConnection;
use crate::transport::spiffe::PeerIdentity;
use crate::transport::tls::{Admission, Admittance};

/// The roster as the doorman reads it: a member is who is in it with exactly that key, neither pending nor banned.
pub struct RosterAdmission(pub Arc<LeadBoard>);

impl Admission for RosterAdmission {
    fn judge(&self, identity: &PeerIdentity, pin: &KeyPin) -> Admittance {
        judge(&self.0.lead_view.load(), &identity.node, identity.role, pin)
    }
}

fn judge(lead: &LeadView, node: &NodeName, role: Role, pin: &KeyPin) -> Admittance {
    let known = lead.node(node).filter(|entry| entry.role == role && entry.pin == *pin);
    match known.map(|entry| &entry.standing) {
        Some(Standing::Active) => Admittance::Member,
        Some(Standing::Banned { .. }) => Admittance::Banned,
        Some(Standing::Pending) | None => Admittance::Unknown,
    }
}

/// The roster entry of the member at the other end.
///
/// # Errors
/// [`SessionError::Expelled`] when it is none any more, or its name is another's by now.
pub(super) fn member<'lead>(
    lead: &'lead LeadView,
    connection: &PeerConnection,
) -> Result<&'lead Arc<RosterEntry>, SessionError> {
    let PeerIdentity { node, role, .. } = connection.identity();
    match judge(lead, node, *role, connection.pin()) {
        Admittance::Member => lead.node(node).ok_or(SessionError::Expelled),
        Admittance::Banned | Admittance::Unknown => Err(SessionError::Expelled),
    }
}

/// Returns as soon as the node at the other end is a member no more.
pub(super) async fn expelled(board: &LeadBoard, connection: &PeerConnection) {
    let mut moved = board.governed.subscribe();
    loop {
        moved.mark_unchanged();
        if member(&board.lead_view.load(), connection).is_err() {
            return;
        }
        if moved.changed().await.is_err() {
            // The lead is stopping, and says so itself.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::company::Companies;
    use crate::model::entitlement::Entitlement;
    use crate::model::entitlement_history::EntitlementHistory;
    use crate::model::identity::SealingPublicKey;
    use crate::model::name::EnvironmentName;
    use crate::model::number::Revision;
    use crate::model::time::Timestamp;

    #[test]
    fn only_an_active_node_with_its_own_key_and_role_is_a_member() {
        let (name, pin) = (NodeName::parse("vengeance").expect("a name"), KeyPin([1; 32]));
        let mut lead = LeadView::default();
        let judged = |lead: &LeadView, role, pin| judge(lead, &name, role, &pin);
        assert_eq!(judged(&lead, Role::Follower, pin), Admittance::Unknown);
        let mut enrol = |standing| {
            lead.enrol(RosterEntry {
                name: name.clone(),
                role: Role::Follower,
                pin,
                sealing_key: SealingPublicKey([2; 32]),
                entitlement: Entitlement {
                    environment: EnvironmentName::parse("prod").expect("a name"),
                    companies: Companies::default(),
                    globs: Vec::new(),
                },
                history: EntitlementHistory::beginning(Timestamp(0)),
                joined_at: Timestamp(0),
                standing,
                changed_at: Revision(0),
            });
            lead.clone()
        };
        let banned = Standing::Banned { at: Timestamp(1), reason: "stolen".to_owned() };
        assert_eq!(judged(&enrol(Standing::Pending), Role::Follower, pin), Admittance::Unknown);
        assert_eq!(judged(&enrol(banned.clone()), Role::Follower, pin), Admittance::Banned);
        let active = enrol(Standing::Active);
        assert_eq!(judged(&active, Role::Follower, pin), Admittance::Member);
        assert_eq!(judged(&active, Role::Lead, pin), Admittance::Unknown);
        assert_eq!(judged(&active, Role::Follower, KeyPin([9; 32])), Admittance::Unknown);
        assert_eq!(judged(&enrol(banned), Role::Follower, KeyPin([9; 32])), Admittance::Unknown, "its own key only");
    }
}
