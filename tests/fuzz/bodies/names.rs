//! Names, addresses and other short texts: what is read has one spelling, and reads back as itself.

use std::fmt::Display;

use aurora_mesh::audit::follow::Places;
use aurora_mesh::audit::query::ActionPattern;
use aurora_mesh::audit::selection::Cursor;
use aurora_mesh::config::duration;
use aurora_mesh::discovery::hint::MeshHash;
use aurora_mesh::egress::mail::is_mail_address;
use aurora_mesh::events::filter::TypeGlob;
use aurora_mesh::events::id::EventId;
use aurora_mesh::events::retry::asked_pause;
use aurora_mesh::events::route::Route;
use aurora_mesh::interchange::target::{FieldTag, Target};
use aurora_mesh::model::event_kind::EventKind;
use aurora_mesh::model::freeze::FreezeTarget;
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::identity::{KeyPin, MeshId, Role};
use aurora_mesh::model::name::{
    AgentName, ApiKeyName, CompanyId, EnvironmentName, FieldName, GrantName, KeyName, LocalName, NodeName, ServiceName,
};
use aurora_mesh::model::principal::{Executable, Principal, UnitName};
use aurora_mesh::model::quiet_hours::QuietHours;
use aurora_mesh::model::reference::Reference;
use aurora_mesh::model::secret::{Scope, SecretName};
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::model::web_address::WebAddress;
use aurora_mesh::transport::spiffe::PeerIdentity;

/// Reads the text as everything that is named by a short text.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    names(text);
    places(text);
    times(text);
    let _judged = (is_mail_address(text), ActionPattern::parse(text), Places::parse(text), MeshHash::parse(text));
}

fn names(text: &str) {
    one_spelling(text, NodeName::parse);
    one_spelling(text, ServiceName::parse);
    one_spelling(text, KeyName::parse);
    one_spelling(text, FieldName::parse);
    one_spelling(text, CompanyId::parse);
    one_spelling(text, EnvironmentName::parse);
    one_spelling(text, AgentName::parse);
    one_spelling(text, ApiKeyName::parse);
    one_spelling(text, GrantName::parse);
    one_spelling(text, LocalName::parse);
    one_spelling(text, SecretName::parse);
    one_spelling(text, SecretGlob::parse);
    one_spelling(text, Scope::parse);
    one_spelling(text, UnitName::parse);
    one_spelling(text, Executable::parse);
    one_spelling(text, Principal::parse);
    one_spelling(text, FreezeTarget::parse);
    one_spelling(text, EventKind::parse);
    one_spelling(text, TypeGlob::parse);
    one_spelling(text, |text| EventId::parse(text).ok_or("no id"));
    one_spelling(text, |text| MeshId::parse(text).ok_or("no mesh"));
    one_spelling(text, |text| KeyPin::parse(text).ok_or("no pin"));
    one_spelling(text, |text| Role::parse(text).ok_or("no role"));
    one_spelling(text, |text| PeerIdentity::parse(text).ok_or("no identity"));
    one_spelling(text, Cursor::parse);
}

fn places(text: &str) {
    reads_back(text, Reference::parse);
    reads_back(text, Reference::parse_short);
    reads_back(text, WebAddress::parse);
    reads_back(text, |text| Route::parse(text).ok_or("no route"));
    reads_back(text, Target::parse);
    reads_back(text, FieldTag::parse);
}

fn times(text: &str) {
    if let Ok(length) = duration::parse(text) {
        assert_eq!(duration::parse(&duration::print(length)), Ok(length), "{text:?}");
    }
    for at in [Timestamp::parse(text), Timestamp::parse_spaced(text)].into_iter().flatten() {
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at), "{text:?}");
        let _month = at.month();
    }
    let (hours, offset) = text.split_once(' ').map_or((text, None), |(hours, offset)| (hours, Some(offset)));
    if let Some(quiet) = QuietHours::parse(hours, offset) {
        for now in [i64::MIN, -1, 0, 1_795_248_000_123, i64::MAX] {
            assert!(quiet.until(Timestamp(now)).is_none_or(|end| end >= Timestamp(now)), "{text:?} at {now}");
        }
    }
    let _pause = asked_pause(429, Some(text));
}

/// What is read is written exactly as it was.
fn one_spelling<T: Display, E: Display>(text: &str, parse: impl Fn(&str) -> Result<T, E>) {
    match parse(text) {
        Ok(read) => assert_eq!(read.to_string(), text),
        Err(error) => super::assert_printable(&error.to_string()),
    }
}

/// What is read is the same when it is read from what was written.
fn reads_back<T: Display + PartialEq, E: Display>(text: &str, parse: impl Fn(&str) -> Result<T, E>) {
    match parse(text) {
        Ok(read) => assert!(parse(&read.to_string()).is_ok_and(|again| again == read), "{text:?} became {read}"),
        Err(error) => super::assert_printable(&error.to_string()),
    }
}
