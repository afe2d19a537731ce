//! What is counted to keep limits: how many requests fell into each of the last sixty seconds.

use super::name::{AgentName, ApiKeyName, CompanyId};

/// Seconds of a window: limits are given per minute.
pub const WINDOW_SECONDS: usize = 60;

/// What has a limit of its own. Small to clone: names are shared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// What an agent asks on behalf of one company, or of none: companies do not use up each other's share.
    Agent(AgentName, Option<CompanyId>),
    /// What is asked with one key of an agent.
    Key(AgentName, ApiKeyName),
}

/// Requests of the last sixty seconds, by second: the one that runs and the 59 before it. Of fixed size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    counts: [u32; WINDOW_SECONDS],
    /// The second that runs, on whatever clock the owner counts by.
    now: u64,
}

impl Window {
    /// An empty window at this second.
    #[must_use]
    pub fn new(now: u64) -> Self {
        Self { counts: [0; WINDOW_SECONDS], now }
    }

    /// A window of counts by age in seconds, the running second first. What is older than a window is left out.
    #[must_use]
    pub fn from_ages(now: u64, ages: &[u32]) -> Self {
        let mut window = Self::new(now);
        for (age, count) in ages.iter().take(WINDOW_SECONDS).enumerate() {
            if let Some(second) = now.checked_sub(u64_of(age)) {
                window.counts[place(second)] = *count;
            }
        }
        window
    }

    /// Moves to this second: what is too old by then is forgotten. A second that is past already changes nothing.
    pub fn advance(&mut self, now: u64) {
        let passed = now.saturating_sub(self.now);
        for step in 1..=passed.min(u64_of(WINDOW_SECONDS)) {
            self.counts[place(self.now.saturating_add(step))] = 0;
        }
        if passed > u64_of(WINDOW_SECONDS) {
            self.counts = [0; WINDOW_SECONDS];
        }
        self.now = self.now.max(now);
    }

    /// Counts requests of the running second.
    pub fn add(&mut self, count: u32) {
        let running = &mut self.counts[place(self.now)];
        *running = running.saturating_add(count);
    }

    /// All requests of the window.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().copied().map(u64::from).sum()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    /// The requests of a second this many seconds ago; 0 is the running one.
    #[must_use]
    pub fn at_age(&self, age: usize) -> u32 {
        match self.now.checked_sub(u64_of(age)) {
            Some(second) if age < WINDOW_SECONDS => self.counts[place(second)],
            Some(_) | None => 0,
        }
    }

    /// The counts by age, the running second first, without the empty seconds at the old end.
    #[must_use]
    pub fn ages(&self) -> Vec<u32> {
        let mut ages: Vec<u32> = (0..WINDOW_SECONDS).map(|age| self.at_age(age)).collect();
        let used = ages.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        ages.truncate(used);
        ages
    }

    /// Adds what another window counted. Both are moved to the later of their seconds first.
    pub fn join(&mut self, other: &Self) {
        self.combine(other, u32::saturating_add);
    }

    /// Takes away what another window counted. Both are moved to the later of their seconds first.
    pub fn part(&mut self, other: &Self) {
        self.combine(other, u32::saturating_sub);
    }

    fn combine(&mut self, other: &Self, with: fn(u32, u32) -> u32) {
        self.advance(other.now);
        for age in 0..WINDOW_SECONDS {
            let Some(second) = other.now.checked_sub(u64_of(age)) else { break };
            if self.now.saturating_sub(second) < u64_of(WINDOW_SECONDS) {
                let mine = &mut self.counts[place(second)];
                *mine = with(*mine, other.at_age(age));
            }
        }
    }
}

fn place(second: u64) -> usize {
    usize::try_from(second % u64_of(WINDOW_SECONDS)).unwrap_or(0)
}

fn u64_of(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(entries: &[(u64, u32)]) -> Window {
        let mut window = Window::new(0);
        for (second, count) in entries {
            window.advance(*second);
            window.add(*count);
        }
        window
    }

    #[test]
    fn a_request_counts_for_sixty_seconds_and_not_longer() {
        let mut window = window(&[(10, 3), (11, 1)]);
        window.advance(69);
        assert_eq!(window.total(), 4);
        window.advance(70);
        assert_eq!((window.total(), window.at_age(59)), (1, 1));
        window.advance(1_000_000);
        assert!(window.is_empty());
        window.advance(5);
        assert_eq!(window, Window::new(1_000_000));
    }

    #[test]
    fn counts_by_age_read_back_as_the_window_they_were_taken_from() {
        let window = window(&[(100, 2), (130, 5), (140, 1)]);
        let ages = window.ages();
        assert_eq!((ages.len(), ages[0], ages[10], ages[40]), (41, 1, 5, 2));
        assert_eq!(Window::from_ages(140, &ages), window);
        assert_eq!(Window::from_ages(7, &[1; 500]).total(), 8, "nothing is older than the clock");
        assert_eq!(Window::from_ages(700, &[1; 500]).total(), 60);
    }

    #[test]
    fn windows_of_different_seconds_are_joined_and_parted_second_by_second() {
        let (mut sum, early) = (window(&[(100, 2)]), window(&[(50, 7), (95, 1)]));
        sum.join(&early);
        assert_eq!((sum.total(), sum.at_age(50), sum.at_age(5)), (10, 7, 1));
        sum.part(&early);
        assert_eq!(sum, window(&[(100, 2)]));
        let mut late = window(&[(20, 9)]);
        late.join(&window(&[(90, 1)]));
        assert_eq!(late.total(), 1, "what is too old at the later second is forgotten");
    }
}
