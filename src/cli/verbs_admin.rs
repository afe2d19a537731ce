//! `token`, `audit` and `completion`.

use clap::CommandFactory;

use super::arguments::{AuditVerb, Cli, Format, Shell, TokenVerb};
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::views_admin::{AuditView, TokenBody, TokenView, VerdictView};
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName};

/// `aurora token …`
pub(super) async fn token(session: &mut Session<'_>, verb: TokenVerb) -> Result<(), CliError> {
    let TokenVerb::Create { node, allow, valid_for } = verb;
    let body = TokenBody {
        node: node.as_str(),
        environment: session.environment.as_ref().map(EnvironmentName::as_str),
        companies: session.companies.iter().map(CompanyId::as_str).collect(),
        allow: (!allow.is_empty()).then(|| allow.iter().map(SecretGlob::as_str).collect()),
        valid_for: valid_for.map(|valid_for| valid_for.as_secs()),
    };
    let token: TokenView = session.admin()?.ask(Question::post("/api/tokens", &body)?).await?;
    match session.output.format() {
        Format::Table => print_token(session, &token),
        Format::Json | Format::Yaml => session.output.data(&token),
    }
}

/// The token alone on its line, then the line to copy, unless the person wants the token only.
fn print_token(session: &mut Session<'_>, token: &TokenView) -> Result<(), CliError> {
    let text = token.token.plaintext().expose();
    session.output.write(text)?;
    if session.output.is_quiet() {
        return session.output.write(b"\n");
    }
    let when = format!("\n\nIt admits {} once, until {}. There, type:\n\n  aurora join ", token.node, token.expires_at);
    session.output.write(when.as_bytes())?;
    session.output.write(text)?;
    session.output.write(b"\n")
}

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
