//! What git says to a credential helper, and what it is told (git-credential(1), git 2.47): lines of `key=value`.
//!
//! A value with a line break would become another line: a host or a user name of somebody else's choice. It is refused.

use std::io::Write;

use super::host::Host;
use super::quoting::is_one_line;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::written::written;
use crate::model::time::Timestamp;

/// Longest question of git that is read, in bytes: git's own lines have at most 65,535, and a few are sent.
pub const QUESTION_BYTES_MAX: usize = 256 << 10;

/// What git asks. Keys that are not known here are passed over, as git says they must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// `https` or `http`, as a rule.
    pub protocol: Option<String>,
    /// The host, with its port if it has one.
    pub host: Option<String>,
    /// What lies there, if git was told to say it.
    pub path: Option<String>,
    /// The user whose password is wanted.
    pub username: Option<String>,
    /// Whether git understands other credentials than a user name with a password.
    pub takes_authtype: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The question is no lines of `key=value`.
    #[error("this is not what git asks a credential helper: lines of key=value, and an empty one")]
    NoQuestion,
    /// The answer would be more lines than it has.
    #[error("the {0} holds a line break or another control character, and git would read what follows as its own line")]
    NotOneLine(&'static str),
    /// It cannot be written.
    #[error("the answer cannot be written")]
    Unwritable,
}

impl Question {
    /// Reads a question up to its empty line.
    ///
    /// # Errors
    /// [`GitError::NoQuestion`].
    pub fn parse(text: &[u8]) -> Result<Self, GitError> {
        let text = std::str::from_utf8(text).map_err(|_| GitError::NoQuestion)?;
        let mut question = Self::default();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            let (key, value) = line.split_once('=').ok_or(GitError::NoQuestion)?;
            if value.contains('\0') {
                return Err(GitError::NoQuestion);
            }
            let own = || Some(value.to_owned());
            match key {
                "protocol" => question.protocol = own(),
                "host" => question.host = own(),
                "path" => question.path = own(),
                "username" => question.username = own(),
                "capability[]" if value == "authtype" => question.takes_authtype = true,
                _ => {}
            }
        }
        Ok(question)
    }

    /// Where the credential would be sent: nowhere unless it is encrypted on the way, or does not leave this machine.
    /// `plain_http` says that somebody allowed the rest.
    #[must_use]
    pub fn destination(&self, plain_http: PlainHttp) -> Option<Host> {
        let host = Host::parse(self.host.as_deref()?).ok()?;
        match self.protocol.as_deref()? {
            "https" => Some(host.without(443)),
            "http" if plain_http == PlainHttp::Allowed || host.is_loopback() => Some(host.without(80)),
            _ => None,
        }
    }
}

/// Whether a credential may travel unencrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// To this machine only.
    LoopbackOnly,
    /// Anywhere.
    Allowed,
}

/// What git is told.
#[derive(Debug)]
pub enum Told {
    /// A user name and a password.
    Password {
        /// The user.
        username: Plaintext,
        /// The password, or a token in its place.
        password: Plaintext,
        /// When it stops working.
        expires_at: Option<Timestamp>,
    },
    /// A token for `Authorization: Bearer`, which git does not keep.
    Bearer {
        /// The token.
        token: Plaintext,
        /// When it stops working.
        expires_at: Option<Timestamp>,
    },
}

/// What git is told when it is to ask nobody else, neither another helper nor the person.
pub const QUIT: &[u8] = b"quit=1\n";

