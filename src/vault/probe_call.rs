//! A probe with its places filled: the one call that asks a provider about a credential. Pure.
//!
//! What holds any part of a credential is built in memory that is wiped and never grows. What cannot stand where the
//! provider's file puts it is refused here, before anything is sent: a line break in a header, a path that climbs, a host
//! that is not one of the provider's.

use std::collections::BTreeMap;
use std::io::Write;

use crate::catalogue::probe::{self, Authenticate, Host, Origin, Piece, Probe, Request, Template};
use crate::catalogue::provider::{Provider, TokenEndpoint};
use crate::crypto::assertion::{Claims, assertion, basic};
use crate::crypto::plaintext::Plaintext;
use crate::crypto::written::written;
use crate::egress::call::{Call, Method, Target};
use crate::model::name::KeyName;
use crate::model::secret::Scope;
use crate::model::time::Timestamp;

/// The fields of an application that is given access tokens (RFC 6749, 2.3.1).
const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";

/// The field that names the person a service account acts for.
const ADMIN_EMAIL: &str = "admin_email";

/// Longest label of a host name (RFC 1035, 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

const FORM: &str = "application/x-www-form-urlencoded";

/// The values of fields.
pub(super) type Fields = BTreeMap<KeyName, Plaintext>;

/// Why no call can be made of a credential. Never a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// A field that is needed has no value.
    #[error("{0} has no value: nothing was sent")]
    Missing(KeyName),
    /// The host of the credential is none of the provider.
    #[error("the {0} is not one of this provider's: nothing was sent")]
    ForeignHost(KeyName),
    /// A value that cannot stand where it has to.
    #[error("it holds characters that no {0} may: nothing was sent")]
    Unsendable(&'static str),
    /// A value from which no assertion can be made.
    #[error("it is not the key file of a service account: nothing was sent")]
    NoKeyFile,
    /// The provider's file has no host for it.
    #[error("the catalogue has no host for it: nothing was sent")]
    NoHost,
}

/// A field that a call is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needed {
    /// Which.
    pub(super) field: KeyName,
    /// Whether there is no call without it.
    pub(super) required: bool,
}

/// The fields a probe is made of: the credential first, each once.
pub(super) fn needed(provider: &Provider, probe: &Probe) -> Vec<Needed> {
    let mut needed = vec![Needed { field: probe.credential.clone(), required: true }];
    let mut add = |field: KeyName, required: bool| {
        if !needed.iter().any(|known| known.field == field) {
            needed.push(Needed { field, required });
        }
    };
    let declared = |name: &str| provider.fields.iter().map(|field| &field.name).find(|field| field.as_str() == name);
    let mut templates: Vec<&Template> = Vec::new();
    match &probe.authenticate {
        Authenticate::Header { value, .. } | Authenticate::Query { value, .. } => templates.push(value),
        Authenticate::Basic { user, password } => templates.extend([user, password]),
        Authenticate::Path => {}
        Authenticate::RefreshToken => {
            declared(CLIENT_ID).into_iter().for_each(|field| add(field.clone(), true));
            declared(CLIENT_SECRET).into_iter().for_each(|field| add(field.clone(), true));
        }
        Authenticate::ServiceAccount => {
            declared(ADMIN_EMAIL).into_iter().for_each(|field| add(field.clone(), false));
        }
    }
    if let Some(request) = &probe.request {
        templates.push(&request.path);
        templates.extend(request.query.iter().map(|(_, value)| value));
    }
    for piece in templates.into_iter().flat_map(|template| &template.0) {
        if let Piece::Field(field) = piece {
            add(field.clone(), true);
        }
    }
    if let Some(field) = host_field(provider, probe) {
        add(field.clone(), true);
    }
    needed
}

/// The field that says which host the call goes to, if one does.
pub(super) fn host_field<'p>(provider: &'p Provider, probe: &Probe) -> Option<&'p KeyName> {
    match (&provider.host, &probe.request) {
        (Some(Host::OfField { field, .. }), Some(Request { origin: None, .. })) => Some(field),
        (Some(Host::OfField { .. } | Host::Fixed(_)) | None, _) => None,
    }
}

/// Whether every value of a call comes from where its host does, or the host is that of everybody: whoever may say which
/// host is that of one company or node must not lead the values of others there.
pub(super) fn is_led_by_its_own(host: Option<&KeyName>, values: &[(KeyName, Scope)]) -> bool {
    let host = values.iter().find(|(field, _)| Some(field) == host).map(|(_, scope)| scope);
    host.is_none_or(|host| *host == Scope::Global || values.iter().all(|(_, scope)| scope == host))
}

/// What is asked, for people: method, host and path with the names of fields in the places of their values.
pub(super) fn asked(provider: &Provider, probe: &Probe) -> String {
    let Some(request) = &probe.request else {
        let endpoint = provider.token.as_ref().map(|token| origin_text(&token.origin)).unwrap_or_default();
        return format!("POST {endpoint}");
    };
    let host = match (&request.origin, &provider.host) {
        (Some(origin), _) | (None, Some(Host::Fixed(origin))) => origin_text(origin),
        (None, Some(Host::OfField { field, .. })) => format!("{{{field}}}"),
        (None, None) => String::new(),
    };
    format!("{} {host}{}", request.method.as_str(), template_text(&request.path))
}

