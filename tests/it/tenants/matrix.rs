//! Every verb, on every node, by the agent of each company, at every place.

use std::future::Future;
use std::pin::Pin;

use aurora_mesh::model::actions::Capability;
use aurora_mesh::model::caller::Caller;
use aurora_mesh::model::secret::Scope;
use aurora_mesh::vault::answer::ReadOutcome;
use aurora_mesh::vault::filter::Filter;
use aurora_mesh::vault::request::{Context, ExportRequest, ListRequest, ReadRequest, WatchRequest};
use aurora_mesh::vault::watch::{Heard, News};

use super::{PLACES, Tenants, knows};
use crate::support::callers::{company, place, put, read, scope, secret};
use crate::support::mesh::TestNode;

/// Whether a verb gave anything of a place.
type Gives<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

/// One thing to ask of a node.
type Verb = for<'a> fn(&'a TestNode, &'a Caller, &'a str, &'a str) -> Gives<'a>;

/// The company of a place, as a caller names it.
fn behalf(at: &str) -> Context {
    let company = at.strip_prefix("company:").map(company);
    Context { company, ..Context::default() }
}

const USES: [(&str, Verb); 9] = [
    ("read by scope", |node, caller, name, at| {
        Box::pin(async move {
            let ask = ReadRequest { scope: Some(scope(at)), ..read(name, None) };
            matches!(node.vault().read(caller, ask).await, Ok(ReadOutcome::Value(_)))
        })
    }),
    ("read by company", |node, caller, name, at| {
        Box::pin(async move {
            let ask = ReadRequest { context: behalf(at), ..read(name, None) };
            match node.vault().read(caller, ask).await {
                Ok(ReadOutcome::Value(answer)) => answer.record.at.scope == scope(at),
                Ok(ReadOutcome::NotModified { .. }) | Err(_) => false,
            }
        })
    }),
    ("read by company and scope", |node, caller, name, at| {
        Box::pin(async move {
            let ask = ReadRequest { context: behalf(at), scope: Some(scope(at)), ..read(name, None) };
            matches!(node.vault().read(caller, ask).await, Ok(ReadOutcome::Value(_)))
        })
    }),
    ("export by scope", |node, caller, name, at| {
        Box::pin(async move {
            let prefix = Some(name.to_owned());
            let ask = ExportRequest { context: Context::default(), scope: Some(scope(at)), prefix, cursor: None };
            node.vault().export(caller, &ask).await.is_ok_and(|page| !page.answers.is_empty())
        })
    }),
    ("export by company", |node, caller, name, at| {
        Box::pin(async move {
            let ask = ExportRequest { context: behalf(at), scope: None, prefix: Some(name.to_owned()), cursor: None };
            let page = node.vault().export(caller, &ask).await;
            page.is_ok_and(|page| page.answers.iter().any(|answer| answer.record.at.scope == scope(at)))
        })
    }),
    ("list", |node, caller, name, at| {
        Box::pin(async move {
            let listed = node.vault().list(caller, ListRequest::default()).await;
            let is_it = |found: &Scope, named: String| *found == scope(at) && named == name;
            listed.is_ok_and(|page| {
                page.items.iter().any(|item| is_it(&item.record.at.scope, item.record.at.secret.name.to_string()))
            })
        })
    }),
    ("list of the scope", |node, caller, _, at| {
        Box::pin(async move {
            let filter = Filter { scope: Some(scope(at)), ..Filter::default() };
            let listed = node.vault().list(caller, ListRequest { filter, ..ListRequest::default() }).await;
            listed.is_ok_and(|page| !page.items.is_empty())
        })
    }),
    ("explain", |node, caller, name, at| {
        Box::pin(async move {
            let explained = node.vault().explain(caller, secret(name), behalf(at)).await;
            explained.is_ok_and(|told| told.winner.is_some_and(|winner| winner.at.scope == scope(at)))
        })
    }),
    ("versions", |node, caller, name, at| {
        Box::pin(async move { node.vault().versions(caller, place(name, at)).await.is_ok() })
    }),
];

