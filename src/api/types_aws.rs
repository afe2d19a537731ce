//! What a client of the AWS Secrets Manager Agent asks, and what it is told: the query of `/secretsmanager/get`, and the shape
//! of `GetSecretValue`, as that agent writes it
//! (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>).

use axum::extract::Query;
use axum::http::Uri;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::error::ApiError;
use super::query;
use crate::model::identity::MeshId;
use crate::model::name::EnvironmentName;
use crate::model::number::Version;
use crate::model::reference::Reference;
use crate::model::time::Timestamp;

/// The version that is current.
pub(super) const CURRENT: &str = "AWSCURRENT";

/// The one before it.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// The parameter that must be there.
const SECRET_ID: &str = "secretId";

/// Longest parameter name an error repeats.
const NAME_CHARACTERS_MAX: usize = 64;

/// Which version is meant by its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VersionStage {
    /// `AWSCURRENT`.
    Current,
    /// `AWSPREVIOUS`.
    Previous,
}

/// `?secretId=&versionId=&versionStage=&refreshNow=`
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AwsQuery {
    /// As it came: `service/key`, a whole reference, or the ARN of an earlier answer.
    #[cfg_attr(test, schemars(rename = "secretId"))]
    pub(super) secret_id: String,
    /// A version by its number.
    #[cfg_attr(test, schemars(rename = "versionId", with = "Option<String>"))]
    pub(super) version: Option<Version>,
    /// A version by its label.
    #[cfg_attr(test, schemars(rename = "versionStage", with = "Option<String>"))]
    pub(super) stage: Option<VersionStage>,
    /// Confirm with the lead first.
    #[cfg_attr(test, schemars(rename = "refreshNow", with = "Option<String>"))]
    pub(super) refresh: bool,
}

impl AwsQuery {
    /// Reads the whole query string; an empty parameter is one that was left out.
    ///
    /// # Errors
    /// [`ApiError`] names the parameter, as the AWS agent does.
    pub(super) fn parse(uri: &Uri) -> Result<Self, ApiError> {
        let bad = |_| ApiError::BadValue { field: "the query string", wanted: "name=value pairs joined by &" };
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(bad)?;
        let (mut id, mut version, mut stage, mut refresh) = (None, None, None, None);
        for (name, value) in pairs {
            let slot = match name.as_str() {
                SECRET_ID => &mut id,
                "versionId" => &mut version,
                "versionStage" => &mut stage,
                "refreshNow" => &mut refresh,
                _ => return Err(ApiError::UnknownParameter { name: shown(&name) }),
            };
            if slot.replace(value).is_some() {
                return Err(ApiError::GivenTwice { field: name });
            }
        }
        Ok(Self {
            secret_id: query::given(id).ok_or(ApiError::MissingParameter { name: SECRET_ID })?,
            version: query::given(version).map(|text| query::version("versionId", &text)).transpose()?,
            stage: query::given(stage).map(|text| labelled(&text)).transpose()?,
            refresh: query::given(refresh).map_or(Ok(false), |text| flag(&text))?,
        })
    }

    /// Which secret it is, in this mesh.
    ///
    /// # Errors
    /// [`ApiError::BadValue`] when it is none of the three forms, or the ARN of another mesh or environment.
    pub(super) fn reference(&self, mesh: MeshId, environment: &EnvironmentName) -> Result<Reference, ApiError> {
        let bad = ApiError::BadValue { field: SECRET_ID, wanted: "SERVICE/KEY_NAME, or a reference aurora://…" };
        let own = arn_of(mesh, environment);
        let id = self.secret_id.strip_prefix(&own).unwrap_or(&self.secret_id);
        Reference::parse_short(id).map_err(|_| bad)
    }
}

/// A parameter's name, if it looks like one.
fn shown(name: &str) -> String {
    let plain = name.len() <= NAME_CHARACTERS_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if plain { name.to_owned() } else { "?".to_owned() }
}

fn labelled(text: &str) -> Result<VersionStage, ApiError> {
    match text {
        CURRENT => Ok(VersionStage::Current),
        PREVIOUS => Ok(VersionStage::Previous),
        _ => Err(ApiError::BadValue { field: "versionStage", wanted: "AWSCURRENT or AWSPREVIOUS" }),
    }
}

fn flag(text: &str) -> Result<bool, ApiError> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(ApiError::BadValue { field: "refreshNow", wanted: "true, false, 1 or 0" }),
    }
}

/// What an ARN begins with here: a partition of our own, so that nobody takes it for one of Amazon's, then the environment
/// and the mesh where a region and an account would be.
fn arn_of(mesh: MeshId, environment: &EnvironmentName) -> String {
    format!("arn:aurora:secretsmanager:{environment}:{mesh}:secret:")
}

/// The name of a secret of this mesh that is unlike any other's.
pub(super) fn arn(mesh: MeshId, environment: &EnvironmentName, name: &str) -> String {
    format!("{}{name}", arn_of(mesh, environment))
}

