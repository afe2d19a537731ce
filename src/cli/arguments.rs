//! The command line as a whole: the options every verb shares, and the verbs.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::arguments_access::AccessVerb;
use super::arguments_agent::{AgentVerb, ApikeyVerb};
use super::arguments_audit::AuditVerb;
use super::arguments_bulk::{ExportArguments, ImportArguments};
use super::arguments_connectivity::{ConnectivityArguments, ExpiringArguments, UnusedArguments};
use super::arguments_doctor::{DOCTOR_HELP, DoctorArguments, LEAVE_HELP, LeaveArguments};
use super::arguments_environment::EnvironmentVerb;
use super::arguments_events::EventVerb;
use super::arguments_freeze::{FREEZE_HELP, FreezeArguments, UnfreezeArguments};
use super::arguments_helpers::{CredentialProcessArguments, DockerCredentialArguments, GitCredentialArguments};
use super::arguments_keys::KeyVerb;
use super::arguments_life::{ChangeArguments, DescribeArguments, DestroyArguments, RollbackArguments};
use super::arguments_node::{DevArguments, InitArguments, JoinArguments, UnsealArguments, UpArguments};
use super::arguments_nodes::{NodesVerb, TokenVerb};
use super::arguments_policy::PolicyVerb;
use super::arguments_providers::ProvidersVerb;
use super::arguments_reign::PromoteArguments;
use super::arguments_render::{RENDER_HELP, RenderArguments};
use super::arguments_run::RunArguments;
use super::arguments_secret::{
    ExplainArguments, GetArguments, InfoArguments, ListArguments, PutArguments, VersionsArguments,
};
use super::arguments_service::ServiceVerb;
use super::arguments_snapshot::SnapshotVerb;
use super::arguments_subscriptions::NotifyArguments;
use super::arguments_validate::ValidateArguments;
use super::arguments_watch::WatchArguments;
use super::arguments_whoami::{WHOAMI_HELP, WhoamiArguments};
use crate::model::name::{AgentName, CompanyId, EnvironmentName};
use crate::model::secret::Scope;

/// Credentials for programs on every machine of a team, without .env files.
#[derive(Parser)]
#[command(
    name = "aurora",
    version,
    max_term_width = 110,
    after_help = "Examples:
  aurora dev --once                      three nodes on this machine, to look around
  aurora put hubspot/api_key             asks for the value without showing it
  aurora get hubspot/api_key             prints the value and nothing else
  aurora explain hubspot/api_key         says which scope won, and why
  aurora run --env .env -- npm start     references in the file become values, for the program only

Exit codes: 0 ok; 1 usage, configuration or no daemon; 2 the node failed;
3 not found; 4 refused by policy; 5 only a too-old copy, or no lead;
6 approval pending."
)]
pub struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The shared options. A flag wins over its environment variable, which `variables` reads.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every verb")]
pub struct Global {
    /// How to print: a table for people, which is the default; json or yaml for programs [env: AURORA_OUTPUT]
    #[arg(short, long, global = true, value_name = "FORMAT", value_enum)]
    pub output: Option<Format>,
    /// Print nothing but what was asked for
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// No colours (NO_COLOR does the same)
    #[arg(long, global = true)]
    pub no_color: bool,
    /// The agent socket of the node to ask; admin.sock is looked for beside it [env: AURORA_SOCKET]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// The company on whose behalf to read [env: AURORA_COMPANY]; tokens and entitlements take it several times
    #[arg(long, global = true, value_name = "ID", value_parser = CompanyId::parse)]
    pub company: Vec<CompanyId>,
    /// The environment, such as prod; the node's own if absent [env: AURORA_ENVIRONMENT]
    #[arg(long, global = true, value_name = "NAME", value_parser = EnvironmentName::parse)]
    pub environment: Option<EnvironmentName>,
    /// global, company:ID or node:NAME
    #[arg(long, global = true, value_name = "SCOPE", value_parser = Scope::parse)]
    pub scope: Option<Scope>,
    /// Why; kept in the audit journal
    #[arg(long, global = true, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The agent to act as, instead of oneself: needs agent_impersonate
    #[arg(long, global = true, value_name = "AGENT", value_parser = AgentName::parse)]
    pub act_as: Option<AgentName>,
    /// What the node logs, as a tracing filter
    #[arg(long, global = true, value_name = "FILTER", env = "AURORA_LOG", hide = true)]
    pub log: Option<String>,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// As the API answers.
    Json,
    /// The same, as YAML.
    Yaml,
}