const CHANGES: [(&str, Verb); 5] = [
    ("put", |node, caller, name, at| {
        Box::pin(async move { node.vault().put(caller, put(name, at, "another")).await.is_ok() })
    }),
    ("import", |node, caller, name, at| {
        Box::pin(async move {
            let entries = vec![put(name, at, "imported")];
            node.vault().import(caller, entries, false, None).await.is_ok()
        })
    }),
    ("delete", |node, caller, name, at| {
        Box::pin(async move { node.vault().delete(caller, place(name, at)).await.is_ok() })
    }),
    ("undelete", |node, caller, name, at| {
        Box::pin(async move { node.vault().undelete(caller, place(name, at)).await.is_ok() })
    }),
    ("rehearsed put", |node, caller, name, at| {
        Box::pin(async move { node.vault().rehearsing().put(caller, put(name, at, "tried")).await.is_ok() })
    }),
];

/// What the roster gives a node. The lead holds every company's values, and no other node's.
fn roster_gives(node: &str, at: &str) -> bool {
    match (node, at) {
        (_, "global") | ("aurora", "company:acme" | "company:beta") => true,
        ("first", at) => at == "company:acme" || at == "node:first",
        ("second", at) => at == "company:beta" || at == "node:second",
        (_, _) => false,
    }
}

/// What the grant gives the agent of a company.
fn grant_gives(of: &str, at: &str) -> bool {
    at == "global" || at.strip_prefix("company:") == Some(of)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_is_given_out_only_where_roster_and_grant_both_say_so() {
    let tenants = Tenants::start(&[Capability::DataRead, Capability::DataQuery]).await;
    let mut wrong = Vec::new();
    for (node_name, node) in tenants.nodes() {
        knows(node, [&tenants.one, &tenants.two]).await;
        for (of, caller) in tenants.callers() {
            for (name, at) in PLACES {
                let expected = roster_gives(node_name, at) && grant_gives(of, at);
                for (verb, ask) in USES {
                    if ask(node, caller, name, at).await != expected {
                        wrong.push(format!("{verb} of {at} by the agent of {of} on {node_name}: not {expected}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_made_only_where_a_grant_says_so_and_only_on_the_lead() {
    let writes = [Capability::DataRead, Capability::DataQuery, Capability::DataWrite];
    let tenants = Tenants::start(&writes).await;
    let mut wrong = Vec::new();
    for (node_name, node) in tenants.nodes() {
        knows(node, [&tenants.one, &tenants.two]).await;
        for (of, caller) in tenants.callers() {
            for (name, at) in PLACES {
                let expected = node_name == "aurora" && grant_gives(of, at);
                for (verb, ask) in CHANGES {
                    if ask(node, caller, name, at).await != expected {
                        wrong.push(format!("{verb} of {at} by the agent of {of} on {node_name}: not {expected}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// One entry that is not the caller's refuses all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_with_one_value_of_the_other_company_stores_nothing() {
    let tenants = Tenants::start(&[Capability::DataRead, Capability::DataWrite]).await;
    let vault = tenants.mesh.lead.vault();
    let before = vault.health().revision;
    let entries = vec![put("crm/key", "company:acme", "mine"), put("crm/key", "company:beta", "not mine")];
    assert!(vault.import(&tenants.one, entries, false, None).await.is_err());
    assert_eq!(vault.health().revision, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_tells_each_agent_of_its_own_company_and_of_what_is_global() {
    let tenants = Tenants::start(&[Capability::DataQuery]).await;
    for (node_name, node) in tenants.nodes() {
        knows(node, [&tenants.one, &tenants.two]).await;
        for (of, caller) in tenants.callers() {
            let mut watch = node.vault().watch(caller, WatchRequest::default()).await.expect("a watch");
            watch.next().await.expect("it begins");
            for (name, at) in PLACES {
                tenants.mesh.put(put(name, at, &format!("{at} for {of} on {node_name}"))).await;
            }
            let last = tenants.mesh.put(put("shared/last", "global", &format!("{of} {node_name}"))).await;
            node.reaches(last.revision).await;
            let mut heard: Vec<String> = Vec::new();
            while !heard.iter().any(|told| told.starts_with("shared/last")) {
                let news = watch.next().await.expect("it goes on");
                heard.extend(news.into_iter().map(|news| match news {
                    News::Changed(Heard { told, .. }) => format!("{} {}", told.at.secret.name, told.at.scope),
                    News::Ready { .. } | News::Reset { .. } => panic!("{news:?}"),
                }));
            }
            let other = if of == "acme" { "beta" } else { "acme" };
            assert!(!heard.iter().any(|told| told.contains(other)), "{of} on {node_name}: {heard:#?}");
            let own = heard.iter().any(|told| told.ends_with(&format!("company:{of}")));
            assert_eq!(own, roster_gives(node_name, &format!("company:{of}")), "{of} on {node_name}: {heard:#?}");
        }
    }
}
