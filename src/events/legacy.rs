//! The older shape of an event, `{source_agent, action, target, details}`: what it says is kept as it is, as the data of an
//! event whose type the action names.

use serde_json::{Map, Value};

use super::posting::{PostProblem, kind};
use crate::model::event_kind::EventKind;

/// An event in the older shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Legacy {
    /// Who says that it did something; believed as little as any other data.
    pub source_agent: String,
    /// What it did: a type, or one in other words, such as `workflow_started` or `Data Created`.
    pub action: String,
    /// To what.
    pub target: Option<String>,
    /// Whatever there is to say.
    pub details: Option<Value>,
}

impl Legacy {
    /// The event it stands for.
    ///
    /// # Errors
    /// [`PostProblem`] if the action names no type, or one that is not for programs.
    pub fn event(self) -> Result<(EventKind, Map<String, Value>), PostProblem> {
        let kind = of_action(&self.action)?;
        let mut data = Map::new();
        data.insert("source_agent".to_owned(), self.source_agent.into());
        data.insert("action".to_owned(), self.action.into());
        data.insert("target".to_owned(), self.target.map_or(Value::Null, Value::String));
        data.insert("details".to_owned(), self.details.unwrap_or(Value::Null));
        Ok((kind, data))
    }
}

/// The type an action names: itself, or with another mark between its two words.
fn of_action(action: &str) -> Result<EventKind, PostProblem> {
    let words = action.to_ascii_lowercase();
    let mut words = words.split(['.', '_', '-', ':', ' ', '/']).filter(|word| !word.is_empty());
    let spelled = match (words.next(), words.next(), words.next()) {
        (Some(family), Some(verb), None) => format!("{family}.{verb}"),
        (_, _, _) => String::new(),
    };
    kind(&spelled).map_err(|problem| {
        let is_unknown = matches!(problem, PostProblem::Unknown(_));
        if is_unknown { PostProblem::Action(action.chars().take(80).collect()) } else { problem }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn legacy(action: &str) -> Legacy {
        let (source_agent, target) = ("n8n".to_owned(), Some("orders".to_owned()));
        Legacy { source_agent, action: action.to_owned(), target, details: Some(json!({"rows": 3})) }
    }

    #[test]
    fn an_action_is_a_type_in_other_words_and_everything_it_said_is_kept() {
        for action in ["data.created", "data_created", "Data Created", "DATA:CREATED"] {
            let (kind, data) = legacy(action).event().expect(action);
            assert_eq!(kind, EventKind::DataCreated);
            let wanted = json!({"source_agent": "n8n", "action": action, "target": "orders", "details": {"rows": 3}});
            assert_eq!(Value::Object(data), wanted);
        }
        for action in ["", "created", "data.created.twice", "email_sent"] {
            assert!(matches!(legacy(action).event(), Err(PostProblem::Action(_))), "{action:?}");
        }
        assert!(matches!(legacy("secret_updated").event(), Err(PostProblem::NotForPrograms(_))));
    }
}
