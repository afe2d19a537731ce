//! Single lines for people, from verbs that ask no node. A reader that went away is no error.

use std::io::Write;

/// One line on standard output.
pub fn line(text: &str) {
    write(std::io::stdout(), text);
}

/// One line on standard error: progress, beside the answer.
pub fn note(text: &str) {
    write(std::io::stderr(), text);
}

/// Why the command failed, on standard error.
pub fn error(text: &str) {
    write(std::io::stderr(), &format!("aurora: {text}"));
}

fn write(mut to: impl Write, text: &str) {
    // Whoever closed the other end has seen what they wanted to see.
    drop(to.write_all(format!("{text}\n").as_bytes()).and_then(|()| to.flush()));
}
