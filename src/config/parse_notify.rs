//! `[notify]`: the channels by which people are told. The rules by which events go there are read in `parse_rules`.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::error::Problem;
use super::parse_rules::rules;
use super::section::Section;
use crate::model::channel::{Channel, MailRoute, Means, Notify};
use crate::model::name::KeyName;
use crate::model::quiet_hours::QuietHours;
use crate::model::reference::Reference;
use crate::model::web_address::{WebAddress, is_host};

/// More than anybody reads.
const CHANNELS_MAX: usize = 64;

/// The ports of mail: secured from the start, and by STARTTLS.
const PORT_OF_SUBMISSION: usize = 587;

const RIGHT_KIND: &str = "write \"telegram\", \"slack\", \"webhook\" or \"email\"";
const RIGHT_CHAT: &str = "write the chat, like \"-1001234567890\" or \"#ops\"";
const RIGHT_URL: &str = "write an https URL without a token, like \"https://hooks.example.com/aurora\"";
const RIGHT_CREDENTIAL: &str = "write where the credential is stored, like \"aurora://telegram/bot_token\"";
const RIGHT_TO: &str = "write a list of addresses, like [\"ops@example.com\"]";

/// Reads the section and all below it.
pub(super) fn notify(root: &mut Table, problems: &mut Vec<Problem>) -> Notify {
    let mut table = match root.remove("notify") {
        None => return Notify::default(),
        Some(Value::Table(table)) => table,
        Some(_) => {
            problems.push(Problem::new("notify", "is not a section", "write it as a section: [notify]"));
            return Notify::default();
        }
    };
    let channels = channels(table.remove("channels"), problems);
    let rules = rules(table.remove("rules"), &channels, problems);
    let mut section = Section::of("notify".to_owned(), table, problems);
    let right = "write a list of \"host:port\", like [\"hooks.internal:8443\"]";
    let allow_private = section.texts("allow_private", right, |text| {
        let is_place = WebAddress::parse(&format!("https://{text}/")).is_ok_and(|address| address.place() == text);
        if is_place { Ok(()) } else { Err("is not a host in lower case and a port".to_owned()) }
    });
    section.finish();
    let channels = channels.into_iter().filter_map(|(name, channel)| Some((name, channel?))).collect();
    Notify { allow_private, channels, rules }
}

/// Each channel by name, also those that are wrong: a rule that names one is not wrong for it.
fn channels(found: Option<Value>, problems: &mut Vec<Problem>) -> BTreeMap<KeyName, Option<Channel>> {
    let table = match found {
        None => return BTreeMap::new(),
        Some(Value::Table(table)) if table.len() <= CHANNELS_MAX => table,
        Some(_) => {
            let right = format!("write at most {CHANNELS_MAX} sections like [notify.channels.ops]");
            problems.push(Problem::new("notify.channels", "is not a table of channels, or too many", right));
            return BTreeMap::new();
        }
    };
    let mut channels = BTreeMap::new();
    for (name, value) in table {
        let key = format!("notify.channels.{}", name.escape_debug());
        match (KeyName::parse(&name), value) {
            (Ok(name), Value::Table(table)) => {
                let channel = channel(Section::of(key, table, problems));
                channels.insert(name, channel);
            }
            (Ok(_) | Err(_), _) => {
                problems.push(Problem::new(key, "is not a channel", "write it as a section: [notify.channels.ops]"));
            }
        }
    }
    channels
}

/// The kinds by name; which one decides what else may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Telegram,
    Slack,
    Webhook,
    Email,
}

fn channel(mut section: Section<'_>) -> Option<Channel> {
    let had_kind = section.has("kind");
    let kind = section.text("kind", RIGHT_KIND, |text| match text {
        "telegram" => Ok(Kind::Telegram),
        "slack" => Ok(Kind::Slack),
        "webhook" => Ok(Kind::Webhook),
        "email" => Ok(Kind::Email),
        _ => Err("is not a kind of channel"),
    });
    if !had_kind {
        section.refuse("kind", "is missing", RIGHT_KIND);
    }
    let credential = section.text("credential", RIGHT_CREDENTIAL, |text| match Reference::parse(text) {
        Ok(reference) if reference.version.is_none() => Ok(reference),
        Ok(_) => Err("names a version, and the current one is used".to_owned()),
        // A credential that stands here by mistake is not shown.
        Err(_) => Err("is not a reference".to_owned()),
    });
    let quiet = quiet(&mut section);
    let means = match kind {
        Some(Kind::Telegram) => telegram(&mut section),
        Some(Kind::Slack) => slack(&mut section),
        Some(Kind::Webhook) => webhook(&mut section),
        Some(Kind::Email) => email(&mut section),
        None => {
            section.set_aside();
            return None;
        }
    };
    let needs = match &means {
        Some(Means::Telegram { .. } | Means::SlackApp { .. } | Means::SlackHook { .. }) => true,
        Some(Means::Email(route)) => route.user.is_some(),
        Some(Means::Webhook { .. }) | None => false,
    };
    if needs && credential.is_none() && !section.refused("credential") {
        section.refuse("credential", "is missing", RIGHT_CREDENTIAL);
    }
    section.finish();
    Some(Channel { means: means?, credential, quiet })
}

