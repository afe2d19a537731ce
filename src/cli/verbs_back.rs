//! `rollback --to-revision`: the secrets of the mesh back to what they were. What it would change is shown before it is asked.

use super::confirm;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_back::{BackBody, BackView};

/// Goes back to a revision.
pub(super) async fn rollback(
    session: &mut Session<'_>,
    to_revision: u64,
    dry_run: bool,
    yes: bool,
) -> Result<(), CliError> {
    let ask = |dry_run| Question::post("/api/rollback", &BackBody { to_revision, dry_run });
    if dry_run || !yes {
        let rehearsed: BackView = session.admin()?.ask(session.with_reason(ask(true)?)?).await?;
        if dry_run || rehearsed.is_empty() {
            return session.output.report(&rehearsed);
        }
        confirm::possible("going back", &format!("aurora rollback --to-revision {to_revision} --yes"))?;
        session.output.report(&rehearsed)?;
        confirm::ask(&format!("Bring all of these back to revision {to_revision}?"))?;
    }
    let went: BackView = session.admin()?.ask(session.with_reason(ask(false)?)?).await?;
    session.output.report(&went)
}
