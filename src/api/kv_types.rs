//! The JSON of HashiCorp Vault's API, as its clients send and expect it (Vault's HTTP API, "KV secrets engine version 2").

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::query;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::text_map::TextMap;
use crate::model::number::Version;
use crate::vault::path_request::PathVersion;

/// `GET secret/data/…?version=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultVersionQuery"))]
#[serde(default, deny_unknown_fields)]
pub(super) struct VersionQuery {
    /// An older version than the current one; 0 is the current one.
    version: Option<String>,
}

impl VersionQuery {
    /// The version that is asked for; 0, or none, is the current one.
    ///
    /// # Errors
    /// [`ApiError::BadValue`] for what is no number.
    pub(super) fn version(self) -> Result<Option<Version>, ApiError> {
        let bad = ApiError::BadValue { field: "version", wanted: "a whole number; 0 is the current version" };
        let Some(text) = query::given(self.version) else { return Ok(None) };
        query::number(&text).map(Version::new).ok_or(bad)
    }
}

/// `GET secret/metadata/…?list=true`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultListQuery"))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    /// `true`: what the method `LIST` asks for.
    pub(super) list: Option<String>,
}

/// `POST`, `PUT` and `PATCH secret/data/…`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultWrite"))]
#[serde(deny_unknown_fields)]
pub(super) struct WriteBody {
    /// What is expected.
    #[serde(default)]
    pub(super) options: Option<WriteOptions>,
    /// The fields, 1 to 256 of them, each a text; in a `PATCH` `null` takes one away.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Option<String>>"))]
    pub(super) data: TextMap,
}

/// What is expected of a path that is written.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultWriteOptions"))]
#[serde(default, deny_unknown_fields)]
pub(super) struct WriteOptions {
    /// The version that must be current; 0: the path has no value.
    pub(super) cas: Option<u64>,
}

/// `POST secret/delete/…`, `undelete` and `destroy`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultVersions"))]
#[serde(deny_unknown_fields)]
pub(super) struct VersionsBody {
    /// 1 to 1000 of them.
    versions: Vec<VersionSaid>,
}

/// One version: a number, or its digits, as Vault's own command line sends them.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultVersionSaid"))]
#[serde(untagged)]
enum VersionSaid {
    Number(u64),
    Text(String),
}

impl VersionSaid {
    fn version(self) -> Option<Version> {
        let number = match self {
            Self::Number(number) => Some(number),
            Self::Text(digits) => digits.parse().ok(),
        };
        number.and_then(Version::new)
    }
}

/// Most versions one request may name: more than are ever kept.
const VERSIONS_MAX: usize = 1000;

impl VersionsBody {
    /// The versions.
    ///
    /// # Errors
    /// [`ApiError::BadValue`] for none, too many, or one that is no number from 1.
    pub(super) fn versions(self) -> Result<Vec<Version>, ApiError> {
        let bad = || ApiError::BadValue { field: "versions", wanted: "1 to 1000 whole numbers from 1" };
        if self.versions.is_empty() || self.versions.len() > VERSIONS_MAX {
            return Err(bad());
        }
        self.versions.into_iter().map(|said| said.version().ok_or_else(bad)).collect()
    }
}

/// What every answer with data is wrapped in.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultEnvelopeOf{T}"))]
pub(super) struct Envelope<'a, T> {
    /// As the header `X-Request-Id` has it.
    pub(super) request_id: &'a str,
    /// Always empty.
    pub(super) lease_id: &'static str,
    /// Always false.
    pub(super) renewable: bool,
    /// Seconds after which values should be asked for again; 0 where there are none.
    pub(super) lease_duration: u64,
    /// What was asked for.
    pub(super) data: T,
    /// Always `null`: answers are not wrapped here.
    pub(super) wrap_info: Option<()>,
    /// What to know about the values: that they are stale, or that a field of this version was deleted since.
    pub(super) warnings: Option<Vec<String>>,
    /// What a renewal answers; `null` elsewhere.
    pub(super) auth: Option<AuthView>,
}

impl<'a, T> Envelope<'a, T> {
    /// An answer without a lease or a warning.
    pub(super) fn new(request_id: &'a str, data: T) -> Self {
        Self {
            request_id,
            lease_id: "",
            renewable: false,
            lease_duration: 0,
            data,
            wrap_info: None,
            warnings: None,
            auth: None,
        }
    }
}

/// A path with its values, or without: then `data` is `null`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultData"))]
pub(super) struct DataView<'a> {
    /// The fields, each a text.
    #[cfg_attr(test, schemars(with = "Option<BTreeMap<String, String>>"))]
    pub(super) data: Option<FieldsView<'a>>,
    /// Which version it is.
    pub(super) metadata: VersionView<'a>,
}

/// The fields of a path. Values are borrowed: each is copied once, into the answer's buffer.
pub(super) struct FieldsView<'a>(pub(super) Vec<(&'a str, &'a Plaintext)>);

impl Serialize for FieldsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            let text = std::str::from_utf8(value.expose()).map_err(|_| S::Error::custom("a value that is no text"))?;
            map.serialize_entry(name, text)?;
        }
        map.end()
    }
}

/// Texts that are said about a path.
pub(super) type Custom<'a> = BTreeMap<&'a str, String>;

/// One version of a path.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultVersion"))]
pub(super) struct VersionView<'a> {
    /// When it, or what is said of it, last changed.
    pub(super) created_time: String,
    /// What is said about the path, told beside its values alone.
    pub(super) custom_metadata: Option<Custom<'a>>,
    /// When it was deleted, in RFC 3339; empty if it was not.
    pub(super) deletion_time: String,
    /// Whether its values are gone for good.
    pub(super) destroyed: bool,
    /// Its number; 0 if every value is of another scope than the one in which the path is written.
    pub(super) version: u64,
}

