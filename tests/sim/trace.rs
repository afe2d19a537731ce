//! What happened in one simulated mesh, as a hash, and as lines if somebody wants to read them.

use std::fmt::{self, Write};

/// The events so far.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty one, which keeps its lines if they are wanted.
    pub fn new(keep: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: keep.then(Vec::new) }
    }

    /// One event.
    pub fn note(&mut self, event: fmt::Arguments<'_>) {
        if let Some(lines) = &mut self.lines {
            lines.push(event.to_string());
        }
        self.write_fmt(event).expect("a hash takes everything");
        self.write_str("\n").expect("a hash takes everything");
    }

    /// The hash of all events (FNV-1a): two runs that differ anywhere differ here.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines that were kept.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }
}

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

#[test]
fn traces_that_differ_in_one_event_differ_in_their_hash() {
    let hash = |events: &[&str]| {
        let mut trace = Trace::new(false);
        events.iter().for_each(|event| trace.note(format_args!("{event}")));
        trace.hash()
    };
    assert_eq!(hash(&["put", "read"]), hash(&["put", "read"]));
    assert_ne!(hash(&["put", "read"]), hash(&["read", "put"]));
    assert_ne!(hash(&["put", "read"]), hash(&["putread"]));
}
