//! Which credentials stop working by themselves or are due for a new value, when, and whom to remind of what.
//!
//! Two may say when a credential ends: whoever stored it, and the provider or the credential itself. The earlier one counts
//! and both are shown.

use std::time::Duration;

use super::told::Told;
use crate::model::api_check::{ExpirySource, KeyExpiry};
use crate::model::number::Version;
use crate::model::secret::{Scope, SecretName};
use crate::model::time::Timestamp;

/// How many days before the end somebody is reminded, the first reminder first.
pub const REMIND_DAYS: [u8; 4] = [30, 14, 7, 1];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The current version of one secret in one scope, and what is known of its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetime {
    /// Which secret.
    pub secret: SecretName,
    /// In which scope.
    pub scope: Scope,
    /// The serial number of the (secret, scope).
    pub secret_id: u64,
    /// The current version.
    pub version: Version,
    /// When that version was made.
    pub made_at: Timestamp,
    /// When it ends, as whoever stored it said.
    pub expires_at: Option<Timestamp>,
    /// When it ends, as a check of this version found.
    pub found: Option<Found>,
    /// How many days after it was made a new value is due; never if zero.
    pub rotation_reminder_days: u16,
}

/// What a check found out about the end of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The end, and who says so.
    pub expiry: KeyExpiry,
    /// When it was found.
    pub at: Timestamp,
}

/// Something that falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The credential stops working.
    Expiry,
    /// A new value is due.
    Rotation,
}

/// A credential for which something falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDate<'lifetime> {
    /// When; in the past if it already has.
    pub at: Timestamp,
    /// What.
    pub due: Due,
    /// Who says so; none of a rotation.
    pub source: Option<ExpirySource>,
    /// Of which credential.
    pub lifetime: &'lifetime Lifetime,
}

/// Somebody is to be told of it, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminder<'lifetime> {
    /// Which of [`REMIND_DAYS`] has come; none of a rotation, which is told when it is due.
    pub days_before: Option<u8>,
    /// What falls due, and when.
    pub date: DueDate<'lifetime>,
}

impl Lifetime {
    /// When it stops working: the earlier of what is known; at the same time, what the user said.
    #[must_use]
    pub fn expiry(&self) -> Option<KeyExpiry> {
        let user = self.expires_at.map(|at| KeyExpiry { at, source: ExpirySource::User });
        let found = self.found.map(|found| found.expiry);
        user.into_iter().chain(found).min_by_key(|expiry| expiry.at)
    }

    /// When a new value is due.
    #[must_use]
    pub fn rotation(&self) -> Option<Timestamp> {
        let days = u32::from(self.rotation_reminder_days);
        (days > 0).then(|| self.made_at.plus(DAY.saturating_mul(days)))
    }

    /// What falls due, and when.
    pub fn dates(&self) -> impl Iterator<Item = DueDate<'_>> {
        let expiry = self.expiry().map(|KeyExpiry { at, source }| (at, Due::Expiry, Some(source)));
        let rotation = self.rotation().map(|at| (at, Due::Rotation, None));
        expiry.into_iter().chain(rotation).map(|(at, due, source)| DueDate { at, due, source, lifetime: self })
    }

    /// An end that is never more than a day away is that of an access token, which is given out anew as a matter of course:
    /// nobody is to do anything about it.
    #[must_use]
    pub fn renews_itself(&self, expiry: &DueDate<'_>) -> bool {
        expiry.source == Some(ExpirySource::Answer)
            && self.found.is_some_and(|found| found.expiry.at < found.at.plus(DAY))
    }
}

/// What falls due within this time, or already has, the earliest first.
#[must_use]
pub fn expiring(lifetimes: &[Lifetime], now: Timestamp, within: Duration) -> Vec<DueDate<'_>> {
    let until = now.plus(within);
    let mut dates: Vec<DueDate<'_>> =
        lifetimes.iter().flat_map(Lifetime::dates).filter(|date| date.at <= until).collect();
    dates.sort_by(|one, other| order(one).cmp(&order(other)));
    dates
}

/// What is to be told now and was not told yet, the earliest date first, and what has been told after that. These must be
/// all lifetimes there are: of others it is forgotten what was told.
///
/// Of several thresholds that have come since, only the nearest is told. When a date moves away, those that lie ahead again
/// will be told again.
#[must_use]
pub fn reminders<'lifetime>(
    lifetimes: &'lifetime [Lifetime],
    told: &Told,
    now: Timestamp,
) -> (Vec<Reminder<'lifetime>>, Told) {
    let farthest = DAY.saturating_mul(u32::from(REMIND_DAYS[0]));
    let (mut reminders, mut after) = (Vec::new(), Told::default());
    for date in expiring(lifetimes, now, farthest) {
        let lifetime = date.lifetime;
        let (id, version) = (lifetime.secret_id, lifetime.version);
        let days_before = match date.due {
            Due::Expiry if lifetime.renews_itself(&date) => continue,
            Due::Rotation if date.at > now => continue,
            Due::Rotation => None,
            Due::Expiry => match nearest(date.at, now) {
                Some(days) => Some(days),
                None => continue,
            },
        };
        let was_told = told.knows(id, version, days_before);
        if after.note(id, version, days_before) && !was_told {
            reminders.push(Reminder { days_before, date });
        }
    }
    (reminders, after)
}

/// The nearest threshold that has come.
fn nearest(at: Timestamp, now: Timestamp) -> Option<u8> {
    let come = |days: &u8| at.minus(DAY.saturating_mul(u32::from(*days))) <= now;
    REMIND_DAYS.into_iter().filter(come).min()
}

