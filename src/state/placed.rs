//! Nodes by slot, and their blocks.

use crate::arena::{Arena, Location, Record};
use crate::chunked::Chunked;
use crate::digest::Digest;
use crate::layout::Tail;
use crate::state_trie::Nodes;

/// One node. Slots are numbered in the order of insertion and not used twice, so that their order *is*
/// the insertion order; a slot whose node was removed stays empty until the whole is rebuilt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) location: Location,
    /// Its first link to a parent; the others follow, up to where those of the next slot begin.
    pub(super) first_edge: u32,
    /// The newest link from a child to it.
    pub(super) newest_child: u32,
    pub(super) generation: u32,
    /// A node far down its spine; see `graph/ancestry.rs`.
    pub(super) jump: u32,
    pub(super) scope: u32,
    /// Children in the store, and those of them in the same scope.
    pub(super) children: u32,
    pub(super) children_in_scope: u32,
}

/// Nodes, and where they stand in memory: what the state trie asks about its leaves.
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub(super) arena: Arena,
    pub(super) slots: Chunked<Slot>,
}

impl Placed {
    #[inline]
    pub(super) fn slot(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(super) fn record(&self, slot: u32) -> Record<'_> {
        self.arena.get(self.slot(slot).location)
    }

    #[inline]
    pub(super) fn digest(&self, slot: u32) -> &Digest {
        self.arena.digest(self.slot(slot).location)
    }

    #[inline]
    pub(super) fn tail(&self, slot: u32) -> Tail<'_> {
        // It was read when the node came in, so it can be read.
        let tail = Tail::read(self.record(slot).tail());
        tail.unwrap_or(Tail { timestamp: 0, event_type: b"" })
    }
}

impl Nodes for Placed {
    #[inline]
    fn key(&self, slot: u32) -> (u64, &Digest) {
        (self.tail(slot).timestamp, self.digest(slot))
    }

    fn event_type(&self, slot: u32) -> &[u8] {
        self.tail(slot).event_type
    }
}
