//! The best common ancestors.

use super::Graph;
use super::ancestry::is_ancestor;
use super::frontier::{Frontier, Way, no_nodes};
use super::place::{Place, sorted};
use crate::Result;
use crate::pace::Pace;

/// An ancestor of the one side, of the other side, and of a common ancestor that is better.
const LEFT: u32 = 1;
const RIGHT: u32 = 2;
const STALE: u32 = 4;
const COMMON: u32 = LEFT | RIGHT;

/// The common ancestors of all these nodes that are no ancestors of other such ones: the highest
/// generation first, then the latest, then the highest digest.
///
/// It takes the nodes one by one. What is common to those before is all that descends to their best
/// common ancestors, so only these need to be compared with the next one.
pub(crate) async fn merge_bases<G: Graph>(
    graph: &G,
    nodes: &[G::Node],
    pace: &mut Pace,
) -> Result<Vec<G::Node>> {
    let (first, others) = nodes.split_first().ok_or_else(no_nodes)?;
    let mut bases = vec![*first];
    for node in others {
        bases = common(graph, &bases, *node, pace).await?;
    }
    let places = bases.iter().map(|base| Place::of(graph, *base, 0)).collect();
    Ok(sorted(places).iter().rev().map(|place| place.node).collect())
}

/// The best common ancestors of a node and of any of the others.
async fn common<G: Graph>(
    graph: &G,
    left: &[G::Node],
    right: G::Node,
    pace: &mut Pace,
) -> Result<Vec<G::Node>> {
    if let [left] = *left {
        let [lower, higher] = if graph.generation(left) < graph.generation(right) {
            [left, right]
        } else {
            [right, left]
        };
        if is_ancestor(graph, lower, higher, pace).await? {
            return Ok(vec![lower]);
        }
    }
    let mut frontier = Frontier::new(Way::Down);
    // Of the marks in the frontier, those that only one side has come to.
    let [mut only_left, mut only_right] = [left.len(), 1];
    for node in left {
        frontier.push(graph, *node, LEFT, 0)?;
    }
    frontier.push(graph, right, RIGHT, 0)?;
    let mut bases = Vec::new();
    // Where one side has nothing left of its own, all that may come is an ancestor of what was found.
    while only_left > 0 && only_right > 0 {
        let taken = frontier.pop(|mark| {
            only_left -= usize::from(mark.bits == LEFT);
            only_right -= usize::from(mark.bits == RIGHT);
        });
        let Some(taken) = taken else { break };
        let mut bits = taken.bits;
        if bits == COMMON {
            bases.push(taken.node);
            bits |= STALE;
        }
        let mut worked = 1;
        for parent in graph.parents(taken.node) {
            only_left += usize::from(bits == LEFT);
            only_right += usize::from(bits == RIGHT);
            frontier.push(graph, parent, bits, 0)?;
            worked += 1;
        }
        pace.worked(worked).await?;
    }
    Ok(bases)
}
