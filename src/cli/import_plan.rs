//! What an import comes to, for a person and for programs: each name of the file, what becomes of it, and why.

use serde::Serialize;

use super::import_batch::Entry;
use super::output::Shown;
use super::table::{Style, plain, rows};
use super::views_bulk::{ImportedEntry, ImportedView};
use super::views_secret::FieldView;
use crate::interchange::naming::Skipped;

/// A longer plan is told in numbers, unless every line is asked for: a person reads no more.
const ROWS_MAX: usize = 50;

/// Most raw names of one secret that a row shows.
const NAMES_SHOWN: usize = 3;

/// The plan, or what came of it.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    file: String,
    /// Whether anything was stored, rather than looked at.
    stored: bool,
    new: usize,
    changed: usize,
    same: usize,
    skipped: usize,
    revision: Option<u64>,
    entries: Vec<Row>,
    /// Whether every row is shown, however many there are.
    #[serde(skip)]
    verbose: bool,
}

/// One secret, or one name that is left out.
#[derive(Debug, Serialize)]
struct Row {
    action: String,
    service: Option<String>,
    key_name: Option<String>,
    scope: Option<&'static str>,
    scope_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldView>,
    version: Option<u64>,
    line: usize,
    names: Vec<String>,
    why: Option<String>,
}

impl Plan {
    /// Puts what the lead says of each entry beside it, and what is left out between them, in the order of the file.
    pub(super) fn new(file: &str, entries: &[Entry], skipped: &[Skipped], lead: Option<&ImportedView>) -> Self {
        let told = lead.map_or(&[][..], |lead| &lead.entries);
        let stored = entries.iter().zip(told).map(|(entry, told)| Row::of(entry, told));
        let mut rows: Vec<Row> = stored.chain(skipped.iter().map(Row::left_out)).collect();
        rows.sort_by_key(|row| row.line);
        Self {
            file: file.to_owned(),
            stored: false,
            new: lead.map_or(0, |lead| lead.new),
            changed: lead.map_or(0, |lead| lead.changed),
            same: lead.map_or(0, |lead| lead.same),
            skipped: skipped.len(),
            revision: lead.map(|lead| lead.revision),
            entries: rows,
            verbose: false,
        }
    }

    /// The same with every row shown, if that is wished.
    pub(super) fn in_full(self, verbose: bool) -> Self {
        Self { verbose, ..self }
    }

    /// The same, as what came of it.
    pub(super) fn made(self) -> Self {
        Self { stored: true, ..self }
    }

    /// How many secrets would be stored.
    pub(super) fn to_store(&self) -> usize {
        self.new + self.changed
    }

    /// `12 new, 3 changed, 40 same, 2 skipped; revision 93`
    pub(super) fn summary(&self, dry_run: bool) -> String {
        let Self { new, changed, same, skipped, .. } = self;
        let end = match (self.stored, self.revision) {
            (true, Some(revision)) => format!("revision {revision}"),
            (true, None) => "stored".to_owned(),
            (false, _) if dry_run => "a dry run: nothing was stored".to_owned(),
            (false, _) => "there is nothing to store".to_owned(),
        };
        format!("{new} new, {changed} changed, {same} same, {skipped} skipped; {end}\n")
    }

    /// The rows that a person sees: all of a short plan; of a long one those that want a look, if they are few.
    fn shown(&self) -> Vec<&Row> {
        if self.verbose || self.entries.len() <= ROWS_MAX {
            return self.entries.iter().collect();
        }
        let notable = |row: &&Row| row.why.is_some() || row.action == "changed";
        let notable: Vec<&Row> = self.entries.iter().filter(notable).collect();
        if notable.len() <= ROWS_MAX { notable } else { Vec::new() }
    }
}

impl Shown for Plan {
    fn table(&self, style: Style) -> String {
        let shown = self.shown();
        let mut text = String::new();
        if !shown.is_empty() {
            let header = ["ACTION", "SECRET", "SCOPE", "FROM", "WHY"];
            text = rows(style, &header, shown.iter().map(|row| row.cells()));
        }
        let left = self.entries.len() - shown.len();
        if left > 0 {
            let more = if shown.is_empty() { "" } else { "more " };
            text.push_str(&format!("{left} {more}rows are not shown; --verbose or -o json shows them all\n"));
        }
        text
    }
}

impl Row {
    fn of(entry: &Entry, told: &ImportedEntry) -> Self {
        let is_news = told.outcome != "same";
        Self {
            action: plain(&told.outcome),
            service: Some(entry.name.service.to_string()),
            key_name: Some(entry.name.key.to_string()),
            scope: Some(entry.scope.kind()),
            scope_id: entry.scope.id().map(str::to_owned),
            fields: entry.fields.iter().map(FieldView::from).collect(),
            version: Some(told.version),
            line: entry.line,
            names: entry.raw_names.clone(),
            why: (entry.is_empty() && is_news).then(|| "the value is empty".to_owned()),
        }
    }

    fn left_out(skipped: &Skipped) -> Self {
        Self {
            action: "skipped".to_owned(),
            service: None,
            key_name: None,
            scope: None,
            scope_id: None,
            fields: Vec::new(),
            version: None,
            line: skipped.line,
            names: vec![skipped.raw_name.clone()],
            why: Some(skipped.reason.to_string()),
        }
    }

    fn cells(&self) -> Vec<String> {
        let dash = || "-".to_owned();
        let secret = self.service.as_ref().zip(self.key_name.as_ref());
        let scope = self.scope.map(|kind| match &self.scope_id {
            Some(id) => format!("{kind}:{id}"),
            None => kind.to_owned(),
        });
        let mut names = self.names.iter().take(NAMES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        if self.names.len() > NAMES_SHOWN {
            names.push_str(", …");
        }
        vec![
            self.action.clone(),
            secret.map_or_else(dash, |(service, key)| format!("{service}/{key}")),
            scope.unwrap_or_else(dash),
            format!("line {} {names}", self.line),
            self.why.clone().unwrap_or_else(dash),
        ]
    }
}
