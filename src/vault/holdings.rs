//! Which of the secrets a node holds are credentials of a provider, and which value of each the node would use. Pure.
//!
//! A secret is a credential of the provider its service is called by, else of the one that it names in its metadata: whoever
//! may write what is said of a secret must not choose to whom a key of a known provider is shown. A credential of several
//! fields counts for each of its fields.

use std::sync::Arc;

use super::resolve::{CompanyChoice, resolve};
use crate::catalogue::lookup::Catalogue;
use crate::catalogue::probe::Probe;
use crate::catalogue::provider::Provider;
use crate::model::api_check::KeyMark;
use crate::model::entitlement::Entitlement;
use crate::model::fields::Fields;
use crate::model::name::{CompanyId, EnvironmentName, FieldName, KeyName, NodeName, ServiceName};
use crate::model::record::Record;
use crate::model::secret::{Scope, SecretAddress, SecretName};
use crate::replication::view::View;

/// What a node holds, and what it may use of it.
#[derive(Debug, Clone, Copy)]
pub struct Holdings<'a> {
    /// The records.
    pub view: &'a View,
    /// The providers.
    pub catalogue: &'a Catalogue,
    /// Which node.
    pub node: &'a NodeName,
    /// What it may use.
    pub entitlement: &'a Entitlement,
    /// Where: credentials of another environment are other credentials.
    pub environment: &'a EnvironmentName,
}

/// The records of one service, and whose API that is.
#[derive(Debug)]
pub struct Holding<'a> {
    /// Which service.
    pub service: ServiceName,
    /// Whose API it is.
    pub provider: &'a Provider,
    /// Its records that the node may use, in the order of their names.
    pub records: Vec<&'a Arc<Record>>,
}

/// A credential that can be checked.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// What it is called within its service: the name of the secret, or the field of a secret that has several.
    pub credential: KeyName,
    /// Whose it is.
    pub provider: &'a Provider,
    /// How it is checked.
    pub probe: &'a Probe,
}

/// Where the value of a field is.
#[derive(Debug, Clone)]
pub struct Located {
    /// In which record, which has a value.
    pub record: Arc<Record>,
    /// In which field of it; none if it is the whole value.
    pub field: Option<FieldName>,
}

impl Located {
    /// Which value it is.
    #[must_use]
    pub fn mark(&self) -> KeyMark {
        let Record { at, secret_id, version, .. } = &*self.record;
        KeyMark { secret: at.secret.name.clone(), scope: at.scope.clone(), secret_id: *secret_id, version: *version }
    }
}

