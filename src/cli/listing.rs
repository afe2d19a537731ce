//! A list printed while it comes: one header, one array, however many pages there are.

use serde::Serialize;

use super::arguments::Format;
use super::error::CliError;
use super::output::Output;
use super::table::Columns;
use super::views_record::{LIST_HEADER, ListView};

/// A list that is being printed.
#[derive(Debug)]
pub(super) struct Listing {
    format: Format,
    columns: Option<Columns>,
    lines: usize,
    end: End,
}

/// What stands after the lines, for programs.
#[derive(Debug, Default, Serialize)]
struct End {
    next_cursor: Option<String>,
    timestamp: String,
}

impl Listing {
    /// Nothing is printed yet.
    pub(super) fn new(format: Format) -> Self {
        Self { format, columns: None, lines: 0, end: End::default() }
    }

    /// Prints the lines of one page.
    ///
    /// # Errors
    /// [`CliError::Output`] when nobody reads any more.
    pub(super) fn page(&mut self, output: &mut Output, page: ListView) -> Result<(), CliError> {
        let text = match self.format {
            Format::Table => self.rows(&page),
            Format::Json => self.json(&page)?,
            Format::Yaml => self.yaml(&page)?,
        };
        self.lines += page.secrets.len();
        self.end = End { next_cursor: page.next_cursor, timestamp: page.timestamp };
        output.write(text.as_bytes())
    }

    /// Prints what comes after the last line.
    ///
    /// # Errors
    /// [`CliError::Output`] when nobody reads any more.
    pub(super) fn end(self, output: &mut Output) -> Result<(), CliError> {
        let text = match self.format {
            Format::Table if self.columns.is_none() => Columns::fit(&LIST_HEADER, &[]).header(&LIST_HEADER),
            Format::Table => String::new(),
            Format::Json => {
                let end = serde_json::to_string(&self.end).map_err(|_| UNWRITABLE)?;
                let start = if self.lines == 0 { "{\"secrets\":[" } else { "" };
                format!("{start}],{}\n", end.strip_prefix('{').unwrap_or(&end))
            }
            Format::Yaml => {
                let end = serde_saphyr::to_string(&self.end).map_err(|_| UNWRITABLE)?;
                if self.lines == 0 { format!("secrets: []\n{end}") } else { end }
            }
        };
        output.write(text.as_bytes())
    }

    /// The columns are as wide as the first page needs them; what is wider later on moves its own line only.
    fn rows(&mut self, page: &ListView) -> String {
        if page.secrets.is_empty() {
            return String::new();
        }
        let rows: Vec<Vec<String>> = page.secrets.iter().map(|record| record.cells(&page.timestamp)).collect();
        let mut text = String::new();
        let columns = self.columns.get_or_insert_with(|| {
            let columns = Columns::fit(&LIST_HEADER, &rows);
            text.push_str(&columns.header(&LIST_HEADER));
            columns
        });
        rows.iter().for_each(|cells| text.push_str(&columns.line(cells)));
        text
    }

    fn json(&self, page: &ListView) -> Result<String, CliError> {
        let mut text = String::new();
        for (index, record) in page.secrets.iter().enumerate() {
            text.push_str(if self.lines + index == 0 { "{\"secrets\":[" } else { "," });
            text.push_str(&serde_json::to_string(record).map_err(|_| UNWRITABLE)?);
        }
        Ok(text)
    }

    fn yaml(&self, page: &ListView) -> Result<String, CliError> {
        if page.secrets.is_empty() {
            return Ok(String::new());
        }
        let start = if self.lines == 0 { "secrets:\n" } else { "" };
        let text = serde_saphyr::to_string(&page.secrets).map_err(|_| UNWRITABLE)?;
        Ok(format!("{start}{text}"))
    }
}

const UNWRITABLE: CliError = CliError::Garbled { what: "it cannot be written" };

#[cfg(test)]
mod tests {
    use super::*;

    fn page(names: &[&str], next_cursor: &str) -> ListView {
        let record = |name: &&str| {
            format!(
                r#"{{"service":"a","key_name":"{name}","scope":"global","scope_id":null,"environment":"prod","secret_id":1,
                "version":1,"revision":1,"deleted":false,"state":"live","metadata":{{}},"expires_at":null,"ttl":null,
                "max_stale":null,"offline":"allow","rotation_reminder_days":90,"created_at":"x","updated_at":"y"}}"#
            )
        };
        let records: Vec<String> = names.iter().map(record).collect();
        let text = format!(r#"{{"secrets":[{}],"next_cursor":{next_cursor},"timestamp":"now"}}"#, records.join(","));
        serde_json::from_str(&text).expect("a page")
    }

    fn printed(format: Format, pages: &[&[&str]]) -> String {
        let mut listing = Listing::new(format);
        let mut text = String::new();
        for names in pages {
            let page = page(names, "null");
            text.push_str(&match format {
                Format::Table => listing.rows(&page),
                Format::Json => listing.json(&page).expect("json"),
                Format::Yaml => listing.yaml(&page).expect("yaml"),
            });
            listing.lines += names.len();
        }
        text
    }

    #[test]
    fn a_table_has_one_header_and_the_widths_of_its_first_lines() {
        let text = printed(Format::Table, &[&[], &["one", "two"], &[], &["a-longer-name"]]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].starts_with("SECRET  SCOPE   ENVIRONMENT"), "{text}");
        assert!(lines[1].starts_with("a/one   global  prod"), "{text}");
        assert!(lines[3].starts_with("a/a-longer-name  global  prod"), "{text}");
    }

    #[test]
    fn json_is_one_array_and_yaml_one_sequence() {
        let json = printed(Format::Json, &[&["one"], &[], &["two", "three"]]) + "]}";
        let whole: serde_json::Value = serde_json::from_str(&json).expect("one document");
        assert_eq!(whole["secrets"].as_array().map(Vec::len), Some(3));
        let yaml = printed(Format::Yaml, &[&[], &["one"], &["two"]]);
        assert!(yaml.starts_with("secrets:\n- service: a\n") && yaml.matches("\n- service").count() == 2, "{yaml}");
    }
}
