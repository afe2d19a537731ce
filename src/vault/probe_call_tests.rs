//! What is sent, byte by byte, and what is not.

use super::probe_call::{Fields, Needed, Unfit, asked, asked_of, needed, probe_call, refresh_call};
use crate::catalogue::lookup::Catalogue;
use crate::catalogue::probe::Host;
use crate::catalogue::provider::Provider;
use crate::crypto::plaintext::Plaintext;
use crate::egress::call::Call;
use crate::model::name::{KeyName, ServiceName};

fn key(text: &str) -> KeyName {
    KeyName::parse(text).expect(text)
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| (key(name), Plaintext::new(value.as_bytes().to_vec()))).collect()
}

fn provider(name: &str) -> Provider {
    let catalogue = Catalogue::embedded().expect("the files of the build");
    catalogue.provider(&ServiceName::parse(name).expect(name)).expect(name).clone()
}

fn filled(provider: &Provider, credential: &str, pairs: &[(&str, &str)]) -> Result<Call, Unfit> {
    let probe = provider.probes.iter().find(|probe| probe.credential.as_str() == credential).expect(credential);
    let request = probe.request.as_ref().expect("a request");
    probe_call(provider, probe, request, &fields(pairs), None)
}

fn text(plain: &Plaintext) -> &str {
    std::str::from_utf8(plain.expose()).expect("text")
}

fn header_of<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    call.headers.iter().find(|(known, _)| known == name).map(|(_, value)| text(value))
}

#[test]
fn a_key_goes_where_its_file_says_and_nowhere_else() {
    let call = filled(&provider("openai"), "api_key", &[("api_key", "sk-not-a-real-key")]).expect("a call");
    assert_eq!(
        (call.target.host.as_str(), call.target.port, call.target.allow_private),
        ("api.openai.com", 443, false)
    );
    assert_eq!(text(&call.path), "/v1/models");
    assert_eq!(header_of(&call, "authorization"), Some("Bearer sk-not-a-real-key"));
    assert!(!format!("{call:?}").contains("sk-not"));
}

#[test]
fn a_token_in_the_path_is_escaped_but_for_its_colon_and_is_told_by_its_name() {
    let telegram = provider("telegram");
    let call = filled(&telegram, "bot_token", &[("bot_token", "123:not-a_real/token?x#y%")]).expect("a call");
    assert_eq!(text(&call.path), "/bot123:not-a_real%2Ftoken%3Fx%23y%25/getMe");
    assert_eq!(asked(&telegram, &telegram.probes[0]), "GET https://api.telegram.org/bot{bot_token}/getMe");
    for climbing in [".", ".."] {
        let refused = filled(&telegram, "bot_token", &[("bot_token", climbing)]).map(drop);
        assert_eq!(refused, Err(Unfit::Unsendable("path")));
    }
}

#[test]
fn what_no_header_may_hold_is_never_sent() {
    for value in ["a\nb", "a\r\nx-evil: 1", "a\0", "é", "a\u{7f}", "a ", "a\t"] {
        let refused = filled(&provider("openai"), "api_key", &[("api_key", value)]).map(drop);
        assert_eq!(refused, Err(Unfit::Unsendable("header")), "{value:?}");
    }
}

#[test]
fn a_field_that_is_missing_or_empty_is_named() {
    for pairs in [&[][..], &[("api_key", "")][..]] {
        assert_eq!(filled(&provider("openai"), "api_key", pairs).map(drop), Err(Unfit::Missing(key("api_key"))));
    }
}