/// Every verb, by who does the work.
#[derive(Subcommand)]
pub enum Command {
    /// Asked of a running node: see [`super::run`].
    #[command(flatten)]
    Ask(Verb),
    /// Run three nodes on this machine and show what they do
    #[command(after_help = "Example: aurora dev --once")]
    Dev(DevArguments),
    /// Make this follower, while it is stopped, the lead of its mesh: by a snapshot of the one that was
    #[command(
        after_help = "Example: aurora promote --snapshot mesh.aurora-snapshot --key-file lead-unseal.key --listen 0.0.0.0:7700"
    )]
    Promote(PromoteArguments),
    /// Make this machine the lead of a new mesh
    #[command(after_help = "Example: aurora init --environment prod --advertise aurora.example.com:7700")]
    Init(InitArguments),
    /// Make this machine a follower, with a token from the lead
    #[command(after_help = "Example: aurora join aurora-join-3kTMd… (on the lead: aurora token create NAME)")]
    Join(JoinArguments),
    /// Run the node
    #[command(after_help = "Example: aurora up --config /etc/aurora/node.toml")]
    Up(UpArguments),
    /// Examine this node and its machine: what is wrong, and the command that mends it. Works without a running node
    #[command(after_help = DOCTOR_HELP)]
    Doctor(DoctorArguments),
    /// Take this follower out of its mesh: the lead forgets it, and its copies and keys go
    #[command(after_help = LEAVE_HELP)]
    Leave(LeaveArguments),
    /// Serve AI agents on standard input and output (Model Context Protocol): what there is and why it fails, never a value
    #[command(after_help = "Example, in the configuration of an agent: {\"command\": \"aurora\", \"args\": [\"mcp\"]}

It asks the node as whoever runs it; with AURORA_TOKEN or AURORA_TOKEN_FILE, as the agent of that key.")]
    Mcp,
}

/// What a running node answers.
#[derive(Subcommand)]
pub enum Verb {
    /// Store a value: asked for without echo, or from standard input (-), or from a file; never from an argument
    #[command(
        visible_alias = "set",
        after_help = "Examples:
  aurora put hubspot/api_key --scope company:acme
  pass show hubspot | aurora put hubspot/api_key -
  aurora put tls/server_key --from-file server.pem --verbatim
  aurora put google/oauth --field client_id:string --field client_secret:secret
  aurora put openai/api_key --validate      asks the provider first; a key that it refuses is not stored"
    )]
    Put(Box<PutArguments>),
    /// Print a value, and only the value
    #[command(after_help = "Examples:
  export HUBSPOT_API_KEY=$(aurora get hubspot/api_key --company acme)
  aurora get google/oauth --field client_id")]
    Get(GetArguments),
    /// Run a command whose variables get the values of secrets
    #[command(
        override_usage = "aurora run [OPTIONS] -- <COMMAND>...",
        after_help = "Examples:
  OPENAI_API_KEY=aurora://openai/api_key aurora run -- python agent.py
  aurora run --env .env -- npm start                    references in a dotenv file
  aurora run --map GITHUB_TOKEN=github/token --company acme -- gh repo list
  aurora run --prefix hubspot/ --watch -- ./sync        started anew when a value changes

A variable whose whole value is aurora://SERVICE/KEY_NAME[?field=…&company=…&version=…] gets what is stored there. If \
one has none, nothing is started. Values are masked in what the command prints: as they are, also in pieces and line by \
line, but not in another form (base64, URL-encoded), and not if they have under 4 bytes. Variables of aurora itself \
(AURORA_TOKEN and so on) are not inherited.

