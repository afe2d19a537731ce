//! `aurora snapshot verify FILE --config` and `--recovery-key`: whether a snapshot could be restored, found out without a node:
//! with the unseal source of a configuration, or on a machine that has nothing of the mesh but a recovery key.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};

use super::seams::Seams;
use super::{config_file, hardening, unseal};
use crate::actors::snapshot_proof::{Examination, Opener, Proof, prove};
use crate::cli::arguments_snapshot::VerifyArguments;
use crate::cli::passphrase::{self, Kind};
use crate::cli::say;
use crate::config::node_config::{Defaults, UnsealSource};
use crate::crypto::plaintext::Plaintext;
use crate::crypto::recovery::RecoveryKey;
use crate::snapshot::header::Header;
use crate::snapshot::read::Reader;
use crate::store::blob::BlobName;

/// The exit code of a snapshot that could not be restored.
const UNSOUND: u8 = 2;

/// Longest file of a recovery key.
const KEY_BYTES_MAX: u64 = 4096;

/// Examines the snapshot and says what came of it.
#[must_use]
pub fn run(arguments: &VerifyArguments) -> ExitCode {
    match prepared(arguments) {
        Ok(Ok(proof)) => {
            tell(&proof);
            ExitCode::SUCCESS
        }
        Ok(Err(unsound)) => {
            say::error(&format!("this snapshot could not be restored: {unsound:#}"));
            ExitCode::from(UNSOUND)
        }
        Err(error) => {
            say::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The verdict; an error when it could not be found out.
fn prepared(arguments: &VerifyArguments) -> Result<Result<Proof>> {
    hardening::harden().context("core dumps cannot be turned off; no key is touched")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let verdict = runtime.block_on(examine(arguments));
    runtime.shutdown_background();
    verdict
}

async fn examine(arguments: &VerifyArguments) -> Result<Result<Proof>> {
    let path = &arguments.file;
    let open = || File::open(path).with_context(|| format!("cannot open {}", path.display()));
    let header = match Reader::open(BufReader::new(open()?)) {
        Ok(reader) => reader.header().clone(),
        Err(error) => return Ok(Err(error.into())),
    };
    let opener = match (&arguments.recovery_key, &arguments.config) {
        (Some(key), _) => Opener::Recovery(Arc::new(recovery_key(key)?)),
        (None, Some(config)) => unsealing(config, &header)?,
        (None, None) => return Err(anyhow!("neither a configuration nor a recovery key was named")),
    };
    let how = Examination {
        scratch: scratch(),
        opener,
        // Nobody here knows whose it should be: that it is signed by the authority that is in it is all there is to know.
        expected: None,
        journals: None,
        now: Seams::system()?.clock.now().wall,
    };
    Ok(prove(BufReader::new(open()?), how).await.map_err(anyhow::Error::from))
}

/// The unseal source of a node, with what the snapshot says it takes.
fn unsealing(file: &Path, header: &Header) -> Result<Opener> {
    let superuser = rustix::process::geteuid().is_root();
    let defaults =
        Defaults::from_environment(superuser, |name| std::env::var(name).ok()).map_err(|error| anyhow!(error))?;
    let config = config_file::read(file, &defaults)?;
    let passphrase: Option<Plaintext> = match config.unseal {
        UnsealSource::Passphrase => passphrase::ask_if_any(Kind::Known).map_err(|error| anyhow!("{error}"))?,
        UnsealSource::Shamir => {
            return Err(anyhow!(
                "this node opens with shares: verify the snapshot on the node, or with a recovery key"
            ));
        }
        UnsealSource::File { .. } | UnsealSource::SystemdCredential { .. } => None,
    };
    let blobs = header.root_key.passphrase.clone().map(|bytes| (BlobName::PassphraseParameters, bytes));
    let key = unseal::open(&config.unseal, passphrase.as_ref(), &blobs.into_iter().collect())?;
    Ok(Opener::Unseal(Arc::new(key)))
}

/// Reads the file of a recovery key.
pub(super) fn recovery_key(path: &Path) -> Result<RecoveryKey> {
    let file = File::open(path).with_context(|| format!("cannot open the recovery key {}", path.display()))?;
    let mut text = Vec::with_capacity(usize::try_from(KEY_BYTES_MAX).unwrap_or_default());
    file.take(KEY_BYTES_MAX).read_to_end(&mut text)?;
    let text = Plaintext::new(text);
    let key = std::str::from_utf8(text.expose()).context("the file of the recovery key is no text")?;
    Ok(RecoveryKey::parse(key)?)
}

/// A directory for what is restored; what is in it is sealed, and it goes again.
fn scratch() -> PathBuf {
    std::env::temp_dir().join(format!("aurora-snapshot-{}", std::process::id()))
}

fn tell(proof: &Proof) {
    let header = &proof.header;
    say::line("The snapshot is whole: it was restored, and everything in it opens.");
    say::line(&format!("  mesh       {}", header.mesh));
    say::line(&format!("  lead       {}, store {}", header.node, header.store));
    say::line(&format!("  taken      {}", header.taken_at));
    say::line(&format!("  position   revision {} of epoch {}", header.position.revision.0, header.position.epoch.0));
    say::line(&format!("  values     {} current, {} older", proof.current, proof.older));
    say::line(&format!("  rows       {}", proof.counts.total()));
    say::line(&format!("  authority  {} ({})", header.authority_pin(), header.authority_pin().fingerprint()));
    say::note("Compare the authority with that of your mesh: aurora audit nodes prints it on the lead.");
}
