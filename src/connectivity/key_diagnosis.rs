//! Whether a refused key is bad, or the place it is used from: the same key on other nodes, and other keys on the same node,
//! tell.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnosis::listed;
use super::summary::Line;
use crate::model::api_check::KeyMark;
use crate::model::connectivity::{Validation, Verdict};
use crate::model::name::NodeName;
use crate::model::secret::Scope;

/// Where one key is used, and what came of it.
#[derive(Debug, Default)]
struct Uses<'line> {
    all: BTreeSet<&'line NodeName>,
    accepted: BTreeSet<&'line NodeName>,
    rejected: BTreeSet<&'line NodeName>,
}

type Keys<'line> = BTreeMap<&'line KeyMark, Uses<'line>>;

/// What the keys of these lines tell.
pub(super) fn keys(lines: &[&Line]) -> Vec<String> {
    let keys = gathered(lines);
    let (mut said, mut bad) = (Vec::new(), Vec::new());
    for (mark, uses) in keys.iter().filter(|(_, uses)| !uses.rejected.is_empty()) {
        if !uses.accepted.is_empty() {
            said.push(path_of(mark, uses));
        } else if let Some(newer) = newer(mark, &keys) {
            said.push(old_version(mark, uses, newer));
        } else {
            bad.push((*mark, uses));
        }
    }
    match only(&bad, &keys).filter(|_| said.is_empty()) {
        Some(line) => said.push(line),
        None => said.extend(bad.iter().filter_map(|(mark, uses)| replace(mark, uses, &keys))),
    }
    said
}

fn gathered<'line>(lines: &[&'line Line]) -> Keys<'line> {
    let mut keys = Keys::new();
    for line in lines {
        for check in &line.keys {
            let Some(mark) = &check.key else { continue };
            let uses = keys.entry(mark).or_default();
            uses.all.insert(&line.node);
            match check.verdict.map(Verdict::validation) {
                Some(Validation::Valid) => uses.accepted.insert(&line.node),
                Some(Validation::Rejected) => uses.rejected.insert(&line.node),
                Some(Validation::Unreachable | Validation::Unsupported) | None => false,
            };
        }
    }
    keys
}

fn path_of(mark: &KeyMark, uses: &Uses<'_>) -> String {
    let rejected = listed(&uses.rejected);
    let key = named(mark);
    let accepted = listed(&uses.accepted);
    format!(
        "{key} is accepted on {accepted} and rejected on {rejected}: look at the path or the address of {rejected}, not at the key"
    )
}

fn old_version(mark: &KeyMark, uses: &Uses<'_>, newer: &KeyMark) -> String {
    let (name, scope) = (&mark.secret, &mark.scope);
    let (old, new) = (mark.version, newer.version);
    let rejected = listed(&uses.rejected);
    format!(
        "version {old} of {name} ({scope}) is rejected on {rejected} and version {new} is accepted elsewhere: the change has not arrived there"
    )
}

/// A later version of the same secret that is accepted somewhere.
fn newer<'line>(mark: &KeyMark, keys: &Keys<'line>) -> Option<&'line KeyMark> {
    let same = |other: &KeyMark| other.secret_id == mark.secret_id && other.scope == mark.scope;
    let later = keys.iter().filter(|(other, uses)| !uses.accepted.is_empty() && other.version > mark.version);
    later.map(|(other, _)| *other).find(|other| other.secret == mark.secret && same(other))
}

