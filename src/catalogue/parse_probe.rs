//! How credentials are checked, read from a file.

use toml::Table;

use super::error::Reason;
use super::parse_answer::{answers, expires, header_name, header_value};
use super::parse_url::origin;
use super::probe::{Authenticate, Method, Probe, Request, Template};
use super::section::Section;
use super::template::{in_header, in_path, template};
use crate::model::name::KeyName;

/// Headers that belong to the connection, or by which a call could be led to another host.
const OURS: [&str; 8] =
    ["host", "content-length", "content-type", "connection", "transfer-encoding", "te", "upgrade", "trailer"];

/// What a refresh token is shown with (RFC 6749, 6).
const CLIENT: [&str; 2] = ["client_id", "client_secret"];

/// What the rest of the file has for a probe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    /// The names of the fields.
    pub(super) fields: &'a [KeyName],
    /// Whether calls have a host of the provider to go to.
    pub(super) has_host: bool,
    /// Whether there is a token endpoint that says what its answers mean.
    pub(super) has_token: bool,
}

impl Setting<'_> {
    fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.as_str() == name)
    }
}

/// The probes of `[[probes]]`, in their order.
pub(super) fn probes(section: &mut Section<'_>, tables: Vec<Table>, setting: Setting<'_>) -> Vec<Probe> {
    let mut probes: Vec<Probe> = Vec::with_capacity(tables.len());
    for (index, table) in tables.into_iter().enumerate() {
        let mut section = section.inside(&format!("probes[{index}]"), table);
        let probe = probe(&mut section, setting);
        if let Some(twice) = probe.iter().find(|it| probes.iter().any(|earlier| earlier.credential == it.credential)) {
            let (name, first) = (twice.credential.to_string(), "an earlier probe".to_owned());
            section.refuse("credential", Reason::Twice { name, first });
        }
        section.finish();
        probes.extend(probe);
    }
    probes
}

fn probe(section: &mut Section<'_>, setting: Setting<'_>) -> Option<Probe> {
    let credential = section.text("credential", |name| {
        let field = setting.fields.iter().find(|field| field.as_str() == name);
        field.cloned().ok_or_else(|| Reason::NoField { name: name.to_owned() })
    });
    let authenticate = match section.table("authenticate") {
        Some(table) => {
            let mut section = section.inside("authenticate", table);
            let read = authenticate(&mut section, setting);
            section.finish();
            read
        }
        None => {
            section.refuse("authenticate", Reason::Kind("a table with in = \"header\" or another place"));
            None
        }
    };
    let has_request = section.has("request");
    let request = section.table("request").and_then(|table| {
        let mut section = section.inside("request", table);
        let read = request(&mut section, setting);
        section.finish();
        read
    });
    let expires = expires(section);
    let by_token = matches!(authenticate, Some(Authenticate::RefreshToken | Authenticate::ServiceAccount));
    let tables = if has_request || !by_token { section.tables("answers") } else { section.optional_tables("answers") };
    let answers = answers(section, tables);
    let (credential, authenticate) = (credential?, authenticate?);
    if !has_request && !by_token {
        section.refuse("request", Reason::Missing);
        return None;
    }
    if !has_request && !answers.is_empty() {
        section.refuse("answers", Reason::Unfit("has no request to be about: what the token endpoint says decides"));
    }
    if by_token && !setting.has_token {
        section.refuse("authenticate", Reason::Unfit("needs a [token] with a url and [[token.answers]]"));
    }
    if authenticate == Authenticate::RefreshToken && !CLIENT.iter().all(|name| setting.has_field(name)) {
        section.refuse("authenticate", Reason::Unfit("needs the fields client_id and client_secret"));
    }
    if !is_used(&credential, &authenticate, request.as_ref(), by_token) {
        section.refuse("authenticate", Reason::Unfit("does not send the credential: name it, as {field}"));
    }
    if has_request && request.is_none() {
        return None;
    }
    Some(Probe { credential, authenticate, request, answers, expires })
}

