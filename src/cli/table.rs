//! Text for people: aligned columns without lines, so that they can be cut and copied.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Color, ContentArrangement, Table};

/// Whether colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A terminal that wants them.
    Color,
    /// Anything else.
    Plain,
}

/// What a text means for whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// All is well.
    Good,
    /// Somebody should look.
    Warning,
    /// It does not work.
    Bad,
}

impl Tone {
    fn color(self) -> Color {
        match self {
            Self::Good => Color::Green,
            Self::Warning => Color::Yellow,
            Self::Bad => Color::Red,
        }
    }

    /// The colour of a text on a terminal (ECMA-48, SGR).
    fn escape(self) -> &'static str {
        match self {
            Self::Good => "\x1b[32m",
            Self::Warning => "\x1b[33m",
            Self::Bad => "\x1b[31m",
        }
    }
}

/// A number with the word for it: `1 node`, `3 nodes`.
pub(super) fn counted(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Rows under a header.
pub(super) fn rows(style: Style, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = empty(style);
    table.set_header(header.iter().copied());
    for row in rows {
        table.add_row(row.iter().map(|text| cell(style, text)));
    }
    finished(&table)
}

/// Rows under a header, of texts that mean something.
pub(super) fn toned_rows(
    style: Style,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<(String, Option<Tone>)>>,
) -> String {
    let mut table = empty(style);
    table.set_header(header.iter().map(|name| plain(name)));
    for row in rows {
        table.add_row(row.iter().map(|(text, tone)| match (style, tone) {
            (Style::Color, Some(tone)) => Cell::new(plain(text)).fg(tone.color()),
            (Style::Color | Style::Plain, _) => Cell::new(plain(text)),
        }));
    }
    finished(&table)
}

/// A text outside of a table that means something.
pub(super) fn toned(style: Style, text: &str, tone: Option<Tone>) -> String {
    match (style, tone) {
        (Style::Color, Some(tone)) => format!("{}{}\x1b[0m", tone.escape(), plain(text)),
        (Style::Color | Style::Plain, _) => plain(text),
    }
}

/// A text in lines of at most so many columns, broken between words. The first begins with `lead`, the others are indented
/// as far.
pub(super) fn wrapped(text: &str, columns: usize, lead: &str) -> String {
    let indent = " ".repeat(lead.chars().count());
    let mut told = String::new();
    let mut line = lead.to_owned();
    let mut is_empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > columns {
            told.push_str(&line);
            told.push('\n');
            line.clone_from(&indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    told.push_str(&line);
    told.push('\n');
    told
}

/// Names and values, one pair a line; pairs without a value are left out.
pub(super) fn pairs<'a>(style: Style, pairs: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
    let mut table = empty(style);
    for (name, value) in pairs {
        if let Some(value) = value {
            table.add_row([Cell::new(name), cell(style, &value)]);
        }
    }
    finished(&table)
}

/// A table that is printed while its rows still come: its columns are as wide as the rows that are known at first.
#[derive(Debug)]
pub(super) struct Columns(Vec<usize>);

impl Columns {
    /// Columns that hold the header and these rows.
    pub(super) fn fit(header: &[&str], rows: &[Vec<String>]) -> Self {
        let width = |(column, name): (usize, &&str)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([name.chars().count()]).max().unwrap_or(0)
        };
        Self(header.iter().enumerate().map(width).collect())
    }

    /// The header's line.
    pub(super) fn header(&self, header: &[&str]) -> String {
        self.line(&header.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    /// The line of a row.
    pub(super) fn line(&self, cells: &[String]) -> String {
        let cells = cells.iter().zip(&self.0).map(|(cell, width)| format!("{:width$}", plain(cell)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    }
}

/// A text without characters that a terminal obeys. What others wrote (a description, a node's message) must not move
/// the cursor of the person who reads it, nor turn the line around, nor hold what is not seen.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|character| if obeyed(character) { '\u{fffd}' } else { character }).collect()
}

/// Control characters, and those that only say how others are shown: directions, joiners, blanks without width, tags.
fn obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn empty(style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    match style {
        Style::Color => table.enforce_styling(),
        Style::Plain => table.force_no_tty(),
    };
    table
}

fn cell(style: Style, text: &str) -> Cell {
    let cell = Cell::new(plain(text));
    let color = match text {
        "alive" | "here" | "healthy" | "fresh" | "won" | "valid" => Color::Green,
        "suspect" | "degraded" | "stale" | "unreachable" => Color::Yellow,
        "lost" | "unhealthy" | "closed" | "deny" | "rejected" => Color::Red,
        _ => return cell,
    };
    match style {
        Style::Color => cell.fg(color),
        Style::Plain => cell,
    }
}

/// Each line without the padding of its first and last column.
fn finished(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_is_padded_at_the_end() {
        let text = rows(
            Style::Plain,
            &["NAME", "STATE"],
            [vec!["aurora".into(), "alive".into()], vec!["b".into(), "-".into()]],
        );
        assert_eq!(text, "NAME    STATE\naurora  alive\nb       -\n");
        let text =
            pairs(Style::Plain, [("node", Some("aurora".to_owned())), ("lead", None), ("role", Some("lead".into()))]);
        assert_eq!(text, "node  aurora\nrole  lead\n");
    }

    #[test]
    fn columns_keep_their_width_and_a_longer_cell_moves_its_own_line_only() {
        let columns = Columns::fit(&["NAME", "STATE"], &[vec!["é".into(), "x".into()], vec!["aurora".into()]]);
        assert_eq!(columns.header(&["NAME", "STATE"]), "NAME    STATE\n");
        assert_eq!(columns.line(&["é".into(), "a\u{1b}b".into()]), "é       a\u{fffd}b\n");
        assert_eq!(columns.line(&["longer than that".into(), "x".into()]), "longer than that  x\n");
    }

    #[test]
    fn a_long_text_is_broken_between_words_and_indented() {
        assert_eq!(wrapped("one two three", 11, "  = "), "  = one two\n    three\n");
        assert_eq!(wrapped("averylongword x", 5, ""), "averylongword\nx\n");
        assert_eq!(wrapped("", 80, "  "), "  \n");
    }

    #[test]
    fn only_a_terminal_that_wants_them_gets_colours() {
        assert_eq!(toned(Style::Plain, "down", Some(Tone::Bad)), "down");
        assert_eq!(toned(Style::Color, "down", Some(Tone::Bad)), "\x1b[31mdown\x1b[0m");
        let cells = || [vec![("down".to_owned(), Some(Tone::Bad))]];
        assert!(!toned_rows(Style::Plain, &["X"], cells()).contains('\u{1b}'));
        assert!(toned_rows(Style::Color, &["X"], cells()).contains('\u{1b}'));
    }

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\r\n\u{9b}c\u{7f}"), "a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}c\u{fffd}");
        assert!(!rows(Style::Plain, &["X"], [vec!["\u{1b}]0;x\u{7}".into()]]).contains('\u{1b}'));
    }
}
