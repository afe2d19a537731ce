//! One grant and one agent of a policy file.

use std::collections::BTreeSet;
use std::fmt::Display;

use toml::de::DeValue;

use super::file::{FileAgent, FileGrant};
use super::file_section::{Section, Text, Texts, shortened};
use super::rule::is_reserved;
use crate::model::actions::Capability;
use crate::model::agent::{AgentKind, LIMIT_MAX};
use crate::model::company::Companies;
use crate::model::glob::SecretGlob;
use crate::model::grant::{Effect, Expiry};
use crate::model::name::{AgentName, CompanyId, EnvironmentName, GrantName};
use crate::model::principal::Principal;
use crate::model::reach::{Environments, Reach, ScopeKind, Scopes};
use crate::model::time::Timestamp;

/// Most patterns, companies or environments of one entry: it travels to every node in one frame.
const LIST_MAX: usize = 256;

/// Longest text for people, in bytes: a sentence, as everywhere in the audit.
const TEXT_BYTES_MAX: usize = 256;

/// What stands for all of them.
const ALL: &str = "*";

const RIGHT_NAME: &str = "write 1 to 64 of a-z, 0-9, dot, underscore and hyphen";
const RIGHT_PRINCIPAL: &str = "write user:NAME, group:NAME, unit:NAME.service, exe:/PATH, agent:NAME, node:NAME, owner, \
                               socket-group or admin";
const RIGHT_SECRETS: &str = "write a list like [\"openai/*\", \"hubspot/api_key\"], or \"*\" for every secret";
const RIGHT_SCOPES: &str = "write a list of \"global\", \"company\" and \"node\", or leave it out for all three";
const RIGHT_COMPANIES: &str = "write a list like [\"acme\"], or \"*\" for every company; without it, it is about none";
const RIGHT_ENVIRONMENTS: &str = "write a list like [\"prod\"], or \"*\" for every environment";
const RIGHT_EXPIRY: &str = "write a time like \"2027-01-31T00:00:00Z\", or \"never\"";
const RIGHT_REASON: &str = "write in one line of at most 256 bytes why, for whoever asks later";
const RIGHT_TEXT: &str = "write one line of at most 256 bytes";

/// Reads a grant; `None` when a problem was noted.
pub(super) fn grant(mut section: Section<'_, '_>) -> Option<FileGrant> {
    let name = section.required("name", RIGHT_NAME, grant_name);
    if let Some(name) = &name {
        section.called(name.as_str());
    }
    let principal = section.required("principal", RIGHT_PRINCIPAL, Principal::parse);
    let effect = effect(&mut section);
    let capabilities = capabilities(&mut section);
    let reach = reach(&mut section, effect);
    let expires_at = section.required("expires_at", RIGHT_EXPIRY, expiry);
    let reason = section.required("reason", RIGHT_REASON, line_of_text);
    if effect == Some(Effect::Deny) && principal == Some(Principal::Admin) {
        let what = "is admin, and effect is deny: nobody could undo what this closes";
        section.refuse_here("principal", what, "deny it to user:NAME, group:NAME or another principal");
    }
    section.finish();
    Some(FileGrant {
        name: name?,
        principal: principal?,
        capabilities: capabilities?,
        reach: reach?,
        expires_at: expires_at?,
        effect: effect?,
        reason: reason?,
    })
}

/// Reads an agent; `None` when a problem was noted.
pub(super) fn agent(mut section: Section<'_, '_>) -> Option<FileAgent> {
    let name = section.required("name", RIGHT_NAME, AgentName::parse);
    if let Some(name) = &name {
        section.called(name.as_str());
    }
    let title = optional_text(&mut section, "title");
    let kind = section.required("kind", "write \"autonomous\" or \"tool\"", |text| {
        AgentKind::parse(text).ok_or_else(|| format!("{:?} is not a kind of agent", shortened(text)))
    });
    let capabilities = capabilities(&mut section);
    let reach = reach(&mut section, Some(Effect::Allow));
    let limit_rpm = limit(&mut section);
    let signs = flag(&mut section, "signs");
    let note = optional_text(&mut section, "note");
    section.finish();
    Some(FileAgent {
        name: name?,
        title: title?,
        kind: kind?,
        capabilities: capabilities?,
        reach: reach?,
        limit_rpm: limit_rpm?,
        signs: signs?,
        note: note?,
    })
}

fn grant_name(text: &str) -> Result<GrantName, String> {
    let name = GrantName::parse(text).map_err(|error| error.to_string())?;
    if is_reserved(name.as_str()) {
        return Err(format!("{text:?} is what the audit calls a rule of every node"));
    }
    Ok(name)
}

/// Absent is allow; `None` when it is wrong.
fn effect(section: &mut Section<'_, '_>) -> Option<Effect> {
    if section.lacks("effect") {
        return Some(Effect::Allow);
    }
    section.optional("effect", "write \"allow\" or \"deny\", or leave it out for allow", |text| match text {
        "allow" => Ok(Effect::Allow),
        "deny" => Ok(Effect::Deny),
        other => Err(format!("{:?} is not an effect", shortened(other))),
    })
}

fn capabilities(section: &mut Section<'_, '_>) -> Option<BTreeSet<Capability>> {
    let words: Vec<&str> = Capability::ALL.iter().map(|capability| capability.as_str()).collect();
    let right = format!("write a list of {}", words.join(", "));
    if section.lacks("capabilities") {
        section.missing("capabilities", &right);
    }
    let parse =
        |text: &str| Capability::parse(text).ok_or_else(|| format!("{:?} is not a capability", shortened(text)));
    let listed = section.texts("capabilities", &right, LIST_MAX)?;
    Some(each(section, "capabilities", &right, in_list(listed), parse)?.into_iter().collect())
}

