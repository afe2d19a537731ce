//! What is said about a path, in Vault's words and in ours. Pure.
//!
//! Vault keeps any names with texts. Ours with the same names are those texts; every other is a tag `name=text`, so that
//! what a client marks as its own is found again, by it and by `aurora list --tag`. `tags` are the tags without a name.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::ApiError;
use super::kv_types::Custom;
use crate::model::metadata::Metadata;
use crate::model::patch::{Patch, Wish};

/// `POST`, `PUT` and `PATCH secret/metadata/…`. Settings are taken as long as they are what they are anyway.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VaultMetadata"))]
#[serde(default, deny_unknown_fields)]
pub(super) struct MetadataBody {
    /// 0: the mesh keeps as many versions of every key.
    max_versions: Option<u64>,
    /// False: `options.cas` goes with the writes it is for.
    cas_required: Option<bool>,
    /// `0s`: nothing is deleted by itself.
    delete_version_after: Option<String>,
    /// `description`, `owner`, `contact`, `note`, `provider`, and `tags` joined by commas; any other name is a tag
    /// `name=text`. `null` takes a text away.
    custom_metadata: Option<BTreeMap<String, Option<String>>>,
}

/// What becomes of the texts that are not mentioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unmentioned {
    /// They go.
    Go,
    /// They stay.
    Stay,
}

impl MetadataBody {
    /// The texts that are wished for, if any are mentioned.
    ///
    /// # Errors
    /// [`ApiError`] for a setting that this node does not have.
    pub(super) fn custom(self) -> Result<Option<BTreeMap<String, Option<String>>>, ApiError> {
        if self.max_versions.is_some_and(|max| max != 0) {
            return Err(ApiError::NotOffered(
                "max_versions cannot be set: the mesh keeps as many versions of every key",
            ));
        }
        if self.cas_required == Some(true) {
            return Err(ApiError::NotOffered("cas_required cannot be set: send options.cas with the writes it is for"));
        }
        if !matches!(self.delete_version_after.as_deref(), None | Some("" | "0" | "0s")) {
            return Err(ApiError::NotOffered("delete_version_after cannot be set: nothing is deleted by itself"));
        }
        Ok(self.custom_metadata)
    }
}

/// The words of Vault for what is said.
pub(super) fn custom(said: &Metadata) -> Option<Custom<'_>> {
    let texts = [
        ("description", &said.description),
        ("owner", &said.owner),
        ("contact", &said.contact),
        ("note", &said.note),
        ("provider", &said.provider),
    ];
    let mut custom: Custom<'_> = texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))).collect();
    let (named, plain): (Vec<&str>, Vec<&str>) = said
        .tags
        .iter()
        .map(String::as_str)
        .partition(|tag| tag.split_once('=').is_some_and(|(name, _)| is_name(name)));
    custom.extend(named.iter().filter_map(|tag| tag.split_once('=')).map(|(name, text)| (name, text.to_owned())));
    if !plain.is_empty() {
        custom.insert("tags", plain.join(","));
    }
    (!custom.is_empty()).then_some(custom)
}

/// The wishes that such words stand for; `null` takes a text away.
///
/// # Errors
/// [`ApiError::BadValue`] for a name that cannot be kept.
pub(super) fn wishes(
    wished: BTreeMap<String, Option<String>>,
    said: &Metadata,
    unmentioned: Unmentioned,
) -> Result<Patch, ApiError> {
    let mut texts: BTreeMap<String, String> = match unmentioned {
        Unmentioned::Go => BTreeMap::new(),
        Unmentioned::Stay => {
            custom(said).unwrap_or_default().into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
        }
    };
    for (name, text) in wished {
        match text {
            Some(text) => texts.insert(name, text),
            None => texts.remove(&name),
        };
    }
    let mut text = |name: &str| Wish::Set(texts.remove(name).unwrap_or_default()).filled();
    let (description, owner, contact) = (text("description"), text("owner"), text("contact"));
    let (note, provider) = (text("note"), text("provider"));
    let plain = texts.remove("tags").unwrap_or_default();
    let mut tags: Vec<String> =
        plain.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    if texts.keys().any(|name| !is_name(name)) {
        let wanted = "given names of a-z, A-Z, 0-9, dot, underscore, hyphen and slash";
        return Err(ApiError::BadValue { field: "custom_metadata", wanted });
    }
    tags.extend(texts.into_iter().map(|(name, text)| format!("{name}={text}")));
    Ok(Patch { description, owner, contact, note, provider, tags: Wish::Set(tags), ..Patch::default() })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
}

trait Filled {
    /// An empty text clears.
    fn filled(self) -> Self;
}

impl Filled for Wish<String> {
    fn filled(self) -> Self {
        match self {
            Self::Set(text) => Self::text(Some(text)),
            Self::Keep | Self::Clear => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fields::Fields;
    use crate::model::metadata::SecretOptions;

    fn said(json: &str, before: &Metadata, unmentioned: Unmentioned) -> Metadata {
        let body: MetadataBody = serde_json::from_str(json).expect("json");
        let wished = body.custom().expect("settings as they are").expect("texts");
        let mut said = before.clone();
        let patch = wishes(wished, before, unmentioned).expect("names");
        patch.apply(&mut said, &mut SecretOptions::default(), &mut Fields::default());
        said
    }

    #[test]
    fn what_is_said_comes_back_as_it_was_said() {
        let json = r#"{"custom_metadata":{"owner":"ops","managed-by":"external-secrets","tags":"eu, crm"}}"#;
        let now = said(json, &Metadata::default(), Unmentioned::Go);
        assert_eq!((now.owner.as_deref(), now.tags.len()), (Some("ops"), 3));
        let told = custom(&now).expect("texts");
        let told: Vec<(&str, &str)> = told.iter().map(|(name, text)| (*name, text.as_str())).collect();
        assert_eq!(told, [("managed-by", "external-secrets"), ("owner", "ops"), ("tags", "eu,crm")]);
        assert_eq!(custom(&Metadata::default()), None);
    }

    #[test]
    fn a_replacement_forgets_the_rest_and_a_patch_keeps_it() {
        let before = Metadata { owner: Some("ops".to_owned()), tags: vec!["a=b".to_owned()], ..Metadata::default() };
        let json = r#"{"custom_metadata":{"note":"new","a":null}}"#;
        let patched = said(json, &before, Unmentioned::Stay);
        assert_eq!(
            (patched.owner.as_deref(), patched.note.as_deref(), patched.tags.len()),
            (Some("ops"), Some("new"), 0)
        );
        assert_eq!(said(json, &before, Unmentioned::Go).owner, None);
    }

    #[test]
    fn a_setting_that_is_not_there_is_refused_and_one_that_changes_nothing_is_not() {
        let body = |json: &str| serde_json::from_str::<MetadataBody>(json).expect("json").custom();
        for bad in [r#"{"max_versions":3}"#, r#"{"cas_required":true}"#, r#"{"delete_version_after":"1h"}"#] {
            assert!(matches!(body(bad), Err(ApiError::NotOffered(_))), "{bad}");
        }
        let good = r#"{"max_versions":0,"cas_required":false,"delete_version_after":"0s","custom_metadata":null}"#;
        assert_eq!(body(good), Ok(None));
        let odd = BTreeMap::from([("a=b".to_owned(), Some("c".to_owned()))]);
        assert!(wishes(odd, &Metadata::default(), Unmentioned::Go).is_err());
    }
}
