//! `snapshot`: saving the lead, and finding out whether what was saved could be restored.

use std::path::Path;

use super::arguments_snapshot::{SaveArguments, SnapshotVerb, VerifyArguments};
use super::error::CliError;
use super::question::Question;
use super::secret_file;
use super::session::Session;
use super::snapshot_file::{FileBody, NewFile};
use super::verbs_watch::SILENCE_MAX;
use super::views_snapshot::{ProofView, RecoveryView, SavedView, SnapshotsView};
use crate::crypto::error::CryptoError;
use crate::crypto::recovery::RecoveryKey;
use crate::crypto::system_entropy::SystemEntropy;
use crate::snapshot::name::SnapshotName;

/// `aurora snapshot …`
pub(super) async fn snapshot(session: &mut Session<'_>, verb: &SnapshotVerb) -> Result<(), CliError> {
    match verb {
        SnapshotVerb::Save(arguments) => save(session, arguments).await,
        SnapshotVerb::List => {
            let list: SnapshotsView = session.admin()?.ask(Question::get("/api/snapshots")).await?;
            session.output.show(&list)
        }
        SnapshotVerb::Verify(arguments) => verify(session, arguments).await,
        SnapshotVerb::Keygen { file } => keygen(session, file),
        SnapshotVerb::Restore(_) => Err(CliError::Usage {
            message: "a restore is not asked of a node: it works on one that is stopped".to_owned(),
            hint: "Stop the node, and run the same command by itself.".to_owned(),
        }),
    }
}

async fn save(session: &mut Session<'_>, arguments: &SaveArguments) -> Result<(), CliError> {
    let Some(file) = &arguments.file else {
        let question = session.with_reason(Question::post_nothing("/api/snapshots"))?;
        let bar = session.output.progress();
        bar.wait("saving and restoring");
        let saved = session.admin()?.patiently().ask(question).await;
        bar.end();
        let saved: SavedView = saved?;
        session.output.report(&saved)?;
        if let Some(reason) = saved.not_taken {
            session.output.note(&format!("it was not taken elsewhere: {reason}"));
        }
        return Ok(());
    };
    let mut to = if file.as_os_str() == "-" { None } else { Some(NewFile::begin(file, arguments.force)?) };
    let question = session.with_reason(Question::post_nothing("/api/snapshots/export"))?;
    let mut stream = session.admin()?.open(question).await?;
    let (bar, mut bytes) = (session.output.progress(), 0_u64);
    loop {
        let chunk = tokio::time::timeout(SILENCE_MAX, stream.chunk()).await;
        let Some(piece) = chunk.map_err(|_| CliError::TimedOut { after: SILENCE_MAX })?? else { break };
        bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or_default());
        match &mut to {
            Some(to) => to.write(&piece)?,
            None => session.output.write(&piece)?,
        }
        bar.at("bytes saved:", bytes, None);
    }
    bar.end();
    if let Some(to) = to {
        to.finish(arguments.force)?;
        session.output.note(&format!(
            "{bytes} bytes in {}; find out whether it could be restored: aurora snapshot verify {}",
            file.display(),
            file.display()
        ));
    }
    Ok(())
}

async fn verify(session: &mut Session<'_>, arguments: &VerifyArguments) -> Result<(), CliError> {
    let file = &arguments.file;
    let kept = file.to_str().and_then(SnapshotName::parse).filter(|_| !file.exists());
    let question = Question::deed("/api/snapshots/verify").with("name", kept.as_ref().map(SnapshotName::as_str));
    let question = session.with_reason(question)?;
    let admin = session.admin()?.patiently();
    let bar = session.output.progress();
    let proven = match kept {
        Some(_) => {
            bar.wait("restoring");
            admin.ask(question).await
        }
        None => match admin.send_file(question, FileBody::open(file, bar.clone())?).await {
            Ok(answer) => answer.parse(),
            Err(error) => Err(error),
        },
    };
    bar.end();
    let proven: ProofView = proven?;
    session.output.show(&proven)
}

fn keygen(session: &mut Session<'_>, file: &Path) -> Result<(), CliError> {
    if file.symlink_metadata().is_ok() {
        return Err(CliError::Usage {
            message: format!("{} is there already", file.display()),
            hint: "Take another name: a recovery key that is replaced opens nothing any more.".to_owned(),
        });
    }
    let failed = |error: CryptoError| CliError::System { action: "make a key", source: std::io::Error::other(error) };
    let key = RecoveryKey::generate(&SystemEntropy).map_err(failed)?;
    let recipient = key.recipient().map_err(failed)?;
    secret_file::write(file, &key.text())?;
    session.output.show(&RecoveryView { recipient: recipient.text(), file: file.display().to_string() })?;
    session.output.note(&format!(
        "the secret half is in {}: take it where the lead is not; add the text above to recipients in [snapshot] of node.toml",
        file.display()
    ));
    Ok(())
}
