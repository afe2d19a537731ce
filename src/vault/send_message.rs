//! One message, put into the words of its receiver and sent: signed JSON, a chat, mail. What is told of the answer is made
//! of our words and of its code; nothing that a receiver wrote is kept.

use crate::actors::courier::{Carried, Message};
use crate::crypto::plaintext::Plaintext;
use crate::crypto::webhook::WebhookKey;
use crate::crypto::written::written;
use crate::egress::call::{Call, Method, Target};
use crate::egress::client::Egress;
use crate::egress::error::EgressError;
use crate::egress::mail::{Mail, MailLogin, MailTaken, MailTls};
use crate::events::messages::{self, Told};
use crate::events::retry::{Outcome, asked_pause};
use crate::model::channel::{MailRoute, Means};
use crate::model::time::Timestamp;
use crate::model::web_address::WebAddress;

const JSON: &str = "application/json";

/// The port of mail that is secured from the start (RFC 8314).
const PORT_OF_SECURED_MAIL: u16 = 465;

/// How a message goes.
pub(super) enum Way {
    /// As it is, signed with each of these.
    Webhook { url: WebAddress, allow_private: bool, keys: Vec<WebhookKey> },
    /// In the words of a channel.
    Channel(Box<Sealed>),
}

/// A channel with its credential.
pub(super) struct Sealed {
    pub(super) means: Means,
    pub(super) credential: Option<Plaintext>,
    pub(super) allow_private: bool,
}

/// Sends.
pub(super) async fn deliver(egress: &Egress, now: Timestamp, message: Message, way: Way) -> Carried {
    match way {
        Way::Webhook { url, allow_private, keys } => match signed(&message, &url, allow_private, &keys, now) {
            Some(call) => posted(egress, &call).await,
            None => unfit(),
        },
        Way::Channel(sealed) => told(egress, &message, *sealed).await,
    }
}

async fn told(egress: &Egress, message: &Message, sealed: Sealed) -> Carried {
    let Sealed { means, credential, allow_private } = sealed;
    let told = Told::of(&message.body);
    match means {
        Means::Telegram { chat, api } => {
            let body = messages::telegram(&chat, &told, !message.urgent);
            match credential.and_then(|token| bot_path(&api, &token)) {
                Some(path) => posted(egress, &call(target(&api, allow_private), path, Vec::new(), body)).await,
                None => unfit(),
            }
        }
        Means::SlackApp { chat, api } => {
            let body = messages::slack(Some(&chat), &told);
            let Some(bearer) = credential.and_then(|token| bearer(&token)) else { return unfit() };
            let headers = vec![("authorization".to_owned(), bearer)];
            let path = Plaintext::new(api.path.clone().into_bytes());
            answered(egress, call(target(&api, allow_private), path, headers, body)).await
        }
        Means::SlackHook { host, port } => {
            let url = credential.and_then(|url| WebAddress::parse(std::str::from_utf8(url.expose()).ok()?.trim()).ok());
            match url.filter(|url| url.host == host && url.port == port) {
                Some(url) => {
                    let path = Plaintext::new(url.path.clone().into_bytes());
                    let body = messages::slack(None, &told);
                    posted(egress, &call(target(&url, allow_private), path, Vec::new(), body)).await
                }
                None => unfit(),
            }
        }
        Means::Webhook { .. } => unfit(),
        Means::Email(route) => mailed(egress, message, told, *route, credential, allow_private).await,
    }
}

/// The message with its id, its time and the signatures over both (Standard Webhooks 1.0).
fn signed(
    message: &Message,
    url: &WebAddress,
    allow_private: bool,
    keys: &[WebhookKey],
    now: Timestamp,
) -> Option<Call> {
    let seconds = now.0.div_euclid(1000);
    let plain = |text: &str| Plaintext::new(text.as_bytes().to_vec());
    let mut headers = vec![
        ("webhook-id".to_owned(), plain(&message.id)),
        ("webhook-timestamp".to_owned(), plain(&seconds.to_string())),
    ];
    if !keys.is_empty() {
        let codes = keys.iter().map(|key| key.sign(&message.id, seconds, message.body.as_bytes()).ok());
        let codes: Vec<String> = codes.collect::<Option<_>>()?;
        headers.push(("webhook-signature".to_owned(), plain(&codes.join(" "))));
    }
    Some(call(target(url, allow_private), plain(&url.path), headers, message.body.clone()))
}

fn call(target: Target, path: Plaintext, headers: Vec<(String, Plaintext)>, body: String) -> Call {
    Call { target, method: Method::Post, path, headers, body: Some((JSON, Plaintext::new(body.into_bytes()))) }
}

fn target(url: &WebAddress, allow_private: bool) -> Target {
    Target { host: url.host.clone(), port: url.port, allow_private }
}

/// `…/bot<token>/sendMessage`. A token is digits, letters and a colon: anything else could lead elsewhere.
fn bot_path(api: &WebAddress, token: &Plaintext) -> Option<Plaintext> {
    let token = token.expose().trim_ascii();
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b":_-".contains(byte);
    let is_token = !token.is_empty() && token.len() <= 256 && token.iter().all(fits);
    let base = api.path.trim_end_matches('/');
    let path = written::<std::io::Error>(|to| {
        to.write_all(base.as_bytes())?;
        to.write_all(b"/bot")?;
        to.write_all(token)?;
        to.write_all(b"/sendMessage")
    });
    path.ok().filter(|_| is_token)
}

