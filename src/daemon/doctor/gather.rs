//! Looking at a node: its files, its store or its own word, its journal.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::assemble_follower::FollowerIdentity;
use super::super::keystore::Keystore;
use super::super::seams::Seams;
use super::super::{AUDIT_DIR, STORE_FILE, assemble_lead};
use super::files::KEY_FILE;
use super::gather_lead;
use super::gather_machine;
use super::reading::{
    DiskReading, FileKind, FileReading, Found, JournalOfNode, JournalReading, NodeReading, Reading, Said, Stopped,
    StoreSaid, UnsealReading,
};
use crate::audit::error::AuditError;
use crate::audit::tombstone::Trust;
use crate::audit::verify::{Verdict, verify, verify_kept};
use crate::cli::doctor::{Told, ask};
use crate::cli::error::CliError;
use crate::config::node_config::{NodeConfig, UnsealSource};
use crate::model::identity::Role;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::transport::certificate::Validity;
use crate::transport::node_key::NodeKey;
use crate::vault::diagnosis::StoreLook;

/// Where systemd looks for encrypted credentials (systemd.exec(5)).
const CREDENTIALS: [&str; 2] = ["/etc/credstore.encrypted", "/run/credstore.encrypted"];

/// How the base64 of a credential begins that opens with a key on the same disk, or with none: the first 15 bytes of the
/// type in its header (systemd, `creds-util.h`: `BY_HOST`, `BY_HOST_SCOPED`, `BY_NULL`).
const UNBOUND: [&str; 3] = ["Whxqht+dQJax1aZeCGLx", "VbntHThZTUOoMZ0uuzMq", "BYRp2vb1QySABUnaD46i"];

/// The same of one that takes the TPM: `BY_TPM2_HMAC`, `…_WITH_PK`, `BY_HOST_AND_TPM2_HMAC`, `…_SCOPED`, `…_WITH_PK`.
const BOUND: [&str; 5] = [
    "DHzAexF2RZGcSwvqCLwg",
    "+vfrk0HjQSyhpDb5Wik2",
    "k6iUCUh0RJCQyvL8k8q1",
    "70rBNnmpSA6n22iJf58W",
    "r0lQqEkTTrGnOEYwT/MM",
];

/// Looks at everything. What cannot be seen is part of what is seen.
pub(super) async fn gather(config: NodeConfig, config_file: PathBuf, seams: &Seams) -> Reading {
    let (node, journal) = node(&config, seams).await;
    let runs = matches!(node, NodeReading::Runs(_) | NodeReading::Silent(_));
    let files = files(&config, &config_file, runs);
    let state = &config.node.state_dir;
    Reading {
        now: seams.clock.now().wall,
        disk: disk(state),
        machine: gather_machine::machine(),
        service: gather_machine::service(&config_file),
        unseal: unseal(&config),
        files,
        journal,
        node,
        config_file,
        config,
    }
}

/// What the node says if it runs; else what its store says.
async fn node(config: &NodeConfig, seams: &Seams) -> (NodeReading, JournalReading) {
    match ask(&config.api.socket_dir).await {
        Ok(told) => {
            let journal = match &told.journal {
                Ok((lines, None)) => JournalReading::Holds(*lines),
                Ok((_, Some(broken))) => JournalReading::Broken(broken.clone()),
                Err(why) => JournalReading::Unreadable(why.clone()),
            };
            (NodeReading::Runs(Box::new(said(told))), journal)
        }
        Err(CliError::NoDaemon { .. }) => stopped(config, seams).await,
        Err(error) => {
            let why = error.to_string();
            (NodeReading::Silent(why.clone()), JournalReading::Unreadable(why))
        }
    }
}

