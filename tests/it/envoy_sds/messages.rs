//! The messages of secret discovery as a client has them, written a second time: a number that is wrong in both is wrong in
//! Envoy's eyes too, which the test with Envoy sees.

use std::collections::BTreeMap;

pub const SECRET_TYPE: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

#[derive(Clone, PartialEq, prost::Message)]
pub struct Request {
    #[prost(string, tag = "1")]
    pub version_info: String,
    #[prost(bytes = "vec", tag = "2")]
    pub node: Vec<u8>,
    #[prost(string, repeated, tag = "3")]
    pub resource_names: Vec<String>,
    #[prost(string, tag = "4")]
    pub type_url: String,
    #[prost(string, tag = "5")]
    pub response_nonce: String,
    #[prost(message, optional, tag = "6")]
    pub error_detail: Option<Status>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Status {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
}

impl Request {
    pub fn wants(names: &[&str]) -> Self {
        let resource_names = names.iter().map(|name| (*name).to_owned()).collect();
        Self { resource_names, type_url: SECRET_TYPE.to_owned(), ..Self::default() }
    }

    pub fn refuses(names: &[&str], nonce: &str) -> Self {
        let error_detail = Some(Status { code: 3, message: "not what I want".to_owned() });
        Self { response_nonce: nonce.to_owned(), error_detail, ..Self::wants(names) }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Response {
    #[prost(string, tag = "1")]
    pub version_info: String,
    #[prost(message, repeated, tag = "2")]
    resources: Vec<Any>,
    #[prost(string, tag = "4")]
    pub type_url: String,
    #[prost(string, tag = "5")]
    pub nonce: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Secret {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    tls_certificate: Option<Two>,
    #[prost(message, optional, tag = "4")]
    validation_context: Option<Two>,
    #[prost(message, optional, tag = "5")]
    generic_secret: Option<Two>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Two {
    #[prost(message, optional, tag = "1")]
    first: Option<DataSource>,
    #[prost(message, optional, tag = "2")]
    second: Option<DataSource>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct DataSource {
    #[prost(string, tag = "2")]
    inline_bytes: String,
}

/// A resource as a client takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub name: String,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Generic(String),
    /// Chain and key.
    Certificate(String, String),
    Trust(String),
}

impl Response {
    /// Its resources, by name.
    pub fn taken(&self) -> Vec<Taken> {
        let mut taken = BTreeMap::new();
        for any in &self.resources {
            assert_eq!(any.type_url, SECRET_TYPE);
            let secret: Secret = prost::Message::decode(any.value.as_slice()).expect("a secret");
            let text = |source: Option<DataSource>| source.expect("there").inline_bytes;
            let kind = match (secret.tls_certificate, secret.validation_context, secret.generic_secret) {
                (Some(Two { first, second }), None, None) => Kind::Certificate(text(first), text(second)),
                (None, Some(Two { first, second: None }), None) => Kind::Trust(text(first)),
                (None, None, Some(Two { first, second: None })) => Kind::Generic(text(first)),
                other => panic!("{other:?}"),
            };
            taken.insert(secret.name.clone(), Taken { name: secret.name, kind });
        }
        taken.into_values().collect()
    }
}
