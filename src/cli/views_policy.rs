//! What a node tells about its policy: grants, what a file would change, and what it would have decided otherwise.

use serde::{Deserialize, Serialize};

use super::ago::seen_from;
use super::output::Shown;
use super::table::{Style, counted, pairs, plain, rows};

/// The body of `POST /api/policy/plan`.
#[derive(Debug, Serialize)]
pub(super) struct PlanBody<'a> {
    pub(super) policy: &'a str,
}

/// The body of `POST /api/policy/apply`.
#[derive(Debug, Serialize)]
pub(super) struct ApplyBody<'a> {
    pub(super) policy: &'a str,
    pub(super) expect: u64,
}

/// The body of `POST /api/policy/test`.
#[derive(Debug, Serialize)]
pub(super) struct TestBody<'a> {
    pub(super) policy: &'a str,
    pub(super) days: u32,
}

/// The grants there are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PolicyView {
    grants: Vec<GrantView>,
    agents: u64,
    revision: Option<u64>,
    timestamp: String,
}

/// One grant.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GrantView {
    name: String,
    principal: String,
    effect: String,
    capabilities: Vec<String>,
    secrets: Vec<String>,
    scopes: Vec<String>,
    companies: Vec<String>,
    environments: Vec<String>,
    expires_at: Option<String>,
    granted_by: String,
    granted_at: String,
    reason: String,
}

impl Shown for PolicyView {
    fn table(&self, style: Style) -> String {
        let cells = |grant: &GrantView| {
            let expires = grant.expires_at.as_ref().map(|at| seen_from(&self.timestamp, at));
            vec![
                grant.name.clone(),
                grant.principal.clone(),
                grant.effect.clone(),
                grant.capabilities.join(" "),
                grant.secrets.join(" "),
                grant.environments.join(" "),
                expires.unwrap_or_else(|| "never".to_owned()),
            ]
        };
        let header = ["GRANT", "PRINCIPAL", "EFFECT", "CAPABILITIES", "SECRETS", "ENVIRONMENTS", "EXPIRES"];
        if self.grants.is_empty() {
            return "there is no grant: only the owner of a node may do anything\n".to_owned();
        }
        rows(style, &header, self.grants.iter().map(cells))
    }
}

impl Shown for GrantView {
    fn table(&self, style: Style) -> String {
        let list = |texts: &[String]| Some(if texts.is_empty() { "none".to_owned() } else { texts.join(", ") });
        let each = [
            ("name", Some(self.name.clone())),
            ("principal", Some(self.principal.clone())),
            ("effect", Some(self.effect.clone())),
            ("capabilities", list(&self.capabilities)),
            ("secrets", list(&self.secrets)),
            ("scopes", list(&self.scopes)),
            ("companies", list(&self.companies)),
            ("environments", list(&self.environments)),
            ("expires_at", Some(self.expires_at.clone().unwrap_or_else(|| "never".to_owned()))),
            ("granted_by", Some(self.granted_by.clone())),
            ("granted_at", Some(self.granted_at.clone())),
            ("reason", Some(self.reason.clone())),
        ];
        pairs(style, each)
    }
}

/// What a file would change, or has changed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PlanView {
    applied: bool,
    /// What was seen when it was planned.
    pub(super) revision: u64,
    /// `1 added, 0 changed, 0 removed`
    pub(super) summary: String,
    /// One by one.
    pub(super) changes: Vec<ChangeView>,
    unchanged: u64,
    /// Why it cannot be applied.
    pub(super) obstacles: Vec<String>,
    notes: Vec<String>,
}

/// One grant or agent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChangeView {
    change: String,
    kind: String,
    name: String,
    fields: Vec<FieldView>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FieldView {
    field: String,
    was: Option<String>,
    will: Option<String>,
}

impl PlanView {
    /// What is told once it is done.
    pub(super) fn outcome(&self) -> String {
        format!("applied: {}, as revision {}\n", plain(&self.summary), self.revision)
    }
}

impl Shown for PlanView {
    fn table(&self, style: Style) -> String {
        let mut text: String = self.changes.iter().map(|change| change.lines(style)).collect();
        for note in &self.notes {
            text.push_str(&format!("note: {}\n", plain(note)));
        }
        if self.changes.is_empty() {
            text.push_str(&format!(
                "Nothing would change: {} as the file says.\n",
                counted(self.unchanged, "entry is", "entries are")
            ));
        } else {
            text.push_str(&format!("{}, {} unchanged\n", plain(&self.summary), self.unchanged));
        }
        text
    }
}