fn said(told: Told) -> Said {
    Said {
        status: told.status,
        lead_heard: told.lead_heard,
        freshness: told.freshness,
        certificate: told.certificate.map(|(from, until)| Validity { from, until }),
        lead_ahead_ms: told.lead_ahead_ms,
        journal_works: told.journal_works,
        unlocked_key_pages: told.unlocked_key_pages,
        protocol: told.protocol,
        oldest_follower: told.oldest_follower,
        journals: told.journals.into_iter().map(|(node, behind, gaps)| JournalOfNode { node, behind, gaps }).collect(),
        store: StoreSaid {
            migrations: told.migrations,
            secrets: told.secrets,
            snapshot_verified: told.snapshot_verified,
            oldest_key: told.oldest_key,
            passphrase: told.passphrase,
            shares: told.shares,
        },
    }
}

async fn stopped(config: &NodeConfig, seams: &Seams) -> (NodeReading, JournalReading) {
    let audit_dir = config.node.state_dir.join(AUDIT_DIR);
    let contents = match Store::look(&config.node.state_dir.join(STORE_FILE)) {
        Ok(contents) => contents,
        // Somebody has it open, and answers on no socket: it starts, or stops, or hangs.
        Err(error @ StoreError::InUse) => {
            let why = error.to_string();
            return (NodeReading::Silent(why.clone()), JournalReading::Unreadable(why));
        }
        Err(error) => return (NodeReading::Unreadable(chain(&error)), journal(&audit_dir, None)),
    };
    let keystore = Keystore::unseal(&config.unseal, None, &contents).map_err(|error| format!("{error:#}"));
    let certificate = keystore.as_ref().ok().and_then(certificate_of);
    let trust = keystore.as_ref().ok().and_then(|keystore| trust(keystore, &contents));
    let lead = gather_lead::dial(config, &contents, keystore.as_ref().map_err(String::as_str), seams).await;
    let look = StoreLook::of(&contents);
    let stopped = Stopped { store: StoreSaid::of(&look), last_noted: look.last_noted, certificate, lead };
    (NodeReading::Stopped(Box::new(stopped)), journal(&audit_dir, trust.as_ref()))
}

fn certificate_of(keystore: &Keystore) -> Option<Validity> {
    FollowerIdentity::open(keystore).ok()?.credentials.validity()
}

/// Whose word counts about lines that are gone because their time was over.
fn trust(keystore: &Keystore, contents: &Contents) -> Option<Trust> {
    let own = NodeKey::from_plaintext(&keystore.get(BlobName::Identity).ok()?).ok()?.pin();
    let authority = match contents.facts.role {
        Role::Lead => assemble_lead::authority(keystore).ok()?.pin(),
        Role::Follower => FollowerIdentity::open(keystore).ok()?.authority,
    };
    Some(Trust { mesh: keystore.mesh, node: contents.facts.node.clone(), keys: vec![own, authority] })
}

fn journal(audit_dir: &Path, trust: Option<&Trust>) -> JournalReading {
    if !audit_dir.exists() {
        return JournalReading::None;
    }
    let followed: Result<Verdict, AuditError> = match trust {
        Some(trust) => verify_kept(audit_dir, None, trust),
        None => verify(audit_dir),
    };
    match followed {
        Ok(Verdict { lines, broken: None, .. }) => JournalReading::Holds(lines),
        // Without the keys nobody can tell lines that were taken out in order from lines that were stolen.
        Ok(Verdict { broken: Some(_), .. }) if trust.is_none() => {
            JournalReading::Unreadable("its beginning cannot be judged before the node is unsealed".to_owned())
        }
        Ok(Verdict { broken: Some(broken), .. }) => JournalReading::Broken(broken.to_string()),
        Err(error) => JournalReading::Unreadable(chain(&error)),
    }
}

