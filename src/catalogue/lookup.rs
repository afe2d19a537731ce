//! All providers, to be found by name and by variable.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::embedded::FILES;
use super::error::{Problem, Problems, Reason};
use super::parse;
use super::probe::Probe;
use super::provider::{Provider, Source};
use crate::model::fields::FieldKind;
use crate::model::name::{FieldName, KeyName, ServiceName};
use crate::model::secret::SecretName;

/// Every provider, and every variable that one of them claims.
#[derive(Debug, Clone)]
pub struct Catalogue {
    providers: BTreeMap<ServiceName, Provider>,
    variables: BTreeMap<String, SecretName>,
    /// What the other variables of each provider begin with.
    prefixes: Vec<(String, ServiceName)>,
}

impl Catalogue {
    /// The catalogue of this build.
    ///
    /// # Errors
    /// [`Problems`] of the files it was built from, which a test keeps free of them.
    pub fn embedded() -> Result<Self, Problems> {
        Self::with_files(&[])
    }

    /// The catalogue of this build with files of one's own, given as name and text: one of the same name stands in for that
    /// of the build, the others are added.
    ///
    /// # Errors
    /// [`Problems`]: every problem of every file, with the file, the key and the reason.
    pub fn with_files(own: &[(String, String)]) -> Result<Self, Problems> {
        let is_replaced = |name: &str| own.iter().any(|(own, _)| own == name);
        let embedded = FILES.iter().filter(|(name, _)| !is_replaced(name));
        let embedded = embedded.map(|(name, text)| (*name, *text, Source::Embedded));
        Self::read(embedded.chain(own.iter().map(|(name, text)| (name.as_str(), text.as_str(), Source::File))))
    }

    /// Reads files of one's own and no others, given as name and text.
    ///
    /// # Errors
    /// [`Problems`]: every problem of every file, with the file, the key and the reason.
    pub fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Problems> {
        Self::read(files.into_iter().map(|(file, text)| (file, text, Source::File)))
    }

    fn read<'a>(files: impl Iterator<Item = (&'a str, &'a str, Source)>) -> Result<Self, Problems> {
        let mut catalogue = Self { providers: BTreeMap::new(), variables: BTreeMap::new(), prefixes: Vec::new() };
        let mut problems = Vec::new();
        for (file, text, source) in files {
            if let Some(provider) = parse::provider(file, text, source, &mut problems) {
                catalogue.add(file, provider, &mut problems);
            }
        }
        if problems.is_empty() { Ok(catalogue) } else { Err(Problems(problems)) }
    }

    /// The provider of a name.
    #[must_use]
    pub fn provider(&self, name: &ServiceName) -> Option<&Provider> {
        self.providers.get(name)
    }

    /// Every provider, by name.
    pub fn providers(&self) -> impl ExactSizeIterator<Item = &Provider> {
        self.providers.values()
    }

    /// How a credential is checked, and whose it is; none if it is of no provider, or is not checked.
    #[must_use]
    pub fn probe(&self, name: &SecretName) -> Option<(&Provider, &Probe)> {
        let provider = self.providers.get(&name.service)?;
        Some((provider, provider.probe(&name.key)?))
    }

    /// What an environment variable holds: first as some provider's file says, then by the longest name of a provider
    /// that it begins with. `HUBSPOT_PORTAL_ID` is `hubspot/portal_id` either way.
    #[must_use]
    pub fn by_variable(&self, variable: &str) -> Option<SecretName> {
        self.variables.get(variable).cloned().or_else(|| self.by_prefix(variable))
    }

    /// The usual variable of a secret, if some provider's file names one.
    #[must_use]
    pub fn variable_of(&self, name: &SecretName) -> Option<&str> {
        let provider = self.providers.get(&name.service)?;
        let credential = provider.fields.iter().find(|credential| credential.name == name.key)?;
        credential.variables.first().map(String::as_str)
    }

    /// The kind of a field of some secret: as the provider's file says of the credential of that name; of a field that no
    /// file knows, the one that hides it.
    #[must_use]
    pub fn kind_of(&self, name: &SecretName, field: &FieldName) -> FieldKind {
        let provider = self.providers.get(&name.service);
        let known = provider.and_then(|it| it.fields.iter().find(|known| known.name.as_str() == field.as_str()));
        known.map_or(FieldKind::Secret, |known| known.kind)
    }

    fn by_prefix(&self, variable: &str) -> Option<SecretName> {
        let is_upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if !variable.bytes().all(is_upper) {
            return None;
        }
        let prefixes = self.prefixes.iter();
        let rests = prefixes.filter_map(|(prefix, service)| Some((service, variable.strip_prefix(prefix.as_str())?)));
        let (service, rest) = rests.min_by_key(|(_, rest)| rest.len())?;
        let key = KeyName::parse(&rest.to_ascii_lowercase()).ok()?;
        Some(SecretName { service: service.clone(), key })
    }

    fn add(&mut self, file: &str, provider: Provider, problems: &mut Vec<Problem>) {
        for (index, credential) in provider.fields.iter().enumerate() {
            let secret = provider.secret(&credential.name);
            for variable in &credential.variables {
                match self.variables.entry(variable.clone()) {
                    Entry::Vacant(place) => {
                        place.insert(secret.clone());
                    }
                    Entry::Occupied(taken) => problems.push(Problem {
                        file: file.to_owned(),
                        key: format!("fields[{index}].variables"),
                        reason: Reason::Twice { name: variable.clone(), first: taken.get().to_string() },
                    }),
                }
            }
        }
        self.prefixes.push((provider.prefix(), provider.name.clone()));
        self.providers.insert(provider.name.clone(), provider);
    }
}

