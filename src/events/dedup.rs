//! What says the same again soon is told once, and afterwards how often it came.
//!
//! Pure, and in memory: after a restart something may be told once more, and nothing is left out for it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::time::Timestamp;

/// Most subjects that are remembered; beyond that everything is told.
const SUBJECTS_MAX: usize = 10_000;

/// What was told lately, by rule and subject.
#[derive(Debug, Default)]
pub struct Told {
    lately: BTreeMap<(String, String), Lately>,
}

#[derive(Debug, Clone, Copy)]
struct Lately {
    until: Timestamp,
    repeated: u64,
}

/// What was held back, now that its time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// The rule.
    pub rule: String,
    /// What it is about.
    pub subject: String,
    /// How often it came besides the one that was told.
    pub count: u64,
}

impl Told {
    /// Whether to tell this: the first of its kind within the window is.
    pub fn is_news(&mut self, rule: &str, subject: &str, window: Duration, now: Timestamp) -> bool {
        let key = (rule.to_owned(), subject.to_owned());
        if let Some(lately) = self.lately.get_mut(&key).filter(|lately| now < lately.until) {
            lately.repeated = lately.repeated.saturating_add(1);
            return false;
        }
        if !window.is_zero() && self.lately.len() < SUBJECTS_MAX {
            self.lately.insert(key, Lately { until: now.plus(window), repeated: 0 });
        }
        true
    }

    /// What came again and again in windows that are over. They are forgotten with it.
    pub fn over(&mut self, now: Timestamp) -> Vec<Repeated> {
        let mut repeated = Vec::new();
        self.lately.retain(|(rule, subject), lately| {
            let is_over = now >= lately.until;
            if is_over && lately.repeated > 0 {
                repeated.push(Repeated { rule: rule.clone(), subject: subject.clone(), count: lately.repeated });
            }
            !is_over
        });
        repeated
    }

    /// When the next window is over.
    #[must_use]
    pub fn next_over(&self) -> Option<Timestamp> {
        self.lately.values().map(|lately| lately.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_and_counted_afterwards() {
        let (mut told, hour) = (Told::default(), Duration::from_secs(3600));
        let mut is_news = |rule, subject, ms| told.is_news(rule, subject, hour, Timestamp(ms));
        assert!(is_news("a", "x", 0));
        assert!(!is_news("a", "x", 1) && !is_news("a", "x", 3_599_999));
        assert!(is_news("a", "y", 1) && is_news("b", "x", 1), "another subject, another rule");
        assert_eq!(told.next_over(), Some(Timestamp(3_600_000)));
        assert!(told.over(Timestamp(3_599_999)).is_empty());
        let over = told.over(Timestamp(3_600_001));
        assert_eq!(over, [Repeated { rule: "a".to_owned(), subject: "x".to_owned(), count: 2 }]);
        assert!(told.is_news("a", "x", hour, Timestamp(3_600_002)) && told.over(Timestamp(3_600_002)).is_empty());
    }

    #[test]
    fn without_a_window_everything_is_told_and_memory_is_bounded() {
        let mut told = Told::default();
        assert!((0..3).all(|_| told.is_news("a", "x", Duration::ZERO, Timestamp(0))));
        for subject in 0..SUBJECTS_MAX + 5 {
            assert!(told.is_news("a", &subject.to_string(), Duration::from_secs(1), Timestamp(0)));
        }
        assert_eq!(told.lately.len(), SUBJECTS_MAX);
    }
}
