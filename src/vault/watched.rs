//! What a node is to check: the credentials it would really use, now. Pure.
//!
//! A service is watched if the node holds any record of it, whatever became of its value, and it is the API of a provider.
//! Its subjects are the value the node itself would use of each credential, and that of each company whose own value wins.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::holdings::{Candidate, Holding, Holdings, carries, company_of};
use super::resolve::CompanyChoice;
use crate::catalogue::probe::Host;
use crate::connectivity::subject::{Subject, Watched};
use crate::model::api_check::{KEYS_MAX, SERVICES_MAX};
use crate::model::name::CompanyId;
use crate::model::record::Record;
use crate::model::secret::Scope;

/// What there is to check, by service; the same holdings give the same list.
#[must_use]
pub fn watched(holdings: Holdings<'_>) -> Vec<Watched> {
    let services = holdings.services();
    services.iter().take(SERVICES_MAX).map(|holding| of_service(holdings, holding)).collect()
}

fn of_service(holdings: Holdings<'_>, holding: &Holding<'_>) -> Watched {
    let provider = holding.provider;
    let mut subjects = subjects(holdings, holding);
    if subjects.is_empty() {
        subjects.push(unchecked(holdings, holding));
    }
    Watched {
        service: holding.service.clone(),
        // A host that is a part of the credential is only reached for when the credential is used, and accounted for.
        has_host: matches!(provider.host, Some(Host::Fixed(_))),
        check_every: provider.check_every,
        calls_per_day: provider.calls_per_day,
        subjects,
    }
}

/// What stands for a service of which nothing can be checked: without a key if it is for want of a credential, with the first
/// value that there is if no check is known.
fn unchecked(holdings: Holdings<'_>, holding: &Holding<'_>) -> Subject {
    let live = |record: &&&Arc<Record>| record.sealed().is_some();
    let first = holding.records.iter().find(live).filter(|_| holding.provider.probes.is_empty());
    let key = first.and_then(|record| {
        let company = company_of(&record.at.scope).map_or(CompanyChoice::NotNamed, CompanyChoice::Honoured);
        holdings.locate(holding, &record.at.secret.name.key, company)
    });
    let key = key.map(|located| located.mark());
    Subject { service: holding.service.clone(), credential: None, company: None, key }
}

/// The credentials of a service as this node resolves them: the node's own first, then those of companies by name. At most
/// [`KEYS_MAX`].
#[must_use]
pub fn subjects(holdings: Holdings<'_>, holding: &Holding<'_>) -> Vec<Subject> {
    let candidates = holdings.candidates(holding);
    let own = candidates.iter().filter_map(|candidate| own(holdings, holding, candidate));
    let companies: BTreeSet<&CompanyId> =
        holding.records.iter().filter_map(|record| company_of(&record.at.scope)).collect();
    let theirs = companies.into_iter().flat_map(|company| {
        candidates.iter().filter_map(move |candidate| of_company(holdings, holding, candidate, company))
    });
    own.chain(theirs).take(KEYS_MAX).collect()
}

/// The credential for whoever names no company.
fn own(holdings: Holdings<'_>, holding: &Holding<'_>, candidate: &Candidate<'_>) -> Option<Subject> {
    let Candidate { credential, .. } = candidate;
    let mut declared = holding.records.iter().filter(|record| carries(record, credential));
    if !declared.any(|record| !matches!(record.at.scope, Scope::Company(_))) {
        return None;
    }
    let located = holdings.locate(holding, credential, CompanyChoice::NotNamed);
    Some(Subject {
        service: holding.service.clone(),
        credential: Some(credential.clone()),
        company: None,
        key: located.map(|located| located.mark()),
    })
}

