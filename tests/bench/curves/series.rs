//! Which figures make which curve.

use serde_json::Value;

/// One picture of the row: a quantity along the bottom, and lines above it.
pub struct Panel {
    pub title: &'static str,
    pub along: &'static str,
    pub up: &'static str,
    pub lines: Vec<Line>,
}

/// A line with its name.
pub struct Line {
    pub name: &'static str,
    pub points: Vec<(f64, f64)>,
}

/// What the value of a figure is turned into.
#[derive(Clone, Copy)]
enum Shown {
    /// Requests a second, as microseconds for each.
    Microseconds,
    /// As it is.
    Itself,
}

struct Wanted {
    title: &'static str,
    along: &'static str,
    up: &'static str,
    key: &'static str,
    shown: Shown,
    lines: &'static [(&'static str, &'static str)],
}

const COST: &str = "µs for each read";

/// All there can be; one without figures is left out. `fleet_push_p50` comes from the bench `fleet`.
const WANTED: [Wanted; 4] = [
    Wanted {
        title: "Reads among many secrets",
        along: "secrets held",
        up: COST,
        key: "secrets",
        shown: Shown::Microseconds,
        lines: &[("node", "growth_secrets_per_second"), ("bare HTTP server", "growth_secrets_bare")],
    },
    Wanted {
        title: "Reads over many connections",
        along: "connections",
        up: COST,
        key: "connections",
        shown: Shown::Microseconds,
        lines: &[("node", "growth_connections_per_second"), ("bare HTTP server", "growth_connections_bare")],
    },
    Wanted {
        title: "Reads of long values",
        along: "bytes of the value",
        up: COST,
        key: "value_bytes",
        shown: Shown::Microseconds,
        lines: &[("node", "growth_value_bytes_per_second"), ("bare HTTP server", "growth_value_bytes_bare")],
    },
    Wanted {
        title: "A change reaches all followers",
        along: "followers",
        up: "ms after the put",
        key: "followers",
        shown: Shown::Itself,
        lines: &[("median", "fleet_push_p50"), ("99 %", "fleet_push_p99")],
    },
];

/// The panels for which there are figures.
pub fn panels(figures: &Value) -> Vec<Panel> {
    let figures = figures.as_array().expect("a list of figures");
    let drawn = WANTED.iter().map(|wanted| Panel {
        title: wanted.title,
        along: wanted.along,
        up: wanted.up,
        lines: wanted.lines.iter().filter_map(|(name, figure)| line(figures, wanted, name, figure)).collect(),
    });
    drawn.filter(|panel| !panel.lines.is_empty()).collect()
}

/// A curve needs two points at least.
fn line(figures: &[Value], wanted: &Wanted, name: &'static str, figure: &str) -> Option<Line> {
    let of_it = figures.iter().filter(|record| record["figure"] == figure);
    let mut points: Vec<(f64, f64)> = of_it
        .filter_map(|record| Some((record["at"][wanted.key].as_f64()?, record["value"].as_f64()?)))
        .map(|(along, value)| match wanted.shown {
            Shown::Microseconds => (along, 1_000_000.0 / value),
            Shown::Itself => (along, value),
        })
        .collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    (points.len() > 1).then_some(Line { name, points })
}
