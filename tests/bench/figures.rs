//! A figure as every benchmark tells it: a line for people, and one of JSON for `scripts/bench.sh`, which gathers those of all
//! benchmarks of a run in the file that `AURORA_BENCH_JSON` names.

use std::fs::File;
use std::io::Write;

use serde_json::{Map, Value, json};

/// Tells one figure: what was measured, in which unit, and among how many of what.
pub fn tell(figure: &str, value: f64, unit: &str, at: &[(&str, u64)]) {
    let among: String = at.iter().map(|(what, count)| format!(", {count} {what}")).collect();
    writeln!(std::io::stdout(), "{:<56} {value:>10.3} {unit}", format!("{figure}{among}")).expect("standard output");
    let Some(path) = std::env::var_os("AURORA_BENCH_JSON") else { return };
    let at: Map<String, Value> = at.iter().map(|(what, count)| ((*what).to_owned(), json!(count))).collect();
    let line = json!({"figure": figure, "unit": unit, "value": value, "at": at});
    let file = File::options().create(true).append(true).open(path);
    file.and_then(|mut file| writeln!(file, "{line}")).expect("figures can be kept");
}
