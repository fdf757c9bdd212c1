//! A shortest path.

use std::collections::{BTreeMap, VecDeque};

use super::Graph;
use super::ancestry::is_ancestor;
use crate::Result;
use crate::pace::Pace;
use crate::platform;

/// After so many nodes memory is asked for again.
const PIECE: usize = 1 << 10;
/// Bytes that it takes to remember a node, at most.
const SEEN: usize = 64;

/// A shortest path from one node to another, both included: from child to parent all along, or from
/// parent to child; `None` where neither is an ancestor of the other.
///
/// Of several it is, seen from the descendant, the one that takes the first parent as early as it can:
/// which one that is, the nodes' bytes alone decide.
pub(crate) async fn path<G: Graph>(
    graph: &G,
    from: G::Node,
    to: G::Node,
    pace: &mut Pace,
) -> Result<Option<Vec<G::Node>>> {
    let upwards = graph.generation(from) < graph.generation(to);
    let (ancestor, descendant) = if upwards { (from, to) } else { (to, from) };
    if !is_ancestor(graph, ancestor, descendant, pace).await? {
        return Ok(None);
    }
    let lowest = graph.generation(ancestor);
    // Breadth first, with parents in their order: the first way that comes to a node is the shortest,
    // and of those the first.
    let mut came_from = BTreeMap::new();
    let mut coming = VecDeque::from([descendant]);
    while !came_from.contains_key(&ancestor)
        && let Some(node) = coming.pop_front()
    {
        let mut worked = 1;
        for parent in graph.parents(node) {
            worked += 1;
            let leads_there = parent == ancestor || graph.generation(parent) > lowest;
            if !leads_there || came_from.contains_key(&parent) {
                continue;
            }
            if came_from.len() % PIECE == 0 {
                platform::reserve(PIECE * SEEN + 2 * coming.len() * size_of::<G::Node>())?;
            }
            came_from.insert(parent, node);
            coming.push_back(parent);
        }
        pace.worked(worked).await?;
    }
    let mut path = vec![ancestor];
    while let Some(node) = path.last().and_then(|last| came_from.get(last)) {
        path.push(*node);
        pace.worked(1).await?;
    }
    if !upwards {
        path.reverse();
    }
    Ok(Some(path))
}
