//! A search finds what a naive reader finds: in packed and plain files, of several months and nodes, with good, missing,
//! damaged and foreign indexes, in pages of any size.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_assert_eq, proptest};

use super::entry::{Entry, Ruling};
use super::files::parts;
use super::head::Head;
use super::index::{Index, path_of};
use super::index_build::opened;
use super::line::{Stamp, render};
use super::query::{ActionPattern, Query, Told};
use super::sample;
use super::search::Search;
use super::selection::{Cursor, Order};
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;

const PRINCIPALS: [&str; 4] = ["user:1000 group:1000", "agent:robot exe:/opt/my tool", "agent:robot", "exe:/opt/a\"b"];
const SECRETS: [&str; 4] = ["openai/api_key", "openai/other", "hubspot/api_key", "stripe/x"];
const ACTIONS: [&str; 4] = ["secret.read", "secret.write", "node.started", "policy.manage"];
const OUTCOMES: [&str; 3] = ["ok", "denied", "intent"];
const COMPANIES: [&str; 2] = ["acme", "globex"];
const NODES: [&str; 3] = ["aurora", "macmini", "vengeance"];

/// November 2026.
const EPOCH: i64 = 1_793_491_200_000;

/// What a line says, as numbers into the lists above; a number past the end of its list is left out.
#[derive(Debug, Clone)]
struct Deed {
    principal: usize,
    secret: usize,
    action: usize,
    outcome: usize,
    company: usize,
    denied: bool,
    request: u8,
    minutes: i64,
    garbage: bool,
}

fn deed() -> impl Strategy<Value = Deed> {
    let names = (0..PRINCIPALS.len(), 0..=SECRETS.len(), 0..ACTIONS.len(), 0..OUTCOMES.len(), 0..=COMPANIES.len());
    (names, any::<bool>(), 0..12_u8, 0..400_i64, prop::bool::weighted(0.03)).prop_map(
        |((principal, secret, action, outcome, company), denied, request, minutes, garbage)| Deed {
            principal,
            secret,
            action,
            outcome,
            company,
            denied,
            request,
            minutes,
            garbage,
        },
    )
}

fn entry(deed: &Deed) -> Entry {
    Entry {
        principal: PRINCIPALS[deed.principal].into(),
        action: ACTIONS[deed.action],
        secret: SECRETS.get(deed.secret).map(|text| SecretName::parse(text).expect("name")),
        company: COMPANIES.get(deed.company).map(|text| CompanyId::parse(text).expect("company")),
        environment: SECRETS.get(deed.secret).map(|_| EnvironmentName::parse("prod").expect("environment")),
        ruling: if deed.denied { Ruling::Deny } else { Ruling::Allow },
        outcome: OUTCOMES[deed.outcome],
        ..sample::entry(&format!("r{}", deed.request))
    }
}

/// One file of one journal.
#[derive(Debug, Clone)]
struct File {
    deeds: Vec<Deed>,
    packed: bool,
    member: usize,
}

fn file() -> impl Strategy<Value = File> {
    let deeds = prop::collection::vec(deed(), 0..40);
    (deeds, any::<bool>(), 1..12_usize).prop_map(|(deeds, packed, member)| File { deeds, packed, member })
}

pub(super) fn packed(lines: &[Vec<u8>], member: usize) -> Vec<u8> {
    let pack = |lines: &[Vec<u8>]| {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(&lines.concat()).expect("packed");
        packer.finish().expect("packed")
    };
    lines.chunks(member).map(pack).collect::<Vec<_>>().concat()
}

