//! `audit` and `completion`.

use clap::CommandFactory;

use super::arguments::{Cli, Format, Shell};
use super::arguments_audit::AuditVerb;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_admin::{AuditView, VerdictView};

/// `aurora audit …`
pub(super) async fn audit(session: &mut Session<'_>, verb: &AuditVerb) -> Result<(), CliError> {
    match verb {
        AuditVerb::Tail { lines } => {
            let question = Question::get("/api/audit").with("limit", Some(&lines.to_string()));
            let tail: AuditView = session.admin()?.ask(question).await?;
            match session.output.format() {
                Format::Json => lines_as_they_are(session, &tail),
                Format::Table | Format::Yaml => session.output.show(&tail),
            }
        }
        AuditVerb::Verify => {
            let verdict: VerdictView = session.admin()?.ask(Question::get("/api/audit/verify")).await?;
            session.output.show(&verdict)?;
            verdict.broken.map_or(Ok(()), |reason| Err(CliError::JournalBroken { reason }))
        }
    }
}

/// JSON Lines, byte for byte as the journal has them: the hash of the next line covers these bytes.
fn lines_as_they_are(session: &mut Session<'_>, tail: &AuditView) -> Result<(), CliError> {
    tail.lines.iter().try_for_each(|line| session.output.write(format!("{line}\n").as_bytes()))
}

/// `aurora completion`
pub(super) fn completion(session: &mut Session<'_>, shell: Shell) -> Result<(), CliError> {
    let mut script = Vec::new();
    let mut command = Cli::command();
    match shell {
        Shell::Bash => clap_complete::generate(clap_complete::Shell::Bash, &mut command, "aurora", &mut script),
        Shell::Zsh => clap_complete::generate(clap_complete::Shell::Zsh, &mut command, "aurora", &mut script),
        Shell::Fish => clap_complete::generate(clap_complete::Shell::Fish, &mut command, "aurora", &mut script),
    }
    session.output.write(&script)
}
