//! A request body of many JSON objects, one a line (NDJSON): read as it comes, each line parsed and wiped before the next.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::body::{Gathered, bytes_max, parse};
use super::error::ApiError;

/// Most bytes of all lines together: the largest file that is imported at once, with names around its values.
const BYTES_MAX: usize = 128 << 20;

/// Longest pause of a sender. An import has its time as a whole too, but only one is taken at once, and whoever was put to
/// sleep half way must not keep all others out until then.
const STALL_MAX: Duration = Duration::from_secs(30);

/// Longest time that is spent on a body nobody wants.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Reads every line as one object; blank lines are passed over. What is kept is what the objects hold.
///
/// # Errors
/// [`ApiError::OfEntry`] names the line that is not right, also one longer than a value of `value_bytes_max` can need;
/// [`ApiError::TooManyBytes`] or [`ApiError::TooManyEntries`] when there is too much; [`ApiError::BodyCutOff`].
pub(super) async fn read<T: DeserializeOwned>(
    body: &mut Body,
    value_bytes_max: usize,
    entries_max: usize,
) -> Result<Vec<T>, ApiError> {
    read_unless_stalled(body, value_bytes_max, entries_max, STALL_MAX).await
}

/// Takes in what is left of a body whose request is refused. Somebody who is still sending would otherwise meet a closed
/// connection and never read why.
pub(super) async fn drain(body: &mut Body) {
    let drained = async {
        let mut bytes_left = BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, |bytes| bytes.len());
            let Some(left) = bytes_left.checked_sub(bytes) else { return };
            bytes_left = left;
        }
    };
    // Whoever sends more than that, or more slowly, does without the reason.
    let _given_up = timeout(DRAIN_MAX, drained).await;
}

async fn read_unless_stalled<T: DeserializeOwned>(
    body: &mut Body,
    value_bytes_max: usize,
    entries_max: usize,
    stall_max: Duration,
) -> Result<Vec<T>, ApiError> {
    let mut lines = Lines { entries: Vec::new(), line: Gathered::default(), number: 1, value_bytes_max, entries_max };
    let mut bytes_left = BYTES_MAX;
    while let Some(frame) = timeout(stall_max, body.frame()).await.map_err(|_| ApiError::BodyCutOff)? {
        let Ok(bytes) = frame.map_err(|_| ApiError::BodyCutOff)?.into_data() else { continue };
        bytes_left = bytes_left.checked_sub(bytes.len()).ok_or(ApiError::TooManyBytes { max: BYTES_MAX })?;
        lines.take(&bytes)?;
    }
    lines.end()?;
    Ok(lines.entries)
}

/// The lines of a body in the making.
struct Lines<T> {
    entries: Vec<T>,
    line: Gathered,
    number: usize,
    value_bytes_max: usize,
    entries_max: usize,
}

impl<T: DeserializeOwned> Lines<T> {
    fn take(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = rest.split_at(end);
            self.append(head)?;
            self.end()?;
            self.number += 1;
            rest = tail.get(1..).unwrap_or_default();
        }
        self.append(rest)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        if self.line.len().saturating_add(bytes.len()) > bytes_max(self.value_bytes_max) {
            return Err(self.wrong(ApiError::BodyTooLarge { bytes_max: self.value_bytes_max }));
        }
        self.line.append(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<(), ApiError> {
        let line = std::mem::take(&mut self.line).finish();
        if line.expose().trim_ascii().is_empty() {
            return Ok(());
        }
        if self.entries.len() >= self.entries_max {
            return Err(ApiError::TooManyEntries { max: self.entries_max });
        }
        let entry = parse(&line).map_err(|error| self.wrong(error))?;
        self.entries.push(entry);
        Ok(())
    }

    fn wrong(&self, cause: ApiError) -> ApiError {
        ApiError::OfEntry { number: self.number, cause: Box::new(cause) }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use futures_util::{StreamExt, stream};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        n: u32,
    }

    async fn entries(chunks: &[&str]) -> Result<Vec<u32>, ApiError> {
        let chunks: Vec<Result<Bytes, std::io::Error>> =
            chunks.iter().map(|chunk| Ok(Bytes::from((*chunk).to_owned()))).collect();
        let mut body = Body::from_stream(stream::iter(chunks));
        Ok(read::<Entry>(&mut body, 32, 3).await?.into_iter().map(|entry| entry.n).collect())
    }

    #[tokio::test]
    async fn lines_are_read_however_they_are_cut_and_whether_or_not_the_last_one_ends() {
        assert_eq!(entries(&["{\"n\":1}\n{\"n\"", ":2}\r\n\n", "{\"n\":3}"]).await, Ok(vec![1, 2, 3]));
        assert_eq!(entries(&["", "\n \n"]).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn a_line_that_is_not_right_is_named_and_not_quoted() {
        let wrong = entries(&["{\"n\":1}\n\n{\"n\":\"canary\"}\n"]).await.expect_err("wrong");
        assert!(matches!(&wrong, ApiError::OfEntry { number: 3, .. }), "{wrong:?}");
        assert!(!format!("{wrong} {wrong:?}").contains("canary"));
        let unknown = entries(&["{\"n\":1,\"x\":2}"]).await.expect_err("unknown");
        assert!(unknown.to_string().contains('x'), "{unknown}");
    }

    #[tokio::test]
    async fn a_sender_that_falls_asleep_is_given_up() {
        let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{\"n\":1}\n"))]);
        let mut body = Body::from_stream(first.chain(stream::pending()));
        let given_up =
            read_unless_stalled::<Entry>(&mut body, 32, 3, Duration::from_millis(10)).await.expect_err("it never ends");
        assert_eq!(given_up, ApiError::BodyCutOff);
    }

    #[tokio::test]
    async fn a_line_too_long_and_a_line_too_many_are_refused() {
        let long = entries(&[&"x".repeat(bytes_max(32) + 1)]).await.expect_err("long");
        let cause = Box::new(ApiError::BodyTooLarge { bytes_max: 32 });
        assert_eq!(long, ApiError::OfEntry { number: 1, cause });
        assert_eq!(entries(&[&"{\"n\":1}\n".repeat(4)]).await, Err(ApiError::TooManyEntries { max: 3 }));
    }
}
