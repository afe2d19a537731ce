//! What is told of APIs as frames, none of which is over its limit.

use std::sync::Arc;

use crate::connectivity::feed::Told;
use crate::connectivity::inbox;
use crate::connectivity::outbox::Outgoing;
use crate::model::api_check::SERVICES_MAX;
use crate::model::name::NodeName;
use crate::model::time::Timestamp;
use crate::replication::rules_feed::chunks;
use crate::wire::api_check::CellFrame;
use crate::wire::connectivity::{CELLS_BYTES_MAX, Cells, Confirmed, NODES_MAX, ROWS_MAX, RowFrame, RowRead, Rows};
use crate::wire::error::WireError;

/// What a follower tells; always at least one frame, whose last says that nothing more follows.
pub(super) fn cells(outgoing: &Outgoing, whole: bool) -> Vec<Cells> {
    let frames = outgoing.cells.iter().map(|(serial, cell)| CellFrame::new(cell, *serial)).collect();
    let mut chunks = chunks(frames, CellFrame::payload_bytes, CELLS_BYTES_MAX).into_iter().peekable();
    let mut gone: Vec<String> = outgoing.gone.iter().map(ToString::to_string).collect();
    let mut frames = Vec::new();
    while let Some(cells) = chunks.next() {
        let more = chunks.peek().is_some();
        frames.push(Cells { whole, more, cells, gone: std::mem::take(&mut gone) });
    }
    frames
}

/// What is told of one node; in several rows if it is much.
fn rows(told: Told) -> impl Iterator<Item = RowFrame> {
    let Told { node, environment, cells, gone, confirmed_at } = told;
    let row = move |cells, gone| RowFrame {
        node: node.to_string(),
        environment: environment.to_string(),
        cells,
        gone,
        confirmed_at_ms: confirmed_at.0,
    };
    let frames: Vec<_> = cells.iter().map(|cell| CellFrame::new(cell, 0)).collect();
    let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
    let gone: Vec<Vec<String>> = gone.chunks(SERVICES_MAX).map(<[String]>::to_vec).collect();
    let cells = chunks(frames, CellFrame::payload_bytes, CELLS_BYTES_MAX);
    let left = gone.into_iter().map(|gone| (Vec::new(), gone));
    let there = cells.into_iter().filter(|cells| !cells.is_empty()).map(|cells| (cells, Vec::new()));
    left.chain(there).map(move |(cells, gone)| row(cells, gone)).collect::<Vec<_>>().into_iter()
}

/// What the lead tells, frame by frame: only one of them is in memory at a time, however large the matrix.
#[derive(Debug)]
pub struct RowFrames<I> {
    told: I,
    whole: bool,
    now: Timestamp,
    waiting: Vec<RowFrame>,
    ready: std::vec::IntoIter<RowFrame>,
    done: bool,
}

impl<I: Iterator<Item = Told>> RowFrames<I> {
    /// Frames of these rows. Of all there is, at least one frame is made, to say that this is all.
    pub fn new(told: I, whole: bool, now: Timestamp) -> Self {
        Self { told, whole, now, waiting: Vec::new(), ready: Vec::new().into_iter(), done: false }
    }

    fn frame(&mut self, more: bool, next: Vec<RowFrame>) -> Rows {
        let rows = std::mem::replace(&mut self.waiting, next);
        Rows { whole: self.whole, more, now_ms: self.now.0, rows }
    }
}

impl<I: Iterator<Item = Told>> Iterator for RowFrames<I> {
    type Item = Rows;

    fn next(&mut self) -> Option<Rows> {
        let mut filled: usize = self.waiting.iter().map(weight).sum();
        loop {
            if let Some(row) = self.ready.next() {
                filled = filled.saturating_add(weight(&row));
                if filled > CELLS_BYTES_MAX && !self.waiting.is_empty() {
                    return Some(self.frame(true, vec![row]));
                }
                self.waiting.push(row);
            } else if let Some(told) = self.told.next() {
                self.ready = rows(told).collect::<Vec<_>>().into_iter();
            } else {
                let last = !self.done && (self.whole || !self.waiting.is_empty());
                self.done = true;
                return last.then(|| self.frame(false, Vec::new()));
            }
        }
    }
}

