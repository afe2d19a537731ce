//! What the command shows besides the process it is: an API key from the environment or a file, never from an argument,
//! because every process of the machine could read that; and the agent it acts as.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hyper::Request;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::error::CliError;
use super::signer::{AGENT, SIGNING_KEY_FILE, Signer};
use super::wiped;
use crate::crypto::api_key::ApiKeyText;
use crate::crypto::plaintext::Plaintext;
use crate::model::name::AgentName;

/// Holds the key itself.
const TOKEN: &str = "AURORA_TOKEN";

/// Names a file that holds it.
const TOKEN_FILE: &str = "AURORA_TOKEN_FILE";

const ACT_AS: HeaderName = HeaderName::from_static("x-aurora-act-as");

/// More than a key and the white space somebody put around it.
const FILE_BYTES_MAX: u64 = 1024;

/// Bits of a mode that let others than the owner at a file.
const OTHERS: u32 = 0o077;

/// What is shown with every request. The default shows nothing.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    key: Option<ApiKeyText>,
    acts_as: Option<AgentName>,
    signer: Option<Signer>,
}

impl Credentials {
    /// The key of `AURORA_TOKEN` or of the file that `AURORA_TOKEN_FILE` names, if there is one, and the agent to act as.
    ///
    /// # Errors
    /// [`CliError::Usage`] for what is no key, or may be read by others; [`CliError::Input`] when it cannot be read.
    pub(super) fn of_environment(acts_as: Option<&AgentName>) -> Result<Self, CliError> {
        let set = |name| env::var_os(name).filter(|text| !text.is_empty());
        let signer = Signer::new(set(SIGNING_KEY_FILE), set(AGENT))?;
        Ok(Self { key: key(set(TOKEN), set(TOKEN_FILE))?, acts_as: acts_as.cloned(), signer })
    }

    /// Whether there is a key: then the request is its agent's, and no door makes more of it.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Who signs commands, if they are to be signed.
    pub(super) fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// Adds what is shown to a request.
    ///
    /// # Errors
    /// [`CliError::Garbled`] if it does not fit a header, which no key and no name can cause.
    pub(super) fn show<B>(&self, request: &mut Request<B>) -> Result<(), CliError> {
        let unfit = |_| CliError::Garbled { what: "the request cannot be formed" };
        if let Some(key) = &self.key {
            let bearer = Plaintext::new([b"Bearer ", key.plaintext().expose()].concat());
            let mut value = HeaderValue::from_maybe_shared(wiped::bytes(bearer)).map_err(unfit)?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        if let Some(agent) = &self.acts_as {
            let value = HeaderValue::from_str(agent.as_str()).map_err(unfit)?;
            request.headers_mut().insert(ACT_AS, value);
        }
        Ok(())
    }
}

fn key(text: Option<OsString>, file: Option<OsString>) -> Result<Option<ApiKeyText>, CliError> {
    match (text, file) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(CliError::Usage {
            message: format!("{TOKEN} and {TOKEN_FILE} are both set"),
            hint: format!("Unset one of them: unset {TOKEN}"),
        }),
        (Some(text), None) => parsed(trimmed(&Plaintext::new(text.into_vec())), TOKEN).map(Some),
        (None, Some(path)) => parsed(trimmed(&read(Path::new(&path), TOKEN_FILE)?), TOKEN_FILE).map(Some),
    }
}

fn parsed(text: Plaintext, from: &str) -> Result<ApiKeyText, CliError> {
    ApiKeyText::parse(text).map_err(|error| CliError::Usage {
        message: format!("{from}: {error}"),
        hint: "A key begins with mj_agent_ and has 58 characters; aurora apikey create makes one.".to_owned(),
    })
}

/// Bytes without the white space around them: a key that was read from a file or printed by a command ends its line.
fn trimmed(text: &Plaintext) -> Plaintext {
    Plaintext::new(text.expose().trim_ascii().to_vec())
}

