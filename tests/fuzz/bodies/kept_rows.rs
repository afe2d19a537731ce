//! Rows that a node keeps for itself and can lose: what reads is written as what reads the same.

use aurora_mesh::actors::key_use::KeyUse;
use aurora_mesh::connectivity::news::News;
use aurora_mesh::connectivity::spent::Spent;
use aurora_mesh::connectivity::told::Told;
use aurora_mesh::events::kept::KeptEvent;
use aurora_mesh::events::messages;
use aurora_mesh::events::parcel::Parcel;
use aurora_mesh::events::posting;
use aurora_mesh::events::standing::Standing;
use aurora_mesh::events::subscription::Subscription;
use aurora_mesh::model::name::KeyName;
use aurora_mesh::policy::access::Requests;

use super::came;

/// The first byte says of what the rest is a row.
pub fn run(data: &[u8]) {
    let Some((what, row)) = data.split_first() else { return };
    match what % 10 {
        0 => event(row),
        1 => {
            if let Some(parcel) = Parcel::parse(7, row) {
                assert_eq!(Parcel::parse(7, &parcel.to_bytes()).as_ref(), Some(&parcel));
                let told = parcel.tried(&String::from_utf8_lossy(row));
                assert!(told.last.is_none_or(|why| why.len() <= row.len() * 3));
            }
        }
        2 => {
            let name = KeyName::parse("alarms").expect("a name");
            if let Some(wanted) = Subscription::parse(name.clone(), row) {
                assert_eq!(Subscription::parse(name, &wanted.to_bytes()), Some(wanted));
            }
        }
        3 => {
            if let Some(standing) = Standing::parse(row) {
                assert_eq!(Standing::parse(&standing.to_bytes()), Some(standing));
            }
        }
        4 => {
            if let Ok(told) = Told::parse(row) {
                assert_eq!(Told::parse(&told.to_bytes()), Ok(told));
            }
        }
        5 => {
            if let Ok(spent) = Spent::parse(row) {
                assert_eq!(Spent::parse(&spent.to_bytes()), Ok(spent));
            }
        }
        6 => {
            let news = News::parse(row);
            assert_eq!(News::parse(&news.to_bytes()), news);
        }
        7 => {
            if let Ok(requests) = Requests::parse(row) {
                assert!(Requests::parse(&requests.to_bytes()).is_ok(), "what was written does not read");
            }
        }
        8 => came(KeyUse::read(row)),
        _ => texts(row),
    }
}

fn event(row: &[u8]) {
    let Some(kept) = KeptEvent::parse(7, row) else { return };
    assert_eq!(KeptEvent::parse(7, &kept.to_bytes()).as_ref(), Some(&kept));
    let _post = kept.post();
}

/// What a program tells, and what people are told of it.
fn texts(row: &[u8]) {
    let Ok(text) = std::str::from_utf8(row) else { return };
    if let Ok(data) = posting::text(text) {
        assert_eq!(posting::text(&data).as_ref(), Ok(&data));
    }
    let _named = (posting::kind(text), posting::key(text));
    let told = messages::Told::of(text);
    let _sent =
        (messages::telegram("1", &told, false), messages::slack(Some("#alarms"), &told), messages::sameness(text));
}
