//! Where the key comes from that opens the root key: a file only the owner reads, or a passphrase.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::durable;
use crate::config::node_config::UnsealSource;
use crate::crypto::passphrase::PassphraseParameters;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::unseal::UnsealKey;
use crate::model::time::Entropy;

/// A key file is 64 digits and a newline; more than this is another file.
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// Makes the unseal key of a new node, with what the store must remember about it.
pub(super) fn create(
    source: &UnsealSource,
    passphrase: Option<&Plaintext>,
    entropy: &dyn Entropy,
) -> Result<(UnsealKey, Option<Vec<u8>>)> {
    match source {
        UnsealSource::File { path } => {
            let text = UnsealKey::generate_key_file(entropy)?;
            match write_private(path, &text) {
                Ok(()) => Ok((UnsealKey::from_key_file(&text)?, None)),
                // A key that an interrupted attempt left behind serves as well as a new one, once it is durable.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    let key = read_key_file(path)?;
                    durable::sync_file(path).with_context(|| format!("cannot synchronise {}", path.display()))?;
                    Ok((key, None))
                }
                Err(error) => Err(error).with_context(|| format!("cannot write the key file {}", path.display())),
            }
        }
        UnsealSource::Passphrase => {
            let parameters = PassphraseParameters::generate(entropy)?;
            let key = UnsealKey::from_passphrase(required(passphrase)?, &parameters)?;
            Ok((key, Some(parameters.encode())))
        }
    }
}

/// Gets the unseal key of a node that exists; `parameters` is what its store remembers.
pub(super) fn open(
    source: &UnsealSource,
    passphrase: Option<&Plaintext>,
    parameters: Option<&[u8]>,
) -> Result<UnsealKey> {
    match source {
        UnsealSource::File { path } => read_key_file(path),
        UnsealSource::Passphrase => {
            let parameters =
                parameters.context("the store was not made with a passphrase; set [unseal] source = \"file\"")?;
            let parameters = PassphraseParameters::decode(parameters)?;
            Ok(UnsealKey::from_passphrase(required(passphrase)?, &parameters)?)
        }
    }
}

/// Makes a directory only the owner may enter, and refuses one that others may.
pub(super) fn private_dir(path: &Path) -> Result<()> {
    durable::make_directory(path, 0o700).with_context(|| format!("cannot make the directory {}", path.display()))?;
    let mode = std::fs::metadata(path)?.mode();
    if mode & 0o077 != 0 {
        bail!("{} may be read by others (mode {:o}); run: chmod 700 {}", path.display(), mode & 0o777, path.display());
    }
    Ok(())
}

fn required(passphrase: Option<&Plaintext>) -> Result<&Plaintext> {
    passphrase.context(
        "this node is unsealed by a passphrase; run it in a terminal, or give the passphrase on standard input",
    )
}

fn read_key_file(path: &Path) -> Result<UnsealKey> {
    let mut file = File::open(path).with_context(|| format!("cannot open the key file {}", path.display()))?;
    let found = file.metadata()?;
    if found.mode() & 0o077 != 0 {
        bail!("the key file {} may be read by others; run: chmod 600 {}", path.display(), path.display());
    }
    if found.len() > KEY_FILE_BYTES_MAX {
        bail!("{} is too large to be a key file", path.display());
    }
    let mut text = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
    file.read_to_end(&mut text)?;
    UnsealKey::from_key_file(&Plaintext::new(text)).with_context(|| format!("{} does not hold a key", path.display()))
}

/// Creates the file readable by the owner alone, and leaves it on disk, under its name, before anything depends on it.
fn write_private(path: &Path, text: &Plaintext) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.expose())?;
    file.sync_all()?;
    durable::sync_parent(path)
}
