//! What somebody wants to hear of: types, of which `*` may stand for a part, and what the event is about.

use std::fmt;

use super::subject::Subject;
use crate::model::event_kind::EventKind;
use crate::model::name::{CompanyId, EnvironmentName, NodeName, ServiceName};
use crate::model::secret::Scope;

/// Most patterns of types in one filter: there are no more types than this.
pub const TYPES_MAX: usize = 32;

/// A pattern of types: `secret.updated`, `secret.*`, `*.updated` or `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeGlob(String);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} matches no type of event: write a type such as secret.updated, a family such as secret.*, or *")]
pub struct TypeGlobError(pub String);

impl TypeGlob {
    /// Reads a pattern. One that no type matches is a mistake, and refused.
    ///
    /// # Errors
    /// [`TypeGlobError`] holds the beginning of the text that was refused.
    pub fn parse(text: &str) -> Result<Self, TypeGlobError> {
        let glob = Self(text.to_owned());
        let is_one = EventKind::ALL.iter().any(|kind| glob.matches(*kind));
        if is_one { Ok(glob) } else { Err(TypeGlobError(text.chars().take(80).collect())) }
    }

    /// Whether it covers a type.
    #[must_use]
    pub fn matches(&self, kind: EventKind) -> bool {
        let part = |pattern: &str, part: &str| pattern == "*" || pattern == part;
        match (self.0.split_once('.'), kind.as_str().split_once('.')) {
            (None, _) => self.0 == "*",
            (Some((family, verb)), Some((of, what))) => part(family, of) && part(verb, what),
            (Some(_), None) => false,
        }
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TypeGlob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// What is wanted. What is not said is wanted whatever it is; an event that is of no service is not of a wanted one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// One of these; of any type if there is none.
    pub types: Vec<TypeGlob>,
    /// About this service.
    pub service: Option<ServiceName>,
    /// About a secret in this scope.
    pub scope: Option<Scope>,
    /// Of this company.
    pub company: Option<CompanyId>,
    /// Of this environment.
    pub environment: Option<EnvironmentName>,
    /// Told by this node, or about it.
    pub node: Option<NodeName>,
}

impl EventFilter {
    /// Whether an event about this is wanted.
    #[must_use]
    pub fn matches(&self, subject: &Subject) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        let of_node = |node: &NodeName| subject.node == *node || subject.about.as_ref() == Some(node);
        (self.types.is_empty() || self.types.iter().any(|glob| glob.matches(subject.kind)))
            && is(self.service.as_ref(), subject.service.as_ref())
            && is(self.scope.as_ref(), subject.scope.as_ref())
            && is(self.company.as_ref(), subject.company.as_ref())
            && is(self.environment.as_ref(), subject.environment.as_ref())
            && self.node.as_ref().is_none_or(of_node)
    }
}

#[cfg(test)]
mod tests {
    use super::super::subject::Home;
    use super::*;
    use crate::model::change::ChangeKind;
    use crate::model::event::Event;
    use crate::model::number::Version;
    use crate::model::secret::{SecretAddress, SecretName};

    fn home() -> Home {
        let node = NodeName::parse("aurora").expect("name");
        Home { node, environment: EnvironmentName::parse("prod").expect("name") }
    }

    fn stored(scope: &str) -> Subject {
        let name = SecretName::parse("openai/api_key").expect("name");
        let at = SecretAddress { environment: home().environment, name }.within(Scope::parse(scope).expect(scope));
        Subject::of(&Event::SecretChanged { at, change: ChangeKind::Stored, version: Version::FIRST }, &home())
    }

    fn glob(text: &str) -> TypeGlob {
        TypeGlob::parse(text).expect(text)
    }

    #[test]
    fn a_pattern_covers_a_type_a_family_or_everything_and_nothing_by_mistake() {
        for text in ["secret.updated", "secret.*", "*.updated", "*.*", "*"] {
            assert!(glob(text).matches(EventKind::SecretUpdated), "{text}");
        }
        assert!(!glob("secret.*").matches(EventKind::NodeLost));
        for text in ["", "secret", "secret.", ".*", "secrets.*", "secret.up*", "secret.updated.*", "SECRET.*", " *"] {
            assert!(TypeGlob::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_word_of_a_filter_narrows_it() {
        let subject = stored("company:acme");
        assert!(EventFilter::default().matches(&subject));
        let acme = CompanyId::parse("acme").expect("name");
        let all = EventFilter {
            types: vec![glob("node.*"), glob("secret.*")],
            service: Some(ServiceName::parse("openai").expect("name")),
            scope: Some(Scope::Company(acme.clone())),
            company: Some(acme),
            environment: Some(home().environment),
            node: Some(home().node),
        };
        assert!(all.matches(&subject));
        assert!(!all.matches(&stored("global")), "another scope");
        let other = |change: fn(&mut EventFilter)| {
            let mut filter = all.clone();
            change(&mut filter);
            filter.matches(&subject)
        };
        assert!(!other(|filter| filter.types = vec![TypeGlob("node.*".to_owned())]));
        assert!(!other(|filter| filter.service = ServiceName::parse("stripe").ok()));
        assert!(!other(|filter| filter.company = CompanyId::parse("other").ok()));
        assert!(!other(|filter| filter.environment = EnvironmentName::parse("dev").ok()));
        assert!(!other(|filter| filter.node = NodeName::parse("vengeance").ok()));
    }

    #[test]
    fn an_event_about_a_node_is_found_by_that_node() {
        let node = NodeName::parse("vengeance").expect("name");
        let banned = Subject::of(&Event::NodeBanned { node: node.clone() }, &home());
        assert!(EventFilter { node: Some(node), ..EventFilter::default() }.matches(&banned));
        assert!(!EventFilter { service: ServiceName::parse("x").ok(), ..EventFilter::default() }.matches(&banned));
    }
}
