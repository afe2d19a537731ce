//! The stream of connectivity: what a follower found out about APIs, and what the others did.
//!
//! A follower tells all it knows at the start, then what changes, and now and then a digest; where that does not fit, the
//! lead asks for all of it again. The lead tells what others found out: all of it at the start, then what changes. What
//! does not fit one frame comes in several, of which only the last says that nothing more follows; they count together.
//!
//! Clocks of two nodes differ, so whoever tells until when a node kept up its checks tells its own time too.

use std::collections::BTreeMap;
use std::time::Duration;

use super::api_check::CellFrame;
use super::error::{FieldRule, WireError};
use crate::model::api_check::{Cell, Elsewhere, SERVICES_MAX};
use crate::model::name::{EnvironmentName, NodeName, ServiceName};
use crate::model::time::Timestamp;

/// Most rows in one frame.
pub const ROWS_MAX: usize = 1_000;

/// Most names of nodes in one frame.
pub const NODES_MAX: usize = 4_000;

/// Most bytes of cells in one frame, by their count: well under the limit of a frame. One larger cell travels alone.
pub const CELLS_BYTES_MAX: usize = 256 * 1024;

/// A time on the clock of the sender, with what that clock showed when it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct TimeFrame {
    /// The time, in milliseconds since 1970.
    pub at_ms: i64,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

impl TimeFrame {
    /// A time, told now.
    #[must_use]
    pub fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at_ms: at.0, now_ms: now.0 }
    }

    /// The time on the clock of the receiver; never later than its now.
    #[must_use]
    pub fn here(&self, now: Timestamp) -> Timestamp {
        now.minus(Timestamp(self.now_ms).since(Timestamp(self.at_ms)).unwrap_or(Duration::ZERO))
    }
}

/// What the follower found out: about APIs for which that changed, or all it knows.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Cells {
    /// Whether this is all it knows.
    pub whole: bool,
    /// Whether more of it follows.
    pub more: bool,
    /// Each replaces what was told of the same API.
    pub cells: Vec<CellFrame>,
    /// APIs of which it knows nothing any more.
    pub gone: Vec<String>,
}

impl Cells {
    /// The cells, each with its serial number, and the services that are gone.
    ///
    /// # Errors
    /// [`WireError`] for more than a node may have, and for any that is not right.
    #[expect(clippy::type_complexity, reason = "two lists that belong to one message")]
    pub fn read(self) -> Result<(Vec<(u64, Cell)>, Vec<ServiceName>), WireError> {
        let cell = |frame: CellFrame| Ok((frame.serial, Cell::try_from(frame)?));
        bounded("cells", self.cells.len(), SERVICES_MAX)?;
        bounded("gone", self.gone.len(), SERVICES_MAX)?;
        let cells = self.cells.into_iter().map(cell).collect::<Result<_, WireError>>()?;
        Ok((cells, services(&self.gone)?))
    }
}

/// What the follower told, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Digest {
    /// How many APIs it told of.
    pub cells: u32,
    /// The sum of the serial numbers it told last for each, without carry.
    pub serials: u64,
    /// Until when it kept up its checks.
    pub confirmed: TimeFrame,
}

/// What others found out: where that changed, or all of it.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Rows {
    /// Whether this is all of it.
    pub whole: bool,
    /// Whether more of it follows.
    pub more: bool,
    /// What the lead's clock shows, in milliseconds since 1970.
    pub now_ms: i64,
    /// By node.
    pub rows: Vec<RowFrame>,
}

/// What one node found out.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct RowFrame {
    /// Which node.
    pub node: String,
    /// Its environment, which is that of the receiver.
    pub environment: String,
    /// Each replaces what was told of the same API.
    pub cells: Vec<CellFrame>,
    /// APIs of which it knows nothing any more, or nothing that the receiver may know.
    pub gone: Vec<String>,
    /// Until when the node kept up its checks, in milliseconds since 1970 on the lead's clock.
    pub confirmed_at_ms: i64,
}

/// What one node found out, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRead {
    /// Which node.
    pub node: NodeName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// What it knows now.
    pub cells: Vec<Cell>,
    /// Of what it knows nothing any more.
    pub gone: Vec<ServiceName>,
    /// Until when it kept up its checks, on the receiver's clock.
    pub confirmed_at: Timestamp,
}

