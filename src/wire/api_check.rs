//! What one node found out about one API, on the wire.
//!
//! What is written here is within its bounds whatever the node holds: texts are cut, lists are cut. What is read is refused
//! beyond them, so only a peer that is none of ours is.

use std::time::Duration;

use super::api_codes::{ExpirySourceCode, PathFaultCode, StateCode, VerdictCode};
use super::error::{FieldRule, WireError};
use super::secret::ScopeFrame;
use crate::model::api_check::{
    Cell, DETAIL_BYTES_MAX, KEYS_MAX, KeyCheck, KeyExpiry, KeyMark, MONITORS_MAX, MonitorReport, PathCheck, cut,
};
use crate::model::name::{CompanyId, KeyName, ServiceName};
use crate::model::number::Version;
use crate::model::secret::{Scope, SecretName};
use crate::model::time::Timestamp;

/// Longest name of who reports, in bytes: a principal, which may hold a path.
pub const REPORTER_BYTES_MAX: usize = DETAIL_BYTES_MAX;

/// Longest time between two reports of a monitor: a week. A longer one counts as this.
pub const INTERVAL_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Numbers, times, lengths and kinds of one path, key or monitor on the wire, or a few more.
const OVERHEAD_BYTES: usize = 64;

/// The plain form of [`Cell`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct CellFrame {
    /// Which API.
    pub service: String,
    /// Goes up by each change the node tells of; without meaning from the lead.
    pub serial: u64,
    /// The path, if the node checks it.
    pub path: Option<PathFrame>,
    /// The credentials, at most [`KEYS_MAX`].
    pub keys: Vec<KeyFrame>,
    /// What monitors said, at most [`MONITORS_MAX`].
    pub monitors: Vec<MonitorFrame>,
    /// Calls with a credential since midnight UTC.
    pub spent_today: u32,
}

/// The plain form of [`PathCheck`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct PathFrame {
    /// What is wrong, if anything is.
    pub fault: Option<PathFaultCode>,
    /// In words.
    pub detail: String,
    /// From the call to its answer, in microseconds.
    pub response_us: Option<u32>,
    /// In milliseconds since 1970.
    pub checked_at_ms: i64,
}

/// The plain form of [`KeyCheck`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct KeyFrame {
    /// For which company, if not for the node itself.
    pub company: Option<String>,
    /// Which value it was, if there is one.
    pub key: Option<MarkFrame>,
    /// What is believed, once it was checked.
    pub verdict: Option<VerdictCode>,
    /// In words.
    pub detail: String,
    /// From the call to its answer, in microseconds.
    pub response_us: Option<u32>,
    /// In milliseconds since 1970.
    pub checked_at_ms: Option<i64>,
    /// When it stops working by itself, if that is known.
    pub expires: Option<ExpiryFrame>,
}

/// The plain form of [`KeyMark`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct MarkFrame {
    /// The service of the secret.
    pub service: String,
    /// Its key name.
    pub key: String,
    /// In which scope it was found.
    pub scope: ScopeFrame,
    /// The serial number of the (secret, scope).
    pub secret_id: u64,
    /// Which version.
    pub version: u64,
}

/// The plain form of [`KeyExpiry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct ExpiryFrame {
    /// In milliseconds since 1970.
    pub at_ms: i64,
    /// Who says so.
    pub source: ExpirySourceCode,
}

/// The plain form of [`MonitorReport`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct MonitorFrame {
    /// Who.
    pub by: String,
    /// What it said.
    pub state: StateCode,
    /// What it measured, in microseconds.
    pub response_us: Option<u32>,
    /// What it said besides.
    pub detail: Option<String>,
    /// In milliseconds since 1970.
    pub at_ms: i64,
    /// How often it means to report, in milliseconds.
    pub interval_ms: u64,
}

