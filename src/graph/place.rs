//! The order of walks.

use std::collections::BinaryHeap;

use super::Graph;

/// A node's place in the order of walks: by generation, then timestamp, then digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place<N, D> {
    pub(super) generation: u32,
    pub(super) timestamp: u64,
    pub(super) digest: D,
    pub(super) node: N,
    /// The steps of a walk to it.
    pub(super) depth: u32,
}

impl<N: Copy + Ord, D> Place<N, D> {
    pub(super) fn of<'a, G>(graph: &'a G, node: N, depth: u32) -> Self
    where
        G: Graph<Node = N, Name<'a> = D>,
    {
        Place {
            generation: graph.generation(node),
            timestamp: graph.timestamp(node),
            digest: graph.digest(node),
            node,
            depth,
        }
    }
}

/// Sorts, in less code than sorting well takes: it is read by every browser.
pub(super) fn sorted<N: Ord, D: Ord>(places: BinaryHeap<Place<N, D>>) -> Vec<Place<N, D>> {
    places.into_sorted_vec()
}
