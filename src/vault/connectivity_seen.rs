//! What one caller may hear of the APIs: services of which it may know a credential, and of each credential by itself.

use std::sync::Arc;

use crate::connectivity::matrix::{Matrix, Row};
use crate::model::api_check::{Cell, KeyCheck};
use crate::model::company::Companies;
use crate::model::name::{CompanyId, EnvironmentName, NodeName, ServiceName};
use crate::model::secret::{Scope, SecretName};

/// A credential that somebody may or may not know of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) secret: &'a SecretName,
    pub(super) scope: Option<&'a Scope>,
    pub(super) company: Option<&'a CompanyId>,
    pub(super) environment: &'a EnvironmentName,
}

/// One caller's sight.
pub(super) struct Seen<'a> {
    /// Whether the caller may know of a credential.
    pub(super) may: &'a dyn Fn(Asked<'_>) -> bool,
    /// What the credentials of a service are called; at least one.
    pub(super) names: &'a dyn Fn(&ServiceName, &EnvironmentName) -> Vec<SecretName>,
    /// The companies this node may speak for; all of them for whoever sees all.
    pub(super) companies: Option<&'a Companies>,
    /// The one environment that is seen; all of them for whoever sees all.
    pub(super) environment: Option<&'a EnvironmentName>,
}

