//! An entitlement on the wire.

use std::collections::BTreeSet;

use crate::model::company::Companies;
use crate::model::entitlement::{COMPANIES_MAX, Entitlement, GLOBS_MAX};
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName};

use super::error::{FieldRule, WireError};

/// The plain form of [`Entitlement`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct EntitlementFrame {
    /// The environment.
    pub environment: String,
    /// Every company; then the list is empty.
    pub every_company: bool,
    /// The companies, if not every one.
    pub companies: Vec<String>,
    /// The globs.
    pub globs: Vec<String>,
}

impl From<&Entitlement> for EntitlementFrame {
    fn from(entitlement: &Entitlement) -> Self {
        let (every_company, companies) = match &entitlement.companies {
            Companies::All => (true, Vec::new()),
            Companies::Only(companies) => (false, companies.iter().map(ToString::to_string).collect()),
        };
        Self {
            environment: entitlement.environment.to_string(),
            every_company,
            companies,
            globs: entitlement.globs.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<EntitlementFrame> for Entitlement {
    type Error = WireError;

    fn try_from(frame: EntitlementFrame) -> Result<Self, WireError> {
        if frame.companies.len() > COMPANIES_MAX {
            return Err(WireError::Field { field: "companies", rule: FieldRule::TooMany(COMPANIES_MAX) });
        }
        if frame.globs.len() > GLOBS_MAX {
            return Err(WireError::Field { field: "globs", rule: FieldRule::TooMany(GLOBS_MAX) });
        }
        if frame.every_company && !frame.companies.is_empty() {
            return Err(WireError::Field { field: "companies", rule: FieldRule::Contradiction });
        }
        let companies = if frame.every_company {
            Companies::All
        } else {
            let companies = frame.companies.iter().map(|company| CompanyId::parse(company));
            Companies::Only(companies.collect::<Result<BTreeSet<_>, _>>()?)
        };
        let globs = frame.globs.iter().map(|glob| SecretGlob::parse(glob)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { environment: EnvironmentName::parse(&frame.environment)?, companies, globs })
    }
}

#[cfg(test)]
impl EntitlementFrame {
    /// What the tests of this room use.
    pub(super) fn sample() -> Self {
        Self {
            environment: "prod".to_owned(),
            every_company: false,
            companies: vec!["acme".to_owned()],
            globs: vec!["openai/*".to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entitlement_travels_both_ways() {
        for frame in [
            EntitlementFrame::sample(),
            EntitlementFrame { every_company: true, companies: vec![], ..EntitlementFrame::sample() },
            EntitlementFrame { companies: vec![], globs: vec![], ..EntitlementFrame::sample() },
        ] {
            let model = Entitlement::try_from(frame.clone()).expect("canonical");
            assert_eq!(EntitlementFrame::from(&model), frame);
        }
    }

    #[test]
    fn an_entitlement_beyond_its_bounds_or_with_bad_names_is_refused() {
        let refusal = |frame| Entitlement::try_from(frame).expect_err("refused");
        let sample = EntitlementFrame::sample;
        assert!(matches!(
            refusal(EntitlementFrame { every_company: true, ..sample() }),
            WireError::Field { field: "companies", rule: FieldRule::Contradiction }
        ));
        assert!(matches!(
            refusal(EntitlementFrame { companies: vec!["a".to_owned(); COMPANIES_MAX + 1], ..sample() }),
            WireError::Field { field: "companies", .. }
        ));
        assert!(matches!(
            refusal(EntitlementFrame { globs: vec!["*".to_owned(); GLOBS_MAX + 1], ..sample() }),
            WireError::Field { field: "globs", .. }
        ));
        assert!(matches!(refusal(EntitlementFrame { environment: "Prod".to_owned(), ..sample() }), WireError::Name(_)));
        assert!(matches!(refusal(EntitlementFrame { globs: vec!["**".to_owned()], ..sample() }), WireError::Glob(_)));
    }
}