/// An error with its sources, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn files(config: &NodeConfig, config_file: &Path, runs: bool) -> Vec<FileReading> {
    let (state, sockets) = (&config.node.state_dir, &config.api.socket_dir);
    let file = |id, path: PathBuf, kind, needed| FileReading { id, found: found(&path), path, kind, needed };
    let mut files = vec![
        file("files.config", config_file.to_owned(), FileKind::Config, true),
        file("files.state", state.clone(), FileKind::PrivateDirectory, true),
        file("files.store", state.join(STORE_FILE), FileKind::PrivateFile, true),
        file("files.journal", state.join(AUDIT_DIR), FileKind::PrivateDirectory, false),
        file("files.sockets", sockets.clone(), FileKind::SocketDirectory, runs),
        file("files.admin-socket", sockets.join("admin.sock"), FileKind::PrivateSocket, runs),
        file("files.agent-socket", sockets.join("agent.sock"), FileKind::GroupSocket, runs),
        file("files.credentials-socket", sockets.join("credentials.sock"), FileKind::PrivateSocket, runs),
        file("files.workload-socket", sockets.join("workload.sock"), FileKind::GroupSocket, runs),
    ];
    if let UnsealSource::File { path } = &config.unseal {
        files.push(file(KEY_FILE, path.clone(), FileKind::PrivateFile, true));
    }
    files
}

fn found(path: &Path) -> Option<Found> {
    match std::fs::metadata(path) {
        Ok(found) => Some(Found::There { owner: found.uid(), mode: found.mode() & 0o7777 }),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(_) => Some(Found::Hidden),
    }
}

fn disk(state: &Path) -> Option<DiskReading> {
    let space = rustix::fs::statvfs(state).ok()?;
    Some(DiskReading {
        free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
        free_inodes: (space.f_files > 0).then_some(space.f_favail),
        inodes: space.f_files,
        read_only: space.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}

fn unseal(config: &NodeConfig) -> UnsealReading {
    let device = |path: &Path| std::fs::metadata(path).ok().map(|found| found.dev());
    match &config.unseal {
        UnsealSource::File { path } => {
            let (key, state) = (device(path), device(&config.node.state_dir));
            UnsealReading { beside_store: key.is_some() && key == state, ..UnsealReading::default() }
        }
        UnsealSource::SystemdCredential { credential } => {
            let paths = CREDENTIALS.map(|directory| Path::new(directory).join(credential.as_str()));
            let read = paths.into_iter().find_map(|path| Some((std::fs::read_to_string(&path).ok()?, path)));
            let Some((text, path)) = read else { return UnsealReading::default() };
            UnsealReading { beside_store: false, chip_bound: chip_bound(&text), credential: Some(path) }
        }
        UnsealSource::Passphrase | UnsealSource::Shamir => UnsealReading::default(),
    }
}

/// What the header of an encrypted credential says it takes; `None` for one of a kind that is not known here.
fn chip_bound(text: &str) -> Option<bool> {
    let text = text.trim_start();
    if BOUND.iter().any(|with| text.starts_with(with)) {
        return Some(true);
    }
    UNBOUND.iter().any(|with| text.starts_with(with)).then_some(false)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_credential_says_in_its_header_whether_it_takes_the_chip() {
        // The first is the example of systemd.io/CREDENTIALS, for SetCredentialEncrypted=.
        assert_eq!(chip_bound("k6iUCUh0RJCQyvL8k8q1UyAAAAABAAAADAAAABAAAAC1lFmbWAqWZ8dCCQkAAAAA"), Some(true));
        assert_eq!(chip_bound("\nWhxqht+dQJax1aZeCGLxmiAAAAABAAAADAAAABAAAAA"), Some(false));
        assert_eq!(chip_bound("BYRp2vb1QySABUnaD46i+yAAAAAB"), Some(false));
        assert_eq!(chip_bound("AAAAAAAAAAAAAAAAAAAAAAAA"), None);
        assert_eq!(chip_bound(""), None);
    }

    #[test]
    fn a_file_is_seen_with_its_mode_and_nothing_where_there_is_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        assert_eq!(found(&path), None);
        std::fs::write(&path, "x").expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("set");
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(found(&path), Some(Found::There { owner: own, mode: 0o644 }));
        assert!(disk(directory.path()).expect("a disk").free_bytes > 0);
    }

    #[test]
    fn a_journal_that_is_not_there_yet_is_no_fault() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(matches!(journal(&directory.path().join("audit"), None), JournalReading::None));
    }
}
