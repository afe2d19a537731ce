//! The written form of a line, and the links of the chain. Field names are read by others: they are added to, never changed.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::entry::{Entry, Ruling};
use super::error::AuditError;
use super::head::Head;
use super::reads::Read;
use crate::model::actions::Action;
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::number::Version;
use crate::model::secret::{Scope, SecretAddress, SecretName};
use crate::model::time::Timestamp;
use crate::policy::replay::Past;

/// Longest line in bytes, without its newline. Names and a reason take two kilobytes; a reader may rely on this bound.
pub(super) const LINE_BYTES_MAX: usize = 16 << 10;

/// Where and when a line is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp<'a> {
    /// The node that writes.
    pub(super) node: &'a NodeName,
    /// The wall clock.
    pub(super) time: Timestamp,
}

/// The format of the lines this build writes. Lines of before had no number and are of format 1; a chain never goes back
/// to an earlier one.
pub const FORMAT: u8 = 2;

#[derive(Serialize)]
struct Line<'a> {
    v: u8,
    seq: u64,
    prev: String,
    time: Shown<Timestamp>,
    node: &'a str,
    request_id: &'a str,
    principal: &'a str,
    established: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attest: Option<&'a str>,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<Shown<&'a SecretName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Shown<&'a Scope>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    decision: &'a str,
    rule: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    freshness: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// What is written as it is shown, without a text of its own in between.
struct Shown<T>(T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// What a reader needs of a line to follow the chain.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Link {
    /// The line's number.
    pub(super) seq: u64,
    /// The hash of the line before, in hexadecimal.
    pub(super) prev: String,
}

/// Writes the line after `head`, with its newline, behind what is in `lines`; gives the head with it. JSON escapes control
/// characters, so a text can never end the line early.
///
/// # Errors
/// [`AuditError::LineTooLong`] past [`LINE_BYTES_MAX`]; then `lines` are what they were.
pub(super) fn render(head: &Head, stamp: Stamp<'_>, entry: &Entry, lines: &mut Vec<u8>) -> Result<Head, AuditError> {
    let line = Line {
        v: FORMAT,
        seq: head.next_seq(),
        prev: head.hex(),
        time: Shown(stamp.time),
        node: stamp.node.as_str(),
        request_id: &entry.request_id,
        principal: &entry.principal,
        established: entry.established,
        attest: entry.attest,
        action: entry.action,
        secret: entry.secret.as_ref().map(Shown),
        scope: entry.scope.as_ref().map(Shown),
        environment: entry.environment.as_ref().map(|environment| environment.as_str()),
        company: entry.company.as_ref().map(|company| company.as_str()),
        version: entry.version.map(|version| version.get()),
        decision: entry.ruling.as_str(),
        rule: &entry.rule,
        outcome: entry.outcome,
        freshness: entry.freshness,
        latency_us: entry.latency.map(|latency| u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)),
        reason: entry.reason.as_deref(),
    };
    let begins = lines.len();
    serde_json::to_writer(&mut *lines, &line).expect("texts and numbers always serialise");
    let bytes = lines.len().saturating_sub(begins);
    if bytes > LINE_BYTES_MAX {
        lines.truncate(begins);
        return Err(AuditError::LineTooLong { bytes, bytes_max: LINE_BYTES_MAX });
    }
    let next = Head::of_line(line.seq, &lines[begins..]);
    lines.push(b'\n');
    Ok(next)
}

/// Reads when a line (without newline) was written; `None` if it is not a line of a journal.
pub(super) fn parse_time(line: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Timed<'a> {
        #[serde(borrow)]
        time: Cow<'a, str>,
    }
    Timestamp::parse(&serde_json::from_slice::<Timed<'_>>(line).ok()?.time)
}

/// The line before a line (without newline), as that names it; `None` if it is not a line of a journal.
pub(super) fn parse_before(line: &[u8]) -> Option<Head> {
    let link = parse_link(line)?;
    Some(Head { seq: link.seq.checked_sub(1)?, hash: super::seal_text::digest(&link.prev)? })
}

