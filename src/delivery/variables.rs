//! The variables a program is to get: from where it was started, from files, by prefix and one by one; what stands later
//! wins. Pure: files are read and secrets are asked for elsewhere.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::crypto::plaintext::Plaintext;
use crate::model::reference::{Reference, ReferenceError};

/// The variables by which this program itself is told what to do, and on whose authority. A program that it starts does
/// not inherit them.
pub const OWN_VARIABLES: [&str; 10] = [
    "AURORA_AGENT",
    "AURORA_COMPANY",
    "AURORA_CONFIG",
    "AURORA_ENVIRONMENT",
    "AURORA_LOG",
    "AURORA_OUTPUT",
    "AURORA_SIGNING_KEY_FILE",
    "AURORA_SOCKET",
    "AURORA_TOKEN",
    "AURORA_TOKEN_FILE",
];

/// What a variable is to hold.
#[derive(Debug)]
pub enum Wanted {
    /// What a secret holds.
    Secret(Reference),
    /// This text.
    Text(Plaintext),
}

/// Why a variable cannot be. Holds no part of its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// What is meant to be a reference is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// No shell takes such a name, and many programs do not find it.
    #[error("a variable is called by letters, digits and '_', and does not begin with a digit")]
    Name,
    /// `--map` without a name.
    #[error("write --map NAME=SERVICE/KEY_NAME")]
    NoEquals,
    /// The operating system ends a variable at its first zero byte.
    #[error("the value holds a zero byte, and no variable can")]
    ZeroByte,
}

/// One variable that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What it is called; empty where not even that can be told.
    pub variable: String,
    /// Why.
    pub error: VariableError,
}

/// The variables that differ from those the program would inherit.
#[derive(Debug, Default)]
pub struct Variables {
    wanted: BTreeMap<OsString, Result<Wanted, VariableError>>,
    nameless: Vec<Unfit>,
}

impl Variables {
    /// The environment this program was started in: what is a reference there is replaced, the rest stays.
    pub fn inherit(&mut self, environment: impl IntoIterator<Item = (OsString, OsString)>) {
        for (name, text) in environment {
            let is_own = OWN_VARIABLES.iter().any(|own| name == *own);
            let Some(text) = text.to_str().filter(|text| Reference::is_meant(text) && !is_own) else { continue };
            self.wanted.insert(name, reference(text));
        }
    }

    /// What a file gives a name: a reference, or a text that is taken as it stands.
    pub fn text(&mut self, name: &str, text: Plaintext) {
        self.name(name, wanted(text));
    }

    /// `NAME=SERVICE/KEY_NAME?…`, as the command line has it.
    pub fn map(&mut self, text: &str) {
        match text.split_once('=') {
            Some((name, to)) => {
                self.name(name, Reference::parse_short(to).map(Wanted::Secret).map_err(VariableError::from));
            }
            None => self.nameless.push(Unfit { variable: "--map".to_owned(), error: VariableError::NoEquals }),
        }
    }

    /// A secret under a name that was made for it.
    pub fn secret(&mut self, name: &str, of: Reference) {
        self.name(name, Ok(Wanted::Secret(of)));
    }

    fn name(&mut self, name: &str, wanted: Result<Wanted, VariableError>) {
        if is_name(name) {
            self.wanted.insert(name.into(), wanted);
        } else {
            // A value may stand where a name should: only what has the characters of one is repeated.
            let tellable =
                name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte));
            let variable = if tellable { format!("{name:?}") } else { "a variable".to_owned() };
            self.nameless.push(Unfit { variable, error: VariableError::Name });
        }
    }

    /// All of them, or all that are wrong.
    ///
    /// # Errors
    /// Every variable that cannot be.
    pub fn finish(self) -> Result<BTreeMap<OsString, Wanted>, Vec<Unfit>> {
        let (mut good, mut unfit) = (BTreeMap::new(), self.nameless);
        for (name, wanted) in self.wanted {
            match wanted {
                Ok(wanted) => drop(good.insert(name, wanted)),
                Err(error) => unfit.push(Unfit { variable: name.to_string_lossy().into_owned(), error }),
            }
        }
        if unfit.is_empty() { Ok(good) } else { Err(unfit) }
    }
}

