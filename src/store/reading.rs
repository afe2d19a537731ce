//! Reading one row without a store around it: for whoever has bytes and wants to know whether a node would take them.

use super::error::RowFault;
use super::load::{blob, sealed_scope_key};
use super::record::{article, key, log, meta, migration, roster, secret};
use super::table::Table;

/// The tables, as they are called in the file.
pub const TABLES: [&str; 11] = [
    "meta",
    "records",
    "versions",
    "high_water",
    "scope_keys",
    "nodes",
    "tokens",
    "blobs",
    "log",
    "articles",
    "migrations",
];

/// Whether a row of this table reads. What does not fit together with other rows is not looked at.
///
/// # Errors
/// [`RowFault`], as the store tells it when it is opened; [`RowFault::Key`] for a table that there is not.
pub fn read_row(table: &str, key: &[u8], row: &[u8]) -> Result<(), RowFault> {
    let table = Table::ALL.into_iter().find(|known| known.name() == table).ok_or(RowFault::Key)?;
    match table {
        Table::Meta => of_meta(key, row),
        Table::Records => secret::record(key::parse_address(key)?, row).map(drop),
        Table::Versions => secret::record(key::parse_version(key)?.0, row).map(drop),
        Table::HighWater => key::parse_address(key).and_then(|_| secret::high_water(row)).map(drop),
        Table::ScopeKeys => sealed_scope_key(key, row).map(drop),
        Table::Nodes => roster::node(key, row).map(drop),
        Table::Tokens => roster::token(key, row).map(drop),
        Table::Blobs => blob(key, row).map(drop),
        Table::Log => log::log_entry(key::parse_revision(key)?, row).map(drop),
        Table::Articles => article::article(key, row).map(drop),
        Table::Migrations => migration::migration(key, row).map(drop),
    }
}

fn of_meta(key: &[u8], row: &[u8]) -> Result<(), RowFault> {
    match key {
        meta::FACTS => meta::facts(row).map(drop),
        meta::POSITION | meta::RULES_POSITION => meta::position(row).map(drop),
        meta::CONTACT => meta::contact(row).map(drop),
        meta::NEXT_SECRET_ID => meta::next_secret_id(row).map(drop),
        _ => Err(RowFault::Key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_those_of_the_file_and_each_refuses_what_is_no_row() {
        assert_eq!(TABLES, Table::ALL.map(Table::name));
        for table in TABLES {
            assert!(read_row(table, b"", b"").is_err(), "{table}");
        }
        assert_eq!(read_row("secrets", b"", b""), Err(RowFault::Key));
    }
}
