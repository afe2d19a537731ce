//! `audit`: finding lines of the journals, watching them come, and writing them for other programs.

use std::time::Duration;

use super::arguments::{Format, Global};
use super::arguments_audit::{AuditFilter, AuditFormat, AuditVerb};
use super::audit_csv;
use super::audit_file::Target;
use super::audit_ocsf;
use super::client::Streamed;
use super::error::CliError;
use super::events::EventReader;
use super::question::Question;
use super::session::Session;
use super::verbs_audit_proof;
use super::verbs_watch::{PAUSE_MAX, PAUSE_MIN, SILENCE_MAX, passes};
use super::views_admin::{AuditView, row};
use crate::model::name::EnvironmentName;

/// Lines asked for at once: the most a node gives.
const PAGE_LINES: usize = 1000;

/// Longest line of a journal is 16 KiB; beyond this something else is talking.
const LINE_BYTES_MAX: usize = 64 << 10;

/// A node that looks through very many lines before it finds the next ones says nothing meanwhile.
const EXPORT_SILENCE_MAX: Duration = Duration::from_secs(905);

/// `aurora audit …`
pub(super) async fn audit(session: &mut Session<'_>, global: &Global, verb: &AuditVerb) -> Result<(), CliError> {
    match verb {
        AuditVerb::List { filter, limit } => list(session, &conditions(global, filter), *limit).await,
        AuditVerb::Tail { lines, follow, filter } => {
            let conditions = conditions(global, filter);
            tail(session, &conditions, *lines).await?;
            if *follow { Following::new(&conditions).run(session).await } else { Ok(()) }
        }
        AuditVerb::Export { filter, format, output_file } => {
            let target = Target::open(output_file.as_deref())?;
            export(session, &conditions(global, filter), *format, target).await
        }
        AuditVerb::Verify(asked) => verbs_audit_proof::verify(session, asked).await,
        AuditVerb::Heads { node } => verbs_audit_proof::heads(session, node.as_ref()).await,
        AuditVerb::Nodes => verbs_audit_proof::nodes(session).await,
        AuditVerb::Proof { node } => verbs_audit_proof::proof(session, node.as_ref()).await,
    }
}

/// The parameters of a search. Company and environment count when they are flags: a variable that says on whose behalf to
/// read must not hide lines.
fn conditions<'a>(global: &'a Global, filter: &'a AuditFilter) -> Vec<(&'static str, &'a str)> {
    let all = [
        ("since", filter.since.as_deref()),
        ("until", filter.until.as_deref()),
        ("principal", filter.principal.as_deref()),
        ("secret", filter.secret.as_deref()),
        ("action", filter.action.as_deref()),
        ("decision", filter.decision.as_deref()),
        ("node", filter.node.as_deref()),
        ("outcome", filter.outcome.as_deref()),
        ("request_id", filter.request_id.as_deref()),
        ("company", global.company.first().map(|company| company.as_str())),
        ("environment", global.environment.as_ref().map(EnvironmentName::as_str)),
    ];
    all.into_iter().filter_map(|(name, text)| text.map(|text| (name, text))).collect()
}

fn question(path: &str, conditions: &[(&'static str, &str)]) -> Question {
    conditions.iter().fold(Question::get(path), |question, (name, text)| question.with(name, Some(text)))
}

/// `aurora audit list`
async fn list(session: &mut Session<'_>, conditions: &[(&'static str, &str)], limit: usize) -> Result<(), CliError> {
    let client = session.admin()?.patiently();
    let mut all = AuditView::default();
    let mut left = limit;
    let mut cursor: Option<String> = None;
    while left > 0 {
        let question = question("/api/audit", conditions).with("order", Some("newest"));
        let question =
            question.with("limit", Some(&left.min(PAGE_LINES).to_string())).with("cursor", cursor.as_deref());
        let page: AuditView = client.ask(question).await?;
        left = left.saturating_sub(page.lines.len());
        let next = page.next_cursor.clone();
        if session.output.format() == Format::Json {
            lines_as_they_are(session, &page)?;
            all.take_all_but_lines(page);
        } else {
            all.take(page);
        }
        // A node that gives the same cursor again would keep us here for ever.
        if next.is_none() || next == cursor {
            break;
        }
        cursor = next;
    }
    if session.output.format() != Format::Json {
        session.output.show(&all)?;
    }
    tell(session, &all);
    if left == limit {
        session.output.note("no line matches");
    }
    Ok(())
}

