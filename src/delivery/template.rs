//! Templates of `aurora render`: a pure engine that says what it lacks, and is told.
//!
//! Which secrets a template uses depends on its conditions, so they are not collected beforehand: it is rendered until it
//! asks for a secret that it was not told about, and rendered again when it knows it. Each secret is read once, and only
//! those that are used. The engine reads no file, includes no other template and calls nothing.
//!
//! What it deliberately does not do: wipe the memory of the engine. A value is an object of ours there, and is wiped; but
//! a template that joins (`~`), compares or captures values (`{% set x %}…`, `|string`, `|upper`), makes texts of the
//! engine's own out of them, which are freed and not wiped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::answer::Answer;
use super::quoting::Quoting;
use super::template_depth::{SIGNS_MAX, has_too_many_signs};
use super::template_error::{Problem, TemplateError, of_engine};
use super::template_text::Text;
use super::template_value::Opaque;
use crate::crypto::plaintext::Plaintext;
use crate::model::fields::FieldKind;
use crate::model::name::{CompanyId, FieldName};
use crate::model::number::Version;
use crate::model::reference::Reference;

/// Largest template, in bytes: configuration files are a hundredth of it.
pub const TEMPLATE_BYTES_MAX: usize = 1 << 20;

/// Longest text that is rendered, in bytes: sixteen of the largest values a node stores.
pub const RENDERED_BYTES_MAX: usize = 16 << 20;

/// Most secrets of one template. It is rendered once more for each, so that this bounds the work as well.
pub const SECRETS_MAX: usize = 256;

/// Steps of one rendering: a loop of a hundred thousand rounds, and under a second of work.
const FUEL: u64 = 2_000_000;

/// What the template is called within the engine.
const NAME: &str = "template";

/// A template, and what it has been told so far.
pub struct Template {
    environment: Environment<'static>,
    desk: Arc<Mutex<Desk>>,
}

/// What came of rendering.
#[derive(Debug)]
pub enum Step {
    /// The text, whole.
    Rendered(Plaintext),
    /// A secret it has not been told about, without a field; and the line that asks for it.
    Lacks(Reference, usize),
}

/// What the functions of a template know, and why they stopped it.
#[derive(Default)]
struct Desk {
    answers: BTreeMap<Reference, Answer>,
    stop: Option<Stop>,
}

enum Stop {
    Lacks(Reference),
    Problem(Problem),
}

impl Template {
    /// Reads a template of at most [`TEMPLATE_BYTES_MAX`].
    ///
    /// # Errors
    /// [`TemplateError`] when it is none.
    pub fn parse(source: String) -> Result<Self, TemplateError> {
        if source.len() > TEMPLATE_BYTES_MAX {
            return Err(TemplateError { line: 0, problem: Problem::TooLong(TEMPLATE_BYTES_MAX) });
        }
        if has_too_many_signs(&source) {
            return Err(TemplateError { line: 0, problem: Problem::TooManySigns(SIGNS_MAX) });
        }
        let desk = Arc::new(Mutex::new(Desk::default()));
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(|error| of_engine(&error))?);
        // They print what the engine holds, in its own form.
        environment.remove_global("debug");
        environment.remove_filter("pprint");
        add_functions(&mut environment, &desk);
        environment.add_template_owned(NAME, source).map_err(|error| of_engine(&error))?;
        Ok(Self { environment, desk })
    }

    /// Renders with what it has been told.
    ///
    /// # Errors
    /// [`TemplateError`] when what it has been told is not enough for a reason that no secret can cure.
    pub fn render(&self) -> Result<Step, TemplateError> {
        let mut text = Text::new(RENDERED_BYTES_MAX);
        let template = self.environment.get_template(NAME).map_err(|error| of_engine(&error))?;
        let error = match template.render_captured_to((), &mut text) {
            Ok(_) => return Ok(Step::Rendered(text.finish())),
            Err(error) => error,
        };
        let line = error.line().unwrap_or_default();
        match self.desk().stop.take() {
            Some(Stop::Lacks(reference)) => Ok(Step::Lacks(reference, line)),
            Some(Stop::Problem(problem)) => Err(TemplateError { line, problem }),
            None if text.is_full() => Err(TemplateError { line, problem: Problem::TooLong(RENDERED_BYTES_MAX) }),
            None => Err(of_engine(&error)),
        }
    }

    /// Tells it what it lacked.
    pub fn tell(&self, of: Reference, answer: Answer) {
        self.desk().answers.insert(of, answer);
    }

    /// The secrets it has been told about: those it uses.
    #[must_use]
    pub fn used(&self) -> Vec<Reference> {
        self.desk().answers.keys().cloned().collect()
    }

    /// Forgets the values, so that they are read anew.
    pub fn forget(&self) {
        self.desk().answers.clear();
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        open(&self.desk)
    }
}

