//! Rows of a store whose file was altered: each reads, or says what is wrong with it.

use aurora_mesh::store::reading::{TABLES, read_row};

/// The first byte says which table, the second how long the key is.
pub fn run(data: &[u8]) {
    let Some((&[table, key_bytes], rest)) = data.split_first_chunk::<2>() else { return };
    let Some(table) = TABLES.get(usize::from(table) % TABLES.len()) else { return };
    let (key, row) = rest.split_at(usize::from(key_bytes).min(rest.len()));
    if let Err(fault) = read_row(table, key, row) {
        super::assert_printable(&fault.to_string());
    }
}
