//! One method of one path, as it is described.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Gives the schema of a type, or a reference to it.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a type is called, and its schema itself.
pub(super) type FieldsOf = (fn() -> Cow<'static, str>, SchemaOf);

/// What a body or an answer is made of.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// JSON of this type.
    Json(SchemaOf),
    /// Text of this media type: lines, or events of a stream.
    Text(&'static str),
    /// Bytes of this media type.
    Bytes(&'static str),
}

/// One answer.
pub(super) struct Told {
    /// Its status.
    pub(super) status: u16,
    /// When it is given.
    pub(super) when: &'static str,
    /// What it holds; nothing if absent.
    pub(super) content: Option<Content>,
    /// Headers it has besides the id of the request.
    pub(super) headers: &'static [&'static str],
}

/// One method of one path.
pub(super) struct Operation {
    /// In small letters.
    pub(super) method: &'static str,
    /// As the router has it.
    pub(super) path: &'static str,
    /// By which generated clients call it.
    pub(super) id: &'static str,
    /// What it does, in a line.
    pub(super) summary: &'static str,
    /// What else whoever uses it should know.
    pub(super) about: &'static str,
    /// The type of its query.
    pub(super) query: Option<FieldsOf>,
    /// Those of its parameters that must be there.
    pub(super) needs: &'static [&'static str],
    /// Those that it refuses.
    pub(super) without: &'static [&'static str],
    /// Parameters besides, which may be there several times.
    pub(super) repeats: &'static [&'static str],
    /// Headers it reads.
    pub(super) reads: &'static [&'static str],
    /// What it takes, and whether it must be there.
    pub(super) body: Option<(Content, bool)>,
    /// What it answers besides refusals that any route may give.
    pub(super) answers: Vec<Told>,
    /// Statuses with which it refuses for reasons of its own, and what they are.
    pub(super) refusals: Vec<(u16, &'static str)>,
}

/// A route that reads.
pub(super) fn get(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new("get", path, id, summary)
}

/// A route that makes, changes or asks.
pub(super) fn post(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new("post", path, id, summary)
}

/// A route that stores.
pub(super) fn put(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new("put", path, id, summary)
}

/// A route that changes a part.
pub(super) fn patch(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new("patch", path, id, summary)
}

/// A route that takes away.
pub(super) fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new("delete", path, id, summary)
}

impl Operation {
    fn new(method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        let (answers, refusals) = (Vec::new(), Vec::new());
        Self {
            method,
            path,
            id,
            summary,
            about: "",
            query: None,
            needs: &[],
            without: &[],
            repeats: &[],
            reads: &[],
            body: None,
            answers,
            refusals,
        }
    }

    /// What else whoever uses it should know.
    pub(super) fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    /// Its parameters are the fields of this type.
    pub(super) fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some((T::schema_name, T::json_schema)), ..self }
    }

    /// These parameters must be there.
    pub(super) fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    /// These parameters it refuses.
    pub(super) fn without(self, without: &'static [&'static str]) -> Self {
        Self { without, ..self }
    }

    /// It takes these parameters too, each several times: they are no fields of the type.
    pub(super) fn repeats(self, repeats: &'static [&'static str]) -> Self {
        Self { repeats, ..self }
    }

    /// It reads these headers, which [`super::words::ASKED`] explains.
    pub(super) fn reads(self, reads: &'static [&'static str]) -> Self {
        Self { reads, ..self }
    }

    /// It takes a JSON object of this type.
    pub(super) fn takes<T: JsonSchema>(self) -> Self {
        Self { body: Some((Content::Json(SchemaGenerator::subschema_for::<T>), true)), ..self }
    }

    /// The same, which may be left out.
    pub(super) fn may_take<T: JsonSchema>(self) -> Self {
        Self { body: Some((Content::Json(SchemaGenerator::subschema_for::<T>), false)), ..self }
    }

    /// It takes this.
    pub(super) fn takes_content(self, content: Content, required: bool) -> Self {
        Self { body: Some((content, required)), ..self }
    }

    /// It answers 200 with this type.
    pub(super) fn answers<T: JsonSchema>(self, when: &'static str) -> Self {
        self.answers_as::<T>(200, when)
    }

    /// It answers 200 with this.
    pub(super) fn answers_with(mut self, content: Content, when: &'static str) -> Self {
        self.answers.push(Told { status: 200, when, content: Some(content), headers: &[] });
        self
    }

    /// It answers so with this type.
    pub(super) fn answers_as<T: JsonSchema>(mut self, status: u16, when: &'static str) -> Self {
        let content = Content::Json(SchemaGenerator::subschema_for::<T>);
        self.answers.push(Told { status, when, content: Some(content), headers: &[] });
        self
    }

    /// It answers so with nothing.
    pub(super) fn answers_nothing(mut self, status: u16, when: &'static str) -> Self {
        self.answers.push(Told { status, when, content: None, headers: &[] });
        self
    }

    /// The last answer has these headers, which [`super::words::TOLD`] explains.
    pub(super) fn with_headers(mut self, headers: &'static [&'static str]) -> Self {
        self.answers.last_mut().expect("an answer").headers = headers;
        self
    }

    /// It refuses so for a reason of its own.
    pub(super) fn refuses(mut self, status: u16, when: &'static str) -> Self {
        self.refusals.push((status, when));
        self
    }
}