impl ChangeView {
    /// Like a diff: a sign, what it is, and a line for each key.
    fn lines(&self, style: Style) -> String {
        let (sign, color) = match self.change.as_str() {
            "added" => ('+', "32"),
            "removed" => ('-', "31"),
            _ => ('~', "33"),
        };
        let archived = self.change == "removed" && self.kind == "agent";
        let more = if archived { " (archived; its keys no longer work)" } else { "" };
        let head = format!("{sign} {} {}{more}", plain(&self.kind), plain(&self.name));
        let mut text = match style {
            Style::Color => format!("\u{1b}[{color}m{head}\u{1b}[0m\n"),
            Style::Plain => format!("{head}\n"),
        };
        for field in &self.fields {
            let says = |said: &Option<String>| plain(said.as_deref().unwrap_or("nothing"));
            let said = match self.change.as_str() {
                "added" => says(&field.will),
                "removed" => says(&field.was),
                _ => format!("{} -> {}", says(&field.was), says(&field.will)),
            };
            if !(self.change == "added" && field.will.is_none()) {
                text.push_str(&format!("    {:12}  {said}\n", plain(&field.field)));
            }
        }
        text
    }
}

/// What a file would have decided otherwise.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DriftView {
    /// Whether there is anything that the policy of today does not decide so already.
    pub(super) drift: bool,
    days: u32,
    compared: u64,
    skipped: u64,
    unreadable: u64,
    differences: Vec<DifferenceView>,
    unlisted: u64,
    timestamp: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct DifferenceView {
    principal: String,
    action: String,
    secret: Option<String>,
    scope: Option<String>,
    was: DecisionView,
    would: DecisionView,
    as_today: bool,
    count: u64,
    last: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct DecisionView {
    decision: String,
    rule: String,
}

impl DriftView {
    /// How many kinds of difference there are that the policy of today does not decide so already.
    pub(super) fn kinds(&self) -> usize {
        self.differences.iter().filter(|difference| !difference.as_today).count()
    }
}

impl Shown for DriftView {
    fn table(&self, style: Style) -> String {
        let mut text = String::new();
        if !self.differences.is_empty() {
            let said = |said: &DecisionView| format!("{} ({})", said.decision, said.rule);
            let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            let cells = |difference: &DifferenceView| {
                vec![
                    difference.principal.clone(),
                    difference.action.clone(),
                    dash(&difference.secret),
                    dash(&difference.scope),
                    said(&difference.was),
                    said(&difference.would),
                    difference.count.to_string(),
                    seen_from(&self.timestamp, &difference.last),
                    if difference.as_today { "as today".to_owned() } else { String::new() },
                ]
            };
            let header = ["PRINCIPAL", "ACTION", "SECRET", "SCOPE", "WAS", "WOULD BE", "TIMES", "LAST", ""];
            text.push_str(&rows(style, &header, self.differences.iter().map(cells)));
            text.push('\n');
        }
        let days = if self.days == 1 { "day" } else { "days" };
        text.push_str(&format!(
            "{} decisions of the last {} {days} were made again; {} others were not the policy's",
            self.compared, self.days, self.skipped
        ));
        let more = [(self.unlisted, "further lines would differ"), (self.unreadable, "lines could not be understood")];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            text.push_str(&format!("; {count} {what}"));
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_like_a_diff_and_cannot_steer_the_terminal() {
        let json = r#"{"applied":false,"revision":7,"summary":"1 added, 1 changed, 1 removed","changes":[
            {"change":"added","kind":"grant","name":"a","fields":[
                {"field":"principal","was":null,"will":"user:alice"},{"field":"companies","was":null,"will":null}]},
            {"change":"changed","kind":"grant","name":"b","fields":[{"field":"companies","was":null,"will":"x\u001b[2J"}]},
            {"change":"removed","kind":"agent","name":"c","fields":[{"field":"kind","was":"tool","will":null}]}],
            "unchanged":2,"obstacles":[],"notes":["agent d is archived"]}"#;
        let plan: PlanView = serde_json::from_str(json).expect("a plan");
        assert_eq!(
            plan.table(Style::Plain),
            "+ grant a\n    principal     user:alice\n~ grant b\n    companies     nothing -> x\u{fffd}[2J\n\
             - agent c (archived; its keys no longer work)\n    kind          tool\n\
             note: agent d is archived\n1 added, 1 changed, 1 removed, 2 unchanged\n"
        );
        assert_eq!(plan.outcome(), "applied: 1 added, 1 changed, 1 removed, as revision 7\n");
        assert!(plan.table(Style::Color).starts_with("\u{1b}[32m+ grant a\u{1b}[0m\n"));
    }
}
