//! The part of the table that is about nodes and join tokens.

use axum::http::StatusCode;

use crate::vault::roster_error::RosterError;

/// For whoever asks a banned node.
pub(super) const BANNED_HINT: &str = "To use this machine again: aurora nodes remove NODE on the lead; here, with the node stopped, \
                                      aurora leave --without-lead --yes; then aurora join TOKEN with a new token.";

/// The status of a refusal, and what to do next.
pub(super) fn status_and_hint(error: &RosterError) -> (StatusCode, String) {
    let (status, hint) = match error {
        RosterError::Banned(node) => {
            let hint = format!("Forget it first, if its name is to be given again: aurora nodes remove {node}");
            return (StatusCode::CONFLICT, hint);
        }
        RosterError::NotPending(node) => {
            return (StatusCode::CONFLICT, format!("See how it stands: aurora nodes show {node}"));
        }
        RosterError::OtherFingerprint(node) => {
            let hint = format!("Compare both sides again; to send it away: aurora nodes remove {node}");
            return (StatusCode::CONFLICT, hint);
        }
        RosterError::Exists(_) => {
            (StatusCode::CONFLICT, "Choose another name, or change what that node may hold: aurora nodes entitle")
        }
        RosterError::OlderLead(node) => {
            let hint = format!(
                "On the lead: aurora nodes remove {node}; then stop the node, and here: aurora leave --without-lead"
            );
            return (StatusCode::CONFLICT, hint);
        }
        RosterError::LeadLeaves => {
            (StatusCode::CONFLICT, "To end the mesh, stop every node and remove its state directory.")
        }
        RosterError::LeadStays => (StatusCode::CONFLICT, "Name a follower; look with: aurora nodes list"),
        RosterError::NoSuchToken(_) => (StatusCode::NOT_FOUND, "Look with: aurora token list"),
        RosterError::TokenLifetime => (StatusCode::BAD_REQUEST, "Correct it and send the request again."),
    };
    (status, hint.to_owned())
}
