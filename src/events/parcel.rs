//! A message to one receiver, as it waits in the file of rows, and what is kept of it afterwards. JSON, one object a row.

use serde::{Deserialize, Serialize};

use super::route::Route;
use crate::model::time::Timestamp;

/// Longest reason that is kept of an attempt that failed.
const WHY_BYTES_MAX: usize = 512;

/// A message to one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Its place in the queue: each number once, going up.
    pub number: u64,
    /// Whom it goes to.
    pub route: Route,
    /// The id of the event: a receiver that is sent it twice knows it by this.
    pub id: String,
    /// The type of the event.
    pub kind: String,
    /// When the event happened; a day later it is given up.
    pub born: Timestamp,
    /// The JSON that is sent, or that a text is made of.
    pub body: String,
    /// Whether quiet hours do not hold it back.
    pub urgent: bool,
    /// Whether it was held back by them.
    pub held: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due: Timestamp,
    /// When it ended: delivered, or given up.
    pub ended: Option<Timestamp>,
    /// What came of the last attempt, in words.
    pub last: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    route: String,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    born: i64,
    body: String,
    urgent: bool,
    held: bool,
    attempts: u32,
    due: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ended: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    last: Option<String>,
}

impl Parcel {
    /// The row.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let row = Row {
            route: self.route.to_string(),
            id: self.id.clone(),
            kind: self.kind.clone(),
            born: self.born.0,
            body: self.body.clone(),
            urgent: self.urgent,
            held: self.held,
            attempts: self.attempts,
            due: self.due.0,
            ended: self.ended.map(|at| at.0),
            last: self.last.clone(),
        };
        // Strings and numbers can always be written.
        serde_json::to_vec(&row).unwrap_or_default()
    }

    /// Reads a row; `None` for what this program did not write.
    #[must_use]
    pub fn parse(number: u64, bytes: &[u8]) -> Option<Self> {
        let row: Row = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            number,
            route: Route::parse(&row.route)?,
            id: row.id,
            kind: row.kind,
            born: Timestamp(row.born),
            body: row.body,
            urgent: row.urgent,
            held: row.held,
            attempts: row.attempts,
            due: Timestamp(row.due),
            ended: row.ended.map(Timestamp),
            last: row.last,
        })
    }

    /// The same after an attempt: what came of it, cut to what is kept.
    #[must_use]
    pub fn tried(mut self, told: &str) -> Self {
        let cut = told.char_indices().map(|(at, one)| at.saturating_add(one.len_utf8()));
        let end = cut.take_while(|end| *end <= WHY_BYTES_MAX).last().unwrap_or(0);
        self.attempts = self.attempts.saturating_add(1);
        self.last = told.get(..end).map(str::to_owned);
        self
    }

    /// The same in the history of what was delivered: without what was sent.
    #[must_use]
    pub fn delivered(mut self, at: Timestamp) -> Self {
        self.body = String::new();
        self.ended = Some(at);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::KeyName;

    #[test]
    fn a_row_reads_back_and_a_long_reason_is_cut() {
        let parcel = Parcel {
            number: 7,
            route: Route::Channel(KeyName::parse("ops").expect("a name")),
            id: "evt_1".to_owned(),
            kind: "api.status".to_owned(),
            born: Timestamp(1),
            body: "{}".to_owned(),
            urgent: false,
            held: true,
            attempts: 2,
            due: Timestamp(3),
            ended: None,
            last: None,
        };
        let tried = parcel.tried(&"é".repeat(400));
        assert_eq!((tried.attempts, tried.last.as_ref().map(String::len)), (3, Some(512)));
        assert_eq!(Parcel::parse(7, &tried.to_bytes()), Some(tried.clone()));
        let delivered = tried.delivered(Timestamp(9));
        assert_eq!(Parcel::parse(7, &delivered.to_bytes()), Some(delivered));
        assert_eq!(Parcel::parse(7, b"{}"), None);
    }
}