/// Whose line (without newline) it is; `None` if it is not a line of a journal.
pub(super) fn parse_node(line: &[u8]) -> Option<NodeName> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        node: Cow<'a, str>,
    }
    NodeName::parse(&serde_json::from_slice::<Named<'_>>(line).ok()?.node).ok()
}

/// The format of a line (without newline); `None` if it is not a line of a journal.
pub(super) fn parse_format(line: &[u8]) -> Option<u8> {
    #[derive(Deserialize)]
    struct Formatted {
        v: Option<u8>,
        #[serde(rename = "seq")]
        _seq: u64,
    }
    Some(serde_json::from_slice::<Formatted>(line).ok()?.v.unwrap_or(1))
}

/// Reads the links of a line (without newline); `None` if it is not a line of a journal.
pub(super) fn parse_link(line: &[u8]) -> Option<Link> {
    serde_json::from_slice(line).ok()
}

/// What a reader needs of a line to tell which value left the node. Lines of other kinds lack some of it.
#[derive(Debug, Deserialize)]
struct ReadLine<'a> {
    time: &'a str,
    #[serde(borrow)]
    principal: Cow<'a, str>,
    action: &'a str,
    secret: Option<&'a str>,
    scope: Option<&'a str>,
    environment: Option<&'a str>,
    version: Option<u64>,
    decision: &'a str,
    outcome: &'a str,
}

/// A line that is none of ours, or says less than it should.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotUnderstood;

/// The value a line (without newline) says was given out; `None` if it tells of something else.
pub(super) fn parse_read(line: &[u8]) -> Result<Option<Read>, NotUnderstood> {
    let line: ReadLine<'_> = serde_json::from_slice(line).map_err(|_| NotUnderstood)?;
    let reads = [Action::SecretRead, Action::SecretExport].map(Action::as_str);
    if !reads.contains(&line.action) || line.decision != Ruling::Allow.as_str() || line.outcome != "ok" {
        return Ok(None);
    }
    // The line that ends an export of many values names none of them.
    let (Some(secret), Some(scope), Some(environment)) = (line.secret, line.scope, line.environment) else {
        return Ok(None);
    };
    let environment = EnvironmentName::parse(environment).map_err(|_| NotUnderstood)?;
    let name = SecretName::parse(secret).map_err(|_| NotUnderstood)?;
    Ok(Some(Read {
        at: SecretAddress { environment, name }.within(Scope::parse(scope).map_err(|_| NotUnderstood)?),
        version: line.version.and_then(Version::new).ok_or(NotUnderstood)?,
        time: Timestamp::parse(line.time).ok_or(NotUnderstood)?,
        principal: line.principal.into_owned(),
    }))
}

/// What a reader needs of a line to decide it again. Lines that were written before companies were have none.
#[derive(Debug, Deserialize)]
struct DecisionLine<'a> {
    time: &'a str,
    #[serde(borrow)]
    principal: Cow<'a, str>,
    action: &'a str,
    secret: Option<&'a str>,
    scope: Option<&'a str>,
    environment: Option<&'a str>,
    company: Option<&'a str>,
    decision: &'a str,
    #[serde(borrow)]
    rule: Cow<'a, str>,
    outcome: &'a str,
}

/// The decision a line (without newline) tells of; `None` if it tells of something the node did by itself.
pub(super) fn parse_decision(line: &[u8]) -> Result<Option<Past>, NotUnderstood> {
    let line: DecisionLine<'_> = serde_json::from_slice(line).map_err(|_| NotUnderstood)?;
    let Some(action) = Action::parse(line.action) else { return Ok(None) };
    let allowed = match line.decision {
        decision if decision == Ruling::Allow.as_str() => true,
        decision if decision == Ruling::Deny.as_str() => false,
        _ => return Err(NotUnderstood),
    };
    Ok(Some(Past {
        principal: line.principal.into_owned(),
        action,
        secret: name(line.secret, SecretName::parse)?,
        scope: name(line.scope, Scope::parse)?,
        company: name(line.company, CompanyId::parse)?,
        environment: name(line.environment, EnvironmentName::parse)?,
        allowed,
        rule: line.rule.into_owned(),
        outcome: line.outcome.to_owned(),
        time: Timestamp::parse(line.time).ok_or(NotUnderstood)?,
    }))
}

