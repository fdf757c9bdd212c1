//! Checking everything anew.

use super::placed::Slot;
use super::{HASHING, NONE, PIECE, PLACING, State};
use crate::id;
use crate::pace;
use crate::plan::Present as _;
use crate::platform;
use crate::state_trie::{StateTrie, node_key};
use crate::{DagError, DagNode, ErrorKind, Limits, Result, StateHash, Verified};

/// Checks a state as it is at one commit, piece by piece: every block and link, and the state hash
/// against one of a trie made from nothing but the blocks.
#[derive(Debug)]
pub(crate) struct Verification {
    sequence: u64,
    next_slot: usize,
    nodes: u64,
    links: u64,
    fresh: StateTrie,
}

/// How far a verification has come.
#[derive(Debug)]
pub(crate) enum Step {
    /// There is more to check, after so many units of work.
    More(usize),
    /// All is in order, if the state hash is this one.
    Done(StateHash),
}

impl Verification {
    pub(crate) fn begin(state: &State) -> Result<Self> {
        let fresh = StateTrie::default();
        let nodes = usize::try_from(state.trie.len()).unwrap_or(usize::MAX);
        // About every fourth inner node keeps its hash.
        platform::reserve(fresh.growth(nodes) + fresh.hashes_growth(nodes / 4))?;
        Ok(Verification { sequence: state.sequence, next_slot: 0, nodes: 0, links: 0, fresh })
    }

    /// Whether nobody has written since it began.
    pub(crate) fn is_of(&self, state: &State) -> bool {
        self.sequence == state.sequence
    }

    /// Units of work that it will come to.
    pub(crate) fn units(state: &State) -> usize {
        state.placed.slots.len() * (2 * PLACING + 2 * HASHING)
            + pace::to_hash(state.placed.arena.bytes())
    }

    /// Checks some more of the state it began with.
    pub(crate) fn go_on(&mut self, state: &State, limits: &Limits) -> Result<Step> {
        let mut worked = 0;
        while self.next_slot < state.placed.slots.len() {
            if worked >= PIECE * PLACING {
                return Ok(Step::More(worked));
            }
            let slot = self.next_slot;
            self.next_slot += 1;
            if !state.is_there(slot) {
                continue;
            }
            let slot = u32::try_from(slot).unwrap_or(NONE);
            let node = state.verify_slot(slot, limits)?;
            let scope = self.fresh.scope_or_new(node.scope_id());
            let key = node_key(node.timestamp(), node.digest());
            self.fresh.insert(scope, slot, &key, &state.placed);
            self.nodes += 1;
            self.links += node.parent_digests().len() as u64;
            worked += 2 * PLACING + pace::to_hash(node.as_bytes().len());
        }
        Ok(match self.fresh.hash_some(PIECE, &state.placed) {
            Some(hash) => Step::Done(hash),
            None => Step::More(HASHING * PIECE),
        })
    }

    /// Ends it, with the state hash that the store gives.
    pub(crate) fn end(self, fresh: StateHash, state_hash: StateHash) -> Result<Verified> {
        if fresh != state_hash {
            return Err(DagError::new(
                ErrorKind::Corrupt,
                "the state hash is not that of the blocks in the store",
            ));
        }
        Ok(Verified { nodes: self.nodes, links: self.links, state_hash })
    }
}

impl State {
    /// Checks the block and the links of the node in this slot.
    fn verify_slot(&self, slot: u32, limits: &Limits) -> Result<DagNode> {
        let record = self.placed.record(slot);
        let corrupt = |what: &str| {
            DagError::new(ErrorKind::Corrupt, what).with_cid(id::cid_of(record.digest))
        };
        let node = DagNode::decode_with(record.block, limits)
            .map_err(|error| corrupt("a stored block is not a node's").with_source(error))?;
        if node.digest() != record.digest {
            return Err(corrupt("a stored block does not hash to its CID"));
        }
        if !self.parent_digests(slot).eq(node.parent_digests()) {
            return Err(corrupt("the links of a stored node are not those in its block"));
        }
        if !self.is_linked_well(slot) {
            return Err(corrupt("the indexes of a stored node are not those of its links"));
        }
        if self.slot(record.digest) != Some(slot) {
            return Err(corrupt("a stored node can't be found by its CID"));
        }
        Ok(node)
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
}
