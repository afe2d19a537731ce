//! From the names of a file to the names of secrets.
//!
//! What the map file says comes first, because somebody wrote it for this file. Then what the file itself says: a
//! canonical name, or a comment of ours. Then the catalogue. A name that none of them knows is left out, with the line
//! to write into the map file; nothing is guessed.

use std::collections::hash_map::{self, HashMap};
use std::fmt;

use super::entry::{Content, Entry};
use super::error::{FileError, Problem, Reason};
use super::name_map::{Mapping, NameMap};
use super::target::{FieldTag, Target};
use crate::catalogue::lookup::Catalogue;
use crate::crypto::plaintext::Plaintext;
use crate::model::fields::{FIELDS_MAX, Field};
use crate::model::name::FieldName;
use crate::model::secret::{Scope, SecretName};

/// A file's entries under the names they will have.
#[derive(Debug)]
pub struct Named {
    /// In the order of the file; no two are the same secret in the same scope.
    pub entries: Vec<NamedEntry>,
    /// What is left out, and why.
    pub skipped: Vec<Skipped>,
}

/// One secret of a file.
#[derive(Debug)]
pub struct NamedEntry {
    /// Where it stands; of several fields, the first.
    pub line: usize,
    /// What it is called there; of several fields, all of them.
    pub raw_names: Vec<String>,
    /// What it is called here.
    pub name: SecretName,
    /// Whom the value is for.
    pub scope: Scope,
    /// The value.
    pub content: NamedContent,
}

/// The value of one secret.
#[derive(Debug)]
pub enum NamedContent {
    /// A value, which may be empty.
    Value(Plaintext),
    /// Several fields, in the order of the file; no name is there twice, and there are no more than a value may have.
    Fields(Vec<(Field, Plaintext)>),
}

/// One name that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it stands.
    pub line: usize,
    /// What it is called there.
    pub raw_name: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why a name is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// Nothing stands under it.
    NoValue,
    /// The map file says so.
    ByMap,
    /// Nobody knows which secret it is.
    Unknown {
        /// The line to write into the map file.
        write: String,
    },
}

impl fmt::Display for SkipReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoValue => formatter.write_str("no value"),
            Self::ByMap => formatter.write_str("the map file leaves it out"),
            Self::Unknown { write } => {
                write!(formatter, "no provider is known for it; write into the map file: {write}")
            }
        }
    }
}

/// What decides the name of an entry.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What was written down for this file.
    pub map: &'a NameMap,
    /// What is known of every provider.
    pub catalogue: &'a Catalogue,
    /// The scope of an entry that says none.
    pub scope: &'a Scope,
}

/// Finds which secret each entry is, and puts fields of one secret together.
///
/// # Errors
/// [`FileError`] where two names lead to one secret, with both lines.
pub fn plan_names(file: &str, entries: Vec<Entry>, rules: Rules<'_>) -> Result<Named, FileError> {
    let (mut plan, mut skipped) = (Plan::default(), Vec::new());
    for entry in entries {
        match rules.target(&entry) {
            Ok(target) => plan.add(entry, target, rules),
            Err(reason) => skipped.push(Skipped { line: entry.line, raw_name: entry.raw_name, reason }),
        }
    }
    if plan.problems.is_empty() {
        Ok(Named { entries: plan.entries, skipped })
    } else {
        Err(FileError::new(file, plan.problems))
    }
}

