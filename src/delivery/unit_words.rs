//! Words of a command, from how a person quotes them to how a unit must have them (systemd.service(5), "Command lines").
//!
//! No shell runs a unit's command, and systemd gives `%`, `$`, quotes and backslashes a meaning of its own. So the words are
//! taken apart by the quoting rules of a shell, what only a shell could do is refused, and every word is written so that
//! systemd reads exactly that word.

/// The variable that a command may name: systemd sets it to where the credentials of the unit are.
pub const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The longest command: systemd reads lines of a mebibyte, and Linux starts no program with much longer words.
const COMMAND_BYTES_MAX: usize = 64 << 10;

/// What means something to a shell outside of quotes, and nothing here.
const OF_A_SHELL: &str = "|&;<>()`*?[]#~{}\n";

/// What may stand in a unit without quotes.
const PLAIN: &str = "_./:=@,+-";

/// Why a command cannot stand in a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is none.
    #[error("the command is empty")]
    Empty,
    /// Nothing that long can be started.
    #[error("the command is longer than {} bytes", COMMAND_BYTES_MAX)]
    TooLong,
    /// systemd looks nowhere for a program.
    #[error("the program must be an absolute path, such as /usr/bin/python3")]
    Relative,
    /// A quote is opened and not closed.
    #[error("a quote is not closed")]
    Quote,
    /// Only a shell would do something with it.
    #[error("{0:?} means something to a shell, and none runs this: put it in single quotes, or name /bin/sh -c '…'")]
    Shell(char),
    /// A variable that systemd would replace at start.
    #[error(
        "only ${{{CREDENTIALS_DIRECTORY}}} is replaced: put any other $ in single quotes for the program to have it"
    )]
    Variable,
    /// No program has such a byte in an argument.
    #[error("the command has a zero byte")]
    Zero,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Itself.
    Text(String),
    /// Where the credentials are.
    Directory,
}

/// A command as `ExecStart=` has it.
///
/// # Errors
/// [`CommandError`] says what cannot be, and how to write it.
pub fn exec_line(command: &str) -> Result<String, CommandError> {
    if command.len() > COMMAND_BYTES_MAX {
        return Err(CommandError::TooLong);
    }
    if command.contains('\0') {
        return Err(CommandError::Zero);
    }
    let words = split(command)?;
    match words.first().map(Vec::as_slice) {
        None => Err(CommandError::Empty),
        // What systemd would replace in the path of a program depends on its version.
        Some([Piece::Text(path)]) if path.starts_with('/') && !path.ends_with('/') && !path.contains('$') => {
            Ok(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
        }
        Some(_) => Err(CommandError::Relative),
    }
}

/// A text without a meaning of its own to systemd, for a setting that is no command: specifiers are escaped.
#[must_use]
pub fn plain_setting(text: &str) -> String {
    text.replace('%', "%%")
}

fn split(command: &str) -> Result<Vec<Vec<Piece>>, CommandError> {
    let mut words = Vec::new();
    let mut rest = command.trim_start_matches([' ', '\t']);
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after.trim_start_matches([' ', '\t']);
    }
    Ok(words)
}

/// The first word, and what follows it.
fn word(text: &str) -> Result<(Vec<Piece>, &str), CommandError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let mut after = rest.chars();
        match after.next() {
            None | Some(' ' | '\t') => return Ok((joined(pieces), rest)),
            Some('\'') => {
                let (inside, behind) = after.as_str().split_once('\'').ok_or(CommandError::Quote)?;
                pieces.push(Piece::Text(inside.to_owned()));
                rest = behind;
            }
            Some('"') => rest = double_quoted(after.as_str(), &mut pieces)?,
            Some('\\') => {
                let escaped = after.next().ok_or(CommandError::Quote)?;
                pieces.push(Piece::Text(escaped.to_string()));
                rest = after.as_str();
            }
            Some('$') => rest = directory(rest, &mut pieces)?,
            Some(of_a_shell) if OF_A_SHELL.contains(of_a_shell) => return Err(CommandError::Shell(of_a_shell)),
            Some(other) => {
                pieces.push(Piece::Text(other.to_string()));
                rest = after.as_str();
            }
        }
    }
}

/// Within double quotes a backslash escapes four characters, and a variable is one; gives what follows the quote.
fn double_quoted<'text>(text: &'text str, pieces: &mut Vec<Piece>) -> Result<&'text str, CommandError> {
    let mut rest = text;
    // Empty quotes are a word, too.
    pieces.push(Piece::Text(String::new()));
    loop {
        let mut after = rest.chars();
        match after.next().ok_or(CommandError::Quote)? {
            '"' => return Ok(after.as_str()),
            '\\' => {
                let mut behind = after.clone();
                match behind.next() {
                    Some(escaped @ ('"' | '\\' | '$' | '`')) => {
                        pieces.push(Piece::Text(escaped.to_string()));
                        rest = behind.as_str();
                    }
                    Some(_) | None => {
                        pieces.push(Piece::Text("\\".to_owned()));
                        rest = after.as_str();
                    }
                }
            }
            '$' => rest = directory(rest, pieces)?,
            '`' => return Err(CommandError::Shell('`')),
            other => {
                pieces.push(Piece::Text(other.to_string()));
                rest = after.as_str();
            }
        }
    }
}

