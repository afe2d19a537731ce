//! Rows of the lead's roster: nodes and join tokens, with what they are entitled to.

use bincode::{Decode, Encode};

use super::roster_older::{NodeRowV1, NodeRowV2, TokenRowV1};
use super::{Row, decode, encode};
use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::{EntitlementHistory, FormerEntitlement};
use crate::model::glob::SecretGlob;
use crate::model::identity::{KeyPin, Role, SealingPublicKey};
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::number::Revision;
use crate::model::roster::{JoinToken, RosterEntry, Standing, TokenHash};
use crate::model::time::Timestamp;
use crate::store::error::{RowFault, StoreError};
use crate::store::table::Table;

#[derive(Encode, Decode)]
pub(super) struct NodeRow {
    pub(super) role: u8,
    pub(super) pin: [u8; 32],
    pub(super) sealing_key: [u8; 32],
    pub(super) entitlement: EntitlementRow,
    pub(super) joined_at: i64,
    pub(super) changed_at: u64,
    pub(super) entitled_since: i64,
    pub(super) former: Vec<FormerRow>,
    pub(super) standing: StandingRow,
}

impl Row for NodeRow {
    const FORMAT: u8 = 3;
}

/// Numbered by its order: a new kind goes to the end.
#[derive(Encode, Decode)]
pub(super) enum StandingRow {
    Active,
    Pending,
    Banned { at: i64, reason: String },
}

#[derive(Encode, Decode)]
pub(super) struct FormerRow {
    pub(super) entitlement: EntitlementRow,
    pub(super) from: i64,
    pub(super) until: i64,
}

#[derive(Encode, Decode)]
pub(super) struct TokenRow {
    pub(super) node: String,
    pub(super) entitlement: EntitlementRow,
    pub(super) expires_at: i64,
    pub(super) consumed_by: Option<[u8; 32]>,
    pub(super) approve: bool,
    pub(super) issued_at: Option<i64>,
}

impl Row for TokenRow {
    const FORMAT: u8 = 2;
}

#[derive(Encode, Decode)]
pub(super) struct EntitlementRow {
    pub(super) environment: String,
    pub(super) companies: CompaniesRow,
    pub(super) globs: Vec<String>,
}

/// Numbered by its order: a new kind goes to the end.
#[derive(Encode, Decode)]
pub(super) enum CompaniesRow {
    All,
    Only(Vec<String>),
}

/// The row of a node; its name is the key.
pub(in crate::store) fn node_row(entry: &RosterEntry) -> Result<Vec<u8>, StoreError> {
    let row = NodeRow {
        role: role_number(entry.role),
        pin: entry.pin.0,
        sealing_key: entry.sealing_key.0,
        entitlement: entitlement_row(&entry.entitlement),
        joined_at: entry.joined_at.0,
        changed_at: entry.changed_at.get(),
        entitled_since: entry.history.since.0,
        former: entry.history.former.iter().map(former_row).collect(),
        standing: standing_row(&entry.standing),
    };
    encode(Table::Nodes, &row)
}

/// The node of a row.
pub(in crate::store) fn node(key: &[u8], bytes: &[u8]) -> Result<RosterEntry, RowFault> {
    let row = match bytes.first() {
        Some(&NodeRowV1::FORMAT) => decode::<NodeRowV1>(bytes)?.into(),
        Some(&NodeRowV2::FORMAT) => decode::<NodeRowV2>(bytes)?.into(),
        Some(_) | None => decode::<NodeRow>(bytes)?,
    };
    let name = str::from_utf8(key).map_err(|_| RowFault::Key)?;
    Ok(RosterEntry {
        name: NodeName::parse(name).map_err(|_| RowFault::Key)?,
        role: role(row.role)?,
        pin: KeyPin(row.pin),
        sealing_key: SealingPublicKey(row.sealing_key),
        entitlement: entitlement(row.entitlement)?,
        history: EntitlementHistory {
            since: Timestamp(row.entitled_since),
            former: row.former.into_iter().map(former).collect::<Result<_, _>>()?,
        },
        joined_at: Timestamp(row.joined_at),
        standing: standing(row.standing),
        changed_at: Revision(row.changed_at),
    })
}