impl Rules<'_> {
    fn target(&self, entry: &Entry) -> Result<Target, SkipReason> {
        match (self.map.get(&entry.raw_name), &entry.content) {
            (Some(Mapping::Skip), _) => Err(SkipReason::ByMap),
            (_, Content::Nothing) => Err(SkipReason::NoValue),
            (Some(Mapping::To(target)), _) => Ok(target.clone()),
            (None, _) => {
                let known = entry.target.clone();
                let known = known.or_else(|| self.catalogue.by_variable(&entry.raw_name).map(Target::of));
                known.ok_or_else(|| SkipReason::Unknown { write: suggestion(&entry.raw_name) })
            }
        }
    }

    /// The content as a value, as the fields it has, or as the one field it is; `None` for fields that should be one
    /// field.
    fn named(&self, content: Content, target: &Target) -> Option<NamedContent> {
        let field = |tag: FieldTag| {
            let kind = tag.kind.unwrap_or_else(|| self.catalogue.kind_of(&target.name, &tag.name));
            Field { name: tag.name, kind }
        };
        match (content, target.field.clone()) {
            (Content::Value(value), None) => Some(NamedContent::Value(value)),
            (Content::Value(value), Some(tag)) => Some(NamedContent::Fields(vec![(field(tag), value)])),
            (Content::Fields(fields), None) => {
                Some(NamedContent::Fields(fields.into_iter().map(|(tag, value)| (field(tag), value)).collect()))
            }
            (Content::Fields(_), Some(_)) | (Content::Nothing, _) => None,
        }
    }
}

/// The line for the map file that would name an entry. `DATABASE_URL` might be `database/url`; who knows better changes
/// it.
fn suggestion(raw_name: &str) -> String {
    let guess = raw_name.split_once('_').map(|(service, key)| format!("{service}/{key}").to_ascii_lowercase());
    let guess = guess.filter(|guess| SecretName::parse(guess).is_ok());
    let is_bare = raw_name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let key = if is_bare {
        raw_name.to_owned()
    } else {
        format!("\"{}\"", raw_name.replace('\\', "\\\\").replace('"', "\\\""))
    };
    format!("{key} = \"{}\"", guess.as_deref().unwrap_or("service/key_name"))
}

/// The secrets found so far, and where each is in the list.
#[derive(Default)]
struct Plan {
    entries: Vec<NamedEntry>,
    places: HashMap<(SecretName, Scope), Place>,
    problems: Vec<Problem>,
}

struct Place {
    index: usize,
    /// What led here, in the order of `raw_names`: a field or all of it, and where it stands.
    parts: Vec<(Option<FieldName>, usize)>,
}

