//! A record on the wire. Its sealed bytes travel unchanged: what the lead stored is what every cache holds.

use std::time::Duration;

use crate::model::change::ChangeKind;
use crate::model::fields::{Field, FieldKind, Fields};
use crate::model::freshness::Offline;
use crate::model::metadata::{Metadata, SecretOptions};
use crate::model::name::FieldName;
use crate::model::number::{Revision, Version};
use crate::model::record::{Record, RecordBody, SealedValue};
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;

use super::error::{FieldRule, WireError};
use super::secret::{ScopeFrame, SecretFrame, generation};

/// The plain form of [`SealedValue`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct SealedFrame {
    /// Which key of the scope seals it.
    pub generation: u32,
    /// The nonce.
    pub nonce: [u8; 24],
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

/// The plain form of [`Metadata`].
#[derive(Debug, Clone, PartialEq, Eq, Default, bincode::Encode, bincode::Decode)]
pub struct MetadataFrame {
    /// What it is for.
    pub description: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// Anything else.
    pub note: Option<String>,
    /// The catalogue entry.
    pub provider: Option<String>,
    /// Words to search by.
    pub tags: Vec<String>,
}

/// The plain form of [`SecretOptions`]; durations in whole milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct OptionsFrame {
    /// When the credential stops working, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// Its own `ttl`.
    pub ttl_ms: Option<u64>,
    /// Its own `max_stale`.
    pub max_stale_ms: Option<u64>,
    /// Never served stale.
    pub offline_denied: bool,
    /// Days after which a rotation is due.
    pub rotation_reminder_days: u16,
}

/// What a version holds. A deleted value stays on the lead.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub enum BodyFrame {
    /// A value.
    Sealed(SealedFrame),
    /// It was deleted.
    Deleted,
    /// Its value is gone for good.
    Destroyed,
    /// It has had no value so far.
    Unset,
}

/// The plain form of [`Field`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct FieldFrame {
    /// Its name.
    pub name: String,
    /// Whether it must be hidden.
    pub secret: bool,
}

/// The plain form of [`Record`].
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct RecordFrame {
    /// The secret.
    pub secret: SecretFrame,
    /// The scope.
    pub scope: ScopeFrame,
    /// Its serial number.
    pub secret_id: u64,
    /// Which value.
    pub version: u64,
    /// The change that wrote it.
    pub revision: u64,
    /// What that change did.
    pub change: u8,
    /// The last change that destroyed a version of it.
    pub purged: Option<u64>,
    /// The value, or why there is none.
    pub body: BodyFrame,
    /// Texts for people.
    pub metadata: MetadataFrame,
    /// How it is kept and served.
    pub options: OptionsFrame,
    /// The fields of the value, if it has several.
    pub fields: Vec<FieldFrame>,
    /// When the secret was first stored, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// When this record was written.
    pub updated_at_ms: i64,
}

impl From<&Record> for RecordFrame {
    fn from(record: &Record) -> Self {
        Self {
            secret: SecretFrame::from(&record.at.secret),
            scope: ScopeFrame::from(&record.at.scope),
            secret_id: record.secret_id,
            version: record.version.get(),
            revision: record.revision.get(),
            change: record.change.number(),
            purged: record.purged.map(Revision::get),
            body: BodyFrame::from(&record.body),
            metadata: MetadataFrame::from(&*record.metadata),
            options: OptionsFrame::from(&*record.options),
            fields: record.fields.iter().map(FieldFrame::from).collect(),
            created_at_ms: record.created_at.0,
            updated_at_ms: record.updated_at.0,
        }
    }
}

impl TryFrom<RecordFrame> for Record {
    type Error = WireError;

