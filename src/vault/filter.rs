//! Which secrets a list is about. Every condition that is given must hold.

use crate::model::name::ServiceName;
use crate::model::record::{Record, RecordState};
use crate::model::secret::Scope;
use crate::model::time::Timestamp;

/// Conditions on a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this service.
    pub service: Option<ServiceName>,
    /// In this scope.
    pub scope: Option<Scope>,
    /// With a name `service/key_name` that starts so.
    pub prefix: Option<String>,
    /// With each of these tags.
    pub tags: Vec<String>,
    /// Checked with this provider: the one that is named, else the one the service is called by.
    pub provider: Option<String>,
    /// With an end that comes before this, or came long ago.
    pub expires_before: Option<Timestamp>,
    /// In this state.
    pub state: Option<RecordState>,
}

impl Filter {
    /// Whether a record fulfils every condition.
    #[must_use]
    pub fn wants(&self, record: &Record) -> bool {
        let (name, metadata) = (&record.at.secret.name, &record.metadata);
        let provider = || metadata.provider.as_deref().unwrap_or(name.service.as_str());
        let ends = record.options.expires_at;
        self.service.as_ref().is_none_or(|service| *service == name.service)
            && self.scope.as_ref().is_none_or(|scope| *scope == record.at.scope)
            && self.state.is_none_or(|state| state == record.state())
            && self.expires_before.is_none_or(|time| ends.is_some_and(|end| end < time))
            && self.provider.as_ref().is_none_or(|wanted| wanted == provider())
            && self.tags.iter().all(|tag| metadata.tags.contains(tag))
            && self.prefix.as_ref().is_none_or(|prefix| name.to_string().starts_with(prefix))
    }

    /// A service before which nothing is wanted: where to begin in an ordered list of names.
    #[must_use]
    pub fn first_service(&self) -> Option<ServiceName> {
        let of_prefix = || ServiceName::parse(self.prefix.as_deref()?.split('/').next()?).ok();
        self.service.clone().or_else(of_prefix)
    }

    /// Whether nothing is wanted of this service or of any after it: where to stop in an ordered list of names.
    #[must_use]
    pub fn is_passed(&self, service: &ServiceName) -> bool {
        let past_service = self.service.as_ref().is_some_and(|wanted| service > wanted);
        let past_prefix = self.prefix.as_deref().is_some_and(|prefix| match prefix.split_once('/') {
            Some((wanted, _)) => service.as_str() > wanted,
            None => service.as_str() > prefix && !service.as_str().starts_with(prefix),
        });
        past_service || past_prefix
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::ChangeKind;

    use crate::model::metadata::{Metadata, SecretOptions};
    use crate::model::name::EnvironmentName;
    use crate::model::number::Generation;
    use crate::model::record::RecordBody;
    use crate::model::secret::{SecretAddress, SecretName};

    fn service(text: &str) -> ServiceName {
        ServiceName::parse(text).expect(text)
    }

    fn record(name: &str, tags: &[&str], provider: Option<&str>, end: Option<i64>) -> Record {
        let environment = EnvironmentName::parse("prod").expect("name");
        let name = SecretName::parse(name).expect("name");
        let at = SecretAddress { environment, name }.within(Scope::Global);
        Record {
            change: ChangeKind::Declared,
            body: RecordBody::Unset,
            metadata: Metadata {
                provider: provider.map(str::to_owned),
                tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                ..Metadata::default()
            }
            .into(),
            options: SecretOptions { expires_at: end.map(Timestamp), ..SecretOptions::default() }.into(),
            ..Record::sample(at, Generation::FIRST, Vec::new())
        }
    }

    fn wants(filter: &Filter, record: &Record) -> bool {
        filter.wants(record)
    }

    #[test]
    fn every_condition_must_hold() {
        let one = record("hubspot/api_key", &["eu", "crm"], None, Some(10));
        assert!(wants(&Filter::default(), &one));
        let tags =
            |tags: &[&str]| Filter { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..Filter::default() };
        assert!(wants(&tags(&["crm", "eu"]), &one) && !wants(&tags(&["crm", "us"]), &one));
        let before = |time| Filter { expires_before: Some(Timestamp(time)), ..Filter::default() };
        assert!(wants(&before(11), &one) && !wants(&before(10), &one));
        assert!(!wants(&before(i64::MAX), &record("a/b", &[], None, None)), "what has no end never expires");
        let state = |state| Filter { state: Some(state), ..Filter::default() };
        assert!(wants(&state(RecordState::Unset), &one) && !wants(&state(RecordState::Live), &one));
    }

    #[test]
    fn the_provider_is_the_service_unless_another_is_named() {
        let filter = Filter { provider: Some("hubspot".to_owned()), ..Filter::default() };
        assert!(wants(&filter, &record("hubspot/api_key", &[], None, None)));
        assert!(wants(&filter, &record("crm/api_key", &[], Some("hubspot"), None)));
        assert!(!wants(&filter, &record("hubspot/api_key", &[], Some("other"), None)));
    }

    #[test]
    fn a_prefix_bounds_the_services_that_are_looked_at() {
        let filter = |prefix: &str| Filter { prefix: Some(prefix.to_owned()), ..Filter::default() };
        assert_eq!(filter("hub").first_service(), Some(service("hub")));
        assert_eq!(filter("hubspot/a").first_service(), Some(service("hubspot")));
        assert_eq!(filter("HUB").first_service(), None);
        assert!(!filter("hub").is_passed(&service("hubspot")) && !filter("hub").is_passed(&service("hub")));
        assert!(filter("hub").is_passed(&service("huc")) && !filter("hub").is_passed(&service("a")));
        assert!(filter("hub/a").is_passed(&service("hub-spot")) && !filter("hub/a").is_passed(&service("hub")));
    }
}
