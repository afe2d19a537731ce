//! What a provider's file may say, and each thing that it may not.

use super::lookup::Catalogue;
use super::probe::{Authenticate, Host, Method};
use super::provider::{Provider, ProviderType};
use crate::model::name::ServiceName;

/// A file with everything; tests change a line of it.
const WHOLE: &str = r#"
name = "acme"
title = "Acme"
type = "oauth2"
base_url = "https://api.acme.example/v2"
docs = "https://acme.example/docs"
auth_url = "https://acme.example/allow"
scopes = ["read", "https://acme.example/auth/x"]
check_every = "6h"
calls_per_day = 50

[[fields]]
name = "key"
kind = "secret"
required = true
variables = ["ACME_KEY"]

[[fields]]
name = "client_id"
kind = "string"
variables = ["ACME_CLIENT_ID"]

[[fields]]
name = "client_secret"
kind = "secret"
variables = ["ACME_CLIENT_SECRET"]

[token]
url = "https://login.acme.example/token"
[[token.answers]]
status = [400]
body = [{ at = "/error", is = "invalid_grant" }]
means = "rejected"

[[probes]]
credential = "key"
authenticate = { in = "header", name = "x-key", value = "Key {key}" }
request = { method = "POST", path = "/me/{client_id}", query = { a = "{client_id}" }, headers = { x-v = "1" }, json = '{"a":1}' }
expires = [{ header = "x-ends" }]
[[probes.answers]]
status = [200, "2xx"]
body = [{ at = "/ok", is = true }, { at = "/why", holds = "fine" }, { at = "/error", absent = true }]
headers = { x-left = "0" }
means = "valid"
note = "good"

[[probes]]
credential = "client_secret"
authenticate = { in = "refresh_token" }
"#;

fn parsed(text: &str) -> Result<Provider, String> {
    let catalogue = Catalogue::from_files([("acme.toml", text)]).map_err(|problems| problems.to_string())?;
    Ok(catalogue.provider(&ServiceName::parse("acme").expect("name")).expect("there").clone())
}

/// The problems of the whole file with some of its text in other words.
fn told(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    parsed(&WHOLE.replacen(from, to, 1)).err().unwrap_or_default()
}

#[test]
fn a_whole_file_is_read_as_it_stands() {
    let provider = parsed(WHOLE).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(provider.kind, ProviderType::OAuth2);
    assert_eq!(provider.host.as_ref().map(Host::to_string).as_deref(), Some("https://api.acme.example/v2"));
    assert_eq!(provider.check_every.as_secs(), 6 * 3600);
    assert_eq!((provider.calls_per_day, provider.scopes.len()), (Some(50), 2));
    assert_eq!(provider.fields.iter().map(|field| field.required).collect::<Vec<_>>(), [true, false, false]);
    let (probe, refresh) = (&provider.probes[0], &provider.probes[1]);
    let request = probe.request.as_ref().expect("a request");
    assert_eq!((request.method, request.path.to_string().as_str()), (Method::Post, "/me/{client_id}"));
    assert_eq!(request.query[0].1.to_string(), "{client_id}");
    assert_eq!((probe.answers[0].conditions.len(), probe.expires.len()), (4, 1));
    assert_eq!((&refresh.authenticate, refresh.request.is_none()), (&Authenticate::RefreshToken, true));
}

