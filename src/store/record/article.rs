//! Rows of articles: the same bytes as on the wire, so that what a node is sent is what it keeps. The key is the id.

use super::{ROW_BYTES_MAX, key, too_large};
use crate::model::article::Article;
use crate::store::error::{RowFault, StoreError};
use crate::store::table::Table;
use crate::wire;

/// The row of an article.
pub(in crate::store) fn row(article: &Article) -> Result<Vec<u8>, StoreError> {
    // The lead refuses what is over its bounds before it is planned, so this says no more than that.
    wire::article::encode(article).map_err(|_| too_large(Table::Articles, ROW_BYTES_MAX))
}

/// The article of a row, which must be at its own key.
pub(in crate::store) fn article(at: &[u8], row: &[u8]) -> Result<Article, RowFault> {
    let article = wire::article::decode(row).map_err(|_| RowFault::Undecodable)?;
    if key::article(&article.id()) == at { Ok(article) } else { Err(RowFault::Key) }
}

#[cfg(test)]
mod tests {
    use super::super::super::test_support::articles;
    use super::*;
    use crate::model::hex::hex;

    #[test]
    fn an_article_is_kept_as_it_travels_under_a_key_of_its_own() {
        let keys = articles().map(|article| hex(&key::article(&article.id())));
        assert_eq!(
            keys,
            ["667365637265743a6f70656e61692f6170695f6b657900", "676f776e657200", "6b6f70656e636c617700636900"],
            "for ever"
        );
        for (wanted, bytes) in articles().iter().zip(keys) {
            let at = key::article(&wanted.id());
            assert_eq!(hex(&at), bytes);
            let kept = row(wanted).expect("encoded");
            assert_eq!(kept, wire::article::encode(wanted).expect("encoded"));
            assert_eq!(article(&at, &kept).as_ref(), Ok(wanted));
            assert_eq!(article(b"gother\0", &kept), Err(RowFault::Key));
            assert_eq!(article(&at, &kept[1..]), Err(RowFault::Undecodable));
        }
    }
}
