//! Nodes to try things with, and dice that fall the same way every time.

use std::sync::Arc;

use super::failure::Outcome;
use crate::{Changes, Cid, DagEventType, DagNode, DagStore};

/// The scope of nodes whose scope doesn't matter.
pub(super) const SCOPE: &str = "conformance";

/// A node without parents, told apart from others by its name.
pub(super) fn root(name: &str) -> Outcome<DagNode> {
    child(name, &[])
}

/// A node with these parents.
pub(super) fn child(name: &str, parents: &[&DagNode]) -> Outcome<DagNode> {
    event(SCOPE, 0, &DagEventType::Receipt, name, parents)
}

/// A node in full.
pub(super) fn event(
    scope: &str,
    timestamp: u64,
    event_type: &DagEventType,
    name: &str,
    parents: &[&DagNode],
) -> Outcome<DagNode> {
    Ok(DagNode::builder()
        .content(name)
        .event_type(event_type.clone())
        .scope_id(scope)
        .timestamp(timestamp)
        .parents(cids(parents.iter().copied())?)
        .build()?)
}

/// A chain of this many nodes: each the parent of the next.
pub(super) fn chain(name: &str, length: usize) -> Outcome<Vec<DagNode>> {
    let mut nodes: Vec<DagNode> = Vec::with_capacity(length);
    for link in 0..length {
        let parents: Vec<&DagNode> = nodes.last().into_iter().collect();
        let node = child(&format!("{name} {link}"), &parents)?;
        nodes.push(node);
    }
    Ok(nodes)
}

/// This many nodes without parents.
pub(super) fn roots(name: &str, count: usize) -> Outcome<Vec<DagNode>> {
    (0..count).map(|i| root(&format!("{name} {i}"))).collect()
}

/// The CIDs of these nodes.
pub(super) fn cids<'a>(nodes: impl IntoIterator<Item = &'a DagNode>) -> Outcome<Vec<Cid>> {
    nodes.into_iter().map(|node| Ok(node.cid()?)).collect()
}

/// Changes that insert these nodes, staged in this order.
pub(super) fn inserts<'a>(nodes: impl IntoIterator<Item = &'a DagNode>) -> Changes {
    let mut changes = Changes::new();
    for node in nodes {
        changes.insert(node.clone());
    }
    changes
}

/// Changes that remove these nodes, staged in this order.
pub(super) fn removals<'a>(nodes: impl IntoIterator<Item = &'a DagNode>) -> Outcome<Changes> {
    let mut changes = Changes::new();
    for node in nodes {
        changes.remove(node.cid()?)?;
    }
    Ok(changes)
}

/// Puts these nodes into the store, in one commit.
pub(super) async fn fill<'a>(
    store: &Arc<dyn DagStore>,
    nodes: impl IntoIterator<Item = &'a DagNode>,
) -> Outcome {
    let changes = inserts(nodes);
    store.commit(changes).await?;
    Ok(())
}

/// The scopes of [`dag`].
pub(super) const SCOPES: [&str; 3] = ["assembly", "assembly/2", "Ωmega"];

/// A DAG with all that lists and heads tell apart: several scopes and types, equal timestamps that
/// don't follow the order of arrival, up to three parents, some in other scopes. Parents come first.
pub(super) fn dag(dice: &mut Dice, count: usize) -> Outcome<Vec<DagNode>> {
    let types = [
        DagEventType::Proposal,
        DagEventType::Vote,
        DagEventType::Anchor,
        DagEventType::Custom("ballot-opened".to_owned()),
    ];
    let mut nodes: Vec<DagNode> = Vec::with_capacity(count);
    for i in 0..count {
        let mut parents: Vec<&DagNode> = Vec::new();
        for _ in 0..[0, 0, 0, 1, 1, 2, 3][dice.below(7)].min(i) {
            let parent = &nodes[dice.below(i)];
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        let scope = SCOPES[dice.below(SCOPES.len())];
        let event_type = &types[dice.below(types.len())];
        let time = dice.below(8) as u64 * 1_000;
        let node = event(scope, time, event_type, &format!("node {i}"), &parents)?;
        nodes.push(node);
    }
    Ok(nodes)
}

/// `SplitMix64`: the same throws for the same seed, on every platform.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        #[allow(clippy::cast_possible_truncation, reason = "it is less than `bound`")]
        let number = (self.next() % bound as u64) as usize;
        number
    }

    /// Puts these in another order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
