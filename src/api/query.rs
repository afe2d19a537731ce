//! Query strings into model types. Every parameter is text first and is parsed here, so that no error quotes more than a name.

use axum::extract::Query;
use axum::http::Uri;
use serde::de::DeserializeOwned;

use super::body::field_after;
use super::error::ApiError;
use super::types_secret::{NoQuery, PlaceQuery, ReadQuery};
use crate::model::name::{EnvironmentName, FieldName};
use crate::model::number::{Epoch, Position, Revision, Version};
use crate::model::secret::Scope;

/// Reads the whole query string; parameters the route does not know are refused.
///
/// # Errors
/// [`ApiError::UnknownField`], [`ApiError::GivenTwice`], or [`ApiError::BadValue`] for a string that is no query.
pub(super) fn parameters<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiError> {
    decodable(uri)?;
    Query::try_from_uri(uri).map(|Query(parameters)| parameters).map_err(|rejection| {
        let text = rejection.body_text();
        let named = |prefix: &str| text.find(prefix).and_then(|at| field_after(text.get(at..)?, prefix));
        if let Some(field) = named("unknown field `") {
            ApiError::UnknownField { field }
        } else if let Some(field) = named("duplicate field `") {
            ApiError::GivenTwice { field }
        } else {
            no_query()
        }
    })
}

/// Sees to it that nothing is asked for where no parameter is looked at.
///
/// # Errors
/// As [`parameters`]: whatever there is, is unknown.
pub(super) fn none(uri: &Uri) -> Result<(), ApiError> {
    let NoQuery {} = parameters(uri)?;
    Ok(())
}

/// Sees to it that a query is text once it is decoded. The library takes a broken escape as it stands, and bytes that are no
/// UTF-8 for others: something would be looked for that nobody named.
fn decodable(uri: &Uri) -> Result<(), ApiError> {
    let query = uri.query().unwrap_or_default();
    if !query.contains('%') {
        return Ok(());
    }
    let is_text = decoded(query).is_some_and(|bytes| std::str::from_utf8(&bytes).is_ok());
    if is_text { Ok(()) } else { Err(no_query()) }
}

/// The bytes of a query with those that its escapes stand for (RFC 3986, 2.1); `None` if one is broken.
fn decoded(query: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = query.bytes();
    let mut decoded = Vec::with_capacity(query.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { digit(bytes.next()?)? * 16 + digit(bytes.next()?)? } else { byte });
    }
    Some(decoded)
}

fn no_query() -> ApiError {
    ApiError::BadValue { field: "the query string", wanted: "name=value pairs joined by &, in percent-encoded UTF-8" }
}

/// Takes a parameter that may be there several times out of a query string: its texts, and the query without it.
///
/// # Errors
/// [`ApiError::BadValue`] for a string that is no query.
pub(super) fn repeated(uri: &Uri, name: &'static str) -> Result<(Vec<String>, Uri), ApiError> {
    decodable(uri)?;
    let bad = ApiError::BadValue { field: name, wanted: "UTF-8 text" };
    let is_it = |part: &&str| part.split_once('=').is_some_and(|(given, _)| given == name);
    let (mine, others): (Vec<&str>, Vec<&str>) = uri.query().unwrap_or_default().split('&').partition(is_it);
    let of = |parts: &[&str]| format!("/?{}", parts.join("&")).parse::<Uri>().map_err(|_| bad.clone());
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(&of(&mine)?).map_err(|_| bad.clone())?;
    Ok((pairs.0.into_iter().map(|(_, text)| text).collect(), of(&others)?))
}

/// An empty parameter (`?scope=`) is one that was left out.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The scope of two fields, if the first is there.
///
/// # Errors
/// [`ApiError::Scope`] when they do not form a scope; a `scope_id` alone is refused, not ignored.
pub(super) fn scope(kind: Option<&str>, id: Option<&str>) -> Result<Option<Scope>, ApiError> {
    match (kind, id) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(ApiError::BadValue { field: "scope_id", wanted: "given together with scope" }),
        (Some(kind), id) => Ok(Some(Scope::from_parts(kind, id)?)),
    }
}