/// What a row takes of a frame: by its bytes, and so that there are never too many in one.
fn weight(row: &RowFrame) -> usize {
    row.payload_bytes().max(CELLS_BYTES_MAX / ROWS_MAX + 1)
}

/// Until when nodes kept up their checks.
pub fn confirmed(nodes: &[(NodeName, Timestamp)], now: Timestamp) -> impl Iterator<Item = Confirmed> {
    nodes.chunks(NODES_MAX).map(move |nodes| {
        let nodes = nodes.iter().map(|(node, at)| (node.to_string(), at.0)).collect();
        Confirmed { now_ms: now.0, nodes }
    })
}

/// What the lead told, read.
pub(super) fn incoming(rows: Rows, now: Timestamp) -> Result<inbox::Incoming, WireError> {
    let (whole, more) = (rows.whole, rows.more);
    let told = |row: RowRead| {
        let RowRead { node, environment, cells, gone, confirmed_at } = row;
        Told { node, environment, cells: cells.into_iter().map(Arc::new).collect(), gone, confirmed_at }
    };
    Ok(inbox::Incoming { whole, more, rows: rows.read(now)?.into_iter().map(told).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_check::{Cell, DETAIL_BYTES_MAX, KEYS_MAX, KeyCheck};
    use crate::model::name::{EnvironmentName, ServiceName};
    use crate::wire::connectivity::{FromFollower, FromLead};
    use crate::wire::frame::encode;

    /// As much as there can be of one API.
    fn large(name: &str) -> Arc<Cell> {
        let key = KeyCheck {
            company: None,
            key: None,
            verdict: None,
            detail: "x".repeat(DETAIL_BYTES_MAX),
            response_time: None,
            checked_at: None,
            expires: None,
        };
        Arc::new(Cell { keys: vec![key; KEYS_MAX], ..Cell::new(ServiceName::parse(name).expect(name)) })
    }

    fn told(node: &str, cells: Vec<Arc<Cell>>) -> Told {
        Told {
            node: NodeName::parse(node).expect(node),
            environment: EnvironmentName::parse("prod").expect("name"),
            cells,
            gone: Vec::new(),
            confirmed_at: Timestamp(1),
        }
    }

    #[test]
    fn no_frame_is_over_its_limit_and_only_the_last_says_that_it_is() {
        let cells: Vec<_> = (0..20).map(|number| large(&format!("s{number}"))).collect();
        let numbered = cells.iter().map(|cell| (1, Arc::clone(cell))).collect();
        let from_follower = super::cells(&Outgoing { cells: numbered, gone: Vec::new() }, true);
        assert!(from_follower.len() > 1);
        assert_eq!(from_follower.iter().filter(|frame| !frame.more).count(), 1);
        assert!(!from_follower.last().expect("a frame").more);
        assert_eq!(from_follower.iter().map(|frame| frame.cells.len()).sum::<usize>(), 20);
        from_follower.into_iter().for_each(|frame| drop(encode(&FromFollower::from(frame)).expect("fits")));

        let small =
            (0..3_000).map(|number| told(&format!("n{number}"), vec![Arc::new(Cell::new(cells[0].service.clone()))]));
        let all = small.chain([told("large", cells.clone())]);
        let from_lead: Vec<Rows> = RowFrames::new(all, true, Timestamp(1)).collect();
        assert!(from_lead.iter().all(|frame| frame.rows.len() <= ROWS_MAX));
        assert_eq!(from_lead.iter().filter(|frame| !frame.more).count(), 1);
        assert!(!from_lead.last().expect("a frame").more);
        let told = from_lead.iter().flat_map(|frame| &frame.rows).map(|row| row.cells.len()).sum::<usize>();
        assert_eq!(told, 3_000 + 20);
        from_lead.into_iter().for_each(|frame| drop(encode(&FromLead::from(frame)).expect("fits")));
    }

    #[test]
    fn that_there_is_nothing_is_told_at_first_and_no_changes_are_no_frame() {
        let none = || std::iter::empty::<Told>();
        let first: Vec<Rows> = RowFrames::new(none(), true, Timestamp(1)).collect();
        assert_eq!((first.len(), first[0].more), (1, false));
        assert_eq!(RowFrames::new(none(), false, Timestamp(1)).count(), 0);
        assert_eq!(super::cells(&Outgoing::default(), true).len(), 1);
    }
}