impl<'a> Holdings<'a> {
    /// Every service with records of a provider, by name.
    pub fn services(self) -> Vec<Holding<'a>> {
        let mut services: Vec<Holding<'a>> = Vec::new();
        let mut other: Option<(&'a ServiceName, Vec<&'a Arc<Record>>)> = None;
        for record in self.view.within(self.environment, None, None).filter(|record| self.may_use(record)) {
            let service = &record.at.secret.name.service;
            if let Some(holding) = services.last_mut().filter(|holding| holding.service == *service) {
                holding.records.push(record);
                continue;
            }
            let mut before = match other.take() {
                Some((name, records)) if name == service => records,
                Some(_) | None => Vec::new(),
            };
            before.push(record);
            match self.catalogue.provider(service).or_else(|| self.named(record)) {
                Some(provider) => {
                    services.push(Holding { service: service.clone(), provider, records: before });
                }
                None => other = Some((service, before)),
            }
        }
        services
    }

    /// One service, if it has records of a provider.
    #[must_use]
    pub fn service(self, service: &ServiceName) -> Option<Holding<'a>> {
        let records = self.view.within(self.environment, Some(service), None);
        let records = records.take_while(|record| record.at.secret.name.service == *service);
        let records: Vec<_> = records.filter(|record| self.may_use(record)).collect();
        let named = || records.iter().find_map(|record| self.named(record));
        let provider = self.catalogue.provider(service).or_else(named)?;
        (!records.is_empty()).then(|| Holding { service: service.clone(), provider, records })
    }

    /// The provider a secret is a credential of: the one its service is called by, else the one it names.
    #[must_use]
    pub fn provider_of(self, record: &Record) -> Option<&'a Provider> {
        self.catalogue.provider(&record.at.secret.name.service).or_else(|| self.named(record))
    }

    /// What can be checked of a service: the usual credential first.
    #[must_use]
    pub fn candidates(self, holding: &Holding<'a>) -> Vec<Candidate<'a>> {
        let mut found: Vec<(usize, Candidate<'a>)> = Vec::new();
        for record in &holding.records {
            let Some(provider) = self.provider_of(record) else { continue };
            let key = &record.at.secret.name.key;
            for (index, probe) in provider.probes.iter().enumerate() {
                let Some(credential) = credential_in(&record.at.secret.name, &record.fields, provider, probe) else {
                    continue;
                };
                if !found.iter().any(|(_, known)| known.credential == *credential) {
                    found.push((index, Candidate { credential: credential.clone(), provider, probe }));
                }
                if credential == key {
                    break;
                }
            }
        }
        found.sort_by(|(left, one), (right, other)| (left, &one.credential).cmp(&(right, &other.credential)));
        found.into_iter().map(|(_, candidate)| candidate).collect()
    }

    /// Where the node finds the value of a field: in the secret of that name, else in a secret of the service that has such
    /// a field.
    #[must_use]
    pub fn locate(self, holding: &Holding<'a>, field: &KeyName, company: CompanyChoice<'_>) -> Option<Located> {
        let names = std::iter::once(field).chain(carriers(holding, field));
        names.into_iter().find_map(|key| {
            let name = SecretName { service: holding.service.clone(), key: key.clone() };
            let secret = SecretAddress { environment: self.environment.clone(), name };
            let record = resolve(self.view, &secret, self.node, company).winner?;
            let inner = record.fields.get(field.as_str()).map(|field| field.name.clone());
            let usable = self.may_use(&record) && (inner.is_some() || key == field);
            usable.then_some(Located { record, field: inner })
        })
    }

    fn named(self, record: &Record) -> Option<&'a Provider> {
        let name = ServiceName::parse(record.metadata.provider.as_deref()?).ok()?;
        self.catalogue.provider(&name)
    }

    fn may_use(self, record: &Record) -> bool {
        self.entitlement.covers(self.node, &record.at)
    }
}

/// What a probe would check in a record: the secret by its name, a field of it, or the secret of another service which names
/// this provider, as long as it can only be this one credential.
#[must_use]
pub fn credential_in<'r>(
    name: &'r SecretName,
    fields: &Fields,
    provider: &Provider,
    probe: &'r Probe,
) -> Option<&'r KeyName> {
    let SecretName { service, key } = name;
    if *key == probe.credential || fields.get(probe.credential.as_str()).is_some() {
        return Some(&probe.credential);
    }
    let elsewhere = *service != provider.name && provider.probes.len() == 1;
    let known = provider.fields.iter().any(|field| field.name == *key);
    (elsewhere && !known && fields.is_empty()).then_some(key)
}

/// Whether a record, of whatever state, is one a credential may be in.
#[must_use]
pub fn carries(record: &Record, credential: &KeyName) -> bool {
    record.at.secret.name.key == *credential || record.fields.get(credential.as_str()).is_some()
}

/// The secrets of a service that have such a field, by name.
fn carriers<'h>(holding: &'h Holding<'_>, field: &'h KeyName) -> impl Iterator<Item = &'h KeyName> {
    let mut last: Option<&KeyName> = None;
    let with_field = holding.records.iter().filter(|record| record.fields.get(field.as_str()).is_some());
    with_field.map(|record| &record.at.secret.name.key).filter(move |key| last.replace(*key) != Some(*key))
}

/// The company of a scope.
#[must_use]
pub fn company_of(scope: &Scope) -> Option<&CompanyId> {
    match scope {
        Scope::Company(company) => Some(company),
        Scope::Global | Scope::Node(_) => None,
    }
}