#[cfg(test)]
impl Catalogue {
    /// A catalogue of these providers, which no file describes.
    pub(crate) fn of(providers: impl IntoIterator<Item = Provider>) -> Self {
        let providers = providers.into_iter().map(|provider| (provider.name.clone(), provider)).collect();
        Self { providers, variables: BTreeMap::new(), prefixes: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::embedded().unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn found(variable: &str) -> Option<String> {
        catalogue().by_variable(variable).map(|name| name.to_string())
    }

    fn problems(files: &[(&str, &str)]) -> String {
        Catalogue::from_files(files.iter().copied()).expect_err("refused").to_string()
    }

    const SMALL: &str = "name = \"a\"\ntitle = \"A\"\ntype = \"api_key\"\nprobe = \"none\"\nwhy = \"no reason\"\n\
                         [[fields]]\nname = \"k\"\nkind = \"secret\"\nvariables = [\"A_K\"]\n";

    /// That no variable is claimed twice is part of loading.
    #[test]
    fn the_22_providers_load_and_are_the_files_of_the_directory() {
        assert_eq!(catalogue().providers().len(), 22);
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mesh-config/providers");
        let items = std::fs::read_dir(directory).expect("a readable directory");
        let name = |item: std::fs::DirEntry| item.file_name().to_string_lossy().into_owned();
        let mut files: Vec<String> = items.map(|item| name(item.expect("a readable directory"))).collect();
        files.sort();
        assert_eq!(files, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn a_variable_is_found_by_the_table_and_then_by_the_longest_prefix() {
        let wanted = [
            ("HUBSPOT_API_KEY", "hubspot/api_key"),
            ("OPENAI_API_KEY", "openai/api_key"),
            ("ANTHROPIC_API_KEY", "anthropic/api_key"),
            ("GITHUB_TOKEN", "github/token"),
            ("GOOGLE_API_KEY", "google_ai/api_key"),
            ("GEMINI_API_KEY", "google_ai/api_key"),
            ("GOOGLE_CLIENT_ID", "google_oauth/client_id"),
            ("STRIPE_SECRET_KEY", "stripe/secret_key"),
            ("HUBSPOT_PORTAL_ID", "hubspot/portal_id"),
            ("HUBSPOT_SOMETHING_ELSE", "hubspot/something_else"),
            ("GOOGLE_DRIVE_ROOT", "google_drive/root"),
            ("GOOGLE_AI_QUOTA", "google_ai/quota"),
        ];
        for (variable, name) in wanted {
            assert_eq!(found(variable).as_deref(), Some(name), "{variable}");
        }
    }

    #[test]
    fn what_belongs_to_no_provider_is_not_guessed() {
        let long = format!("HUBSPOT_{}", "A".repeat(65));
        for variable in
            ["DATABASE_URL", "HUBSPOT", "HUBSPOT_", "HUBSPOT__X", "hubspot_api_key", "HUBSPOTX_KEY", "", &long]
        {
            assert_eq!(found(variable), None, "{variable:?}");
        }
    }

    #[test]
    fn the_first_variable_of_a_credential_is_the_usual_one() {
        let catalogue = catalogue();
        let usual = |name| catalogue.variable_of(&SecretName::parse(name).expect("name")).map(str::to_owned);
        assert_eq!(usual("github/token").as_deref(), Some("GITHUB_TOKEN"));
        assert_eq!(usual("github/other"), None);
        assert_eq!(usual("acme/api_key"), None);
    }

    #[test]
    fn a_field_is_secret_unless_its_provider_says_otherwise() {
        let kind = |name, field| {
            let (name, field) = (SecretName::parse(name).expect("name"), FieldName::parse(field).expect("field"));
            catalogue().kind_of(&name, &field)
        };
        assert_eq!(kind("google_oauth/app", "client_id"), FieldKind::Text);
        assert_eq!(kind("google_oauth/app", "client_secret"), FieldKind::Secret);
        assert_eq!(kind("google_oauth/app", "other"), FieldKind::Secret);
        assert_eq!(kind("acme/app", "client_id"), FieldKind::Secret);
    }

    #[test]
    fn every_problem_of_every_file_is_told_with_file_key_and_reason() {
        let bad = "name = \"b\"\ntitel = \"B\"\ntype = \"key\"\nprobe = \"none\"\n\
                   [[fields]]\nname = \"K\"\nkind = \"text\"\nvariables = [\"b_k\", 5]\nprobe = 1\n\
                   [[fields]]\nname = \"x\"\nkind = \"string\"\nvariables = []\n";
        let wanted = [
            "the catalogue of providers has 11 problems",
            "  b.toml: title: is missing",
            "  b.toml: type: \"key\" is not \"api_key\", \"oauth2\" or \"service_account\"",
            "  b.toml: fields[0].name: \"K\" is not a canonical name: a-z, 0-9, dot, underscore and hyphen",
            "  b.toml: fields[0].kind: \"text\" is not \"secret\" or \"string\"",
            "  b.toml: fields[0].variables: \"b_k\" is not a variable: A-Z, 0-9 and underscore",
            "  b.toml: fields[0].variables: must be a list of texts",
            "  b.toml: fields[0].probe: is not a key this version knows; the keys here are name, kind, required, variables",
            "  b.toml: fields[1].variables: must be a list of texts",
            "  b.toml: why: is missing",
            "  b.toml: titel: is not a key this version knows; the keys here are name, title, type, docs, auth_url, scopes, \
             allow_private, check_every, calls_per_day, fields, base_url, host_field, host_suffix, token, probe, why, \
             probes",
            "  c.toml: line 2: is no TOML: string values must be quoted, expected literal string",
        ];
        assert_eq!(problems(&[("b.toml", bad), ("c.toml", "name = \"c\"\ntitle = x\n")]), wanted.join("\n"));
    }

    #[test]
    fn a_file_of_ones_own_stands_in_for_that_of_the_build_or_adds_a_provider() {
        let own = |name: &str, text: String| (format!("{name}.toml"), text);
        let openai = SMALL.replace("\"a\"", "\"openai\"").replace("A_K", "OPENAI_API_KEY");
        let catalogue =
            Catalogue::with_files(&[own("a", SMALL.to_owned()), own("openai", openai.clone())]).expect("good");
        assert_eq!(catalogue.providers().len(), 23);
        let source = |name: &str| catalogue.provider(&ServiceName::parse(name).expect("name")).map(|it| it.source);
        assert_eq!(source("openai"), Some(Source::File));
        assert_eq!(source("a"), Some(Source::File));
        assert_eq!(source("github"), Some(Source::Embedded));
        assert!(catalogue.probe(&SecretName::parse("openai/api_key").expect("name")).is_none());
        let claims = Catalogue::with_files(&[own("b", SMALL.replace("\"a\"", "\"b\"").replace("A_K", "GH_TOKEN"))]);
        let told = claims.expect_err("refused").to_string();
        assert!(
            told.contains("b.toml: fields[0].variables: \"GH_TOKEN\" is claimed by github/token already"),
            "{told}"
        );
    }

    #[test]
    fn a_name_that_is_not_the_files_and_a_variable_or_field_claimed_twice_are_refused() {
        assert!(problems(&[("z.toml", SMALL)]).contains("z.toml: name: \"a\" is not what the file is called"));
        let other = SMALL.replace("\"a\"", "\"b\"");
        let claimed = problems(&[("a.toml", SMALL), ("b.toml", &other)]);
        assert!(claimed.contains("b.toml: fields[0].variables: \"A_K\" is claimed by a/k already"), "{claimed}");
        let (_, field) = SMALL.split_once("[[").expect("a field");
        let twice = problems(&[("a.toml", &format!("{SMALL}[[{}", field.replace("A_K", "A_L")))]);
        assert!(twice.contains("a.toml: fields[1].name: \"k\" is claimed by an earlier field already"), "{twice}");
        assert!(Catalogue::from_files([("a.toml", SMALL)]).is_ok());
    }
}