    fn try_from(frame: RecordFrame) -> Result<Self, WireError> {
        let metadata = Metadata::from(frame.metadata);
        metadata.check()?;
        Ok(Self {
            at: ScopedSecret { secret: frame.secret.try_into()?, scope: frame.scope.try_into()? },
            secret_id: frame.secret_id,
            version: Version::new(frame.version).ok_or(WireError::Field { field: "version", rule: FieldRule::Zero })?,
            revision: Revision(frame.revision),
            change: ChangeKind::from_number(frame.change)
                .ok_or(WireError::Field { field: "change", rule: FieldRule::Unknown })?,
            purged: frame.purged.map(Revision),
            body: frame.body.try_into()?,
            metadata: metadata.into(),
            options: SecretOptions::from(&frame.options).into(),
            fields: fields(frame.fields)?.into(),
            created_at: Timestamp(frame.created_at_ms),
            updated_at: Timestamp(frame.updated_at_ms),
        })
    }
}

impl From<&RecordBody> for BodyFrame {
    fn from(body: &RecordBody) -> Self {
        match body {
            RecordBody::Sealed(value) => Self::Sealed(value.into()),
            RecordBody::Deleted { .. } => Self::Deleted,
            RecordBody::Destroyed => Self::Destroyed,
            RecordBody::Unset => Self::Unset,
        }
    }
}

impl TryFrom<BodyFrame> for RecordBody {
    type Error = WireError;

    fn try_from(frame: BodyFrame) -> Result<Self, WireError> {
        Ok(match frame {
            BodyFrame::Sealed(value) => Self::Sealed(value.try_into()?),
            BodyFrame::Deleted => Self::Deleted { kept: None },
            BodyFrame::Destroyed => Self::Destroyed,
            BodyFrame::Unset => Self::Unset,
        })
    }
}

impl From<&Field> for FieldFrame {
    fn from(field: &Field) -> Self {
        Self { name: field.name.as_str().to_owned(), secret: field.kind == FieldKind::Secret }
    }
}

fn fields(frames: Vec<FieldFrame>) -> Result<Fields, WireError> {
    let field = |frame: FieldFrame| {
        let kind = if frame.secret { FieldKind::Secret } else { FieldKind::Text };
        Ok(Field { name: FieldName::parse(&frame.name)?, kind })
    };
    let fields = frames.into_iter().map(field).collect::<Result<_, WireError>>()?;
    Fields::new(fields).map_err(|_| WireError::Field { field: "fields", rule: FieldRule::Repeated })
}

impl From<&SealedValue> for SealedFrame {
    fn from(value: &SealedValue) -> Self {
        Self { generation: value.generation.get(), nonce: value.nonce, ciphertext: value.ciphertext.clone() }
    }
}

impl TryFrom<SealedFrame> for SealedValue {
    type Error = WireError;

    fn try_from(frame: SealedFrame) -> Result<Self, WireError> {
        Ok(Self { generation: generation(frame.generation)?, nonce: frame.nonce, ciphertext: frame.ciphertext })
    }
}

impl From<&Metadata> for MetadataFrame {
    fn from(metadata: &Metadata) -> Self {
        let Metadata { description, owner, contact, note, provider, tags } = metadata.clone();
        Self { description, owner, contact, note, provider, tags }
    }
}

impl From<MetadataFrame> for Metadata {
    fn from(frame: MetadataFrame) -> Self {
        let MetadataFrame { description, owner, contact, note, provider, tags } = frame;
        Self { description, owner, contact, note, provider, tags }
    }
}

impl From<&SecretOptions> for OptionsFrame {
    fn from(options: &SecretOptions) -> Self {
        Self {
            expires_at_ms: options.expires_at.map(|at| at.0),
            ttl_ms: options.ttl.map(milliseconds),
            max_stale_ms: options.max_stale.map(milliseconds),
            offline_denied: match options.offline {
                Offline::Allow => false,
                Offline::Deny => true,
            },
            rotation_reminder_days: options.rotation_reminder_days,
        }
    }
}