impl RowFrame {
    /// Its bytes on the wire, or a few more.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        /// Numbers and lengths.
        const OVERHEAD: usize = 48;
        let gone: usize = self.gone.iter().map(|service| service.len() + 2).sum();
        let cells: usize = self.cells.iter().map(CellFrame::payload_bytes).sum();
        self.node.len() + self.environment.len() + gone + cells + OVERHEAD
    }

    fn read(self, lead_now: Timestamp, now: Timestamp) -> Result<RowRead, WireError> {
        bounded("cells", self.cells.len(), SERVICES_MAX)?;
        bounded("gone", self.gone.len(), SERVICES_MAX)?;
        Ok(RowRead {
            node: NodeName::parse(&self.node)?,
            environment: EnvironmentName::parse(&self.environment)?,
            cells: self.cells.into_iter().map(Cell::try_from).collect::<Result<_, _>>()?,
            gone: services(&self.gone)?,
            confirmed_at: TimeFrame::new(Timestamp(self.confirmed_at_ms), lead_now).here(now),
        })
    }
}

impl Rows {
    /// The rows, with times on the receiver's clock.
    ///
    /// # Errors
    /// [`WireError`] for more than [`ROWS_MAX`], and for any that is not right.
    pub fn read(self, now: Timestamp) -> Result<Vec<RowRead>, WireError> {
        bounded("rows", self.rows.len(), ROWS_MAX)?;
        let lead_now = Timestamp(self.now_ms);
        self.rows.into_iter().map(|row| row.read(lead_now, now)).collect()
    }
}

/// "What you told does not fit your digest: tell all of it again."
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Again;

/// Until when nodes kept up their checks.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Confirmed {
    /// What the lead's clock shows, in milliseconds since 1970.
    pub now_ms: i64,
    /// By node, in milliseconds since 1970 on the lead's clock.
    pub nodes: Vec<(String, i64)>,
}

impl Confirmed {
    /// The nodes, with times on the receiver's clock.
    ///
    /// # Errors
    /// [`WireError`] for more than [`NODES_MAX`], and for names that are none.
    pub fn read(&self, now: Timestamp) -> Result<Vec<(NodeName, Timestamp)>, WireError> {
        bounded("nodes", self.nodes.len(), NODES_MAX)?;
        let lead_now = Timestamp(self.now_ms);
        let read = |(node, at): &(String, i64)| {
            Ok((NodeName::parse(node)?, TimeFrame::new(Timestamp(*at), lead_now).here(now)))
        };
        self.nodes.iter().map(read).collect()
    }
}

/// Who else calls the APIs that the receiver watches, where it may not look.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Others {
    /// All that is told; what was told before and is not named any more is not known any more.
    pub services: Vec<OtherFrame>,
}

/// Nodes of other environments that call one API, counted.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct OtherFrame {
    /// Which API.
    pub service: String,
    /// How many nodes.
    pub nodes: u32,
    /// How many of them come before the receiver where a budget does not divide evenly.
    pub before: u32,
}

impl Others {
    /// What is told, of each service.
    #[must_use]
    pub fn new(told: &BTreeMap<ServiceName, Elsewhere>) -> Self {
        let frame = |(service, elsewhere): (&ServiceName, &Elsewhere)| {
            let Elsewhere { nodes, before } = *elsewhere;
            OtherFrame { service: service.to_string(), nodes, before }
        };
        Self { services: told.iter().map(frame).collect() }
    }

    /// The services, and what is told of each.
    ///
    /// # Errors
    /// [`WireError`] for more than a node may have, and for names that are none.
    pub fn read(&self) -> Result<BTreeMap<ServiceName, Elsewhere>, WireError> {
        bounded("services", self.services.len(), SERVICES_MAX)?;
        let read = |frame: &OtherFrame| {
            let OtherFrame { service, nodes, before } = frame;
            Ok((ServiceName::parse(service)?, Elsewhere { nodes: *nodes, before: *before }))
        };
        self.services.iter().map(read).collect()
    }
}

fn bounded(field: &'static str, length: usize, max: usize) -> Result<(), WireError> {
    if length > max {
        return Err(WireError::Field { field, rule: FieldRule::TooMany(max) });
    }
    Ok(())
}

fn services(names: &[String]) -> Result<Vec<ServiceName>, WireError> {
    names.iter().map(|name| Ok(ServiceName::parse(name)?)).collect()
}

frames! {
    /// What a follower says on the stream of connectivity.
    pub enum FromFollower, at most FRAME_BYTES_MAX {
        /// All at the start and when it is asked, then what changes.
        1001 => Cells,
        /// Now and then.
        1002 => Digest,
    }
}