/// The credential of a company, if its own value wins.
fn of_company(
    holdings: Holdings<'_>,
    holding: &Holding<'_>,
    candidate: &Candidate<'_>,
    company: &CompanyId,
) -> Option<Subject> {
    let located = holdings.locate(holding, &candidate.credential, CompanyChoice::Honoured(company))?;
    (company_of(&located.record.at.scope) == Some(company)).then(|| Subject {
        service: holding.service.clone(),
        credential: Some(candidate.credential.clone()),
        company: Some(company.clone()),
        key: Some(located.mark()),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::catalogue::lookup::Catalogue;
    use crate::catalogue::probe::{Authenticate, Origin, Piece, Probe, Template};
    use crate::catalogue::provider::{Credential, Provider, ProviderType, Source};
    use crate::model::company::Companies;
    use crate::model::entitlement::Entitlement;
    use crate::model::fields::{Field, FieldKind, Fields};
    use crate::model::glob::SecretGlob;
    use crate::model::metadata::Metadata;
    use crate::model::name::{EnvironmentName, FieldName, KeyName, NodeName, ServiceName};
    use crate::model::number::{Generation, Position, Version};
    use crate::model::record::RecordBody;
    use crate::model::secret::{SecretAddress, SecretName};
    use crate::replication::view::View;

    fn key(text: &str) -> KeyName {
        KeyName::parse(text).expect(text)
    }

    fn probe(credential: &str) -> Probe {
        let value = Template(vec![Piece::Field(key(credential))]);
        let authenticate = Authenticate::Header { name: "authorization".to_owned(), value };
        Probe { credential: key(credential), authenticate, request: None, answers: Vec::new(), expires: Vec::new() }
    }

    fn provider(name: &str, probes: &[&str], fields: &[&str]) -> Provider {
        let origin = Origin { host: "api.example".to_owned(), port: 443, prefix: String::new() };
        let field = |name: &&str| Credential {
            name: key(name),
            kind: FieldKind::Secret,
            required: false,
            variables: Vec::new(),
        };
        Provider {
            name: ServiceName::parse(name).expect(name),
            title: name.to_owned(),
            kind: ProviderType::ApiKey,
            docs: None,
            host: Some(Host::Fixed(origin)),
            auth_url: None,
            token: None,
            scopes: Vec::new(),
            allow_private: false,
            check_every: Duration::from_secs(900),
            calls_per_day: (name == "fireflies").then_some(50),
            probes: probes.iter().map(|credential| probe(credential)).collect(),
            unprobed: probes.is_empty().then(|| "no harmless check is known".to_owned()),
            fields: fields.iter().map(field).collect(),
            source: Source::Embedded,
        }
    }

    fn catalogue() -> Catalogue {
        Catalogue::of([
            provider("hubspot", &["api_key"], &["api_key", "portal_id"]),
            provider("google_oauth", &["refresh_token"], &["client_id", "client_secret", "refresh_token"]),
            provider("supabase", &["anon_key", "secret_key"], &["anon_key", "secret_key"]),
            provider("midjourney", &[], &["api_key"]),
        ])
    }

    fn record(name: &str, scope: &str) -> Record {
        let environment = EnvironmentName::parse("prod").expect("name");
        let at = SecretAddress { environment, name: SecretName::parse(name).expect(name) };
        Record::sample(at.within(Scope::parse(scope).expect(scope)), Generation::FIRST, Vec::new())
    }

    fn told(records: Vec<Record>) -> Vec<String> {
        let (catalogue, view) = (catalogue(), View::new(Position::default(), numbered(records)));
        let entitlement = Entitlement {
            environment: EnvironmentName::parse("prod").expect("name"),
            companies: Companies::Only(["acme", "bolt"].map(|id| CompanyId::parse(id).expect(id)).into()),
            globs: vec![SecretGlob::parse("*").expect("glob")],
        };
        let (node, environment) = (NodeName::parse("vengeance").expect("name"), entitlement.environment.clone());
        let holdings = Holdings {
            view: &view,
            catalogue: &catalogue,
            node: &node,
            entitlement: &entitlement,
            environment: &environment,
        };
        let lines = watched(holdings).into_iter().flat_map(|watched| {
            assert!(watched.has_host);
            watched.subjects.into_iter().map(|subject| {
                let credential = subject.credential.map_or_else(|| "-".to_owned(), |name| name.to_string());
                let company = subject.company.map_or_else(|| "-".to_owned(), |company| company.to_string());
                let mark =
                    subject.key.map_or_else(|| "none".to_owned(), |key| format!("{} in {}", key.secret, key.scope));
                format!("{} {credential} {company}: {mark}", subject.service)
            })
        });
        lines.collect()
    }

    fn numbered(records: Vec<Record>) -> Vec<Record> {
        let numbered = records.into_iter().zip(1..);
        numbered.map(|(record, secret_id)| Record { secret_id, ..record }).collect()
    }

    #[test]
    fn a_node_checks_the_value_it_would_use_and_that_of_each_company_whose_own_value_wins() {
        let records = vec![
            record("hubspot/api_key", "global"),
            record("hubspot/api_key", "company:acme"),
            record("hubspot/api_key", "company:other"),
            record("hubspot/api_key", "node:elsewhere"),
            record("hubspot/portal_id", "company:bolt"),
            record("acme/unknown", "global"),
        ];
        assert_eq!(
            told(records.clone()),
            ["hubspot api_key -: hubspot/api_key in global", "hubspot api_key acme: hubspot/api_key in company:acme"]
        );
        let with_own = [records, vec![record("hubspot/api_key", "node:vengeance")]].concat();
        assert_eq!(told(with_own), ["hubspot api_key -: hubspot/api_key in node:vengeance"]);
    }

    #[test]
    fn a_value_that_is_gone_leaves_a_subject_without_a_key_and_nothing_falls_back_further_than_a_read() {
        let gone = Record { body: RecordBody::Deleted { kept: None }, ..record("hubspot/api_key", "global") };
        assert_eq!(told(vec![gone]), ["hubspot api_key -: none"]);
        let unset = Record { body: RecordBody::Unset, ..record("hubspot/api_key", "node:vengeance") };
        let both = vec![unset, record("hubspot/api_key", "global")];
        assert_eq!(told(both), ["hubspot api_key -: hubspot/api_key in global"]);
        assert_eq!(told(vec![record("hubspot/portal_id", "global")]), ["hubspot - -: none"]);
        assert_eq!(
            told(vec![record("midjourney/api_key", "global")]),
            ["midjourney - -: midjourney/api_key in global"]
        );
    }

    #[test]
    fn a_field_of_a_secret_with_several_is_a_credential() {
        let names = ["client_id", "client_secret", "refresh_token"];
        let fields = names.map(|name| Field { name: FieldName::parse(name).expect(name), kind: FieldKind::Secret });
        let app = Record {
            fields: Fields::new(fields.to_vec()).expect("fields").into(),
            ..record("google_oauth/app", "global")
        };
        assert_eq!(told(vec![app.clone()]), ["google_oauth refresh_token -: google_oauth/app in global"]);
        let own = record("google_oauth/refresh_token", "global");
        assert_eq!(told(vec![app, own]), ["google_oauth refresh_token -: google_oauth/refresh_token in global"]);
    }

    #[test]
    fn a_secret_that_names_a_provider_is_checked_as_its_credential_if_it_can_only_be_one() {
        let naming = |name: &str, provider: &str| {
            let metadata = Metadata { provider: Some(provider.to_owned()), ..Metadata::default() };
            Record { metadata: metadata.into(), ..record(name, "global") }
        };
        assert_eq!(told(vec![naming("crm/token", "hubspot")]), ["crm token -: crm/token in global"]);
        assert_eq!(told(vec![naming("crm/api_key", "hubspot")]), ["crm api_key -: crm/api_key in global"]);
        assert_eq!(
            told(vec![naming("crm/portal_id", "hubspot")]),
            ["crm - -: none"],
            "it is known to be another field"
        );
        assert_eq!(told(vec![naming("db/anon_key", "supabase")]), ["db anon_key -: db/anon_key in global"]);
        assert_eq!(told(vec![naming("db/other", "supabase")]), ["db - -: none"], "there are two it could be");
        assert!(told(vec![naming("crm/token", "nobody"), naming("crm/x", "No Name")]).is_empty());
        // A record that comes before the one that names the provider belongs to the service all the same.
        let mixed = vec![record("crm/a", "global"), naming("crm/token", "hubspot")];
        assert_eq!(told(mixed), ["crm token -: crm/token in global"]);
    }

    #[test]
    fn the_usual_credential_comes_first_and_marks_are_of_the_value() {
        let records = vec![
            record("supabase/secret_key", "global"),
            Record { version: Version::FIRST.next(), ..record("supabase/anon_key", "company:bolt") },
            record("supabase/anon_key", "global"),
        ];
        let wanted = [
            "supabase anon_key -: supabase/anon_key in global",
            "supabase secret_key -: supabase/secret_key in global",
            "supabase anon_key bolt: supabase/anon_key in company:bolt",
        ];
        assert_eq!(told(records), wanted);
    }
}
