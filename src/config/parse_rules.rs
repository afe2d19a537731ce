//! `[[notify.rules]]`: which events go to which channel. What is taken here is what events can be chosen by, so that a node
//! which has its keys does not stop for a word of its configuration: `daemon::config_file` holds it against the room of events.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::{Table, Value};

use super::duration;
use super::error::Problem;
use super::parse::shortened;
use super::parse_notify::missing;
use super::section::Section;
use crate::model::channel::{Aspect, Channel, NotifyRule, Priority};
use crate::model::event_kind::EventKind;
use crate::model::name::{CompanyId, EnvironmentName, KeyName, NameError, NodeName, ServiceName};
use crate::model::secret::Scope;

/// A rule is looked at for each event.
const RULES_MAX: usize = 256;

/// How long the same is not told again, where a rule does not say.
const REPEAT_AFTER: Duration = Duration::from_secs(600);

const RIGHT_EVENTS: &str = "write types, like [\"api.status\", \"credential.*\"]: aurora events types tells them all";

/// Reads the list. A rule that names a channel of this file is not wrong because that channel is.
pub(super) fn rules(
    found: Option<Value>,
    channels: &BTreeMap<KeyName, Option<Channel>>,
    problems: &mut Vec<Problem>,
) -> Vec<NotifyRule> {
    let items = match found {
        None => return Vec::new(),
        Some(Value::Array(items)) if items.len() <= RULES_MAX => items,
        Some(_) => {
            let right = format!("write at most {RULES_MAX} sections like [[notify.rules]]");
            problems.push(Problem::new("notify.rules", "is not a list of rules, or too long", right));
            return Vec::new();
        }
    };
    let mut rules = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let key = format!("notify.rules[{index}]");
        if let Value::Table(table) = item {
            rules.extend(rule(key, table, channels, problems));
        } else {
            problems.push(Problem::new(key, "is not a rule", "write it as a section: [[notify.rules]]"));
        }
    }
    rules
}

