//! What else a unit needs for its credentials: the rule that lets it have them, and lines of `node.toml` for names that do
//! not say themselves which secret they are.

use std::collections::{BTreeMap, BTreeSet};

use super::agent_unit::Credential;
use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::principal::UnitName;
use crate::model::secret::SecretName;

/// The longest name of a grant.
const NAME_BYTES_MAX: usize = 64;

/// The `[[grant]]` of a policy file that gives the unit these secrets and no others. One for each company it speaks for,
/// so that none of them gives more than was asked for.
#[must_use]
pub fn grants(unit: &UnitName, credentials: &[Credential], environment: &EnvironmentName) -> String {
    let mut of_company: BTreeMap<Option<&CompanyId>, BTreeSet<&SecretName>> = BTreeMap::new();
    for Credential { reference, .. } in credentials {
        of_company.entry(reference.company.as_ref()).or_default().insert(&reference.name);
    }
    let grants = of_company.into_iter().map(|(company, secrets)| {
        let name = grant_name(unit, company);
        let secrets = secrets.into_iter().map(|secret| format!("{:?}", secret.to_string())).collect::<Vec<_>>();
        let companies = company.map(|company| format!("companies = [\"{company}\"]\n")).unwrap_or_default();
        format!(
            "[[grant]]\nname = \"{name}\"\nprincipal = '{}'\ncapabilities = [\"data_read\"]\nsecrets = [{}]\n\
             {companies}environments = [\"{environment}\"]\nexpires_at = \"never\"\nreason = \"credentials of a service\"\n",
            format_args!("unit:{unit}"),
            secrets.join(", "),
        )
    });
    grants.collect::<Vec<_>>().join("\n")
}

/// The lines of `[credentials]` that say which secrets are meant.
#[must_use]
pub fn mappings(credentials: &[Credential]) -> Vec<String> {
    let mapped = credentials.iter().filter(|credential| credential.needs_mapping());
    // A name with a dot would be a table.
    mapped.map(|Credential { name, reference }| format!("\"{}\" = \"{reference}\"", name.as_str())).collect()
}

fn grant_name(unit: &UnitName, company: Option<&CompanyId>) -> String {
    let stem = unit.as_str().strip_suffix(".service").unwrap_or(unit.as_str());
    let of = company.map(|company| format!("-{company}")).unwrap_or_default();
    let plain = |character: char| match character.to_ascii_lowercase() {
        plain if plain.is_ascii_alphanumeric() || "._-".contains(plain) => plain,
        _ => '-',
    };
    format!("unit-{stem}{of}").chars().map(plain).take(NAME_BYTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::super::agent_unit::service_name;
    use super::*;
    use crate::policy::file::parse;

    fn credentials(texts: &[&str]) -> Vec<Credential> {
        texts.iter().map(|text| Credential::parse(text).expect(text)).collect()
    }

    #[test]
    fn a_unit_is_given_exactly_its_secrets() {
        let unit = service_name("My:worker@1").expect("a name");
        let prod = EnvironmentName::parse("prod").expect("a name");
        let credentials =
            credentials(&["openai/api_key", "k=openai/api_key?field=x", "h=hubspot/api_key?company=acme"]);
        let text = grants(&unit, &credentials, &prod);
        let read = parse(&text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        assert_eq!(read.grants.len(), 2);
        assert_eq!(text.matches("openai/api_key").count(), 1, "{text}");
        for part in
            ["principal = 'unit:My:worker@1.service'", "companies = [\"acme\"]", "name = \"unit-my-worker-1-acme\""]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn only_names_that_do_not_say_it_are_mapped() {
        let lines = mappings(&credentials(&["openai/api_key", "a.b=postgres/login?field=password"]));
        assert_eq!(lines, ["\"a.b\" = \"aurora://postgres/login?field=password\""]);
    }
}
