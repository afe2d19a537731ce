//! The rules about one principal, laid out so that a question meets only those that could speak about it: by capability,
//! then by the service their patterns name. A thousand grants to one group cost a decision no more than ten.

use std::collections::{BTreeSet, HashMap};

use crate::model::actions::Capability;
use crate::model::name::ServiceName;

use super::rule::Rule;

/// The rules about one principal.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf {
    /// All of them, in the order in which they were laid out.
    rules: Vec<Rule>,
    by_capability: HashMap<Capability, Drawer>,
}

/// The places of the rules about one capability, each list in order.
#[derive(Debug, Clone, Default)]
struct Drawer {
    all: Vec<usize>,
    /// Those of which a pattern could cover any service.
    of_any: Vec<usize>,
    /// Those of which a pattern names a service, and none covers any.
    of_service: HashMap<ServiceName, Vec<usize>>,
}

impl Shelf {
    /// Adds a rule behind the others.
    pub(super) fn add(&mut self, rule: Rule) {
        let at = self.rules.len();
        let services: Option<BTreeSet<ServiceName>> = rule
            .reach
            .secrets
            .iter()
            .map(|glob| glob.service().and_then(|text| ServiceName::parse(text).ok()))
            .collect();
        for &capability in &rule.capabilities {
            let drawer = self.by_capability.entry(capability).or_default();
            drawer.all.push(at);
            match &services {
                None => drawer.of_any.push(at),
                Some(services) => {
                    for service in services {
                        drawer.of_service.entry(service.clone()).or_default().push(at);
                    }
                }
            }
        }
        self.rules.push(rule);
    }

    /// All rules, in order.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The rules about a capability that could cover a secret of the service, in order; all about the capability when the
    /// question is about no secret.
    pub(super) fn about(&self, capability: Capability, service: Option<&ServiceName>) -> impl Iterator<Item = &Rule> {
        let drawer = self.by_capability.get(&capability);
        let (left, right): (&[usize], &[usize]) = match (drawer, service) {
            (None, _) => (&[], &[]),
            (Some(drawer), None) => (&drawer.all, &[]),
            (Some(drawer), Some(service)) => {
                (&drawer.of_any, drawer.of_service.get(service).map_or(&[], |places| places.as_slice()))
            }
        };
        merged(left, right).filter_map(|at| self.rules.get(at))
    }
}

/// Two lists in order, as one.
fn merged<'a>(left: &'a [usize], right: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    let (mut left, mut right) = (left.iter().copied().peekable(), right.iter().copied().peekable());
    std::iter::from_fn(move || match (left.peek(), right.peek()) {
        (Some(one), Some(other)) if other < one => right.next(),
        (Some(_), _) => left.next(),
        (None, _) => right.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::rulebook::Rulebook;
    use super::*;
    use crate::model::article::Article;
    use crate::model::glob::SecretGlob;
    use crate::model::grant::Grant;
    use crate::model::name::GrantName;
    use crate::model::principal::Principal;
    use crate::model::reach::Reach;
    use crate::model::time::Timestamp;
    use crate::policy::starting::starting;

    fn found(patterns: &[&[&str]], capability: Capability, service: Option<&str>) -> Vec<String> {
        let [_, sample] = starting(Timestamp(0));
        let grants = patterns.iter().zip(1..).map(|(globs, number)| Grant {
            name: GrantName::parse(&format!("g{number}")).expect("name"),
            reach: Reach {
                secrets: globs.iter().map(|glob| SecretGlob::parse(glob).expect(glob)).collect(),
                ..Reach::everything()
            },
            ..sample.clone()
        });
        let book = Rulebook::new(grants.map(Article::Grant));
        let service = service.map(|text| ServiceName::parse(text).expect(text));
        let rules = book.speaking(std::slice::from_ref(&Principal::SocketGroup), capability, service.as_ref());
        rules.map(|rule| rule.name.to_string()).collect()
    }

    #[test]
    fn a_question_meets_the_rules_that_could_speak_about_it_in_their_order() {
        let patterns: &[&[&str]] =
            &[&["openai/*"], &["*"], &["hubspot/*", "openai/a"], &["open*/*"], &["stripe/*"], &["stripe/*", "*/x"]];
        let read = |service| found(patterns, Capability::DataRead, service);
        assert_eq!(read(Some("openai")), ["g1", "g2", "g3", "g4", "g6"]);
        assert_eq!(read(Some("stripe")), ["g2", "g4", "g5", "g6"]);
        assert_eq!(read(Some("other")), ["g2", "g4", "g6"]);
        assert_eq!(read(None), ["g1", "g2", "g3", "g4", "g5", "g6"]);
        assert!(found(patterns, Capability::DataWrite, Some("openai")).is_empty());
    }
}