impl CellFrame {
    /// A cell, as it is told under this serial number.
    #[must_use]
    pub fn new(cell: &Cell, serial: u64) -> Self {
        Self {
            service: cell.service.to_string(),
            serial,
            path: cell.path.as_ref().map(PathFrame::from),
            keys: cell.keys.iter().take(KEYS_MAX).map(KeyFrame::from).collect(),
            monitors: cell.monitors.iter().take(MONITORS_MAX).map(MonitorFrame::from).collect(),
            spent_today: cell.spent_today,
        }
    }

    /// Its bytes on the wire, or a few more.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        let path = self.path.as_ref().map_or(0, |path| path.detail.len());
        let keys: usize = self.keys.iter().map(KeyFrame::payload_bytes).sum();
        let monitors: usize = self.monitors.iter().map(MonitorFrame::payload_bytes).sum();
        self.service.len() + path + keys + monitors + 2 * OVERHEAD_BYTES
    }
}

impl KeyFrame {
    fn payload_bytes(&self) -> usize {
        let mark = |mark: &MarkFrame| mark.service.len() + mark.key.len() + mark.scope.id.len();
        let names = self.company.as_ref().map_or(0, String::len) + self.key.as_ref().map_or(0, mark);
        names + self.detail.len() + OVERHEAD_BYTES
    }
}

impl MonitorFrame {
    fn payload_bytes(&self) -> usize {
        self.by.len() + self.detail.as_ref().map_or(0, String::len) + OVERHEAD_BYTES
    }
}

impl TryFrom<CellFrame> for Cell {
    type Error = WireError;

    fn try_from(frame: CellFrame) -> Result<Self, WireError> {
        let service = ServiceName::parse(&frame.service)?;
        if frame.keys.len() > KEYS_MAX {
            return Err(WireError::Field { field: "keys", rule: FieldRule::TooMany(KEYS_MAX) });
        }
        if frame.monitors.len() > MONITORS_MAX {
            return Err(WireError::Field { field: "monitors", rule: FieldRule::TooMany(MONITORS_MAX) });
        }
        Ok(Self {
            service,
            path: frame.path.map(PathCheck::try_from).transpose()?,
            keys: frame.keys.into_iter().map(KeyCheck::try_from).collect::<Result<_, _>>()?,
            monitors: frame.monitors.into_iter().map(MonitorReport::try_from).collect::<Result<_, _>>()?,
            spent_today: frame.spent_today,
        })
    }
}

impl From<&PathCheck> for PathFrame {
    fn from(check: &PathCheck) -> Self {
        Self {
            fault: check.fault.map(PathFaultCode::from),
            detail: written(&check.detail),
            response_us: check.response_time.map(microseconds),
            checked_at_ms: check.checked_at.0,
        }
    }
}

impl TryFrom<PathFrame> for PathCheck {
    type Error = WireError;

    fn try_from(frame: PathFrame) -> Result<Self, WireError> {
        Ok(Self {
            fault: frame.fault.map(Into::into),
            detail: read(frame.detail, "detail")?,
            response_time: frame.response_us.map(duration),
            checked_at: Timestamp(frame.checked_at_ms),
        })
    }
}

impl From<&KeyCheck> for KeyFrame {
    fn from(check: &KeyCheck) -> Self {
        Self {
            company: check.company.as_ref().map(ToString::to_string),
            key: check.key.as_ref().map(MarkFrame::from),
            verdict: check.verdict.map(VerdictCode::from),
            detail: written(&check.detail),
            response_us: check.response_time.map(microseconds),
            checked_at_ms: check.checked_at.map(|at| at.0),
            expires: check.expires.map(|expiry| ExpiryFrame { at_ms: expiry.at.0, source: expiry.source.into() }),
        }
    }
}

impl TryFrom<KeyFrame> for KeyCheck {
    type Error = WireError;

