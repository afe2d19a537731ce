//! `import`: a file of another tool into the store. The plan comes from the lead, which rehearses the very change that
//! it makes when the plan is approved.

use std::sync::Arc;

use super::arguments::Format;
use super::arguments_bulk::ImportArguments;
use super::client::Client;
use super::confirm;
use super::error::CliError;
use super::import_batch::{Entry, Lines};
use super::import_plan::Plan;
use super::import_source;
use super::progress::Progress;
use super::question::Question;
use super::session::Session;
use super::views_bulk::ImportedView;
use crate::model::secret::Scope;

/// Whether the lead is to store, or to say what storing would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Rehearsal,
    InEarnest,
}

/// `aurora import`
pub(super) async fn import(session: &mut Session<'_>, arguments: &ImportArguments) -> Result<(), CliError> {
    let scope = session.scope.cloned().unwrap_or(Scope::Global);
    let source = import_source::read(arguments, &scope)?;
    let skipped = source.named.skipped;
    let mut entries = source.named.entries.into_iter().map(Entry::new).collect::<Result<Vec<_>, _>>()?;
    // In the order in which stores keep them: the pages of a follower's file are then written once, not again and again.
    entries.sort_by(|left, right| (&left.name, &left.scope).cmp(&(&right.name, &right.scope)));
    let entries: Arc<[Entry]> = entries.into();
    let client = session.admin()?.patiently();
    let batch = Batch { client, file: source.file, entries };
    let plan =
        |lead: Option<&ImportedView>| Plan::new(&batch.file, &batch.entries, &skipped, lead).in_full(arguments.verbose);
    let rehearsed = batch.send(session, Run::Rehearsal).await?;
    let mut outcome = plan(rehearsed.as_ref());
    let is_for_people = session.output.format() == Format::Table;
    if is_for_people {
        session.output.report(&outcome)?;
    }
    if !arguments.dry_run && outcome.to_store() > 0 {
        if !arguments.yes {
            approved(outcome.to_store())?;
        }
        let stored = batch.send(session, Run::InEarnest).await?;
        outcome = plan(stored.as_ref()).made();
    }
    if !is_for_people {
        return session.output.show(&outcome);
    }
    if session.output.is_quiet() { Ok(()) } else { session.output.write(outcome.summary(arguments.dry_run).as_bytes()) }
}

/// Asks whether to go on; a script says so with an option.
fn approved(count: usize) -> Result<(), CliError> {
    if confirm::somebody_is_there() {
        return confirm::ask(&format!("Store {count} secrets?"));
    }
    Err(CliError::Usage {
        message: "nothing was stored: there is no terminal to ask on".to_owned(),
        hint: "Add --yes to store them, or --dry-run to look only.".to_owned(),
    })
}

/// What is imported, and to whom it goes.
struct Batch {
    client: Client,
    file: String,
    entries: Arc<[Entry]>,
}

impl Batch {
    /// Sends everything; nothing if there is nothing to send.
    async fn send(&self, session: &Session<'_>, run: Run) -> Result<Option<ImportedView>, CliError> {
        if self.entries.is_empty() {
            return Ok(None);
        }
        let dry_run = match run {
            Run::Rehearsal => Some("true"),
            Run::InEarnest => None,
        };
        let question = session.with_reason(Question::get("/api/import").with("dry_run", dry_run))?;
        let progress = session.output.progress().worth(self.entries.len());
        let lines = Lines::new(Arc::clone(&self.entries), session.environment.clone(), progress.clone());
        let answer = match self.client.send_lines(question, lines).await {
            Err(broken @ CliError::Broken { .. }) => Err(self.refusal().await.unwrap_or(broken)),
            answer => answer,
        };
        progress.end();
        let imported: ImportedView = answer.map_err(|error| self.with_line(error))?.parse()?;
        if imported.entries.len() != self.entries.len() {
            return Err(CliError::Garbled { what: "it does not speak of every entry" });
        }
        Ok(Some(imported))
    }

    /// Why a node that hung up while it was sent to takes nothing, if that is so: a sealed one does not wait for the end.
    async fn refusal(&self) -> Option<CliError> {
        let nothing = Lines::new(Arc::new([]), None, Progress::new(false));
        let question = Question::get("/api/import").with("dry_run", Some("true"));
        let refused = self.client.send_lines(question, nothing).await.err()?;
        matches!(refused, CliError::Refused { .. }).then_some(refused)
    }

    /// What the lead says of one secret, with the place in the file where it stands.
    fn with_line(&self, error: CliError) -> CliError {
        let CliError::Refused { status, code, message, hint, request_id } = error else { return error };
        let is_meant = |entry: &&Entry| message.starts_with(&format!("{} ({}): ", entry.name, entry.scope));
        let message = match self.entries.iter().find(is_meant) {
            Some(entry) => format!("{} line {}: {message}", self.file, entry.line),
            None => message,
        };
        CliError::Refused { status, code, message, hint, request_id }
    }
}