fn order<'date>(date: &DueDate<'date>) -> (Timestamp, &'date SecretName, &'date Scope, Due) {
    (date.at, &date.lifetime.secret, &date.lifetime.scope, date.due)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_248_000_000);

    fn days(count: u32) -> Duration {
        DAY.saturating_mul(count)
    }

    fn lifetime(id: u64, ends_in: Option<u32>) -> Lifetime {
        Lifetime {
            secret: SecretName::parse("github/token").expect("name"),
            scope: Scope::Global,
            secret_id: id,
            version: Version::FIRST,
            made_at: NOW,
            expires_at: ends_in.map(|ends_in| NOW.plus(days(ends_in))),
            found: None,
            rotation_reminder_days: 0,
        }
    }

    fn found(at: Timestamp, source: ExpirySource) -> Option<Found> {
        Some(Found { expiry: KeyExpiry { at, source }, at: NOW })
    }

    /// The thresholds told at each of these days from now.
    fn over(days_from_now: &[u32], lifetime: &Lifetime) -> Vec<Vec<Option<u8>>> {
        let mut told = Told::default();
        let mut at_each = Vec::new();
        for day in days_from_now {
            let (reminders, after) = reminders(std::slice::from_ref(lifetime), &told, NOW.plus(days(*day)));
            at_each.push(reminders.iter().map(|reminder| reminder.days_before).collect());
            told = Told::parse(&after.to_bytes()).expect("its own bytes");
        }
        at_each
    }

    #[test]
    fn the_earlier_end_counts_and_both_are_kept() {
        let header = ExpirySource::Header;
        let both = |ends_in| Lifetime { found: found(NOW.plus(days(10)), header), ..lifetime(1, ends_in) };
        let source = |lifetime: &Lifetime| lifetime.expiry().map(|expiry| expiry.source);
        assert_eq!(source(&both(Some(20))), Some(header));
        assert_eq!(source(&both(Some(5))), Some(ExpirySource::User));
        assert_eq!(source(&both(Some(10))), Some(ExpirySource::User));
        assert_eq!(source(&both(None)), Some(header));
        assert_eq!(source(&lifetime(1, None)), None);
    }

    #[test]
    fn what_falls_due_is_listed_from_the_earliest_on_and_what_has_ended_too() {
        let ended = Lifetime { expires_at: Some(NOW.minus(days(3))), ..lifetime(3, None) };
        let old = Lifetime { made_at: NOW.minus(days(80)), rotation_reminder_days: 90, ..lifetime(4, None) };
        let lifetimes = [lifetime(1, Some(40)), lifetime(2, Some(30)), ended, old, lifetime(5, None)];
        let dates = expiring(&lifetimes, NOW, days(30));
        let listed: Vec<(u64, Due)> = dates.iter().map(|date| (date.lifetime.secret_id, date.due)).collect();
        assert_eq!(listed, [(3, Due::Expiry), (4, Due::Rotation), (2, Due::Expiry)]);
    }

    #[test]
    fn each_threshold_is_told_once_also_after_a_restart() {
        let told = over(&[0, 9, 10, 11, 25, 26, 33, 34, 39, 40, 50], &lifetime(1, Some(40)));
        let none = Vec::new;
        let one = |days| vec![Some(days)];
        assert_eq!(told, [none(), none(), one(30), none(), none(), one(14), one(7), none(), one(1), none(), none()]);
    }

    #[test]
    fn of_thresholds_that_passed_unnoticed_only_the_nearest_is_told() {
        assert_eq!(over(&[0, 1, 4], &lifetime(1, Some(5))), [vec![Some(7)], vec![], vec![Some(1)]]);
        assert_eq!(over(&[9, 10], &lifetime(1, Some(5))), [vec![Some(1)], vec![]], "also if it has ended");
    }

    #[test]
    fn an_end_that_moves_away_is_told_again_when_it_comes() {
        let (_, told) = reminders(&[lifetime(1, Some(5))], &Told::default(), NOW);
        let moved = [lifetime(1, Some(20))];
        let (silent, told) = reminders(&moved, &told, NOW);
        assert_eq!(silent, [], "thirty days were told of before");
        let (again, _) = reminders(&moved, &told, NOW.plus(days(13)));
        assert_eq!(again.iter().map(|reminder| reminder.days_before).collect::<Vec<_>>(), [Some(7)]);
    }

    #[test]
    fn a_new_version_is_told_of_anew() {
        let (_, told) = reminders(&[lifetime(1, Some(5))], &Told::default(), NOW);
        let next = [Lifetime { version: Version::FIRST.next(), ..lifetime(1, Some(5)) }];
        assert_eq!(reminders(&next, &told, NOW).0.len(), 1);
    }

    #[test]
    fn a_rotation_is_told_once_when_it_is_due_and_never_if_none_is_wanted() {
        let due = Lifetime { rotation_reminder_days: 90, ..lifetime(1, None) };
        assert_eq!(over(&[0, 89, 90, 91], &due), [vec![], vec![], vec![None], vec![]]);
        assert_eq!(over(&[0, 89, 90, 91, 9_000], &lifetime(1, None)), [vec![], vec![], vec![], vec![], vec![]]);
    }

    #[test]
    fn a_token_that_is_given_out_anew_all_the_time_reminds_nobody() {
        let hour = NOW.plus(Duration::from_secs(3600));
        let token = |source| Lifetime { found: found(hour, source), ..lifetime(1, None) };
        assert_eq!(reminders(&[token(ExpirySource::Answer)], &Told::default(), NOW).0, []);
        assert_eq!(reminders(&[token(ExpirySource::Jwt)], &Told::default(), NOW).0.len(), 1);
        assert_eq!(expiring(&[token(ExpirySource::Answer)], NOW, DAY).len(), 1, "it is listed all the same");
    }
}
