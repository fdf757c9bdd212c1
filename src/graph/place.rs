//! The order of walks.

use std::collections::BinaryHeap;

use super::Graph;
use crate::digest::Digest;

/// A node's place in the order of walks: by generation, then timestamp, then digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place<'a, N> {
    pub(super) generation: u32,
    pub(super) timestamp: u64,
    pub(super) digest: &'a Digest,
    pub(super) node: N,
    /// The steps of a walk to it.
    pub(super) depth: u32,
}

impl<'a, N: Copy + Ord> Place<'a, N> {
    pub(super) fn of<G: Graph<Node = N>>(graph: &'a G, node: N, depth: u32) -> Self {
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
pub(super) fn sorted<N: Ord>(places: BinaryHeap<Place<'_, N>>) -> Vec<Place<'_, N>> {
    places.into_sorted_vec()
}