/// One environment, if it is given.
///
/// # Errors
/// [`ApiError::Name`].
pub(super) fn environment(text: Option<&str>) -> Result<Option<EnvironmentName>, ApiError> {
    Ok(text.map(EnvironmentName::parse).transpose()?)
}

/// A place in the history, as the id of an event says it: `1.42` is revision 42 of epoch 1.
///
/// # Errors
/// [`ApiError::BadValue`] when it is not two numbers with a dot between them.
pub(super) fn position(field: &'static str, text: &str) -> Result<Position, ApiError> {
    let numbers = text.split_once('.').and_then(|(epoch, revision)| number(epoch).zip(number(revision)));
    let position = |(epoch, revision)| Position { epoch: Epoch(epoch), revision: Revision(revision) };
    numbers.map(position).ok_or(ApiError::BadValue { field, wanted: "the id of an event, such as 1.42" })
}

/// The scope (global if none is named) and environment of a change.
///
/// # Errors
/// [`ApiError`] names the parameter.
pub(super) fn place(query: PlaceQuery) -> Result<(Scope, Option<EnvironmentName>), ApiError> {
    let (kind, id) = (given(query.scope), given(query.scope_id));
    let scope = scope(kind.as_deref(), id.as_deref())?.unwrap_or(Scope::Global);
    Ok((scope, environment(given(query.environment).as_deref())?))
}

/// The parameters of a read.
#[derive(Debug)]
pub(super) struct Wanted {
    /// A scope instead of a resolution.
    pub(super) scope: Option<Scope>,
    /// Another environment than the node's.
    pub(super) environment: Option<EnvironmentName>,
    /// An older version.
    pub(super) version: Option<Version>,
    /// One field of a value that has several.
    pub(super) field: Option<FieldName>,
    /// Confirm with the lead first.
    pub(super) refresh: bool,
}

/// The parameters of a read.
///
/// # Errors
/// [`ApiError`] names the parameter.
pub(super) fn wanted(query: ReadQuery) -> Result<Wanted, ApiError> {
    let (kind, id) = (given(query.scope), given(query.scope_id));
    Ok(Wanted {
        scope: scope(kind.as_deref(), id.as_deref())?,
        environment: environment(given(query.environment).as_deref())?,
        version: given(query.version).map(|text| version("version", &text)).transpose()?,
        field: given(query.field).as_deref().map(FieldName::parse).transpose()?,
        refresh: flag("refresh", query.refresh.as_deref())?,
    })
}

/// `true` or `false`; false if it is not given.
///
/// # Errors
/// [`ApiError::BadValue`] for anything else.
pub(super) fn flag(field: &'static str, text: Option<&str>) -> Result<bool, ApiError> {
    match text {
        None | Some("" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ApiError::BadValue { field, wanted: "true or false" }),
    }
}

/// A version.
///
/// # Errors
/// [`ApiError::BadValue`] when it is no number from 1.
pub(super) fn version(field: &'static str, text: &str) -> Result<Version, ApiError> {
    let bad = ApiError::BadValue { field, wanted: "a whole number from 1" };
    number(text).and_then(Version::new).ok_or(bad)
}

/// A number that fits, if it is given.
///
/// # Errors
/// [`ApiError::BadValue`] when it is no number from 1 to `most`.
pub(super) fn limit(text: Option<String>, most: usize, wanted: &'static str) -> Result<Option<usize>, ApiError> {
    let bad = ApiError::BadValue { field: "limit", wanted };
    let Some(text) = given(text) else { return Ok(None) };
    let count = number(&text).and_then(|count| usize::try_from(count).ok());
    count.filter(|count| (1..=most).contains(count)).map(Some).ok_or(bad)
}