fn name<T, E>(text: Option<&str>, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, NotUnderstood> {
    text.map(parse).transpose().map_err(|_| NotUnderstood)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::sample;
    use super::*;

    const STAMP: Timestamp = Timestamp(1_795_248_000_123);

    fn rendered(entry: &Entry) -> Result<String, AuditError> {
        let stamp = Stamp { node: &sample::node(), time: STAMP };
        let mut line = Vec::new();
        render(&Head::GENESIS, stamp, entry, &mut line)?;
        Ok(String::from_utf8(line).expect("JSON is UTF-8"))
    }

    #[test]
    fn a_full_line_is_written_in_these_words() {
        let entry = Entry {
            secret: Some(SecretName::parse("hubspot/api_key").expect("name")),
            scope: Some(Scope::parse("company:acme").expect("scope")),
            environment: Some(EnvironmentName::parse("prod").expect("environment")),
            company: Some(CompanyId::parse("acme").expect("company")),
            version: Some(Version::FIRST),
            freshness: Some("hit"),
            latency: Some(Duration::from_micros(85)),
            attest: Some("weak"),
            reason: Some("nightly \"sync\"\nrun\u{1b}".into()),
            lasting: false,
            ..sample::entry("r1")
        };
        let zeros = "0".repeat(64);
        assert_eq!(
            rendered(&entry).expect("short"),
            format!(
                "{{\"v\":2,\"seq\":1,\"prev\":\"{zeros}\",\"time\":\"2026-11-21T08:00:00.123Z\",\"node\":\"vengeance\",\
                 \"request_id\":\"r1\",\"principal\":\"user:1000\",\"established\":\"peer-credentials\",\
                 \"attest\":\"weak\",\"action\":\"secret.read\",\"secret\":\"hubspot/api_key\",\"scope\":\"company:acme\",\
                 \"environment\":\"prod\",\"company\":\"acme\",\"version\":1,\"decision\":\"allow\",\"rule\":\"socket-group\",\
                 \"outcome\":\"ok\",\
                 \"freshness\":\"hit\",\"latency_us\":85,\"reason\":\"nightly \\\"sync\\\"\\nrun\\u001b\"}}\n"
            )
        );
    }

    #[test]
    fn what_an_entry_does_not_have_is_left_out() {
        let line = rendered(&sample::entry("r1")).expect("short");
        for field in ["attest", "secret", "scope", "company", "version", "freshness", "latency_us", "reason"] {
            assert!(!line.contains(&format!("\"{field}\":")), "{line}");
        }
    }

    #[test]
    fn a_line_longer_than_readers_take_is_refused() {
        let entry = Entry { reason: Some("x".repeat(LINE_BYTES_MAX).into()), ..sample::entry("r1") };
        assert!(matches!(rendered(&entry), Err(AuditError::LineTooLong { .. })));
    }

    #[test]
    fn the_links_of_a_line_read_back_and_other_text_is_no_line() {
        let line = rendered(&sample::entry("r1")).expect("short");
        assert_eq!(parse_link(line.trim_end().as_bytes()), Some(Link { seq: 1, prev: "0".repeat(64) }));
        for text in ["", "{}", "{\"seq\":1}", "{\"seq\":-1,\"prev\":\"\"}", "\0\0\0", "[1,2]x"] {
            assert_eq!(parse_link(text.as_bytes()), None, "{text:?}");
        }
    }
}
