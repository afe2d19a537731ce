//! `service install` and `service create`. They ask no node: they write units, and print what else is needed.

use std::path::{Path, PathBuf};

use super::arguments_service::{CreateArguments, InstallArguments, PlaceArguments, ServiceVerb};
use super::error::CliError;
use super::session::Session;
use super::unit_place::{Kept, has_user, keep, run};
use super::views_service::ServiceView;
use crate::config::node_config::{Defaults, NodeConfig};
use crate::config::parse::parse;
use crate::config::paths::Paths;
use crate::delivery::agent_unit::{AgentUnit, AgentUnitError, Credential, service_name};
use crate::delivery::unit_file::{NodeUnit, UnitError};
use crate::delivery::unit_grant::{grants, mappings};
use crate::model::name::EnvironmentName;

/// The unit of a node.
const NODE_UNIT: &str = "aurora.service";

/// Where systemd is, if it runs this machine (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// Directories that a service does not see, or sees another of: `ProtectHome=`, `PrivateTmp=`.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// The environment of a grant when the configuration cannot be read: one too few is refused, one too many is not.
const ENVIRONMENT: &str = "prod";

/// `aurora service …`
pub(super) fn service(session: &mut Session<'_>, verb: &ServiceVerb) -> Result<(), CliError> {
    let view = match verb {
        ServiceVerb::Install(arguments) => install(arguments)?,
        ServiceVerb::Create(arguments) => create(arguments)?,
    };
    session.output.report(&view)
}

fn install(arguments: &InstallArguments) -> Result<ServiceView, CliError> {
    let InstallArguments { user, config, program, create_user, place } = arguments;
    let user = user.to_string();
    let config = config_file(config.as_deref())?;
    let program = match program {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(|source| CliError::System { action: "find this program", source })?,
    };
    check_visible(&program)?;
    let unit = NodeUnit::new(program, config.clone(), user.clone(), read(&config)?.as_ref());
    let text = unit.text().map_err(|error| usage(&error, hint_of(&error)))?;
    let mut commands = Vec::new();
    if !place.dry_run && place.is_of_system() && !has_user(&user) {
        if !create_user {
            let message = format!("this machine has no user {user}, as whom the node would run");
            return Err(CliError::Usage {
                message,
                hint: format!("Add --create-user, or run: {}", useradd(&user).join(" ")),
            });
        }
        commands.push(useradd(&user));
    } else if place.dry_run && *create_user {
        commands.push(useradd(&user));
    }
    finish(place, NODE_UNIT, text, commands)
}

fn create(arguments: &CreateArguments) -> Result<ServiceView, CliError> {
    let bad = |error: AgentUnitError| usage(&error, String::new());
    let config = read(&config_file(arguments.config.as_deref())?)?;
    let credentials: Result<Vec<Credential>, _> =
        arguments.credential.iter().map(|text| Credential::parse(text)).collect();
    let credentials = credentials.map_err(bad)?;
    let socket_dir = config.as_ref().map_or(Paths::system().socket_dir, |config| config.api.socket_dir.clone());
    let unit = AgentUnit {
        name: service_name(&arguments.name).map_err(bad)?,
        command: arguments.exec.clone(),
        credentials: credentials.clone(),
        user: arguments.user.clone(),
        after: arguments.after.clone(),
        makes_code: arguments.makes_code,
        socket: socket_dir.join("credentials.sock"),
    };
    let text = unit.text().map_err(bad)?;
    let unmapped: Vec<Credential> =
        credentials.iter().filter(|credential| !is_mapped(config.as_ref(), credential)).cloned().collect();
    let environment = match &config {
        Some(config) => config.node.environment.clone(),
        None => EnvironmentName::parse(ENVIRONMENT).map_err(|error| usage(&error, String::new()))?,
    };
    let view = finish(&arguments.place, unit.name.as_str(), text, Vec::new())?;
    Ok(ServiceView {
        credentials: mappings(&unmapped),
        grants: Some(grants(&unit.name, &credentials, &environment)),
        ..view
    })
}

/// Writes the unit, and runs what belongs to it, if that is wanted.
fn finish(
    place: &PlaceArguments,
    name: &str,
    text: String,
    mut commands: Vec<Vec<String>>,
) -> Result<ServiceView, CliError> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (reload, enable) = (words(&["systemctl", "daemon-reload"]), words(&["systemctl", "enable", "--now", name]));
    let is_heard = place.is_of_system() && (place.dry_run || Path::new(BOOTED).is_dir());
    let mut left = Vec::new();
    if is_heard {
        commands.push(reload);
    } else {
        left.push(reload);
    }
    if is_heard && place.enable {
        commands.push(enable)
    } else {
        left.push(enable)
    }
    let (path, outcome) = if place.dry_run {
        (place.unit_dir.join(name), "dry_run")
    } else {
        let (path, kept) = keep(place, name, &text)?;
        for command in &commands {
            run(&command.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        (path, if kept == Kept::Written { "written" } else { "unchanged" })
    };
    let lines = |commands: &[Vec<String>]| commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>();
    Ok(ServiceView {
        unit: name.to_owned(),
        path: path.display().to_string(),
        outcome,
        text,
        credentials: Vec::new(),
        grants: None,
        done: lines(&commands),
        left: lines(&left),
    })
}

fn useradd(user: &str) -> Vec<String> {
    let words =
        ["useradd", "--system", "--user-group", "--home-dir", "/var/lib/aurora", "--shell", "/usr/sbin/nologin", user];
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// `node.toml`, absolute: a unit has no directory of its own to start from.
fn config_file(named: Option<&Path>) -> Result<PathBuf, CliError> {
    let path = named.map_or_else(|| Paths::system().config_file, Path::to_owned);
    std::path::absolute(&path).map_err(|source| CliError::System { action: "find the configuration", source })
}

/// The configuration, if there is one that may be read. A node need not be made before its unit.
fn read(file: &Path) -> Result<Option<NodeConfig>, CliError> {
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(None) };
    let read = parse(&text, &Defaults::of_paths(Paths::system()));
    read.map(Some).map_err(|problems| CliError::Config { file: file.to_owned(), problems })
}

fn is_mapped(config: Option<&NodeConfig>, credential: &Credential) -> bool {
    config.is_some_and(|config| config.credentials.get(&credential.name) == Some(&credential.reference))
}

fn check_visible(program: &Path) -> Result<(), CliError> {
    if HIDDEN.iter().any(|hidden| program.starts_with(hidden)) {
        return Err(CliError::Usage {
            message: format!(
                "a service does not see {}: homes and temporary directories are hidden from it",
                program.display()
            ),
            hint: "Install it first, with: install -m 0755 aurora /usr/local/bin/aurora".to_owned(),
        });
    }
    Ok(())
}

fn hint_of(error: &UnitError) -> String {
    match error {
        UnitError::Place { parent, .. } => {
            format!("Make the node again with its directory in {parent}, or write the unit by hand.")
        }
        UnitError::Command(_) | UnitError::Snapshots(_) => String::new(),
    }
}

fn usage(error: &dyn std::fmt::Display, hint: String) -> CliError {
    CliError::Usage { message: error.to_string(), hint }
}