fn quiet(section: &mut Section<'_>) -> Option<QuietHours> {
    const RIGHT: &str = "write hours, like \"22:00-07:00\"";
    let offset = section.text("utc_offset", "write the zone of the hours, like \"+02:00\"", |text| {
        let is_offset = QuietHours::parse("00:00-01:00", Some(text)).is_some();
        if is_offset { Ok(text.to_owned()) } else { Err("is not an offset from UTC") }
    });
    section.text("quiet", RIGHT, |text| QuietHours::parse(text, offset.as_deref()).ok_or("are no hours of a day"))
}

fn chat(section: &mut Section<'_>) -> Option<String> {
    section.text("chat", RIGHT_CHAT, |text| {
        let fits = (1..=128).contains(&text.len()) && text.chars().all(|one| one.is_ascii_graphic());
        if fits { Ok(text.to_owned()) } else { Err("is not the name or the number of a chat") }
    })
}

fn url(section: &mut Section<'_>, default: Option<&str>) -> Option<WebAddress> {
    let given = section.text("url", RIGHT_URL, WebAddress::parse);
    given.or_else(|| default.and_then(|default| WebAddress::parse(default).ok()))
}

/// Notes that a key is missing, unless what it holds was refused already.
pub(super) fn missing<T>(section: &mut Section<'_>, key: &'static str, right: &str, found: Option<T>) -> Option<T> {
    if found.is_none() && !section.refused(key) {
        section.refuse(key, "is missing", right);
    }
    found
}

fn telegram(section: &mut Section<'_>) -> Option<Means> {
    let (chat, api) = (chat(section), url(section, Some("https://api.telegram.org/")));
    Some(Means::Telegram { chat: missing(section, "chat", RIGHT_CHAT, chat)?, api: api? })
}

/// With a chat it is an app, without one an incoming webhook.
fn slack(section: &mut Section<'_>) -> Option<Means> {
    match chat(section) {
        Some(chat) => {
            Some(Means::SlackApp { chat, api: url(section, Some("https://slack.com/api/chat.postMessage"))? })
        }
        None => {
            let WebAddress { host, port, .. } = url(section, Some("https://hooks.slack.com/"))?;
            Some(Means::SlackHook { host, port })
        }
    }
}

fn webhook(section: &mut Section<'_>) -> Option<Means> {
    let url = url(section, None);
    Some(Means::Webhook { url: missing(section, "url", RIGHT_URL, url)? })
}

fn email(section: &mut Section<'_>) -> Option<Means> {
    let right = "write the server that takes mail, like \"smtp.example.com\"";
    let host = section.text("host", right, |text| {
        if is_host(text) { Ok(text.to_ascii_lowercase()) } else { Err("is not the name of a host") }
    });
    let host = missing(section, "host", right, host);
    let port = section.number("port", PORT_OF_SUBMISSION, 1..=65_535);
    let user = section.text("user", "write the name to log in with", |text| {
        let fits = (1..=254).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(text.to_owned()) } else { Err("is not a name to log in with") }
    });
    let from = section.text("from", "write an address, like \"aurora@example.com\"", address);
    let from = missing(section, "from", "write an address, like \"aurora@example.com\"", from);
    let to = section.texts("to", RIGHT_TO, |text| address(text).map(drop).map_err(str::to_owned));
    if to.is_empty() && !section.refused("to") {
        section.refuse("to", "is missing", RIGHT_TO);
    }
    let port = u16::try_from(port).ok()?;
    Some(Means::Email(Box::new(MailRoute { host: host?, port, user, from: from?, to })))
}

/// As far as it can be told without a library of mail: the way out reads it again.
fn address(text: &str) -> Result<String, &'static str> {
    let bare = text.rsplit_once('<').map_or(text, |(_, rest)| rest.strip_suffix('>').unwrap_or(""));
    let has_parts = bare.split_once('@').is_some_and(|(name, host)| !name.is_empty() && is_host(host));
    let is_plain = text.len() <= 254 && !text.chars().any(|one| one.is_control() || one == ',');
    if has_parts && is_plain { Ok(text.to_owned()) } else { Err("is not an address for mail") }
}
