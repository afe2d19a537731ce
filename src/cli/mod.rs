//! Commands for people: arguments, a socket client, rendering. Never touches the store.
//!
//! [`parse`] reads the command line. What a running node can answer is a [`arguments::Verb`], and [`run`] asks it over a
//! socket; what makes, starts, examines or ends a node (`dev`, `init`, `join`, `up`, `doctor`, `leave`, `promote`,
//! `snapshot restore`) is only parsed here and is run by `main`.

pub mod arguments;
pub mod arguments_access;
pub mod arguments_agent;
pub mod arguments_audit;
pub mod arguments_bulk;
pub mod arguments_connectivity;
pub mod arguments_doctor;
pub mod arguments_environment;
pub mod arguments_events;
pub mod arguments_freeze;
pub mod arguments_helpers;
pub mod arguments_keys;
pub mod arguments_life;
pub mod arguments_node;
pub mod arguments_nodes;
pub mod arguments_policy;
pub mod arguments_providers;
pub mod arguments_reign;
pub mod arguments_render;
pub mod arguments_run;
pub mod arguments_secret;
pub mod arguments_service;
pub mod arguments_snapshot;
pub mod arguments_subscriptions;
pub mod arguments_validate;
pub mod arguments_watch;
pub mod arguments_whoami;
mod audit_csv;
mod audit_file;
mod audit_ocsf;
pub mod client;
pub mod dev;
mod dev_node;
mod dev_story;
pub mod doctor;
pub mod error;
pub mod leaving;
pub mod node_client;
pub mod progress;
pub mod question;
pub mod say;

mod ago;
mod configured;
pub mod confirm;
mod credentials;
mod events;
mod feed;
mod hints;
mod import_batch;
mod import_plan;
mod import_source;
mod listing;
mod option_check;
mod output;
mod owner;
mod pages;
pub mod passphrase;
mod reads;
mod render_command;
pub mod render_error;
mod render_target;
mod render_watch;
mod run_child;
pub mod run_launch;
mod run_problem;
mod run_pump;
mod run_read;
mod run_signals;
mod run_sources;
mod run_supervise;
mod run_terminal;
mod run_watch;
mod said;
mod secret_file;
mod session;
mod signer;
mod snapshot_file;
mod socket;
mod table;
mod unit_place;
mod usage;
mod value_source;
mod variables;
mod verbs_access;
mod verbs_admin;
mod verbs_agent;
mod verbs_apikey;
mod verbs_audit;
mod verbs_audit_proof;
mod verbs_back;
mod verbs_connectivity;
mod verbs_credential_process;
mod verbs_docker_credential;
mod verbs_environment;
mod verbs_events;
mod verbs_export;
mod verbs_exposure;
mod verbs_freeze;
mod verbs_git_credential;
mod verbs_import;
mod verbs_keys;
mod verbs_life;
mod verbs_man;
mod verbs_node;
mod verbs_policy;
mod verbs_providers;
mod verbs_render;
mod verbs_run;
mod verbs_secret;
mod verbs_service;
mod verbs_snapshot;
mod verbs_subscriptions;
mod verbs_token;
mod verbs_unseal;
mod verbs_validate;
mod verbs_view;
mod verbs_watch;
mod verbs_whoami;
mod views_access;
mod views_admin;
mod views_agent;
mod views_apikey;
mod views_audit_proof;
mod views_back;
mod views_best;
mod views_bulk;
mod views_change;
mod views_connectivity;
mod views_connectivity_line;
mod views_diagnosis;
mod views_environment;
mod views_error;
mod views_events;
mod views_expiring;
mod views_explain;
mod views_exposure;
mod views_freeze;
mod views_keys;
mod views_node;
mod views_policy;
mod views_providers;
mod views_record;
mod views_secret;
mod views_service;
mod views_signing;
mod views_snapshot;
mod views_subscriptions;
mod views_token;
mod views_unseal;
mod views_validate;
mod views_watch;
mod views_whoami;
mod wiped;

use std::process::ExitCode;

use arguments::{Cli, Global, Verb};
use arguments_policy::PolicyVerb;
use output::Output;
use session::Session;

/// Reads the command line and the environment.
///
/// # Errors
/// The exit code to end with, after help was printed (0) or a mistake was explained (1).
pub fn parse() -> Result<Cli, ExitCode> {
    usage::parse(std::env::args_os().collect())
}

/// Asks a running node and prints its answer. The exit code is one of the table in [`error`].
#[must_use]
pub fn run(global: &Global, verb: Verb) -> ExitCode {
    let mut output = Output::standard(global);
    let is_policy_test = matches!(verb, Verb::Policy(PolicyVerb::Test(_)));
    let done = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let done = runtime.block_on(perform(global, verb, &mut output));
            // Output that nobody takes any more is not waited for.
            runtime.shutdown_background();
            done
        }
        Err(source) => Err(error::CliError::System { action: "start the runtime", source }),
    };
    let done = done.map_err(|error| hints::completed(error, global));
    output.conclude(if is_policy_test { done.map_err(verbs_policy::untested) } else { done })
}

