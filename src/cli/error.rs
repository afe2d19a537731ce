//! Why a command failed, and the exit code that says so to a script.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | a local error: usage, configuration, no daemon; of `policy test`: the policy would decide otherwise |
//! | 2 | the node failed; of `policy test`: any error |
//! | 3 | not found |
//! | 4 | refused by policy |
//! | 5 | only a too-old copy, or no lead |
//! | 6 | a join that waits for approval (`daemon` ends with it) |
//! | 126, 127 | of `run`: the command cannot be executed, is not there; otherwise `run` ends as its command did |

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::render_error::RenderError;
use super::run_problem::Problems as RunProblems;
use super::table::counted;
use crate::catalogue::error::Problems;
use crate::config;
use crate::interchange::error::FileError;
use crate::interchange::write::WriteError;
use crate::policy;

/// A failure, by cause. Never holds a value.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line asks for something that cannot be.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to type instead.
        hint: String,
    },
    /// Nobody listens on the socket.
    #[error("no node answers on {}", socket.display())]
    NoDaemon {
        /// The socket.
        socket: PathBuf,
        /// Why the connection failed.
        #[source]
        source: io::Error,
    },
    /// No socket is named, and none is where it would be.
    #[error("no socket of a node was found: there is no /run/aurora/agent.sock, and HOME is not set")]
    NoSocket,
    /// The socket is not for this user.
    #[error("this user may not use {}", socket.display())]
    SocketRefused {
        /// The socket.
        socket: PathBuf,
    },
    /// The node refused, in its own words.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The stable word.
        code: String,
        /// What failed, and why.
        message: String,
        /// What to do next.
        hint: String,
        /// Ties it to the node's log and journal.
        request_id: String,
    },
    /// The node answered something that is not what was asked for.
    #[error("the node's answer is not understood ({what})")]
    Garbled {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The connection broke.
    #[error("the connection to the node broke")]
    Broken {
        /// How.
        #[source]
        source: hyper::Error,
    },
    /// No answer in time.
    #[error("the node did not answer within {} s; a change may or may not have been made", after.as_secs())]
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// The node knows nothing by that name.
    #[error("{message}")]
    NotFound {
        /// What was looked for.
        message: String,
        /// Where to look.
        hint: String,
    },
    /// A file or standard input could not be read.
    #[error("cannot read {what}")]
    Input {
        /// What was read.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of values, or the map file, is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// The catalogue this program was built with cannot be read.
    #[error(transparent)]
    Catalogue(#[from] Problems),
    /// Values cannot be written in the format that was asked for.
    #[error(transparent)]
    Unwritable(#[from] WriteError),
    /// A file of values could not be written.
    #[error("cannot write {}", path.display())]
    Unsaved {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The answer could not be printed.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// The operating system refused.
    #[error("cannot {action}")]
    System {
        /// What was tried.
        action: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key rotation cannot go on; the node tries again.
    #[error("the key rotation stands still: {reason}")]
    RotationStands {
        /// Why.
        reason: String,
    },
    /// Environments were compared and share values; which, is already printed.
    #[error("{count} values are the same in two environments")]
    SharedValues {
        /// How many.
        count: usize,
    },
    /// Credentials were checked and are not all good; which, is already printed.
    #[error("of {}, {}", counted(*of, "credential", "credentials"), not_validated(*rejected, *unreachable))]
    NotValidated {
        /// How many the provider refuses.
        rejected: usize,
        /// Of how many the provider said nothing.
        unreachable: usize,
        /// How many there are.
        of: usize,
    },
    /// A file could not be made from a template.
    #[error(transparent)]
    Render(#[from] Box<RenderError>),
    /// A policy file that is none.
    #[error("{file}: {problems}")]
    Policy {
        /// Its name.
        file: String,
        /// What is wrong with it.
        problems: policy::file_error::Problems,
    },
    /// A configuration of a node that is none.
    #[error("{}: {problems}", file.display())]
    Config {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problems: config::error::Problems,
    },
    /// A policy was tested and would decide otherwise; what, is already printed.
    #[error("{} would be decided otherwise", counted(*count, "kind of request", "kinds of request"))]
    PolicyDrift {
        /// How many.
        count: usize,
    },
    /// A policy could not be tested. Its exit code is not that of a policy that would decide otherwise.
    #[error(transparent)]
    Untested(Box<CliError>),
    /// A program was not started, because variables would have no value.
    #[error(transparent)]
    NotStarted(RunProblems),
    /// A program cannot be executed.
    #[error("cannot run {program}")]
    NotExecuted {
        /// Its name.
        program: String,
        /// The code a shell ends with then: 127 if it is not there, 126 if it is.
        status: u8,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The journal was checked and does not hold; the verdict is already printed.
    #[error("the audit journal is broken: {reason}")]
    JournalBroken {
        /// Where, and how.
        reason: String,
    },
    /// A file was checked in which nothing is wrong, but which nothing proves to its end; the verdict is already printed.
    #[error("the file is not proved: {reason}")]
    Unproved {
        /// From where on.
        reason: String,
    },
}

impl CliError {
    /// What went wrong with the one secret for which a template could not be rendered.
    pub(super) fn within_template(&self) -> Option<&Self> {
        if let Self::Render(error) = self { error.cause() } else { None }
    }

    /// The code to end with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. }
            | Self::NoDaemon { .. }
            | Self::NoSocket
            | Self::Input { .. }
            | Self::File(_)
            | Self::Catalogue(_)
            | Self::Unwritable(_)
            | Self::Unsaved { .. }
            | Self::Output(_)
            | Self::System { .. }
            | Self::Policy { .. }
            | Self::Config { .. }
            | Self::PolicyDrift { .. }
            | Self::SharedValues { .. } => 1,
            Self::Render(error) => error.exit_code(),
            Self::SocketRefused { .. } => 4,
            Self::Refused { status, code, .. } => refused_code(*status, code),
            Self::NotFound { .. } => 3,
            Self::NotStarted(problems) => problems.exit_code(),
            Self::NotExecuted { status, .. } => *status,
            Self::Garbled { .. }
            | Self::Broken { .. }
            | Self::TimedOut { .. }
            | Self::Untested(_)
            | Self::RotationStands { .. }
            | Self::NotValidated { .. }
            | Self::JournalBroken { .. }
            | Self::Unproved { .. } => 2,
        }
    }

    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Usage { .. } => "usage",
            Self::NoDaemon { .. } | Self::NoSocket => "no_daemon",
            Self::SocketRefused { .. } => "denied",
            Self::Refused { code, .. } => code,
            Self::Garbled { .. } => "bad_answer",
            Self::Broken { .. } => "broken_connection",
            Self::TimedOut { .. } => "timed_out",
            Self::NotFound { .. } => "not_found",
            Self::Input { .. } => "bad_input",
            Self::File(_) => "bad_file",
            Self::Catalogue(_) => "bad_catalogue",
            Self::Unwritable(_) => "not_text",
            Self::Unsaved { .. } | Self::Output(_) => "bad_output",
            Self::System { .. } => "system",
            Self::RotationStands { .. } => "rotation_stands_still",
            Self::SharedValues { .. } => "shared_values",
            Self::NotValidated { .. } => "not_validated",
            Self::Render(error) => error.code(),
            Self::Policy { .. } => "bad_policy",
            Self::Config { .. } => "bad_config",
            Self::PolicyDrift { .. } => "policy_drift",
            Self::Untested(cause) => cause.code(),
            Self::NotStarted(problems) => problems.code(),
            Self::NotExecuted { .. } => "not_executed",
            Self::JournalBroken { .. } => "journal_broken",
            Self::Unproved { .. } => "journal_unproved",
        }
    }

    /// What to type next; empty when there is nothing better than the message.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Usage { hint, .. } | Self::NotFound { hint, .. } | Self::Refused { hint, .. } => hint.clone(),
            Self::NoDaemon { .. } | Self::NoSocket => {
                "Start the node with: aurora up (a new mesh begins with: aurora init). \
                 If it runs elsewhere, give --socket PATH or set AURORA_SOCKET."
                    .to_owned()
            }
            Self::SocketRefused { .. } => {
                "Reading needs membership in the socket's group (usually aurora); changes need the node's owner: \
                 try again with sudo."
                    .to_owned()
            }
            Self::Garbled { .. } | Self::Broken { .. } | Self::TimedOut { .. } => "Look with: aurora status".to_owned(),
            Self::RotationStands { .. } => {
                "Nothing is lost: both keys open everything. The node tries again by itself; look with: aurora key status"
                    .to_owned()
            }
            Self::SharedValues { .. } => "Give one environment a value of its own, then rotate the other.".to_owned(),
            Self::NotValidated { rejected: 0, .. } => "Try again later; look with: aurora connectivity".to_owned(),
            Self::NotValidated { .. } => {
                "Make a new key at the provider, and store it with: aurora put --validate SERVICE/KEY_NAME".to_owned()
            }
            Self::Policy { .. } => {
                "Nothing was changed. Correct the file, and run the same command again; mesh-config/policy.toml is a sample."
                    .to_owned()
            }
            Self::Config { .. } => "Correct the file, or name another with --config.".to_owned(),
            Self::PolicyDrift { .. } => "If that is meant, apply it: aurora policy apply FILE".to_owned(),
            Self::Untested(cause) => cause.hint(),
            Self::Render(error) => error.hint(),
            Self::NotStarted(problems) => problems.hint(),
            Self::JournalBroken { .. } => {
                "Keep the journal as it is and find out who changed it; aurora audit tail shows the last lines."
                    .to_owned()
            }
            Self::Unproved { .. } => {
                "Take a file of aurora audit proof, which ends with its last seal; or bring seals with --heads, and accept \
                 what is behind the last of them with --unsealed."
                    .to_owned()
            }
            Self::File(_) => "Nothing was done. Correct the file, and run the same command again.".to_owned(),
            Self::Unsaved { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "Make the directory first, or write elsewhere.".to_owned()
            }
            Self::Unsaved { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "Try it as a user who may write there, such as root, or write elsewhere.".to_owned()
            }
            Self::Input { .. }
            | Self::Catalogue(_)
            | Self::Unwritable(_)
            | Self::Unsaved { .. }
            | Self::Output(_)
            | Self::NotExecuted { .. }
            | Self::System { .. } => String::new(),
        }
    }
}

/// A request that was wrong is a local error; otherwise the status tells.
fn refused_code(status: u16, code: &str) -> u8 {
    match (status, code) {
        (404 | 410, "not_found" | "destroyed") => 3,
        (401 | 403, _) => 4,
        (_, "stale_cache" | "no_lead") => 5,
        (_, "unsound_snapshot") => 2,
        (400 | 413, _) => 1,
        _ => 2,
    }
}

fn not_validated(rejected: usize, unreachable: usize) -> String {
    let refused = format!("{rejected} rejected by the provider");
    let open = format!("{unreachable} could not be checked");
    match (rejected, unreachable) {
        (_, 0) => refused,
        (0, _) => open,
        (_, _) => format!("{refused}, {open}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_api_has_its_exit_code() {
        let table = [
            (400, "bad_name", 1),
            (413, "value_too_large", 1),
            (401, "no_identity", 4),
            (403, "denied", 4),
            (403, "frozen", 4),
            (403, "node_mismatch", 4),
            (404, "not_found", 3),
            (404, "unknown_route", 2),
            (409, "version_conflict", 2),
            (409, "not_lead", 2),
            (410, "destroyed", 3),
            (429, "rate_limited", 2),
            (500, "internal", 2),
            (503, "sealed", 2),
            (503, "audit_unavailable", 2),
            (503, "stale_cache", 5),
            (503, "no_lead", 5),
        ];
        for (status, code, expected) in table {
            assert_eq!(refused_code(status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn no_daemon_is_a_local_error_that_says_what_to_type() {
        let error = CliError::NoDaemon { socket: "/x/agent.sock".into(), source: io::ErrorKind::NotFound.into() };
        assert_eq!((error.exit_code(), error.code()), (1, "no_daemon"));
        assert!(error.to_string().contains("/x/agent.sock") && error.hint().contains("aurora up"));
    }
}