/// Digits only: the standard parser would also take a plus sign.
pub(super) fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Wanted, ApiError> {
        wanted(parameters(&format!("/x?{query}").parse::<Uri>().expect("uri"))?)
    }

    #[test]
    fn a_read_takes_its_parameters_and_nothing_else() {
        let all = read("version=3&refresh=true&scope=company&scope_id=acme&environment=prod").expect("good");
        assert_eq!(all.version, Version::new(3));
        assert!(all.refresh);
        assert_eq!(all.scope, Scope::parse("company:acme").ok());
        let none = read("scope=&scope_id=&version=").expect("empty is left out");
        assert!(none.scope.is_none() && none.version.is_none() && !none.refresh);
        assert_eq!(read("verison=3").expect_err("misspelt"), ApiError::UnknownField { field: "verison".into() });
        assert_eq!(read("version=1&version=2").expect_err("twice"), ApiError::GivenTwice { field: "version".into() });
        for bad in
            ["version=0", "version=-1", "version=%2B1", "version=1.0", "version=99999999999999999999", "refresh=yes"]
        {
            assert!(matches!(read(bad), Err(ApiError::BadValue { .. })), "{bad}");
        }
        assert!(matches!(read("scope=company"), Err(ApiError::Scope(_))));
        assert!(matches!(read("scope_id=acme"), Err(ApiError::BadValue { .. })));
        assert!(matches!(read("environment=PROD"), Err(ApiError::Name(_))));
    }

    /// They were read as other texts than were sent: `?prefix=%ff` found nothing, and said so with 200.
    #[test]
    fn a_query_that_is_no_text_once_it_is_decoded_is_refused() {
        let uri = |query: &str| format!("/x?{query}").parse::<Uri>().expect("uri");
        for query in ["tag=%ff", "tag=%", "tag=%2", "tag=%zz", "tag=%+1", "%ff=1", "tag=%c3&%a9", "tag=%C3%28"] {
            let is_no_query = |error: ApiError| matches!(error, ApiError::BadValue { field: "the query string", .. });
            assert!(is_no_query(read(query).expect_err(query)), "{query}");
            assert!(is_no_query(repeated(&uri(query), "tag").expect_err(query)), "{query}");
            assert!(is_no_query(none(&uri(query)).expect_err(query)), "{query}");
        }
        let (tags, _) = repeated(&uri("tag=%C3%A9&tag=a%2Bb+c"), "tag").expect("text");
        assert_eq!(tags, ["é", "a+b c"]);
        assert!(read("environment=%70rod").is_ok());
    }

    #[test]
    fn where_nothing_is_read_nothing_may_be_said() {
        let none = |target: &str| none(&target.parse::<Uri>().expect("uri"));
        for nothing in ["/x", "/x?", "/x?&"] {
            assert_eq!(none(nothing), Ok(()), "{nothing}");
        }
        assert_eq!(none("/x?dry_run=true"), Err(ApiError::UnknownField { field: "dry_run".into() }));
        assert_eq!(none("/x?a%20b"), Err(ApiError::UnknownField { field: "?".into() }));
    }

    #[test]
    fn an_id_is_an_epoch_and_a_revision() {
        let read = |text| position("after", text);
        assert_eq!(read("1.42"), Ok(Position { epoch: Epoch(1), revision: Revision(42) }));
        for text in ["", "1", "1.", ".1", "1.2.3", "-1.2", "1.+2", "1. 2", "1.99999999999999999999", "a.b"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_outside_its_range_is_refused() {
        assert_eq!(limit(Some("10".into()), 100, "x"), Ok(Some(10)));
        assert_eq!(limit(None, 100, "x"), Ok(None));
        for text in ["0", "101", "ten"] {
            assert!(limit(Some(text.into()), 100, "x").is_err(), "{text}");
        }
    }
}