/// Reads a file that nobody but its owner may read, into one buffer. The mode is that of the file that was opened, not of a name.
/// Mistakes name the variable that names the file.
pub(super) fn read(path: &Path, variable: &str) -> Result<Plaintext, CliError> {
    let what = path.display().to_string();
    let unreadable = |source| CliError::Input { what: format!("{what}, the file that {variable} names"), source };
    let file = File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() || found.len() > FILE_BYTES_MAX {
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is not a file that holds a key")));
    }
    let user = rustix::process::geteuid().as_raw();
    if found.mode() & OTHERS != 0 || (found.uid() != user && found.uid() != 0) {
        return Err(CliError::Usage {
            message: format!("{what} holds a key, and others than you may read or replace it"),
            hint: format!("Take it from them: chmod 600 {what}. If others could read it, rotate the key."),
        });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(FILE_BYTES_MAX).unwrap_or_default());
    let outcome = file.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
    let bytes = Plaintext::new(bytes);
    outcome.map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const KEY: &str = "mj_agent_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno3qTWPP";

    fn of_file(path: &Path) -> Result<Option<ApiKeyText>, CliError> {
        key(None, Some(path.as_os_str().to_owned()))
    }

    #[test]
    fn a_key_is_taken_from_the_variable_or_the_file_and_never_from_both() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("key");
        fs::write(&path, format!("{KEY}\n")).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its mode");
        let from_text = key(Some(KEY.into()), None).expect("good").expect("a key");
        assert_eq!(from_text.hash(), of_file(&path).expect("good").expect("a key").hash());
        for ended in [format!("{KEY}\n"), format!("{KEY}\r\n")] {
            assert_eq!(from_text.hash(), key(Some(ended.into()), None).expect("good").expect("a key").hash());
        }
        assert!(key(None, None).expect("good").is_none());
        assert!(matches!(key(Some(KEY.into()), Some(path.into())), Err(CliError::Usage { .. })));
    }

    #[test]
    fn a_mistyped_key_is_told_without_asking_the_node_and_not_repeated() {
        let mistyped = format!("{}Q", &KEY[..KEY.len() - 1]);
        let refused = key(Some(mistyped.into()), None).map(drop).expect_err("damaged");
        let told = format!("{refused} {}", refused.hint());
        assert!(told.contains("damaged") && told.contains("AURORA_TOKEN") && !told.contains("0Eoh"), "{told}");
        assert!(key(Some("hunter2".into()), None).map(drop).expect_err("none").to_string().contains("malformed"));
    }

    #[test]
    fn a_file_that_others_may_read_is_not_taken() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("key");
        fs::write(&path, KEY).expect("written");
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its mode");
            let refused = of_file(&path).map(drop).expect_err("open to others");
            assert!(refused.hint().contains("chmod 600"), "{mode:o}: {refused}");
        }
        for unfit in [home.path().to_owned(), home.path().join("missing")] {
            assert!(matches!(of_file(&unfit), Err(CliError::Input { .. })));
        }
        fs::write(&path, "x".repeat(2000)).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its mode");
        assert!(matches!(of_file(&path), Err(CliError::Input { .. })));
    }

    #[test]
    fn the_key_is_shown_as_a_bearer_and_marked_as_secret() {
        let shown = Credentials {
            key: key(Some(KEY.into()), None).expect("good"),
            acts_as: AgentName::parse("robot").ok(),
            signer: None,
        };
        let mut request = Request::new(());
        shown.show(&mut request).expect("fits");
        let value = &request.headers()[AUTHORIZATION];
        assert!(value.is_sensitive() && value.as_bytes() == format!("Bearer {KEY}").as_bytes());
        assert_eq!(request.headers()[ACT_AS], "robot");
        assert!(!format!("{request:?} {shown:?}").contains("0Eoh"));
        let mut request = Request::new(());
        Credentials::default().show(&mut request).expect("nothing to show");
        assert!(request.headers().is_empty());
    }
}
