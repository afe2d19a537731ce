//! Mail over SMTP (RFC 5321), within the guard: the address was checked and is what is dialled, TLS is required and its
//! certificate must be of the name, and no credential is said before.
//!
//! What it deliberately does not do: look up mail exchangers, or speak to a server without TLS. The owner names the server
//! that takes the mail.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::blame::untrusted;
use super::call::Target;
use super::client::Egress;
use super::error::EgressError;
use super::mail_stream::{MailStream, start_tls};
use super::notice::NOTICE_TIMEOUT;
use super::request::bounds;
use super::resolver::{NoAddress, checked, reason};
use crate::crypto::plaintext::Plaintext;
use crate::model::time::Timestamp;

/// The first millisecond since 1970 that no date of a mail can name.
const YEAR_10000_MS: u64 = 253_402_300_800_000;

/// How a connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte (RFC 8314).
    Implicit,
    /// After a few words in the clear (RFC 3207).
    StartTls,
}

/// Who says that it may send.
pub struct MailLogin {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Plaintext,
}

/// One mail.
pub struct Mail {
    /// The server that takes it.
    pub target: Target,
    /// How the connection is secured.
    pub tls: MailTls,
    /// Who sends, if the server wants to know.
    pub login: Option<MailLogin>,
    /// The address it comes from.
    pub from: String,
    /// The addresses it goes to.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// Makes it the same mail as one that was sent with the same id.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
}

impl fmt::Debug for Mail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Mail").field("target", &self.target).field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTaken {
    /// The server has taken it over.
    Taken,
    /// It has refused it, with this code: from 500 for good, below for now (RFC 5321, 4.2.1).
    Refused(u16),
}

/// Whether mail could go to and from this address.
#[must_use]
pub fn is_mail_address(text: &str) -> bool {
    text.len() <= 254 && !text.chars().any(char::is_control) && text.parse::<Mailbox>().is_ok()
}

impl Egress {
    /// Sends a mail within [`NOTICE_TIMEOUT`].
    ///
    /// # Errors
    /// [`EgressError`]: the server could not be spoken to, or did not prove who it is. Its own words are not passed on.
    pub async fn mail(&self, mail: Mail) -> Result<MailTaken, EgressError> {
        let host = mail.target.host.clone();
        let late = |_| EgressError::Timeout { host, limit: NOTICE_TIMEOUT };
        timeout(NOTICE_TIMEOUT, Box::pin(self.converse(mail))).await.map_err(late)?
    }

    async fn converse(&self, mail: Mail) -> Result<MailTaken, EgressError> {
        let host = mail.target.host.as_str();
        let message = message(&mail).ok_or(EgressError::Unsendable { host: host.to_owned(), part: "mail" })?;
        let stream = self.secured(&mail.target, mail.tls).await?;
        let hello = ClientId::Domain("localhost".to_owned());
        let ended = |error: lettre::transport::smtp::Error| ended(host, &error);
        let connected = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await;
        let mut connection = match connected.map_err(ended) {
            Ok(connection) => connection,
            Err(refused) => return refused,
        };
        if let Some(MailLogin { user, password }) = mail.login {
            let password = std::str::from_utf8(password.expose())
                .map_err(|_| EgressError::Unsendable { host: host.to_owned(), part: "mail" })?;
            let credentials = Credentials::new(user, password.to_owned());
            if let Err(error) = connection.auth(DEFAULT_MECHANISMS, &credentials).await {
                connection.abort().await;
                return ended(error);
            }
        }
        if let Err(error) = connection.send(message.envelope(), &message.formatted()).await {
            return ended(error);
        }
        // It has been taken: how the two part is nobody's concern.
        let _parted = connection.quit().await;
        Ok(MailTaken::Taken)
    }

