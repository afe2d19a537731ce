//! What a node tells about secrets without their values: lists, versions, and who holds them.

use serde::{Deserialize, Serialize};

use super::ago::{seen_from, span};
use super::output::Shown;
use super::table::{Style, pairs, rows};
use super::views_secret::{FieldView, Metadata};

/// One version of one secret in one scope.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RecordView {
    pub(super) service: String,
    pub(super) key_name: String,
    pub(super) scope: String,
    pub(super) scope_id: Option<String>,
    environment: String,
    secret_id: u64,
    version: u64,
    revision: u64,
    deleted: bool,
    #[serde(default)]
    state: String,
    metadata: Metadata,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldView>,
    expires_at: Option<String>,
    ttl: Option<u64>,
    max_stale: Option<u64>,
    offline: String,
    rotation_reminder_days: u64,
    created_at: String,
    updated_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_validated_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validation_status: Option<String>,
}

impl RecordView {
    /// `3`, or `3 (deleted)`, or `- (unset)` while there has been no value.
    pub(super) fn version_text(&self) -> String {
        match self.state.as_str() {
            "live" => self.version.to_string(),
            "unset" => "- (unset)".to_owned(),
            // A node that tells no state knows deleted and live only.
            "" if self.deleted => format!("{} (deleted)", self.version),
            "" => self.version.to_string(),
            state => format!("{} ({state})", self.version),
        }
    }

    /// The line of a list, under [`LIST_HEADER`].
    pub(super) fn cells(&self, now: &str) -> Vec<String> {
        vec![
            self.name(),
            self.scope_text(),
            self.environment.clone(),
            self.version_text(),
            seen_from(now, &self.updated_at),
            self.expires_at.as_deref().map_or_else(|| "-".to_owned(), |at| seen_from(now, at)),
            self.metadata.description.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    }

    /// `hubspot/api_key`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.service, self.key_name)
    }

    /// `company:acme`.
    pub(super) fn scope_text(&self) -> String {
        scope_text(&self.scope, self.scope_id.as_deref())
    }

    /// When the credential stops working, if it does.
    pub(super) fn expiry_text(&self, now: &str) -> Option<String> {
        self.expires_at.as_deref().map(|at| seen_from(now, at))
    }

    /// `valid, 5 m ago`, if this value was ever checked on the node that answers.
    fn check_text(&self, now: &str) -> Option<String> {
        let (status, at) = self.validation_status.as_deref().zip(self.last_validated_at.as_deref())?;
        Some(format!("{status}, {}", seen_from(now, at)))
    }

    /// `client_id (string), client_secret (secret)`, if the value has several fields.
    pub(super) fn fields_text(&self) -> Option<String> {
        let fields: Vec<String> = self.fields.iter().map(|field| format!("{} ({})", field.name, field.kind)).collect();
        Some(fields.join(", ")).filter(|fields| !fields.is_empty())
    }

    fn details(&self, style: Style, now: &str) -> String {
        let seconds = |seconds: u64| span(std::time::Duration::from_secs(seconds));
        let tags = Some(self.metadata.tags.join(", ")).filter(|tags| !tags.is_empty());
        let details = [
            ("secret", Some(self.name())),
            ("scope", Some(self.scope_text())),
            ("environment", Some(self.environment.clone())),
            ("version", Some(self.version_text())),
            ("revision", Some(self.revision.to_string())),
            ("created", Some(seen_from(now, &self.created_at))),
            ("updated", Some(seen_from(now, &self.updated_at))),
            ("expires", self.expiry_text(now)),
            ("checked", self.check_text(now)),
            ("fresh for", self.ttl.map(seconds)),
            ("then usable for", self.max_stale.map(seconds)),
            ("offline", Some(self.offline.clone())),
            ("description", self.metadata.description.clone()),
            ("owner", self.metadata.owner.clone()),
            ("contact", self.metadata.contact.clone()),
            ("note", self.metadata.note.clone()),
            ("provider", self.metadata.provider.clone()),
            ("tags", tags),
            ("fields", self.fields_text()),
            ("rotation", Some(format!("due after {} d", self.rotation_reminder_days))),
        ];
        pairs(style, details)
    }
}

/// `global`, `company:acme`.
pub(super) fn scope_text(kind: &str, id: Option<&str>) -> String {
    id.map_or_else(|| kind.to_owned(), |id| format!("{kind}:{id}"))
}

