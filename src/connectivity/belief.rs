//! What is believed of one credential, and for how long no further answer is needed. One refusal is no proof: providers
//! refuse good keys on bad days.

use std::time::Duration;

use super::subject::Subject;
use crate::model::api_check::{KeyCheck, cut};
use crate::model::connectivity::Verdict;
use crate::model::time::Timestamp;

/// How soon a first refusal is asked about again: long enough for another server of the provider to answer, short enough
/// for whoever just stored the key.
pub(super) const CONFIRM_AFTER: Duration = Duration::from_millis(500);

/// When to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// After [`CONFIRM_AFTER`].
    Confirm,
    /// At the usual interval.
    Usual,
    /// After so many failures in a row, of which the last was this; none if there was no answer at all.
    Failing(u32, Option<Verdict>),
}

/// What is believed of one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Belief {
    check: KeyCheck,
    refused_once: bool,
    failures: u32,
}

impl Belief {
    /// What is known without asking. Whoever has no key for a credential has none; a key that no check is known for cannot be
    /// judged; the rest is to be asked about.
    pub(super) fn new(subject: &Subject, now: Timestamp) -> Self {
        let (verdict, checked_at, detail) = match (&subject.key, &subject.credential) {
            (None, _) => (Some(Verdict::NoCredential), Some(now), "there is no credential on this node"),
            (Some(_), None) => (Some(Verdict::Unsupported), None, "no harmless check is known"),
            (Some(_), Some(_)) => (None, None, ""),
        };
        let check = KeyCheck {
            company: subject.company.clone(),
            key: subject.key.clone(),
            verdict,
            detail: detail.to_owned(),
            response_time: None,
            checked_at,
            expires: None,
        };
        Self { check, refused_once: false, failures: 0 }
    }

    /// What is believed now.
    pub(super) fn check(&self) -> &KeyCheck {
        &self.check
    }

    /// Takes in an answer about the same key.
    pub(super) fn hear(&mut self, answer: KeyCheck) -> Again {
        let Some(verdict) = answer.verdict else {
            self.check.detail = cut(&answer.detail).to_owned();
            return self.failed(None);
        };
        if verdict == Verdict::Rejected && self.check.verdict != Some(Verdict::Rejected) && !self.refused_once {
            self.refused_once = true;
            self.check.detail = joined("refused once, to be confirmed", &answer.detail);
            return Again::Confirm;
        }
        self.refused_once = false;
        // An answer that says nothing about the credential does not take back what is known of its end.
        let expires = answer.expires.or_else(|| self.check.expires.filter(|_| says_nothing(verdict)));
        let detail = cut(&answer.detail).to_owned();
        let (company, key) = (self.check.company.take(), self.check.key.take());
        self.check = KeyCheck { company, key, detail, expires, ..answer };
        match verdict {
            Verdict::Accepted | Verdict::Limited | Verdict::Exhausted => self.answered(),
            Verdict::NoCredential | Verdict::Unsupported => self.answered(),
            Verdict::Throttled | Verdict::Rejected | Verdict::Fault | Verdict::NoPath(_) => self.failed(Some(verdict)),
        }
    }

    fn answered(&mut self) -> Again {
        self.failures = 0;
        Again::Usual
    }

    fn failed(&mut self, verdict: Option<Verdict>) -> Again {
        self.failures = self.failures.saturating_add(1);
        Again::Failing(self.failures, verdict)
    }
}

/// Two texts as one, the second cut if they are too long together.
pub(super) fn joined(first: &str, second: &str) -> String {
    if second.is_empty() { first.to_owned() } else { cut(&format!("{first}; {second}")).to_owned() }
}

fn says_nothing(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Throttled | Verdict::Fault | Verdict::NoPath(_) => true,
        Verdict::Accepted | Verdict::Limited | Verdict::Exhausted => false,
        Verdict::Rejected | Verdict::NoCredential | Verdict::Unsupported => false,
    }
}
