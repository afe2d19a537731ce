//! A figure as every benchmark tells it: a line for people, and one of JSON for `scripts/bench.sh`, which gathers those of all
//! benchmarks of a run in the file that `AURORA_BENCH_JSON` names.

use std::cmp::Ordering;
use std::fmt;
use std::fs::File;
use std::io::Write;

use serde_json::{Map, Value, json};

/// What is promised of a figure: on which side of a bound it is. The bound itself will do.
#[derive(Clone, Copy)]
pub struct Promise(pub Ordering, pub f64);

impl Promise {
    fn holds(self, value: f64) -> bool {
        value.total_cmp(&self.1) != self.0.reverse()
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(side, bound) = self;
        write!(formatter, "{} {bound}", if side.is_lt() { "<=" } else { ">=" })
    }
}

/// Tells one figure: what was measured, in which unit, and among how many of what.
pub fn tell(figure: &str, value: f64, unit: &str, at: &[(&str, u64)]) {
    write(figure, value, unit, at, None);
}

/// Tells one of which something is promised; whether that was kept.
pub fn judge(figure: &str, value: f64, unit: &str, at: &[(&str, u64)], promise: Promise) -> bool {
    write(figure, value, unit, at, Some(promise));
    promise.holds(value)
}

fn write(figure: &str, value: f64, unit: &str, at: &[(&str, u64)], promise: Option<Promise>) {
    let among: String = at.iter().map(|(what, count)| format!(", {count} {what}")).collect();
    let target = promise.map(|promise| format!("   ({promise})")).unwrap_or_default();
    let line = format!("{:<56} {value:>10.3} {unit}{target}", format!("{figure}{among}"));
    writeln!(std::io::stdout(), "{line}").expect("standard output");
    let Some(path) = std::env::var_os("AURORA_BENCH_JSON") else { return };
    let at: Map<String, Value> = at.iter().map(|(what, count)| ((*what).to_owned(), json!(count))).collect();
    let mut record = json!({"figure": figure, "unit": unit, "value": value, "at": at});
    if let Some(promise) = promise {
        record["target"] = json!(promise.to_string());
    }
    let file = File::options().create(true).append(true).open(path);
    file.and_then(|mut file| writeln!(file, "{record}")).expect("figures can be kept");
}