/// Writes the journals, and gives every line that is one with where it stands.
fn write(directory: &Path, journals: &[Vec<File>]) -> Vec<(Cursor, String)> {
    let mut all = Vec::new();
    for (number, files) in journals.iter().enumerate() {
        let node = NodeName::parse(NODES[number]).expect("name");
        let chain = (number > 0).then_some(1);
        let path = chain.map_or(directory.to_owned(), |_| directory.join("nodes").join(NODES[number]).join("1"));
        fs::create_dir_all(&path).expect("directory");
        let mut head = Head::GENESIS;
        for (part, file) in files.iter().enumerate() {
            let mut lines = Vec::new();
            for deed in &file.deeds {
                if deed.garbage {
                    lines.push(b"{\"secret\":\"openai/api_key\" agent:robot\n".to_vec());
                    continue;
                }
                // Clocks go back and forth.
                let time = Timestamp(EPOCH + deed.minutes * 60_000);
                let mut line = Vec::new();
                head = render(&head, Stamp { node: &node, time }, &entry(deed), &mut line).expect("short");
                let text = String::from_utf8(line.clone()).expect("text");
                all.push((Cursor::new(time, &node, chain, head.seq), text.trim_end().to_owned()));
                lines.push(line);
            }
            let (name, bytes) = if file.packed {
                (format!("audit-2026-{:02}.jsonl.gz", part + 10), packed(&lines, file.member))
            } else {
                (format!("audit-2026-{:02}.jsonl", part + 10), lines.concat())
            };
            fs::write(path.join(name), bytes).expect("file");
        }
    }
    all
}

fn query() -> impl Strategy<Value = Query> {
    fn maybe<T: Clone + std::fmt::Debug + 'static>(all: Vec<T>) -> impl Strategy<Value = Option<T>> {
        prop::option::weighted(0.3, prop::sample::select(all))
    }
    let principals = ["user:1000", "agent:robot", "exe:/opt/my tool", "exe:/opt/a\"b", "tool", "user:100"];
    let globs = ["*", "openai/*", "openai/api_key", "*/api_key", "o*/o*", "absent/x"];
    let actions = ["secret.read", "secret.*", "*", "node.started", "absent"];
    let one = (
        maybe(principals.map(str::to_owned).to_vec()),
        maybe(globs.map(|text| SecretGlob::parse(text).expect("glob")).to_vec()),
        maybe(actions.map(|text| ActionPattern::parse(text).expect("action")).to_vec()),
        maybe(vec![Ruling::Allow, Ruling::Deny]),
        maybe(NODES.map(|text| NodeName::parse(text).expect("name")).to_vec()),
        maybe(COMPANIES.map(|text| CompanyId::parse(text).expect("company")).to_vec()),
    );
    let other = (
        maybe(["prod", "dev"].map(|text| EnvironmentName::parse(text).expect("environment")).to_vec()),
        maybe(["ok", "denied", "absent"].map(str::to_owned).to_vec()),
        maybe((0..14).map(|number| format!("r{number}")).collect()),
        prop::option::weighted(0.3, 0..400_i64),
        prop::option::weighted(0.3, 0..400_i64),
    );
    (one, other).prop_map(|(one, other)| {
        let (principal, secret, action, decision, node, company) = one;
        let (environment, outcome, request_id, since, until) = other;
        let time = |minutes: i64| Timestamp(EPOCH + minutes * 60_000);
        let (since, until) = (since.map(time), until.map(time));
        Query { since, until, principal, secret, action, decision, node, company, environment, outcome, request_id }
    })
}

/// Every line that meets the query, in order.
fn naive(all: &[(Cursor, String)], query: &Query, order: Order) -> Vec<String> {
    let meets = |line: &str| Told::parse(line.as_bytes()).is_some_and(|(told, time)| query.covers(&told, time));
    let mut found: Vec<&(Cursor, String)> = all.iter().filter(|(_, line)| meets(line)).collect();
    found.sort_by(|(one, _), (other, _)| if order == Order::Newest { other.cmp(one) } else { one.cmp(other) });
    found.into_iter().map(|(_, line)| line.clone()).collect()
}

