//! The policy as people write it: TOML into grants and agents, or the complete list of what is wrong with it.
//!
//! Nothing is guessed: what a grant needs is written out, an unknown key is a problem, and a grant that would do nothing or
//! something else than it says is one too.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::actions::Capability;
use crate::model::agent::AgentKind;
use crate::model::grant::{Effect, Expiry};
use crate::model::name::{AgentName, GrantName};
use crate::model::principal::Principal;
use crate::model::reach::Reach;

use super::file_entries::{agent, grant};
use super::file_error::{Problem, Problems};
use super::file_section::{Places, Section, is_a, shortened};

/// Longest policy, in bytes: some thousands of grants. It travels in one request, and is read by people.
pub const POLICY_BYTES_MAX: usize = 1 << 20;

/// Most grants: a decision stays as fast as a lookup, and every node holds all of them.
pub const GRANTS_MAX: usize = 10_000;

/// Most agents.
pub const AGENTS_MAX: usize = 1_000;

/// A policy, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyFile {
    /// The grants, in the order of the file; no two have one name.
    pub grants: Vec<FileGrant>,
    /// The agents, in the order of the file; no two have one name.
    pub agents: Vec<FileAgent>,
}

/// A grant as the file says it: all but who wrote it and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGrant {
    /// The name of the rule.
    pub name: GrantName,
    /// Whom it is about.
    pub principal: Principal,
    /// What it is about.
    pub capabilities: BTreeSet<Capability>,
    /// On what.
    pub reach: Reach,
    /// Until when it holds.
    pub expires_at: Expiry,
    /// Whether it opens or closes.
    pub effect: Effect,
    /// Why.
    pub reason: String,
}

/// An agent as the file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAgent {
    /// Its name.
    pub name: AgentName,
    /// What people call it.
    pub title: Option<String>,
    /// What kind of program it is.
    pub kind: AgentKind,
    /// What it may.
    pub capabilities: BTreeSet<Capability>,
    /// On what.
    pub reach: Reach,
    /// Requests per minute.
    pub limit_rpm: Option<u32>,
    /// Whether its commands must be signed.
    pub signs: bool,
    /// Anything else.
    pub note: Option<String>,
}

/// Reads a policy.
///
/// # Errors
/// [`Problems`]: every problem of the file, by line.
pub fn parse(text: &str) -> Result<PolicyFile, Problems> {
    if text.len() > POLICY_BYTES_MAX {
        let what = format!("has {} bytes, and at most {POLICY_BYTES_MAX} are taken", text.len());
        return Err(Problems(vec![of_file(1, what, "write fewer grants, with broader patterns")]));
    }
    let places = Places::of(text);
    let root = DeTable::parse(text).map_err(|error| {
        let line = places.line(error.span().map_or(0, |span| span.start));
        // What stands there is not repeated: it may be any file.
        Problems(vec![of_file(line, format!("is no TOML: {}", error.message()), "write [[grant]], then key = value")])
    })?;
    let mut reading = Reading { places: &places, problems: Vec::new(), file: PolicyFile::default() };
    for (key, value) in root.into_inner() {
        reading.entries(&key, value);
    }
    let Reading { mut problems, file, .. } = reading;
    if problems.is_empty() {
        return Ok(file);
    }
    problems.sort_by_key(|problem| problem.line);
    Err(Problems(problems))
}

fn of_file(line: usize, what: String, right: &str) -> Problem {
    Problem { line, key: "the file".to_owned(), what, right: right.to_owned() }
}

/// A file as far as it was read.
struct Reading<'a> {
    places: &'a Places,
    problems: Vec<Problem>,
    file: PolicyFile,
}

impl Reading<'_> {
    /// The entries of one kind.
    fn entries(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, value: Spanned<DeValue<'_>>) {
        let line = self.places.line(key.span().start);
        match &**key.get_ref() {
            "grant" => {
                let tables = self.tables("grant", GRANTS_MAX, value);
                let read = tables.into_iter().filter_map(|(line, table)| {
                    let section = Section::new("grant", line, table, self.places, &mut self.problems);
                    Some((line, grant(section)?))
                });
                let read: Vec<(usize, FileGrant)> = read.collect();
                self.refuse_twice("grant", read.iter().map(|(line, grant)| (*line, grant.name.as_str())));
                self.file.grants = read.into_iter().map(|(_, grant)| grant).collect();
            }
            "agent" => {
                let tables = self.tables("agent", AGENTS_MAX, value);
                let read = tables.into_iter().filter_map(|(line, table)| {
                    let section = Section::new("agent", line, table, self.places, &mut self.problems);
                    Some((line, agent(section)?))
                });
                let read: Vec<(usize, FileAgent)> = read.collect();
                self.refuse_twice("agent", read.iter().map(|(line, agent)| (*line, agent.name.as_str())));
                self.file.agents = read.into_iter().map(|(_, agent)| agent).collect();
            }
            other => self.problems.push(Problem {
                line,
                key: shortened(other),
                what: "is not a key this version knows".to_owned(),
                right: "a policy holds [[grant]] and [[agent]]".to_owned(),
            }),
        }
    }

    /// The tables of `[[key]]`, each with the line it begins in.
    fn tables<'i>(&mut self, key: &'static str, most: usize, value: Spanned<DeValue<'i>>) -> Vec<(usize, DeTable<'i>)> {
        let right = format!("write each as [[{key}]], then its keys");
        let mut refuse = |line, what| {
            self.problems.push(Problem { line, key: key.to_owned(), what, right: right.clone() });
        };
        let line = self.places.line(value.span().start);
        let value = value.into_inner();
        let DeValue::Array(items) = value else {
            refuse(line, is_a(&value));
            return Vec::new();
        };
        if items.len() > most {
            refuse(line, format!("is there {} times, and at most {most} are taken", items.len()));
            return Vec::new();
        }
        let mut tables = Vec::with_capacity(items.len());
        for item in items {
            let line = self.places.line(item.span().start);
            let item = item.into_inner();
            if let DeValue::Table(table) = item {
                tables.push((line, table));
            } else {
                refuse(line, is_a(&item));
            }
        }
        tables
    }

    fn refuse_twice<'n>(&mut self, kind: &'static str, names: impl Iterator<Item = (usize, &'n str)>) {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (line, name) in names {
            if let Some(first) = seen.get(name) {
                self.problems.push(Problem {
                    line,
                    key: format!("{kind} {name}.name"),
                    what: format!("is the name of the {kind} in line {first} already"),
                    right: format!("give each {kind} a name of its own"),
                });
            } else {
                seen.insert(name, line);
            }
        }
    }
}
