//! `aurora leave`: this follower is a member of its mesh no more. The lead forgets it, and what it held leaves this machine.
//!
//! The node that runs tells its lead, for it has the session and the keys; then it is ended, and its files go. So nothing is
//! removed before the lead has let the node go, but where that is given up with `--without-lead`: then the lead still knows
//! the node, and what to type there is said. The journal stays: it is evidence, and holds no value.

use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::net::sockopt::socket_peercred;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::disk::Disk;
use super::durable::Wiped;
use super::seams::Seams;
use super::{AUDIT_DIR, STORE_FILE, doctor, durable};
use crate::actors::leave_desk::NODE_LEAVE;
use crate::audit::entry::Entry;
use crate::cli::arguments::Global;
use crate::cli::arguments_doctor::LeaveArguments;
use crate::cli::{leaving, say};
use crate::config::node_config::{NodeConfig, UnsealSource};
use crate::model::identity::Role;
use crate::store::error::StoreError;
use crate::store::handle::Store;

/// A node finishes what is under way, closes its journal and its store: seconds, and more on a slow disk.
const END_PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Files of a node in its state directory, by how their names begin: the store and what a crash left of its rebuilding, a
/// join that was not finished, the history of events. Keys are wiped besides.
const FILES: [&str; 3] = ["store.redb", "joining.redb", "events.redb"];

/// Files that hold a key in the clear.
const KEYS: [&str; 2] = ["unseal.key", "joining.key"];

/// The sockets of a node.
const SOCKETS: [&str; 4] = ["agent.sock", "admin.sock", "credentials.sock", "workload.sock"];

/// Runs the verb.
#[must_use]
pub fn run(global: &Global, arguments: &LeaveArguments) -> ExitCode {
    let left = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")
        .and_then(|runtime| runtime.block_on(leave(global, arguments)));
    match left {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn leave(global: &Global, arguments: &LeaveArguments) -> Result<()> {
    let (file, read) = doctor::configuration(arguments.config.as_deref())?;
    let config = read?;
    let node = &config.node.name;
    if config.node.role == Role::Lead {
        bail!(
            "{node} is the lead of its mesh, and a mesh without its lead is none; to end the mesh, stop every node and \
             remove its state directory"
        );
    }
    if !arguments.yes {
        leaving::confirm(node).map_err(spoken)?;
    }
    let told = if arguments.without_lead { Told::Nobody } else { tell(global, &config).await? };
    match told {
        Told::Lead(process) => end(&config, process).await?,
        Told::Nobody => note(&config, global.reason.as_deref()).await?,
    }
    let removed = remove(&config)?;
    let kept = set_aside(&file)?;
    say::line(&format!("{node} has left its mesh; {removed} files with its copies and keys are removed."));
    say::line(&format!("  configuration  {} (kept under this name)", kept.display()));
    say::line(&format!("  journal        {} (kept: it is evidence)", config.node.state_dir.join(AUDIT_DIR).display()));
    if told_nobody(arguments) {
        say::line(&format!("The lead does not know. There, type:  aurora nodes remove {node}"));
    }
    say::line("If a unit starts the node:  systemctl disable --now aurora");
    Ok(())
}

fn told_nobody(arguments: &LeaveArguments) -> bool {
    arguments.without_lead
}

/// Who knows by now that the node leaves.
enum Told {
    /// The lead, and this process may end.
    Lead(OwnedFd),
    /// Nobody.
    Nobody,
}

async fn tell(global: &Global, config: &NodeConfig) -> Result<Told> {
    // Held before anything is asked, so that no other process can be given its number meanwhile.
    let process = process(&config.api.socket_dir.join("admin.sock"))?;
    match leaving::tell(global, &config.api.socket_dir).await {
        Ok(departed) => {
            if !departed.forgotten {
                say::note("the lead's goodbye did not come; what the node held is removed with its files");
            }
            process.map(Told::Lead).context("the node answered, and is gone")
        }
        Err(error) if leaving::is_stopped(&error) => bail!(
            "{} does not run, so nobody can tell its lead; start it, or give the lead up: aurora leave --without-lead, and \
             on the lead: aurora nodes remove {}",
            config.node.name,
            config.node.name
        ),
        Err(error) => Err(spoken(error)),
    }
}

/// The process behind a socket: the one that bound it. None if nobody listens.
fn process(socket: &Path) -> Result<Option<OwnedFd>> {
    let stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot ask on {}", socket.display())),
    };
    let peer = socket_peercred(stream.as_fd()).context("the kernel does not say who listens")?;
    Ok(Some(pidfd_open(peer.pid, PidfdFlags::empty()).context("the process of the node cannot be held")?))
}

/// Ends the node in order, and waits until its store is closed.
async fn end(config: &NodeConfig, process: OwnedFd) -> Result<()> {
    pidfd_send_signal(process.as_fd(), Signal::TERM).context("the node cannot be told to end")?;
    let store = config.node.state_dir.join(STORE_FILE);
    let closed = async {
        while matches!(Store::look(&store), Err(StoreError::InUse)) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(END_PATIENCE, closed).await.map_err(|_| {
        anyhow!(
            "the lead has let the node go, but its process does not end; stop it, and then: aurora leave --without-lead --yes"
        )
    })
}

/// Writes into the journal that the node left without a word to its lead. A store that is damaged keeps nobody here.
async fn note(config: &NodeConfig, reason: Option<&str>) -> Result<()> {
    let disk = match Disk::open(config, &Seams::system()?).await {
        Ok(disk) => disk,
        Err(error) if is_in_use(&error) => bail!(
            "{} runs; without --without-lead it tells its lead, and otherwise stop it first: systemctl stop aurora",
            config.node.name
        ),
        Err(error) => {
            say::note(&format!("nothing was written into the journal: {error:#}"));
            return Ok(());
        }
    };
    let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let entry = Entry::of_node(NODE_LEAVE, format!("this node left its mesh, and the lead was not told{why}"));
    let written = disk.journal.append(entry).await;
    Disk::close(disk.store, disk.journal).await;
    written.context("the journal cannot be written, and nothing was removed")?;
    Ok(())
}

fn is_in_use(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref::<StoreError>(), Some(StoreError::InUse)))
}

