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

/// What the loader, a shell, an interpreter, git, ssh or a library for TLS takes for an order: what to load or to run, and
/// whom to trust. A name that is made from that of a secret must be none of them: whoever may store `ld/preload` would run
/// what he likes in every program that is given all it may have. Where somebody asks for one by name, he means it.
const OBEYED: [&str; 50] = [
    "ALL_PROXY",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_ENDPOINT_URL",
    "BASH_ENV",
    "CORECLR_ENABLE_PROFILING",
    "CORECLR_PROFILER",
    "CORECLR_PROFILER_PATH",
    "CURL_CA_BUNDLE",
    "CURL_HOME",
    "DOCKER_CONFIG",
    "DOCKER_HOST",
    "DOTNET_STARTUP_HOOKS",
    "GCONV_PATH",
    "GIT_ASKPASS",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_NO_VERIFY",
    "GIT_TEMPLATE_DIR",
    "GLIBC_TUNABLES",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_REPL_EXTERNAL_MODULE",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "PHP_INI_SCAN_DIR",
    "PROMPT_COMMAND",
    "REQUESTS_CA_BUNDLE",
    "RUSTC_WRAPPER",
    "SSH_ASKPASS",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SUDO_ASKPASS",
    "SYSTEMD_EDITOR",
    "SYSTEMD_PAGER",
];

/// The same, in many that begin alike: `LD_PRELOAD`, `GIT_CONFIG_COUNT`, and what this program itself takes for orders.
const OBEYED_BEGINNINGS: [&str; 4] = ["AURORA_", "DYLD_", "GIT_CONFIG", "LD_"];

/// Whether a program would take a variable of this name for an order.
#[must_use]
pub fn is_obeyed(name: &str) -> bool {
    OBEYED.contains(&name) || OBEYED_BEGINNINGS.into_iter().any(|beginning| name.starts_with(beginning))
}

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

    /// A secret under a name that was made for it; false if it is left out, because of what the name means to programs.
    #[must_use]
    pub fn secret(&mut self, name: &str, of: Reference) -> bool {
        let is_taken = !is_obeyed(name);
        if is_taken {
            self.name(name, Ok(Wanted::Secret(of)));
        }
        is_taken
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
        assert!(variables.secret("E", Reference::parse("aurora://e/by_prefix").expect("good")));
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

    /// Names of secrets are chosen by whoever may store them, not by whoever runs the program.
    #[test]
    fn a_name_that_programs_obey_is_not_made_from_that_of_a_secret_and_can_be_asked_for() {
        let reference = || Reference::parse("aurora://ld/preload").expect("good");
        for name in OBEYED.into_iter().chain(["LD_PRELOAD", "LD_AUDIT", "GIT_CONFIG_COUNT", "AURORA_SOCKET"]) {
            let mut variables = Variables::default();
            assert!(!variables.secret(name, reference()), "{name}");
            variables.map(&format!("{name}=ld/preload"));
            assert_eq!(told(variables), [format!("{name} <- aurora://ld/preload")]);
        }
        for name in ["OPENAI_API_KEY", "GITHUB_TOKEN", "GIT_TOKEN", "NODE_AUTH_TOKEN", "LDAP_PASSWORD"] {
            assert!(Variables::default().secret(name, reference()), "{name}");
        }
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
