//! Whether a reach covers what a question is about, for a rule that opens and for one that closes.

use crate::model::company::Companies;
use crate::model::glob::SecretGlob;
use crate::model::reach::{Reach, Scopes};

use super::decide::Question;

/// Whether a rule that opens speaks: what the question leaves open is not held against it.
pub(super) fn allows(reach: &Reach, question: &Question<'_>) -> bool {
    reach.environments.contains(question.environment)
        && question.secret.map_or(!reach.secrets.is_empty(), |name| reach.secrets.iter().any(|glob| glob.matches(name)))
        && question.scope.map_or(reach.scopes != Scopes::default(), |scope| reach.scopes.contains(scope))
        && question.company.is_none_or(|company| reach.companies.contains(company))
}

/// Whether a rule that closes speaks: what the question leaves open must be closed as a whole.
pub(super) fn denies(reach: &Reach, question: &Question<'_>) -> bool {
    let secrets = &reach.secrets;
    reach.environments.contains(question.environment)
        && match question.secret {
            Some(name) => secrets.iter().any(|glob| glob.matches(name)),
            None => secrets.iter().any(SecretGlob::is_everything),
        }
        && question.scope.map_or(reach.scopes == Scopes::All, |scope| reach.scopes.contains(scope))
        && match question.company {
            Some(company) => reach.companies.contains(company),
            None => reach.companies == Companies::All,
        }
}
