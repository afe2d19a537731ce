//! Where a value comes from: a prompt without echo, standard input, or a file. Never an argument.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use dialoguer::{Input, Password};

use super::arguments_secret::PutArguments;
use super::error::CliError;
use super::wiped::Gathered;
use crate::crypto::fields_object;
use crate::crypto::plaintext::Plaintext;
use crate::model::fields::{Field, FieldKind};
use crate::model::record::VALUE_BYTES_MAX;

/// Read at once; standard input rarely gives more.
const CHUNK_BYTES: usize = 4 << 10;

/// Reads the value to store.
///
/// # Errors
/// [`CliError::Usage`] when there is no value, or one where none may be; [`CliError::Input`] when it cannot be read.
pub(super) fn read(arguments: &PutArguments) -> Result<Plaintext, CliError> {
    let dash = match arguments.source.as_slice() {
        [] => false,
        [only] if only == "-" => true,
        [_, ..] => return Err(value_as_argument()),
    };
    let value = if let Some(path) = &arguments.from_file {
        let what = path.display().to_string();
        let file = File::open(path).map_err(|source| CliError::Input { what: what.clone(), source })?;
        ending(gather(file, &what)?, arguments)
    } else if dash {
        ending(gather(io::stdin().lock(), "standard input")?, arguments)
    } else if arguments.field.is_empty() {
        prompt(&format!("Value of {}", arguments.name), arguments, FieldKind::Secret)?
    } else {
        prompt_fields(arguments)?
    };
    checked(value)
}

/// Why a value on the command line is refused. Does not repeat it.
pub(super) fn value_as_argument() -> CliError {
    CliError::Usage {
        message: "a value is never taken as an argument: every process of this machine could read it, and the shell \
                  would keep it in its history"
            .to_owned(),
        hint:
            "Leave it out and be asked for it, or pipe it in with -, or use --from-file PATH. If the value was real, \
               it is in the history now: rotate it."
                .to_owned(),
    }
}

/// Asks for each field and joins them to one object.
fn prompt_fields(arguments: &PutArguments) -> Result<Plaintext, CliError> {
    let ask = |field: &Field| {
        let text = prompt(&format!("Field {} of {}", field.name, arguments.name), arguments, field.kind)?;
        if text.is_empty() && field.kind == FieldKind::Secret {
            return Err(CliError::Usage {
                message: format!("the field {} is empty", field.name),
                hint: "Leave it out of the declared fields, or give it a value.".to_owned(),
            });
        }
        Ok((field.name.clone(), text))
    };
    let fields = arguments.field.iter().map(ask).collect::<Result<_, _>>()?;
    fields_object::object(fields).map_err(|error| CliError::Usage {
        message: error.to_string(),
        hint: "Declare each field once, and give each a text.".to_owned(),
    })
}

/// Asks on the terminal; what is secret is not shown while it is typed.
fn prompt(question: &str, arguments: &PutArguments, kind: FieldKind) -> Result<Plaintext, CliError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(CliError::Usage {
            message: "there is no terminal to ask for the value on".to_owned(),
            hint: format!("Pipe it in: … | aurora put {} -   or use --from-file PATH", arguments.name),
        });
    }
    // An empty answer, also the end of input, is told like any other empty value instead of being asked again for ever.
    let asked = match kind {
        FieldKind::Secret => Password::new().with_prompt(question).allow_empty_password(true).interact(),
        FieldKind::Text => Input::new().with_prompt(question).allow_empty(true).interact_text(),
    };
    asked.map(|text| Plaintext::new(text.into_bytes())).map_err(|dialoguer::Error::IO(source)| CliError::Input {
        what: "the value from the terminal".to_owned(),
        source,
    })
}

/// Reads to the end, into memory that is wiped.
///
/// # Errors
/// [`CliError::Input`] when it cannot be read, [`CliError::Usage`] when it is more than any value.
pub(super) fn gather(from: impl Read, what: &str) -> Result<Plaintext, CliError> {
    gather_up_to(VALUE_BYTES_MAX, from, what, "the most any node stores")
}