    fn try_from(frame: KeyFrame) -> Result<Self, WireError> {
        let expiry = |frame: ExpiryFrame| KeyExpiry { at: Timestamp(frame.at_ms), source: frame.source.into() };
        Ok(Self {
            company: frame.company.as_deref().map(CompanyId::parse).transpose()?,
            key: frame.key.map(KeyMark::try_from).transpose()?,
            verdict: frame.verdict.map(Into::into),
            detail: read(frame.detail, "detail")?,
            response_time: frame.response_us.map(duration),
            checked_at: frame.checked_at_ms.map(Timestamp),
            expires: frame.expires.map(expiry),
        })
    }
}

impl From<&KeyMark> for MarkFrame {
    fn from(mark: &KeyMark) -> Self {
        Self {
            service: mark.secret.service.to_string(),
            key: mark.secret.key.to_string(),
            scope: ScopeFrame::from(&mark.scope),
            secret_id: mark.secret_id,
            version: mark.version.get(),
        }
    }
}

impl TryFrom<MarkFrame> for KeyMark {
    type Error = WireError;

    fn try_from(frame: MarkFrame) -> Result<Self, WireError> {
        let zero = WireError::Field { field: "version", rule: FieldRule::Zero };
        Ok(Self {
            secret: SecretName { service: ServiceName::parse(&frame.service)?, key: KeyName::parse(&frame.key)? },
            scope: Scope::try_from(frame.scope)?,
            secret_id: frame.secret_id,
            version: Version::new(frame.version).ok_or(zero)?,
        })
    }
}

