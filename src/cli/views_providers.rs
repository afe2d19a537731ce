//! What a node tells about providers.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ago::span;
use super::output::Shown;
use super::table::{Style, pairs, plain, rows};

/// The providers there are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ProvidersView {
    providers: Vec<ProviderView>,
}

/// One provider.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ProviderView {
    name: String,
    title: String,
    r#type: String,
    base_url: Option<String>,
    auth_url: Option<String>,
    token_url: Option<String>,
    docs: Option<String>,
    scopes: Vec<String>,
    fields: Vec<FieldView>,
    probe: Option<String>,
    why: Option<String>,
    probes: Vec<ProbeView>,
    check_every_seconds: u64,
    calls_per_day: Option<u32>,
    source: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct FieldView {
    name: String,
    kind: String,
    required: bool,
    variables: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ProbeView {
    credential: String,
    authenticate: String,
    method: String,
    base_url: Option<String>,
    path: String,
    expected: Vec<CodesView>,
    answers: Vec<AnswerView>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AnswerView {
    status: Vec<CodesView>,
    when: Vec<String>,
    means: String,
    note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum CodesView {
    One(u16),
    Family(String),
}

impl fmt::Display for CodesView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(code) => write!(formatter, "{code}"),
            Self::Family(family) => formatter.write_str(family),
        }
    }
}

impl Shown for ProvidersView {
    fn table(&self, style: Style) -> String {
        let cells = |provider: &ProviderView| {
            vec![
                provider.name.clone(),
                provider.r#type.clone(),
                provider.host().unwrap_or("-").to_owned(),
                provider.every(),
                provider.source.clone(),
                provider.checked(),
            ]
        };
        let header = ["PROVIDER", "TYPE", "HOST", "EVERY", "SOURCE", "CHECKED"];
        rows(style, &header, self.providers.iter().map(cells))
    }
}

impl ProviderView {
    /// Where calls to it go, without what each begins with.
    fn host(&self) -> Option<&str> {
        self.base_url.as_deref().map(|url| url.strip_prefix("https://").unwrap_or(url))
    }

    /// Which of its credentials are checked.
    fn checked(&self) -> String {
        if self.probes.is_empty() {
            return "none".to_owned();
        }
        self.probes.iter().map(|probe| probe.credential.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// How often.
    fn every(&self) -> String {
        let often = span(Duration::from_secs(self.check_every_seconds));
        match (self.probes.is_empty(), self.calls_per_day) {
            (true, _) => "never".to_owned(),
            (false, Some(calls)) => format!("{often}, {calls} a day"),
            (false, None) => often,
        }
    }
}

impl Shown for ProviderView {
    fn table(&self, style: Style) -> String {
        let scopes = (!self.scopes.is_empty()).then(|| self.scopes.join(" "));
        let each = [
            ("name", Some(self.name.clone())),
            ("title", Some(self.title.clone())),
            ("type", Some(self.r#type.clone())),
            ("base_url", self.base_url.clone()),
            ("auth_url", self.auth_url.clone()),
            ("token_url", self.token_url.clone()),
            ("docs", self.docs.clone()),
            ("scopes", scopes),
            ("checked", Some(self.every())),
            ("why", self.why.clone()),
            ("source", Some(self.source.clone())),
        ];
        let mut text = pairs(style, each);
        let cells = |field: &FieldView| {
            let required = if field.required { "yes" } else { "no" };
            vec![field.name.clone(), field.kind.clone(), required.to_owned(), field.variables.join(" ")]
        };
        text.push('\n');
        text.push_str(&rows(style, &["FIELD", "KIND", "REQUIRED", "VARIABLES"], self.fields.iter().map(cells)));
        for probe in &self.probes {
            text.push_str(&probe.text(style));
        }
        text
    }
}

impl ProbeView {
    /// What is asked, and under it what the answers mean, the first that fits.
    fn text(&self, style: Style) -> String {
        let host = self.base_url.as_deref().unwrap_or_default();
        let asked = format!("{} {host}{}", self.method, self.path);
        let mut text = plain(&format!("{}: {asked}, credential by {}", self.credential, self.authenticate));
        text.insert(0, '\n');
        text.push('\n');
        let cells = |answer: &AnswerView| {
            let status: Vec<String> = answer.status.iter().map(CodesView::to_string).collect();
            let when = if answer.when.is_empty() { "-".to_owned() } else { answer.when.join(", ") };
            vec![status.join(" "), when, answer.means.clone(), answer.note.clone().unwrap_or_default()]
        };
        text.push_str(&rows(style, &["STATUS", "WHEN", "MEANS", ""], self.answers.iter().map(cells)));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_shown_with_its_fields_and_its_probes_and_cannot_steer_the_terminal() {
        let json = r#"{"name":"acme","title":"Ac\u001b[2Jme","type":"api_key","base_url":"https://api.acme.example",
            "auth_url":null,"token_url":null,"docs":null,"scopes":[],"probe":null,"why":null,"check_every_seconds":900,
            "fields":[{"name":"key","kind":"secret","required":true,"variables":["ACME_KEY"]}],"calls_per_day":50,
            "probes":[{"credential":"key","authenticate":"path","method":"GET","base_url":null,"path":"/bot{key}/me",
                "expected":[200],"answers":[{"status":[200,"2xx"],"when":["/ok is true"],"means":"valid","note":null},
                {"status":[401],"when":[],"means":"rejected","note":"it is bad"}]}],"source":"file"}"#;
        let provider: ProviderView = serde_json::from_str(json).expect("a provider");
        let text = provider.table(Style::Plain);
        let wanted = "name      acme\ntitle     Ac\u{fffd}[2Jme\ntype      api_key\nbase_url  https://api.acme.example\n\
                      checked   15 m, 50 a day\nsource    file\n\n\
                      FIELD  KIND    REQUIRED  VARIABLES\nkey    secret  yes       ACME_KEY\n\n\
                      key: GET /bot{key}/me, credential by path\n\
                      STATUS   WHEN         MEANS\n200 2xx  /ok is true  valid\n401      -            rejected  it is bad\n";
        assert_eq!(text, wanted);
        let list = ProvidersView { providers: vec![provider] };
        assert!(list.table(Style::Plain).contains("api_key  api.acme.example  15 m, 50 a day  file    key\n"));
    }
}
