//! A transaction in the shape the thread writes it: every row encoded. Done by whoever asks for the commit, so that the
//! thread only moves bytes, and a row that is too large is refused before it meets anybody else's transaction.

use super::error::StoreError;
use super::mutation::Mutation;
use super::record::{ROW_BYTES_MAX, article, key, log, meta, roster, scope_key, secret, too_large};
use super::table::Table;
use crate::model::number::{Generation, Position, Revision, Version};
use crate::model::record::Record;
use crate::model::secret::ScopedSecret;

/// The first byte of a blob's row: the bytes follow as they are.
pub(super) const BLOB_FORMAT: u8 = 1;

/// One encoded change.
#[derive(Debug)]
pub(super) enum Step {
    PutRecord { at: Box<ScopedSecret>, key: Vec<u8>, version: Version, row: Vec<u8>, mark: Vec<u8>, older: Older },
    TrimVersions { key: Vec<u8>, keep: usize },
    DestroyVersions { at: Box<ScopedSecret>, keys: Vec<Vec<u8>> },
    ReplaceVersion { at: Box<ScopedSecret>, key: Vec<u8>, row: Vec<u8>, expecting: Generation },
    DropRecord { key: Vec<u8> },
    Put { table: Table, key: Vec<u8>, row: Vec<u8> },
    Drop { table: Table, key: Vec<u8> },
    DropScopeKeys { prefix: Vec<u8>, before: Option<Generation> },
    AppendLog { revision: Revision, row: Vec<u8> },
    TrimLog { keep: u64 },
    Advance { position: Position, row: Vec<u8> },
    Forget,
    ForgetArticles,
}

/// What becomes of the versions before one that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Older {
    Kept,
    Dropped,
}

/// Encodes a transaction.
///
/// # Errors
/// [`StoreError::RowTooLarge`].
pub(super) fn encode(mutations: Vec<Mutation>) -> Result<Vec<Step>, StoreError> {
    mutations.into_iter().map(step).collect()
}

fn step(mutation: Mutation) -> Result<Step, StoreError> {
    let put = |table, key: &[u8], row| Step::Put { table, key: key.to_vec(), row };
    Ok(match mutation {
        Mutation::PutRecord(record) => put_record(record, Older::Kept)?,
        Mutation::PutAlone(record) => put_record(record, Older::Dropped)?,
        Mutation::TrimVersions { at, keep } => Step::TrimVersions { key: key::address(&at), keep },
        Mutation::DestroyVersions { at, versions } => {
            let address = key::address(&at);
            let keys = versions.into_iter().map(|version| key::version(&address, version)).collect();
            Step::DestroyVersions { at: Box::new(at), keys }
        }
        Mutation::ReplaceVersion { record, expecting } => Step::ReplaceVersion {
            key: key::version(&key::address(&record.at), record.version),
            row: secret::record_row(&record)?,
            at: Box::new(record.at),
            expecting,
        },
        Mutation::DropRecord(at) => Step::DropRecord { key: key::address(&at) },
        Mutation::PutScopeKey(sealed) => {
            put(Table::ScopeKeys, &key::scope_key(&sealed.at, sealed.generation), scope_key::scope_key_row(&sealed)?)
        }
        Mutation::DropScopeKey(at) => Step::DropScopeKeys { prefix: key::scope(&at), before: None },
        Mutation::DropGenerations { at, before } => {
            Step::DropScopeKeys { prefix: key::scope(&at), before: Some(before) }
        }
        Mutation::PutNode(entry) => put(Table::Nodes, entry.name.as_str().as_bytes(), roster::node_row(&entry)?),
        Mutation::DropNode(name) => Step::Drop { table: Table::Nodes, key: name.as_str().into() },
        Mutation::PutToken(token) => put(Table::Tokens, &token.hash.0, roster::token_row(&token)?),
        Mutation::DropToken(hash) => Step::Drop { table: Table::Tokens, key: hash.0.to_vec() },
        Mutation::PutBlob(name, bytes) => put(Table::Blobs, name.as_str().as_bytes(), blob_row(&bytes)?),
        Mutation::DropBlob(name) => Step::Drop { table: Table::Blobs, key: name.as_str().into() },
        Mutation::PutArticle(article) => put(Table::Articles, &key::article(&article.id()), article::row(&article)?),
        Mutation::DropArticle(id) => Step::Drop { table: Table::Articles, key: key::article(&id) },
        Mutation::ForgetArticles => Step::ForgetArticles,
        Mutation::SetRulesPosition(at) => put(Table::Meta, meta::RULES_POSITION, meta::position_row(at)?),
        Mutation::AppendLog(entry) => Step::AppendLog { revision: entry.revision, row: log::log_row(&entry)? },
        Mutation::TrimLog { keep } => Step::TrimLog { keep: u64::try_from(keep).unwrap_or(u64::MAX) },
        Mutation::Advance(position) => Step::Advance { position, row: meta::position_row(position)? },
        Mutation::SetContact(contact) => put(Table::Meta, meta::CONTACT, meta::contact_row(&contact)?),
        Mutation::DropContact => Step::Drop { table: Table::Meta, key: meta::CONTACT.to_vec() },
        Mutation::SetNextSecretId(id) => put(Table::Meta, meta::NEXT_SECRET_ID, meta::next_secret_id_row(id)?),
        Mutation::Forget => Step::Forget,
    })
}

fn put_record(record: Record, older: Older) -> Result<Step, StoreError> {
    Ok(Step::PutRecord {
        key: key::address(&record.at),
        version: record.version,
        row: secret::record_row(&record)?,
        mark: secret::high_water_row(record.version)?,
        at: Box::new(record.at),
        older,
    })
}

fn blob_row(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    if bytes.len() >= ROW_BYTES_MAX {
        return Err(too_large(Table::Blobs, bytes.len()));
    }
    Ok([&[BLOB_FORMAT], bytes].concat())
}