/// All refused keys belong to companies or single nodes, and other keys work where they are refused.
fn only(bad: &[(&KeyMark, &Uses<'_>)], keys: &Keys<'_>) -> Option<String> {
    let owner = |(mark, uses): &(&KeyMark, &Uses<'_>)| {
        let told = others_work(mark, uses, keys) || uses.rejected.len() > 1 && any_accepted(keys);
        match &mark.scope {
            Scope::Company(company) if told => Some(("company", company.to_string())),
            Scope::Node(node) if told => Some(("node", node.to_string())),
            Scope::Company(_) | Scope::Node(_) | Scope::Global => None,
        }
    };
    let owners: BTreeSet<(&str, String)> = bad.iter().map(owner).collect::<Option<_>>()?;
    let mut names = owners.iter().map(|(kind, name)| format!("{kind} {name}"));
    let others = if bad.len() + accepted(keys) == keys.len() { "the others work" } else { "others work" };
    match (owners.first()?, owners.len()) {
        ((kind, _), 1) if bad.len() == 1 => {
            let owner = names.next()?;
            Some(format!("only the key of {owner} is rejected: it is that {kind}'s, {others}"))
        }
        (_, 0..=3) => {
            let owners = names.collect::<Vec<_>>().join(" and ");
            Some(format!("only the keys of {owners} are rejected: they are their own, {others}"))
        }
        (_, count) => {
            Some(format!("only the keys of {count} companies or nodes are rejected: they are their own, {others}"))
        }
    }
}

fn replace(mark: &KeyMark, uses: &Uses<'_>, keys: &Keys<'_>) -> Option<String> {
    let key = named(mark);
    match (uses.rejected.len(), uses.all.len()) {
        (0 | 1, _) => others_work(mark, uses, keys).then(|| {
            let node = listed(&uses.rejected);
            format!("{key} is rejected on {node}, where other keys are accepted: replace it")
        }),
        (rejected, all) if rejected == all => {
            Some(format!("{key} is rejected on all {all} nodes that use it: replace it"))
        }
        (rejected, all) => {
            Some(format!("{key} is rejected on {rejected} of {all} nodes that use it and accepted on none: replace it"))
        }
    }
}

/// Whether another key is accepted on a node where this one is refused: then it is not the node.
fn others_work(mark: &KeyMark, uses: &Uses<'_>, keys: &Keys<'_>) -> bool {
    let mut others = keys.iter().filter(|(other, _)| **other != mark);
    others.any(|(_, other)| !other.accepted.is_disjoint(&uses.rejected))
}

fn any_accepted(keys: &Keys<'_>) -> bool {
    accepted(keys) > 0
}

fn accepted(keys: &Keys<'_>) -> usize {
    keys.values().filter(|uses| !uses.accepted.is_empty()).count()
}

/// `the key openai/api_key (global, version 3)`.
fn named(mark: &KeyMark) -> String {
    format!("the key {} ({}, version {})", mark.secret, mark.scope, mark.version)
}

#[cfg(test)]
mod tests {
    use super::super::summary::Source;
    use super::super::testing::{key, node as name};
    use super::*;
    use crate::model::api_check::KeyCheck;
    use crate::model::connectivity::ApiState;
    use crate::model::time::Timestamp;

    const GOOD: Verdict = Verdict::Accepted;
    const BAD: Verdict = Verdict::Rejected;

    /// A key by its scope and its version, and what came of it.
    type Checked = (&'static str, u64, Verdict);

    /// What the keys of these nodes tell.
    fn told(nodes: &[(&str, &[Checked])]) -> Vec<String> {
        let check = |(scope, version, verdict): &Checked| key("openai/api_key", scope, *version, *verdict);
        let line = |(node, keys): &(&str, &[Checked])| Line {
            node: name(node),
            source: Source::Node,
            state: ApiState::Healthy,
            cause: None,
            detail: None,
            response_time: None,
            checked_at: Timestamp(0),
            stale: false,
            keys: keys.iter().map(check).collect::<Vec<KeyCheck>>(),
        };
        let lines: Vec<Line> = nodes.iter().map(line).collect();
        keys(&lines.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_key_that_is_accepted_elsewhere_is_not_at_fault() {
        let lines = told(&[("vengeance", &[("global", 3, GOOD)]), ("pod1", &[("global", 3, BAD)])]);
        assert_eq!(
            lines,
            [
                "the key openai/api_key (global, version 3) is accepted on vengeance and rejected on pod1: look at the path \
              or the address of pod1, not at the key"
            ]
        );
        let limited = told(&[("a", &[("global", 3, Verdict::Limited)]), ("b", &[("global", 3, BAD)])]);
        assert!(
            limited[0].contains("accepted on a and rejected on b"),
            "a key that may do little is known: {limited:?}"
        );
    }

    #[test]
    fn a_key_that_is_rejected_everywhere_is_to_be_replaced() {
        let bad: &[Checked] = &[("global", 3, BAD)];
        assert_eq!(
            told(&[("a", bad), ("b", bad), ("c", bad)]),
            ["the key openai/api_key (global, version 3) is rejected on all 3 nodes that use it: replace it"]
        );
        assert_eq!(
            told(&[("a", bad), ("b", bad), ("c", &[("global", 3, Verdict::Fault)])]),
            [
                "the key openai/api_key (global, version 3) is rejected on 2 of 3 nodes that use it and accepted on none: \
              replace it"
            ]
        );
    }

    #[test]
    fn one_companys_key_is_that_companys() {
        let lines = told(&[
            ("a", &[("global", 3, GOOD), ("company:acme", 1, BAD)]),
            ("b", &[("global", 3, GOOD)]),
            ("c", &[("global", 3, GOOD), ("company:beta", 1, GOOD)]),
        ]);
        assert_eq!(lines, ["only the key of company acme is rejected: it is that company's, the others work"]);
        let lines = told(&[("a", &[("global", 3, GOOD), ("company:acme", 1, BAD), ("company:beta", 1, BAD)])]);
        assert_eq!(
            lines,
            ["only the keys of company acme and company beta are rejected: they are their own, the others work"]
        );
        let lines = told(&[
            ("a", &[("company:acme", 1, BAD)]),
            ("b", &[("company:acme", 1, BAD)]),
            ("c", &[("global", 3, GOOD), ("company:beta", 1, Verdict::Fault)]),
        ]);
        assert_eq!(lines, ["only the key of company acme is rejected: it is that company's, others work"]);
    }

    #[test]
    fn one_nodes_own_key_is_that_nodes() {
        let lines = told(&[("a", &[("node:a", 1, BAD), ("company:beta", 1, GOOD)]), ("b", &[("global", 3, GOOD)])]);
        assert_eq!(lines, ["only the key of node a is rejected: it is that node's, the others work"]);
    }

    #[test]
    fn a_company_is_not_blamed_alone_while_the_common_key_is_rejected_too() {
        let lines = told(&[
            ("a", &[("global", 3, BAD), ("company:acme", 1, BAD), ("company:beta", 1, GOOD)]),
            ("b", &[("global", 3, BAD)]),
        ]);
        assert_eq!(
            lines,
            [
                "the key openai/api_key (global, version 3) is rejected on all 2 nodes that use it: replace it",
                "the key openai/api_key (company:acme, version 1) is rejected on a, where other keys are accepted: replace it",
            ]
        );
    }

    #[test]
    fn a_node_that_still_uses_an_old_version_has_not_heard_of_the_change() {
        let lines = told(&[("a", &[("global", 4, GOOD)]), ("pod1", &[("global", 3, BAD)])]);
        assert_eq!(
            lines,
            [
                "version 3 of openai/api_key (global) is rejected on pod1 and version 4 is accepted elsewhere: the change has \
              not arrived there"
            ]
        );
    }

    #[test]
    fn nothing_is_said_where_the_keys_do_not_tell() {
        let none = [""; 0];
        assert_eq!(told(&[("a", &[("global", 3, BAD)])]), none, "one node with one key: it may be either");
        assert_eq!(
            told(&[("a", &[("company:acme", 1, BAD)]), ("b", &[("global", 3, GOOD)])]),
            none,
            "or the address of a"
        );
        assert_eq!(told(&[("a", &[("node:a", 1, BAD)]), ("b", &[("global", 3, GOOD)])]), none);
        assert_eq!(told(&[("a", &[("global", 3, GOOD)]), ("b", &[("global", 3, Verdict::Throttled)])]), none);
        assert_eq!(told(&[("a", &[("global", 3, GOOD)]), ("b", &[("global", 4, BAD)])]), none, "a new key on one node");
        assert_eq!(told(&[]), none);
    }
}