/// What an entry is about. A deny must say which companies: without them it would close nothing.
fn reach(section: &mut Section<'_, '_>, effect: Option<Effect>) -> Option<Reach> {
    let secrets = secrets(section);
    let scopes = scopes(section);
    let companies = companies(section, effect);
    let environments = environments(section);
    Some(Reach { secrets: secrets?, scopes: scopes?, companies: companies?, environments: environments? })
}

fn secrets(section: &mut Section<'_, '_>) -> Option<Vec<SecretGlob>> {
    if section.lacks("secrets") {
        section.missing("secrets", RIGHT_SECRETS);
    }
    let listed = section.texts("secrets", RIGHT_SECRETS, LIST_MAX)?;
    each(section, "secrets", RIGHT_SECRETS, in_list(listed), SecretGlob::parse)
}

/// All three kinds are all there are: a rule about each of them is one about every scope.
fn scopes(section: &mut Section<'_, '_>) -> Option<Scopes> {
    if section.lacks("scopes") {
        return Some(Scopes::All);
    }
    let parse = |text: &str| ScopeKind::parse(text).ok_or_else(|| format!("{:?} is not a scope", shortened(text)));
    let listed = section.texts("scopes", RIGHT_SCOPES, LIST_MAX)?;
    let kinds: BTreeSet<ScopeKind> =
        each(section, "scopes", RIGHT_SCOPES, in_list(listed), parse)?.into_iter().collect();
    Some(if kinds.len() == ScopeKind::ALL.len() { Scopes::All } else { Scopes::Only(kinds) })
}

fn companies(section: &mut Section<'_, '_>, effect: Option<Effect>) -> Option<Companies> {
    if section.lacks("companies") {
        if effect == Some(Effect::Deny) {
            section.missing("companies", "write \"*\" or a list: a deny that names no companies would close nothing");
        }
        return Some(Companies::default());
    }
    let listed = section.texts("companies", RIGHT_COMPANIES, LIST_MAX)?;
    if matches!(&listed, Texts::One(text) if text.text == ALL) {
        return Some(Companies::All);
    }
    let names = each(section, "companies", RIGHT_COMPANIES, in_list(listed), CompanyId::parse)?;
    Some(Companies::Only(names.into_iter().collect()))
}

fn environments(section: &mut Section<'_, '_>) -> Option<Environments> {
    if section.lacks("environments") {
        section.missing("environments", RIGHT_ENVIRONMENTS);
    }
    let listed = section.texts("environments", RIGHT_ENVIRONMENTS, LIST_MAX)?;
    if matches!(&listed, Texts::One(text) if text.text == ALL) {
        return Some(Environments::All);
    }
    let names = each(section, "environments", RIGHT_ENVIRONMENTS, in_list(listed), EnvironmentName::parse)?;
    Some(Environments::Only(names.into_iter().collect()))
}

fn in_list(texts: Texts) -> Vec<Text> {
    match texts {
        Texts::One(text) => vec![text],
        Texts::List(texts) => texts,
    }
}

/// Each text made into something; `None` when one cannot be.
fn each<T, E: Display>(
    section: &mut Section<'_, '_>,
    key: &'static str,
    right: &str,
    texts: Vec<Text>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<Vec<T>> {
    let count = texts.len();
    let mut read = Vec::with_capacity(count);
    for Text { line, text } in texts {
        match parse(&text) {
            Ok(value) => read.push(value),
            Err(error) => section.refuse(key, line, error, right),
        }
    }
    (read.len() == count && count > 0).then_some(read)
}

fn expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    let at = Timestamp::parse(text).map(Expiry::At);
    at.ok_or_else(|| format!("{:?} is not a time", shortened(text)))
}

fn line_of_text(text: &str) -> Result<String, String> {
    match text {
        text if text.trim().is_empty() => Err("is empty".to_owned()),
        text if text.len() > TEXT_BYTES_MAX => Err(format!("is longer than {TEXT_BYTES_MAX} bytes")),
        text if text.chars().any(char::is_control) => Err("is more than one line".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// `Some(None)` is absent; `None` is wrong.
fn optional_text(section: &mut Section<'_, '_>, key: &'static str) -> Option<Option<String>> {
    if section.lacks(key) {
        return Some(None);
    }
    section.optional(key, RIGHT_TEXT, line_of_text).map(Some)
}

fn limit(section: &mut Section<'_, '_>) -> Option<Option<u32>> {
    let Some(value) = section.value("limit_rpm") else { return Some(None) };
    let number = value.get_ref().as_integer().filter(|number| number.radix() == 10);
    let number = number.and_then(|number| number.as_str().parse::<u32>().ok());
    if let Some(number) = number.filter(|number| (1..=LIMIT_MAX).contains(number)) {
        return Some(Some(number));
    }
    let right = format!("write requests per minute, from 1 to {LIMIT_MAX}, or leave it out for no limit");
    section.refuse("limit_rpm", section.line_of(&value), "is not a limit", &right);
    None
}

fn flag(section: &mut Section<'_, '_>, key: &'static str) -> Option<bool> {
    let Some(value) = section.value(key) else { return Some(false) };
    if let DeValue::Boolean(flag) = value.get_ref() {
        return Some(*flag);
    }
    section.refuse(key, section.line_of(&value), "is neither true nor false", "write true or false");
    None
}
