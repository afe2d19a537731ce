//! What `aurora doctor` asks of a node that runs, and how its findings are printed. The examination itself is the daemon's.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::arguments::Global;
use super::client::Client;
use super::error::CliError;
use super::output::{Output, Shown};
use super::question::Question;
use super::socket;
use super::table::{Style, counted, plain, rows};
use super::variables;
use super::views_diagnosis::DiagnosisView;
use crate::model::finding::{Finding, Severity};
use crate::model::time::Timestamp;

/// The exit code when something is broken; with `--strict` also when something will break.
const FOUND: u8 = 1;

/// What a node that runs says of itself.
#[derive(Debug, Clone)]
pub struct Told {
    /// `healthy`, `degraded` or `unhealthy`.
    pub status: String,
    /// How fresh its copies are.
    pub freshness: String,
    /// How long ago it heard the lead.
    pub lead_heard: Option<Duration>,
    /// From when until when its certificate is valid.
    pub certificate: Option<(Timestamp, Timestamp)>,
    /// How far the lead's clock is ahead, in milliseconds.
    pub lead_ahead_ms: Option<i64>,
    /// Whether its journal took the last line.
    pub journal_works: bool,
    /// Pages of keys that are not locked in memory.
    pub unlocked_key_pages: u64,
    /// The newest version of the protocol it speaks.
    pub protocol: u16,
    /// On the lead: who speaks the oldest version, and which.
    pub oldest_follower: Option<(String, u16)>,
    /// The migrations on record, each as a line.
    pub migrations: Vec<String>,
    /// Current values.
    pub secrets: u64,
    /// When a snapshot was last verified.
    pub snapshot_verified: Option<Timestamp>,
    /// The oldest scope key that is the newest of its scope.
    pub oldest_key: Option<Timestamp>,
    /// How a passphrase becomes its key: memory in KiB, and passes.
    pub passphrase: Option<(u32, u32)>,
    /// How many shares of how many open it.
    pub shares: Option<(u8, u8)>,
    /// On the lead: the journals of the nodes: whose, lines that are still to come, and what is missing.
    pub journals: Vec<(String, u64, Vec<String>)>,
    /// Its own journal: the lines that hold, and where they do not.
    pub journal: Result<(u64, Option<String>), String>,
}

