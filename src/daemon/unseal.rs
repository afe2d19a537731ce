//! Where the key comes from that opens the root key: a file only the owner reads, a credential of systemd, a passphrase, or
//! shares that several people hold.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::brought::{Brought, Show};
use super::{credential, durable};
use crate::config::node_config::UnsealSource;
use crate::crypto::passphrase::PassphraseParameters;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::shares::{self, ShareParameters};
use crate::crypto::unseal::UnsealKey;
use crate::model::time::Entropy;
use crate::store::blob::BlobName;
use crate::store::mutation::Mutation;

/// A key file is 64 digits and a newline; more than this is another file.
const KEY_FILE_BYTES_MAX: u64 = 4096;

const NO_PASSPHRASE: &str =
    "this node is unsealed by a passphrase; run it in a terminal, or give the passphrase on standard input";

/// The unseal key of a new node.
pub(super) struct Made<'person> {
    pub(super) key: Arc<UnsealKey>,
    remembered: Option<(BlobName, Vec<u8>)>,
    unshown: Option<Unshown<'person>>,
}

/// Shares that nobody has seen yet.
struct Unshown<'person> {
    parameters: ShareParameters,
    shares: Vec<Plaintext>,
    show: Show<'person>,
}

impl Made<'_> {
    /// A key that needs nothing but itself.
    fn alone(key: UnsealKey) -> Self {
        Self { key: Arc::new(key), remembered: None, unshown: None }
    }

    /// What the store must remember about it.
    pub(super) fn remembered(&self) -> Option<Mutation> {
        self.remembered.clone().map(|(name, bytes)| Mutation::PutBlob(name, bytes))
    }

    /// Shows what only people will keep. Once the node is there it is too late: it must not be there before.
    ///
    /// # Errors
    /// When it cannot be shown.
    pub(super) fn show(&self) -> Result<()> {
        self.unshown.as_ref().map_or(Ok(()), |it| (it.show)(&it.parameters, &it.shares))
    }
}

/// Makes the unseal key of a new node.
pub(super) fn create<'person>(
    source: &UnsealSource,
    brought: Option<Brought<'person>>,
    entropy: &dyn Entropy,
) -> Result<Made<'person>> {
    match (source, brought) {
        (UnsealSource::File { path }, None) => make_key_file(path, entropy).map(Made::alone),
        (UnsealSource::SystemdCredential { .. }, None) => open(source, None, &BTreeMap::new()).map(Made::alone),
        (UnsealSource::Passphrase, Some(Brought::Passphrase(passphrase))) => {
            let parameters = PassphraseParameters::generate(entropy)?;
            let key = UnsealKey::from_passphrase(passphrase, &parameters)?;
            let remembered = Some((BlobName::PassphraseParameters, parameters.encode()));
            Ok(Made { remembered, ..Made::alone(key) })
        }
        (UnsealSource::Shamir, Some(Brought::Quorum(quorum, show))) => {
            let key = UnsealKey::generate(entropy)?;
            let parameters = ShareParameters::generate(quorum, entropy)?;
            let shares = shares::split(&key, &parameters, entropy)?;
            let remembered = Some((BlobName::ShareParameters, parameters.encode()));
            Ok(Made { key: Arc::new(key), remembered, unshown: Some(Unshown { parameters, shares, show }) })
        }
        (UnsealSource::Passphrase, None | Some(Brought::Quorum(..))) => bail!(NO_PASSPHRASE),
        (UnsealSource::Shamir, None | Some(Brought::Passphrase(_))) => bail!("how many shares are wanted was not said"),
        (UnsealSource::File { .. } | UnsealSource::SystemdCredential { .. }, Some(_)) => {
            bail!("this unseal source takes neither a passphrase nor shares")
        }
    }
}

/// The key that [`create`] made for this source before, and what was remembered about it.
pub(super) fn again<'person>(
    source: &UnsealSource,
    brought: Option<Brought<'person>>,
    blobs: &BTreeMap<BlobName, Vec<u8>>,
) -> Result<Made<'person>> {
    let key = open(source, brought.and_then(Brought::passphrase), blobs)?;
    let remembered = blobs.get_key_value(&BlobName::PassphraseParameters);
    Ok(Made { remembered: remembered.map(|(name, bytes)| (*name, bytes.clone())), ..Made::alone(key) })
}

/// Gets the unseal key of a node that exists; `blobs` are what its store remembers.
pub(super) fn open(
    source: &UnsealSource,
    passphrase: Option<&Plaintext>,
    blobs: &BTreeMap<BlobName, Vec<u8>>,
) -> Result<UnsealKey> {
    match source {
        UnsealSource::File { path } => {
            let file = File::open(path).with_context(|| format!("cannot open the key file {}", path.display()))?;
            if file.metadata()?.mode() & 0o077 != 0 {
                bail!("the key file {} may be read by others; run: chmod 600 {}", path.display(), path.display());
            }
            read_key(path, file)
        }
        UnsealSource::SystemdCredential { credential } => {
            let (path, file) = credential::open(credential)?;
            read_key(&path, file)
        }
        UnsealSource::Passphrase => {
            let passphrase = passphrase.context(NO_PASSPHRASE)?;
            Ok(UnsealKey::from_passphrase(passphrase, &passphrase_parameters(blobs)?)?)
        }
        UnsealSource::Shamir => bail!("this node opens with shares: start it, and bring them with `aurora unseal`"),
    }
}

/// How the store's passphrase becomes a key.
pub(super) fn passphrase_parameters(blobs: &BTreeMap<BlobName, Vec<u8>>) -> Result<PassphraseParameters> {
    let bytes = blobs.get(&BlobName::PassphraseParameters);
    let bytes =
        bytes.context("the store was not made with a passphrase; set [unseal] source to what it was made with")?;
    Ok(PassphraseParameters::decode(bytes)?)
}

/// Which shares open the store.
pub(super) fn share_parameters(blobs: &BTreeMap<BlobName, Vec<u8>>) -> Result<ShareParameters> {
    let bytes = blobs.get(&BlobName::ShareParameters);
    let bytes = bytes.context("the store was not made with shares; set [unseal] source to what it was made with")?;
    Ok(ShareParameters::decode(bytes)?)
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

fn make_key_file(path: &Path, entropy: &dyn Entropy) -> Result<UnsealKey> {
    let text = UnsealKey::generate_key_file(entropy)?;
    match durable::create_private(path, text.expose()) {
        Ok(()) => Ok(UnsealKey::from_key_file(&text)?),
        // A key that an interrupted attempt left behind serves as well as a new one, once it is durable.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let key = open(&UnsealSource::File { path: path.to_owned() }, None, &BTreeMap::new())?;
            durable::sync_file(path).with_context(|| format!("cannot synchronise {}", path.display()))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot write the key file {}", path.display())),
    }
}

fn read_key(path: &Path, mut file: File) -> Result<UnsealKey> {
    let length = file.metadata()?.len();
    if length > KEY_FILE_BYTES_MAX {
        bail!("{} is too large to be a key file", path.display());
    }
    let mut text = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.read_to_end(&mut text)?;
    UnsealKey::from_key_file(&Plaintext::new(text)).with_context(|| format!("{} does not hold a key", path.display()))
}
