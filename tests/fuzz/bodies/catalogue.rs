//! A file of a provider, and what a provider could answer: read, and judged without a word of it being repeated.

use std::sync::OnceLock;

use aurora_mesh::catalogue::answer::{Answer, expiry, judge};
use aurora_mesh::catalogue::lookup::Catalogue;
use aurora_mesh::catalogue::probe::Probe;
use aurora_mesh::model::time::Timestamp;

/// The first byte says which: a file, or an answer to some probe of the build.
pub fn run(data: &[u8]) {
    let Some((what, rest)) = data.split_first() else { return };
    if what % 2 == 0 { file(rest) } else { answer(rest) }
}

fn file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Catalogue::from_files([("example", text)]) {
        Ok(catalogue) => {
            for provider in catalogue.providers() {
                for field in &provider.fields {
                    let secret = provider.secret(&field.name);
                    let variable = catalogue.variable_of(&secret).map(str::to_owned);
                    assert!(variable.is_none_or(|name| catalogue.by_variable(&name) == Some(secret.clone())));
                    let _probe = catalogue.probe(&secret);
                }
            }
        }
        Err(problems) => super::assert_printable(&problems.to_string()),
    }
}

fn answer(data: &[u8]) {
    let Some((&[which, high, low], body)) = data.split_first_chunk::<3>() else { return };
    let probes = probes();
    let Some(probe) = probes.get(usize::from(which) % probes.len()) else { return };
    let status = u16::from_be_bytes([high, low]) % 600;
    let header = String::from_utf8_lossy(body.get(..body.len().min(40)).unwrap_or_default()).into_owned();
    let headers = [("github-authentication-token-expiration".to_owned(), header)];
    let answer = Answer { status, headers: &headers, body };
    let judged = judge(&probe.answers, &answer);
    super::assert_printable(judged.note.as_deref().unwrap_or_default());
    let _end = expiry(&probe.expires, &answer, Timestamp(1_795_248_000_123));
}

fn probes() -> &'static [Probe] {
    static PROBES: OnceLock<Vec<Probe>> = OnceLock::new();
    PROBES.get_or_init(|| {
        let catalogue = Catalogue::embedded().expect("a test keeps it free of problems");
        let of = |provider: &aurora_mesh::catalogue::provider::Provider| {
            let probes = provider.fields.iter().filter_map(|field| provider.probe(&field.name).cloned());
            probes.collect::<Vec<_>>()
        };
        catalogue.providers().flat_map(of).collect()
    })
}
