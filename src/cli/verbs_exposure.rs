//! `exposure`: the list to work through after an incident.

use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_exposure::ExposureView;

/// `aurora exposure WHOSE`
pub(super) async fn exposure(session: &mut Session<'_>, of: &str) -> Result<(), CliError> {
    let exposure: ExposureView = session.admin()?.ask(Question::get("/api/exposure").with("of", Some(of))).await?;
    session.output.show(&exposure)?;
    for note in exposure.notes() {
        session.output.note(&note);
    }
    Ok(())
}