    /// A connection to one of the checked addresses, on which the server has proved its name.
    async fn secured(&self, target: &Target, tls: MailTls) -> Result<MailStream, EgressError> {
        let host = target.host.clone();
        let cut = |error: std::io::Error| EgressError::Broken { host: host.clone(), reason: error.kind().to_string() };
        let mut tcp = self.dialled(target).await?;
        if tls == MailTls::StartTls {
            start_tls(&mut tcp).await.map_err(|error| {
                if error.kind() == std::io::ErrorKind::Unsupported {
                    return EgressError::Tls { host: host.clone(), reason: "it does not offer STARTTLS".to_owned() };
                }
                cut(error)
            })?;
        }
        let unproved = |reason: &str| EgressError::Tls { host: host.clone(), reason: reason.to_owned() };
        let name = ServerName::try_from(host.clone()).map_err(|_| unproved("it is not a name of a host"))?;
        let connector = TlsConnector::from(Arc::clone(&self.mail));
        let secured = connector.connect(name, tcp).await.map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            unproved(inner.map_or("the connection ended before it could prove anything", untrusted))
        })?;
        Ok(match tls {
            MailTls::Implicit => MailStream::greeted_by_server(secured),
            MailTls::StartTls => MailStream::greeted_before(secured),
        })
    }

    async fn dialled(&self, target: &Target) -> Result<TcpStream, EgressError> {
        let host = || target.host.clone();
        let found = match target.host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => {
                let found = self.resolver.look_up(&target.host).await;
                found.map_err(|error| EgressError::Dns { host: host(), reason: reason(&error) })?
            }
        };
        let addresses = checked(found, bounds(target)).map_err(|none| match none {
            NoAddress::Unknown(reason) => EgressError::Dns { host: host(), reason },
            NoAddress::Forbidden { address, kind } => EgressError::Forbidden { host: host(), address, kind },
        })?;
        let mut reason = String::new();
        for address in addresses {
            match TcpStream::connect(SocketAddr::new(address.ip(), target.port)).await {
                Ok(tcp) => return Ok(tcp),
                Err(error) => reason = error.kind().to_string(),
            }
        }
        Err(EgressError::Connect { host: host(), reason })
    }
}

/// What a conversation came to that did not end well. Only the code is told of what the server said.
fn ended(host: &str, error: &lettre::transport::smtp::Error) -> Result<MailTaken, EgressError> {
    if let Some(code) = error.status() {
        let code = code.to_string().parse().unwrap_or(500);
        return Ok(MailTaken::Refused(code));
    }
    let reason = if error.is_client() {
        "it offers none of the ways to log in that are known here"
    } else {
        "the connection ended, or what came is not SMTP"
    };
    Err(EgressError::Broken { host: host.to_owned(), reason: reason.to_owned() })
}

fn message(mail: &Mail) -> Option<Message> {
    // A date of another year than one of four digits is none (and the library would panic).
    let since = Duration::from_millis(u64::try_from(mail.at.0).ok().filter(|at| *at < YEAR_10000_MS)?);
    let mut builder = Message::builder().from(mail.from.parse::<Mailbox>().ok()?);
    for to in &mail.to {
        builder = builder.to(to.parse::<Mailbox>().ok()?);
    }
    let id = format!("<{}@aurora.invalid>", mail.id);
    let builder = builder.subject(mail.subject.clone()).date(UNIX_EPOCH.checked_add(since)?).message_id(Some(id));
    // Without the version of MIME no reader need heed the type, and with it the character set (RFC 2045, 4).
    builder.header(MIME_VERSION_1_0).header(ContentType::TEXT_PLAIN).body(mail.text.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_in_a_subject_begins_no_header() {
        let mail = Mail {
            target: Target { host: "mail.example.com".to_owned(), port: 465, allow_private: false },
            tls: MailTls::Implicit,
            login: None,
            from: "Aurora <aurora@example.com>".to_owned(),
            to: vec!["ops@example.com".to_owned()],
            subject: "a\r\nBcc: mallory@example.com".to_owned(),
            text: "a\n.\nb".to_owned(),
            id: "evt_1".to_owned(),
            at: Timestamp(0),
        };
        let message = message(&mail).expect("a mail");
        let text = String::from_utf8(message.formatted()).expect("text");
        assert!(!text.contains("\r\nBcc:"), "{text}");
        assert!(text.contains("Message-ID: <evt_1@aurora.invalid>"), "{text}");
        assert!(text.contains("MIME-Version: 1.0\r\n"), "{text}");
        assert_eq!(message.envelope().to().len(), 1);
        assert!(!format!("{mail:?}").contains("ops@"));
    }

    #[test]
    fn a_mail_of_a_time_that_no_date_names_is_not_written_and_nothing_falls_over() {
        let of = |at| Mail {
            target: Target { host: "mail.example.com".to_owned(), port: 465, allow_private: false },
            tls: MailTls::Implicit,
            login: None,
            from: "aurora@example.com".to_owned(),
            to: vec!["ops@example.com".to_owned()],
            subject: "a".to_owned(),
            text: "b".to_owned(),
            id: "evt_1".to_owned(),
            at: Timestamp(at),
        };
        assert!(message(&of(253_402_300_799_999)).is_some());
        for at in [253_402_300_800_000, i64::MAX, -1, i64::MIN] {
            assert!(message(&of(at)).is_none(), "{at}");
        }
    }

    #[test]
    fn an_address_is_one_mailbox() {
        assert!(is_mail_address("ops@example.com") && is_mail_address("Ops <ops@example.com>"));
        for text in ["", "ops", "ops@", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com"] {
            assert!(!is_mail_address(text), "{text:?}");
        }
    }
}