/// Page after page, each by a search of its own as a caller of the API makes them, or all by one as an export does.
fn searched(directory: &Path, query: &Query, order: Order, lines_max: usize, anew: bool) -> Vec<String> {
    let own = NodeName::parse("aurora").expect("name");
    let open = |after| Search::open(directory, &own, query.clone(), order, after).expect("readable");
    let (mut search, mut found) = (open(None), Vec::new());
    loop {
        let page = search.page(lines_max).expect("readable");
        assert!(page.lines.len() <= lines_max && page.damaged.is_empty(), "{page:?}");
        found.extend(page.lines);
        let Some(next) = page.next else { return found };
        if anew {
            search = open(Some(Cursor::parse(&next.to_string()).expect("a cursor")));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_what_a_naive_reader_finds(
        journals in prop::collection::vec(prop::collection::vec(file(), 1..3), 1..=3),
        queries in prop::collection::vec(query(), 6),
        lines_max in 1..25_usize,
        anew in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().expect("directory");
        let all = write(directory.path(), &journals);
        for query in &queries {
            for order in [Order::Newest, Order::Oldest] {
                let found = searched(directory.path(), query, order, lines_max, anew);
                prop_assert_eq!(found, naive(&all, query, order), "{:?} {:?}", query, order);
            }
        }
    }
}

/// A journal of one packed file and one plain one.
fn journal(directory: &Path, count: usize) -> Vec<(Cursor, String)> {
    let deed = |number: usize| Deed {
        principal: number % 4,
        secret: number % 5,
        action: number % 3,
        outcome: number % 2,
        company: number % 3,
        denied: number.is_multiple_of(7),
        request: u8::try_from(number % 250).expect("small"),
        minutes: i64::try_from(number).expect("small"),
        garbage: false,
    };
    let deeds: Vec<Deed> = (0..count).map(deed).collect();
    let (first, second) = deeds.split_at(count / 2);
    let file = |deeds: &[Deed], packed| File { deeds: deeds.to_vec(), packed, member: 20 };
    write(directory, &[vec![file(first, true), file(second, false)]])
}

fn robot() -> Query {
    Query { principal: Some("agent:robot".to_owned()), ..Query::default() }
}

#[test]
fn an_index_that_is_damaged_cut_old_or_of_another_file_is_made_anew_and_nothing_is_missed() {
    let directory = tempfile::tempdir().expect("directory");
    let all = journal(directory.path(), 200);
    let part = parts(directory.path()).expect("readable").remove(0);
    let index = path_of(directory.path(), &part);
    let search = || searched(directory.path(), &robot(), Order::Newest, 1000, false);
    let wanted = naive(&all, &robot(), Order::Newest);
    assert!(!wanted.is_empty());
    assert_eq!(search(), wanted);
    let good = fs::read(&index).expect("an index was made");
    let own = NodeName::parse("aurora").expect("name");
    for at in (0..good.len()).step_by(31) {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        fs::write(&index, &bad).expect("written");
        let mut search = Search::open(directory.path(), &own, robot(), Order::Newest, None).expect("readable");
        assert_eq!(search.page(1000).expect("readable").lines, wanted, "byte {at}");
    }
    // What a query does not read may be cut without its noticing; the header and the blocks are always read.
    for length in [1000, 0, 7, 299, 300] {
        fs::write(&index, &good[..length]).expect("written");
        assert_eq!(search(), wanted, "{length} bytes");
    }
    assert!(fs::read(&index).expect("made anew") == good);
    // The file is another one, of the same length or not: its index no longer fits.
    fs::write(&index, &good).expect("written");
    let packed_path = part.path(directory.path());
    let lines: Vec<Vec<u8>> = all[..50].iter().map(|(_, line)| format!("{line}\n").into_bytes()).collect();
    fs::write(&packed_path, packed(&lines, 20)).expect("written");
    assert!(Index::open(directory.path(), &part).expect("readable").is_none());
    assert!(opened(directory.path(), &part).expect("readable").is_some());
    let both: Vec<(Cursor, String)> = all[..50].iter().chain(&all[100..]).cloned().collect();
    assert_eq!(search(), naive(&both, &robot(), Order::Newest));
}

#[test]
fn without_a_place_for_an_index_the_file_is_read_as_a_whole() {
    let directory = tempfile::tempdir().expect("directory");
    let all = journal(directory.path(), 200);
    let part = parts(directory.path()).expect("readable").remove(0);
    // A directory stands where the index belongs.
    fs::create_dir(path_of(directory.path(), &part)).expect("directory");
    let wanted = naive(&all, &robot(), Order::Oldest);
    assert_eq!(searched(directory.path(), &robot(), Order::Oldest, 7, false), wanted);
    assert_eq!(searched(directory.path(), &robot(), Order::Oldest, 7, true), wanted);
}

#[test]
fn a_file_that_others_packed_is_searched_too() {
    let directory = tempfile::tempdir().expect("directory");
    let all = journal(directory.path(), 200);
    let part = parts(directory.path()).expect("readable").remove(0);
    let bytes: Vec<u8> = all[..100].iter().flat_map(|(_, line)| format!("{line}\n").into_bytes()).collect();
    // Lines cut by the border of two members.
    let (one, other) = bytes.split_at(bytes.len() / 2);
    let odd = packed(&[one.to_vec(), other.to_vec()], 1);
    fs::write(part.path(directory.path()), odd).expect("written");
    let wanted = naive(&all, &robot(), Order::Newest);
    assert_eq!(searched(directory.path(), &robot(), Order::Newest, 9, false), wanted);
    assert!(!path_of(directory.path(), &part).exists());
}

#[test]
fn a_damaged_file_is_named_and_the_rest_is_found() {
    let directory = tempfile::tempdir().expect("directory");
    let all = journal(directory.path(), 200);
    let part = parts(directory.path()).expect("readable").remove(0);
    let path = part.path(directory.path());
    let own = NodeName::parse("aurora").expect("name");
    let page = || {
        let mut search = Search::open(directory.path(), &own, Query::default(), Order::Oldest, None).expect("readable");
        search.page(1000).expect("readable")
    };
    assert!(page().damaged.is_empty());
    let mut bytes = fs::read(&path).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&path, &bytes).expect("written");
    // The index still fits: the damage is not at the end, where the file is looked at to tell it from another.
    for _ in 0..2 {
        let page = page();
        assert_eq!(page.damaged.iter().map(String::as_str).collect::<Vec<_>>(), [path.display().to_string()]);
        assert!(page.lines.len() >= 100 && page.lines.len() < all.len());
        assert_eq!(page.lines.last(), all.last().map(|(_, line)| line));
        fs::remove_file(path_of(directory.path(), &part)).ok();
    }
}

#[test]
fn lines_that_are_none_are_counted_whether_they_are_packed_or_not() {
    let directory = tempfile::tempdir().expect("directory");
    let lines: Vec<Vec<u8>> = sample::lines(4).into_iter().map(String::into_bytes).collect();
    let with = [lines[0].clone(), b"\xff\xfe no text\n".to_vec(), lines[1].clone(), b"{}\n".to_vec()];
    fs::write(directory.path().join("audit-2026-10.jsonl.gz"), packed(&with, 2)).expect("written");
    let plain = [lines[2].clone(), b"{\"seq\":\n".to_vec(), lines[3].clone(), b"{\"cut\":".to_vec()];
    fs::write(directory.path().join("audit-2026-11.jsonl"), plain.concat()).expect("written");
    let own = NodeName::parse("vengeance").expect("name");
    let mut search = Search::open(directory.path(), &own, Query::default(), Order::Oldest, None).expect("readable");
    let page = search.page(1000).expect("readable");
    assert_eq!((page.lines.len(), page.unreadable_lines, page.next), (4, 3, None));
}

#[test]
fn a_page_is_bounded_and_a_missing_journal_is_an_error() {
    let directory = tempfile::tempdir().expect("directory");
    let all = journal(directory.path(), 30);
    let own = NodeName::parse("aurora").expect("name");
    let mut search = Search::open(directory.path(), &own, Query::default(), Order::Oldest, None).expect("readable");
    let page = search.page(0).expect("readable");
    assert_eq!(page.lines, [all[0].1.clone()]);
    assert!(page.next.is_some());
    let missing = directory.path().join("missing");
    assert!(Search::open(&missing, &own, Query::default(), Order::Oldest, None).is_err());
}
