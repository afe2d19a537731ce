//! Rows of the change log. The revision is the key.

use bincode::{Decode, Encode};

use super::key::{address, parse_address};
use super::{Row, decode, encode};
use crate::model::log::{LogEntry, LogSubject};
use crate::model::name::NodeName;
use crate::model::number::Revision;
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

/// Numbered by its order: a new kind of subject goes to the end. A secret is spelled as its table key.
#[derive(Encode, Decode)]
enum SubjectRow {
    Secret(Vec<u8>),
    Node(String),
}

/// The row of a log entry.
pub(in crate::store) fn log_row(entry: &LogEntry) -> Result<Vec<u8>, StoreError> {
    let subject = match &entry.subject {
        LogSubject::Secret(at) => SubjectRow::Secret(address(at)),
        LogSubject::Node(name) => SubjectRow::Node(name.as_str().to_owned()),
    };
    encode(Table::Log, &LogRow { at: entry.at.0, audit_seq: entry.audit_seq, subject })
}

/// The log entry of a row.
pub(in crate::store) fn log_entry(revision: Revision, bytes: &[u8]) -> Result<LogEntry, RowFault> {
    let row: LogRow = decode(bytes)?;
    let subject = match row.subject {
        SubjectRow::Secret(key) => LogSubject::Secret(parse_address(&key).map_err(|_| RowFault::Field("subject"))?),
        SubjectRow::Node(name) => LogSubject::Node(NodeName::parse(&name).map_err(|_| RowFault::Field("subject"))?),
    };
    Ok(LogEntry { revision, at: Timestamp(row.at), audit_seq: row.audit_seq, subject })
}

#[cfg(test)]
mod tests {
    use super::super::super::test_support::{hex, log, node_name};
    use super::*;

    #[test]
    fn a_change_of_a_secret_has_these_bytes_for_ever_and_reads_back() {
        let entry = log(5);
        let row = log_row(&entry).expect("encoded");
        assert_eq!(hex(&row), "01fd00183dfa430300000f001670726f64006f70656e6169006170695f6b6579006700");
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
