//! What a command says about a secret besides its value, as the API takes it: what was not given is not sent and stays
//! as it is, what is cleared is sent as `null`.

use serde::Serialize;

use super::arguments_life::Clearable;
use super::arguments_secret::{MetadataArguments, OfflineAnswer, OptionArguments};
use crate::model::fields::Field;

/// Not sent, sent as `null`, or sent.
type Wish<T> = Option<Option<T>>;

/// Everything but the value.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Said {
    #[serde(skip_serializing_if = "Texts::is_empty")]
    metadata: Texts,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Wish<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Wish<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_stale: Wish<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offline: Wish<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_reminder_days: Wish<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Wish<Vec<FieldBody>>,
}

/// Texts for people.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Texts {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Wish<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Wish<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Wish<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Wish<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Wish<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Wish<Vec<String>>,
}

impl Texts {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct FieldBody {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Said {
    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What the options of a command say. What is set and cleared at once is set.
    pub(super) fn new(
        about: MetadataArguments,
        options: OptionArguments,
        fields: &[Field],
        clear: &[Clearable],
    ) -> Self {
        let cleared = |what| clear.contains(&what);
        let declared = |field: &Field| FieldBody { name: field.name.to_string(), kind: field.kind.as_str() };
        Self {
            metadata: Texts {
                description: wish(about.description, cleared(Clearable::Description)),
                owner: wish(about.owner, cleared(Clearable::Owner)),
                contact: wish(about.contact, cleared(Clearable::Contact)),
                note: wish(about.note, cleared(Clearable::Note)),
                provider: wish(about.provider, cleared(Clearable::Provider)),
                tags: wish(several(about.tag), cleared(Clearable::Tags)),
            },
            expires_at: wish(options.expires_at.map(|at| at.to_string()), cleared(Clearable::ExpiresAt)),
            ttl: wish(options.ttl.map(|ttl| ttl.as_secs()), cleared(Clearable::Ttl)),
            max_stale: wish(options.max_stale.map(|stale| stale.as_secs()), cleared(Clearable::MaxStale)),
            offline: wish(options.offline.map(OfflineAnswer::as_str), cleared(Clearable::Offline)),
            rotation_reminder_days: wish(options.rotation_reminder_days, cleared(Clearable::RotationReminderDays)),
            fields: wish(several(fields.iter().map(declared).collect()), cleared(Clearable::Fields)),
        }
    }
}

fn wish<T>(given: Option<T>, cleared: bool) -> Wish<T> {
    given.map(Some).or(cleared.then_some(None))
}

/// A list that was not given is not an empty one.
fn several<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::arguments::{Cli, Command, Verb};
    use super::*;

    fn body(line: &str) -> String {
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
        let Command::Ask(Verb::Describe(arguments)) = cli.command else { panic!("{line}") };
        let said = Said::new(arguments.metadata, arguments.options, &arguments.field, &arguments.clear);
        serde_json::to_string(&said).expect("json")
    }

    #[test]
    fn what_is_not_given_is_not_sent_and_what_is_cleared_is_null() {
        assert_eq!(body("aurora describe a/b"), "{}");
        assert_eq!(
            body("aurora describe a/b --description x --tag eu --tag crm --clear owner --clear ttl --offline deny"),
            r#"{"metadata":{"description":"x","owner":null,"tags":["eu","crm"]},"ttl":null,"offline":"deny"}"#
        );
        assert_eq!(
            body("aurora describe a/b --clear tags --clear fields"),
            r#"{"metadata":{"tags":null},"fields":null}"#
        );
    }

    #[test]
    fn options_are_sent_in_the_units_of_the_api() {
        assert_eq!(
            body(
                "aurora describe a/b --ttl 5m --max-stale 1h --rotation-reminder-days 30 --field id:string --field key"
            ),
            concat!(
                r#"{"ttl":300,"max_stale":3600,"rotation_reminder_days":30,"#,
                r#""fields":[{"name":"id","type":"string"},{"name":"key","type":"secret"}]}"#
            )
        );
    }
}
