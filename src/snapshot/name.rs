//! What a snapshot is called in a directory: `NODE-20261121T205200Z-e2-r300.aurora-snapshot`. The name tells people what is in
//! it; what is believed stands in the file.

use std::fmt;

use crate::model::name::NodeName;
use crate::model::number::{Epoch, Position, Revision};
use crate::model::time::Timestamp;

/// What every such name ends with.
pub const EXTENSION: &str = ".aurora-snapshot";

/// Longest name that is looked at; a file name of Linux has 255 bytes.
const BYTES_MAX: usize = 200;

/// A name that leads nowhere else than into its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotName {
    text: String,
    /// The node.
    pub node: NodeName,
    /// When it was taken, to the second.
    pub taken_at: Timestamp,
    /// The last change in it.
    pub position: Position,
}

impl SnapshotName {
    /// The name of a snapshot.
    #[must_use]
    pub fn new(node: &NodeName, taken_at: Timestamp, position: Position) -> Self {
        // 2026-11-21T20:52:00.123Z without what separates, to the second.
        let time: String = taken_at.to_string().chars().filter(|character| !"-:".contains(*character)).collect();
        let seconds = time.split('.').next().unwrap_or_default();
        let text = format!("{node}-{seconds}Z-e{}-r{}{EXTENSION}", position.epoch.0, position.revision.0);
        let taken_at = Timestamp(taken_at.0.div_euclid(1000).saturating_mul(1000));
        Self { text, node: node.clone(), taken_at, position }
    }

    /// Reads a name; `None` for any that [`Self::new`] does not make.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > BYTES_MAX {
            return None;
        }
        let mut parts = text.strip_suffix(EXTENSION)?.rsplitn(4, '-');
        let revision = Revision(parts.next()?.strip_prefix('r')?.parse().ok()?);
        let epoch = Epoch(parts.next()?.strip_prefix('e')?.parse().ok()?);
        let taken_at = time(parts.next()?)?;
        let node = NodeName::parse(parts.next()?).ok()?;
        let name = Self::new(&node, taken_at, Position { epoch, revision });
        (name.text == text).then_some(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Reads `20261121T205200Z`.
fn time(text: &str) -> Option<Timestamp> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = [date.get(..4)?, date.get(4..6)?, date.get(6..)?];
    let [hour, minute, second] = [clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?];
    Timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_is_in_it_and_reads_back() {
        let node = NodeName::parse("aurora-2").expect("name");
        let position = Position { epoch: Epoch(2), revision: Revision(300) };
        let at = Timestamp::parse("2026-11-21T20:52:07.123Z").expect("time");
        let name = SnapshotName::new(&node, at, position);
        assert_eq!(name.as_str(), "aurora-2-20261121T205207Z-e2-r300.aurora-snapshot");
        assert_eq!(SnapshotName::parse(name.as_str()), Some(name.clone()));
        assert_eq!((name.node, name.position), (node, position));
        assert_eq!(name.taken_at.to_string(), "2026-11-21T20:52:07.000Z");
    }

    #[test]
    fn nothing_else_is_a_name() {
        for text in [
            "",
            ".aurora-snapshot",
            "../aurora-20261121T205207Z-e2-r300.aurora-snapshot",
            "a/b-20261121T205207Z-e2-r300.aurora-snapshot",
            "aurora-20261121T205207Z-e2-r300.aurora-snapshot.tmp",
            "aurora-20261121T205207Z-e02-r300.aurora-snapshot",
            "aurora-20261121T205207Z-e2-r+300.aurora-snapshot",
            "aurora-20261321T205207Z-e2-r300.aurora-snapshot",
            "aurora-20261121T205207.5Z-e2-r300.aurora-snapshot",
            "Aurora-20261121T205207Z-e2-r300.aurora-snapshot",
            "aurora-20261121T205207Z-e2-r300.AURORA-SNAPSHOT",
            "-20261121T205207Z-e2-r300.aurora-snapshot",
            "aurora-\u{661}0261121T205207Z-e2-r300.aurora-snapshot",
            &format!("{}-20261121T205207Z-e2-r300.aurora-snapshot", "a".repeat(300)),
        ] {
            assert_eq!(SnapshotName::parse(text), None, "{text}");
        }
    }
}