impl From<&OptionsFrame> for SecretOptions {
    fn from(frame: &OptionsFrame) -> Self {
        Self {
            expires_at: frame.expires_at_ms.map(Timestamp),
            ttl: frame.ttl_ms.map(Duration::from_millis),
            max_stale: frame.max_stale_ms.map(Duration::from_millis),
            offline: if frame.offline_denied { Offline::Deny } else { Offline::Allow },
            rotation_reminder_days: frame.rotation_reminder_days,
        }
    }
}

/// Rounds down: a secret is never served longer than it asks for.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
impl RecordFrame {
    /// A record whose ciphertext has this many bytes.
    pub(super) fn sample(ciphertext_bytes: usize) -> Self {
        use super::secret::ScopeKind;
        Self {
            secret: SecretFrame { environment: "prod".into(), service: "hubspot".into(), key: "api_key".into() },
            scope: ScopeFrame { kind: ScopeKind::Global, id: String::new() },
            secret_id: 7,
            version: 3,
            revision: 300,
            change: 0,
            purged: None,
            body: BodyFrame::Sealed(SealedFrame {
                generation: 1,
                nonce: [0xaa; 24],
                ciphertext: vec![0xbb; ciphertext_bytes],
            }),
            metadata: MetadataFrame { owner: Some("ops".into()), tags: vec!["crm".into()], ..MetadataFrame::default() },
            options: OptionsFrame {
                expires_at_ms: Some(1_795_248_000_000),
                ttl_ms: Some(60_000),
                max_stale_ms: None,
                offline_denied: true,
                rotation_reminder_days: 90,
            },
            fields: vec![],
            created_at_ms: 1,
            updated_at_ms: 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_travels_both_ways_whatever_its_version_holds() {
        let fields = vec![FieldFrame { name: "client_id".into(), secret: false }];
        let sample = || RecordFrame { fields: fields.clone(), purged: Some(4), ..RecordFrame::sample(20) };
        for body in [sample().body, BodyFrame::Deleted, BodyFrame::Destroyed, BodyFrame::Unset] {
            let frame = RecordFrame { body, ..sample() };
            let record = Record::try_from(frame.clone()).expect("canonical");
            assert_eq!(record.sealed().is_some(), matches!(frame.body, BodyFrame::Sealed(_)));
            assert_eq!(RecordFrame::from(&record), frame);
        }
    }

    #[test]
    fn a_deleted_value_does_not_leave_the_lead() {
        let mut record = Record::try_from(RecordFrame::sample(20)).expect("canonical");
        record.body = RecordBody::Deleted { kept: record.sealed().cloned() };
        assert_eq!(RecordFrame::from(&record).body, BodyFrame::Deleted);
    }

    #[test]
    fn a_record_no_lead_would_send_is_refused() {
        let refusal = |frame| Record::try_from(frame).expect_err("refused");
        let sample = || RecordFrame::sample(20);
        assert!(matches!(refusal(RecordFrame { version: 0, ..sample() }), WireError::Field { field: "version", .. }));
        let sealed = SealedFrame { generation: 0, nonce: [0; 24], ciphertext: vec![] };
        let without_key = refusal(RecordFrame { body: BodyFrame::Sealed(sealed), ..sample() });
        assert!(matches!(without_key, WireError::Field { field: "generation", .. }));
        assert!(matches!(refusal(RecordFrame { change: 99, ..sample() }), WireError::Field { field: "change", .. }));
        let twice = vec![FieldFrame { name: "a".into(), secret: true }; 2];
        assert!(matches!(refusal(RecordFrame { fields: twice, ..sample() }), WireError::Field { field: "fields", .. }));
        let metadata = MetadataFrame { note: Some("n".repeat(1025)), ..MetadataFrame::default() };
        assert!(matches!(refusal(RecordFrame { metadata, ..sample() }), WireError::Metadata(_)));
        let secret = SecretFrame { environment: "prod".into(), service: "Hubspot".into(), key: "api_key".into() };
        assert!(matches!(refusal(RecordFrame { secret, ..sample() }), WireError::Name(_)));
    }
}