/// `aurora audit tail`
async fn tail(session: &mut Session<'_>, conditions: &[(&'static str, &str)], lines: u16) -> Result<(), CliError> {
    let question = question("/api/audit", conditions).with("limit", Some(&lines.to_string()));
    let tail: AuditView = session.admin()?.patiently().ask(question).await?;
    match session.output.format() {
        Format::Json => lines_as_they_are(session, &tail)?,
        Format::Table | Format::Yaml => session.output.show(&tail)?,
    }
    tell(session, &tail);
    Ok(())
}

/// What the lines do not say by themselves.
fn tell(session: &mut Session<'_>, view: &AuditView) {
    for note in view.notes() {
        session.output.note(&note);
    }
}

/// JSON Lines, byte for byte as the journal has them: the hash of the next line covers these bytes.
fn lines_as_they_are(session: &mut Session<'_>, tail: &AuditView) -> Result<(), CliError> {
    tail.lines.iter().try_for_each(|line| session.output.write(format!("{line}\n").as_bytes()))
}

/// `aurora audit tail -f`: goes on by itself when the node is started again, where it was.
struct Following<'a> {
    conditions: &'a [(&'static str, &'a str)],
    seen: Option<String>,
    begun: bool,
    pause: Duration,
}

impl<'a> Following<'a> {
    fn new(conditions: &'a [(&'static str, &'a str)]) -> Self {
        Self { conditions, seen: None, begun: false, pause: PAUSE_MIN }
    }

    async fn run(&mut self, session: &mut Session<'_>) -> Result<(), CliError> {
        loop {
            match self.follow(session).await {
                Ok(()) => {}
                Err(error) if self.begun && passes(&error) => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
        }
    }

    async fn follow(&mut self, session: &mut Session<'_>) -> Result<(), CliError> {
        let question = question("/api/audit/follow", self.conditions);
        let question = question.header("last-event-id", self.seen.as_deref())?;
        let mut stream = session.admin()?.open(question).await?;
        (self.begun, self.pause) = (true, PAUSE_MIN);
        let mut reader = EventReader::default();
        loop {
            let chunk = tokio::time::timeout(SILENCE_MAX, stream.chunk()).await;
            let Some(bytes) = chunk.map_err(|_| CliError::TimedOut { after: SILENCE_MAX })?? else { return Ok(()) };
            for event in reader.read(&bytes)? {
                if event.name == "line" {
                    let text = if session.output.format() == Format::Table { row(&event.data) } else { event.data };
                    session.output.write(format!("{text}\n").as_bytes())?;
                }
                self.seen = event.id.or(self.seen.take());
            }
        }
    }
}

/// `aurora audit export`
async fn export(
    session: &mut Session<'_>,
    conditions: &[(&'static str, &str)],
    format: AuditFormat,
    mut target: Target,
) -> Result<(), CliError> {
    let mut stream = session.admin()?.open(question("/api/audit/export", conditions)).await?;
    let progress = session.output.progress();
    let (mut written, mut line) = (0_u64, Vec::new());
    if format == AuditFormat::Csv {
        target.write(session.output, audit_csv::HEADER)?;
    }
    while let Some(bytes) = chunk(&mut stream).await? {
        let mut text = Vec::with_capacity(bytes.len().saturating_mul(2));
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if line.len() > LINE_BYTES_MAX {
                return Err(CliError::Garbled { what: "a line is longer than any can be" });
            }
            if line.last() == Some(&b'\n') {
                text.extend(converted(&line, format)?);
                line.clear();
                written = written.saturating_add(1);
            }
        }
        target.write(session.output, &text)?;
        progress.at("lines", written, None);
    }
    progress.end();
    if !line.is_empty() {
        return Err(CliError::Garbled { what: "the last line has no end" });
    }
    target.finish()?;
    session.output.note(&format!("{written} lines were written"));
    Ok(())
}

async fn chunk(stream: &mut Streamed) -> Result<Option<hyper::body::Bytes>, CliError> {
    let chunk = tokio::time::timeout(EXPORT_SILENCE_MAX, stream.chunk()).await;
    chunk.map_err(|_| CliError::TimedOut { after: EXPORT_SILENCE_MAX })?
}

/// One line, with its newline, in another format.
fn converted(line: &[u8], format: AuditFormat) -> Result<Vec<u8>, CliError> {
    let converted = match format {
        AuditFormat::Jsonl => Some(line.to_vec()),
        AuditFormat::Csv => audit_csv::row(line),
        AuditFormat::Ocsf => audit_ocsf::event(line),
    };
    converted.ok_or(CliError::Garbled { what: "a line is none of a journal" })
}