/// A part of the whole file, what stands in for it, and what is told then.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("\"https://api.acme", "\"http://api.acme", "base_url: \"http://api.acme.example/v2\" is not a URL that begins"),
    ("\"https://api.acme", "\"https://me@api.acme", "is not a URL without a user or a password"),
    ("/token\"", "/token?x=1\"", "token.url: \"https://login.acme.example/token?x=1\" is not a URL without a query"),
    ("https://acme.example/docs", "https://ACME.example", "docs: \"https://ACME.example\" is not a URL with the name"),
    ("https://acme.example/allow", "ftp://x", "auth_url: \"ftp://x\" is not"),
    ("[\"read\"", "[\"re ad\"", "scopes: \"re ad\" is not a scope"),
    ("\"6h\"", "\"59s\"", "check_every: \"59s\" is not a time from 1m to 7d"),
    ("\"6h\"", "\"0m\"", "check_every: \"0m\" is not a time from 1m to 7d"),
    ("\"6h\"", "\"8d\"", "check_every: \"8d\" is not a time from 1m to 7d"),
    ("= 50", "= 0", "calls_per_day: must be a whole number from 1"),
    ("required = true", "required = 1", "fields[0].required: must be true or false"),
    (
        "\"Key {key}\"",
        "\"Key {kye}\"",
        "probes[0].authenticate.value: names the field \"kye\", which the file does not",
    ),
    ("\"Key {key}\"", "\"Key\"", "probes[0].authenticate: does not send the credential"),
    ("\"x-key\"", "\"X Key\"", "probes[0].authenticate.name: \"X Key\" is not the name of a header, in lower case"),
    ("\"x-key\"", "\"host\"", "probes[0].authenticate.name: \"host\" is not a header that a file may set"),
    ("in = \"header\"", "in = \"cookie\"", "probes[0].authenticate.in: \"cookie\" is not header, query, path, basic"),
    ("x-v = \"1\"", "x-v = \"a\\u000d\\u000ab\"", "probes[0].request.headers.x-v: \"a\\r\\nb\" is not the value"),
    ("x-v = \"1\"", "\"x v\" = \"1\"", "probes[0].request.headers.x v: \"x v\" is not the name of a header"),
    ("\"/me/", "\"me/", "probes[0].request.path: \"me/{client_id}\" is not a path, which begins with /"),
    ("\"/me/", "\"/me?a=/", "probes[0].request.path: \"/me?a=/{client_id}\" is not a text of visible"),
    ("\"POST\"", "\"DELETE\"", "probes[0].request.method: \"DELETE\" is not GET or POST"),
    ("\"POST\"", "\"GET\"", "probes[0].request.json: goes with method = \"POST\" only"),
    ("'{\"a\":1}'", "'{a}'", "probes[0].request.json: \"{a}\" is not JSON"),
    ("[200, \"2xx\"]", "[99]", "probes[0].answers[0].status: must be a list of codes from 100 to 599"),
    ("[200, \"2xx\"]", "[\"6xx\"]", "probes[0].answers[0].status: must be a list of codes"),
    ("means = \"valid\"", "means = \"good\"", "probes[0].answers[0].means: \"good\" is not valid, limited, exhausted"),
    ("status = [400]", "status = [429]", "token.answers[0].means: \"rejected\" may not be about 429"),
    ("status = [400]", "status = [\"4xx\"]", "token.answers[0].means: \"rejected\" may not be about 429"),
    (
        "at = \"/ok\"",
        "at = \"ok\"",
        "probes[0].answers[0].body[0].at: \"ok\" is not a JSON pointer, which begins with /",
    ),
    ("is = true }", "is = true, holds = \"x\" }", "probes[0].answers[0].body[0].is: write one of is, holds and absent"),
    ("is = true }", "is = 1.5 }", "probes[0].answers[0].body[0].is: must be a text, a whole number"),
    ("{ header = \"x-ends\" }", "{ }", "probes[0].expires[0].header: write one of header, seconds_at and time_at"),
    ("note = \"good\"", "note = \"a\\nb\"", "probes[0].answers[0].note: \"a\\nb\" is not one line"),
    (
        "\"client_secret\"\nauth",
        "\"key\"\nauth",
        "probes[1].credential: \"key\" is claimed by an earlier probe already",
    ),
    (
        "\"client_secret\"\nauth",
        "\"x\"\nauth",
        "probes[1].credential: names the field \"x\", which the file does not have",
    ),
    ("\"client_id\"\nkind", "\"id\"\nkind", "probes[1].authenticate: needs the fields client_id and client_secret"),
    (
        "calls_per_day",
        "probe = \"none\"\nwhy = \"x\"\ncalls_per_day",
        "probe: says that there is none, beside [[probes]]",
    ),
    ("calls_per_day", "why = \"x\"\ncalls_per_day", "why: goes with probe = \"none\" only"),
    ("calls_per_day", "host_field = \"key\"\ncalls_per_day", "base_url: is one host for everybody"),
    ("base_url = \"https://api.acme.example/v2\"", "", "probes[0].request.path: has no host"),
    ("base_url = \"https://api.acme.example/v2\"", "host_field = \"key\"", "host_suffix: is missing: without it"),
    (
        "base_url = \"https://api.acme.example/v2\"",
        "host_suffix = \".a.example\"",
        "host_suffix: says what a host_field",
    ),
];