impl Seen<'_> {
    /// The rows with what the caller may hear of: of one service, or of all.
    pub(super) fn rows<'m>(
        &self,
        matrix: &'m Matrix,
        service: Option<&ServiceName>,
    ) -> impl Iterator<Item = (&'m NodeName, Row)> {
        let seen = move |row: &Row| self.environment.is_none_or(|environment| row.environment == *environment);
        matrix.rows().filter(move |(_, row)| seen(row)).map(move |(node, row)| {
            let cells = row.cells.iter().filter(|(name, _)| service.is_none_or(|service| service == *name));
            let cells = cells.filter_map(|(name, cell)| Some((name.clone(), self.cell(cell, &row.environment)?)));
            let cells = cells.collect();
            (node, Row { environment: row.environment.clone(), cells, confirmed_at: row.confirmed_at })
        })
    }

    /// A cell without the credentials that the caller may not hear of; none if it may hear of no credential of the service.
    fn cell(&self, cell: &Arc<Cell>, environment: &EnvironmentName) -> Option<Arc<Cell>> {
        let names = (self.names)(&cell.service, environment);
        let heard: Vec<bool> = cell.keys.iter().map(|check| self.hears_of(check, &names, environment)).collect();
        let of_service = |secret| (self.may)(Asked { secret, scope: None, company: None, environment });
        if !heard.contains(&true) && !names.iter().any(of_service) {
            return None;
        }
        if !heard.contains(&false) {
            return Some(Arc::clone(cell));
        }
        let mut left = cell.as_ref().clone();
        let mut heard = heard.into_iter();
        left.keys.retain(|_| heard.next().unwrap_or(false));
        Some(Arc::new(left))
    }

    /// Whether the caller may hear of the check of a credential: the node may speak for its company, and the caller may know
    /// of the credential.
    fn hears_of(&self, check: &KeyCheck, names: &[SecretName], environment: &EnvironmentName) -> bool {
        let company = check.company.as_ref();
        let speaks = |company: &CompanyId| self.companies.is_none_or(|companies| companies.contains(company));
        if !company.is_none_or(speaks) {
            return false;
        }
        match &check.key {
            Some(mark) => (self.may)(Asked { secret: &mark.secret, scope: Some(&mark.scope), company, environment }),
            None => names.iter().any(|secret| (self.may)(Asked { secret, scope: None, company, environment })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_check::KeyMark;
    use crate::model::connectivity::Verdict;
    use crate::model::number::Version;
    use crate::model::time::Timestamp;

    fn environment(name: &str) -> EnvironmentName {
        EnvironmentName::parse(name).expect(name)
    }

    fn service(name: &str) -> ServiceName {
        ServiceName::parse(name).expect(name)
    }

    fn secret(name: &str) -> SecretName {
        SecretName::parse(name).expect(name)
    }

    fn check(name: &str, company: Option<&str>) -> KeyCheck {
        let company = company.map(|id| CompanyId::parse(id).expect(id));
        let scope = company.clone().map_or(Scope::Global, Scope::Company);
        let version = Version::new(1).expect("positive");
        KeyCheck {
            company,
            key: Some(KeyMark { secret: secret(name), scope, secret_id: 1, version }),
            verdict: Some(Verdict::Accepted),
            detail: String::new(),
            response_time: None,
            checked_at: None,
            expires: None,
        }
    }

    /// Two services in prod, one of them with keys of two companies, and a node of dev.
    fn matrix() -> Matrix {
        let keys = vec![check("hubspot/api_key", None), check("hubspot/api_key", Some("acme"))];
        let hubspot = Cell { keys: [keys, vec![check("hubspot/api_key", Some("other"))]].concat(), ..cell("hubspot") };
        let openai = Cell { keys: vec![check("openai/api_key", None)], ..cell("openai") };
        let mut matrix = Matrix::default();
        for (node, name) in [("aurora", "prod"), ("tester", "dev")] {
            let cells = [hubspot.clone(), openai.clone()].map(|cell| (cell.service.clone(), Arc::new(cell)));
            let row = Row { environment: environment(name), cells: cells.into(), confirmed_at: Timestamp(0) };
            matrix.put(NodeName::parse(node).expect(node), row);
        }
        matrix
    }

    fn cell(name: &str) -> Cell {
        Cell::new(service(name))
    }

    /// `node service: companies of the keys`, as it is seen.
    fn seen(seen: &Seen<'_>, of: Option<&str>) -> Vec<String> {
        let of = of.map(service);
        let rows: Vec<(NodeName, Row)> =
            seen.rows(&matrix(), of.as_ref()).map(|(node, row)| (node.clone(), row)).collect();
        let line = |node: &NodeName, cell: &Cell| {
            let companies = cell.keys.iter().map(|key| key.company.as_ref().map_or("-", CompanyId::as_str));
            format!("{node} {}: {}", cell.service, companies.collect::<Vec<_>>().join(" "))
        };
        rows.iter().flat_map(|(node, row)| row.cells.values().map(move |cell| line(node, cell))).collect()
    }

    fn names(service: &ServiceName, _: &EnvironmentName) -> Vec<SecretName> {
        vec![secret(&format!("{service}/api_key"))]
    }

    #[test]
    fn whoever_sees_all_sees_every_environment_and_company() {
        let all = Seen { may: &|_| true, names: &names, companies: None, environment: None };
        let wanted =
            ["aurora hubspot: - acme other", "aurora openai: -", "tester hubspot: - acme other", "tester openai: -"];
        assert_eq!(seen(&all, None), wanted);
        assert_eq!(seen(&all, Some("openai")), ["aurora openai: -", "tester openai: -"]);
    }

    #[test]
    fn companies_the_node_may_not_speak_for_and_other_environments_are_left_out() {
        let (prod, companies) = (environment("prod"), Companies::Only([CompanyId::parse("acme").expect("id")].into()));
        let here = Seen { may: &|_| true, names: &names, companies: Some(&companies), environment: Some(&prod) };
        assert_eq!(seen(&here, None), ["aurora hubspot: - acme", "aurora openai: -"]);
    }

    #[test]
    fn a_service_of_which_nothing_may_be_known_is_absent_and_a_key_that_may_not_be_is_left_out() {
        let prod = environment("prod");
        let of_company = |asked: Asked<'_>| asked.secret.service.as_str() == "hubspot" && asked.company.is_some();
        let bounded = Seen { may: &of_company, names: &names, companies: None, environment: Some(&prod) };
        assert_eq!(seen(&bounded, None), ["aurora hubspot: acme other"]);
        let of_service = |asked: Asked<'_>| asked.secret.service.as_str() == "openai" && asked.scope.is_none();
        let path_only = Seen { may: &of_service, names: &names, companies: None, environment: Some(&prod) };
        assert_eq!(seen(&path_only, None), ["aurora openai: "]);
        let nothing = Seen { may: &|_| false, names: &names, companies: None, environment: Some(&prod) };
        assert!(seen(&nothing, None).is_empty());
    }
}
