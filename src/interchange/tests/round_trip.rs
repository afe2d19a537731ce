//! What is written reads back to the same names and bytes, in every format; and a shell agrees.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;

use super::super::entry::{Content, Format, Item};
use super::super::name_map::NameMap;
use super::super::naming::{NamedContent, Rules, plan_names};
use super::super::read::read;
use super::super::target::FieldTag;
use super::super::write::{WriteError, write};
use crate::catalogue::lookup::Catalogue;
use crate::crypto::plaintext::Plaintext;
use crate::model::fields::Field;
use crate::model::secret::{Scope, SecretName};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().expect("catalogue"));

/// A secret as plain data: scope, name, and its one value or its fields.
type Plain = (String, String, Vec<(String, String)>);

/// Characters that mean something in some format, and some that mean nothing.
const CHARACTERS: &[char] = &[
    '\'', '"', '\\', '$', '`', '#', '=', ':', ' ', '\t', '\n', '\r', '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{a0}',
    '\u{2028}', '\u{feff}', '\u{ffff}', '{', '}', '[', ',', '-', '!', '&', '*', '%', '@', '~', 'a', 'n', 'u', '0', 'é',
    '😀',
];

/// Values that are something else in some format.
const WORDS: &[&str] =
    &["", "true", "null", "5", "~", "'\\''", "\r\n", "\\n", "$(id)", "# aurora: a/b", "export A=b", "2026-11-21"];

fn value() -> impl Strategy<Value = String> {
    let character = prop_oneof![4 => select(CHARACTERS), 1 => any::<char>()];
    let odd = vec(character, 0..24).prop_map(|characters| characters.into_iter().collect());
    prop_oneof![6 => odd, 1 => select(WORDS).prop_map(str::to_owned)]
}

fn name() -> impl Strategy<Value = String> {
    select(
        &[
            "a/b",
            "a/b_c",
            "a_b/c",
            "a.b/c",
            "2a/b",
            "hubspot/api_key",
            "github/token",
            "google_ai/api_key",
            "gemini/api_key",
        ][..],
    )
    .prop_map(str::to_owned)
}

fn secret() -> impl Strategy<Value = Plain> {
    let scope = select(&["global", "company:acme", "node:vengeance"][..]).prop_map(str::to_owned);
    let whole = value().prop_map(|value| vec![(String::new(), value)]);
    let field = select(&["client_id:string", "client.secret:secret", "c:secret"][..]).prop_map(str::to_owned);
    let fields = vec((field, value()), 1..4).prop_map(|mut fields| {
        fields.sort_by(|left, right| left.0.cmp(&right.0));
        fields.dedup_by(|left, right| left.0 == right.0);
        fields
    });
    (scope, name(), prop_oneof![2 => whole, 1 => fields])
}

fn secrets() -> impl Strategy<Value = Vec<Plain>> {
    let distinct = |secrets: Vec<Plain>| {
        let mut kept: Vec<Plain> = Vec::new();
        for secret in secrets {
            if !kept.iter().any(|other| (&other.0, &other.1) == (&secret.0, &secret.1)) {
                kept.push(secret);
            }
        }
        kept
    };
    prop_oneof![9 => vec(secret(), 1..8).prop_map(distinct), 1 => Just(Vec::new())]
}

fn plaintext(text: &str) -> Plaintext {
    Plaintext::new(text.as_bytes().to_vec())
}

fn item((scope, name, fields): &Plain) -> Item {
    let content = match fields.as_slice() {
        [(field, value)] if field.is_empty() => Content::Value(plaintext(value)),
        fields => {
            let field = |(tag, value): &(String, String)| (FieldTag::parse(tag).expect("field"), plaintext(value));
            Content::Fields(fields.iter().map(field).collect())
        }
    };
    Item { name: SecretName::parse(name).expect("name"), scope: Some(Scope::parse(scope).expect("scope")), content }
}