/// What a token endpoint is asked, for people.
pub(super) fn asked_of(token: &TokenEndpoint) -> String {
    format!("POST {}", origin_text(&token.origin))
}

/// The call that a probe makes, with an access token if one was given out for it.
///
/// # Errors
/// [`Unfit`].
pub(super) fn probe_call(
    provider: &Provider,
    probe: &Probe,
    request: &Request,
    fields: &Fields,
    token: Option<&Plaintext>,
) -> Result<Call, Unfit> {
    let (target, prefix) = place(provider, request, fields)?;
    let in_query = match &probe.authenticate {
        Authenticate::Query { name, value } => Some((name, value)),
        Authenticate::Header { .. }
        | Authenticate::Path
        | Authenticate::Basic { .. }
        | Authenticate::RefreshToken
        | Authenticate::ServiceAccount => None,
    };
    let query = request.query.iter().map(|(name, value)| (name, value)).chain(in_query);
    let query: Vec<(&String, &Template)> = query.collect();
    let path = written(|to| {
        put(to, prefix.as_bytes())?;
        fill(to, &request.path, fields, in_path, Literal::AsItStands)?;
        for (index, (name, value)) in query.iter().enumerate() {
            put(to, if index == 0 { b"?" } else { b"&" })?;
            escape(to, name.as_bytes(), b"")?;
            put(to, b"=")?;
            fill(to, value, fields, |to, bytes| escape(to, bytes, b""), Literal::Escaped)?;
        }
        Ok(())
    })?;
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        headers.push((name.clone(), header(Plaintext::new(value.clone().into_bytes()))?));
    }
    headers.extend(authentication(probe, fields, token)?);
    let body = request.json.as_ref().map(|json| ("application/json", Plaintext::new(json.clone().into_bytes())));
    let method = match request.method {
        probe::Method::Get => Method::Get,
        probe::Method::Post => Method::Post,
    };
    Ok(Call { target, method, path, headers, body })
}

/// The call by which an application is given an access token for its refresh token (RFC 6749, 6).
///
/// # Errors
/// [`Unfit`].
pub(super) fn refresh_call(
    token: &TokenEndpoint,
    probe: &Probe,
    fields: &Fields,
    private: bool,
) -> Result<Call, Unfit> {
    let client = fields.iter().filter(|(name, _)| [CLIENT_ID, CLIENT_SECRET].contains(&name.as_str()));
    let refresh = value(fields, &probe.credential)?;
    let body = written(|to| {
        put(to, b"grant_type=refresh_token&refresh_token=")?;
        escape(to, refresh.expose(), b"")?;
        client.clone().try_for_each(|(name, value)| {
            put(to, format!("&{name}=").as_bytes())?;
            escape(to, value.expose(), b"")
        })
    })?;
    Ok(token_call(token, body, private))
}

/// The call by which a service account is given an access token for an assertion (RFC 7523, 2.1).
///
/// # Errors
/// [`Unfit`].
pub(super) fn assertion_call(
    provider: &Provider,
    token: &TokenEndpoint,
    probe: &Probe,
    fields: &Fields,
    now: Timestamp,
) -> Result<Call, Unfit> {
    let audience = origin_text(&token.origin);
    let subject = fields.iter().find(|(name, _)| name.as_str() == ADMIN_EMAIL).map(|(_, value)| value);
    let subject = subject.filter(|value| !value.is_empty());
    let claims = Claims { audience: &audience, scopes: &provider.scopes, subject, now };
    let signed = assertion(value(fields, &probe.credential)?, &claims).map_err(|_| Unfit::NoKeyFile)?;
    let body = written(|to| {
        put(to, b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=")?;
        escape(to, signed.expose(), b"")
    })?;
    Ok(token_call(token, body, provider.allow_private))
}

fn token_call(token: &TokenEndpoint, body: Plaintext, private: bool) -> Call {
    Call {
        target: target(&token.origin, private),
        method: Method::Post,
        path: Plaintext::new(token.origin.prefix.clone().into_bytes()),
        headers: Vec::new(),
        body: Some((FORM, body)),
    }
}

/// The host of a provider, if it is the same for everybody.
pub(super) fn fixed_target(provider: &Provider) -> Option<Target> {
    match &provider.host {
        Some(Host::Fixed(origin)) => Some(target(origin, provider.allow_private)),
        Some(Host::OfField { .. }) | None => None,
    }
}

/// The header that authenticates, if it is a header that does.
fn authentication(
    probe: &Probe,
    fields: &Fields,
    token: Option<&Plaintext>,
) -> Result<Option<(String, Plaintext)>, Unfit> {
    let authorization = || "authorization".to_owned();
    Ok(match &probe.authenticate {
        Authenticate::Header { name, value } => Some((name.clone(), header(filled(value, fields)?)?)),
        Authenticate::Basic { user, password } => {
            let pair = basic(&filled(user, fields)?, &filled(password, fields)?);
            Some((authorization(), pair.map_err(|_| Unfit::Unsendable("user"))?))
        }
        Authenticate::RefreshToken | Authenticate::ServiceAccount => match token {
            Some(token) => {
                let value = written(|to| put(to, b"Bearer ").and_then(|()| put(to, token.expose())))?;
                Some((authorization(), header(value)?))
            }
            None => None,
        },
        Authenticate::Query { .. } | Authenticate::Path => None,
    })
}

/// Where a request goes, and what stands before its path.
fn place<'a>(provider: &'a Provider, request: &'a Request, fields: &Fields) -> Result<(Target, &'a str), Unfit> {
    match (&request.origin, &provider.host) {
        (Some(origin), _) | (None, Some(Host::Fixed(origin))) => {
            Ok((target(origin, provider.allow_private), &origin.prefix))
        }
        (None, Some(Host::OfField { field, suffix, port })) => {
            let host = host_of(value(fields, field)?, suffix).ok_or_else(|| Unfit::ForeignHost(field.clone()))?;
            Ok((Target { host, port: *port, allow_private: provider.allow_private }, ""))
        }
        (None, None) => Err(Unfit::NoHost),
    }
}

