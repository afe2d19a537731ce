//! The verbs by which a stopped node begins a new reign: from arguments to what the work needs of people, and what is said of it.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use super::brought::Brought;
use super::ceremony;
use super::command::{paths, template};
use super::config_file;
use super::promote::{PromoteOptions, promote};
use super::reign_report::Report;
use super::restore::{Configured, Outcome, RestoreOptions, restore};
use super::seams::Seams;
use super::snapshot_offline::recovery_key;
use super::taken::{Opener, Secret};
use crate::cli::arguments_reign::{PromoteArguments, RestoreArguments};
use crate::cli::passphrase::{self, Kind};
use crate::cli::{confirm, say};
use crate::config::node_config::{Defaults, NodeConfig, UnsealSource};
use crate::crypto::plaintext::Plaintext;
use crate::crypto::shares::ShareParameters;
use crate::model::identity::Role;
use crate::model::name::NodeName;
use crate::model::number::Epoch;
use crate::replication::reign_members::Trust;
use crate::snapshot::header::Header;
use crate::snapshot::read::Reader;

/// `aurora snapshot restore FILE`
pub(super) async fn run_restore(arguments: RestoreArguments) -> Result<()> {
    let configured = configured(&arguments)?;
    let config = match &configured {
        Configured::File(config) | Configured::Lost(config, _) => config.clone(),
    };
    let recovery = arguments.recovery_key.as_deref().map(recovery_key).transpose()?;
    let passphrase = passphrase_of(&config.unseal, if recovery.is_some() { Kind::New } else { Kind::Known })?;
    let header = header(&arguments.file)?;
    let opener = match &recovery {
        Some(key) => Opener::Recovery(key),
        None => Opener::Source(&config.unseal, secret_of(&config.unseal, passphrase.as_ref())),
    };
    let brought = match (&recovery, &passphrase, &config.unseal) {
        (None, _, _) => None,
        (Some(_), Some(passphrase), _) => Some(Brought::Passphrase(passphrase)),
        (Some(_), None, UnsealSource::Shamir) => {
            let shares = header.root_key.shares.as_deref();
            let shares =
                shares.context("the lead of the snapshot opened without shares: say [unseal] source = \"file\"")?;
            Some(Brought::Quorum(ShareParameters::decode(shares)?.quorum(), &ceremony::show))
        }
        (Some(_), None, _) => None,
    };
    let options = RestoreOptions {
        file: arguments.file.clone(),
        configured: configured.clone(),
        opener,
        brought,
        authority: arguments.authority.clone(),
        epoch: arguments.reign.epoch.map(Epoch),
        trust: trust(arguments.reign.trust_members),
        by: whoami(),
    };
    let confirm =
        |report: &Report| agreed(report, arguments.reign.dry_run, arguments.reign.yes, "Restore this snapshot?");
    tell(&restore(&options, &confirm, &Seams::system()?).await?, "restored", arguments.config.as_deref());
    Ok(())
}

/// `aurora promote`
pub(super) async fn run_promote(arguments: PromoteArguments) -> Result<()> {
    let superuser = rustix::process::geteuid().is_root();
    let defaults =
        Defaults::from_environment(superuser, |name| std::env::var(name).ok()).map_err(|error| anyhow!(error))?;
    let file = arguments.config.clone().unwrap_or(defaults.paths.config_file.clone());
    let config = config_file::read(&file, &defaults)?;
    let own = passphrase_of(&config.unseal, Kind::Known)?;
    let recovery = arguments.recovery_key.as_deref().map(recovery_key).transpose()?;
    let source = match (&arguments.key_file, arguments.passphrase, arguments.shares) {
        (Some(path), _, _) => UnsealSource::File { path: path.clone() },
        (None, true, _) => UnsealSource::Passphrase,
        (None, false, true) => UnsealSource::Shamir,
        (None, false, false) => config.unseal.clone(),
    };
    let of_lead = match (&recovery, &own, &source) {
        (None, own, UnsealSource::Passphrase) if own.is_none() || arguments.passphrase => {
            passphrase_of(&source, Kind::Known)?
        }
        _ => None,
    };
    let opener = match &recovery {
        Some(key) => Opener::Recovery(key),
        None => Opener::Source(&source, secret_of(&source, of_lead.as_ref().or(own.as_ref()))),
    };
    let options = PromoteOptions {
        file: arguments.snapshot.clone(),
        own: secret_of(&config.unseal, own.as_ref()),
        config: config.clone(),
        config_file: file,
        opener,
        listen: arguments.listen,
        advertise: arguments.advertise.clone(),
        epoch: arguments.reign.epoch.map(Epoch),
        trust: trust(arguments.reign.trust_members),
        by: whoami(),
    };
    let confirm =
        |report: &Report| agreed(report, arguments.reign.dry_run, arguments.reign.yes, "Make this node the lead?");
    tell(&promote(&options, &confirm, &Seams::system()?).await?, "the lead", arguments.config.as_deref());
    Ok(())
}

