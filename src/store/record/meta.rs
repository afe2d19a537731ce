//! Rows of the meta table: single values under text keys, which are never changed and never reused.

use std::time::Duration;

use bincode::{Decode, Encode};

use super::roster::{role, role_number};
use super::{Row, decode, encode};
use crate::model::identity::MeshId;
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::number::{Epoch, Position, Revision};
use crate::model::record::Contact;
use crate::model::time::{BootId, BootTime, Moment, Timestamp};
use crate::store::error::{RowFault, StoreError};
use crate::store::facts::Facts;
use crate::store::table::Table;

/// Key of the schema number: four bytes, big endian, outside the codec, so that every version can read it.
pub(in crate::store) const SCHEMA: &[u8] = b"schema";
/// Key of the facts.
pub(in crate::store) const FACTS: &[u8] = b"facts";
/// Key of the position.
pub(in crate::store) const POSITION: &[u8] = b"position";
/// Key of the last contact.
pub(in crate::store) const CONTACT: &[u8] = b"contact";
/// Key of the next secret id.
pub(in crate::store) const NEXT_SECRET_ID: &[u8] = b"next_secret_id";
/// Key of the position of the rulebook.
pub(in crate::store) const RULES_POSITION: &[u8] = b"rules_position";

#[derive(Encode, Decode)]
struct FactsRow {
    mesh: [u8; 16],
    node: String,
    role: u8,
    environment: String,
}

impl Row for FactsRow {
    const FORMAT: u8 = 1;
}

#[derive(Encode, Decode)]
struct PositionRow {
    epoch: u64,
    revision: u64,
}

impl Row for PositionRow {
    const FORMAT: u8 = 1;
}

#[derive(Encode, Decode)]
struct ContactRow {
    position: PositionRow,
    wall: i64,
    boot_seconds: u64,
    boot_nanoseconds: u32,
    boot_id: [u8; 16],
}

impl Row for ContactRow {
    const FORMAT: u8 = 1;
}

#[derive(Encode, Decode)]
struct NextSecretIdRow {
    id: u64,
}

impl Row for NextSecretIdRow {
    const FORMAT: u8 = 1;
}

/// The row of the facts.
pub(in crate::store) fn facts_row(facts: &Facts) -> Result<Vec<u8>, StoreError> {
    let row = FactsRow {
        mesh: facts.mesh.0,
        node: facts.node.as_str().to_owned(),
        role: role_number(facts.role),
        environment: facts.environment.as_str().to_owned(),
    };
    encode(Table::Meta, &row)
}

/// The facts of a row.
pub(in crate::store) fn facts(bytes: &[u8]) -> Result<Facts, RowFault> {
    let row: FactsRow = decode(bytes)?;
    Ok(Facts {
        mesh: MeshId(row.mesh),
        node: NodeName::parse(&row.node).map_err(|_| RowFault::Field("node"))?,
        role: role(row.role)?,
        environment: EnvironmentName::parse(&row.environment).map_err(|_| RowFault::Field("environment"))?,
    })
}

/// The row of the position.
pub(in crate::store) fn position_row(position: Position) -> Result<Vec<u8>, StoreError> {
    encode(Table::Meta, &to_position_row(position))
}

/// The position of a row.
pub(in crate::store) fn position(bytes: &[u8]) -> Result<Position, RowFault> {
    decode(bytes).map(|row: PositionRow| from_position_row(&row))
}

/// The row of the last contact.
pub(in crate::store) fn contact_row(contact: &Contact) -> Result<Vec<u8>, StoreError> {
    let Moment { wall, boot, boot_id } = contact.at;
    let row = ContactRow {
        position: to_position_row(contact.position),
        wall: wall.0,
        boot_seconds: boot.0.as_secs(),
        boot_nanoseconds: boot.0.subsec_nanos(),
        boot_id: boot_id.0,
    };
    encode(Table::Meta, &row)
}

/// The last contact of a row.
pub(in crate::store) fn contact(bytes: &[u8]) -> Result<Contact, RowFault> {
    let row: ContactRow = decode(bytes)?;
    if row.boot_nanoseconds >= 1_000_000_000 {
        return Err(RowFault::Field("boot"));
    }
    let at = Moment {
        wall: Timestamp(row.wall),
        boot: BootTime(Duration::new(row.boot_seconds, row.boot_nanoseconds)),
        boot_id: BootId(row.boot_id),
    };
    Ok(Contact { position: from_position_row(&row.position), at })
}

/// The row of the next secret id.
pub(in crate::store) fn next_secret_id_row(id: u64) -> Result<Vec<u8>, StoreError> {
    encode(Table::Meta, &NextSecretIdRow { id })
}

/// The next secret id of a row.
pub(in crate::store) fn next_secret_id(bytes: &[u8]) -> Result<u64, RowFault> {
    decode(bytes).map(|row: NextSecretIdRow| row.id)
}

fn to_position_row(position: Position) -> PositionRow {
    PositionRow { epoch: position.epoch.get(), revision: position.revision.get() }
}

fn from_position_row(row: &PositionRow) -> Position {
    Position { epoch: Epoch(row.epoch), revision: Revision(row.revision) }
}

#[cfg(test)]
mod tests {
    use super::super::super::test_support::{contact as sample_contact, facts as sample_facts};
    use super::*;
    use crate::model::hex::hex;

    #[test]
    fn the_meta_rows_have_these_bytes_for_ever_and_read_back() {
        let row = facts_row(&sample_facts()).expect("encoded");
        assert_eq!(hex(&row), "01a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5066175726f7261000470726f64");
        assert_eq!(facts(&row), Ok(sample_facts()));

        let reached = Position { epoch: Epoch(2), revision: Revision(1000) };
        let row = position_row(reached).expect("encoded");
        assert_eq!(hex(&row), "0102fbe803");
        assert_eq!(position(&row), Ok(reached));

        let row = contact_row(&sample_contact()).expect("encoded");
        assert_eq!(hex(&row), "010105fd00183dfa430300005afc0065cd1d06060606060606060606060606060606");
        assert_eq!(contact(&row), Ok(sample_contact()));

        let row = next_secret_id_row(42).expect("encoded");
        assert_eq!(hex(&row), "012a");
        assert_eq!(next_secret_id(&row), Ok(42));
    }

    #[test]
    fn fields_that_hold_what_they_may_not_are_refused() {
        let bytes = |row: &FactsRow| encode(Table::Meta, row).expect("encoded");
        let good = || FactsRow { mesh: [0; 16], node: "aurora".into(), role: 0, environment: "prod".into() };
        assert!(facts(&bytes(&good())).is_ok());
        assert_eq!(facts(&bytes(&FactsRow { role: 9, ..good() })), Err(RowFault::Field("role")));
        assert_eq!(facts(&bytes(&FactsRow { node: "".into(), ..good() })), Err(RowFault::Field("node")));
    }
}