impl Told {
    /// The lines, in memory that is wiped.
    ///
    /// # Errors
    /// [`GitError::NotOneLine`] when they would be others.
    pub fn print(&self) -> Result<Plaintext, GitError> {
        let (Self::Password { expires_at, .. } | Self::Bearer { expires_at, .. }) = self;
        let lines: Vec<(&str, &[u8])> = match self {
            Self::Password { username, password, .. } => {
                vec![("username", one_line("user name", username)?), ("password", one_line("value", password)?)]
            }
            Self::Bearer { token, .. } => vec![
                ("capability[]", b"authtype"),
                ("authtype", b"Bearer"),
                ("credential", one_line("value", token)?),
                ("ephemeral", b"true"),
            ],
        };
        let expiry = expires_at.map(|at| (at.0 / 1000).to_string());
        let expiry = expiry.as_ref().map(|seconds| ("password_expiry_utc", seconds.as_bytes()));
        let print = |to: &mut dyn Write| {
            lines.iter().copied().chain(expiry).try_for_each(|(key, value)| {
                write!(to, "{key}=")?;
                to.write_all(value)?;
                to.write_all(b"\n")
            })
        };
        written(print).map_err(|_: std::io::Error| GitError::Unwritable)
    }
}

fn one_line<'text>(what: &'static str, text: &'text Plaintext) -> Result<&'text [u8], GitError> {
    let fits = std::str::from_utf8(text.expose()).is_ok_and(is_one_line);
    if fits { Ok(text.expose()) } else { Err(GitError::NotOneLine(what)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    fn asked(protocol: &str, host: &str) -> Question {
        Question::parse(format!("protocol={protocol}\nhost={host}\n\n").as_bytes()).expect("a question")
    }

    #[test]
    fn a_question_of_git_is_read_and_what_is_not_known_is_passed_over() {
        let text = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=github.com\npath=acme/app.git\n\
                    wwwauth[]=Basic realm=\"x=y\"\nusername=robot\n\nprotocol=ftp\n";
        let wanted = Question {
            protocol: Some("https".into()),
            host: Some("github.com".into()),
            path: Some("acme/app.git".into()),
            username: Some("robot".into()),
            takes_authtype: true,
        };
        assert_eq!(Question::parse(text.as_bytes()), Ok(wanted));
        for text in [&b"hello\n"[..], b"host=\xff\n", b"host=a\0b\n"] {
            assert_eq!(Question::parse(text), Err(GitError::NoQuestion));
        }
    }

    #[test]
    fn a_credential_goes_where_nobody_listens_or_where_somebody_allowed_it() {
        let to = |protocol, host, allowed| asked(protocol, host).destination(allowed).map(|host| host.to_string());
        let only = PlainHttp::LoopbackOnly;
        assert_eq!(to("https", "github.com:443", only).as_deref(), Some("github.com"));
        assert_eq!(to("http", "127.0.0.1:80", only).as_deref(), Some("127.0.0.1"));
        assert_eq!(to("http", "git.example", only), None);
        assert_eq!(to("http", "git.example", PlainHttp::Allowed).as_deref(), Some("git.example"));
        for protocol in ["ftp", "ssh", "HTTPS", ""] {
            assert_eq!(to(protocol, "git.example", PlainHttp::Allowed), None, "{protocol}");
        }
        assert_eq!(to("https", "git.example/x", only), None);
        assert_eq!(Question::default().destination(PlainHttp::Allowed), None);
    }

    #[test]
    fn an_answer_is_lines_and_no_value_can_add_one() {
        let password = |username: &str, value: &str| Told::Password {
            username: plain(username),
            password: plain(value),
            expires_at: Some(Timestamp(1_800_000_000_999)),
        };
        let told = password("x-access-token", "ghp_a=b c").print().expect("lines");
        assert_eq!(told.expose(), b"username=x-access-token\npassword=ghp_a=b c\npassword_expiry_utc=1800000000\n");
        let bearer = Told::Bearer { token: plain("t"), expires_at: None }.print().expect("lines");
        assert_eq!(bearer.expose(), b"capability[]=authtype\nauthtype=Bearer\ncredential=t\nephemeral=true\n");
        for value in ["a\nhost=evil.example", "a\rb", "a\0b", "a\n"] {
            assert_eq!(password("u", value).print().expect_err("refused"), GitError::NotOneLine("value"));
            assert_eq!(password(value, "v").print().expect_err("refused"), GitError::NotOneLine("user name"));
            let bearer = Told::Bearer { token: plain(value), expires_at: None };
            assert_eq!(bearer.print().expect_err("refused"), GitError::NotOneLine("value"));
        }
    }
}
