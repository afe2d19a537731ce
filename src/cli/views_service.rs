//! A unit that was written, or would be, and what else is needed.

use serde::Serialize;

use super::output::Shown;
use super::table::Style;

/// The outcome of `service install` and `service create`.
#[derive(Debug, Serialize)]
pub(super) struct ServiceView {
    /// The name of the unit.
    pub(super) unit: String,
    /// Where it is, or would be.
    pub(super) path: String,
    /// `written`, `unchanged` or `dry_run`.
    pub(super) outcome: &'static str,
    /// What it says.
    pub(super) text: String,
    /// Lines for `[credentials]` of `node.toml` that are not there yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) credentials: Vec<String>,
    /// For the policy file of the mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grants: Option<String>,
    /// Commands that were run, or would be.
    pub(super) done: Vec<String>,
    /// Commands that are left to be run.
    pub(super) left: Vec<String>,
}

impl Shown for ServiceView {
    fn table(&self, _style: Style) -> String {
        let is_dry_run = self.outcome == "dry_run";
        let mut text = match self.outcome {
            "dry_run" => format!("# {}\n{}", self.path, self.text),
            "unchanged" => format!("{} is as it would be written\n", self.path),
            _ => format!("{} is written\n", self.path),
        };
        let mut section = |title: &str, lines: &[String]| {
            if !lines.is_empty() {
                text.push_str(&format!("\n{title}\n{}\n", lines.join("\n")));
            }
        };
        section(if is_dry_run { "# Would be run:" } else { "# Was run:" }, &self.done);
        let lines: Vec<String> = std::iter::once("[credentials]".to_owned()).chain(self.credentials.clone()).collect();
        if !self.credentials.is_empty() {
            section("# To be added to node.toml, and the node started again:", &lines);
        }
        let grants: Vec<String> = self.grants.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
        section("# To be added to the policy of the mesh (on the lead: aurora policy apply FILE):", &grants);
        section("# To be run:", &self.left);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_to_do_stands_below_what_was_done() {
        let view = ServiceView {
            unit: "w.service".into(),
            path: "/etc/systemd/system/w.service".into(),
            outcome: "written",
            text: "[Unit]\n".into(),
            credentials: vec!["\"k\" = \"aurora://a/b\"".into()],
            grants: Some("[[grant]]\nname = \"unit-w\"\n".into()),
            done: vec!["systemctl daemon-reload".into()],
            left: vec!["systemctl enable --now w.service".into()],
        };
        let text = view.table(Style::Plain);
        assert!(
            text.starts_with("/etc/systemd/system/w.service is written\n\n# Was run:\nsystemctl daemon-reload\n"),
            "{text}"
        );
        assert!(text.contains("\n[credentials]\n\"k\" = \"aurora://a/b\"\n"), "{text}");
        assert!(text.ends_with("# To be run:\nsystemctl enable --now w.service\n"), "{text}");
        let dry = ServiceView { outcome: "dry_run", ..view }.table(Style::Plain);
        assert!(dry.starts_with("# /etc/systemd/system/w.service\n[Unit]\n"), "{dry}");
    }
}
