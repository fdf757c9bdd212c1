//! Checking everything anew.

use std::ops::Range;

use super::placed::Slot;
use super::{NONE, State};
use crate::id;
use crate::plan::Present as _;
use crate::state_trie::StateTrie;
use crate::{DagError, DagNode, ErrorKind, Limits, Result, Verified};

impl State {
    pub(crate) fn slots(&self) -> usize {
        self.placed.slots.len()
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Checks the blocks and links of these slots; gives how many nodes and links there were.
    pub(crate) fn verify_slots(&self, slots: Range<usize>, limits: &Limits) -> Result<(u64, u64)> {
        let (mut nodes, mut links) = (0, 0);
        for slot in slots.filter(|slot| *slot < self.slots() && self.is_there(*slot)) {
            let number = u32::try_from(slot).unwrap_or(NONE);
            let record = self.placed.record(number);
            let corrupt = |what: &str| {
                DagError::new(ErrorKind::Corrupt, what).with_cid(id::cid_of(record.digest))
            };
            let node = DagNode::decode_with(record.block, limits)
                .map_err(|error| corrupt("a stored block is not a node's").with_source(error))?;
            if node.digest() != record.digest {
                return Err(corrupt("a stored block does not hash to its CID"));
            }
            if !self.parent_digests(number).eq(node.parent_digests()) {
                return Err(corrupt("the links of a stored node are not those in its block"));
            }
            if !self.is_linked_well(number) {
                return Err(corrupt("the indexes of a stored node are not those of its links"));
            }
            if self.slot(record.digest) != Some(number) {
                return Err(corrupt("a stored node can't be found by its CID"));
            }
            nodes += 1;
            links += node.parent_digests().len() as u64;
        }
        Ok((nodes, links))
    }

    /// Whether a node's generation and children are what the links to and from it say.
    fn is_linked_well(&self, slot: u32) -> bool {
        let Slot { generation, scope, children, children_in_scope, .. } = *self.placed.slot(slot);
        let above = self.parents(slot).map(|parent| self.placed.slot(parent).generation + 1);
        let in_scope = |child: &u32| self.placed.slot(*child).scope == scope;
        generation == above.max().unwrap_or(0)
            && children as usize == self.children_of(slot).count()
            && children_in_scope as usize == self.children_of(slot).filter(in_scope).count()
    }

    /// Checks the state hash against one of a trie made from nothing but the blocks.
    pub(crate) fn verify_state_hash(&mut self, nodes: u64, links: u64) -> Result<Verified> {
        let mut fresh = StateTrie::default();
        for slot in (0..self.slots()).filter(|slot| self.is_there(*slot)) {
            let number = u32::try_from(slot).unwrap_or(NONE);
            let name = std::str::from_utf8(self.placed.tail(number).scope_id).unwrap_or_default();
            let scope = fresh.scope_or_new(name);
            fresh.insert(scope, number, &self.placed);
        }
        let state_hash = self.state_hash();
        if fresh.state_hash(&self.placed) != state_hash {
            return Err(DagError::new(
                ErrorKind::Corrupt,
                "the state hash is not that of the blocks in the store",
            ));
        }
        Ok(Verified { nodes, links, state_hash })
    }
}
