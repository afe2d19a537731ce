//! What was seen of a machine and of the node on it, before anybody judges it: plain facts, which tests make up.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::node_config::{NodeConfig, UnsealSource};
use crate::model::identity::Role;
use crate::model::time::Timestamp;
use crate::transport::certificate::Validity;
use crate::vault::diagnosis::StoreLook;

/// Everything that was looked at of one node.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// The wall clock.
    pub(super) now: Timestamp,
    /// Its configuration.
    pub(super) config: NodeConfig,
    /// Where that lies.
    pub(super) config_file: PathBuf,
    /// What is on the disk for it.
    pub(super) files: Vec<FileReading>,
    /// The disk its state is on, if it could be asked.
    pub(super) disk: Option<DiskReading>,
    /// The machine.
    pub(super) machine: MachineReading,
    /// How it is started.
    pub(super) service: ServiceReading,
    /// Its key, where there is something to say.
    pub(super) unseal: UnsealReading,
    /// Its journal.
    pub(super) journal: JournalReading,
    /// What it says itself, or its store if it does not run.
    pub(super) node: NodeReading,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// `node.toml`: may be read by all, and changed by its owner alone.
    Config,
    /// A directory that its owner alone may enter.
    PrivateDirectory,
    /// The directory of the sockets: its owner's, and for the group to enter.
    SocketDirectory,
    /// A file that its owner alone may read.
    PrivateFile,
    /// A socket that its owner alone may open.
    PrivateSocket,
    /// A socket for the group.
    GroupSocket,
}

/// One file, socket or directory.
#[derive(Debug, Clone)]
pub(super) struct FileReading {
    /// Names the finding.
    pub(super) id: &'static str,
    /// Where it is.
    pub(super) path: PathBuf,
    /// What for.
    pub(super) kind: FileKind,
    /// Whether the node cannot be without it.
    pub(super) needed: bool,
    /// What is there; `None` when nothing is.
    pub(super) found: Option<Found>,
}

/// What the file system says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Its owner and mode.
    There {
        /// The uid it belongs to.
        owner: u32,
        /// The permission bits.
        mode: u32,
    },
    /// This user may not look.
    Hidden,
}

/// Room on a disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct DiskReading {
    /// Free for the node.
    pub(super) free_bytes: u64,
    /// Free inodes; `None` on a file system that has no such number.
    pub(super) free_inodes: Option<u64>,
    /// Inodes in all.
    pub(super) inodes: u64,
    /// Whether it may be written.
    pub(super) read_only: bool,
}

/// The machine, in the kernel's words. What cannot be read is `None`.
#[derive(Debug, Clone, Default)]
pub(super) struct MachineReading {
    /// Major and minor version of the kernel.
    pub(super) kernel: Option<(u32, u32)>,
    /// How much memory the node may lock; `None` if without bound.
    pub(super) locked_bytes_max: Option<u64>,
    /// How large a receive buffer the kernel gives.
    pub(super) receive_buffer_max: Option<u64>,
    /// How many files the node may open.
    pub(super) files_max: Option<u64>,
    /// How large a core dump this process could leave; `None` if without bound.
    pub(super) core_bytes_max: Option<u64>,
    /// Whether pages may be written to a disk: the swap spaces that are on, without those in memory.
    pub(super) swaps: Vec<String>,
    /// Whether the clock is kept by others' word; `None` if nobody says.
    pub(super) clock_synchronised: Option<bool>,
}

/// How the node is started.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceReading {
    /// Whether systemd runs this machine.
    pub(super) systemd: bool,
    /// The unit that names this configuration.
    pub(super) unit: Option<PathBuf>,
    /// Whether it is started with the machine.
    pub(super) enabled: bool,
    /// Whether it is a unit of a person, which ends when that person logs out.
    pub(super) of_person: bool,
    /// Whether that person's units go on.
    pub(super) lingers: bool,
}

/// What is to be known of the unseal source from outside.
#[derive(Debug, Clone, Default)]
pub(super) struct UnsealReading {
    /// The key file lies on the disk of the store.
    pub(super) beside_store: bool,
    /// The credential that systemd decrypts is bound to a chip of this machine; `None` if it cannot be read.
    pub(super) chip_bound: Option<bool>,
    /// Where that credential lies.
    pub(super) credential: Option<PathBuf>,
}

/// The journal.
#[derive(Debug, Clone)]
pub(super) enum JournalReading {
    /// The chain holds, over so many lines.
    Holds(u64),
    /// It does not.
    Broken(String),
    /// It cannot be read.
    Unreadable(String),
    /// There is none yet.
    None,
}

/// What the node says, or its store if it does not run.
#[derive(Debug, Clone)]
pub(super) enum NodeReading {
    /// It runs, and said this.
    Runs(Box<Said>),
    /// It runs, and does not tell this user, or not yet.
    Silent(String),
    /// It does not run; its store says this.
    Stopped(Box<Stopped>),
    /// It does not run, and its store cannot be read.
    Unreadable(String),
}