/// The one variable, with braces or without; gives what follows it.
fn directory<'text>(text: &'text str, pieces: &mut Vec<Piece>) -> Result<&'text str, CommandError> {
    let name = text.strip_prefix('$').ok_or(CommandError::Variable)?;
    let braced = name.strip_prefix('{').and_then(|name| name.strip_prefix(CREDENTIALS_DIRECTORY)?.strip_prefix('}'));
    let bare = || name.strip_prefix(CREDENTIALS_DIRECTORY);
    let goes_on = |rest: &&str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
    let rest = braced.or_else(|| bare().filter(goes_on)).ok_or(CommandError::Variable)?;
    pieces.push(Piece::Directory);
    Ok(rest)
}

/// The same word with texts beside each other made one.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut word: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (word.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => word.push(piece),
        }
    }
    word
}

/// A word as systemd reads it back.
fn quoted(word: &[Piece]) -> String {
    let mut text = String::new();
    for piece in word {
        match piece {
            Piece::Text(plain) => plain.chars().for_each(|character| escape(character, &mut text)),
            Piece::Directory => text.push_str(&format!("${{{CREDENTIALS_DIRECTORY}}}")),
        }
    }
    let is_plain = |piece: &Piece| match piece {
        Piece::Text(text) => text.chars().all(|each| each.is_ascii_alphanumeric() || PLAIN.contains(each)),
        Piece::Directory => true,
    };
    if !text.is_empty() && word.iter().all(is_plain) { text } else { format!("\"{text}\"") }
}

fn escape(character: char, text: &mut String) {
    match character {
        '%' => text.push_str("%%"),
        '$' => text.push_str("$$"),
        '"' | '\\' => text.extend(['\\', character]),
        control if control.is_ascii_control() => text.push_str(&format!("\\x{:02x}", u32::from(control))),
        other => text.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_so_that_systemd_reads_exactly_them() {
        let table = [
            ("/bin/true", "/bin/true"),
            ("  /bin/echo   a\tb ", "/bin/echo a b"),
            ("/bin/echo 'a b' \"c d\" e\\ f", "/bin/echo \"a b\" \"c d\" \"e f\""),
            ("/bin/echo ''", "/bin/echo \"\""),
            ("/bin/echo \"\"", "/bin/echo \"\""),
            ("/bin/date '+%s'", "/bin/date \"+%%s\""),
            ("/bin/sh -c 'echo $HOME; exit 1'", "/bin/sh -c \"echo $$HOME; exit 1\""),
            ("/bin/echo '\"' \"'\" '\\'", "/bin/echo \"\\\"\" \"'\" \"\\\\\""),
            ("/bin/echo ';'", "/bin/echo \";\""),
            ("/bin/echo 'a\nb\u{7f}'", "/bin/echo \"a\\x0ab\\x7f\""),
            ("/bin/echo -@!+:", "/bin/echo \"-@!+:\""),
            ("'/opt/my agent/run' x", "\"/opt/my agent/run\" x"),
            ("/bin/cat $CREDENTIALS_DIRECTORY/a.b", "/bin/cat ${CREDENTIALS_DIRECTORY}/a.b"),
            ("/bin/cat \"${CREDENTIALS_DIRECTORY}/a b\"", "/bin/cat \"${CREDENTIALS_DIRECTORY}/a b\""),
            ("/bin/echo gr\u{fc}n", "/bin/echo \"gr\u{fc}n\""),
            ("/bin/echo a=b,c:d@e+f", "/bin/echo a=b,c:d@e+f"),
        ];
        for (command, line) in table {
            assert_eq!(exec_line(command).as_deref(), Ok(line), "{command}");
        }
    }

    #[test]
    fn what_only_a_shell_could_do_is_refused() {
        let table = [
            ("", CommandError::Empty),
            ("   ", CommandError::Empty),
            ("python3 -m agent", CommandError::Relative),
            ("./run", CommandError::Relative),
            ("$CREDENTIALS_DIRECTORY/run", CommandError::Relative),
            ("'/opt/$x/run'", CommandError::Relative),
            ("/opt/", CommandError::Relative),
            ("-/bin/true", CommandError::Relative),
            ("/bin/echo 'a", CommandError::Quote),
            ("/bin/echo \"a", CommandError::Quote),
            ("/bin/echo a\\", CommandError::Quote),
            ("/bin/a | /bin/b", CommandError::Shell('|')),
            ("/bin/a; /bin/b", CommandError::Shell(';')),
            ("/bin/a > /tmp/x", CommandError::Shell('>')),
            ("/bin/a &", CommandError::Shell('&')),
            ("/bin/a\n/bin/b", CommandError::Shell('\n')),
            ("/bin/echo \"`id`\"", CommandError::Shell('`')),
            ("/bin/echo *", CommandError::Shell('*')),
            ("/bin/echo $HOME", CommandError::Variable),
            ("/bin/echo \"$HOME\"", CommandError::Variable),
            ("/bin/echo $CREDENTIALS_DIRECTORY_2", CommandError::Variable),
            ("/bin/echo ${CREDENTIALS_DIRECTORY", CommandError::Variable),
            ("/bin/echo a\0b", CommandError::Zero),
        ];
        for (command, error) in table {
            assert_eq!(exec_line(command), Err(error), "{command:?}");
        }
        assert_eq!(exec_line(&"/x".repeat(COMMAND_BYTES_MAX)), Err(CommandError::TooLong));
    }

    #[test]
    fn a_setting_that_is_no_command_has_no_specifiers() {
        assert_eq!(plain_setting("/run/100%/x"), "/run/100%%/x");
    }
}
