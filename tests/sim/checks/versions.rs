//! Invariant 3: a node never holds or gives out a version older than one it has held or given out, whatever it forgot
//! meanwhile.

use std::collections::BTreeMap;

use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::Version;
use aurora_mesh::model::secret::ScopedSecret;

/// The highest version of each secret that each node had.
#[derive(Debug, Default)]
pub struct Versions(BTreeMap<NodeName, BTreeMap<ScopedSecret, Version>>);

impl Versions {
    /// A node has this version now.
    pub fn seen(&mut self, node: &NodeName, at: &ScopedSecret, version: Version) -> Result<(), String> {
        let of_node = match self.0.get_mut(node) {
            Some(of_node) => of_node,
            None => self.0.entry(node.clone()).or_default(),
        };
        match of_node.get_mut(at) {
            Some(highest) if version < *highest => {
                Err(format!("{node} had version {highest} of {at}, and has {version} now"))
            }
            Some(highest) => {
                *highest = version;
                Ok(())
            }
            None => {
                of_node.insert(at.clone(), version);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::version;
    use super::*;
    use crate::names::{NODES, PLACES};

    #[test]
    fn an_older_version_on_the_same_node_is_found_and_on_another_it_is_none() {
        let mut versions = Versions::default();
        let mut seen = |node: usize, number| versions.seen(&NODES[node], &PLACES[0], version(number));
        assert_eq!((seen(0, 3), seen(1, 2), seen(0, 3)), (Ok(()), Ok(()), Ok(())));
        assert!(seen(0, 2).is_err());
    }
}
