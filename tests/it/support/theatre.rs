//! All providers of the catalogue, played on this machine: each an HTTPS server of its own on loopback, at
//! `https://localhost:PORT/PROVIDER`, with a certificate of the theatre's own authority, and files that lead there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aurora_mesh::config::node_config::ConnectivitySection;
use tempfile::TempDir;
use toml::{Table, Value};

use super::authority::{Shown, TestAuthority};
use super::stage::{Act, Seen, Stage};

/// The files of the build.
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/mesh-config/providers");

/// Everybody who plays.
pub struct Theatre {
    _dir: TempDir,
    ca_file: PathBuf,
    providers_dir: PathBuf,
    authority: TestAuthority,
    stages: BTreeMap<String, Stage>,
}

impl Theatre {
    /// Opens all stages: each answers 404 until it is told what to answer.
    pub async fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("aurora-theatre-").tempdir().expect("a directory");
        let (ca_file, providers_dir) = (dir.path().join("ca.pem"), dir.path().join("providers"));
        let authority = TestAuthority::new();
        std::fs::write(&ca_file, authority.pem()).expect("writable");
        std::fs::create_dir(&providers_dir).expect("writable");
        let mut theatre = Self { _dir: dir, ca_file, providers_dir, authority, stages: BTreeMap::new() };
        for (name, text) in embedded() {
            let stage = Stage::open(&name, theatre.authority.server(Shown::Good, &["h2", "http/1.1"])).await;
            let table = rewritten(&text.parse().expect("a provider file is TOML"), &name, stage.port);
            theatre.stages.insert(name.clone(), stage);
            theatre.write(&name, &table);
        }
        theatre
    }

    /// The certificate to trust.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The same as text.
    pub fn ca(&self) -> &str {
        self.authority.pem()
    }

    /// The provider files that lead here.
    pub fn providers_dir(&self) -> &Path {
        &self.providers_dir
    }

    /// Their names and texts, as a node reads them.
    pub fn files(&self) -> Vec<(String, String)> {
        let text = |service: &String| std::fs::read_to_string(self.file(service)).expect("a provider");
        self.stages.keys().map(|service| (format!("{service}.toml"), text(service))).collect()
    }

    /// What the configuration of a node says, so that it calls here and probes by itself.
    pub fn section(&self) -> ConnectivitySection {
        ConnectivitySection {
            probe: true,
            providers_dir: Some(self.providers_dir.clone()),
            ca_file: Some(self.ca_file.clone()),
        }
    }

    /// The same for a node that only checks what it is asked to.
    pub fn quiet_section(&self) -> ConnectivitySection {
        ConnectivitySection { probe: false, ..self.section() }
    }

    /// Changes the file of a provider before nodes read it.
    pub fn edit(&self, service: &str, change: impl FnOnce(&mut Table)) {
        let text = std::fs::read_to_string(self.file(service)).expect("a provider");
        let mut table = text.parse().expect("TOML");
        change(&mut table);
        self.write(service, &table);
    }

    /// Lets nodes that start from now on check all keys this often: from `1m` to `7d`.
    pub fn checks_every(&self, interval: &str) {
        for service in self.stages.keys() {
            self.edit(service, |table| drop(table.insert("check_every".to_owned(), interval.into())));
        }
    }

    /// What every call to the service is answered from now on.
    pub fn answers(&self, service: &str, status: u16, headers: &[(&str, &str)], body: &str) {
        self.stage(service).play(Act::answer(status, headers, body));
    }

    /// What a call is answered that has this text in a header, the path or the body, such as one company's key. Goes before
    /// [`Theatre::answers`], and stays until the same text is given another answer.
    pub fn answers_when(&self, service: &str, holds: &str, status: u16, body: &str) {
        self.stage(service).play_when(holds, Act::answer(status, &[], body));
    }

    /// What a call to this path is answered, without its query: `/token`. Goes before [`Theatre::answers`].
    pub fn answers_at(&self, service: &str, path: &str, status: u16, body: &str) {
        self.stage(service).play_at(path, Act::answer(status, &[], body));
    }

    /// Answers this long after it was asked.
    pub fn answers_late(&self, service: &str, delay: Duration, status: u16, body: &str) {
        self.stage(service).play(Act::Late(delay, Box::new(Act::answer(status, &[], body))));
    }

    /// Takes every call and answers none.
    pub fn hangs(&self, service: &str) {
        self.stage(service).play(Act::Hang);
    }

    /// Takes every call to one path and answers none.
    pub fn hangs_at(&self, service: &str, path: &str) {
        self.stage(service).play_at(path, Act::Hang);
    }

    /// Ends the connection of every call instead of an answer.
    pub fn closes(&self, service: &str) {
        self.stage(service).play(Act::Close);
    }

    /// Sends every call on to another host.
    pub fn redirects(&self, service: &str, location: &str) {
        self.answers(service, 302, &[("location", location)], "");
    }

    /// The same of calls to one path, with the code of the test's choice.
    pub fn redirects_at(&self, service: &str, path: &str, status: u16, location: &str) {
        self.stage(service).play_at(path, Act::answer(status, &[("location", location)], ""));
    }

    /// Shows another certificate from the next connection on.
    pub fn shows(&self, service: &str, shown: Shown) {
        self.stage(service).show(self.authority.server(shown, &["h2", "http/1.1"]));
    }

    /// What was asked of the service in order, but for checks of the path, which ask `HEAD /`.
    pub fn requests(&self, service: &str) -> Vec<Seen> {
        self.stage(service).seen().into_iter().filter(|seen| seen.method != "HEAD").collect()
    }

    /// How often the path was checked.
    pub fn path_checks(&self, service: &str) -> usize {
        self.stage(service).seen().iter().filter(|seen| seen.method == "HEAD").count()
    }

    /// How many connections there were, also those that came no further.
    pub fn connections(&self, service: &str) -> usize {
        self.stage(service).connections()
    }

    /// Closes the port of one service, and its connections.
    pub async fn shut(&self, service: &str) {
        self.stage(service).shut().await;
    }

    /// Opens it again, where it was.
    pub async fn reopen(&self, service: &str) {
        self.stage(service).reopen().await;
    }

    /// Closes every port.
    pub async fn stop(&self) {
        for stage in self.stages.values() {
            stage.shut().await;
        }
    }

    /// Every service that plays.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.stages.keys().map(String::as_str)
    }

    pub fn port(&self, service: &str) -> u16 {
        self.stage(service).port
    }

    fn stage(&self, service: &str) -> &Stage {
        self.stages.get(service).unwrap_or_else(|| panic!("{service} does not play"))
    }

    fn file(&self, service: &str) -> PathBuf {
        self.providers_dir().join(format!("{service}.toml"))
    }

    fn write(&self, service: &str, table: &Table) {
        std::fs::write(self.file(service), table.to_string()).expect("writable");
    }
}