Exit codes: the command's own, or 128 + the signal that ended it; 126 and 127 if it cannot be executed or is not there; \
as everywhere if it was not started."
    )]
    Run(Box<RunArguments>),
    /// List secrets: names, scopes and versions, never values
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  aurora list hubspot/ --scope company:acme
  aurora list --tag crm --expires-within 30d
  aurora list --environment dev --state unset"
    )]
    List(ListArguments),
    /// Show what is known about a secret in each scope, without its value
    #[command(after_help = "Example: aurora info hubspot/api_key")]
    Info(InfoArguments),
    /// Delete the current version of a secret in one scope (global unless --scope is given)
    #[command(visible_alias = "rm", after_help = "Example: aurora delete hubspot/api_key --scope node:runpod-tx")]
    Delete(ChangeArguments),
    /// Make the deleted version of a secret in one scope current again
    #[command(after_help = "Example: aurora undelete hubspot/api_key --scope node:runpod-tx")]
    Undelete(ChangeArguments),
    /// Take the values of versions out for good, from every node and from the lead's file
    #[command(after_help = "Example: aurora destroy hubspot/api_key --versions 1,2 --yes")]
    Destroy(DestroyArguments),
    /// Store the value of an older version as a new one, or of every secret the one it had at a revision
    #[command(after_help = "Examples:
  aurora rollback hubspot/api_key --to 3
  aurora rollback --to-revision 812 --dry-run")]
    Rollback(RollbackArguments),
    /// Say something else about a secret; its value and version stay
    #[command(after_help = "Example: aurora describe hubspot/api_key --description 'CRM' --tag eu --clear owner")]
    Describe(Box<DescribeArguments>),
    /// Show the versions of a secret in one scope, and which node holds which
    #[command(after_help = "Example: aurora versions hubspot/api_key --scope company:acme --nodes")]
    Versions(VersionsArguments),
    /// Store the values of a file of another tool: all of them in one transaction, or none
    #[command(after_help = "Examples:
  aurora import .env --dry-run
  aurora import .env --map names.toml --scope company:acme
  aurora import secrets.yaml --fernet-key-file key --yes")]
    Import(ImportArguments),
    /// Write the values that a read would give as a file of another tool
    #[command(after_help = "Examples:
  aurora export hubspot/ --company acme
  aurora export --format shell --output-file secrets.sh")]
    Export(ExportArguments),
    /// Write a file from a template that names secrets: whole or not at all, and again when one of them changes
    #[command(after_help = RENDER_HELP)]
    Render(Box<RenderArguments>),
    /// Answer git, which asks for a user name and a password
    #[command(after_help = "Examples:
  git config --global credential.https://github.com.helper '!aurora git-credential'
  git config --global credential.helper '!aurora git-credential --map git.example.com=git/token'
With a link called git-credential-aurora to this program: git config --global credential.helper aurora")]
    GitCredential(GitCredentialArguments),
    /// Answer docker, which asks for the credential of a registry: the secret docker/HOST, or docker/HOST_PORT
    #[command(after_help = "Example: ln -s \"$(command -v aurora)\" /usr/local/bin/docker-credential-aurora