/// What a node that runs says.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// How it is: `healthy`, `degraded`, `unhealthy`.
    pub(super) status: String,
    /// How long ago it heard the lead.
    pub(super) lead_heard: Option<Duration>,
    /// How fresh its copies are.
    pub(super) freshness: String,
    /// From when until when its certificate is valid.
    pub(super) certificate: Option<Validity>,
    /// How far the lead's clock is ahead, in milliseconds.
    pub(super) lead_ahead_ms: Option<i64>,
    /// Whether its journal took the last line.
    pub(super) journal_works: bool,
    /// Pages of keys that are not locked.
    pub(super) unlocked_key_pages: u64,
    /// The newest version of the protocol it speaks.
    pub(super) protocol: u16,
    /// On the lead: who speaks the oldest version, and which.
    pub(super) oldest_follower: Option<(String, u16)>,
    /// On the lead: journals of followers with something to tell, as `node: what`.
    pub(super) journals: Vec<JournalOfNode>,
    /// What its store says.
    pub(super) store: StoreSaid,
}

/// The journal of one node, as the lead has it.
#[derive(Debug, Clone)]
pub(super) struct JournalOfNode {
    /// Whose.
    pub(super) node: String,
    /// Lines that are not here yet.
    pub(super) behind: u64,
    /// What is missing.
    pub(super) gaps: Vec<String>,
}

/// What is judged of a store, whoever read it.
#[derive(Debug, Clone, Default)]
pub(super) struct StoreSaid {
    /// The migrations on record, each as a line.
    pub(super) migrations: Vec<String>,
    /// Current values.
    pub(super) secrets: u64,
    /// When the newest verified snapshot was taken.
    pub(super) snapshot_verified: Option<Timestamp>,
    /// The oldest key that still seals what is stored now.
    pub(super) oldest_key: Option<Timestamp>,
    /// How a passphrase becomes a key: memory in KiB, and passes.
    pub(super) passphrase: Option<(u32, u32)>,
    /// How many shares of how many open it.
    pub(super) shares: Option<(u8, u8)>,
}

/// What the store of a node that does not run says.
#[derive(Debug, Clone)]
pub(super) struct Stopped {
    /// The store.
    pub(super) store: StoreSaid,
    /// The last time that is written in it.
    pub(super) last_noted: Option<Timestamp>,
    /// Its certificate, if its keys could be opened.
    pub(super) certificate: Option<Validity>,
    /// What came of dialling the lead, if that was possible.
    pub(super) lead: LeadReading,
}

/// What came of dialling the lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeadReading {
    /// This node is the lead.
    Here,
    /// It proved itself at this address.
    Reached(String),
    /// No address answered; the last said this.
    Unreached(String),
    /// It could not be tried.
    Untried(String),
}

impl StoreSaid {
    /// What the look says.
    pub(super) fn of(look: &StoreLook) -> Self {
        Self {
            migrations: look.migrations.iter().map(ToString::to_string).collect(),
            secrets: u64::try_from(look.secrets).unwrap_or(u64::MAX),
            snapshot_verified: look.snapshot_verified,
            oldest_key: look.oldest_key,
            passphrase: look.passphrase,
            shares: look.quorum.map(|quorum| (quorum.threshold(), quorum.shares())),
        }
    }
}

impl Reading {
    /// What was read of the store, by whomever.
    pub(super) fn store(&self) -> Option<&StoreSaid> {
        match &self.node {
            NodeReading::Runs(said) => Some(&said.store),
            NodeReading::Stopped(stopped) => Some(&stopped.store),
            NodeReading::Silent(_) | NodeReading::Unreadable(_) => None,
        }
    }

    /// The command that starts the node.
    pub(super) fn start(&self) -> String {
        self.systemctl("enable --now").unwrap_or_else(|| format!("aurora up --config {}", quoted(&self.config_file)))
    }

    /// The command that starts the node again.
    pub(super) fn restart(&self) -> String {
        self.systemctl("restart").unwrap_or_else(|| format!("aurora up --config {}", quoted(&self.config_file)))
    }

    /// The commands that bring a stopped node back which is lost or was thrown out: a follower joins anew, for which its
    /// configuration has to go, and a lead is restored.
    pub(super) fn bring_back(&self) -> String {
        match self.config.node.role {
            Role::Lead => "aurora snapshot restore FILE".to_owned(),
            Role::Follower => {
                let node = &self.config.node.name;
                format!(
                    "aurora leave --without-lead --yes && aurora join TOKEN  # first, on the lead: aurora nodes remove {node}, \
                     then aurora token create {node}"
                )
            }
        }
    }

    /// The same of a node that runs.
    pub(super) fn stop_and_bring_back(&self) -> String {
        let stop = self.systemctl("stop").map(|stop| format!("{stop} && ")).unwrap_or_default();
        format!("{stop}{}", self.bring_back())
    }

    fn systemctl(&self, verb: &str) -> Option<String> {
        let name = self.service.unit.as_ref()?.file_name()?.to_string_lossy().into_owned();
        let user = if self.service.of_person { " --user" } else { "" };
        Some(format!("systemctl{user} {verb} {name}"))
    }

    /// The word for what opens it.
    pub(super) fn source(&self) -> &UnsealSource {
        &self.config.unseal
    }
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