fn bearer(token: &Plaintext) -> Option<Plaintext> {
    let token = token.expose().trim_ascii();
    let is_token = !token.is_empty() && token.iter().all(u8::is_ascii_graphic);
    let header = written::<std::io::Error>(|to| {
        to.write_all(b"Bearer ")?;
        to.write_all(token)
    });
    header.ok().filter(|_| is_token)
}

/// Whoever answers with 2xx has taken it; what else it answers is not read.
async fn posted(egress: &Egress, call: &Call) -> Carried {
    match egress.notify(call).await {
        Ok(receipt) => judged(receipt.status, receipt.retry_after.as_deref()),
        Err(error) => failed(&error),
    }
}

/// The same where a 200 may say that nothing was taken.
async fn answered(egress: &Egress, call: Call) -> Carried {
    match egress.send(call).await {
        Ok(reply) if reply.status == 200 && !messages::slack_took_it(reply.body.expose()) => {
            let told = "200, but the message was not taken".to_owned();
            Carried { outcome: Outcome::NotTaken { why: told.clone(), retry_after: None }, told }
        }
        Ok(reply) => judged(reply.status, reply.header("retry-after")),
        Err(error) => failed(&error),
    }
}

async fn mailed(
    egress: &Egress,
    message: &Message,
    told: Told,
    route: MailRoute,
    credential: Option<Plaintext>,
    allow_private: bool,
) -> Carried {
    let MailRoute { host, port, user, from, to } = route;
    let mail = Mail {
        target: Target { host, port, allow_private },
        tls: if port == PORT_OF_SECURED_MAIL { MailTls::Implicit } else { MailTls::StartTls },
        login: user.zip(credential).map(|(user, password)| MailLogin { user, password }),
        from,
        to,
        subject: format!("[aurora] {}", told.title),
        text: told.text,
        id: message.id.clone(),
        at: message.born,
    };
    match egress.mail(mail).await {
        Ok(MailTaken::Taken) => Carried { outcome: Outcome::Taken, told: "250".to_owned() },
        Ok(MailTaken::Refused(code)) => {
            let told = format!("{code}");
            Carried { outcome: Outcome::NotTaken { why: told.clone(), retry_after: None }, told }
        }
        Err(error) => failed(&error),
    }
}

fn judged(status: u16, retry_after: Option<&str>) -> Carried {
    let told = status.to_string();
    let outcome = match status {
        200..=299 => Outcome::Taken,
        410 => Outcome::Gone,
        _ => Outcome::NotTaken { why: told.clone(), retry_after: asked_pause(status, retry_after) },
    };
    Carried { outcome, told }
}

fn failed(error: &EgressError) -> Carried {
    let told = error.to_string();
    Carried { outcome: Outcome::NotTaken { why: told.clone(), retry_after: None }, told }
}

fn unfit() -> Carried {
    let told = "not sent: its credential is not one of this kind of channel".to_owned();
    Carried { outcome: Outcome::NotTaken { why: told.clone(), retry_after: None }, told }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::courier::Destination;
    use crate::model::name::KeyName;

    fn plain(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_webhook_is_signed_with_every_key_over_id_time_and_body() {
        let url = WebAddress::parse("https://hooks.example.com:8443/a?b=c").expect("a URL");
        let name = KeyName::parse("ci").expect("a name");
        let message = Message {
            to: Destination::Subscriber { name, url: url.clone(), both_sign: true },
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            body: r#"{"test": 2432232314}"#.to_owned(),
            born: Timestamp(0),
            urgent: false,
        };
        let keys = [plain("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), plain("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
        let keys: Vec<WebhookKey> = keys.iter().map(|key| WebhookKey::parse(key).expect("a key")).collect();
        let call = signed(&message, &url, false, &keys, Timestamp(1_614_265_330_999)).expect("signed");
        let header = |name: &str| {
            let found = call.headers.iter().find(|(known, _)| known == name).expect(name);
            String::from_utf8(found.1.expose().to_vec()).expect("text")
        };
        assert_eq!(header("webhook-timestamp"), "1614265330");
        let codes = header("webhook-signature");
        let (first, second) = codes.split_once(' ').expect("two");
        assert_eq!(first, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(second.starts_with("v1,") && second != first);
        assert_eq!((call.target.port, call.path.expose()), (8443, &b"/a?b=c"[..]));
    }

    #[test]
    fn a_token_that_could_lead_elsewhere_goes_nowhere() {
        let api = WebAddress::parse("https://api.telegram.org/").expect("a URL");
        let path = bot_path(&api, &plain("123:AA-b_c\n")).expect("a token");
        assert_eq!(path.expose(), b"/bot123:AA-b_c/sendMessage");
        for token in ["", "1/../../x", "a b", "a?b", "a%2f"] {
            assert!(bot_path(&api, &plain(token)).is_none(), "{token}");
        }
        assert!(bearer(&plain("xoxb-1")).is_some() && bearer(&plain("a\nb")).is_none());
    }

    #[test]
    fn what_an_answer_means_is_said_by_its_code() {
        assert_eq!(judged(204, None).outcome, Outcome::Taken);
        assert_eq!(judged(410, None).outcome, Outcome::Gone);
        for status in [301, 302, 400, 404, 500, 503] {
            assert!(matches!(judged(status, None).outcome, Outcome::NotTaken { .. }), "{status}");
        }
    }
}
