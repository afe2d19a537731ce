//! The header as JSON. Everything in it is public, and bound to the text and the signature byte by byte.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::error::SnapshotError;
use super::header::{HEADS_MAX, Header, JournalHead, RECIPIENTS_MAX, SealedTo, WrappedRoot};
use crate::model::hex::hex;
use crate::model::identity::{MeshId, StoreId};
use crate::model::name::NodeName;
use crate::model::number::{Epoch, Position, Revision};
use crate::model::time::Timestamp;

/// Longest header: 64 recipients take some 105 KiB, 512 heads some 75 KiB.
pub(super) const HEADER_BYTES_MAX: usize = 256 << 10;

/// Longest name of a build that is believed to be one.
const BUILD_BYTES_MAX: usize = 64;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    mesh: String,
    store: String,
    node: String,
    epoch: u64,
    revision: u64,
    schema: u32,
    build: String,
    taken_at: String,
    journals: Vec<HeadText>,
    root_key: RootText,
    keys: Vec<KeyText>,
    authority: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadText {
    node: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chain: Option<u32>,
    seq: u64,
    hash: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootText {
    wrapped: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passphrase: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shares: Option<String>,
}

/// Who may open it: `root-key`, or `recipient` with its fingerprint.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText {
    opened_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    sealed: String,
}

const ROOT_KEY: &str = "root-key";
const RECIPIENT: &str = "recipient";

/// The header as it is written.
///
/// # Errors
/// [`SnapshotError::HeaderTooLong`].
pub(super) fn render(header: &Header) -> Result<Vec<u8>, SnapshotError> {
    let root = KeyText { opened_by: ROOT_KEY.to_owned(), recipient: None, sealed: STANDARD.encode(&header.content) };
    let others = header.recipients.iter().map(|to| KeyText {
        opened_by: RECIPIENT.to_owned(),
        recipient: Some(hex(&to.recipient)),
        sealed: STANDARD.encode(&to.sealed),
    });
    let text = Text {
        mesh: header.mesh.to_string(),
        store: header.store.to_string(),
        node: header.node.to_string(),
        epoch: header.position.epoch.0,
        revision: header.position.revision.0,
        schema: header.schema,
        build: header.build.clone(),
        taken_at: header.taken_at.to_string(),
        journals: header.heads.iter().map(head_text).collect(),
        root_key: RootText {
            wrapped: STANDARD.encode(&header.root_key.wrapped),
            passphrase: header.root_key.passphrase.as_ref().map(|bytes| STANDARD.encode(bytes)),
            shares: header.root_key.shares.as_ref().map(|bytes| STANDARD.encode(bytes)),
        },
        keys: std::iter::once(root).chain(others).collect(),
        authority: STANDARD.encode(&header.authority),
    };
    let bytes = serde_json::to_vec(&text).map_err(|_| SnapshotError::BadHeader("it cannot be written"))?;
    if bytes.len() > HEADER_BYTES_MAX {
        return Err(SnapshotError::HeaderTooLong { bytes: bytes.len(), bytes_max: HEADER_BYTES_MAX });
    }
    Ok(bytes)
}

/// Reads a header.
///
/// # Errors
/// [`SnapshotError::BadHeader`] names the first field that is wrong.
pub(super) fn parse(bytes: &[u8]) -> Result<Header, SnapshotError> {
    let bad = SnapshotError::BadHeader;
    let text: Text = serde_json::from_slice(bytes).map_err(|_| bad("it is not the JSON it must be"))?;
    let (content, recipients) = keys(text.keys)?;
    if text.journals.is_empty() || text.journals.len() > HEADS_MAX {
        return Err(bad("its journals"));
    }
    if text.build.len() > BUILD_BYTES_MAX {
        return Err(bad("its build"));
    }
    Ok(Header {
        mesh: MeshId::parse(&text.mesh).ok_or(bad("its mesh"))?,
        store: StoreId::parse(&text.store).ok_or(bad("its store"))?,
        node: NodeName::parse(&text.node).map_err(|_| bad("its node"))?,
        position: Position { epoch: Epoch(text.epoch), revision: Revision(text.revision) },
        schema: text.schema,
        build: text.build,
        taken_at: Timestamp::parse(&text.taken_at).ok_or(bad("its time"))?,
        heads: text.journals.into_iter().map(head).collect::<Result<_, _>>()?,
        root_key: WrappedRoot {
            wrapped: decoded(&text.root_key.wrapped)?,
            passphrase: text.root_key.passphrase.as_deref().map(decoded).transpose()?,
            shares: text.root_key.shares.as_deref().map(decoded).transpose()?,
        },
        content,
        recipients,
        authority: decoded(&text.authority)?,
    })
}

fn head_text(head: &JournalHead) -> HeadText {
    HeadText { node: head.node.to_string(), chain: head.chain, seq: head.seq, hash: hex(&head.hash) }
}

fn head(text: HeadText) -> Result<JournalHead, SnapshotError> {
    let bad = || SnapshotError::BadHeader("the end of a journal");
    let node = NodeName::parse(&text.node).map_err(|_| bad())?;
    Ok(JournalHead { node, chain: text.chain, seq: text.seq, hash: unhex(&text.hash).ok_or_else(bad)? })
}

/// The wrapping by the root key, which is the first, and those for recipients.
fn keys(keys: Vec<KeyText>) -> Result<(Vec<u8>, Vec<SealedTo>), SnapshotError> {
    let bad = || SnapshotError::BadHeader("its keys");
    let mut keys = keys.into_iter();
    let first = keys.next().filter(|key| key.opened_by == ROOT_KEY && key.recipient.is_none()).ok_or_else(bad)?;
    let sealed_to = |key: KeyText| {
        let recipient = key.recipient.filter(|_| key.opened_by == RECIPIENT).ok_or_else(bad)?;
        let recipient = unhex(&recipient).ok_or_else(bad)?;
        Ok::<_, SnapshotError>(SealedTo { recipient, sealed: decoded(&key.sealed)? })
    };
    let recipients = keys.map(sealed_to).collect::<Result<Vec<_>, _>>()?;
    if recipients.len() > RECIPIENTS_MAX { Err(bad()) } else { Ok((decoded(&first.sealed)?, recipients)) }
}

fn decoded(text: &str) -> Result<Vec<u8>, SnapshotError> {
    STANDARD.decode(text).map_err(|_| SnapshotError::BadHeader("a field that is not base64"))
}

/// Reads lower-case hexadecimal digits of exactly so many bytes.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (hex(&bytes) == text).then_some(bytes)
}