#[test]
fn each_mistake_is_told_with_its_key_and_why() {
    for &(from, to, wanted) in MISTAKES {
        let told = told(from, to);
        assert!(told.contains(&format!("acme.toml: {wanted}")) || told.contains(wanted), "{to}: {wanted}\n{told}");
        assert!(told.starts_with("the catalogue of providers has "), "{told}");
    }
}

#[test]
fn probes_and_the_token_endpoint_they_need_may_not_be_forgotten() {
    let (before, _) = WHOLE.split_once("[[probes]]").expect("probes");
    let told = parsed(before).expect_err("refused");
    assert!(
        told.contains("acme.toml: probes: are missing; where there is no harmless one: probe = \"none\""),
        "{told}"
    );
    let (rest, token) = WHOLE.split_once("[token]").expect("a token endpoint");
    let (_, probes) = token.split_once("[[probes]]").expect("probes");
    let told = parsed(&format!("{rest}[[probes]]{probes}")).expect_err("refused");
    assert!(told.contains("probes[1].authenticate: needs a [token] with a url and [[token.answers]]"), "{told}");
    let request = "authenticate = { in = \"header\", name = \"x-key\", value = \"Key {key}\" }\n";
    let (first, after) = WHOLE.split_once(request).expect("a probe");
    let (_, after) = after.split_once('\n').expect("a request");
    let told = parsed(&format!("{first}{request}{after}")).expect_err("refused");
    assert!(told.contains("probes[0].request: is missing"), "{told}");
}

#[test]
fn a_probe_that_would_send_the_credential_nowhere_is_refused_wherever_it_is_to_stand() {
    let header = "{ in = \"header\", name = \"x-key\", value = \"Key {key}\" }";
    for (place, good) in [
        ("{ in = \"query\", name = \"k\", value = \"{key}\" }", true),
        ("{ in = \"query\", name = \"k\", value = \"{client_id}\" }", false),
        ("{ in = \"basic\", user = \"{client_id}\", password = \"{key}\" }", true),
        ("{ in = \"basic\", user = \"{client_id}\", password = \"x\" }", false),
        ("{ in = \"path\" }", false),
    ] {
        let told = told(header, place);
        assert_eq!(!told.contains("does not send the credential"), good, "{place}: {told}");
        assert_eq!(told.is_empty(), good, "{place}: {told}");
    }
    let in_path = WHOLE.replacen(header, "{ in = \"path\" }", 1).replacen("/me/{client_id}", "/me{key}/x", 1);
    assert!(parsed(&in_path).is_ok());
}

#[test]
fn private_addresses_are_for_files_of_ones_own() {
    let own = WHOLE.replacen("calls_per_day", "allow_private = true\ncalls_per_day", 1);
    assert!(parsed(&own).expect("good").allow_private);
    let often = own.replacen("\"6h\"", "\"1s\"", 1);
    assert_eq!(parsed(&often).expect("one's own host").check_every.as_secs(), 1);
    assert!(parsed(&own.replacen("\"6h\"", "\"0s\"", 1)).is_err());
    let catalogue = Catalogue::embedded().unwrap_or_else(|problems| panic!("{problems}"));
    assert!(catalogue.providers().all(|provider| !provider.allow_private));
    let mut problems = Vec::new();
    super::parse::provider("acme.toml", &own, super::provider::Source::Embedded, &mut problems);
    assert!(problems.iter().any(|problem| problem.key == "allow_private"), "{problems:?}");
}