/// The configuration that is there; or one with everything at its default, where it is lost.
fn configured(arguments: &RestoreArguments) -> Result<Configured> {
    let superuser = rustix::process::geteuid().is_root();
    let defaults =
        Defaults::from_environment(superuser, |name| std::env::var(name).ok()).map_err(|error| anyhow!(error))?;
    let file = arguments.config.clone().unwrap_or(defaults.paths.config_file.clone());
    if file.exists() {
        let for_lost = [arguments.state_dir.is_some(), arguments.socket_dir.is_some(), arguments.listen.is_some()];
        if for_lost.contains(&true) {
            bail!(
                "{} is there and says where the node is: leave out --state-dir, --socket-dir and --listen",
                file.display()
            );
        }
        return Ok(Configured::File(Box::new(config_file::read(&file, &defaults)?)));
    }
    // Name and environment come from the snapshot; these only fill the template.
    let (state_dir, socket_dir) = (arguments.state_dir.clone(), arguments.socket_dir.clone());
    let mut config: NodeConfig = template(&paths()?, state_dir, socket_dir, NodeName::parse("restoring")?, Role::Lead)?;
    if let Some(listen) = arguments.listen {
        config.mesh.listen = listen;
    }
    Ok(Configured::Lost(Box::new(config), file))
}

/// What the snapshot says of itself, before anybody is asked for a secret.
fn header(file: &Path) -> Result<Header> {
    let named = || format!("cannot read {}", file.display());
    let reader = std::fs::File::open(file).with_context(named)?;
    Ok(Reader::open(std::io::BufReader::new(reader)).with_context(named)?.header().clone())
}

fn passphrase_of(source: &UnsealSource, kind: Kind) -> Result<Option<Plaintext>> {
    match source {
        UnsealSource::Passphrase => Ok(Some(passphrase::ask(kind).map_err(|error| anyhow!("{error}"))?)),
        UnsealSource::File { .. } | UnsealSource::SystemdCredential { .. } | UnsealSource::Shamir => Ok(None),
    }
}

fn secret_of<'person>(source: &UnsealSource, passphrase: Option<&'person Plaintext>) -> Secret<'person> {
    match (source, passphrase) {
        (UnsealSource::Shamir, _) => Secret::Shares(&share),
        (UnsealSource::Passphrase, Some(passphrase)) => Secret::Passphrase(passphrase),
        (UnsealSource::Passphrase, None) | (UnsealSource::File { .. } | UnsealSource::SystemdCredential { .. }, _) => {
            Secret::None
        }
    }
}

fn share(progress: &str) -> Result<Plaintext> {
    say::note(&format!("the next share ({progress})"));
    passphrase::ask(Kind::Known).map_err(|error| anyhow!("{error}"))
}

fn trust(members: bool) -> Trust {
    if members { Trust::Members } else { Trust::Nobody }
}

fn whoami() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

/// Shows what it would change, and asks.
fn agreed(report: &Report, dry_run: bool, yes: bool, question: &str) -> Result<bool> {
    say::note(report.to_string().trim_end());
    if dry_run {
        return Ok(false);
    }
    if yes && report.vouched.by.is_none() {
        bail!(
            "nothing here knows whether {} is the authority of your mesh, and nothing was done; add --authority with the mesh CA \
             that `aurora init` printed",
            report.vouched.authority
        );
    }
    if !yes {
        if !confirm::somebody_is_there() {
            bail!("there is no terminal to ask on, and nothing was done; to do it without being asked, add --yes");
        }
        confirm::ask(question).map_err(|error| anyhow!("{error}"))?;
    }
    Ok(true)
}

fn tell(outcome: &Outcome, what: &str, config: Option<&Path>) {
    let named = config.map(|file| format!(" --config {}", file.display())).unwrap_or_default();
    match outcome {
        Outcome::Left(_) => say::line("Nothing was changed."),
        Outcome::Complete => {
            say::line(&format!(
                "It was done before; the configuration is written now. Start it with: aurora up{named}"
            ));
        }
        Outcome::Done(report, kept) => {
            say::line(&format!(
                "This node is {what}: revision {} of epoch {}.",
                report.will.revision, report.will.epoch
            ));
            if let Some(kept) = kept {
                say::line(&format!("  the store before  {}", kept.display()));
            }
            say::line(&format!("Start it:  aurora up{named}"));
            if report.pending > 0 {
                say::line(&format!("Then, for each of {} nodes:  aurora nodes approve NODE", report.pending));
            }
        }
    }
}
