//! What a caller is, as the API tells it.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, pairs};

/// The answer of `GET /api/whoami`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WhoamiView {
    door: String,
    uid: u32,
    user: Option<String>,
    gid: u32,
    groups: Vec<u32>,
    group_names: Vec<String>,
    pid: Option<i32>,
    unit: Option<String>,
    executable: Option<String>,
    sha256: Option<String>,
    attest: String,
    agent: Option<String>,
    key: Option<String>,
    principals: Vec<String>,
    besides: Vec<String>,
    may: Option<MayView>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MayView {
    action: String,
    allowed: bool,
    rule: String,
}

impl Shown for WhoamiView {
    fn table(&self, style: Style) -> String {
        let known = |text: &Option<String>| Some(text.clone().unwrap_or_else(|| "not known".to_owned()));
        let user = self.user.as_ref().map_or_else(|| self.uid.to_string(), |name| format!("{name} ({})", self.uid));
        let groups: Vec<String> = std::iter::once(&self.gid).chain(&self.groups).map(ToString::to_string).collect();
        let named =
            if self.group_names.is_empty() { String::new() } else { format!(" ({})", self.group_names.join(" ")) };
        let facts = [
            ("door", Some(format!("{} socket", self.door))),
            ("user", Some(user)),
            ("groups", Some(groups.join(" ") + &named)),
            ("process", self.pid.map(|pid| pid.to_string())),
            ("unit", known(&self.unit)),
            ("program", known(&self.executable)),
            ("sha256", self.sha256.clone()),
            ("attested", Some(self.strength().to_owned())),
            ("agent", self.agent.clone()),
            ("key", self.key.clone()),
            ("acts as", Some(self.principals.join("\n"))),
            ("may", self.may.as_ref().map(MayView::text)),
        ];
        pairs(style, facts.into_iter().flat_map(lines))
    }
}

/// A fact of several lines, its name at the first.
fn lines((name, fact): (&'static str, Option<String>)) -> Vec<(&'static str, Option<String>)> {
    let Some(fact) = fact else { return Vec::new() };
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    names.zip(fact.lines()).map(|(name, line)| (name, Some(line.to_owned()))).collect()
}

impl WhoamiView {
    fn strength(&self) -> &str {
        match self.attest.as_str() {
            "strong" => "strong: by the kernel's handle on the process",
            "weak" => "weak: by the pid; the kernel or a pid namespace gives no more",
            other => other,
        }
    }
}

impl MayView {
    fn text(&self) -> String {
        let allowed = if self.allowed { "allowed" } else { "refused" };
        format!("{}: {allowed} by rule {}", self.action, self.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_told_what_it_is_and_what_it_acts_as() {
        let view: WhoamiView = serde_json::from_str(
            r#"{"door":"agent","uid":1000,"user":"alice","gid":100,"groups":[300],"group_names":["users","aurora"],
            "pid":77,"unit":null,"executable":"/usr/bin/backup","sha256":null,"attest":"strong","agent":null,"key":null,
            "principals":["user:1000","group:100"],"besides":[],
            "may":{"action":"secret.read","allowed":true,"rule":"socket-group"}}"#,
        )
        .expect("the answer of the API");
        let text = view.table(Style::Plain);
        for part in [
            "alice (1000)",
            "100 300 (users aurora)",
            "not known",
            "/usr/bin/backup",
            "strong",
            "user:1000\n",
            "group:100\n",
            "secret.read: allowed by rule socket-group",
        ] {
            assert!(text.contains(part), "{text}\nlacks {part}");
        }
    }
}
