//! The verbs that make or start a node: from arguments to a configuration, and on to the work.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::ceremony::Ceremony;
use super::command_reign::{run_promote, run_restore};
use super::config_file;
use super::group;
use super::init::init;
use super::join::{ApprovalPending, JoinOptions, WhilePending, join};
use super::seams::Seams;
use super::up::up;
use super::{hardening, logging};
use crate::cli::arguments::{Command, Verb};
use crate::cli::arguments_node::{InitArguments, JoinArguments, UpArguments};
use crate::cli::arguments_snapshot::SnapshotVerb;
use crate::cli::passphrase::{self, Kind};
use crate::cli::say;
use crate::config::duration;
use crate::config::node_config::{
    ApiSection, AuditSection, ConnectivitySection, Defaults, LimitsSection, LogSection, MeshSection, MetricsSection,
    NodeConfig, NodeSection, SnapshotSection, UnsealSource,
};
use crate::config::paths::Paths;
use crate::crypto::join_token::JoinSecret;
use crate::model::channel::Notify;
use crate::model::freshness::FreshnessPolicy;
use crate::model::identity::Role;
use crate::model::name::{EnvironmentName, NodeName};

/// What a lead is called unless it is told otherwise.
const LEAD_NAME: &str = "aurora";

/// The exit code of a join that is not approved yet.
const APPROVAL_PENDING: u8 = 6;

/// The environment of a lead unless it is told otherwise.
const ENVIRONMENT: &str = "prod";

/// Runs a verb that makes or starts a node.
#[must_use]
pub fn run(command: Command, log: Option<&str>) -> ExitCode {
    let done = match command {
        Command::Init(arguments) => prepared(run_init(arguments)),
        Command::Join(arguments) => prepared(run_join(arguments)),
        Command::Up(arguments) => prepared(run_up(arguments, log)),
        Command::Promote(arguments) => prepared(run_promote(arguments)),
        Command::Ask(Verb::Snapshot(SnapshotVerb::Restore(arguments))) => prepared(run_restore(arguments)),
        Command::Ask(_) | Command::Dev(_) | Command::Mcp | Command::Doctor(_) | Command::Leave(_) => {
            Err(anyhow!("this verb is not the daemon's"))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&format!("{error:#}"));
            if error.is::<ApprovalPending>() { ExitCode::from(APPROVAL_PENDING) } else { ExitCode::FAILURE }
        }
    }
}

/// Threads of a node that serve. One of them may be held up by a disk that hangs, so there are two on the smallest machine.
fn serving_threads() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2))
}

/// Nothing secret is touched before the process has given up core dumps.
fn prepared(work: impl Future<Output = Result<()>>) -> Result<()> {
    hardening::harden().context("core dumps cannot be turned off; the node does not start with keys in memory")?;
    hardening::take_files().context("the limit of open files cannot be raised")?;
    let threads = serving_threads();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let done = runtime.block_on(work);
    // Nothing that still blocks holds up the end of the process.
    runtime.shutdown_background();
    done
}

async fn run_init(arguments: InitArguments) -> Result<()> {
    let paths = paths()?;
    let file = arguments.config.clone().unwrap_or(paths.config_file.clone());
    let mut config = template(
        &paths,
        arguments.state_dir,
        arguments.socket_dir,
        arguments.name.map_or_else(|| NodeName::parse(LEAD_NAME), Ok)?,
        Role::Lead,
    )?;
    if let Some(environment) = arguments.environment {
        config.node.environment = environment;
    }
    if let Some(listen) = arguments.listen {
        config.mesh.listen = listen;
    }
    config.mesh.leads = arguments.advertise;
    config.mesh.discovery = !arguments.no_discovery;
    config.connectivity.probe = !arguments.no_probe;
    let ceremony = Ceremony::begin(&mut config, arguments.source)?;
    let made = init(&config, &file, ceremony.brought(), &Seams::system()?).await?;
    let done = if made.was_there { "was there; its configuration is written again" } else { "is made" };
    say::line(&format!("Mesh {} {done}; this node is its lead, {}.", made.mesh, config.node.name));
    say::line(&format!("  configuration  {}", file.display()));
    say::line(&format!("  state          {}", config.node.state_dir.display()));
    if let Some(authority) = made.authority {
        say::line(&format!("  mesh CA        {}", authority.fingerprint()));
    }
    say::line(&format!("Start it:        aurora up --config {}", file.display()));
    ceremony.afterwards().iter().for_each(|text| say::line(text));
    say::line("Then, for each node:  aurora token create NODE");
    if config.mesh.leads.is_empty() && config.mesh.listen.ip().is_unspecified() {
        say::note(
            "Join tokens will name this machine only as itself, and others will look for it on the local network; \
             for any other network put its HOST:PORT into leads in node.toml before it starts.",
        );
    }
    Ok(())
}