async fn perform(global: &Global, verb: Verb, output: &mut Output) -> Result<(), error::CliError> {
    option_check::check(global, &verb)?;
    // A script and a page of the manual are what they are: a variable that names no format is nothing to them.
    if !matches!(verb, Verb::Man { .. } | Verb::Completion { .. }) {
        variables::format(global)?;
    }
    let mut session = Session::open(global, output)?;
    match verb {
        Verb::Put(arguments) => verbs_secret::put(&mut session, *arguments).await,
        Verb::Get(arguments) => verbs_secret::get(&mut session, &arguments).await,
        Verb::Run(arguments) => Box::pin(verbs_run::run(&mut session, &arguments)).await,
        Verb::Delete(arguments) => verbs_life::delete(&mut session, &arguments).await,
        Verb::Undelete(arguments) => verbs_life::undelete(&mut session, &arguments).await,
        Verb::Destroy(arguments) => verbs_life::destroy(&mut session, &arguments).await,
        Verb::Rollback(arguments) => verbs_life::rollback(&mut session, &arguments).await,
        Verb::Describe(arguments) => verbs_life::describe(&mut session, *arguments).await,
        Verb::List(arguments) => verbs_view::list(&mut session, &arguments).await,
        Verb::Info(arguments) => verbs_view::info(&mut session, &arguments).await,
        Verb::Versions(arguments) => verbs_view::versions(&mut session, &arguments).await,
        Verb::Import(arguments) => verbs_import::import(&mut session, &arguments).await,
        Verb::Export(arguments) => verbs_export::export(&mut session, &arguments).await,
        Verb::Render(arguments) => verbs_render::render(&mut session, &arguments).await,
        Verb::GitCredential(arguments) => verbs_git_credential::answer(&mut session, &arguments).await,
        Verb::DockerCredential(arguments) => verbs_docker_credential::answer(&mut session, &arguments).await,
        Verb::CredentialProcess(arguments) => verbs_credential_process::answer(&mut session, &arguments).await,
        Verb::Explain(arguments) => verbs_view::explain(&mut session, &arguments).await,
        Verb::Watch(arguments) => verbs_watch::watch(&mut session, &arguments).await,
        Verb::Validate(arguments) => verbs_validate::validate(&mut session, &arguments).await,
        Verb::Status { verbose } => verbs_node::status(&mut session, verbose).await,
        Verb::Environment(verb) => verbs_environment::environment(&mut session, verb).await,
        Verb::Unseal(arguments) => verbs_unseal::unseal(&mut session, &arguments).await,
        Verb::Nodes(verb) => verbs_node::nodes(&mut session, verb).await,
        Verb::Token(verb) => verbs_token::token(&mut session, verb).await,
        Verb::Key(verb) => verbs_keys::key(&mut session, &verb).await,
        Verb::Agent(verb) => verbs_agent::agent(&mut session, verb).await,
        Verb::Apikey(verb) => verbs_apikey::apikey(&mut session, verb).await,
        Verb::Policy(verb) => verbs_policy::policy(&mut session, &verb).await,
        Verb::Providers(verb) => verbs_providers::providers(&mut session, &verb).await,
        Verb::Exposure { of } => verbs_exposure::exposure(&mut session, &of).await,
        Verb::Access(verb) => verbs_access::access(&mut session, &verb).await,
        Verb::Events(verb) => verbs_events::events(&mut session, &verb).await,
        Verb::Whoami(arguments) => verbs_whoami::whoami(&mut session, &arguments).await,
        Verb::Freeze(arguments) => verbs_freeze::freeze(&mut session, &arguments).await,
        Verb::Unfreeze(arguments) => verbs_freeze::unfreeze(&mut session, &arguments).await,
        Verb::Notify(arguments) => verbs_subscriptions::notify(&mut session, &arguments).await,
        Verb::Freezes => verbs_freeze::freezes(&mut session).await,
        Verb::Connectivity(arguments) => verbs_connectivity::connectivity(&mut session, &arguments).await,
        Verb::Expiring(arguments) => verbs_connectivity::expiring(&mut session, &arguments).await,
        Verb::Unused(arguments) => verbs_connectivity::unused(&mut session, &arguments).await,
        Verb::Audit(verb) => verbs_audit::audit(&mut session, global, &verb).await,
        Verb::Snapshot(verb) => verbs_snapshot::snapshot(&mut session, &verb).await,
        Verb::Service(verb) => verbs_service::service(&mut session, &verb),
        Verb::Man { directory } => verbs_man::man(&mut session, directory.as_deref()),
        Verb::Completion { shell } => verbs_admin::completion(&mut session, shell),
    }
}
