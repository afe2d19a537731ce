//! The migrations, from the first schema to today's. What each does is declared in words, and the words are what its checksum
//! is of.
//!
//! A checksum of the source would stop every node for a comment; one of a number would stop none for a change. So the
//! wording is the contract: it says which tables and rows a migration touches and how, and whoever changes what a migration
//! does must change it, by which every store that went through the old one refuses to start (`recorded`). That nobody
//! changes the one without the other is held by a test, over what each migration makes of the fixture it starts from.

use redb::{ReadableTable, WriteTransaction};

use super::blob::BlobName;
use super::error::{RowFault, StoreError};
use super::facts::Facts;
use super::record::{article, key, meta, roster};
use super::step::BLOB_FORMAT;
use super::table::Table;
use crate::crypto::digest::Digesting;
use crate::model::article::Article;
use crate::model::identity::{Role, StoreId};
use crate::model::time::Timestamp;
use crate::policy::starting::built_in;

/// A step from one schema to the next.
pub(super) struct Migration {
    /// The schema it leads to, in four digits, and what it is about. Never changed, never given to another.
    pub(super) name: &'static str,
    /// What it does, completely. Never changed once it was released.
    pub(super) wording: &'static str,
    /// Does it.
    pub(super) run: fn(&WriteTransaction) -> Result<(), StoreError>,
}

/// `ALL[n]` leads from schema n + 1 to n + 2. Each stays for ever, with a fixture of the schema it starts from.
pub(super) const ALL: &[Migration] = &[
    Migration {
        name: "0002-begin-the-log-anew",
        wording: "Deletes the table log and makes it again, empty. Rows of records stay as they are, in format 1.",
        run: begin_log_anew,
    },
    Migration {
        name: "0003-begin-the-rulebook",
        wording: "Makes the table articles. On a lead it gets the two grants that schema 2 had built in, owner and \
                  socket-group: each lets its principal read and list every secret, for ever, granted by aurora at the time \
                  this node joined, as its entry in the table nodes says, or at the beginning of 1970 if it has none. On a \
                  follower it stays empty.",
        run: begin_rulebook,
    },
    Migration {
        name: "0004-keep-a-record",
        wording: "Makes the table migrations. On a lead the blob store-id becomes the first 16 bytes of SHA-256 over the \
                  mesh's id, the node's name and the words store id.",
        run: keep_record,
    },
];

impl Migration {
    /// SHA-256 of its name and wording.
    pub(super) fn checksum(&self) -> [u8; 32] {
        let mut digesting = Digesting::default();
        [self.name, "\n", self.wording].iter().for_each(|part| digesting.update(part.as_bytes()));
        digesting.finish()
    }
}

/// Schema 2 says of each logged change what it did, which schema 1 did not write down. So the log starts anew: followers
/// that were away get a snapshot. Rows of records are read in either format and written in today's.
fn begin_log_anew(txn: &WriteTransaction) -> Result<(), StoreError> {
    txn.delete_table(Table::Log.definition())?;
    Table::Log.write(txn)?;
    Ok(())
}

/// Schema 3 keeps the rulebook, which schema 2 had built in: a lead goes on with the same rules as articles. A follower has
/// none until it hears them from its lead.
fn begin_rulebook(txn: &WriteTransaction) -> Result<(), StoreError> {
    let mut articles = Table::Articles.write(txn)?;
    let facts = facts(txn)?;
    let grants = match facts.role {
        Role::Lead => built_in(joined_at(txn, &facts)?).map(Article::Grant).into(),
        Role::Follower => Vec::new(),
    };
    for grant in grants {
        articles.insert(key::article(&grant.id()).as_slice(), article::row(&grant)?.as_slice())?;
    }
    Ok(())
}

/// Schema 4 keeps the migrations on record; who applied which is written by `recorded`. It also names the life of a lead's
/// store. There is no randomness at hand here, and none is needed: this store has one life so far.
fn keep_record(txn: &WriteTransaction) -> Result<(), StoreError> {
    Table::Migrations.write(txn)?;
    let facts = facts(txn)?;
    match facts.role {
        Role::Lead => {
            let row = [&[BLOB_FORMAT][..], &derived_store_id(&facts).0].concat();
            Table::Blobs.write(txn)?.insert(BlobName::StoreId.as_str().as_bytes(), row.as_slice())?;
        }
        Role::Follower => {}
    }
    Ok(())
}

fn derived_store_id(facts: &Facts) -> StoreId {
    let mut digesting = Digesting::default();
    [&facts.mesh.0[..], facts.node.as_str().as_bytes(), b"store id"].iter().for_each(|part| digesting.update(part));
    let mut id = [0; 16];
    id.iter_mut().zip(digesting.finish()).for_each(|(byte, digested)| *byte = digested);
    StoreId(id)
}

fn facts(txn: &WriteTransaction) -> Result<Facts, StoreError> {
    let fault = |fault| StoreError::corrupt(Table::Meta.name(), meta::FACTS, fault);
    let meta = Table::Meta.write(txn)?;
    let row = meta.get(meta::FACTS)?.ok_or_else(|| fault(RowFault::Absent))?;
    meta::facts(row.value()).map_err(fault)
}

/// Since when the node of this store is in its mesh.
fn joined_at(txn: &WriteTransaction, facts: &Facts) -> Result<Timestamp, StoreError> {
    let name = facts.node.as_str().as_bytes();
    let nodes = Table::Nodes.write(txn)?;
    let Some(row) = nodes.get(name)? else { return Ok(Timestamp::default()) };
    let entry = roster::node(name, row.value());
    entry.map(|entry| entry.joined_at).map_err(|fault| StoreError::corrupt(Table::Nodes.name(), name, fault))
}