/// The row of a join token; its hash is the key.
pub(in crate::store) fn token_row(token: &JoinToken) -> Result<Vec<u8>, StoreError> {
    let row = TokenRow {
        node: token.node.as_str().to_owned(),
        entitlement: entitlement_row(&token.entitlement),
        expires_at: token.expires_at.0,
        consumed_by: token.consumed_by.map(|pin| pin.0),
        approve: token.approve,
        issued_at: token.issued_at.map(|at| at.0),
    };
    encode(Table::Tokens, &row)
}

/// The join token of a row.
pub(in crate::store) fn token(key: &[u8], bytes: &[u8]) -> Result<JoinToken, RowFault> {
    let row = match bytes.first() {
        Some(&TokenRowV1::FORMAT) => decode::<TokenRowV1>(bytes)?.into(),
        Some(_) | None => decode::<TokenRow>(bytes)?,
    };
    Ok(JoinToken {
        hash: TokenHash(key.try_into().map_err(|_| RowFault::Key)?),
        node: NodeName::parse(&row.node).map_err(|_| RowFault::Field("node"))?,
        entitlement: entitlement(row.entitlement)?,
        approve: row.approve,
        issued_at: row.issued_at.map(Timestamp),
        expires_at: Timestamp(row.expires_at),
        consumed_by: row.consumed_by.map(KeyPin),
    })
}

fn standing_row(standing: &Standing) -> StandingRow {
    match standing {
        Standing::Active => StandingRow::Active,
        Standing::Pending => StandingRow::Pending,
        Standing::Banned { at, reason } => StandingRow::Banned { at: at.0, reason: reason.clone() },
    }
}

fn standing(row: StandingRow) -> Standing {
    match row {
        StandingRow::Active => Standing::Active,
        StandingRow::Pending => Standing::Pending,
        StandingRow::Banned { at, reason } => Standing::Banned { at: Timestamp(at), reason },
    }
}

fn former_row(former: &FormerEntitlement) -> FormerRow {
    let FormerEntitlement { entitlement, from, until } = former;
    FormerRow { entitlement: entitlement_row(entitlement), from: from.0, until: until.0 }
}

fn former(row: FormerRow) -> Result<FormerEntitlement, RowFault> {
    Ok(FormerEntitlement {
        entitlement: entitlement(row.entitlement)?,
        from: Timestamp(row.from),
        until: Timestamp(row.until),
    })
}

/// The number of a role in rows: never changed, never reused.
pub(super) fn role_number(role: Role) -> u8 {
    match role {
        Role::Lead => 0,
        Role::Follower => 1,
    }
}

/// Reads what [`role_number`] wrote.
pub(super) fn role(number: u8) -> Result<Role, RowFault> {
    match number {
        0 => Ok(Role::Lead),
        1 => Ok(Role::Follower),
        _ => Err(RowFault::Field("role")),
    }
}

fn entitlement_row(entitlement: &Entitlement) -> EntitlementRow {
    let companies = match &entitlement.companies {
        Companies::All => CompaniesRow::All,
        Companies::Only(ids) => CompaniesRow::Only(ids.iter().map(|id| id.as_str().to_owned()).collect()),
    };
    EntitlementRow {
        environment: entitlement.environment.as_str().to_owned(),
        companies,
        globs: entitlement.globs.iter().map(|glob| glob.as_str().to_owned()).collect(),
    }
}

