//! The bounds of a rule as they travel: which secrets, scopes, companies and environments.

use std::collections::BTreeSet;

use crate::model::company::Companies;
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::reach::{Environments, Reach, ScopeKind, Scopes};

use super::error::{FieldRule, WireError};

/// Most globs, companies or environments of one rule.
pub(super) const ENTRIES_MAX: usize = 256;

/// The plain form of [`Reach`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub(super) struct ReachFrame {
    secrets: Vec<String>,
    scopes: SomeFrame,
    companies: SomeFrame,
    environments: SomeFrame,
}

/// Everything of a kind; then the list is empty. Or what is listed, each once, in order.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
struct SomeFrame {
    every: bool,
    only: Vec<String>,
}

impl SomeFrame {
    const EVERY: Self = Self { every: true, only: Vec::new() };

    fn only(names: impl IntoIterator<Item = impl ToString>) -> Self {
        Self { every: false, only: names.into_iter().map(|name| name.to_string()).collect() }
    }

    /// The names, or `None` for every one there is.
    fn names<T: Ord>(
        &self,
        field: &'static str,
        parse: impl Fn(&str) -> Result<T, WireError>,
    ) -> Result<Option<BTreeSet<T>>, WireError> {
        if self.every {
            let alone = self.only.is_empty().then_some(None);
            return alone.ok_or(WireError::Field { field, rule: FieldRule::Contradiction });
        }
        distinct(field, &self.only, parse).map(Some)
    }
}

/// A set as a list: at most [`ENTRIES_MAX`], each once.
pub(super) fn distinct<T: Ord>(
    field: &'static str,
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, WireError>,
) -> Result<BTreeSet<T>, WireError> {
    if texts.len() > ENTRIES_MAX {
        return Err(WireError::Field { field, rule: FieldRule::TooMany(ENTRIES_MAX) });
    }
    let parsed = texts.iter().map(|text| parse(text)).collect::<Result<BTreeSet<T>, _>>()?;
    if parsed.len() == texts.len() { Ok(parsed) } else { Err(WireError::Field { field, rule: FieldRule::Repeated }) }
}

impl From<&Reach> for ReachFrame {
    fn from(reach: &Reach) -> Self {
        Self {
            secrets: reach.secrets.iter().map(ToString::to_string).collect(),
            scopes: match &reach.scopes {
                Scopes::All => SomeFrame::EVERY,
                Scopes::Only(kinds) => SomeFrame::only(kinds.iter().map(|kind| kind.as_str())),
            },
            companies: match &reach.companies {
                Companies::All => SomeFrame::EVERY,
                Companies::Only(companies) => SomeFrame::only(companies),
            },
            environments: match &reach.environments {
                Environments::All => SomeFrame::EVERY,
                Environments::Only(environments) => SomeFrame::only(environments),
            },
        }
    }
}

impl TryFrom<&ReachFrame> for Reach {
    type Error = WireError;

    fn try_from(frame: &ReachFrame) -> Result<Self, WireError> {
        if frame.secrets.len() > ENTRIES_MAX {
            return Err(WireError::Field { field: "secrets", rule: FieldRule::TooMany(ENTRIES_MAX) });
        }
        let secrets = frame.secrets.iter().map(|glob| SecretGlob::parse(glob));
        let kind =
            |text: &str| ScopeKind::parse(text).ok_or(WireError::Field { field: "scopes", rule: FieldRule::Unknown });
        Ok(Self {
            secrets: secrets.collect::<Result<_, _>>()?,
            scopes: frame.scopes.names("scopes", kind)?.map_or(Scopes::All, Scopes::Only),
            companies: frame
                .companies
                .names("companies", |text| Ok(CompanyId::parse(text)?))?
                .map_or(Companies::All, Companies::Only),
            environments: frame
                .environments
                .names("environments", |text| Ok(EnvironmentName::parse(text)?))?
                .map_or(Environments::All, Environments::Only),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded() -> Reach {
        Reach {
            secrets: vec![SecretGlob::parse("openai/*").expect("glob"), SecretGlob::parse("a/b").expect("glob")],
            scopes: Scopes::Only([ScopeKind::Global, ScopeKind::Node].into()),
            companies: Companies::Only([CompanyId::parse("acme").expect("company")].into()),
            environments: Environments::Only([EnvironmentName::parse("prod").expect("environment")].into()),
        }
    }

    #[test]
    fn every_reach_travels_both_ways() {
        for reach in [Reach::default(), Reach::everything(), bounded()] {
            assert_eq!(Reach::try_from(&ReachFrame::from(&reach)).expect("canonical"), reach);
        }
    }

    #[test]
    fn a_reach_beyond_its_bounds_or_with_unknown_words_is_refused_as_a_whole() {
        let only = |texts: &[&str]| SomeFrame::only(texts);
        let many: Vec<String> = (0..=ENTRIES_MAX).map(|number| format!("c{number}")).collect();
        let frame = || ReachFrame::from(&bounded());
        let refused = [
            (ReachFrame { scopes: only(&["global", "galaxy"]), ..frame() }, "scopes"),
            (ReachFrame { scopes: only(&["global", "global"]), ..frame() }, "scopes"),
            (
                ReachFrame { companies: SomeFrame { every: true, only: vec!["acme".to_owned()] }, ..frame() },
                "companies",
            ),
            (ReachFrame { companies: SomeFrame { every: false, only: many.clone() }, ..frame() }, "companies"),
            (ReachFrame { environments: SomeFrame { every: false, only: many }, ..frame() }, "environments"),
            (ReachFrame { secrets: vec!["*".to_owned(); ENTRIES_MAX + 1], ..frame() }, "secrets"),
        ];
        for (frame, wrong) in refused {
            let refusal = Reach::try_from(&frame).expect_err(wrong);
            assert!(matches!(refusal, WireError::Field { field, .. } if field == wrong), "{refusal}");
        }
        let named = ReachFrame { companies: only(&["Acme"]), ..frame() };
        assert!(matches!(Reach::try_from(&named), Err(WireError::Name(_))));
        let globbed = ReachFrame { secrets: vec!["**".to_owned()], ..frame() };
        assert!(matches!(Reach::try_from(&globbed), Err(WireError::Glob(_))));
    }
}