frames! {
    /// What the lead says on the stream of connectivity.
    pub enum FromLead, at most FRAME_BYTES_MAX {
        /// All at the start, then what changes.
        1101 => Rows,
        /// When a digest does not fit.
        1102 => Again,
        /// Now and then.
        1103 => Confirmed,
        /// When the receiver told what it watches, and when that changes.
        1104 => Others,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{golden, survives_anything};
    use super::*;

    fn cells() -> Cells {
        Cells { whole: true, more: false, cells: vec![CellFrame::sample()], gone: vec!["slack".into()] }
    }

    fn row() -> RowFrame {
        RowFrame {
            node: "vengeance".into(),
            environment: "prod".into(),
            cells: vec![],
            gone: vec!["slack".into()],
            confirmed_at_ms: 70_000,
        }
    }

    fn rows() -> Rows {
        Rows { whole: false, more: true, now_ms: 80_000, rows: vec![row()] }
    }

    fn others() -> Others {
        let elsewhere = Elsewhere { nodes: 2, before: 1 };
        Others::new(&[(ServiceName::parse("fireflies").expect("a name"), elsewhere)].into())
    }

    #[test]
    fn the_frames_of_connectivity_have_the_bytes_they_always_had() {
        golden(
            &FromFollower::from(cells()),
            "000000790103e9010001066f70656e61690701000001fb34210201010461636d6501066f70656e6169076170695f6b6579020461636d650902010513474554202f76312f6d6f64656c733a20343031000104010602010b757365723a757074696d65030001096e6f20616e7377657208fce0930400030105736c61636b",
        );
        let digest = Digest { cells: 22, serials: 300, confirmed: TimeFrame { at_ms: 1, now_ms: 2 } };
        golden(&FromFollower::from(digest), "000000090103ea16fb2c010204");
        golden(
            &FromLead::from(rows()),
            "0000002701044d0001fc00710200010976656e6765616e63650470726f64000105736c61636bfce0220200",
        );
        golden(&FromLead::from(Again), "0000000301044e");
        golden(&FromLead::from(others()), "00000010010450010966697265666c6965730201");
        golden(&FromLead::from(Confirmed { now_ms: 1, nodes: vec![("a".into(), -1)] }), "0000000801044f0201016101");
    }

    #[test]
    fn no_bytes_make_the_stream_of_connectivity_panic() {
        survives_anything(&FromFollower::from(cells()));
        survives_anything(&FromLead::from(rows()));
        survives_anything(&FromLead::from(others()));
        survives_anything(&FromLead::from(Confirmed { now_ms: 1, nodes: vec![("a".into(), -1)] }));
    }

    #[test]
    fn more_than_a_mesh_can_have_is_refused() {
        let told = |cells: Cells| cells.read().expect_err("refused").to_string();
        let many = Cells { cells: vec![CellFrame::sample(); SERVICES_MAX + 1], ..cells() };
        assert_eq!(told(many), "field cells: more than 256");
        assert_eq!(told(Cells { gone: vec!["a".into(); SERVICES_MAX + 1], ..cells() }), "field gone: more than 256");
        let now = Timestamp(1);
        let many = Rows { rows: vec![row(); ROWS_MAX + 1], ..rows() };
        assert_eq!(many.read(now).expect_err("refused").to_string(), "field rows: more than 1000");
        for hostile in ["", "Vengeance", "lead", "a/b"] {
            let row = RowFrame { node: hostile.into(), ..row() };
            assert!(Rows { rows: vec![row], ..rows() }.read(now).is_err(), "{hostile:?}");
            assert!(Confirmed { now_ms: 1, nodes: vec![(hostile.into(), 1)] }.read(now).is_err(), "{hostile:?}");
        }
        let nodes = vec![("a".to_owned(), 1); NODES_MAX + 1];
        assert!(Confirmed { now_ms: 1, nodes }.read(now).is_err());
        let one = others().services.remove(0);
        let many = Others { services: vec![one.clone(); SERVICES_MAX + 1] };
        assert_eq!(many.read().expect_err("refused").to_string(), "field services: more than 256");
        assert!(Others { services: vec![OtherFrame { service: "../x".into(), ..one }] }.read().is_err());
        assert_eq!(Others::new(&others().read().expect("read")), others());
        assert_eq!(cells().read().expect("read").0[0].0, 7);
    }

    /// A follower whose clock is an hour behind would have been stale for ever.
    #[test]
    fn a_clock_that_differs_makes_nobody_older_or_younger() {
        let now = Timestamp(1_000_000);
        assert_eq!(TimeFrame { at_ms: 10_000, now_ms: 15_000 }.here(now), Timestamp(995_000));
        assert_eq!(TimeFrame { at_ms: 9_000_000, now_ms: 15_000 }.here(now), now, "the future is now");
        assert_eq!(TimeFrame { at_ms: i64::MIN, now_ms: i64::MAX }.here(now), now, "no time at all");
        assert_eq!(rows().read(now).expect("read")[0].confirmed_at, Timestamp(990_000));
    }
}
