//! What stands between a value and a program: questions of git and docker, commands for systemd, and output that is masked.

use std::sync::Arc;

use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::delivery::agent_unit::Credential;
use aurora_mesh::delivery::docker_credential::{registry, registry_of, secret_of};
use aurora_mesh::delivery::git_credential::{PlainHttp, Question};
use aurora_mesh::delivery::git_hosts::{HostRule, choose};
use aurora_mesh::delivery::host::Host;
use aurora_mesh::delivery::mask::Masker;
use aurora_mesh::delivery::mask_patterns::Patterns;
use aurora_mesh::delivery::quoting::Quoting;
use aurora_mesh::delivery::unit_words::exec_line;
use aurora_mesh::delivery::variables::Variables;

/// The first byte says what the rest is.
pub fn run(data: &[u8]) {
    let Some((what, rest)) = data.split_first() else { return };
    match what % 6 {
        0 => git(rest),
        1 => hosts(rest),
        2 => units(rest),
        3 => variables(rest),
        4 => quoted(rest),
        _ => masked(rest),
    }
}

fn git(data: &[u8]) {
    let Ok(question) = Question::parse(data) else { return };
    let (near, far) = (question.destination(PlainHttp::LoopbackOnly), question.destination(PlainHttp::Allowed));
    assert!(near.is_none() || near == far, "allowing more gives another host");
    if question.protocol.as_deref() == Some("http") {
        assert!(near.is_none_or(|host| host.is_loopback()), "a password would travel in the clear");
    }
}

fn hosts(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(host) = Host::parse(text) {
        assert_eq!(Host::parse(&host.to_string()).as_ref(), Ok(&host), "{text:?}");
    }
    if let Some(host) = registry(text)
        && let Ok(secret) = secret_of(&host)
    {
        assert_eq!(Host::parse(&registry_of(secret.key.as_str())), Ok(host), "{text:?}");
    }
    let Some((rule, asked)) = text.split_once('\n') else { return };
    if let (Ok(rule), Some((host, path))) = (HostRule::parse(rule), asked.split_once('/')) {
        let _chosen = Host::parse(host).map(|host| choose(&[rule], &host, Some(path)));
    }
}

/// What becomes a line of a unit is one line.
fn units(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(line) = exec_line(text) {
        assert!(!line.contains(['\n', '\r', '\0']), "{text:?} became {line:?}");
        assert!(line.starts_with('/') || line.starts_with('"'), "{text:?} became {line:?}");
    }
    if let Ok(credential) = Credential::parse(text) {
        let written = format!("{}={}", credential.name.as_str(), credential.reference);
        assert_eq!(Credential::parse(&written).as_ref(), Ok(&credential), "{text:?}");
    }
}

fn variables(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut wanted = Variables::default();
    for line in text.lines() {
        match line.split_once(' ') {
            Some((name, value)) => wanted.text(name, Plaintext::new(value.as_bytes().to_vec())),
            None => wanted.map(line),
        }
    }
    if let Err(unfit) = wanted.finish() {
        unfit.iter().for_each(|unfit| super::assert_printable(&format!("{}: {}", unfit.variable, unfit.error)));
    }
}

/// Every quoting is one line, unless the value is several where that is allowed.
fn quoted(data: &[u8]) {
    for (name, quoting) in Quoting::NAMED {
        let Ok(quoted) = quoting.apply(&Plaintext::new(data.to_vec())) else { continue };
        match quoting {
            Quoting::Json => {
                let read: String = serde_json::from_slice(quoted.expose()).expect("JSON");
                assert_eq!(read.as_bytes(), data, "{name}");
            }
            Quoting::Shell => {
                let inside = quoted.expose();
                assert!(inside.starts_with(b"'") && inside.ends_with(b"'") && !inside.contains(&0), "{name}");
            }
            Quoting::Url | Quoting::Base64 => assert!(quoted.expose().is_ascii(), "{name}"),
            Quoting::Line => assert_eq!(quoted.expose(), data, "{name}"),
        }
    }
}

/// The first byte is the length of a value, which is printed in pieces among other text: it never comes out, and what comes
/// out does not depend on the pieces.
fn masked(data: &[u8]) {
    let Some((&[length, piece], rest)) = data.split_first_chunk::<2>() else { return };
    let (value, text) = rest.split_at(usize::from(length).min(rest.len()));
    let (patterns, short) = Patterns::of_values([&Plaintext::new(value.to_vec())]);
    let patterns = Arc::new(patterns);
    let through = |pieces: usize| {
        let (mut masker, mut out) = (Masker::new(Arc::clone(&patterns)), Vec::new());
        text.chunks(pieces).for_each(|piece| out.extend(masker.feed(piece)));
        out.extend(masker.finish());
        out
    };
    let whole = through(text.len().max(1));
    assert_eq!(through(usize::from(piece).max(1)), whole, "the pieces can be told");
    let value = value.trim_ascii();
    // The mark itself, between pieces of text, could read as a value that holds a part of it.
    let is_told = short == 0 && !value.is_empty() && !value.iter().any(|byte| b"<>".contains(byte));
    if is_told && !b"<concealed by aurora>".windows(value.len()).any(|part| part == value) {
        assert!(!whole.windows(value.len()).any(|part| part == value), "a value came out");
    }
}
