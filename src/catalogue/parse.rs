//! From the text of one provider's file to a [`Provider`], or to every problem of it.

use std::time::Duration;

use toml::Table;

use super::error::{Problem, Reason};
use super::parse_answer::answers;
use super::parse_probe::{Setting, probes};
use super::parse_url::{origin, page, suffix};
use super::probe::{CHECK_EVERY, Host, Probe};
use super::provider::{Credential, Provider, ProviderType, Source, TokenEndpoint};
use super::section::Section;
use crate::model::fields::FieldKind;
use crate::model::name::{KeyName, NameError, ServiceName};

/// Often enough for anybody; more often would be a load on the provider.
const CHECK_EVERY_MIN: Duration = Duration::from_secs(60);

/// The same of a host of one's own, which a file with `allow_private` is about.
const CHECK_EVERY_MIN_INSIDE: Duration = Duration::from_secs(1);

/// A key that is looked at less than once a week is not watched.
const CHECK_EVERY_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Longest text for people: a title, or why there is no probe.
const TEXT_BYTES_MAX: usize = 256;

/// Reads one file. `None` means that a problem was noted; a provider may come with problems, too.
pub(super) fn provider(file: &str, text: &str, source: Source, problems: &mut Vec<Problem>) -> Option<Provider> {
    let table = match text.parse::<Table>() {
        Ok(table) => table,
        Err(error) => {
            problems.push(syntax_problem(file, text, &error));
            return None;
        }
    };
    let mut section = Section::new(file, String::new(), table, problems);
    let name = section.text("name", |name| {
        let service = ServiceName::parse(name).map_err(bad_name)?;
        let own_file = file.strip_suffix(".toml") == Some(name);
        own_file.then_some(service).ok_or_else(|| refused(name, "what the file is called"))
    });
    let title = section.text("title", line);
    let kind = section.text("type", |kind| {
        let found = ProviderType::ALL.into_iter().find(|known| known.as_str() == kind);
        found.ok_or_else(|| refused(kind, "\"api_key\", \"oauth2\" or \"service_account\""))
    });
    let (docs, auth_url) = (section.optional("docs", page), section.optional("auth_url", page));
    let scopes = section.optional_texts("scopes", scope);
    let allow_private = section.flag("allow_private");
    let check_every = section.optional("check_every", |text| period(text, allow_private));
    let calls_per_day = section.count("calls_per_day");
    if allow_private && source == Source::Embedded {
        section.refuse("allow_private", Reason::Unfit("is for files of one's own: no provider of the build is inside"));
    }
    let fields = fields(&mut section);
    let names: Vec<KeyName> = fields.iter().map(|field| field.name.clone()).collect();
    let has_host = section.has("base_url") || section.has("host_field");
    let host = host(&mut section, &names);
    let token = token(&mut section);
    let has_token = token.as_ref().is_some_and(|token| !token.answers.is_empty());
    let (probes, unprobed) = checks(&mut section, Setting { fields: &names, has_host, has_token });
    section.finish();
    Some(Provider {
        name: name?,
        title: title?,
        kind: kind?,
        docs,
        host,
        auth_url,
        token,
        scopes,
        allow_private,
        check_every: check_every.unwrap_or(CHECK_EVERY),
        calls_per_day,
        probes,
        unprobed,
        fields,
        source,
    })
}

fn fields(section: &mut Section<'_>) -> Vec<Credential> {
    let tables = section.tables("fields");
    let mut fields: Vec<Credential> = Vec::with_capacity(tables.len());
    for (index, table) in tables.into_iter().enumerate() {
        let mut section = section.inside(&format!("fields[{index}]"), table);
        let credential = credential(&mut section);
        if let Some(twice) = credential.iter().find(|it| fields.iter().any(|earlier| earlier.name == it.name)) {
            section
                .refuse("name", Reason::Twice { name: twice.name.to_string(), first: "an earlier field".to_owned() });
        }
        section.finish();
        fields.extend(credential);
    }
    fields
}

fn credential(section: &mut Section<'_>) -> Option<Credential> {
    let name = section.text("name", |name| KeyName::parse(name).map_err(bad_name));
    let kind =
        section.text("kind", |kind| FieldKind::parse(kind).ok_or_else(|| refused(kind, "\"secret\" or \"string\"")));
    let required = section.flag("required");
    let variables = section.texts("variables", |variable| {
        is_variable(variable).then_some(()).ok_or_else(|| refused(variable, "a variable: A-Z, 0-9 and underscore"))
    });
    Some(Credential { name: name?, kind: kind?, required, variables })
}

