//! Credentials that should be looked at, as the API tells of them: those that expire, and those that nobody uses.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, Tone, plain, rows, toned_rows};
use super::views_exposure::unreadable_note;

/// The answer of `GET /api/expiring`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ExpiringView {
    within: String,
    secrets: Vec<ExpiringSecretView>,
    complete: bool,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ExpiringSecretView {
    service: String,
    key_name: String,
    scope: String,
    scope_id: Option<String>,
    environment: String,
    version: u64,
    expires_at: Option<String>,
    source: Option<String>,
    expired: bool,
    days_left: Option<i64>,
    rotation_due: bool,
    rotation_due_at: Option<String>,
}

impl ExpiringView {
    /// What the list does not say by itself.
    pub(super) fn notes(&self) -> Vec<String> {
        let more = "the list is longer than one answer: ask for a shorter time, or work through this one and ask again";
        if self.complete { Vec::new() } else { vec![more.to_owned()] }
    }
}

impl Shown for ExpiringView {
    fn table(&self, style: Style) -> String {
        if self.secrets.is_empty() {
            return format!("nothing expires within {}, and no rotation is due\n", plain(&self.within));
        }
        let header = ["SECRET", "SCOPE", "ENVIRONMENT", "VERSION", "EXPIRES", "SAID BY", "ROTATION"];
        let line = |secret: &ExpiringSecretView| {
            let expires = secret.expires_at.as_ref().map(|at| seen_from(&self.timestamp, at));
            let expires = match (expires, secret.expired) {
                (Some(when), true) => (format!("expired {when}"), Some(Tone::Bad)),
                (Some(when), false) => (when, Some(Tone::Warning).filter(|_| secret.days_left < Some(7))),
                (None, _) => ("-".to_owned(), None),
            };
            let due = secret.rotation_due_at.as_ref().filter(|_| secret.rotation_due);
            let due = due.map_or_else(|| "-".to_owned(), |at| format!("due {}", seen_from(&self.timestamp, at)));
            let plain = |text: String| (text, None);
            vec![
                plain(format!("{}/{}", secret.service, secret.key_name)),
                plain(scope(&secret.scope, secret.scope_id.as_deref())),
                plain(secret.environment.clone()),
                plain(secret.version.to_string()),
                expires,
                plain(secret.source.clone().unwrap_or_else(|| "-".to_owned())),
                plain(due),
            ]
        };
        toned_rows(style, &header, self.secrets.iter().map(line))
    }
}

/// The answer of `GET /api/unused`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UnusedView {
    #[serde(rename = "for")]
    span: String,
    secrets: Vec<UnusedSecretView>,
    covers: Vec<String>,
    journal_since: Option<String>,
    complete: bool,
    unreadable_lines: u64,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct UnusedSecretView {
    service: String,
    key_name: String,
    scope: String,
    scope_id: Option<String>,
    environment: String,
    version: u64,
    last_read: Option<String>,
    created_at: String,
    updated_at: String,
}

impl UnusedView {
    /// What the list does not say by itself.
    pub(super) fn notes(&self) -> Vec<String> {
        let since =
            self.journal_since.as_ref().map_or_else(|| "it is empty".to_owned(), |at| format!("it begins at {at}"));
        let (covers, journals) = (self.covers.join(", "), if self.covers.len() == 1 { "journal" } else { "journals" });
        let mut notes =
            vec![format!("by the {journals} of {covers} alone, and {since}; other nodes may have served others")];
        if !self.complete {
            notes.push("the list is longer than one answer: work through this one, and ask again".to_owned());
        }
        notes.extend(unreadable_note(self.unreadable_lines));
        notes
    }
}

impl Shown for UnusedView {
    fn table(&self, style: Style) -> String {
        if self.secrets.is_empty() {
            return format!("no secret has gone unread here for {}\n", plain(&self.span));
        }
        let header = ["SECRET", "SCOPE", "ENVIRONMENT", "VERSION", "LAST READ", "STORED", "CHANGED"];
        let line = |secret: &UnusedSecretView| {
            let seen = |time: &str| seen_from(&self.timestamp, time);
            vec![
                format!("{}/{}", secret.service, secret.key_name),
                scope(&secret.scope, secret.scope_id.as_deref()),
                secret.environment.clone(),
                secret.version.to_string(),
                secret.last_read.as_deref().map_or_else(|| "never".to_owned(), seen),
                seen(&secret.created_at),
                seen(&secret.updated_at),
            ]
        };
        rows(style, &header, self.secrets.iter().map(line))
    }
}

fn scope(kind: &str, id: Option<&str>) -> String {
    id.map_or_else(|| kind.to_owned(), |id| format!("{kind}:{id}"))
}
