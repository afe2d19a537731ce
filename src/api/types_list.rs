//! The query of a list: which secrets, how many at once, and where the last page ended.

use serde::Deserialize;

use super::error::ApiError;
use super::query::{self, given};
use crate::config::duration;
use crate::model::metadata::TAGS_MAX;
use crate::model::name::{NodeName, ServiceName};
use crate::model::record::RecordState;
use crate::model::time::Timestamp;
use crate::vault::filter::Filter;
use crate::vault::request::ListRequest;

/// Most lines on one page, as the vault bounds it.
const PAGE_LINES_MAX: usize = 1000;

/// `GET /api/secrets?…`; `tag`, which may be there several times, is taken out before.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    service: Option<String>,
    scope: Option<String>,
    scope_id: Option<String>,
    environment: Option<String>,
    prefix: Option<String>,
    provider: Option<String>,
    state: Option<String>,
    expires_within: Option<String>,
    expires_before: Option<String>,
    expired: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

impl ListQuery {
    /// The request it stands for. Ends are counted from `now`; of several bounds on them the earliest counts.
    ///
    /// # Errors
    /// [`ApiError`] names the parameter.
    pub(super) fn into_request(
        self,
        tags: Vec<String>,
        node: Option<NodeName>,
        now: Timestamp,
    ) -> Result<ListRequest, ApiError> {
        let (kind, id) = (given(self.scope), given(self.scope_id));
        let tags: Vec<String> = tags.into_iter().filter(|tag| !tag.is_empty()).collect();
        if tags.len() > TAGS_MAX {
            return Err(ApiError::BadValue { field: "tag", wanted: "given at most 32 times" });
        }
        let ends = [
            given(self.expires_within).map(|text| within(&text, now)).transpose()?,
            given(self.expires_before).map(|text| time(&text)).transpose()?,
            query::flag("expired", self.expired.as_deref())?.then_some(now),
        ];
        let filter = Filter {
            service: given(self.service).as_deref().map(ServiceName::parse).transpose()?,
            scope: query::scope(kind.as_deref(), id.as_deref())?,
            prefix: given(self.prefix),
            tags,
            provider: given(self.provider),
            expires_before: ends.into_iter().flatten().min(),
            state: given(self.state).map(|text| state(&text)).transpose()?,
        };
        Ok(ListRequest {
            node,
            environment: query::environment(given(self.environment).as_deref())?,
            filter,
            limit: query::limit(self.limit, PAGE_LINES_MAX, "a whole number from 1 to 1000")?,
            cursor: given(self.cursor),
        })
    }
}

fn within(text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    let bad = |_| ApiError::BadValue { field: "expires_within", wanted: "a duration, such as 30d or 12h" };
    duration::parse(text).map(|duration| now.plus(duration)).map_err(bad)
}

fn time(text: &str) -> Result<Timestamp, ApiError> {
    let wanted = "a time in RFC 3339, such as 2027-01-31T00:00:00Z";
    Timestamp::parse(text).ok_or(ApiError::BadValue { field: "expires_before", wanted })
}

fn state(text: &str) -> Result<RecordState, ApiError> {
    RecordState::parse(text).ok_or(ApiError::BadValue { field: "state", wanted: "live, deleted, destroyed or unset" })
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::*;

    fn request(query: &str) -> Result<ListRequest, ApiError> {
        let uri: Uri = format!("/api/secrets?{query}").parse().expect("uri");
        let (tags, uri) = query::repeated(&uri, "tag")?;
        query::parameters::<ListQuery>(&uri)?.into_request(tags, None, Timestamp(1_000))
    }

    #[test]
    fn every_condition_arrives_and_tags_may_be_several() {
        let query = "tag=eu%20west&service=hubspot&tag=crm&provider=x&state=unset&prefix=hub&limit=5&expires_within=2s";
        let request = request(query).expect("good");
        assert_eq!(request.filter.tags, ["eu west", "crm"]);
        assert_eq!((request.filter.state, request.limit), (Some(RecordState::Unset), Some(5)));
        assert_eq!(request.filter.expires_before, Some(Timestamp(3_000)));
    }

    #[test]
    fn the_earliest_bound_on_the_end_counts() {
        let bound = |query: &str| request(query).expect("good").filter.expires_before;
        assert_eq!(bound("expired=true"), Some(Timestamp(1_000)));
        assert_eq!(bound("expires_within=1d&expires_before=1970-01-01T00:00:02Z"), Some(Timestamp(2_000)));
        assert_eq!(bound("expired=false&tag="), None);
    }

    #[test]
    fn what_is_out_of_its_range_is_refused_by_name() {
        for (query, wrong) in [
            ("expires_within=soon", "expires_within"),
            ("expires_before=soon", "expires_before"),
            ("expired=maybe", "expired"),
            ("state=dead", "state"),
            (&"tag=x&".repeat(33), "tag"),
        ] {
            match request(query) {
                Err(ApiError::BadValue { field, .. }) => assert_eq!(field, wrong),
                other => panic!("{query}: {other:?}"),
            }
        }
        assert!(matches!(request("tga=x"), Err(ApiError::UnknownField { .. })));
        assert!(matches!(request("prefix=a&prefix=b"), Err(ApiError::GivenTwice { .. })));
    }
}