/// Anything that does not read is an error: a glob or company that was skipped would change what a node may hold.
fn entitlement(row: EntitlementRow) -> Result<Entitlement, RowFault> {
    let company = |id: &String| CompanyId::parse(id).map_err(|_| RowFault::Field("companies"));
    let companies = match row.companies {
        CompaniesRow::All => Companies::All,
        CompaniesRow::Only(ids) => Companies::Only(ids.iter().map(company).collect::<Result<_, _>>()?),
    };
    let glob = |text: &String| SecretGlob::parse(text).map_err(|_| RowFault::Field("globs"));
    Ok(Entitlement {
        environment: EnvironmentName::parse(&row.environment).map_err(|_| RowFault::Field("environment"))?,
        companies,
        globs: row.globs.iter().map(glob).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::test_support::{node as sample_node, token as sample_token};
    use super::*;
    use crate::model::hex::hex;

    #[test]
    fn a_node_has_these_bytes_for_ever_and_reads_back() {
        let mut entry = sample_node("vengeance");
        let before = entry.entitlement.clone();
        entry.history = entry.history.followed(before, Timestamp(entry.joined_at.0 + 1));
        let row = node_row(&entry).expect("encoded");
        assert_eq!(
            hex(&row),
            concat!(
                "03010101010101010101010101010101010101010101010101010101010101010101020202020202",
                "02020202020202020202020202020202020202020202020202020470726f6401010461636d650108",
                "6f70656e61692f2afd00183dfa4303000004fd02183dfa43030000010470726f6401010461636d65",
                "01086f70656e61692f2afd00183dfa43030000fd02183dfa4303000000"
            )
        );
        assert_eq!(node(b"vengeance", &row), Ok(entry));
        assert_eq!(node(b"lead", &row), Err(RowFault::Key));
    }

    #[test]
    fn a_node_that_is_pending_or_banned_reads_back_as_that() {
        let banned = Standing::Banned { at: Timestamp(7), reason: "its disk was stolen".to_owned() };
        for (standing, end) in [(Standing::Pending, "01"), (banned, "020e136974732064")] {
            let entry = RosterEntry { standing, ..sample_node("vengeance") };
            let row = node_row(&entry).expect("encoded");
            assert!(hex(&row).contains(&format!("00{end}")), "{}", hex(&row));
            assert_eq!(node(b"vengeance", &row), Ok(entry));
        }
    }

    #[test]
    fn a_lead_that_speaks_for_all_reads_back() {
        let mut entry = sample_node("aurora");
        entry.role = Role::Lead;
        entry.entitlement.companies = Companies::All;
        assert_eq!(node(b"aurora", &node_row(&entry).expect("encoded")), Ok(entry));
    }

    #[test]
    fn a_token_has_these_bytes_for_ever_and_reads_back() {
        let mut entry = sample_token(3);
        let row = token_row(&entry).expect("encoded");
        assert_eq!(
            hex(&row),
            concat!("020972756e706f642d74780470726f6401010461636d6501086f70656e61692f2afd80674ffa4303", "0000000000")
        );
        assert_eq!(token(&[3; 32], &row), Ok(entry.clone()));
        assert_eq!(token(&[3; 31], &row), Err(RowFault::Key));
        entry.consumed_by = Some(KeyPin([9; 32]));
        (entry.approve, entry.issued_at) = (true, Some(Timestamp(5)));
        assert_eq!(token(&[3; 32], &token_row(&entry).expect("encoded")), Ok(entry));
    }

    #[test]
    fn what_an_entitlement_may_not_hold_is_never_skipped() {
        let good = || entitlement_row(&sample_node("vengeance").entitlement);
        let refused = |row| entitlement(row).expect_err("refused");
        let companies = CompaniesRow::Only(vec!["acme".to_owned(), "Acme".to_owned()]);
        assert_eq!(refused(EntitlementRow { companies, ..good() }), RowFault::Field("companies"));
        assert_eq!(refused(EntitlementRow { globs: vec!["**".to_owned()], ..good() }), RowFault::Field("globs"));
        assert_eq!(refused(EntitlementRow { environment: String::new(), ..good() }), RowFault::Field("environment"));
        assert_eq!(role(2), Err(RowFault::Field("role")));
    }
}
