//! The snapshot file: a whole store in one stream of bytes, sealed, bound together and signed; written and read piece by piece.
//!
//! ```text
//! aurora-snapshot/1\n                         what it is
//! length (4, big endian)  header (JSON)        whose store, at which moment, and the keys ([`header`])
//! pieces                                       each: 1 bit "last", length (31 bits), then the sealed bytes ([`crate::crypto::chunks`])
//!   rows                                       table (1), key length (4), key, row length (4), row
//!   trailer                                    table 0, no key, and how many rows of each table there were
//! length (2)  signature                        ECDSA P-256 of the mesh authority over the SHA-256 of everything before
//! ```
//!
//! Modelled on age (age-encryption.org/v1): a header with the key of the text, wrapped once for each who may open it, and a
//! text in the STREAM construction, every piece bound to the digest of the header. Unlike age it is signed, because a
//! restored store is believed.
//!
//! Values and keys in the rows are sealed already, by scope keys and by the root key. The layer here hides names, and keeps
//! the whole closed to whoever has neither the unseal source nor a recovery key.

pub mod counts;
pub mod error;
pub mod header;
mod header_text;
pub mod mark;
pub mod name;
pub mod read;
pub mod row;
#[cfg(test)]
mod tests;
pub mod write;

/// What every such file begins with; the number is the format.
const MAGIC: &[u8] = b"aurora-snapshot/1\n";

/// What the file of any format begins with.
const MAGIC_ANY: &[u8] = b"aurora-snapshot/";

/// Stands before the digest that is signed, so that the signature is of nothing else.
const SIGNED: &[u8] = b"aurora snapshot 1\n";

/// Longest signature: DER of two 33-byte numbers is 72 bytes.
const SIGNATURE_BYTES_MAX: usize = 80;

/// Marks the last piece, in the length before it.
const LAST: u32 = 1 << 31;
