//! What the state trie knows without a walk over its nodes: counts, and what stands where.

use std::ops::{Bound, Range, RangeInclusive};

use dag_store_verify::NodeKey;

use super::{NODE_KEY, NodeLeaves, Nodes, Scope, ScopeLeaves, StateTrie, node_key};
use crate::trie::{Link, Top};
use crate::{TreeAddress, TreePart};

impl StateTrie {
    /// The indexes of all scopes that have, or once had, a node.
    pub(crate) fn scopes(&self) -> Range<u32> {
        0..u32::try_from(self.scopes.len()).unwrap_or(u32::MAX)
    }

    /// The scopes that have nodes, by name, from the first one after this name on; and how many nodes.
    pub(crate) fn scopes_after(&self, after: Option<&str>) -> impl Iterator<Item = (&str, u64)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let scopes = self.by_name.range::<str, _>((from, Bound::Unbounded));
        let counted = scopes.map(|(name, scope)| (&**name, self.scope_len(*scope)));
        counted.filter(|(_, nodes)| *nodes > 0)
    }

    /// How many nodes of a scope are of this range of time.
    pub(crate) fn count_between(
        &self,
        scope: u32,
        times: &RangeInclusive<u64>,
        nodes: &impl Nodes,
    ) -> u32 {
        if times.is_empty() {
            return 0;
        }
        let root = self.scopes[scope as usize].root;
        let before = |time| {
            let key = node_key(time, &[0; 32]);
            if time == 0 { 0 } else { self.nodes.count_before(root, &key, &NodeLeaves(nodes)) }
        };
        let until = times.end().checked_add(1).map_or_else(|| self.nodes.count(root), before);
        until - before(*times.start())
    }

    /// What stands in this place of the tree. The state hash must be known.
    pub(crate) fn part(&self, place: &TreeAddress, nodes: &impl Nodes) -> TreePart {
        let bits = place.bits();
        if let Some(name) = place.scope_id() {
            let root = self.scope(name).map_or(Link::NONE, |at| self.scopes[at as usize].root);
            match self.nodes.top(root, place.prefix(), bits, &NodeLeaves(nodes)) {
                Top::Nothing => TreePart::Nothing,
                Top::Inner { bit, prefix, count, children } => {
                    TreePart::Inner { bits: bit, prefix, nodes: count.into(), children }
                }
                Top::Leaf(slot) => {
                    let (timestamp, digest) = nodes.key(slot);
                    // It is text, as the node's block is checked.
                    let event_type = str::from_utf8(nodes.event_type(slot)).unwrap_or_default();
                    let key = NodeKey { timestamp, digest: *digest };
                    TreePart::Node { key, event_type: event_type.into() }
                }
            }
        } else {
            let mut beginning = [0; 32];
            beginning.copy_from_slice(&place.prefix()[..32]);
            match self.outer.top(self.outer_root, &beginning, bits, &ScopeLeaves(&self.scopes)) {
                Top::Nothing => TreePart::Nothing,
                Top::Inner { bit, prefix: shared, count, children } => {
                    let mut prefix = [0; NODE_KEY];
                    prefix[..32].copy_from_slice(&shared);
                    TreePart::Inner { bits: bit, prefix, nodes: count.into(), children }
                }
                Top::Leaf(scope) => {
                    let Scope { name, root, count, .. } = &self.scopes[scope as usize];
                    let root = self.nodes.hash_of(*root, &NodeLeaves(nodes));
                    let nodes = u64::from(*count);
                    TreePart::Scope { scope_id: name.as_ref().to_owned(), nodes, root }
                }
            }
        }
    }
}
