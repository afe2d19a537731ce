//! Lines of the journal as comma-separated values (RFC 4180), for spreadsheets. What others wrote into a line must not be
//! computed by whoever opens the file (OWASP, CSV injection).

use serde_json::{Map, Value};

/// The columns, in the order of a line's fields.
const COLUMNS: [&str; 22] = [
    "v",
    "seq",
    "prev",
    "time",
    "node",
    "request_id",
    "principal",
    "established",
    "attest",
    "action",
    "secret",
    "scope",
    "environment",
    "company",
    "version",
    "decision",
    "rule",
    "outcome",
    "freshness",
    "latency_us",
    "reason",
    "other",
];

/// The first line.
pub(super) const HEADER: &[u8] = b"v,seq,prev,time,node,request_id,principal,established,attest,action,secret,scope,\
environment,company,version,decision,rule,outcome,freshness,latency_us,reason,other\r\n";

/// A line of the journal as a row; `None` if it is no JSON object. Fields without a column stand in the last one, as JSON.
pub(super) fn row(line: &[u8]) -> Option<Vec<u8>> {
    let mut fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let mut cells: Vec<String> =
        COLUMNS.iter().take(COLUMNS.len() - 1).map(|name| fields.remove(*name).map(text).unwrap_or_default()).collect();
    cells.push(if fields.is_empty() { String::new() } else { Value::Object(fields).to_string() });
    let row = cells.iter().map(|cell| quoted(&neutral(cell))).collect::<Vec<_>>().join(",");
    Some(format!("{row}\r\n").into_bytes())
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A cell that no spreadsheet takes for a formula: an apostrophe stands before what one begins with.
fn neutral(cell: &str) -> String {
    // Full-width forms are read like the others by some spreadsheets.
    let begins = ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    if cell.starts_with(begins) { format!("'{cell}") } else { cell.to_owned() }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n', '\'', ';', '\t']) || cell.starts_with(' ') || cell.ends_with(' ') {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        String::from_utf8(row(line.as_bytes()).expect("a row")).expect("text")
    }

    #[test]
    fn the_header_names_the_columns() {
        assert_eq!(String::from_utf8_lossy(HEADER), format!("{}\r\n", COLUMNS.join(",")));
    }

    #[test]
    fn every_field_has_its_place_and_none_is_lost() {
        let row = told(r#"{"seq":7,"time":"t","principal":"user:1000 group:1000","reason":"a,b \"c\"","later":[1]}"#);
        assert_eq!(row, ",7,,t,,,user:1000 group:1000,,,,,,,,,,,,,,\"a,b \"\"c\"\"\",\"{\"\"later\"\":[1]}\"\r\n");
        assert!(super::row(b"no line").is_none() && super::row(b"[1]").is_none());
    }

    #[test]
    fn a_formula_is_no_longer_one() {
        for formula in
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=HYPERLINK(\"http://x\",\"y\")", "\u{ff1d}1"]
        {
            let line = serde_json::json!({"reason": formula, "principal": formula}).to_string();
            let row = told(&line);
            let cell = format!("'{formula}").replace('"', "\"\"");
            assert!(row.contains(&format!("\"{cell}\"")), "{row:?}");
            assert!(
                !row.split(',').any(|cell| cell.trim_start_matches('"').starts_with(['=', '+', '@', '\t'])),
                "{row:?}"
            );
        }
        assert_eq!(told(r#"{"seq":1,"reason":"a=b"}"#).matches('\'').count(), 0);
    }
}