impl From<&MonitorReport> for MonitorFrame {
    fn from(report: &MonitorReport) -> Self {
        Self {
            by: written(&report.by),
            state: report.state.into(),
            response_us: report.response_time.map(microseconds),
            detail: report.detail.as_deref().map(written),
            at_ms: report.at.0,
            interval_ms: u64::try_from(report.interval.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl TryFrom<MonitorFrame> for MonitorReport {
    type Error = WireError;

    fn try_from(frame: MonitorFrame) -> Result<Self, WireError> {
        Ok(Self {
            by: read(frame.by, "by")?,
            state: frame.state.into(),
            response_time: frame.response_us.map(duration),
            detail: frame.detail.map(|detail| read(detail, "detail")).transpose()?,
            at: Timestamp(frame.at_ms),
            interval: Duration::from_millis(frame.interval_ms).min(INTERVAL_MAX),
        })
    }
}

/// A text as it may be told: cut, and nothing in it that moves a cursor.
fn written(text: &str) -> String {
    cut(text).chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn read(text: String, field: &'static str) -> Result<String, WireError> {
    if text.len() > DETAIL_BYTES_MAX {
        return Err(WireError::Field { field, rule: FieldRule::TooMany(DETAIL_BYTES_MAX) });
    }
    if text.chars().any(char::is_control) {
        return Err(WireError::Field { field, rule: FieldRule::Malformed });
    }
    Ok(text)
}

/// Over an hour counts as the longest that can be told; no call is let run for that long.
fn microseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

fn duration(microseconds: u32) -> Duration {
    Duration::from_micros(u64::from(microseconds))
}

#[cfg(test)]
impl CellFrame {
    /// What the tests of this room use: a path that is fine, a key that is refused, and a monitor.
    pub(super) fn sample() -> Self {
        use super::secret::ScopeKind;
        Self {
            service: "openai".into(),
            serial: 7,
            path: Some(PathFrame { fault: None, detail: String::new(), response_us: Some(8_500), checked_at_ms: 1 }),
            keys: vec![KeyFrame {
                company: Some("acme".into()),
                key: Some(MarkFrame {
                    service: "openai".into(),
                    key: "api_key".into(),
                    scope: ScopeFrame { kind: ScopeKind::Company, id: "acme".into() },
                    secret_id: 9,
                    version: 2,
                }),
                verdict: Some(VerdictCode::Rejected),
                detail: "GET /v1/models: 401".into(),
                response_us: None,
                checked_at_ms: Some(2),
                expires: Some(ExpiryFrame { at_ms: 3, source: ExpirySourceCode::Header }),
            }],
            monitors: vec![MonitorFrame {
                by: "user:uptime".into(),
                state: StateCode::Down,
                response_us: None,
                detail: Some("no answer".into()),
                at_ms: 4,
                interval_ms: 300_000,
            }],
            spent_today: 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(frame: CellFrame) -> String {
        Cell::try_from(frame).expect_err("refused").to_string()
    }

    fn with_key(change: impl FnOnce(&mut KeyFrame)) -> CellFrame {
        let mut frame = CellFrame::sample();
        change(&mut frame.keys[0]);
        frame
    }

    #[test]
    fn a_cell_travels_both_ways() {
        let frame = CellFrame::sample();
        let cell = Cell::try_from(frame.clone()).expect("reads");
        assert_eq!(CellFrame::new(&cell, 7), frame);
        assert_eq!(cell.path.expect("a path").response_time, Some(Duration::from_micros(8_500)));
    }

    #[test]
    fn what_is_written_is_within_its_bounds_whatever_the_node_holds() {
        let mut cell = Cell::try_from(CellFrame::sample()).expect("reads");
        cell.keys[0].detail = "ä\u{1b}[2J".repeat(DETAIL_BYTES_MAX);
        cell.keys = vec![cell.keys[0].clone(); KEYS_MAX + 1];
        cell.monitors = vec![cell.monitors[0].clone(); MONITORS_MAX + 1];
        cell.path.as_mut().expect("a path").response_time = Some(Duration::MAX);
        let frame = CellFrame::new(&cell, 1);
        let bytes = bincode_bytes(&frame);
        assert!(frame.payload_bytes() >= bytes, "{bytes}");
        let read = Cell::try_from(frame).expect("within its bounds");
        assert_eq!((read.keys.len(), read.monitors.len()), (KEYS_MAX, MONITORS_MAX));
        assert!(!read.keys[0].detail.contains('\u{1b}'));
    }

    fn bincode_bytes(frame: &CellFrame) -> usize {
        super::super::frame::encode_payload(0, frame).expect("encodes").len()
    }

    #[test]
    fn what_no_node_would_send_is_refused() {
        let keys = vec![CellFrame::sample().keys[0].clone(); KEYS_MAX + 1];
        assert_eq!(refused(CellFrame { keys, ..CellFrame::sample() }), "field keys: more than 256");
        let monitors = vec![CellFrame::sample().monitors[0].clone(); MONITORS_MAX + 1];
        assert_eq!(refused(CellFrame { monitors, ..CellFrame::sample() }), "field monitors: more than 8");
        let long = "x".repeat(DETAIL_BYTES_MAX + 1);
        assert_eq!(refused(with_key(|key| key.detail = long)), "field detail: more than 256");
        assert!(refused(with_key(|key| key.detail = "a\u{1b}[2J".into())).starts_with("field detail"));
        let version = |key: &mut KeyFrame| key.key.as_mut().expect("a mark").version = 0;
        assert!(refused(with_key(version)).starts_with("field version"));
        for hostile in ["", "../a", "A", "a\0"] {
            let service = CellFrame { service: hostile.into(), ..CellFrame::sample() };
            assert!(Cell::try_from(service).is_err(), "{hostile:?}");
            assert!(Cell::try_from(with_key(|key| key.company = Some(hostile.into()))).is_err(), "{hostile:?}");
            let secret = |key: &mut KeyFrame| key.key.as_mut().expect("a mark").key = hostile.into();
            assert!(Cell::try_from(with_key(secret)).is_err(), "{hostile:?}");
        }
    }

    #[test]
    fn an_interval_of_years_counts_as_a_week() {
        let mut frame = CellFrame::sample();
        frame.monitors[0].interval_ms = u64::MAX;
        assert_eq!(Cell::try_from(frame).expect("reads").monitors[0].interval, INTERVAL_MAX);
    }
}