fn host(section: &mut Section<'_>, fields: &[KeyName]) -> Option<Host> {
    if section.has("base_url") && (section.has("host_field") || section.has("host_suffix")) {
        section.refuse("base_url", Reason::Unfit("is one host for everybody: leave out host_field and host_suffix"));
    }
    let fixed = section.optional("base_url", origin);
    let field = section.optional("host_field", |name| {
        let field = fields.iter().find(|field| field.as_str() == name);
        field.cloned().ok_or_else(|| Reason::NoField { name: name.to_owned() })
    });
    let (has_field, has_suffix) = (field.is_some(), section.has("host_suffix"));
    let suffix = section.optional("host_suffix", suffix);
    if has_field && !has_suffix {
        section.refuse("host_suffix", Reason::Unfit("is missing: without it the field could name any host"));
    }
    if has_suffix && !has_field {
        section.refuse("host_suffix", Reason::Unfit("says what a host_field must end with, and there is none"));
    }
    let of_field = field.zip(suffix).map(|(field, (suffix, port))| Host::OfField { field, suffix, port });
    fixed.map(Host::Fixed).or(of_field)
}

fn token(section: &mut Section<'_>) -> Option<TokenEndpoint> {
    let table = section.table("token")?;
    let mut section = section.inside("token", table);
    let origin = section.text("url", origin);
    let tables = section.optional_tables("answers");
    let answers = answers(&mut section, tables);
    section.finish();
    Some(TokenEndpoint { origin: origin?, answers })
}

/// Either probes, or a word that there are none and why: what was forgotten must not look like what cannot be.
fn checks(section: &mut Section<'_>, setting: Setting<'_>) -> (Vec<Probe>, Option<String>) {
    let (says_none, has_probes) = (section.has("probe"), section.has("probes"));
    section.optional("probe", |word| {
        (word == "none").then_some(()).ok_or_else(|| refused(word, "\"none\": probes are [[probes]]"))
    });
    if says_none && has_probes {
        section.refuse("probe", Reason::Unfit("says that there is none, beside [[probes]]"));
    }
    if !says_none && !has_probes {
        section
            .refuse("probes", Reason::Unfit("are missing; where there is no harmless one: probe = \"none\", and why"));
    }
    let why = if says_none { section.text("why", line) } else { section.optional("why", line) };
    if !says_none && why.is_some() {
        section.refuse("why", Reason::Unfit("goes with probe = \"none\" only"));
    }
    let tables = section.optional_tables("probes");
    (probes(section, tables, setting), why.filter(|_| says_none))
}

/// A whole number and its unit.
fn period(text: &str, inside: bool) -> Result<Duration, Reason> {
    let (least, wanted) = if inside {
        (CHECK_EVERY_MIN_INSIDE, "a time from 1s to 7d, such as 30s, 15m, 6h or 1d")
    } else {
        (CHECK_EVERY_MIN, "a time from 1m to 7d, such as 15m, 6h or 1d")
    };
    let bad = || refused(text, wanted);
    let unit = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let found = unit.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (digits, seconds) = found.filter(|(digits, _)| digits.bytes().all(|it| it.is_ascii_digit())).ok_or_else(bad)?;
    let count: u64 = digits.parse().map_err(|_| bad())?;
    let period = Duration::from_secs(count.saturating_mul(seconds));
    if (least..=CHECK_EVERY_MAX).contains(&period) { Ok(period) } else { Err(bad()) }
}

/// A scope (RFC 6749, 3.3).
fn scope(text: &str) -> Result<(), Reason> {
    let is_good = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    (is_good && !text.is_empty()).then_some(()).ok_or_else(|| refused(text, "a scope: visible characters, no blanks"))
}

fn line(text: &str) -> Result<String, Reason> {
    let is_good = text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control);
    is_good.then(|| text.to_owned()).ok_or_else(|| refused(text, "one line of at most 256 bytes"))
}

/// As environment variables are written: POSIX.1-2024, 8.1.
fn is_variable(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.bytes().all(inside) && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

fn bad_name(error: NameError) -> Reason {
    Reason::Value { found: error.text, wanted: "a canonical name: a-z, 0-9, dot, underscore and hyphen" }
}

fn refused(found: &str, wanted: &'static str) -> Reason {
    Reason::Value { found: found.to_owned(), wanted }
}

fn syntax_problem(file: &str, text: &str, error: &toml::de::Error) -> Problem {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count().saturating_add(1);
    Problem { file: file.to_owned(), key: format!("line {line}"), reason: Reason::Syntax(error.message().to_owned()) }
}
