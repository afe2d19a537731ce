//! Where the fault is, for people, where comparing the nodes tells: whether it is the key, a node, the provider, or the way
//! to it. Where it does not tell, nothing is said: a wrong hint costs more time than none.

use std::collections::BTreeSet;

use super::key_diagnosis::keys;
use super::summary::{Line, Source};
use crate::model::connectivity::{ApiState, Cause, PathFault, Verdict};
use crate::model::name::NodeName;

/// Most lines about one API: the first say most.
const LINES_MAX: usize = 8;

/// Most names in one line; of the others only the number is told.
const NAMES_MAX: usize = 3;

/// What the lines about one API tell together, the widest fault first. Monitors and what is old are not compared.
#[must_use]
pub fn diagnose(lines: &[Line]) -> Vec<String> {
    let nodes: Vec<&Line> = lines.iter().filter(|line| line.source == Source::Node && !line.stale).collect();
    let mut said: Vec<String> = paths(&nodes).into_iter().chain(provider(&nodes)).chain(absent(&nodes)).collect();
    said.extend(keys(&nodes));
    said.truncate(LINES_MAX);
    said
}

/// Who reaches the host, and who does not.
fn paths(nodes: &[&Line]) -> Option<String> {
    let failing: Vec<(&Line, PathFault)> =
        nodes.iter().filter_map(|line| Some((*line, down_by(line)?.path_fault()?))).collect();
    let names: BTreeSet<&NodeName> = failing.iter().map(|(line, _)| &line.node).collect();
    let faults: BTreeSet<&str> = failing.iter().map(|(_, fault)| fault.as_str()).collect();
    let faults = faults.into_iter().collect::<Vec<_>>().join(", ");
    match (names.len(), nodes.len()) {
        (0, _) | (_, 0 | 1) => None,
        (failing, all) if failing == all => {
            Some(format!("every node fails to reach it ({faults}): it is the provider or the way out of the site"))
        }
        (1, _) => Some(format!("only {} fails to reach it ({faults}): it is that node's", listed(&names))),
        (failing, all) if failing * 2 <= all => {
            Some(format!("only {} fail to reach it ({faults}): it is those nodes'", listed(&names)))
        }
        (failing, all) => {
            let reaching: BTreeSet<&NodeName> =
                nodes.iter().map(|line| &line.node).filter(|node| !names.contains(node)).collect();
            let verb = if reaching.len() == 1 { "reaches" } else { "reach" };
            let reaching = listed(&reaching);
            Some(format!(
                "{failing} of {all} nodes fail to reach it ({faults}), {reaching} {verb} it: it is the way out of those that fail"
            ))
        }
    }
}

/// Whether every node is answered with a fault.
fn provider(nodes: &[&Line]) -> Option<String> {
    let all = nodes.len() > 1 && nodes.iter().all(|line| down_by(line) == Some(Cause::ProviderFault));
    all.then(|| "every node reaches it and is answered with a fault: it is the provider".to_owned())
}

/// Who has nothing to call it with, while others have.
fn absent(nodes: &[&Line]) -> Option<String> {
    let without: BTreeSet<&NodeName> = nodes.iter().filter(|line| has_none(line)).map(|line| &line.node).collect();
    match (without.len(), nodes.len()) {
        (0, _) | (_, 0 | 1) => None,
        (lacking, all) if lacking == all => Some(format!("none of the {all} nodes has a credential: store one")),
        (1, _) => Some(format!("only {} has no credential: look at what it is entitled to", listed(&without))),
        (lacking, _) => Some(format!(
            "{lacking} nodes have no credential ({}): look at what they are entitled to",
            listed(&without)
        )),
    }
}

/// Whether a node looked for credentials of its own and found none.
fn has_none(line: &Line) -> bool {
    let mut own = line.keys.iter().filter(|key| key.company.is_none()).peekable();
    own.peek().is_some() && own.all(|key| key.verdict == Some(Verdict::NoCredential))
}

fn down_by(line: &Line) -> Option<Cause> {
    line.cause.filter(|_| line.state == ApiState::Down)
}

