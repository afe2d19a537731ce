//! Cuts many records into frames that every receiver accepts: bounded in bytes on the wire and in memory when decoded.

use super::error::WireError;
use super::frame::{FRAME_BYTES_MAX, encode_payload};

/// A frame is closed once it holds this much: one stream window, so that a frame never waits for a second one.
pub const BATCH_BYTES: usize = 256 * 1024;

/// Most entries in one frame. A decoded record is ten times as wide as its shortest bytes, and the decoder's memory is
/// limited, so a count is needed beside the byte limit.
pub const BATCH_ENTRIES_MAX: usize = 1024;

/// Largest value that fits into a frame with the longest metadata: 1 MiB less 5 texts and 32 tags of 1 KiB, and names.
pub const VALUE_BYTES_MAX: usize = FRAME_BYTES_MAX - 64 * 1024;

/// Groups of entries, in order, each fit for one frame. An entry larger than [`BATCH_BYTES`] travels alone.
///
/// # Errors
/// [`WireError::Unencodable`].
pub fn batches<T: bincode::Encode>(entries: impl IntoIterator<Item = T>) -> Result<Vec<Vec<T>>, WireError> {
    let mut all = Vec::new();
    let mut open = Vec::new();
    let mut bytes = 0_usize;
    for entry in entries {
        let entry_bytes = encode_payload(0, &entry)?.len();
        let full = bytes.saturating_add(entry_bytes) > BATCH_BYTES || open.len() >= BATCH_ENTRIES_MAX;
        if full && !open.is_empty() {
            all.push(std::mem::take(&mut open));
            bytes = 0;
        }
        bytes = bytes.saturating_add(entry_bytes);
        open.push(entry);
    }
    if !open.is_empty() {
        all.push(open);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::frame::{Frame, decode, encode};
    use super::super::record::{MetadataFrame, RecordFrame};
    use super::super::subscription::{FromLead, SnapshotRecords};
    use super::*;
    use crate::model::metadata::{TAGS_MAX, TEXT_BYTES_MAX};

    fn travel(records: Vec<RecordFrame>) {
        let bytes = encode(&FromLead::from(SnapshotRecords { records: records.clone() })).expect("fits into a frame");
        let back = decode::<FromLead>(&bytes[4..]).expect("fits into the decoder's memory");
        assert_eq!(back, FromLead::from(SnapshotRecords { records }));
    }

    #[test]
    fn every_batch_fits_into_a_frame_and_none_is_lost() {
        for size in [0, 1_000, 100_000, 300_000] {
            let records = vec![RecordFrame::sample(size); if size == 0 { 3_000 } else { 20 }];
            let batches = batches(records.clone()).expect("encodes");
            assert_eq!(batches.concat(), records);
            batches.into_iter().for_each(travel);
        }
    }

    #[test]
    fn the_smallest_records_in_the_largest_number_fit_into_the_decoders_memory() {
        let small = RecordFrame { sealed: None, metadata: MetadataFrame::default(), ..RecordFrame::sample(0) };
        travel(vec![small; BATCH_ENTRIES_MAX]);
    }

    #[test]
    fn the_largest_value_with_the_longest_metadata_fits() {
        let text = || Some("t".repeat(TEXT_BYTES_MAX));
        let metadata = MetadataFrame {
            description: text(),
            owner: text(),
            contact: text(),
            note: text(),
            provider: text(),
            tags: vec!["t".repeat(TEXT_BYTES_MAX); TAGS_MAX],
        };
        travel(vec![RecordFrame { metadata, ..RecordFrame::sample(VALUE_BYTES_MAX + 16) }]);
        assert_eq!(FromLead::BYTES_MAX, FRAME_BYTES_MAX);
    }

    #[test]
    fn nothing_makes_no_batch() {
        assert!(batches(Vec::<RecordFrame>::new()).expect("encodes").is_empty());
    }
}