/// The host of a field: `https://LABEL` and the suffix, perhaps with a slash. Whatever else could make the call go
/// elsewhere (a port, a user, more labels, a path) makes it no host at all.
fn host_of(field: &Plaintext, suffix: &str) -> Option<String> {
    let text = std::str::from_utf8(field.expose()).ok()?.strip_prefix("https://")?;
    let host = text.strip_suffix('/').unwrap_or(text);
    let label = host.strip_suffix(suffix)?;
    let plain = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let bounded =
        !label.is_empty() && label.len() <= LABEL_BYTES_MAX && !label.starts_with('-') && !label.ends_with('-');
    (plain && bounded && suffix.starts_with('.')).then(|| host.to_owned())
}

fn target(origin: &Origin, allow_private: bool) -> Target {
    Target { host: origin.host.clone(), port: origin.port, allow_private }
}

fn origin_text(Origin { host, port, prefix }: &Origin) -> String {
    if *port == 443 { format!("https://{host}{prefix}") } else { format!("https://{host}:{port}{prefix}") }
}

fn template_text(template: &Template) -> String {
    let pieces = template.0.iter().map(|piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Field(field) => format!("{{{field}}}"),
    });
    pieces.collect()
}

/// The value of a field. An empty one is none.
fn value<'f>(fields: &'f Fields, name: &KeyName) -> Result<&'f Plaintext, Unfit> {
    fields.get(name).filter(|value| !value.is_empty()).ok_or_else(|| Unfit::Missing(name.clone()))
}

/// What becomes of the text of a template itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Literal {
    AsItStands,
    Escaped,
}

/// A template with its fields as they are.
fn filled(template: &Template, fields: &Fields) -> Result<Plaintext, Unfit> {
    written(|to| fill(to, template, fields, put, Literal::AsItStands))
}

fn fill(
    to: &mut dyn Write,
    template: &Template,
    fields: &Fields,
    each: impl Fn(&mut dyn Write, &[u8]) -> Result<(), Unfit>,
    literal: Literal,
) -> Result<(), Unfit> {
    template.0.iter().try_for_each(|piece| match (piece, literal) {
        (Piece::Text(text), Literal::AsItStands) => put(to, text.as_bytes()),
        (Piece::Text(text), Literal::Escaped) => escape(to, text.as_bytes(), b""),
        (Piece::Field(field), _) => each(to, value(fields, field)?.expose()),
    })
}

/// A field in a path. The colon stands as it is: a segment may hold it (RFC 3986, 3.3), and the tokens of Telegram do. Dots
/// alone would climb to another path.
fn in_path(to: &mut dyn Write, bytes: &[u8]) -> Result<(), Unfit> {
    if bytes.iter().all(|byte| *byte == b'.') {
        return Err(Unfit::Unsendable("path"));
    }
    escape(to, bytes, b":")
}

/// Percent-encoding of everything that is not unreserved (RFC 3986, 2.3) or among `besides`.
fn escape(to: &mut dyn Write, bytes: &[u8], besides: &[u8]) -> Result<(), Unfit> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
    bytes.iter().try_for_each(|byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || besides.contains(byte) {
            put(to, &[*byte])
        } else {
            put(to, &[b'%', digit(byte >> 4), digit(byte & 15)])
        }
    })
}

/// The value of a header: visible characters, with blanks between them (RFC 9110, 5.5).
fn header(value: Plaintext) -> Result<Plaintext, Unfit> {
    let bytes = value.expose();
    let visible = bytes.iter().all(|byte| (0x20..=0x7e).contains(byte));
    let is_blank = |byte: Option<&u8>| byte.is_none_or(|byte| *byte == b' ');
    if !visible || is_blank(bytes.first()) || is_blank(bytes.last()) {
        return Err(Unfit::Unsendable("header"));
    }
    Ok(value)
}

fn put(to: &mut dyn Write, bytes: &[u8]) -> Result<(), Unfit> {
    to.write_all(bytes).map_err(|_| Unfit::Unsendable("call"))
}
