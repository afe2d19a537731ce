//! What an import sends: one line of JSON for each secret, made when the connection takes it and wiped when it has gone.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use serde::Serialize;

use super::error::CliError;
use super::progress::Progress;
use super::views_secret::FieldView;
use super::wiped;
use crate::crypto::digest::Digesting;
use crate::crypto::fields_object::object;
use crate::crypto::text::ValueText;
use crate::interchange::naming::{NamedContent, NamedEntry};
use crate::model::fields::Field;
use crate::model::name::EnvironmentName;
use crate::model::secret::{Scope, SecretName};

/// Values sent in one piece, at least; a piece ends with the value that reaches it.
const PIECE_BYTES: usize = 64 << 10;

/// Lines sent in one piece, at most, so that many small values do not make a large one.
const PIECE_LINES_MAX: usize = 256;

/// One secret on its way.
pub(super) struct Entry {
    /// Where it stands in the file.
    pub(super) line: usize,
    /// What it is called there.
    pub(super) raw_names: Vec<String>,
    /// What it will be called.
    pub(super) name: SecretName,
    /// In which scope.
    pub(super) scope: Scope,
    /// The fields its value has, if it has several.
    pub(super) fields: Vec<Field>,
    value: ValueText,
}

impl Entry {
    /// Takes an entry of a file; several fields become the JSON object that is their value.
    ///
    /// # Errors
    /// [`CliError::Garbled`] for a value that is no text, which no reader of files gives.
    pub(super) fn new(entry: NamedEntry) -> Result<Self, CliError> {
        let NamedEntry { line, raw_names, name, scope, content } = entry;
        let (fields, value) = match content {
            NamedContent::Value(value) => (Vec::new(), value),
            NamedContent::Fields(parts) => {
                let fields = parts.iter().map(|(field, _)| field.clone()).collect();
                let texts = parts.into_iter().map(|(field, value)| (field.name, value)).collect();
                (fields, object(texts).map_err(|_| CliError::Garbled { what: "a field is no text" })?)
            }
        };
        Ok(Self { line, raw_names, name, scope, fields, value: ValueText::from(value) })
    }

    /// Whether the value is there and has no bytes.
    pub(super) fn is_empty(&self) -> bool {
        self.value.plaintext().is_empty()
    }
}

/// The body that carries entries to the lead, some lines at a time. It can be made as often as it must be sent.
pub(super) struct Lines {
    entries: Arc<[Entry]>,
    environment: Option<EnvironmentName>,
    next: usize,
    progress: Progress,
}

impl Lines {
    /// Starts at the first entry.
    pub(super) fn new(entries: Arc<[Entry]>, environment: Option<EnvironmentName>, progress: Progress) -> Self {
        Self { entries, environment, next: 0, progress }
    }

    /// SHA-256 of all that will be sent.
    ///
    /// # Errors
    /// As sending it would meet.
    pub(super) fn digest(&self) -> Result<[u8; 32], CliError> {
        let (entries, environment) = (Arc::clone(&self.entries), self.environment.clone());
        let mut again = Self { entries, environment, next: 0, progress: Progress::new(false) };
        let mut digesting = Digesting::default();
        while let Some(piece) = again.piece() {
            digesting.update(&piece?);
        }
        Ok(digesting.finish())
    }

    /// The next lines, if any are left.
    fn piece(&mut self) -> Option<Result<Bytes, CliError>> {
        let rest = self.entries.get(self.next..)?;
        let mut bytes = 0;
        let ends = |entry: &Entry| {
            bytes += entry.value.plaintext().len();
            bytes >= PIECE_BYTES
        };
        let count = rest.iter().take(PIECE_LINES_MAX).position(ends).map_or(PIECE_LINES_MAX, |last| last + 1);
        let lines = rest.get(..count).unwrap_or(rest);
        if lines.is_empty() {
            return None;
        }
        let environment = self.environment.as_ref().map(EnvironmentName::as_str);
        let piece = wiped::lines(lines.iter().map(|entry| LineBody::of(entry, environment)));
        self.next += lines.len();
        self.tell();
        Some(piece.map(wiped::bytes))
    }
}

impl Lines {
    /// How far it is; once all of it is sent, the lead has the longer part still to do.
    fn tell(&self) {
        let number = |count: usize| u64::try_from(count).unwrap_or_default();
        if self.next == self.entries.len() {
            self.progress.wait("the lead is at work");
        } else {
            self.progress.at("sending", number(self.next), Some(number(self.entries.len())));
        }
    }
}

impl Body for Lines {
    type Data = Bytes;
    type Error = CliError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CliError>>> {
        Poll::Ready(self.piece().map(|piece| piece.map(Frame::data)))
    }
}

/// One line: what `POST /api/secrets` takes. What is not given stays as it is.
#[derive(Serialize)]
struct LineBody<'a> {
    service: &'a str,
    key_name: &'a str,
    key_value: &'a ValueText,
    scope: &'a str,
    scope_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldView>,
}

impl<'a> LineBody<'a> {
    fn of(entry: &'a Entry, environment: Option<&'a str>) -> Self {
        Self {
            service: entry.name.service.as_str(),
            key_name: entry.name.key.as_str(),
            key_value: &entry.value,
            scope: entry.scope.kind(),
            scope_id: entry.scope.id(),
            environment,
            fields: entry.fields.iter().map(FieldView::from).collect(),
        }
    }
}
