//! Draws how costs grow from the JSON that `scripts/bench.sh` wrote: `cargo bench --bench curves -- JSON SVG`.
//!
//! Without a file, which is how `cargo test --benches` starts it, it draws an example into a directory of its own and looks
//! whether that is a picture.

mod drawing;
mod series;

use std::path::Path;

use serde_json::{Value, json};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [from, to] => {
            let text = std::fs::read_to_string(from).expect("the figures of scripts/bench.sh");
            let told: Value = serde_json::from_str(&text).expect("JSON");
            drawing::draw(&series::panels(&told["figures"]), Path::new(to)).expect("a picture");
        }
        // The first is a filter of cargo's.
        [] | [_] => tried(),
        _ => panic!("a file of figures and a picture to write, not {words:?}"),
    }
}

fn tried() {
    let home = tempfile::tempdir().expect("a directory");
    let picture = home.path().join("curves.svg");
    drawing::draw(&series::panels(&example()), &picture).expect("a picture");
    let text = std::fs::read_to_string(&picture).expect("a picture");
    assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{text}");
    assert!(text.contains("secrets held") && text.contains("polyline"), "{text}");
}

fn example() -> Value {
    let figures = [(100, 20_000.0), (10_000, 19_000.0), (1_000_000, 18_000.0)].map(|(secrets, reads)| {
        json!({"figure": "growth_secrets_per_second", "unit": "/s", "value": reads, "at": {"secrets": secrets}})
    });
    Value::from(figures.to_vec())
}
