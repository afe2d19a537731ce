//! A source file as the rules see it: its lines, its code without comments and literals, and which lines are production code.

/// One file.
pub(super) struct Source {
    /// From the top of the repository: `src/model/name.rs`.
    pub(super) path: String,
    /// The text.
    pub(super) text: String,
    /// The text without comments, and with empty literals; line for line.
    pub(super) code: String,
    /// For each line, whether it is production code.
    pub(super) production: Vec<bool>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let code = strip(text);
        let production = production_lines(&code);
        Self { path: path.to_owned(), text: text.to_owned(), code, production }
    }

    /// `model` of `src/model/name.rs`; `main` and `lib` of the files beside the rooms.
    pub(super) fn room(&self) -> &str {
        let inside = self.inside();
        inside.split_once('/').map_or(inside.trim_end_matches(".rs"), |(room, _)| room)
    }

    /// `model/name.rs`.
    pub(super) fn inside(&self) -> &str {
        self.path.strip_prefix("src/").unwrap_or(&self.path)
    }

    /// How many `super` lead to the room itself.
    pub(super) fn depth(&self) -> usize {
        let below_src = self.inside().matches('/').count();
        if self.path.ends_with("/mod.rs") { below_src.saturating_sub(1) } else { below_src }
    }

    /// Whether the line with this number, from 1, is production code.
    pub(super) fn is_production(&self, line: usize) -> bool {
        line.checked_sub(1).and_then(|at| self.production.get(at)).copied().unwrap_or(false)
    }

    /// The code line by line, numbered from 1.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// A violation in this file.
    pub(super) fn broken(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// Files that only tests see (`#[cfg(test)] mod sample;`) hold no production code.
pub(super) fn mark_test_files(mut sources: Vec<Source>) -> Vec<Source> {
    let test_files: Vec<String> = sources.iter().flat_map(test_modules).collect();
    for source in &mut sources {
        let module = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
        if test_files.iter().any(|test| module == test || module.starts_with(&format!("{test}/"))) {
            source.production.fill(false);
        }
    }
    sources
}

fn test_modules(source: &Source) -> Vec<String> {
    let base = match source.path.strip_suffix("/mod.rs").or(source.path.strip_suffix("/lib.rs")) {
        Some(directory) => directory,
        None => source.path.trim_end_matches(".rs"),
    };
    let declared = source.numbered().filter(|(line, _)| !source.is_production(*line));
    declared
        .filter_map(|(_, line)| line.trim().rsplit_once("mod ")?.1.strip_suffix(';'))
        .map(|name| format!("{base}/{name}"))
        .collect()
}

/// Everything but the items behind a `#[cfg(test)]` that starts its line.
fn production_lines(code: &str) -> Vec<bool> {
    let lines: Vec<&str> = code.lines().collect();
    let mut production = vec![true; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        if lines[at].trim_end() != "#[cfg(test)]" {
            at += 1;
            continue;
        }
        let item = (at + 1..lines.len()).find(|&line| !lines[line].starts_with("#[")).unwrap_or(lines.len() - 1);
        let ends = |&line: &usize| {
            lines[line].starts_with('}') || (line == item && lines[line].trim_end().ends_with([';', '}']))
        };
        let end = (item..lines.len()).find(ends).unwrap_or(lines.len() - 1);
        production[at..=end].fill(false);
        at = end + 1;
    }
    production
}

/// Takes out comments and the inside of literals, and keeps every newline.
fn strip(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => block_comment_end(&chars, at),
            '"' => string_end(&chars, at),
            'r' if !follows_name(&chars, at) => raw_string_end(&chars, at).unwrap_or(at),
            '\'' => char_end(&chars, at).unwrap_or(at),
            _ => at,
        };
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().filter(|&&character| character == '\n'));
            at = end;
        }
    }
    code
}

fn line_end(chars: &[char], from: usize) -> usize {
    (from..chars.len()).find(|&at| chars[at] == '\n').unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) if depth == 1 => return at + 2,
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `r"..."` and `r##"..."##`; `None` for a name that starts with r.
fn raw_string_end(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from + 1..].iter().take_while(|&&character| character == '#').count();
    let open = from + 1 + hashes;
    (chars.get(open) == Some(&'"')).then_some(())?;
    let closes = |&at: &usize| {
        chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|&&character| character == '#').count() == hashes
    };
    (open + 1..chars.len()).find(closes).map(|at| at + 1 + hashes)
}

/// A character literal; `None` for a lifetime.
fn char_end(chars: &[char], from: usize) -> Option<usize> {
    match chars.get(from + 1)? {
        '\\' => (from + 3..chars.len()).find(|&at| chars[at] == '\'').map(|at| at + 1),
        _ => (chars.get(from + 2) == Some(&'\'')).then_some(from + 3),
    }
}

fn follows_name(chars: &[char], at: usize) -> bool {
    let name = |character: &char| character.is_alphanumeric() || *character == '_';
    // In br"..." the letter before belongs to the literal.
    let before = at.checked_sub(1).map(|before| chars[before]);
    before.filter(name).is_some_and(|character| !(character == 'b' || character == 'c'))
}

#[test]
fn comments_and_literals_are_taken_out_and_lines_stay() {
    let text = "a /* b /* c */\n d */ e // f\n\"g \\\" // h\n\" i r#\"j \" k\n\"# 'l' '\\'' <'m> r#n br\"o\" var\"p\"";
    assert_eq!(strip(text), "a \n e \n\n i \n   <'m> r#n b var");
}

#[test]
fn test_items_are_not_production_code() {
    let text = "mod a;\n#[cfg(test)]\nmod b;\nmod c;\n#[cfg(test)]\n#[x]\nmod d {\n    fn e() {\n    }\n}\nfn f() {}\n";
    let source = Source::new("src/model/mod.rs", text);
    let production: Vec<usize> = (1..=11).filter(|&line| source.is_production(line)).collect();
    assert_eq!(production, [1, 4, 11]);
}

#[test]
fn a_file_that_only_tests_declare_is_a_test_file() {
    let sources = mark_test_files(vec![
        Source::new("src/audit/mod.rs", "pub mod tail;\n#[cfg(test)]\nmod sample;\n"),
        Source::new("src/audit/tail.rs", "fn a() {}\n"),
        Source::new("src/audit/sample.rs", "fn b() {}\n"),
    ]);
    let production: Vec<bool> = sources.iter().map(|source| source.is_production(1)).collect();
    assert_eq!(production, [true, true, false]);
}
