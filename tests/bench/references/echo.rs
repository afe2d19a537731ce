//! The most a Unix socket carries: a request is read to its end and the answer is written, by a thread for each connection,
//! and nothing else is done.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use super::answer::Answer;

/// Larger than any request of the load.
const REQUEST_BYTES_MAX: usize = 8 << 10;

/// Serves until the process ends.
///
/// # Errors
/// When it cannot listen there.
pub fn serve(socket: &Path, answer: Answer) -> io::Result<()> {
    for stream in UnixListener::bind(socket)?.incoming() {
        let (stream, answer) = (stream?, answer.clone());
        // A client that goes away ends its thread, and nothing else.
        std::thread::spawn(move || attend(stream, &answer));
    }
    Ok(())
}

fn attend(mut stream: UnixStream, answer: &Answer) -> io::Result<()> {
    let (mut request, mut filled) = ([0; REQUEST_BYTES_MAX], 0);
    loop {
        let read = stream.read(&mut request[filled..])?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        if request[..filled].ends_with(b"\r\n\r\n") {
            stream.write_all(&answer.whole)?;
            filled = 0;
        }
    }
}
