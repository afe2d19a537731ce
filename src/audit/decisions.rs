//! What was decided lately, by the journal: for those who want to know what another policy would have decided.

use std::path::Path;

use super::error::AuditError;
use super::files::{Month, parts};
use super::line::parse_decision;
use super::lines::{Lines, Next};
use crate::model::time::Timestamp;
use crate::policy::replay::Past;

/// Tells every decision about a request since a time, oldest first; gives the number of lines that could not be
/// understood. Events of the node itself are left out, and so is a line that is just being written.
///
/// # Errors
/// [`AuditError`] when a file cannot be read: never fewer decisions instead.
pub fn decisions(directory: &Path, since: Timestamp, mut tell: impl FnMut(Past)) -> Result<u64, AuditError> {
    let mut unreadable: u64 = 0;
    let first = Month::of(since);
    for part in parts(directory)?.into_iter().filter(|part| first.as_ref().is_none_or(|first| part.month >= *first)) {
        let path = part.path(directory);
        let mut lines = Lines::of(directory, &part)?;
        loop {
            match lines.next().map_err(AuditError::io(&path))? {
                Next::Line(line) => match parse_decision(line) {
                    Ok(Some(past)) if past.time >= since => tell(past),
                    Ok(Some(_) | None) => {}
                    Err(_) => unreadable = unreadable.saturating_add(1),
                },
                Next::TooLong => unreadable = unreadable.saturating_add(1),
                Next::Cut | Next::End => break,
            }
        }
    }
    Ok(unreadable)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::entry::{Entry, Ruling};
    use super::super::sample;
    use super::*;
    use crate::model::actions::Action;
    use crate::model::name::{CompanyId, EnvironmentName};
    use crate::model::secret::{Scope, SecretName};

    fn told(text: &str, since: &str) -> (Vec<Past>, u64) {
        let directory = tempfile::tempdir().expect("directory");
        fs::write(directory.path().join("audit-2026-11.jsonl"), text).expect("file");
        fs::write(directory.path().join("audit-2026-10.jsonl"), "a file that is too old to be read\n").expect("file");
        let mut found = Vec::new();
        let since = Timestamp::parse(since).expect(since);
        let unreadable = decisions(directory.path(), since, |past| found.push(past)).expect("readable");
        (found, unreadable)
    }

    #[test]
    fn decisions_are_told_whole_with_the_company_and_events_of_the_node_are_none() {
        let refused = Entry {
            principal: "agent:robot user:1000 exe:/opt/my tool".into(),
            secret: Some(SecretName::parse("openai/api_key").expect("name")),
            scope: Some(Scope::Global),
            environment: Some(EnvironmentName::parse("prod").expect("name")),
            company: Some(CompanyId::parse("acme").expect("name")),
            ruling: Ruling::Deny,
            rule: "default-deny".into(),
            outcome: "denied",
            ..sample::entry("r")
        };
        let lines = sample::lines_of(&[sample::entry("r"), refused, Entry::of_node("node.started", "x".to_owned())]);
        let text = format!("{}not a line\n{{\"seq\":1", lines.concat());
        let (found, unreadable) = told(&text, "2026-11-21T08:00:00Z");
        let [plain, refused] = &found[..] else { panic!("{found:?}") };
        assert_eq!((plain.action, plain.allowed, plain.company.as_ref()), (Action::SecretRead, true, None));
        assert_eq!(
            (refused.allowed, refused.rule.as_str(), refused.outcome.as_str()),
            (false, "default-deny", "denied")
        );
        assert_eq!(refused.company.as_ref().map(CompanyId::as_str), Some("acme"));
        assert_eq!(refused.principal, "agent:robot user:1000 exe:/opt/my tool");
        assert_eq!(unreadable, 1);
    }

    #[test]
    fn what_is_older_is_left_out_and_its_files_are_not_even_opened() {
        let lines = sample::lines(2).concat();
        assert_eq!(told(&lines, "2026-11-21T08:00:00Z").0.len(), 2);
        assert_eq!(told(&lines, "2026-11-21T08:00:00.001Z"), (Vec::new(), 0));
    }
}
