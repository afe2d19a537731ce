//! `audit verify`, `heads`, `nodes` and `proof`: what proves that journals are whole.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::arguments::Format;
use super::arguments_audit::VerifyArguments;
use super::error::CliError;
use super::question::Question;
use super::session::Session;
use super::verbs_watch::SILENCE_MAX;
use super::views_audit_proof::{AuditNodesView, CheckedView, HeadsView, VerdictView, VerdictsView};
use crate::audit::error::AuditError;
use crate::audit::proof::Anchor;
use crate::audit::proof_file::{Leave, check, read_heads};
use crate::audit::verify::Flaw;
use crate::model::identity::KeyPin;
use crate::model::name::NodeName;

/// `aurora audit verify`
pub(super) async fn verify(session: &mut Session<'_>, asked: &VerifyArguments) -> Result<(), CliError> {
    if let Some(file) = &asked.file {
        return verify_file(session, file, asked).await;
    }
    if let Some(node) = &asked.node {
        let question = Question::get("/api/audit/verify").with("node", Some(node.as_str()));
        let verdicts: VerdictsView = ask_patiently(session, question).await?;
        session.output.show(&verdicts)?;
        let broken = verdicts.chains.into_iter().find_map(|chain| Some((chain.chain, chain.broken?)));
        let named = |(chain, reason): (Option<u32>, String)| match chain {
            Some(chain) => Err(CliError::JournalBroken { reason: format!("chain {chain}: {reason}") }),
            None => Err(CliError::JournalBroken { reason }),
        };
        return broken.map_or(Ok(()), named);
    }
    let verdict: VerdictView = ask_patiently(session, Question::get("/api/audit/verify")).await?;
    session.output.show(&verdict)?;
    verdict.broken.map_or(Ok(()), |reason| Err(CliError::JournalBroken { reason }))
}

/// Asks what takes as long as there are lines, and shows that it goes on.
async fn ask_patiently<T: DeserializeOwned>(session: &Session<'_>, question: Question) -> Result<T, CliError> {
    let progress = session.output.progress();
    progress.wait("following the journal");
    let answer = session.admin()?.patiently().ask(question).await;
    progress.end();
    answer
}

/// Checks a file here, without the mesh. Only whom to trust may be asked of a node.
async fn verify_file(session: &mut Session<'_>, file: &Path, asked: &VerifyArguments) -> Result<(), CliError> {
    let authority = match asked.authority {
        Some(pin) => pin,
        None => authority_of_node(session).await?,
    };
    let unreadable = |error: AuditError| CliError::Usage {
        message: why(&error),
        hint: "Give a file as aurora audit proof writes it.".to_owned(),
    };
    let more = asked.heads.as_deref().map(read_heads).transpose().map_err(unreadable)?.unwrap_or_default();
    let leave = Leave { partial: asked.partial, unsealed: asked.unsealed };
    let checked = check(file, &Anchor { authority, mesh: None }, &more, leave).map_err(unreadable)?;
    session.output.show(&CheckedView::new(&checked, &authority))?;
    match checked.broken {
        None => Ok(()),
        Some(broken) if broken.flaw == Flaw::Unsealed => Err(CliError::Unproved { reason: broken.to_string() }),
        Some(broken) => Err(CliError::JournalBroken { reason: broken.to_string() }),
    }
}

fn why(error: &AuditError) -> String {
    if let AuditError::Io { path, source } = error {
        return format!("{} cannot be read: {source}", path.display());
    }
    error.to_string()
}

async fn authority_of_node(session: &Session<'_>) -> Result<KeyPin, CliError> {
    let none = |_| CliError::Usage {
        message: "nobody says whose seals to believe: no authority was given, and no node answers".to_owned(),
        hint: "Give --authority sha256:…, as aurora audit nodes prints it on the lead; without one nothing is proved."
            .to_owned(),
    };
    let heads: HeadsView = session.admin()?.ask(Question::get("/api/audit/heads")).await.map_err(none)?;
    KeyPin::parse(&heads.authority).ok_or(CliError::Garbled { what: "it names no authority" })
}

/// `aurora audit heads`
pub(super) async fn heads(session: &mut Session<'_>, node: Option<&NodeName>) -> Result<(), CliError> {
    let question = Question::get("/api/audit/heads").with("node", node.map(NodeName::as_str));
    let heads: HeadsView = session.admin()?.ask(question).await?;
    // A seal is a line of JSON in every format but the one for people.
    match session.output.format() {
        Format::Json => {
            heads.heads.iter().try_for_each(|head| session.output.write(format!("{}\n", head.line).as_bytes()))
        }
        Format::Table | Format::Yaml => session.output.show(&heads),
    }
}

/// `aurora audit nodes`
pub(super) async fn nodes(session: &mut Session<'_>) -> Result<(), CliError> {
    let nodes: AuditNodesView = session.admin()?.ask(Question::get("/api/audit/nodes")).await?;
    session.output.show(&nodes)
}

/// `aurora audit proof`
pub(super) async fn proof(session: &mut Session<'_>, node: Option<&NodeName>) -> Result<(), CliError> {
    let question = Question::get("/api/audit/proof").with("node", node.map(NodeName::as_str));
    let mut stream = session.admin()?.open(question).await?;
    loop {
        let chunk = tokio::time::timeout(SILENCE_MAX, stream.chunk()).await;
        match chunk.map_err(|_| CliError::TimedOut { after: SILENCE_MAX })?? {
            Some(bytes) => session.output.write(&bytes)?,
            None => return Ok(()),
        }
    }
}
