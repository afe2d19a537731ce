//! Rows of the change log. The revision is the key.

use bincode::{Decode, Encode};

use super::key::{self, address, parse_address};
use super::{Row, decode, encode};
use crate::model::article::ArticleId;
use crate::model::change::ChangeKind;
use crate::model::freeze::FreezeTarget;
use crate::model::log::{LogEntry, LogSubject};
use crate::model::name::{AgentName, ApiKeyName, GrantName, NodeName};
use crate::model::number::{Revision, Version};
use crate::model::time::Timestamp;
use crate::store::error::{RowFault, StoreError};
use crate::store::table::Table;

#[derive(Encode, Decode)]
struct LogRow {
    at: i64,
    audit_seq: u64,
    subject: SubjectRow,
}

impl Row for LogRow {
    const FORMAT: u8 = 1;
}

/// Numbered by its order: a new kind of subject goes to the end. A secret or a scope is spelled as its table key.
#[derive(Encode, Decode)]
enum SubjectRow {
    /// As schema 1 wrote it; the migration to schema 2 empties the log.
    OldSecret(Vec<u8>),
    Node(String),
    Secret {
        at: Vec<u8>,
        change: u8,
        version: u64,
    },
    ScopeKey(Vec<u8>),
    Article(ArticleIdRow),
}

/// The id of an article, by its kind and its names.
#[derive(Encode, Decode)]
enum ArticleIdRow {
    Grant(String),
    Agent(String),
    ApiKey(String, String),
    Freeze(String),
}

/// The row of a log entry.
pub(in crate::store) fn log_row(entry: &LogEntry) -> Result<Vec<u8>, StoreError> {
    let subject = match &entry.subject {
        LogSubject::Secret { at, change, version } => {
            SubjectRow::Secret { at: address(at), change: change.number(), version: version.get() }
        }
        LogSubject::ScopeKey(at) => SubjectRow::ScopeKey(key::scope(at)),
        LogSubject::Article(id) => SubjectRow::Article(article_row(id)),
        LogSubject::Node(name) => SubjectRow::Node(name.as_str().to_owned()),
    };
    encode(Table::Log, &LogRow { at: entry.at.0, audit_seq: entry.audit_seq, subject })
}

/// The log entry of a row.
pub(in crate::store) fn log_entry(revision: Revision, bytes: &[u8]) -> Result<LogEntry, RowFault> {
    let row: LogRow = decode(bytes)?;
    let subject = subject(row.subject).ok_or(RowFault::Field("subject"))?;
    Ok(LogEntry { revision, at: Timestamp(row.at), audit_seq: row.audit_seq, subject })
}

fn subject(row: SubjectRow) -> Option<LogSubject> {
    Some(match row {
        SubjectRow::OldSecret(_) => return None,
        SubjectRow::Node(name) => LogSubject::Node(NodeName::parse(&name).ok()?),
        SubjectRow::Secret { at, change, version } => LogSubject::Secret {
            at: parse_address(&at).ok()?,
            change: ChangeKind::from_number(change)?,
            version: Version::new(version)?,
        },
        SubjectRow::ScopeKey(key) => LogSubject::ScopeKey(key::parse_scope(&key).ok()?),
        SubjectRow::Article(id) => LogSubject::Article(article_id(&id)?),
    })
}

fn article_row(id: &ArticleId) -> ArticleIdRow {
    match id {
        ArticleId::Grant(name) => ArticleIdRow::Grant(name.to_string()),
        ArticleId::Agent(name) => ArticleIdRow::Agent(name.to_string()),
        ArticleId::ApiKey(agent, name) => ArticleIdRow::ApiKey(agent.to_string(), name.to_string()),
        ArticleId::Freeze(target) => ArticleIdRow::Freeze(target.to_string()),
    }
}

fn article_id(row: &ArticleIdRow) -> Option<ArticleId> {
    Some(match row {
        ArticleIdRow::Grant(name) => ArticleId::Grant(GrantName::parse(name).ok()?),
        ArticleIdRow::Agent(name) => ArticleId::Agent(AgentName::parse(name).ok()?),
        ArticleIdRow::ApiKey(agent, name) => {
            ArticleId::ApiKey(AgentName::parse(agent).ok()?, ApiKeyName::parse(name).ok()?)
        }
        ArticleIdRow::Freeze(target) => ArticleId::Freeze(FreezeTarget::parse(target).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::test_support::{log, node_name};
    use super::*;
    use crate::model::hex::hex;

    #[test]
    fn a_change_of_a_secret_has_these_bytes_for_ever_and_reads_back() {
        let entry = log(5);
        let row = log_row(&entry).expect("encoded");
        assert_eq!(hex(&row), "01fd00183dfa430300000f021670726f64006f70656e6169006170695f6b65790067000005");
        assert_eq!(log_entry(Revision(5), &row), Ok(entry));
    }

    #[test]
    fn a_change_of_a_node_has_these_bytes_for_ever_and_reads_back() {
        let entry = LogEntry { subject: LogSubject::Node(node_name("vengeance")), ..log(6) };
        let row = log_row(&entry).expect("encoded");
        assert_eq!(hex(&row), "01fd00183dfa4303000010010976656e6765616e6365");
        assert_eq!(log_entry(Revision(6), &row), Ok(entry));
    }

    #[test]
    fn a_subject_that_is_no_name_is_refused() {
        let row = LogRow { at: 0, audit_seq: 0, subject: SubjectRow::Node("Vengeance".to_owned()) };
        let bytes = encode(Table::Log, &row).expect("encoded");
        assert_eq!(log_entry(Revision(1), &bytes), Err(RowFault::Field("subject")));
    }
}