/// A stored text chose the host a credential went to: whoever could write `supabase/url` had every key of it.
#[test]
fn a_host_of_the_credential_is_one_label_before_the_providers_suffix_or_none() {
    let call = |url: &str| {
        let pairs = [("url", url), ("publishable_key", "sb_publishable_not-real")];
        filled(&provider("supabase"), "publishable_key", &pairs)
    };
    for url in ["https://abc-1.supabase.co", "https://abc-1.supabase.co/"] {
        let call = call(url).expect(url);
        assert_eq!((call.target.host.as_str(), text(&call.path)), ("abc-1.supabase.co", "/auth/v1/settings"));
    }
    let long = format!("https://{}.supabase.co", "a".repeat(64));
    for url in [
        "http://abc.supabase.co",
        "https://supabase.co",
        "https://.supabase.co",
        "https://evil.example/.supabase.co",
        "https://evil.example#.supabase.co",
        "https://evil.example?.supabase.co",
        "https://a.b.supabase.co",
        "https://abc.supabase.co:8443",
        "https://abc.supabase.co/x",
        "https://abc.supabase.co//",
        "https://user@abc.supabase.co",
        "https://abc.supabase.co.evil.example",
        "https://ABC.supabase.co",
        "https://-abc.supabase.co",
        "https://abc-.supabase.co",
        " https://abc.supabase.co",
        "abc.supabase.co",
        "https://xn--\u{e9}.supabase.co",
        &long,
    ] {
        assert_eq!(call(url).map(drop), Err(Unfit::ForeignHost(key("url"))), "{url}");
    }
    let supabase = provider("supabase");
    assert_eq!(
        asked(&supabase, &supabase.probes[0]),
        "GET {url}/auth/v1/settings",
        "the host is a part of the credential"
    );
}

#[test]
fn a_refresh_token_goes_to_the_token_endpoint_in_a_form() {
    let gmail = provider("gmail");
    let token = gmail.token.as_ref().expect("an endpoint");
    let pairs = [("client_id", "id&1"), ("client_secret", "s=1"), ("refresh_token", "1//not real")];
    let call = refresh_call(token, &gmail.probes[0], &fields(&pairs), false).expect("a call");
    assert_eq!((call.target.host.as_str(), text(&call.path)), ("oauth2.googleapis.com", "/token"));
    let (kind, body) = call.body.as_ref().expect("a body");
    let wanted = "grant_type=refresh_token&refresh_token=1%2F%2Fnot%20real&client_id=id%261&client_secret=s%3D1";
    assert_eq!((*kind, text(body)), ("application/x-www-form-urlencoded", wanted));
    assert_eq!(asked_of(token), "POST https://oauth2.googleapis.com/token");

    let request = gmail.probes[0].request.as_ref().expect("a request");
    let granted = Plaintext::new(b"ya29.not-real".to_vec());
    let call = probe_call(&gmail, &gmail.probes[0], request, &fields(&pairs), Some(&granted)).expect("a call");
    assert_eq!(header_of(&call, "authorization"), Some("Bearer ya29.not-real"));
    assert!(call.body.is_none());
}

#[test]
fn the_fields_a_check_needs_are_known_before_any_is_opened() {
    let names = |provider: &Provider, credential: &str| {
        let probe = provider.probes.iter().find(|probe| probe.credential.as_str() == credential).expect(credential);
        let needed = needed(provider, probe).into_iter();
        needed.map(|need| format!("{}{}", need.field, if need.required { "" } else { "?" })).collect::<Vec<_>>()
    };
    assert_eq!(names(&provider("openai"), "api_key"), ["api_key"]);
    assert_eq!(names(&provider("gmail"), "refresh_token"), ["refresh_token", "client_id", "client_secret"]);
    assert_eq!(names(&provider("google_workspace"), "service_account"), ["service_account", "admin_email?"]);
    assert_eq!(names(&provider("supabase"), "publishable_key"), ["publishable_key", "url"]);
    assert_eq!(names(&provider("supabase"), "access_token"), ["access_token"], "it goes to another host");
}

#[test]
fn every_probe_of_the_build_can_be_filled() {
    for provider in Catalogue::embedded().expect("the files of the build").providers() {
        for probe in &provider.probes {
            let value = |need: Needed| {
                let url = matches!(&provider.host, Some(Host::OfField { field, .. }) if *field == need.field);
                let value = if url { "https://abc.supabase.co" } else { "not-a-real-value" };
                (need.field, Plaintext::new(value.as_bytes().to_vec()))
            };
            let fields: Fields = needed(provider, probe).into_iter().map(value).collect();
            assert!(asked(provider, probe).len() > "GET https://".len(), "{}", provider.name);
            let Some(request) = &probe.request else { continue };
            let call = probe_call(provider, probe, request, &fields, Some(&Plaintext::new(b"token".to_vec())));
            let call = call.unwrap_or_else(|unfit| panic!("{}: {unfit}", provider.name));
            assert!(text(&call.path).starts_with('/') && !call.target.allow_private, "{}", provider.name);
        }
    }
}