/// A value in the form in which a program gets it.
///
/// # Errors
/// [`VariableError::ZeroByte`].
pub fn in_environment(value: &Plaintext) -> Result<&OsStr, VariableError> {
    let bytes = value.expose();
    if bytes.contains(&0) { Err(VariableError::ZeroByte) } else { Ok(OsStr::from_bytes(bytes)) }
}

fn wanted(text: Plaintext) -> Result<Wanted, VariableError> {
    in_environment(&text)?;
    match std::str::from_utf8(text.expose()) {
        Ok(meant) if Reference::is_meant(meant) => reference(meant),
        _ => Ok(Wanted::Text(text)),
    }
}

fn reference(text: &str) -> Result<Wanted, VariableError> {
    Ok(Wanted::Secret(Reference::parse(text)?))
}

/// IEEE 1003.1, 3.216, and 8.1 for whoever is not a shell.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(variables: &mut Variables, entries: &[(&str, &str)]) {
        entries.iter().for_each(|(name, text)| variables.text(name, Plaintext::new(text.as_bytes().to_vec())));
    }

    fn told(variables: Variables) -> Vec<String> {
        let wanted = variables.finish().expect("all good");
        let line = |(name, wanted): (OsString, Wanted)| match wanted {
            Wanted::Secret(reference) => format!("{} <- {reference}", name.display()),
            Wanted::Text(text) => format!("{} = {}", name.display(), String::from_utf8_lossy(text.expose())),
        };
        wanted.into_iter().map(line).collect()
    }

    #[test]
    fn what_stands_later_wins_and_what_is_no_reference_is_inherited_as_it_is() {
        let mut variables = Variables::default();
        let inherited =
            [("A", "aurora://a/inherited"), ("PATH", "/bin"), ("B", "x aurora://a/b"), ("C", "aurora://c/c")];
        variables.inherit(inherited.map(|(name, text)| (name.into(), text.into())));
        file(&mut variables, &[("A", "aurora://a/of_file?field=x"), ("D", "two words"), ("E", "aurora://e/of_file")]);
        variables.secret("E", Reference::parse("aurora://e/by_prefix").expect("good"));
        variables.map("D=d/mapped?version=3");
        assert_eq!(
            told(variables),
            [
                "A <- aurora://a/of_file?field=x",
                "C <- aurora://c/c",
                "D <- aurora://d/mapped?version=3",
                "E <- aurora://e/by_prefix"
            ]
        );
    }

    #[test]
    fn every_problem_is_told_at_once_and_none_of_their_texts() {
        let mut variables = Variables::default();
        variables.inherit([("A".into(), "aurora://Upper/case".into()), ("B".into(), "aurora://x".into())]);
        file(&mut variables, &[("hubspot/api_key", "x"), ("C", "zero\0byte")]);
        ["1X=a/b", "=a/b", "D=a", "hunter2"].iter().for_each(|text| variables.map(text));
        let unfit = variables.finish().expect_err("all wrong");
        let told: Vec<&str> = unfit.iter().map(|unfit| unfit.variable.as_str()).collect();
        assert_eq!(told, ["\"hubspot/api_key\"", "\"1X\"", "\"\"", "--map", "A", "B", "C", "D"]);
        assert!(!format!("{unfit:?}").contains("hunter2"));
    }

    #[test]
    fn a_wrong_text_that_is_overridden_is_no_problem() {
        let mut variables = Variables::default();
        variables.inherit([("A".into(), "aurora://wrong".into())]);
        variables.map("A=a/b");
        assert_eq!(told(variables), ["A <- aurora://a/b"]);
    }

    #[test]
    fn a_variable_of_our_own_is_no_reference_of_the_program() {
        let mut variables = Variables::default();
        variables.inherit(OWN_VARIABLES.map(|name| (name.into(), "aurora://a/b".into())));
        assert!(told(variables).is_empty());
    }

    #[test]
    fn a_value_with_a_zero_byte_is_in_no_environment() {
        assert_eq!(in_environment(&Plaintext::new(b"a\0b".to_vec())), Err(VariableError::ZeroByte));
        assert_eq!(
            in_environment(&Plaintext::new(b"\x01 \n\xff".to_vec())).expect("fits"),
            OsStr::from_bytes(b"\x01 \n\xff")
        );
    }
}