/// The provider files of the build: name and text.
fn embedded() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(FILES).expect("provider files").map(|entry| entry.expect("readable").path());
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "toml");
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    entries.filter(is_toml).map(|path| (name(&path), std::fs::read_to_string(&path).expect("text"))).collect()
}

/// A provider file with every place that is called moved here. What people open in a browser stays.
pub fn rewritten(table: &Table, name: &str, port: u16) -> Table {
    let mut table = table.clone();
    let moved = |url: &str| -> Value { format!("https://localhost:{port}/{name}{}", path(url)).into() };
    let of_customers = table.remove("host_field").is_some();
    table.remove("host_suffix");
    if of_customers {
        table.insert("base_url".to_owned(), moved(""));
    }
    if let (false, Some(url)) = (of_customers, table.get_mut("base_url")) {
        *url = moved(url.as_str().expect("a text"));
    }
    if let Some(url) = table.get_mut("token").and_then(|token| token.get_mut("url")) {
        *url = moved(url.as_str().expect("a text"));
    }
    for probe in table.get_mut("probes").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(url) = probe.get_mut("request").and_then(|request| request.get_mut("base_url")) {
            *url = moved(url.as_str().expect("a text"));
        }
    }
    table.insert("allow_private".to_owned(), true.into());
    table
}

fn path(url: &str) -> &str {
    let rest = url.strip_prefix("https://").unwrap_or_default();
    rest.find('/').map_or("", |slash| rest[slash..].trim_end_matches('/'))
}
