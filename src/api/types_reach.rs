//! How far something reaches, in JSON: lists of names, in which `"*"` alone stands for all there are.

use std::collections::BTreeSet;

use serde::Serialize;

use super::error::ApiError;
use crate::model::company::Companies;
use crate::model::entitlement::{COMPANIES_MAX, GLOBS_MAX};
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::reach::{Environments, Reach, ScopeKind, Scopes};

/// Stands for all there are.
const ALL: &str = "*";

/// Most environments in one list: a mesh has a handful.
const ENVIRONMENTS_MAX: usize = 32;

/// The patterns of secrets.
///
/// # Errors
/// [`ApiError`] for none, for too many, or for one that is none: what reaches no secret reaches nothing.
pub(super) fn secrets(texts: &[String]) -> Result<Vec<SecretGlob>, ApiError> {
    if texts.is_empty() || texts.len() > GLOBS_MAX {
        return Err(ApiError::BadValue { field: "secrets", wanted: "1 to 32 patterns, such as openai/* or *" });
    }
    Ok(texts.iter().map(|text| SecretGlob::parse(text)).collect::<Result<_, _>>()?)
}

/// The kinds of scope.
///
/// # Errors
/// [`ApiError::BadValue`].
pub(super) fn scopes(texts: &[String]) -> Result<Scopes, ApiError> {
    let bad = ApiError::BadValue { field: "scopes", wanted: "global, company and node, or * alone" };
    let Some(texts) = listed(texts) else { return Ok(Scopes::All) };
    if texts.is_empty() {
        return Err(bad);
    }
    let kinds: Option<BTreeSet<ScopeKind>> = texts.iter().map(|text| ScopeKind::parse(text)).collect();
    Ok(Scopes::Only(kinds.ok_or(bad)?))
}

/// The companies; none of them is a wish like any other.
///
/// # Errors
/// [`ApiError`] for too many, or for one that is none.
pub(super) fn companies(texts: &[String]) -> Result<Companies, ApiError> {
    let Some(texts) = listed(texts) else { return Ok(Companies::All) };
    if texts.len() > COMPANIES_MAX {
        return Err(ApiError::BadValue { field: "companies", wanted: "at most 32 companies, or * alone" });
    }
    Ok(Companies::Only(texts.iter().map(|text| CompanyId::parse(text)).collect::<Result<_, _>>()?))
}

/// The environments.
///
/// # Errors
/// [`ApiError`] for none, for too many, or for one that is none: what reaches no environment reaches nothing.
pub(super) fn environments(texts: &[String]) -> Result<Environments, ApiError> {
    let Some(texts) = listed(texts) else { return Ok(Environments::All) };
    if texts.is_empty() || texts.len() > ENVIRONMENTS_MAX {
        return Err(ApiError::BadValue { field: "environments", wanted: "1 to 32 environments, or * alone" });
    }
    Ok(Environments::Only(texts.iter().map(|text| EnvironmentName::parse(text)).collect::<Result<_, _>>()?))
}

fn listed(texts: &[String]) -> Option<&[String]> {
    match texts {
        [only] if only == ALL => None,
        texts => Some(texts),
    }
}

/// How far something reaches, as it is told.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ReachView<'a> {
    secrets: Vec<&'a str>,
    scopes: Vec<&'a str>,
    companies: Vec<&'a str>,
    environments: Vec<&'a str>,
}

impl<'a> From<&'a Reach> for ReachView<'a> {
    fn from(reach: &'a Reach) -> Self {
        Self {
            secrets: reach.secrets.iter().map(SecretGlob::as_str).collect(),
            scopes: match &reach.scopes {
                Scopes::All => vec![ALL],
                Scopes::Only(kinds) => kinds.iter().map(|kind| kind.as_str()).collect(),
            },
            companies: match &reach.companies {
                Companies::All => vec![ALL],
                Companies::Only(companies) => companies.iter().map(CompanyId::as_str).collect(),
            },
            environments: match &reach.environments {
                Environments::All => vec![ALL],
                Environments::Only(names) => names.iter().map(EnvironmentName::as_str).collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn a_star_alone_stands_for_all_and_among_others_for_nothing() {
        assert_eq!(scopes(&texts(&["*"])), Ok(Scopes::All));
        assert_eq!(companies(&texts(&["*"])), Ok(Companies::All));
        assert_eq!(environments(&texts(&["*"])), Ok(Environments::All));
        assert!(scopes(&texts(&["*", "global"])).is_err());
        assert!(companies(&texts(&["*", "acme"])).is_err());
        assert!(environments(&texts(&["prod", "*"])).is_err());
    }

    #[test]
    fn what_reaches_nothing_is_refused_but_for_companies() {
        assert!(secrets(&[]).is_err() && scopes(&[]).is_err() && environments(&[]).is_err());
        assert_eq!(companies(&[]), Ok(Companies::default()));
        assert!(secrets(&vec!["a/*".to_owned(); 33]).is_err());
        assert!(companies(&vec!["acme".to_owned(); 33]).is_err());
        assert!(environments(&vec!["prod".to_owned(); 33]).is_err());
        assert!(scopes(&texts(&["company:acme"])).is_err());
    }

    #[test]
    fn a_reach_is_told_as_it_is_read() {
        let all = Reach::everything();
        let json = serde_json::to_string(&ReachView::from(&all)).expect("json");
        assert_eq!(json, r#"{"secrets":["*"],"scopes":["*"],"companies":["*"],"environments":["*"]}"#);
    }
}