impl From<&PathVersion> for VersionView<'_> {
    fn from(version: &PathVersion) -> Self {
        Self {
            created_time: version.created_at.to_string(),
            custom_metadata: None,
            deletion_time: deletion_time(version),
            destroyed: version.destroyed,
            version: version.version.get(),
        }
    }
}

/// All versions of a path. The settings are what Vault calls its defaults: they cannot be changed here.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultHistory"))]
pub(super) struct HistoryView<'a> {
    /// Always false.
    pub(super) cas_required: bool,
    /// When the first key of the path was stored.
    pub(super) created_time: String,
    /// The number of the newest version.
    pub(super) current_version: u64,
    /// What is said about the path.
    pub(super) custom_metadata: Option<Custom<'a>>,
    /// Always `0s`: nothing is deleted by itself.
    pub(super) delete_version_after: &'static str,
    /// Always 0: the mesh keeps as many versions of every key.
    pub(super) max_versions: u64,
    /// The number of the oldest version that is kept.
    pub(super) oldest_version: u64,
    /// When any of it changed last.
    pub(super) updated_time: String,
    /// The versions that are kept, by their numbers.
    pub(super) versions: BTreeMap<u64, StateView>,
}

/// One version in a history.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultState"))]
pub(super) struct StateView {
    /// When it, or what is said of it, last changed.
    created_time: String,
    /// When it was deleted, in RFC 3339; empty if it was not.
    deletion_time: String,
    /// Whether its values are gone for good.
    destroyed: bool,
}

impl From<&PathVersion> for StateView {
    fn from(version: &PathVersion) -> Self {
        Self {
            created_time: version.created_at.to_string(),
            deletion_time: deletion_time(version),
            destroyed: version.destroyed,
        }
    }
}

fn deletion_time(version: &PathVersion) -> String {
    version.deleted_at.map(|at| at.to_string()).unwrap_or_default()
}

/// Names.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultKeys"))]
pub(super) struct KeysView<'a> {
    /// The services.
    pub(super) keys: Vec<&'a str>,
}

/// What a renewal answers: the token stays as it is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultAuth"))]
pub(super) struct AuthView {
    /// Always empty: the token itself is not known here.
    pub(super) client_token: &'static str,
    /// The name of the API key; without one, whom the caller acts as.
    pub(super) accessor: String,
    /// Whom the caller acts as.
    pub(super) policies: Vec<String>,
    /// The same.
    pub(super) token_policies: Vec<String>,
    /// Always `null`.
    pub(super) metadata: Option<()>,
    /// Seconds until the key ends; 0 if it does not.
    pub(super) lease_duration: u64,
    /// Always false.
    pub(super) renewable: bool,
    /// Always empty.
    pub(super) entity_id: &'static str,
    /// Always `service`.
    pub(super) token_type: &'static str,
    /// Always true.
    pub(super) orphan: bool,
    /// Always 0: a key can be used as often as one likes.
    pub(super) num_uses: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_shape_that_clients_know() {
        let value = Plaintext::new(b"not-a-real-key".to_vec());
        let metadata = VersionView {
            created_time: "2026-11-21T08:00:00.123Z".to_owned(),
            custom_metadata: None,
            deletion_time: String::new(),
            destroyed: false,
            version: 1,
        };
        let data = DataView { data: Some(FieldsView(vec![("api_key", &value)])), metadata };
        assert_eq!(
            serde_json::to_string(&Envelope::new("id", data)).expect("json"),
            concat!(
                r#"{"request_id":"id","lease_id":"","renewable":false,"lease_duration":0,"data":{"data":"#,
                r#"{"api_key":"not-a-real-key"},"metadata":{"created_time":"2026-11-21T08:00:00.123Z","#,
                r#""custom_metadata":null,"deletion_time":"","destroyed":false,"version":1}},"wrap_info":null,"#,
                r#""warnings":null,"auth":null}"#
            )
        );
    }

    #[test]
    fn a_version_that_is_no_number_is_named_and_zero_is_the_current_one() {
        let version = |text: &str| VersionQuery { version: Some(text.to_owned()) }.version();
        assert_eq!(VersionQuery::default().version(), Ok(None));
        assert_eq!((version(""), version("0")), (Ok(None), Ok(None)));
        assert_eq!(version("3"), Ok(Version::new(3)));
        for bad in ["-1", "+1", "1.0", "latest", "99999999999999999999"] {
            assert!(matches!(version(bad), Err(ApiError::BadValue { field: "version", .. })), "{bad}");
        }
    }

    #[test]
    fn versions_are_some_numbers_from_one() {
        let versions = |json: &str| serde_json::from_str::<VersionsBody>(json).expect("json").versions();
        assert_eq!(versions(r#"{"versions":[2,1]}"#).expect("versions").len(), 2);
        let as_vault_sends_them = versions(r#"{"versions":["2","10"]}"#).expect("versions");
        assert_eq!(as_vault_sends_them.iter().map(|version| version.get()).collect::<Vec<_>>(), [2, 10]);
        for bad in [r#"{"versions":[]}"#, r#"{"versions":[0]}"#, r#"{"versions":["0"]}"#, r#"{"versions":["1,2"]}"#] {
            assert!(versions(bad).is_err(), "{bad}");
        }
        for bad in [r#"{"versions":[-1]}"#, r#"{"versions":[1.5]}"#, r#"{"versions":[null]}"#, r#"{"versions":[[1]]}"#]
        {
            assert!(serde_json::from_str::<VersionsBody>(bad).is_err(), "{bad}");
        }
    }
}