/// Whether the credential is a part of what is sent: a probe that is answered without it would call any key good.
fn is_used(credential: &KeyName, authenticate: &Authenticate, request: Option<&Request>, by_token: bool) -> bool {
    let named = |template: &Template| template.names(credential);
    match authenticate {
        Authenticate::Header { value, .. } | Authenticate::Query { value, .. } => named(value),
        Authenticate::Basic { user, password } => named(user) || named(password),
        // A request that was refused is told already.
        Authenticate::Path => request.is_none_or(|request| named(&request.path)),
        Authenticate::RefreshToken | Authenticate::ServiceAccount => by_token,
    }
}

fn authenticate(section: &mut Section<'_>, setting: Setting<'_>) -> Option<Authenticate> {
    let of_header = |text: &str| template(text, setting.fields, in_header);
    let place = section.text("in", |place| {
        let known = ["header", "query", "path", "basic", "refresh_token", "service_account"];
        let wanted = "header, query, path, basic, refresh_token or service_account";
        let found = known.into_iter().find(|known| *known == place);
        found.ok_or_else(|| Reason::Value { found: place.to_owned(), wanted })
    })?;
    match place {
        "header" => {
            let (name, value) = (section.text("name", request_header), section.text("value", of_header));
            Some(Authenticate::Header { name: name?, value: value? })
        }
        "query" => {
            let (name, value) = (section.text("name", parameter), section.text("value", of_header));
            Some(Authenticate::Query { name: name?, value: value? })
        }
        "basic" => {
            // RFC 7617, 2: the first colon ends the user.
            let of_user = |text: &str| template(text, setting.fields, |it| it != ':' && in_header(it));
            let (user, password) = (section.text("user", of_user), section.text("password", of_header));
            Some(Authenticate::Basic { user: user?, password: password? })
        }
        "refresh_token" => Some(Authenticate::RefreshToken),
        "service_account" => Some(Authenticate::ServiceAccount),
        _ => Some(Authenticate::Path),
    }
}

fn request(section: &mut Section<'_>, setting: Setting<'_>) -> Option<Request> {
    let method = section.text("method", |method| match method {
        "GET" => Ok(Method::Get),
        "POST" => Ok(Method::Post),
        other => Err(Reason::Value { found: other.to_owned(), wanted: "GET or POST" }),
    });
    let path = section.text("path", |path| {
        let bad = || Reason::Value { found: path.to_owned(), wanted: "a path, which begins with /" };
        if path.starts_with('/') { template(path, setting.fields, in_path) } else { Err(bad()) }
    });
    let query = section.named("query", |name, value| {
        parameter(name)?;
        template(value, setting.fields, in_header)
    });
    let headers = section.named("headers", |name, value| {
        request_header(name)?;
        header_value(value).map(str::to_owned)
    });
    let json = section.optional("json", |text| {
        let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
        is_json.then(|| text.to_owned()).ok_or_else(|| Reason::Value { found: text.to_owned(), wanted: "JSON" })
    });
    let elsewhere = section.has("base_url");
    let origin = section.optional("base_url", origin);
    if !elsewhere && !setting.has_host {
        section.refuse("path", Reason::Unfit("has no host: the file needs a base_url, or a host_field"));
    }
    if json.is_some() && method == Some(Method::Get) {
        section.refuse("json", Reason::Unfit("goes with method = \"POST\" only"));
    }
    Some(Request { origin, method: method?, path: path?, query, headers, json })
}

fn request_header(text: &str) -> Result<String, Reason> {
    let name = header_name(text)?;
    if OURS.contains(&text) {
        return Err(Reason::Value { found: name, wanted: "a header that a file may set" });
    }
    Ok(name)
}

/// The name of a parameter of the query.
fn parameter(text: &str) -> Result<String, Reason> {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let bad = || Reason::Value { found: text.to_owned(), wanted: "the name of a parameter" };
    (!text.is_empty() && text.bytes().all(inside)).then(|| text.to_owned()).ok_or_else(bad)
}