and in ~/.docker/config.json: {\"credHelpers\": {\"ghcr.io\": \"aurora\"}}
The secret: aurora put docker/ghcr.io --field username:string --field password:secret")]
    DockerCredential(DockerCredentialArguments),
    /// Answer an AWS SDK, which asks for a key
    #[command(after_help = "Example, in ~/.aws/config:
  [profile deploy]
  credential_process = aurora credential-process aws/deploy
of a secret with the fields access_key_id, secret_access_key and, if there is one, session_token; or
  credential_process = aurora credential-process aws/
of secrets with these names")]
    CredentialProcess(CredentialProcessArguments),
    /// Say why a read comes out as it does: each scope, the policy rule, the freshness
    #[command(after_help = "Example: aurora explain hubspot/api_key --company acme")]
    Explain(ExplainArguments),
    /// Print a line for each change as it is made; goes on by itself when the node is started again
    #[command(after_help = "Examples:
  aurora watch                                every change of what may be listed
  aurora watch hubspot/                       of one service
  aurora watch hubspot/api_key --once         wait for the next change of one secret
  aurora watch --after 1.42 -o json           everything since revision 42 of epoch 1, an object a line

Ctrl-C ends it with exit code 130.")]
    Watch(WatchArguments),
    /// Ask providers whether they take the credentials this node would use
    #[command(
        override_usage = "aurora validate [OPTIONS] <SERVICE[/KEY_NAME] | --all>",
        after_help = "Examples:
  aurora validate hubspot/api_key            one credential, in every scope this node would use
  aurora validate hubspot --company acme     what would be used on behalf of a company
  aurora validate --all

Exit codes: 0 if all are valid, or cannot be checked without harm; 2 if one is rejected,
or a provider was not reached; 3 if what is named has no credential on this node."
    )]
    Validate(ValidateArguments),
    /// Show whether the node is well, and how old its copies are
    #[command(after_help = "Example: aurora status -o json")]
    Status {
        /// Also what only the owner of the node is told: its migrations, its certificate, its copies
        #[arg(short, long)]
        verbose: bool,
    },
    /// The environments of the mesh, beside each other
    #[command(subcommand, visible_alias = "env", after_help = "Example: aurora environment list")]
    Environment(EnvironmentVerb),
    /// Bring a share, or the passphrase, to a sealed node: asked for without echo, or from standard input (-)
    #[command(after_help = "Examples:
  aurora unseal                          asks for a share; says how many are still missing
  pass show aurora/share | aurora unseal -
  aurora unseal --status")]
    Unseal(UnsealArguments),
    /// The nodes of the mesh
    #[command(subcommand, after_help = "Example: aurora nodes list")]
    Nodes(NodesVerb),
    /// Tokens that admit new nodes
    #[command(subcommand, after_help = "Example: aurora token create vengeance --company acme")]
    Token(TokenVerb),
    /// Agents, which act by API keys
    #[command(
        subcommand,
        after_help = "Example: aurora agent create openclaw --capability data_read --allow 'hubspot/*' --environments prod"
    )]
    Agent(AgentVerb),
    /// The API keys of agents
    #[command(subcommand, after_help = "Example: (umask 077; aurora apikey create openclaw --name ci > openclaw.key)")]
    Apikey(ApikeyVerb),
    /// The keys of the lead: rotate them, and see how they stand
    #[command(subcommand, after_help = "Example: aurora key status")]
    Key(KeyVerb),
    /// Who may do what: the grants, and the file they come from
    #[command(subcommand, after_help = "Example: aurora policy test policy.toml --days 7")]
    Policy(PolicyVerb),
    /// The APIs this node knows: what their credentials are called, and how each is checked
    #[command(subcommand, after_help = "Example: aurora providers list")]
    Providers(ProvidersVerb),
    /// List the values somebody could have read: what to replace after an incident, the ones in use first
    #[command(after_help = "Examples:
  aurora exposure node:runpod-tx           what the node was entitled to, now or before
  aurora exposure company:acme             the same of every node that spoke for the company
  aurora exposure user:1000                what this caller read here (also agent:NAME, unit:NAME)")]
    Exposure {
        /// node:NAME, company:ID, or a caller as the audit journal names it
        #[arg(value_name = "WHOSE")]
        of: String,
    },
    /// Ask to be allowed something, and see what others ask for
    #[command(subcommand, after_help = "Example: aurora access request openai/api_key --reason 'nightly report'")]
    Access(AccessVerb),
    /// What happens: as it happens, what happened, and who is told of it
    #[command(subcommand, after_help = "Example: aurora events tail --type 'secret.*'")]
    Events(EventVerb),
    /// Show what the node sees of this command, and ask what it would be allowed
    #[command(after_help = WHOAMI_HELP)]
    Whoami(WhoamiArguments),
    /// Tell a channel of this node something, such as a chat or an address for mail
    #[command(after_help = "Example: aurora notify ops 'the nightly report failed' --priority urgent")]
    Notify(NotifyArguments),
    /// Stop reads, changes or everything of an agent, a secret, a node, a company or the mesh, and say which nodes know
    #[command(after_help = FREEZE_HELP)]
    Freeze(FreezeArguments),
    /// Lift the freeze of one target; others that are about the same stay
    #[command(after_help = "Example: aurora unfreeze agent:openclaw")]
    Unfreeze(UnfreezeArguments),
    /// List what is frozen; on a follower, what concerns it
    #[command(after_help = "Example: aurora freezes")]
    Freezes,
    /// Show which APIs work from every node, with the key it would really use
    #[command(after_help = "Examples:
  aurora connectivity                    every service and node: state, latency, age; below it, what is wrong
  aurora connectivity openai --watch     one service, again every 2 s
  aurora connectivity --best openai      the nodes in the order in which to call it from them

A * marks what a monitor reported, a ! what is too old to be relied on. Ctrl-C ends --watch with exit code 0.")]
    Connectivity(ConnectivityArguments),
    /// List the secrets that expire soon, or are due to be rotated
    #[command(after_help = "Example: aurora expiring --within 30d")]
    Expiring(ExpiringArguments),
    /// List the secrets that nobody has read for long, by the journals this node has
    #[command(after_help = "Example: aurora unused --for 90d")]
    Unused(UnusedArguments),
    /// The audit journal of this node, and on the lead the copies of the others'
    #[command(subcommand, after_help = "Example: aurora audit list --since 2h --principal agent:robot")]
    Audit(AuditVerb),
    /// Copies of the lead that are known to restore
    #[command(subcommand, after_help = "Example: aurora snapshot save")]
    Snapshot(SnapshotVerb),
    /// Units of systemd: for this node, and for programs that get their credentials from it
    #[command(
        subcommand,
        after_help = "Example: aurora service create worker --exec '/opt/worker' --credential openai/api_key --dry-run"
    )]
    Service(ServiceVerb),
    /// Print the completion script of a shell
    #[command(after_help = "Example: source <(aurora completion bash)")]
    Completion {
        /// Which shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write one for each verb
    #[command(after_help = "Examples:
  aurora man | man -l -
  aurora man --directory /usr/local/share/man/man1")]
    Man {
        /// Where to write a page for each verb
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

/// The shells there are completions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}