/// A page of the list.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListView {
    /// The lines.
    pub(super) secrets: Vec<RecordView>,
    /// Where the next page starts.
    pub(super) next_cursor: Option<String>,
    /// The node's time.
    pub(super) timestamp: String,
}

/// The header of a list.
pub(super) const LIST_HEADER: [&str; 7] =
    ["SECRET", "SCOPE", "ENVIRONMENT", "VERSION", "UPDATED", "EXPIRES", "DESCRIPTION"];

/// One secret in each scope it has a value in.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct InfoView(pub(super) ListView);

impl Shown for InfoView {
    fn table(&self, style: Style) -> String {
        let each = self.0.secrets.iter().map(|record| record.details(style, &self.0.timestamp));
        each.collect::<Vec<_>>().join("\n")
    }
}

/// The versions of one secret in one scope.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VersionsView {
    service: String,
    key_name: String,
    scope: String,
    scope_id: Option<String>,
    environment: String,
    versions: Vec<RecordView>,
    nodes: Vec<HolderView>,
    timestamp: String,
}

impl VersionsView {
    /// The versions among the wanted ones, or among all, whose values are there to be destroyed: `3, 2 (deleted)`.
    pub(super) fn with_values(&self, wanted: &[u64]) -> String {
        let there = |record: &&RecordView| !matches!(record.state.as_str(), "destroyed" | "unset");
        let named = |record: &&RecordView| wanted.is_empty() || wanted.contains(&record.version);
        self.versions.iter().filter(there).filter(named).map(RecordView::version_text).collect::<Vec<_>>().join(", ")
    }
}

impl Shown for VersionsView {
    fn table(&self, style: Style) -> String {
        let line = |record: &RecordView| {
            vec![
                record.version_text(),
                record.revision.to_string(),
                seen_from(&self.timestamp, &record.updated_at),
                record.metadata.note.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        };
        rows(style, &["VERSION", "REVISION", "WRITTEN", "NOTE"], self.versions.iter().map(line))
    }
}

/// The same, with who holds which.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct WithNodes(pub(super) VersionsView);

impl Shown for WithNodes {
    fn table(&self, style: Style) -> String {
        format!("{}\n{}", self.0.table(style), holders(style, &self.0.nodes))
    }
}

/// Which node holds which version.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HolderView {
    node: String,
    entitled: bool,
    current: Option<bool>,
    version: Option<u64>,
}

/// A table of holders.
pub(super) fn holders(style: Style, holders: &[HolderView]) -> String {
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let line = |holder: &HolderView| {
        let current = holder.current.map_or_else(|| "not known here".to_owned(), yes_no);
        let version = holder.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
        vec![holder.node.clone(), yes_no(holder.entitled), version, current]
    };
    rows(style, &["NODE", "ENTITLED", "HOLDS VERSION", "IS CURRENT"], holders.iter().map(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> ListView {
        serde_json::from_str(
            r#"{"secrets":[{"service":"hubspot","key_name":"api_key","scope":"company","scope_id":"acme",
            "environment":"prod","secret_id":2,"version":3,"revision":9,"deleted":true,
            "metadata":{"description":"Own","tags":["crm"]},"expires_at":"2026-11-21T10:00:00Z","ttl":60,"max_stale":null,
            "offline":"deny","rotation_reminder_days":90,"created_at":"2026-11-01T08:00:00Z",
            "updated_at":"2026-11-21T07:57:00Z","last_validated_at":"2026-11-21T07:55:00Z",
            "validation_status":"rejected","added_later":1}],"next_cursor":null,"timestamp":"2026-11-21T08:00:00Z"}"#,
        )
        .expect("view")
    }

    #[test]
    fn a_list_tells_scopes_versions_and_ages() {
        let page = page();
        let cells = page.secrets.first().expect("a line").cells(&page.timestamp);
        assert_eq!(cells, ["hubspot/api_key", "company:acme", "prod", "3 (deleted)", "3 m ago", "in 2 h", "Own"]);
    }

    #[test]
    fn the_details_leave_out_what_is_not_set() {
        let text = InfoView(page()).table(Style::Plain);
        assert!(text.contains("fresh for    1 m") && text.contains("tags         crm"), "{text}");
        assert!(text.contains("checked      rejected, 5 m ago"), "{text}");
        assert!(!text.contains("owner") && !text.contains("then usable"), "{text}");
    }
}