fn open(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add_functions(environment: &mut Environment<'static>, desk: &Arc<Mutex<Desk>>) {
    let own = Arc::clone(desk);
    environment.add_function("secret", move |name: &str, options: Kwargs| {
        let field: Option<&str> = options.get("field")?;
        let mut desk = open(&own);
        let read = reference(name, field, &options).and_then(|reference| desk.text(&reference));
        finish(&mut desk, read, &options)
    });
    let own = Arc::clone(desk);
    environment.add_function("field", move |name: &str, field: &str, options: Kwargs| {
        let mut desk = open(&own);
        let read = reference(name, Some(field), &options).and_then(|reference| desk.text(&reference));
        finish(&mut desk, read, &options)
    });
    let own = Arc::clone(desk);
    environment.add_function("freshness", move |name: &str, options: Kwargs| {
        let mut desk = open(&own);
        let read = reference(name, None, &options).and_then(|reference| desk.freshness(reference));
        finish(&mut desk, read, &options)
    });
    for (name, quoting) in Quoting::NAMED {
        let own = Arc::clone(desk);
        environment.add_filter(name, move |value: &Value| {
            quoted(quoting, value).map_err(|problem| stopped(&mut open(&own), Stop::Problem(problem)))
        });
    }
}

/// The reference that a call means, with what is said beside it.
fn reference(name: &str, field: Option<&str>, options: &Kwargs) -> Result<Reference, Stop> {
    let wrong = |problem| Stop::Problem(problem);
    let mut reference = Reference::parse_short(name).map_err(|error| wrong(Problem::reference(&error)))?;
    let twice = |what: &str| wrong(Problem::Reference(format!("{what} is given twice")));
    let no_text = |_| wrong(Problem::Reference("a company is a text, and a version a number".to_owned()));
    if let Some(text) = field {
        let field = FieldName::parse(text).map_err(|error| wrong(Problem::name(&error)))?;
        if reference.field.replace(field).is_some() {
            return Err(twice("field"));
        }
    }
    if let Some(text) = options.get::<Option<&str>>("company").map_err(no_text)? {
        let company = CompanyId::parse(text).map_err(|error| wrong(Problem::name(&error)))?;
        if reference.company.replace(company).is_some() {
            return Err(twice("company"));
        }
    }
    if let Some(number) = options.get::<Option<u64>>("version").map_err(no_text)? {
        let bad = || wrong(Problem::Reference("a version is a whole number from 1".to_owned()));
        if reference.version.replace(Version::new(number).ok_or_else(bad)?).is_some() {
            return Err(twice("version"));
        }
    }
    Ok(reference)
}

/// Leaves word of why the template was stopped. Options that nobody knows are a mistake, not nothing.
fn finish(desk: &mut Desk, read: Result<Value, Stop>, options: &Kwargs) -> Result<Value, Error> {
    match read {
        Ok(value) => options.assert_all_used().map(|()| value).map_err(|_| {
            let known = "beside the name there are field=, company= and version=".to_owned();
            stopped(desk, Stop::Problem(Problem::Reference(known)))
        }),
        Err(stop) => Err(stopped(desk, stop)),
    }
}

fn stopped(desk: &mut Desk, stop: Stop) -> Error {
    desk.stop = Some(stop);
    Error::new(ErrorKind::InvalidOperation, "stopped")
}

impl Desk {
    fn answer(&self, secret: &Reference) -> Result<&Answer, Stop> {
        match self.answers.get(secret) {
            Some(answer) => Ok(answer),
            None if self.answers.len() >= SECRETS_MAX => Err(Stop::Problem(Problem::TooManySecrets(SECRETS_MAX))),
            None => Err(Stop::Lacks(secret.clone())),
        }
    }

    /// A value, or one field of it. A field that is declared as one to be seen is a text of the engine, which can be
    /// compared.
    fn text(&self, reference: &Reference) -> Result<Value, Stop> {
        let answer = self.answer(&Reference { field: None, ..reference.clone() })?;
        let not_text = |_| Stop::Problem(Problem::NotText(Box::new(reference.clone())));
        let Some(name) = &reference.field else {
            let copy = Plaintext::new(answer.value.expose().to_vec());
            return Opaque::new(copy).map(Value::from_object).map_err(not_text);
        };
        let missing = |source| Stop::Problem(Problem::Field { reference: Box::new(reference.clone()), source });
        let text = answer.field(name).map_err(missing)?;
        let may_be_seen = answer.fields.get(name.as_str()).is_some_and(|field| field.kind == FieldKind::Text);
        match std::str::from_utf8(text.expose()) {
            Ok(seen) if may_be_seen => Ok(Value::from(seen)),
            Ok(_) | Err(_) => Opaque::new(text).map(Value::from_object).map_err(not_text),
        }
    }

    fn freshness(&self, mut secret: Reference) -> Result<Value, Stop> {
        secret.field = None;
        let answer = self.answer(&secret)?;
        let told = [
            ("state", Value::from(answer.standing.as_str())),
            ("age", Value::from(answer.age.as_secs())),
            ("version", Value::from(answer.version)),
            ("scope", Value::from(answer.scope.as_str())),
            ("fresh_until", Value::from(answer.fresh_until.as_deref())),
        ];
        Ok(Value::from_pairs(told))
    }
}

fn quoted(quoting: Quoting, value: &Value) -> Result<Value, Problem> {
    let apply = |text: &Plaintext| -> Result<Value, Problem> {
        let quoted = quoting.apply(text)?;
        Opaque::new(quoted).map(Value::from_object).map_err(|_| Problem::Unquotable)
    };
    if let Some(secret) = value.downcast_object_ref::<Opaque>() {
        return apply(secret.plaintext());
    }
    match value.as_str() {
        Some(text) => apply(&Plaintext::new(text.as_bytes().to_vec())),
        None if value.is_number() || value.kind() == minijinja::value::ValueKind::Bool => Ok(value.clone()),
        None => Err(Problem::Unquotable),
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::sample;
    use super::*;

    const VALUE: &str = "not-a-real-\"key'\n";

    /// Renders with one answer for every secret that is asked for, and says which were.
    fn rendered(source: &str) -> Result<(String, Vec<String>), TemplateError> {
        let template = Template::parse(source.to_owned())?;
        loop {
            match template.render()? {
                Step::Rendered(text) => {
                    let text = String::from_utf8(text.expose().to_vec()).expect("text");
                    return Ok((text, template.used().iter().map(ToString::to_string).collect()));
                }
                Step::Lacks(reference, _) if reference.name.key.as_str() == "login" => {
                    let value = r#"{"user":"robot","password":"not-a-real-password"}"#;
                    template.tell(reference, sample(value, &["user", "password"], &["user"]));
                }
                Step::Lacks(reference, _) => template.tell(reference, sample(VALUE, &[], &[])),
            }
        }
    }

    fn text(source: &str) -> String {
        rendered(source).unwrap_or_else(|error| panic!("{source}: {error}")).0
    }

    fn refused(source: &str) -> TemplateError {
        let error = rendered(source).expect_err(source);
        let told = format!("{error} {error:?}");
        assert!(!told.contains("not-a-real"), "{source}: {told}");
        error
    }

    #[test]
    fn values_fields_and_freshness_stand_where_they_are_asked_for() {
        assert_eq!(text("a {{ secret('openai/api_key') }} b\n"), format!("a {VALUE} b\n"));
        assert_eq!(
            text("{{ secret('db/login', field='user') }}:{{ field('db/login', 'password') }}"),
            "robot:not-a-real-password"
        );
        assert_eq!(text("{{ secret('aurora://db/login?field=user') }}"), "robot");
        let told =
            "{% set f = freshness('a/b') %}{{ f.state }} {{ f.age }} {{ f.version }} {{ f.scope }} {{ f.fresh_until }}";
        assert_eq!(text(told), "fresh 4 3 global 2026-11-21T08:00:00.000Z");
    }

    #[test]
    fn each_secret_is_asked_for_once_and_only_where_the_template_comes_by() {
        let source = "{{ secret('a/b') }}{{ secret('a/b') }}{{ secret('a/b', company='acme') }}{{ secret('a/b', version=2) }}
            {% if false %}{{ secret('never/read') }}{% endif %}{{ field('db/login', 'user') }}{{ field('db/login', 'password') }}";
        let (_, used) = rendered(source).expect("rendered");
        assert_eq!(used, ["aurora://a/b", "aurora://a/b?version=2", "aurora://a/b?company=acme", "aurora://db/login"]);
    }

    #[test]
    fn loops_and_conditions_work_and_a_field_that_may_be_seen_can_be_compared() {
        let source = "{% for name in ['a/b', 'c/d'] %}{{ loop.index }}{{ secret(name)|json }};{% endfor %}";
        assert_eq!(text(source), "1\"not-a-real-\\\"key'\\n\";2\"not-a-real-\\\"key'\\n\";");
        assert_eq!(text("{% if field('db/login', 'user') == 'robot' %}yes{% else %}no{% endif %}"), "yes");
        assert_eq!(text("{% if secret('a/b') %}set{% endif %}"), "set");
        assert_eq!(text("{{ 'x'|shell }} {{ 3|json }}"), "'x' 3");
    }

    #[test]
    fn a_value_is_quoted_where_it_lands() {
        assert_eq!(text("{{ secret('a/b')|shell }}"), "'not-a-real-\"key'\\''\n'");
        assert_eq!(text("{{ secret('a/b')|url }}"), "not-a-real-%22key%27%0A");
        assert_eq!(text("{{ secret('a/b')|base64 }}"), "bm90LWEtcmVhbC0ia2V5Jwo=");
        for name in ["json", "tojson", "yaml", "toml"] {
            assert_eq!(text(&format!("{{{{ secret('a/b')|{name} }}}}")), "\"not-a-real-\\\"key'\\n\"", "{name}");
        }
        assert!(matches!(refused("{{ secret('a/b')|line }}").problem, Problem::Quoting(_)));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_never_with_a_value() {
        let table = [
            ("\n{{ secret('hubspot') }}", 2, "names no secret"),
            ("{{ secret('HubSpot/key') }}", 1, "of the service"),
            ("{{ secret('a/b', feild='x') }}", 1, "field="),
            ("{{ secret('a/b?field=x', field='y') }}", 1, "field is given twice"),
            ("{{ secret('a/b', version=0) }}", 1, "from 1"),
            ("{{ field('a/b', 'user') }}", 1, "one JSON object"),
            ("\n\n{{ field('db/login', 'token') }}", 3, "lacks the field token"),
            ("{{ nothing }}", 1, "never set"),
            ("{% if nothing.x %}{% endif %}", 1, "never set"),
            ("{{ secret('a/b').upper() }}", 1, "unknown method"),
            ("{{ secret('a/b') + 1 }}", 1, "invalid operation"),
            ("{{ secret('a/b')|int }}", 1, ""),
            ("{{ secret(secret('a/b')) }}", 1, ""),
            ("{{ secret(secret('a/b')|string) }}", 1, "names no secret"),
            ("{{ field('db/login', secret('a/b')|trim) }}", 1, "names no secret"),
            ("{{ [secret('a/b')]|json }}", 1, "only a text"),
            ("{{ x| }}", 1, "syntax error"),
            ("{{ 'x'|frobnicate }}", 1, "frobnicate"),
            ("{{ debug() }}", 1, "debug"),
            ("{% include '/etc/passwd' %}", 1, "template not found"),
            ("{% include 'template' %}", 1, ""),
            ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", 1, "an end"),
            ("{% for a in range(9999) %}{{ 'x' * 9999 }}{% endfor %}", 0, "longer than"),
        ];
        for (source, line, says) in table {
            let error = refused(source);
            assert!(error.line == line && error.to_string().contains(says), "{source}: {error}");
        }
        let many = (0..=SECRETS_MAX).map(|number| format!("{{{{ secret('a/b{number}') }}}}")).collect::<String>();
        assert_eq!(refused(&many).problem, Problem::TooManySecrets(SECRETS_MAX));
        assert!(Template::parse("x".repeat(TEMPLATE_BYTES_MAX + 1)).is_err());
    }
}
