//! What a search has come to, and will go on from.

use std::collections::BinaryHeap;

use super::Graph;
use crate::platform;
use crate::{DagError, ErrorKind, Result};

/// Which way a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the parents, the highest generation first.
    Down,
    /// To the children, the lowest generation first.
    Up,
}

impl Way {
    /// Higher for what is to be taken first.
    pub(super) fn rank(self, generation: u32) -> u32 {
        match self {
            Way::Down => generation,
            Way::Up => !generation,
        }
    }
}

/// A node that a search has come to, by one of the ways there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark<N> {
    pub(super) rank: u32,
    pub(super) node: N,
    /// What is known about it; each search has bits of its own.
    pub(super) bits: u32,
    /// The steps that it took, on the shortest of the ways.
    pub(super) depth: u32,
}

/// The nodes that a search has come to and not yet taken.
///
/// It holds a node as often as there are edges to it from what was taken, so it is as large as the
/// widest cut through the edges, whatever the length of the search.
#[derive(Debug)]
pub(super) struct Frontier<N> {
    pub(super) way: Way,
    marks: BinaryHeap<Mark<N>>,
}

impl<N: Copy + Ord> Frontier<N> {
    pub(super) fn new(way: Way) -> Self {
        Frontier { way, marks: BinaryHeap::new() }
    }

    pub(super) fn push(
        &mut self,
        graph: &impl Graph<Node = N>,
        node: N,
        bits: u32,
        depth: u32,
    ) -> Result<()> {
        self.push_mark(Mark { rank: self.way.rank(graph.generation(node)), node, bits, depth })
    }

    pub(super) fn push_mark(&mut self, mark: Mark<N>) -> Result<()> {
        if self.marks.len() == self.marks.capacity() {
            platform::reserve(2 * self.marks.len() * size_of::<Mark<N>>())?;
        }
        self.marks.push(mark);
        Ok(())
    }

    /// The node to be taken next.
    pub(super) fn peek(&self) -> Option<&Mark<N>> {
        self.marks.peek()
    }

    /// Takes the next node, with what is known about it by all ways: all bits, and the least depth.
    /// `each` sees every mark that goes into that.
    pub(super) fn pop(&mut self, mut each: impl FnMut(&Mark<N>)) -> Option<Mark<N>> {
        let mut taken = self.marks.pop()?;
        each(&taken);
        while let Some(again) = self.marks.peek().filter(|again| again.node == taken.node) {
            each(again);
            taken.bits |= again.bits;
            taken.depth = taken.depth.min(again.depth);
            self.marks.pop();
        }
        Some(taken)
    }
}

/// The error of a call that names no node where it must.
pub(super) fn no_nodes() -> DagError {
    DagError::new(ErrorKind::InvalidArgument, "name at least one node")
}
