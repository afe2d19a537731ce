//! One HTTP request to a node: method, path, headers and body, with every text escaped where it must be.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request};
use serde::Serialize;

use super::error::CliError;
use super::signer::Signer;
use super::wiped;
use crate::crypto::digest::sha256;
use crate::crypto::plaintext::Plaintext;

/// A request in the making.
#[derive(Debug)]
pub struct Question {
    method: Method,
    target: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Plaintext>,
}

impl Question {
    /// `GET` a path. The path must be made of names; what is free text belongs into [`Self::with`].
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, target: path.into(), headers: vec![], body: None }
    }

    /// `DELETE` a path.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    /// `POST` without a body.
    #[must_use]
    pub fn post_nothing(path: impl Into<String>) -> Self {
        Self { method: Method::POST, ..Self::get(path) }
    }

    /// `POST` a JSON body. The buffer is wiped after it was sent.
    ///
    /// # Errors
    /// [`CliError::Garbled`] when the body cannot be written as JSON.
    pub fn post(path: impl Into<String>, body: &impl Serialize) -> Result<Self, CliError> {
        Ok(Self { method: Method::POST, body: Some(wiped::json(body)?), ..Self::get(path) })
    }

    /// `PATCH` a JSON body.
    ///
    /// # Errors
    /// [`CliError::Garbled`] when the body cannot be written as JSON.
    pub fn patch(path: impl Into<String>, body: &impl Serialize) -> Result<Self, CliError> {
        Ok(Self { method: Method::PATCH, ..Self::post(path, body)? })
    }

    /// `POST` without a body: all that is asked for is in the path and the query.
    #[must_use]
    pub fn deed(path: impl Into<String>) -> Self {
        Self { method: Method::POST, ..Self::get(path) }
    }

    /// Adds a query parameter, if there is a text for it.
    #[must_use]
    pub fn with(mut self, name: &str, text: Option<&str>) -> Self {
        if let Some(text) = text {
            self.target.push(if self.target.contains('?') { '&' } else { '?' });
            self.target.push_str(name);
            self.target.push('=');
            escape(text, &mut self.target);
        }
        self
    }

    /// Adds a header, if there is a text for it.
    ///
    /// # Errors
    /// [`CliError::Usage`] when the text cannot be a header.
    pub fn header(mut self, name: &'static str, text: Option<&str>) -> Result<Self, CliError> {
        if let Some(text) = text {
            let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| CliError::Usage {
                message: format!("the text for {name} holds a line break or another control character"),
                hint: "Write it on one line.".to_owned(),
            })?;
            self.headers.push((HeaderName::from_static(name), value));
        }
        Ok(self)
    }

    /// The path with its query, to be asked for again with more.
    #[must_use]
    pub fn into_target(self) -> String {
        self.target
    }

    /// The request as it is sent.
    ///
    /// # Errors
    /// [`CliError::Garbled`] when the parts do not form a request.
    pub(super) fn into_request(mut self) -> Result<Request<Full<Bytes>>, CliError> {
        let body = self.body.take();
        let kind = body.as_ref().map(|_| "application/json");
        self.carrying(kind, body.map(wiped::body).unwrap_or_default())
    }

    /// Whether it may change something.
    pub(super) fn is_command(&self) -> bool {
        self.method != Method::GET
    }

    /// The same request, with a signature over it and this body: its own, unless it comes in pieces.
    ///
    /// # Errors
    /// [`CliError::Input`] when no signature can be made.
    pub(super) fn signed(mut self, by: &Signer, seconds: i64, lines: Option<[u8; 32]>) -> Result<Self, CliError> {
        let method = if lines.is_some() { Method::POST } else { self.method.clone() };
        let body = lines.unwrap_or_else(|| self.body.as_ref().map_or_else(|| sha256(&[]), wiped::digest));
        for (name, text) in by.sign(method.as_str(), &self.target, &body, seconds)? {
            self = self.header(name, Some(&text))?;
        }
        Ok(self)
    }

    /// The same request with a body that comes in pieces: JSON, one object a line.
    ///
    /// # Errors
    /// [`CliError::Garbled`] when the parts do not form a request.
    pub(super) fn posting<B>(self, lines: B) -> Result<Request<B>, CliError> {
        Self { method: Method::POST, ..self }.carrying(Some("application/x-ndjson"), lines)
    }

    /// The same request with bytes of any kind for a body.
    ///
    /// # Errors
    /// [`CliError::Garbled`] when the parts do not form a request.
    pub(super) fn uploading<B>(self, bytes: B) -> Result<Request<B>, CliError> {
        self.carrying(Some("application/octet-stream"), bytes)
    }

    fn carrying<B>(self, kind: Option<&str>, body: B) -> Result<Request<B>, CliError> {
        let mut builder = Request::builder().method(self.method).uri(self.target).header("host", "aurora");
        if let Some(kind) = kind {
            builder = builder.header("content-type", kind);
        }
        for (name, value) in self.headers {
            builder = builder.header(name, value);
        }
        builder.body(body).map_err(|_| CliError::Garbled { what: "the request cannot be formed" })
    }
}

/// Percent-encoding of everything that is not unreserved (RFC 3986, 2.3).
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_absent_ones_left_out() {
        let question = Question::get("/api/secrets").with("prefix", Some("a/b &=é")).with("limit", None);
        let request = question.with("cursor", Some("x")).into_request().expect("request");
        assert_eq!(request.uri().to_string(), "/api/secrets?prefix=a%2Fb%20%26%3D%C3%A9&cursor=x");
    }

    #[test]
    fn a_header_with_a_line_break_is_refused() {
        assert!(Question::get("/x").header("x-aurora-reason", Some("a\r\nb")).is_err());
        let request = Question::get("/x").header("x-aurora-reason", Some("für später")).expect("good");
        assert_eq!(request.into_request().expect("request").headers().len(), 2);
    }
}