#[derive(Debug, Deserialize)]
struct StatusAnswer {
    status: String,
    freshness: String,
    lead_last_heard_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct JournalsAnswer {
    nodes: Vec<JournalAnswer>,
}

#[derive(Debug, Deserialize)]
struct JournalAnswer {
    node: String,
    behind: u64,
    gaps: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct VerdictAnswer {
    lines: u64,
    broken: Option<String>,
}

/// Asks the node whose sockets are in this directory.
///
/// # Errors
/// [`CliError::NoDaemon`] when none runs there; any other when it runs and does not say.
pub async fn ask(socket_dir: &Path) -> Result<Told, CliError> {
    let client = Client::new(socket::admin(&socket_dir.join("agent.sock"))).patiently();
    let status: StatusAnswer = client.ask(Question::get("/api/status")).await?;
    let diagnosis: DiagnosisView = client.ask(Question::get("/api/diagnosis")).await?;
    let journals = match client.ask::<JournalsAnswer>(Question::get("/api/audit/nodes")).await {
        Ok(journals) => journals.nodes.into_iter().map(|it| (it.node, it.behind, it.gaps)).collect(),
        // A follower has none but its own.
        Err(CliError::Refused { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    let journal = match client.ask::<VerdictAnswer>(Question::get("/api/audit/verify")).await {
        Ok(verdict) => Ok((verdict.lines, verdict.broken)),
        Err(error) => Err(error.to_string()),
    };
    Ok(diagnosis.told((status.status, status.freshness), status.lead_last_heard_ms, journals, journal))
}

/// Prints the findings and gives the exit code: 1 if there is an error, or a warning and `strict`; else 0.
#[must_use]
pub fn report(global: &Global, node: &str, findings: &[Finding], strict: Strict) -> ExitCode {
    let mut output = Output::standard(global);
    if let Err(error) = variables::format(global) {
        return output.conclude(Err(error));
    }
    let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok);
    let view = DoctorView {
        node: node.to_owned(),
        worst: worst.as_str(),
        findings: findings.iter().map(FindingView::from).collect(),
    };
    let bound = match strict {
        Strict::No => Severity::Error,
        Strict::Yes => Severity::Warning,
    };
    if worst >= bound {
        output.end_as(FOUND);
    }
    let shown = output.show(&view);
    output.conclude(shown)
}

/// Whether warnings count as errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strict {
    /// Only errors do.
    No,
    /// Warnings do.
    Yes,
}

#[derive(Debug, Serialize)]
struct DoctorView {
    node: String,
    worst: &'static str,
    findings: Vec<FindingView>,
}

#[derive(Debug, Serialize)]
struct FindingView {
    id: &'static str,
    severity: &'static str,
    seen: String,
    mend: Option<String>,
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> Self {
        let Finding { id, severity, seen, mend } = finding;
        // A configuration has a line for each of its problems: they stay apart.
        let seen = seen.lines().map(plain).collect::<Vec<_>>().join("\n");
        Self { id, severity: severity.as_str(), seen, mend: mend.as_deref().map(plain) }
    }
}

impl Shown for DoctorView {
    /// What is well in a table; what is not below it, each with what more there is to say of it and with its command, on a
    /// line of its own to be copied.
    fn table(&self, style: Style) -> String {
        let line = |finding: &FindingView| {
            let seen = finding.seen.lines().next().unwrap_or_default();
            vec![finding.severity.to_owned(), finding.id.to_owned(), seen.to_owned()]
        };
        let mut text = rows(style, &["", "LOOKED AT", "SEEN"], self.findings.iter().map(line));
        for finding in self.findings.iter().filter(|finding| finding.severity != "ok") {
            let more = finding.seen.lines().skip(1).map(|line| format!("  - {}\n", line.trim_start()));
            let mut below: String = more.collect();
            if let Some(mend) = &finding.mend {
                below.push_str(&format!("  {mend}\n"));
            }
            if !below.is_empty() {
                text.push_str(&format!("\n{} {}:\n{below}", finding.severity, finding.id));
            }
        }
        let count = |severity: &str| self.findings.iter().filter(|finding| finding.severity == severity).count();
        let (errors, warnings) = (count("error"), count("warning"));
        text.push_str(&format!(
            "\n{}: {}, {}.\n",
            plain(&self.node),
            counted(errors, "error", "errors"),
            counted(warnings, "warning", "warnings")
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> DoctorView {
        let findings = [
            Finding::ok("disk.space", "100 GiB are free"),
            Finding::warning("machine.swap", "swap is on", "swapoff -a"),
            Finding::error("files.key", "mode 0644", "chmod 0600 /x"),
        ];
        let findings = findings.iter().map(FindingView::from).collect();
        DoctorView { node: "aurora".to_owned(), worst: "error", findings }
    }

    #[test]
    fn each_bad_finding_is_followed_by_its_command_on_a_line_of_its_own() {
        let text = view().table(Style::Plain);
        assert!(text.contains("\nwarning machine.swap:\n  swapoff -a\n"), "{text}");
        assert!(text.contains("\nerror files.key:\n  chmod 0600 /x\n"), "{text}");
        assert!(text.ends_with("\naurora: 1 error, 1 warning.\n"), "{text}");
    }

    /// The problems of a configuration were one line, with U+FFFD between them, also for programs.
    #[test]
    fn what_has_several_lines_keeps_them_and_nothing_else_that_a_terminal_obeys() {
        let findings = [Finding::error("config", "/x has 2 problems\n  a: b\u{1b}[2J\n  c: d", "vi /x")];
        let findings: Vec<FindingView> = findings.iter().map(FindingView::from).collect();
        assert_eq!(findings[0].seen, "/x has 2 problems\n  a: b\u{fffd}[2J\n  c: d");
        let text = DoctorView { node: "?".to_owned(), worst: "error", findings }.table(Style::Plain);
        assert!(text.contains("/x has 2 problems\n"), "{text}");
        assert!(text.contains("\nerror config:\n  - a: b\u{fffd}[2J\n  - c: d\n  vi /x\n"), "{text}");
    }

    #[test]
    fn programs_get_every_finding_with_its_severity() {
        let json = serde_json::to_value(view()).expect("JSON");
        assert_eq!(json["worst"], "error");
        assert_eq!(json["findings"][1]["mend"], "swapoff -a");
        assert_eq!(json["findings"][0]["mend"], serde_json::Value::Null);
    }
}