async fn run_join(arguments: JoinArguments) -> Result<()> {
    let paths = paths()?;
    let file = arguments.config.clone().unwrap_or(paths.config_file.clone());
    let text = match arguments.token.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()).context("the token cannot be read from standard input")?,
        token => token.to_owned(),
    };
    let token = JoinSecret::parse(text.trim())?;
    // The name and the environment are the lead's to say; these only fill the template.
    let mut template =
        template(&paths, arguments.state_dir, arguments.socket_dir, NodeName::parse("joining")?, Role::Follower)?;
    if let Some(listen) = arguments.listen {
        template.mesh.listen = listen;
    }
    template.mesh.discovery = !arguments.no_discovery;
    template.connectivity.probe = !arguments.no_probe;
    let ceremony = Ceremony::begin(&mut template, arguments.source)?;
    let pending = if arguments.no_wait { WhilePending::Leave } else { WhilePending::Wait };
    let options = JoinOptions { template, config_file: file.clone(), lead: arguments.lead, pending };
    let config = join(&token, &options, ceremony.brought(), &Seams::system()?).await?;
    say::line(&format!(
        "This machine is now the node {} of environment {}.",
        config.node.name, config.node.environment
    ));
    say::line(&format!("  configuration  {}", file.display()));
    say::line(&format!("  state          {}", config.node.state_dir.display()));
    say::line(&format!(
        "  served offline for {} after the lead was last heard",
        duration::print(config.cache.ttl + config.cache.max_stale)
    ));
    say::line(&format!("Start it:        aurora up --config {}", file.display()));
    ceremony.afterwards().iter().for_each(|text| say::line(text));
    Ok(())
}

async fn run_up(arguments: UpArguments, log: Option<&str>) -> Result<()> {
    if arguments.exit_with_parent {
        set_parent_process_death_signal(Some(Signal::TERM)).context("the parent's end cannot be watched for")?;
    }
    let superuser = rustix::process::geteuid().is_root();
    let defaults =
        Defaults::from_environment(superuser, |name| std::env::var(name).ok()).map_err(|error| anyhow!(error))?;
    let file = arguments.config.unwrap_or(defaults.paths.config_file.clone());
    let config = config_file::read(&file, &defaults)?;
    let _logging = logging::of_node(log, &config.log, &config.node.name)?;
    let passphrase = match config.unseal {
        UnsealSource::Passphrase => passphrase::ask_if_any(Kind::Known).map_err(|error| anyhow!("{error}"))?,
        UnsealSource::File { .. } | UnsealSource::SystemdCredential { .. } | UnsealSource::Shamir => None,
    };
    up(&config, passphrase.as_ref(), &Seams::system()?).await
}

pub(super) fn paths() -> Result<Paths> {
    let superuser = rustix::process::geteuid().is_root();
    Paths::of(superuser, |name| std::env::var(name).ok()).map_err(|error| anyhow!(error))
}

/// A configuration with everything at its default.
pub(super) fn template(
    paths: &Paths,
    state_dir: Option<PathBuf>,
    socket_dir: Option<PathBuf>,
    name: NodeName,
    role: Role,
) -> Result<NodeConfig> {
    let state_dir = absolute(state_dir.unwrap_or_else(|| paths.state_dir.clone()))?;
    Ok(NodeConfig {
        node: NodeSection {
            name,
            role,
            environment: EnvironmentName::parse(ENVIRONMENT)?,
            state_dir: state_dir.clone(),
        },
        mesh: MeshSection::default(),
        cache: FreshnessPolicy::default(),
        unseal: UnsealSource::File { path: Paths::key_file(&state_dir) },
        audit: AuditSection::default(),
        api: ApiSection {
            socket_dir: absolute(socket_dir.unwrap_or_else(|| paths.socket_dir.clone()))?,
            socket_group: group::default_name()?,
            listen: None,
        },
        limits: LimitsSection::default(),
        connectivity: ConnectivitySection::default(),
        metrics: MetricsSection::default(),
        log: LogSection::default(),
        notify: Notify::default(),
        snapshot: SnapshotSection::default(),
        credentials: std::collections::BTreeMap::new(),
    })
}

/// What is written to a file must not depend on where the command was typed.
fn absolute(path: PathBuf) -> Result<PathBuf> {
    std::path::absolute(&path).with_context(|| format!("{} is no path", path.display()))
}
