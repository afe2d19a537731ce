//! The part of the table that is about snapshots.

use axum::http::StatusCode;

use crate::vault::backup_error::BackupError;

/// The status of a refusal, and what to do next.
pub(super) fn status_and_hint(error: &BackupError) -> (StatusCode, &'static str) {
    match error {
        BackupError::NoPlace => (
            StatusCode::CONFLICT,
            "Save to a file: aurora snapshot save FILE; or name a directory in [snapshot] of node.toml, and start the node again.",
        ),
        BackupError::NoSuch => (StatusCode::NOT_FOUND, "Look with: aurora snapshot list"),
        BackupError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Try again when it is done: aurora snapshot list"),
        BackupError::Unsound { .. } => (
            StatusCode::BAD_REQUEST,
            "Do not rely on it: make another one with aurora snapshot save FILE, then aurora snapshot verify FILE, and look for the cause.",
        ),
        BackupError::Failed { .. } => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Look at the disk and at the node's log, and try again.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::row;
    use super::*;
    use crate::vault::error::VaultError;

    #[test]
    fn a_refusal_about_snapshots_has_a_code_a_program_can_branch_on() {
        let reason = || "bytes follow the end of the snapshot".to_owned();
        for (error, status, code) in [
            (BackupError::NoPlace, 409, "no_place"),
            (BackupError::NoSuch, 404, "not_found"),
            (BackupError::Busy, 503, "overloaded"),
            (BackupError::Unsound { reason: reason() }, 400, "unsound_snapshot"),
            (BackupError::Failed { reason: reason() }, 500, "snapshot_failed"),
        ] {
            let told = row(&VaultError::from(error).into());
            assert_eq!((told.status.as_u16(), told.code), (status, code));
            assert!(!told.hint.is_empty() && !told.message.is_empty());
        }
    }
}
