//! Rows of the roster as earlier versions wrote them: nodes without their standing or their former entitlements, tokens
//! without approval. Read for ever, written no more.

use bincode::{Decode, Encode};

use super::Row;
use super::roster::{EntitlementRow, FormerRow, NodeRow, StandingRow, TokenRow};

/// As it was before a node could be pending or banned. Read for ever, written no more.
#[derive(Encode, Decode)]
pub(super) struct NodeRowV2 {
    role: u8,
    pin: [u8; 32],
    sealing_key: [u8; 32],
    entitlement: EntitlementRow,
    joined_at: i64,
    changed_at: u64,
    entitled_since: i64,
    former: Vec<FormerRow>,
}

impl Row for NodeRowV2 {
    const FORMAT: u8 = 2;
}

impl From<NodeRowV2> for NodeRow {
    /// Every node was a member.
    fn from(row: NodeRowV2) -> Self {
        let NodeRowV2 { role, pin, sealing_key, entitlement, joined_at, changed_at, entitled_since, former } = row;
        let standing = StandingRow::Active;
        Self { role, pin, sealing_key, entitlement, joined_at, changed_at, entitled_since, former, standing }
    }
}

/// As it was before former entitlements were kept. Read for ever, written no more.
#[derive(Encode, Decode)]
pub(super) struct NodeRowV1 {
    role: u8,
    pin: [u8; 32],
    sealing_key: [u8; 32],
    entitlement: EntitlementRow,
    joined_at: i64,
    changed_at: u64,
}

impl Row for NodeRowV1 {
    const FORMAT: u8 = 1;
}

impl From<NodeRowV1> for NodeRow {
    /// What the node was entitled to before is not known: what it is entitled to counts from the day it joined.
    fn from(row: NodeRowV1) -> Self {
        let NodeRowV1 { role, pin, sealing_key, entitlement, joined_at, changed_at } = row;
        Self {
            role,
            pin,
            sealing_key,
            entitlement,
            joined_at,
            changed_at,
            entitled_since: joined_at,
            former: Vec::new(),
            standing: StandingRow::Active,
        }
    }
}

/// As it was before tokens could ask for an approval. Read for ever, written no more.
#[derive(Encode, Decode)]
pub(super) struct TokenRowV1 {
    node: String,
    entitlement: EntitlementRow,
    expires_at: i64,
    consumed_by: Option<[u8; 32]>,
}

impl Row for TokenRowV1 {
    const FORMAT: u8 = 1;
}

impl From<TokenRowV1> for TokenRow {
    fn from(row: TokenRowV1) -> Self {
        let TokenRowV1 { node, entitlement, expires_at, consumed_by } = row;
        Self { node, entitlement, expires_at, consumed_by, approve: false, issued_at: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::test_support::{node as sample_node, token as sample_token};
    use super::super::roster::{node, token};

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        let byte = |at: usize| u8::from_str_radix(&hexadecimal[at..at + 2], 16).expect("hexadecimal");
        (0..hexadecimal.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn a_node_from_before_former_entitlements_were_kept_still_reads() {
        let row = concat!(
            "01010101010101010101010101010101010101010101010101010101010101010101020202020202",
            "02020202020202020202020202020202020202020202020202020470726f6401010461636d650108",
            "6f70656e61692f2afd00183dfa4303000004"
        );
        assert_eq!(node(b"vengeance", &bytes(row)), Ok(sample_node("vengeance")));
    }

    #[test]
    fn a_node_from_before_it_had_a_standing_is_a_member() {
        let row = concat!(
            "02010101010101010101010101010101010101010101010101010101010101010101020202020202",
            "02020202020202020202020202020202020202020202020202020470726f6401010461636d650108",
            "6f70656e61692f2afd00183dfa4303000004fd00183dfa4303000000"
        );
        assert_eq!(node(b"vengeance", &bytes(row)), Ok(sample_node("vengeance")));
    }

    #[test]
    fn a_token_from_before_approvals_still_reads_and_asks_for_none() {
        let row = "010972756e706f642d74780470726f6401010461636d6501086f70656e61692f2afd80674ffa4303000000";
        assert_eq!(token(&[3; 32], &bytes(row)), Ok(sample_token(3)));
    }
}