fn rule(
    key: String,
    mut table: Table,
    channels: &BTreeMap<KeyName, Option<Channel>>,
    problems: &mut Vec<Problem>,
) -> Option<NotifyRule> {
    let wanted = wanted(&key, table.remove("where"), problems);
    let mut section = Section::of(key, table, problems);
    let events = section.texts("events", RIGHT_EVENTS, is_type_pattern);
    if events.is_empty() && !section.refused("events") {
        section.refuse("events", "is missing", RIGHT_EVENTS);
    }
    let right = "write the name of a channel of this file";
    let channel = section.text("channel", right, |text| match KeyName::parse(text) {
        Ok(name) if channels.contains_key(&name) => Ok(name),
        Ok(_) | Err(_) => Err("is not a channel of this file"),
    });
    let channel = missing(&mut section, "channel", right, channel);
    let priority = section
        .text("priority", "write \"normal\" or \"urgent\"", |text| Priority::parse(text).ok_or("is not a priority"));
    let right = "write a duration up to 30d, like \"10m\"; \"0s\" tells everything";
    let repeat_after = section.text("repeat_after", right, |text| match duration::parse(text) {
        Ok(duration) if duration <= Duration::from_secs(30 * 86_400) => Ok(duration),
        Ok(_) => Err("is longer than 30d".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    section.finish();
    let repeat_after = repeat_after.unwrap_or(REPEAT_AFTER);
    Some(NotifyRule { events, wanted, channel: channel?, priority: priority.unwrap_or_default(), repeat_after })
}

fn wanted(key: &str, found: Option<Value>, problems: &mut Vec<Problem>) -> BTreeMap<Aspect, String> {
    const RIGHT: &str =
        "write it as where = { service = \"openai\" }, with service, scope, company, environment or node";
    let table = match found {
        None => return BTreeMap::new(),
        Some(Value::Table(table)) => table,
        Some(_) => {
            problems.push(Problem::new(format!("{key}.where"), "is not a table", RIGHT));
            return BTreeMap::new();
        }
    };
    let mut wanted = BTreeMap::new();
    for (name, value) in table {
        let key = format!("{key}.where.{}", name.escape_debug());
        let aspect = Aspect::ALL.into_iter().find(|aspect| aspect.as_str() == name);
        match (aspect, value) {
            (Some(aspect), Value::String(text)) => match name_of(aspect, &text) {
                Ok(()) => drop(wanted.insert(aspect, text)),
                Err(what) => problems.push(Problem::new(key, what, RIGHT)),
            },
            (Some(_), _) => problems.push(Problem::new(key, "is not a text", RIGHT)),
            (None, _) => problems.push(Problem::new(key, "is nothing that an event can be about", RIGHT)),
        }
    }
    wanted
}

/// Whether there can be something of that name.
fn name_of(aspect: Aspect, text: &str) -> Result<(), String> {
    let told = |error: NameError| error.to_string();
    match aspect {
        Aspect::Service => ServiceName::parse(text).map(drop).map_err(told),
        Aspect::Scope => Scope::parse(text).map(drop).map_err(|error| error.to_string()),
        Aspect::Company => CompanyId::parse(text).map(drop).map_err(told),
        Aspect::Environment => EnvironmentName::parse(text).map(drop).map_err(told),
        Aspect::Node => NodeName::parse(text).map(drop).map_err(told),
    }
}

/// Whether an event can be of such a type, in which a star stands for a part.
fn is_type_pattern(text: &str) -> Result<(), String> {
    let covers = |pattern: &str, part: &str| pattern == "*" || pattern == part;
    let matches = |kind: &EventKind| match (text.split_once('.'), kind.as_str().split_once('.')) {
        (Some((family, verb)), Some((of, what))) => covers(family, of) && covers(verb, what),
        (None, _) => text == "*",
        (Some(_), None) => false,
    };
    let is_one = EventKind::ALL.iter().any(matches);
    if is_one { Ok(()) } else { Err(format!("({:?}) matches no type of event", shortened(text))) }
}

#[cfg(test)]
mod tests {
    use super::super::error::Problems;
    use super::super::node_config::{Defaults, NodeConfig};
    use super::super::parse::parse;
    use super::super::paths::Paths;

    const NODE: &str = "[node]\nname = \"aurora\"\nrole = \"lead\"\nenvironment = \"prod\"\n\
                        [notify.channels.ops]\nkind = \"webhook\"\nurl = \"https://hooks.example.com/aurora\"\n";

    fn read(rules: &str) -> Result<NodeConfig, Problems> {
        parse(&format!("{NODE}{rules}"), &Defaults::of_paths(Paths::system()))
    }

    /// A rule for a type that there is not passed every check. The node was unsealed, read its rules, and ended.
    #[test]
    fn a_type_that_no_event_has_is_a_problem_of_the_configuration_like_any_other() {
        let text = r#"
[[notify.rules]]
events = ["secret.changed", "api.status", "planet.*"]
channel = "ops"
[[notify.rules]]
events = ["*.vanished"]
where = { node = 7, scope = "team:x", service = "Open AI" }
channel = "ops"
[mesh]
lisen = "0.0.0.0:7700"
"#;
        let problems = read(text).expect_err("refused").0;
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        let wanted = [
            "mesh.lisen",
            "notify.rules[0].events",
            "notify.rules[0].events",
            "notify.rules[1].where.node",
            "notify.rules[1].where.scope",
            "notify.rules[1].where.service",
            "notify.rules[1].events",
        ];
        assert_eq!(keys, wanted);
        assert_eq!(
            problems[1].to_string(),
            "notify.rules[0].events: an item (\"secret.changed\") matches no type of event; write types, like \
             [\"api.status\", \"credential.*\"]: aurora events types tells them all"
        );
        assert!(problems[4].what.contains("is not a scope"), "{}", problems[4]);
        assert!(problems[5].what.contains("\"Open AI\" is not a service"), "{}", problems[5]);
    }

    #[test]
    fn a_type_a_family_and_a_star_are_taken() {
        let text = "[[notify.rules]]\nevents = [\"secret.updated\", \"credential.*\", \"*.updated\", \"*.*\", \"*\"]\n\
                    where = { scope = \"company:acme\", node = \"vengeance\" }\nchannel = \"ops\"\n";
        let rules = read(text).expect("valid").notify.rules;
        assert_eq!((rules.len(), rules[0].events.len(), rules[0].wanted.len()), (1, 5, 2));
    }
}