fn read_back(format: Format, file: &Plaintext) -> Vec<Plain> {
    let entries = read(format, "export", file).unwrap_or_else(|error| panic!("{error}"));
    let map = NameMap::default();
    let named = plan_names("export", entries, Rules { map: &map, catalogue: &CATALOGUE, scope: &Scope::Global });
    let named = named.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(named.skipped, []);
    let text = |value: &Plaintext| String::from_utf8(value.expose().to_vec()).expect("text");
    let plain = |content: &NamedContent| match content {
        NamedContent::Value(value) => vec![(String::new(), text(value))],
        NamedContent::Fields(fields) => {
            let tag = |field: &Field| format!("{}:{}", field.name, field.kind.as_str());
            fields.iter().map(|(field, value)| (tag(field), text(value))).collect()
        }
    };
    named.entries.iter().map(|it| (it.scope.to_string(), it.name.to_string(), plain(&it.content))).collect()
}

fn written(format: Format, secrets: &[Plain]) -> Result<Plaintext, WriteError> {
    let items: Vec<Item> = secrets.iter().map(item).collect();
    write(format, &items, &CATALOGUE)
}

fn assert_reads_back(secrets: &[Plain]) {
    let has_zero = secrets.iter().any(|(_, _, fields)| fields.iter().any(|(_, value)| value.contains('\0')));
    for format in Format::ALL {
        match written(format, secrets) {
            Ok(file) => assert_eq!(read_back(format, &file), secrets, "{format}"),
            Err(WriteError::ZeroByte(_)) if format == Format::Shell && has_zero => {}
            Err(error) => panic!("{format}: {error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_reads_back_byte_for_byte(secrets in secrets()) {
        assert_reads_back(&secrets);
    }

    #[test]
    fn no_text_whatever_makes_a_reader_panic_or_quote_it(text in vec(select(CHARACTERS), 0..64)) {
        let text: String = text.into_iter().collect::<String>().replace('a', "canary");
        for format in Format::ALL {
            if let Err(error) = read(format, "any", &plaintext(&format!("NAME={text}\nx: {text}\n{{\"y\":{text}"))) {
                let shown = error.to_string();
                assert!(!shown.contains("canary"), "{format}: {shown}");
            }
        }
    }
}

fn one(value: &str) -> Vec<Plain> {
    vec![("global".to_owned(), "acme/key".to_owned(), vec![(String::new(), value.to_owned())])]
}

/// What `/bin/sh` has in the variables after it read the text, each ended by a zero byte.
fn what_a_shell_reads(file: &Plaintext, variables: &[&str]) -> Vec<u8> {
    let mut script = file.expose().to_vec();
    script.extend(variables.iter().flat_map(|variable| format!("printf '%s\\0' \"${variable}\"\n").into_bytes()));
    let mut shell = Command::new("/bin/sh")
        .args(["-eu", "-s"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut input = shell.stdin.take().expect("a pipe");
    input.write_all(&script).expect("the shell reads");
    drop(input);
    let output = shell.wait_with_output().expect("the shell ends");
    assert!(output.status.success());
    output.stdout
}

#[test]
fn a_shell_reads_every_character_as_it_is() {
    let nasty: String = (1_u8..=127).map(char::from).chain("é😀 '' \\' $(id) `id` ${A} !! \r\n\n".chars()).collect();
    let file = written(Format::Shell, &one(&nasty)).expect("written");
    assert_eq!(what_a_shell_reads(&file, &["ACME_KEY"]), format!("{nasty}\0").into_bytes());
}

/// A dotenv file is no shell script; but where a value stays on its line, a shell that sources it reads the same.
#[test]
fn a_shell_that_sources_a_dotenv_file_runs_nothing_of_it() {
    let values = ["it's $HOME `id` $(id) \"x\" \\ \\n", "$(id) `id`", "a b;c&d|e>f*", "~", "#x", " x ", ""];
    for value in values {
        let file = written(Format::Dotenv, &one(value)).expect("written");
        assert_eq!(what_a_shell_reads(&file, &["ACME_KEY"]), format!("{value}\0").into_bytes(), "{value:?}");
    }
}

#[test]
fn each_format_has_this_form_for_ever() {
    let fields = vec![("client_id:string".to_owned(), "x".to_owned()), ("client_secret".to_owned(), "it's".to_owned())];
    let mut secrets = one("a \"b\"\n");
    secrets.push(("company:acme".to_owned(), "acme/key".to_owned(), vec![(String::new(), "c".to_owned())]));
    secrets.push(("global".to_owned(), "google/oauth".to_owned(), fields));
    let wanted = [
        concat!(
            "# aurora: acme/key global\nACME_KEY=\"a \\\"b\\\"\\n\"\n# aurora: acme/key company:acme\nACME_KEY_2=c\n",
            "# aurora: google/oauth#client_id:string global\nGOOGLE_OAUTH_CLIENT_ID=x\n",
            "# aurora: google/oauth#client_secret global\nGOOGLE_OAUTH_CLIENT_SECRET=\"it's\"\n",
        ),
        concat!(
            "{\n  \"acme/key global\": \"a \\\"b\\\"\\n\",\n  \"acme/key company:acme\": \"c\",\n",
            "  \"google/oauth global\": {\n    \"client_id:string\": \"x\",\n    \"client_secret\": \"it's\"\n  }\n}\n",
        ),
        concat!(
            "\"acme/key global\": \"a \\\"b\\\"\\n\"\n\"acme/key company:acme\": \"c\"\n",
            "\"google/oauth global\":\n  \"client_id:string\": \"x\"\n  \"client_secret\": \"it's\"\n",
        ),
        concat!(
            "# aurora: acme/key global\nexport ACME_KEY='a \"b\"\n'\n",
            "# aurora: acme/key company:acme\nexport ACME_KEY_2='c'\n",
            "# aurora: google/oauth#client_id:string global\nexport GOOGLE_OAUTH_CLIENT_ID='x'\n",
            "# aurora: google/oauth#client_secret global\nexport GOOGLE_OAUTH_CLIENT_SECRET='it'\\''s'\n",
        ),
    ];
    for (format, wanted) in Format::ALL.into_iter().zip(wanted) {
        let file = written(format, &secrets).expect("written");
        assert_eq!(str::from_utf8(file.expose()).expect("text"), wanted, "{format}");
    }
}

#[test]
fn what_no_file_can_hold_is_refused_by_name() {
    let (mut bytes, mut zero) = (item(&one("")[0]), item(&one("a\0b")[0]));
    bytes.content = Content::Value(Plaintext::new(vec![0xff]));
    zero.scope = None;
    for format in Format::ALL {
        let error = write(format, std::slice::from_ref(&bytes), &CATALOGUE).expect_err("no text");
        assert!(error.to_string().starts_with("the value of acme/key global is not UTF-8 text"), "{error}");
        let twice = [item(&one("x")[0]), item(&one("y")[0])];
        assert!(matches!(write(format, &twice, &CATALOGUE), Err(WriteError::Twice(_))));
    }
    let error = write(Format::Shell, &[zero], &CATALOGUE).expect_err("a zero byte");
    assert!(error.to_string().starts_with("the value of acme/key holds a zero byte"), "{error}");
}

#[test]
fn variables_of_one_name_are_numbered_and_none_is_taken_twice() {
    let scopes = ["global", "company:a", "company:b", "company:c"];
    let mut secrets: Vec<Plain> =
        scopes.iter().map(|scope| ((*scope).to_owned(), "a/b".to_owned(), one("x")[0].2.clone())).collect();
    secrets.insert(1, ("global".to_owned(), "a/b_2".to_owned(), one("y")[0].2.clone()));
    assert_reads_back(&secrets);
}

#[test]
fn byte_order_marks_and_bytes_that_are_no_text_are_known() {
    let marked = read(Format::Dotenv, "f", &plaintext("\u{feff}A=1\n")).expect("right");
    assert_eq!(marked[0].raw_name, "A");
    for format in Format::ALL {
        let error = read(format, "f", &Plaintext::new(b"A=1\nB=\xff\n".to_vec())).expect_err("no text");
        assert_eq!(error.to_string(), "f line 2: is not UTF-8 text; save the file as UTF-8");
    }
}
