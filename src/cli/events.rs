//! Server-Sent Events out of the bytes of a stream (HTML, 9.2.6), as far as a node writes them.

use super::error::CliError;

/// Longest line: an event is under 2 KiB; beyond this something else is talking.
const LINE_BYTES_MAX: usize = 64 << 10;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Its kind.
    pub(super) name: String,
    /// Its data.
    pub(super) data: String,
    /// What to resume from once it was taken in.
    pub(super) id: Option<String>,
}

/// Puts lines together, and lines into events.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    line: Vec<u8>,
    name: String,
    data: Vec<String>,
    id: Option<String>,
}

impl EventReader {
    /// Takes in some bytes and gives the events they complete. One without data only moves what to resume from.
    ///
    /// # Errors
    /// [`CliError::Garbled`] when a line is too long or no text.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Vec<Event>, CliError> {
        let mut events = Vec::new();
        for &byte in bytes {
            match byte {
                b'\n' => {
                    let line = String::from_utf8(std::mem::take(&mut self.line));
                    let line = line.map_err(|_| CliError::Garbled { what: "an event is no text" })?;
                    events.extend(self.take(line.strip_suffix('\r').unwrap_or(&line)));
                }
                _ if self.line.len() >= LINE_BYTES_MAX => {
                    return Err(CliError::Garbled { what: "an event is larger than any can be" });
                }
                byte => self.line.push(byte),
            }
        }
        Ok(events)
    }

    fn take(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data).join("\n"));
            return Some(Event { name, data, id: self.id.clone() });
        }
        let (field, text) = line.split_once(':').unwrap_or((line, ""));
        let text = text.strip_prefix(' ').unwrap_or(text);
        match field {
            "event" => text.clone_into(&mut self.name),
            "data" => self.data.push(text.to_owned()),
            "id" => self.id = Some(text.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str, id: &str) -> Event {
        Event { name: name.to_owned(), data: data.to_owned(), id: Some(id.to_owned()) }
    }

    #[test]
    fn events_are_put_together_from_any_pieces() {
        let text = "id: 1.2\nevent: changed\ndata: {\"a\":1}\n\n: still here\nid: 1.9\n\nid:1.10\r\ndata:x\r\n\r\n";
        let wanted = [event("changed", "{\"a\":1}", "1.2"), event("", "", "1.9"), event("", "x", "1.10")];
        for size in [1, 2, 7, text.len()] {
            let mut reader = EventReader::default();
            let read = text.as_bytes().chunks(size).flat_map(|piece| reader.read(piece).expect("events"));
            assert_eq!(read.collect::<Vec<_>>(), wanted, "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_stream_of_events_is_not_gathered_for_ever() {
        let mut reader = EventReader::default();
        assert!(reader.read(&vec![b'a'; LINE_BYTES_MAX]).is_ok());
        assert!(matches!(reader.read(b"a"), Err(CliError::Garbled { .. })));
        assert!(matches!(EventReader::default().read(b"\xff\n"), Err(CliError::Garbled { .. })));
    }
}