/// A value.
// It is borrowed: it is copied once, into the answer's buffer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct AwsSecretView<'a> {
    /// Unlike that of any other secret, as far as there are such names here.
    #[serde(rename = "ARN")]
    pub(super) arn: String,
    /// `service/key`.
    pub(super) name: String,
    /// The version, as text.
    pub(super) version_id: String,
    /// The value, or its field.
    #[serde(flatten)]
    pub(super) value: AwsValue<'a>,
    /// The label it was asked for by; left out where a number was given, which may be that of any version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version_stages: Option<[&'static str; 1]>,
    /// Seconds since 1970 with their fraction, as text: so does that agent.
    pub(super) created_date: String,
}

/// Text where it is text, else base64.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) enum AwsValue<'a> {
    /// UTF-8.
    SecretString(&'a str),
    /// Anything else.
    SecretBinary(#[cfg_attr(test, schemars(with = "String"))] Base64<'a>),
}

impl<'a> AwsValue<'a> {
    /// The value as it can be told.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::SecretBinary(Base64(bytes)), Self::SecretString)
    }
}

/// Bytes that are written as base64, piece by piece: no buffer holds them besides the answer's own.
pub(super) struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// `1795248000.123`
pub(super) fn seconds(at: Timestamp) -> String {
    format!("{}.{:03}", at.0.div_euclid(1000), at.0.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<AwsQuery, ApiError> {
        AwsQuery::parse(&format!("/secretsmanager/get{query}").parse().expect("a uri"))
    }

    fn refused(query: &str) -> String {
        parse(query).expect_err("refused").to_string()
    }

    #[test]
    fn a_query_is_read_as_that_agent_reads_it() {
        let all =
            parse("?secretId=openai%2Fapi_key&versionId=3&versionStage=AWSCURRENT&refreshNow=TRUE").expect("good");
        let AwsQuery { secret_id, version, stage, refresh } = all;
        assert_eq!((secret_id.as_str(), version, refresh), ("openai/api_key", Version::new(3), true));
        assert_eq!(stage, Some(VersionStage::Current));
        let least = parse("?&secretId=a/b&versionId=&refreshNow=0").expect("good");
        assert_eq!((least.version, least.stage, least.refresh), (None, None, false));
        for nothing in ["", "?", "?secretId=", "?versionId=1"] {
            assert_eq!(refused(nothing), "missing parameter secretId", "{nothing}");
        }
        assert_eq!(refused("?secretId=a/b&abc=123"), "unknown parameter: abc");
        assert_eq!(refused("?secretId=a/b&a%20b=123"), "unknown parameter: ?");
        for bad in
            ["versionId=x", "versionId=0", "versionStage=other", "refreshNow=yes", "secretId=c/d", "versionId=%ff"]
        {
            assert!(parse(&format!("?secretId=a/b&{bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_named_shortly_or_by_a_reference_or_by_the_arn_of_its_answer() {
        let (mesh, prod) = (MeshId([7; 16]), EnvironmentName::parse("prod").expect("an environment"));
        let named = |id: &str| {
            let asked = AwsQuery { secret_id: id.to_owned(), version: None, stage: None, refresh: false };
            asked.reference(mesh, &prod).map(|reference| reference.to_string())
        };
        let arn = arn(mesh, &prod, "openai/api_key");
        assert_eq!(arn, "arn:aurora:secretsmanager:prod:07070707070707070707070707070707:secret:openai/api_key");
        for id in ["openai/api_key", "aurora://openai/api_key", &arn] {
            assert_eq!(named(id).expect(id), "aurora://openai/api_key");
        }
        assert_eq!(named("a/b?company=acme&field=id").expect("good"), "aurora://a/b?field=id&company=acme");
        let other = arn.replace("prod", "dev");
        for id in
            ["openai", "openai/", "/api_key", "Openai/api_key", "a/b/c", "../b", &other, "arn:aws:x:y:z:secret:a/b"]
        {
            assert!(named(id).is_err(), "{id}");
        }
    }

    #[test]
    fn an_answer_has_the_shape_of_get_secret_value() {
        let view = |value: &'static [u8], version_stages| AwsSecretView {
            arn: "arn".to_owned(),
            name: "a/b".to_owned(),
            version_id: "3".to_owned(),
            value: AwsValue::of(value),
            version_stages,
            created_date: seconds(Timestamp(1_795_248_000_050)),
        };
        let told = |view| serde_json::to_string(&view).expect("JSON");
        assert_eq!(
            told(view("näh\"".as_bytes(), Some([CURRENT]))),
            concat!(
                r#"{"ARN":"arn","Name":"a/b","VersionId":"3","SecretString":"näh\"","VersionStages":["AWSCURRENT"],"#,
                r#""CreatedDate":"1795248000.050"}"#
            )
        );
        assert_eq!(
            told(view(b"\xff\xfe\x00", None)),
            r#"{"ARN":"arn","Name":"a/b","VersionId":"3","SecretBinary":"//4A","CreatedDate":"1795248000.050"}"#
        );
    }
}