/// `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`.
pub(super) fn listed(names: &BTreeSet<&NodeName>) -> String {
    let mut shown: Vec<String> = names.iter().take(NAMES_MAX).map(ToString::to_string).collect();
    match (names.len().saturating_sub(NAMES_MAX), shown.pop()) {
        (_, None) => String::new(),
        (0, Some(last)) if shown.is_empty() => last,
        (0, Some(last)) => format!("{} and {last}", shown.join(", ")),
        (more, Some(last)) => {
            shown.push(last);
            format!("{} and {more} more", shown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fold::fold;
    use super::super::testing::{accepted, checked, key, no_key, node as name, path};
    use super::*;
    use crate::model::api_check::Cell;
    use crate::model::time::Timestamp;

    fn line(node: &str, cell: &Cell) -> Line {
        let folded = fold(cell).expect("a line");
        Line {
            node: name(node),
            source: Source::Node,
            state: folded.state,
            cause: folded.cause,
            detail: folded.detail,
            response_time: folded.response_time,
            checked_at: Timestamp(0),
            stale: false,
            keys: cell.keys.clone(),
        }
    }

    fn good(node: &str) -> Line {
        line(node, &checked(path(None, 1), [accepted("openai/api_key", "global", 3)]))
    }

    fn unreached(node: &str, fault: PathFault) -> Line {
        line(node, &checked(path(Some(fault), 1), [accepted("openai/api_key", "global", 3)]))
    }

    fn bare(node: &str) -> Line {
        line(node, &checked(path(None, 1), [no_key()]))
    }

    fn faulty(node: &str) -> Line {
        line(node, &checked(path(None, 1), [key("openai/api_key", "global", 3, Verdict::Fault)]))
    }

    #[test]
    fn one_node_that_does_not_reach_what_others_do_has_its_own_fault() {
        let lines = [good("a"), unreached("pod1", PathFault::Dns), good("b")];
        assert_eq!(diagnose(&lines), ["only pod1 fails to reach it (dns): it is that node's"]);
        let lines = [good("a"), unreached("p", PathFault::Dns), good("b"), unreached("q", PathFault::Tls)];
        assert_eq!(diagnose(&lines), ["only p and q fail to reach it (dns, tls): it is those nodes'"]);
        let fault = |node| unreached(node, PathFault::Timeout);
        let lines = [good("a"), fault("b"), fault("c"), fault("d"), fault("e")];
        assert_eq!(
            diagnose(&lines),
            ["4 of 5 nodes fail to reach it (timeout), a reaches it: it is the way out of those that fail"]
        );
    }

    #[test]
    fn what_no_node_reaches_is_the_provider_or_the_way_out() {
        let lines = [unreached("a", PathFault::Timeout), unreached("b", PathFault::Timeout)];
        assert_eq!(
            diagnose(&lines),
            ["every node fails to reach it (timeout): it is the provider or the way out of the site"]
        );
    }

    #[test]
    fn what_answers_every_node_with_a_fault_is_at_fault() {
        let told = diagnose(&[faulty("a"), faulty("b")]);
        assert_eq!(told, ["every node reaches it and is answered with a fault: it is the provider"]);
        assert!(diagnose(&[faulty("a"), good("b")]).is_empty(), "one answer may be a server of many");
    }

    #[test]
    fn nodes_without_a_credential_are_named() {
        let entitled = "look at what it is entitled to";
        assert_eq!(diagnose(&[good("a"), bare("b")]), [format!("only b has no credential: {entitled}")]);
        let told = diagnose(&[good("a"), bare("b"), bare("c")]);
        assert_eq!(told, ["2 nodes have no credential (b and c): look at what they are entitled to"]);
        assert_eq!(diagnose(&[bare("b"), bare("c")]), ["none of the 2 nodes has a credential: store one"]);
    }

    #[test]
    fn one_node_alone_tells_nothing_and_nor_does_what_is_old_or_from_a_monitor() {
        let stale = |line: Line| Line { stale: true, ..line };
        let monitor = |line: Line| Line { source: Source::Monitor("user:1".to_owned()), ..line };
        for alone in [good("a"), bare("a"), faulty("a"), unreached("a", PathFault::Dns)] {
            assert_eq!(diagnose(std::slice::from_ref(&alone)), [""; 0]);
            assert_eq!(diagnose(&[alone.clone(), stale(good("b"))]), [""; 0]);
            assert_eq!(diagnose(&[alone, monitor(good("b"))]), [""; 0]);
        }
        assert_eq!(diagnose(&[]), [""; 0]);
        assert_eq!(diagnose(&[good("a"), good("b")]), [""; 0]);
    }

    #[test]
    fn of_many_nodes_only_the_first_are_named() {
        let names: Vec<NodeName> = ["a", "b", "c", "d", "e"].map(name).into();
        let first = |count: usize| listed(&names.iter().take(count).collect());
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(first),
            ["", "a", "a and b", "a, b and c", "a, b, c and 1 more", "a, b, c and 2 more"]
        );
    }
}