/// Removes what the node held and how it opened, and says how many files that were. The keys go first: without them the
/// rest is noise.
fn remove(config: &NodeConfig) -> Result<usize> {
    let state = &config.node.state_dir;
    let mut keys: Vec<PathBuf> = KEYS.iter().map(|name| state.join(name)).collect();
    match &config.unseal {
        UnsealSource::File { path } if !keys.contains(path) => keys.push(path.clone()),
        UnsealSource::File { .. }
        | UnsealSource::Passphrase
        | UnsealSource::Shamir
        | UnsealSource::SystemdCredential { .. } => {}
    }
    let mut removed = 0;
    for path in keys.iter().filter(|path| path.symlink_metadata().is_ok()) {
        let wiped = durable::wipe(path).with_context(|| format!("cannot wipe {}", path.display()))?;
        if wiped == Wiped::Name {
            let path = path.display();
            say::note(&format!("{path} led to a file that has another name too: only {path} was removed"));
        }
        removed += 1;
    }
    for path in files(state)?.into_iter().chain(SOCKETS.map(|name| config.api.socket_dir.join(name))) {
        match std::fs::remove_file(&path) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot remove {}", path.display())),
        }
    }
    if state.exists() {
        durable::sync_parent(&state.join(STORE_FILE)).context("cannot synchronise the state directory")?;
    }
    Ok(removed)
}

fn files(state: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(state) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot look into {}", state.display())),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = FILES.iter().any(|ours| name.to_string_lossy().starts_with(ours));
        if is_ours && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// The configuration under another name: it may be all that is known of how the machine was set up, and with it in place
/// nothing can be joined.
fn set_aside(file: &Path) -> Result<PathBuf> {
    let mut aside = file.with_extension("toml.left");
    let mut number = 1;
    while aside.exists() {
        number += 1;
        aside = file.with_extension(format!("toml.left-{number}"));
    }
    std::fs::rename(file, &aside).with_context(|| format!("cannot rename {}", file.display()))?;
    durable::sync_parent(&aside).with_context(|| format!("cannot synchronise the directory of {}", aside.display()))?;
    Ok(aside)
}

/// An error of the command line with what to type next.
fn spoken(error: crate::cli::error::CliError) -> anyhow::Error {
    let hint = error.hint();
    if hint.is_empty() { anyhow!("{error}") } else { anyhow!("{error}\n  hint: {hint}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_node_held_goes_and_what_others_put_there_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let gone = ["store.redb", "store.redb.rebuild", "joining.redb", "events.redb", "events.redb.set-aside"];
        for name in gone.into_iter().chain(["notes.txt", "my-store.redb"]) {
            std::fs::write(directory.path().join(name), "x").expect("written");
        }
        std::fs::create_dir(directory.path().join("audit")).expect("made");
        let mut expected: Vec<PathBuf> = gone.map(|name| directory.path().join(name)).into();
        expected.sort();
        assert_eq!(files(directory.path()).expect("listed"), expected);
        assert_eq!(files(&directory.path().join("missing")).expect("nothing"), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_configuration_is_set_aside_and_never_over_an_earlier_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("node.toml");
        for name in ["node.toml.left", "node.toml.left-2"] {
            std::fs::write(&file, name).expect("written");
            let aside = set_aside(&file).expect("renamed");
            assert_eq!(aside.file_name().expect("a name"), name);
            assert_eq!(std::fs::read_to_string(&aside).expect("there"), name);
        }
        assert!(set_aside(&file).is_err(), "there is none any more");
    }

    #[test]
    fn nobody_listens_where_there_is_no_socket() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(process(&directory.path().join("admin.sock")).expect("looked").is_none());
    }
}