/// Reads everything, up to a limit and one byte for a newline that may be left out, through buffers that are wiped.
///
/// # Errors
/// [`CliError::Usage`] when there is more, [`CliError::Input`] when it cannot be read.
pub(super) fn gather_up_to(
    bytes_max: usize,
    mut from: impl Read,
    what: &str,
    limit: &str,
) -> Result<Plaintext, CliError> {
    let mut gathered = Gathered::default();
    let mut chunk = Chunk(vec![0; CHUNK_BYTES]);
    loop {
        let read = match from.read(&mut chunk.0) {
            Ok(0) => return Ok(gathered.finish()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(CliError::Input { what: what.to_owned(), source }),
        };
        gathered.append(chunk.0.get(..read).unwrap_or_default());
        if gathered.len() > bytes_max.saturating_add(1) {
            return Err(CliError::Usage {
                message: format!("{what} holds more than {bytes_max} bytes, {limit}"),
                hint: "Check that it is the right file.".to_owned(),
            });
        }
    }
}

/// The buffer a read goes through; wiped like all others.
struct Chunk(Vec<u8>);

impl Drop for Chunk {
    fn drop(&mut self) {
        drop(Plaintext::new(std::mem::take(&mut self.0)));
    }
}

/// `echo` and editors end a file with a newline that is not part of the value: exactly one is left out.
fn ending(value: Plaintext, arguments: &PutArguments) -> Plaintext {
    if arguments.verbatim {
        return value;
    }
    let bytes = value.expose();
    let kept = bytes.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    match kept {
        Some(kept) => Plaintext::new(kept.to_vec()),
        None => value,
    }
}

fn checked(value: Plaintext) -> Result<Plaintext, CliError> {
    let usage = |message: &str, hint: &str| CliError::Usage { message: message.to_owned(), hint: hint.to_owned() };
    if value.is_empty() {
        return Err(usage("the value is empty", "To remove a secret, use: aurora delete"));
    }
    if std::str::from_utf8(value.expose()).is_err() {
        return Err(usage("the value is not UTF-8 text", "Encode it first: base64 FILE | aurora put SECRET -"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::arguments::{Cli, Command, Verb};
    use super::*;

    fn with_source(source: &[&str]) -> PutArguments {
        let line = ["aurora", "put", "a/b"].iter().chain(source);
        match Cli::try_parse_from(line).map(|cli| cli.command) {
            Ok(Command::Ask(Verb::Put(arguments))) => *arguments,
            _ => panic!("{source:?}"),
        }
    }

    #[test]
    fn a_value_as_an_argument_is_refused_and_not_repeated() {
        for source in [&["pat-na1-secret"][..], &["-", "pat-na1-secret"], &["two", "words"]] {
            let refused = read(&with_source(source)).expect_err("refused");
            let text = format!("{refused} {} {refused:?}", refused.hint());
            assert!(refused.exit_code() == 1 && text.contains("history"), "{text}");
            assert!(!text.contains("pat-na1") && !text.contains("words"), "{text}");
        }
    }

    #[test]
    fn exactly_one_newline_at_the_end_is_left_out_unless_every_byte_counts() {
        let end = |text: &str, flags: &[&str]| {
            let value = ending(Plaintext::new(text.as_bytes().to_vec()), &with_source(flags));
            String::from_utf8(value.expose().to_vec()).expect("text")
        };
        assert_eq!([end("x\n", &[]), end("x\r\n", &[]), end("x\n\n", &[]), end(" x ", &[])], ["x", "x", "x\n", " x "]);
        assert_eq!([end("x\n", &["--trim"]), end("x\n", &["--verbatim"])], ["x", "x\n"]);
    }

    #[test]
    fn a_file_is_read_whole_and_bounded() {
        let home = tempfile::tempdir().expect("directory");
        let path = home.path().join("value");
        let from = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("written");
            read(&with_source(&["--from-file", path.to_str().expect("path")]))
        };
        assert_eq!(from(&[b'a'; 10_000]).expect("read").expose(), [b'a'; 10_000]);
        assert!(matches!(from(&vec![b'a'; VALUE_BYTES_MAX + 2]), Err(CliError::Usage { .. })));
        assert!(matches!(from(b"\n"), Err(CliError::Usage { .. })));
        assert!(matches!(from(b"\xff"), Err(CliError::Usage { .. })));
        assert!(matches!(read(&with_source(&["--from-file", "/nonexistent"])), Err(CliError::Input { .. })));
    }
}
