//! A file whose values are Fernet tokens: each is opened where it stands, or the file is refused.

use super::entry::{Content, Entry};
use super::error::{FernetProblem, FileError, PROBLEMS_MAX, Problem, Reason};
use super::name_map::{Mapping, NameMap};
use crate::crypto::error::CryptoError;
use crate::crypto::fernet::FernetKey;
use crate::crypto::plaintext::Plaintext;

/// Opens every value, but for the names that the map file leaves out.
///
/// # Errors
/// [`FileError`] with each line whose value is no token, or none of this key's, or holds no text.
pub fn open(file: &str, entries: Vec<Entry>, key: &FernetKey, map: &NameMap) -> Result<Vec<Entry>, FileError> {
    let mut problems = Vec::new();
    let mut opened = Vec::with_capacity(entries.len());
    for entry in entries {
        if matches!(map.get(&entry.raw_name), Some(Mapping::Skip)) {
            opened.push(entry);
            continue;
        }
        match content(entry.content, key) {
            Ok(content) => opened.push(Entry { content, ..entry }),
            Err(problem) => problems.push(Problem::new(entry.line, Reason::NotFernet(problem))),
        }
        if problems.len() >= PROBLEMS_MAX {
            break;
        }
    }
    if problems.is_empty() { Ok(opened) } else { Err(FileError::new(file, problems)) }
}

fn content(content: Content, key: &FernetKey) -> Result<Content, FernetProblem> {
    match content {
        Content::Value(token) => Ok(Content::Value(value(&token, key)?)),
        Content::Fields(fields) => {
            let fields = fields.into_iter().map(|(tag, token)| Ok((tag, value(&token, key)?)));
            Ok(Content::Fields(fields.collect::<Result<Vec<_>, FernetProblem>>()?))
        }
        Content::Nothing => Ok(Content::Nothing),
    }
}

fn value(token: &Plaintext, key: &FernetKey) -> Result<Plaintext, FernetProblem> {
    let value = key.open(token).map_err(|error| {
        let is_token = matches!(error, CryptoError::OpenFailed { .. });
        if is_token { FernetProblem::Unopened } else { FernetProblem::NoToken }
    })?;
    if value.is_text() { Ok(value) } else { Err(FernetProblem::NoText) }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Format;
    use super::super::read::read;
    use super::*;

    /// The key and the token of "hello" that the specification publishes.
    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    const HELLO: &str =
        "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";

    fn plain(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    fn opened(format: Format, text: &str, key: &str, map: &str) -> Result<Vec<String>, FileError> {
        let entries = read(format, "config", &plain(text)).expect("right");
        let key = FernetKey::from_key_file(&plain(key)).expect("key");
        let entries = open("config", entries, &key, &NameMap::parse("map.toml", map).expect("map"))?;
        let text = |value: &Plaintext| String::from_utf8(value.expose().to_vec()).expect("text");
        let shown = |entry: &Entry| match &entry.content {
            Content::Value(value) => text(value),
            Content::Fields(fields) => fields.iter().map(|(_, value)| text(value)).collect(),
            Content::Nothing => "-".to_owned(),
        };
        Ok(entries.iter().map(shown).collect())
    }

    #[test]
    fn values_and_fields_are_opened_and_what_has_no_value_is_left_alone() {
        let json = format!(r#"{{"A":"{HELLO}","a/b":{{"x":"{HELLO}","y":"{HELLO}"}},"C":null}}"#);
        assert_eq!(opened(Format::Json, &json, KEY, "").expect("opens"), ["hello", "hellohello", "-"]);
    }

    #[test]
    fn a_value_that_does_not_open_names_its_line_and_is_not_quoted() {
        let text = format!("A={HELLO}\nB=canary\nPORT=80\nC={}\n", HELLO.replace("gAAAA", "gAAAB"));
        let error = opened(Format::Dotenv, &text, KEY, "PORT = false\n").expect_err("refused");
        let wanted = [
            "config has 2 problems",
            "  line 2: the value is not a Fernet token; have the map file leave it out, or import it without \
             --fernet-key-file",
            "  line 4: the value is a Fernet token that this key does not open: it was made with another key, or was \
             changed",
        ];
        assert_eq!(error.to_string(), wanted.join("\n"));
        assert!(opened(Format::Dotenv, &format!("A={HELLO}\n"), &"A".repeat(43), "").is_err());
        assert!(opened(Format::Dotenv, &format!("PORT=80\nA={HELLO}\n"), KEY, "PORT = false\n").is_ok());
    }
}
