//! Rows of the record of migrations. The key is the migration's name.

use bincode::{Decode, Encode};

use super::{Row, decode, encode};
use crate::model::time::Timestamp;
use crate::store::applied::AppliedMigration;
use crate::store::error::{RowFault, StoreError};
use crate::store::table::Table;

#[derive(Encode, Decode)]
struct MigrationRow {
    applied_at: Option<i64>,
    applied_by: Option<String>,
    checksum: [u8; 32],
}

impl Row for MigrationRow {
    const FORMAT: u8 = 1;
}

/// The row of an applied migration.
pub(in crate::store) fn migration_row(applied: &AppliedMigration) -> Result<Vec<u8>, StoreError> {
    let row = MigrationRow {
        applied_at: applied.applied_at.map(|at| at.0),
        applied_by: applied.applied_by.clone(),
        checksum: applied.checksum,
    };
    encode(Table::Migrations, &row)
}

/// The applied migration of a key and its row.
pub(in crate::store) fn migration(key: &[u8], bytes: &[u8]) -> Result<AppliedMigration, RowFault> {
    let name = str::from_utf8(key).map_err(|_| RowFault::Key)?.to_owned();
    let row: MigrationRow = decode(bytes)?;
    Ok(AppliedMigration {
        name,
        applied_at: row.applied_at.map(Timestamp),
        applied_by: row.applied_by,
        checksum: row.checksum,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hex::hex;

    #[test]
    fn an_applied_migration_has_these_bytes_for_ever_and_reads_back() {
        let applied = AppliedMigration {
            name: "0009-test".to_owned(),
            applied_at: Some(Timestamp(300)),
            applied_by: Some("0.1.0".to_owned()),
            checksum: [7; 32],
        };
        let row = migration_row(&applied).expect("encoded");
        assert_eq!(hex(&row), format!("0101fb58020105302e312e30{}", "07".repeat(32)));
        assert_eq!(migration(b"0009-test", &row), Ok(applied.clone()));
        let bare = AppliedMigration { applied_at: None, applied_by: None, ..applied };
        let row = migration_row(&bare).expect("encoded");
        assert_eq!(hex(&row), format!("010000{}", "07".repeat(32)));
        assert_eq!(migration(b"0009-test", &row), Ok(bare));
        assert_eq!(migration(&[0xff], &row), Err(RowFault::Key));
    }
}
