//! The rules of a node by which events go to its channels, read from its configuration.

use std::time::Duration;

use super::filter::{EventFilter, TypeGlob, TypeGlobError};
use crate::model::channel::{Aspect, NotifyRule, Priority};
use crate::model::name::{CompanyId, EnvironmentName, KeyName, NameError, NodeName, ServiceName};
use crate::model::secret::{Scope, ScopeError};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which events.
    pub filter: EventFilter,
    /// To which channel.
    pub channel: KeyName,
    /// Whether quiet hours do not hold them back.
    pub urgent: bool,
    /// The same is told again only after this.
    pub repeat_after: Duration,
}

/// Why a rule of the configuration is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No type matches.
    #[error("notify.rules: events")]
    Types(#[from] TypeGlobError),
    /// Something it is about is no name.
    #[error("notify.rules: where")]
    Name(#[from] NameError),
    /// Its scope is none.
    #[error("notify.rules: where.scope")]
    Scope(#[from] ScopeError),
}

impl Rule {
    /// The rule that the configuration means.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn read(rule: &NotifyRule) -> Result<Self, RuleError> {
        let types = rule.events.iter().map(|text| TypeGlob::parse(text)).collect::<Result<_, _>>()?;
        let mut filter = EventFilter { types, ..EventFilter::default() };
        for (aspect, name) in &rule.wanted {
            match aspect {
                Aspect::Service => filter.service = Some(ServiceName::parse(name)?),
                Aspect::Scope => filter.scope = Some(Scope::parse(name)?),
                Aspect::Company => filter.company = Some(CompanyId::parse(name)?),
                Aspect::Environment => filter.environment = Some(EnvironmentName::parse(name)?),
                Aspect::Node => filter.node = Some(NodeName::parse(name)?),
            }
        }
        let urgent = rule.priority == Priority::Urgent;
        Ok(Self { filter, channel: rule.channel.clone(), urgent, repeat_after: rule.repeat_after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_the_file_becomes_a_filter_and_one_that_no_type_matches_is_refused() {
        let mut rule = NotifyRule {
            events: vec!["credential.*".to_owned()],
            wanted: [(Aspect::Service, "openai".to_owned())].into(),
            channel: KeyName::parse("ops").expect("a name"),
            priority: Priority::Urgent,
            repeat_after: Duration::from_secs(1),
        };
        let read = Rule::read(&rule).expect("a rule");
        assert_eq!((read.filter.service, read.urgent), (ServiceName::parse("openai").ok(), true));
        rule.events = vec!["planet.*".to_owned()];
        assert!(matches!(Rule::read(&rule), Err(RuleError::Types(_))));
    }
}