impl Plan {
    fn add(&mut self, entry: Entry, target: Target, rules: Rules<'_>) {
        let scope = target.scope.clone().unwrap_or_else(|| rules.scope.clone());
        let Some(content) = rules.named(entry.content, &target) else {
            return self.problems.push(Problem::new(entry.line, Reason::FieldOfFields));
        };
        let field = target.field.as_ref().map(|tag| tag.name.clone());
        let part = (field.clone(), entry.line);
        let place = match self.places.entry((target.name.clone(), scope.clone())) {
            hash_map::Entry::Occupied(place) => place.into_mut(),
            hash_map::Entry::Vacant(place) => {
                place.insert(Place { index: self.entries.len(), parts: vec![part] });
                let raw_names = vec![entry.raw_name];
                return self.entries.push(NamedEntry {
                    line: entry.line,
                    raw_names,
                    name: target.name,
                    scope,
                    content,
                });
            }
        };
        let Some(earlier) = self.entries.get_mut(place.index) else { return };
        let clashes =
            |(earlier, _): &(Option<FieldName>, usize)| earlier.is_none() || field.is_none() || *earlier == field;
        let clash = place.parts.iter().zip(&earlier.raw_names).find(|(part, _)| clashes(part));
        if let Some(((_, first), first_name)) = clash {
            let (target, first_name, first) = (target.to_string(), first_name.clone(), *first);
            let reason = Reason::SecretTwice { name: entry.raw_name, target, first_name, first };
            return self.problems.push(Problem::new(entry.line, reason));
        }
        if let (NamedContent::Fields(fields), NamedContent::Fields(more)) = (&mut earlier.content, content) {
            if fields.len() >= FIELDS_MAX {
                return self.problems.push(Problem::new(entry.line, Reason::TooManyFields(FIELDS_MAX)));
            }
            fields.extend(more);
            earlier.raw_names.push(entry.raw_name);
            place.parts.push(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Format;
    use super::super::read::read;
    use super::*;

    fn plan(format: Format, text: &str, map: &str) -> Result<Named, FileError> {
        let entries = read(format, "config", &Plaintext::new(text.as_bytes().to_vec())).expect("right");
        let map = NameMap::parse("map.toml", map).expect("map");
        let catalogue = Catalogue::embedded().expect("catalogue");
        plan_names("config", entries, Rules { map: &map, catalogue: &catalogue, scope: &Scope::Global })
    }

    fn shown(named: &Named) -> Vec<String> {
        let text = |value: &Plaintext| String::from_utf8(value.expose().to_vec()).expect("text");
        let entry = |entry: &NamedEntry| {
            let content = match &entry.content {
                NamedContent::Value(value) => text(value),
                NamedContent::Fields(fields) => {
                    let shown = |(field, value): &(Field, Plaintext)| {
                        format!("{}:{}:{}", field.name, field.kind.as_str(), text(value))
                    };
                    fields.iter().map(shown).collect::<Vec<_>>().join(",")
                }
            };
            format!("{} {} {}={content}", entry.line, entry.name, entry.scope)
        };
        named.entries.iter().map(entry).collect()
    }

    #[test]
    fn the_map_comes_before_the_file_and_the_file_before_the_catalogue() {
        let text = "HUBSPOT_API_KEY=1\nOPENAI_API_KEY=2\n# aurora: acme/key company:acme\n\
                    STRIPE_SECRET_KEY=3\na/b=4\nc/d=5\nMINE=6\n";
        let map = "OPENAI_API_KEY = \"my/openai\"\n\"c/d\" = \"e/f node:vengeance\"\nMINE = \"mine/it\"\n";
        let named = plan(Format::Dotenv, text, map).expect("named");
        let wanted = [
            "1 hubspot/api_key global=1",
            "2 my/openai global=2",
            "4 acme/key company:acme=3",
            "5 a/b global=4",
            "6 e/f node:vengeance=5",
            "7 mine/it global=6",
        ];
        assert_eq!(shown(&named), wanted);
        assert!(named.skipped.is_empty());
    }

    #[test]
    fn what_nobody_knows_has_no_value_or_is_unwanted_is_left_out_with_the_reason() {
        let text = r#"{"DATABASE_URL":"x","x \"y\\":"z","PATH":"p",
                       "OPENAI_API_KEY":null,"hubspot":{},"stripe":{"secret_key":null}}"#;
        let named = plan(Format::Json, text, "PATH = false\n").expect("named");
        let told: Vec<String> = named.skipped.iter().map(|it| format!("{}: {}", it.raw_name, it.reason)).collect();
        let unknown = "no provider is known for it; write into the map file:";
        let wanted = [
            &format!("DATABASE_URL: {unknown} DATABASE_URL = \"database/url\""),
            &format!("x \"y\\: {unknown} \"x \\\"y\\\\\" = \"service/key_name\""),
            "PATH: the map file leaves it out",
            "OPENAI_API_KEY: no value",
            "hubspot: no value",
            "stripe/secret_key: no value",
        ];
        assert_eq!(told, wanted);
        for skipped in &named.skipped {
            if let SkipReason::Unknown { write } = &skipped.reason {
                assert!(NameMap::parse("map.toml", write).expect(write).get(&skipped.raw_name).is_some());
            }
        }
        assert!(named.entries.is_empty());
    }

    #[test]
    fn variables_become_fields_of_one_secret() {
        let text = "GOOGLE_CLIENT_ID=1\n# aurora: google/oauth#client_secret\nX=2\n";
        let named = plan(Format::Dotenv, text, "GOOGLE_CLIENT_ID = \"google/oauth#client_id:string\"").expect("named");
        assert_eq!(shown(&named), ["1 google/oauth global=client_id:string:1,client_secret:secret:2"]);
        assert_eq!(named.entries[0].raw_names, ["GOOGLE_CLIENT_ID", "X"]);
    }

    #[test]
    fn fields_stand_below_their_secret_in_json_and_yaml() {
        let wanted = ["1 google/oauth company:acme=client_id:string:1,client_secret:secret:2"];
        let json = r#"{"google/oauth company:acme":{"client_id:string":"1","client_secret":"2"}}"#;
        assert_eq!(shown(&plan(Format::Json, json, "").expect("named")), wanted);
        let yaml = "google: {oauth company:acme: {'client_id:string': '1', client_secret: '2'}}";
        assert_eq!(shown(&plan(Format::Yaml, yaml, "").expect("named")), wanted);
    }

    #[test]
    fn two_names_of_one_secret_are_refused_with_both_lines() {
        let twice = [
            ("GEMINI_API_KEY=canary\n\nGOOGLE_API_KEY=canary\n", ""),
            ("A=canary\n\nB=canary\n", "A = \"a/b\"\nB = \"a/b global\"\n"),
            ("A=canary\n\nB=canary\n", "A = \"a/b#c\"\nB = \"a/b#c\"\n"),
            ("A=canary\n\nB=canary\n", "A = \"a/b\"\nB = \"a/b#c\"\n"),
            ("A=canary\n\nB=canary\n", "A = \"a/b#c\"\nB = \"a/b\"\n"),
        ];
        for (text, map) in twice {
            let error = plan(Format::Dotenv, text, map).expect_err(text);
            assert_eq!(error.problems[0].line, 3, "{text:?}");
            let error = error.to_string();
            assert!(error.contains("on line 1") && !error.contains("canary"), "{error}");
        }
        let apart = plan(Format::Dotenv, "A=1\nB=2\n", "A = \"a/b\"\nB = \"a/b company:acme\"\n").expect("two scopes");
        assert_eq!(apart.entries.len(), 2);
    }

    /// A file of 200,000 fields of one secret took minutes: each was compared with all before it.
    #[test]
    fn a_secret_has_no_more_fields_than_a_value_may_have() {
        let line = |number: usize| format!("# aurora: a/b#f{number}\nV{number}=canary\n");
        let text = |count: usize| (1..=count).map(line).collect::<String>();
        assert!(plan(Format::Dotenv, &text(FIELDS_MAX), "").is_ok());
        let error = plan(Format::Dotenv, &text(60_000), "").expect_err("refused");
        assert_eq!(error.problems[0], Problem::new(2 * (FIELDS_MAX + 1), Reason::TooManyFields(FIELDS_MAX)));
        let field = |number: usize| format!("\"f{number}\":\"canary\"");
        let json = format!("{{\"a/b\":{{{}}}}}", (0..60_000).map(field).collect::<Vec<_>>().join(",\n"));
        let error = read(Format::Json, "config", &Plaintext::new(json.into_bytes())).expect_err("refused");
        assert_eq!(error.problems, [Problem::new(FIELDS_MAX + 1, Reason::TooManyFields(FIELDS_MAX))]);
    }

    #[test]
    fn a_field_that_is_there_with_and_without_its_kind_is_there_twice() {
        let json = Plaintext::new(
            br#"{"a/b":{"c":"canary",
"c:string":"canary"}}"#
                .to_vec(),
        );
        let error = read(Format::Json, "config", &json).expect_err("refused");
        assert_eq!(error.to_string(), "config line 2: the field c is there already; keep one of them");
        let dotenv = "# aurora: a/b#c\nA=canary\n# aurora: a/b#c:string\nB=canary\n";
        let error = plan(Format::Dotenv, dotenv, "").expect_err("refused").to_string();
        assert!(error.contains("line 4") && error.contains("on line 2") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn several_fields_cannot_become_one_field() {
        let error = plan(Format::Json, r#"{"a/b":{"c":"canary"}}"#, "\"a/b\" = \"d/e#f\"").expect_err("refused");
        assert_eq!(error.problems, [Problem::new(1, Reason::FieldOfFields)]);
    }
}
