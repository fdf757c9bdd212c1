//! What questions about the graph see of the DAG in memory.

use super::{ANSWER, State};
use crate::digest::Digest;
use crate::graph::Graph;
use crate::layout::Tail;
use crate::pace::Pace;
use crate::plan::Present;
use crate::platform;
use crate::walk::WalkQuery;
use crate::{Cid, Result};

impl Graph for State {
    type Node = u32;
    type Name<'a> = &'a Digest;

    fn find(&self, digest: &Digest) -> Option<u32> {
        self.slot(digest)
    }

    fn digest(&self, slot: u32) -> &Digest {
        self.placed.digest(slot)
    }

    fn timestamp(&self, slot: u32) -> u64 {
        self.placed.tail(slot).timestamp
    }

    fn generation(&self, slot: u32) -> u32 {
        self.placed.slot(slot).generation
    }

    fn parents(&self, slot: u32) -> impl Iterator<Item = u32> {
        Present::parents(self, slot)
    }

    fn children(&self, slot: u32) -> impl Iterator<Item = u32> {
        self.children_of(slot)
    }

    fn degrees(&self, slot: u32) -> (usize, usize) {
        (self.edges_of(slot).len(), self.placed.slot(slot).children as usize)
    }

    fn jump(&self, slot: u32) -> u32 {
        self.placed.slot(slot).jump
    }

    fn nodes(&self, scope_id: Option<&str>) -> impl Iterator<Item = u32> {
        self.slots_of(scope_id)
    }

    fn passes(&self, slot: u32, query: &WalkQuery) -> bool {
        let WalkQuery { scope_id, event_types, since, until, .. } = query;
        let scope = self.placed.slot(slot).scope;
        if scope_id.as_ref().is_some_and(|name| self.trie.scope(name) != Some(scope)) {
            return false;
        }
        if since.is_none() && until.is_none() && event_types.is_empty() {
            return true;
        }
        let Tail { timestamp, event_type, .. } = self.placed.tail(slot);
        since.is_none_or(|since| timestamp >= since)
            && until.is_none_or(|until| timestamp <= until)
            && (event_types.is_empty()
                || event_types.iter().any(|wanted| wanted.as_str().as_bytes() == event_type))
    }
}

impl State {
    /// Where a node jumps to whose spine goes on with this parent: as far again as the parent's last two
    /// jumps, if these are equally long, else to the parent. So from any node to any other on its
    /// spine it is a logarithm of the steps between them.
    pub(super) fn jump_over(&self, parent: u32) -> u32 {
        let slot = |slot| self.placed.slot(slot);
        let first = slot(parent).jump;
        let second = slot(first).jump;
        let length = slot(parent).generation - slot(first).generation;
        if length == slot(first).generation - slot(second).generation { second } else { parent }
    }

    /// The slots of the store's nodes, or of a scope's.
    fn slots_of(&self, scope_id: Option<&str>) -> impl Iterator<Item = u32> {
        let scope = scope_id.map(|name| self.trie.scope(name));
        self.placed.slots.iter().zip(0..).filter_map(move |(placed, slot)| {
            let of_scope = scope.is_none_or(|scope| scope == Some(placed.scope));
            (of_scope && self.is_there(slot as usize)).then_some(slot)
        })
    }

    pub(crate) async fn children_in_order(&self, slot: u32, pace: &mut Pace) -> Result<Vec<Cid>> {
        let count = self.placed.slot(slot).children as usize;
        platform::reserve(count * (size_of::<Cid>() + ANSWER))?;
        let mut children = Vec::with_capacity(count);
        for child in self.children_of(slot) {
            children.push(self.cid(child));
            pace.worked(1).await?;
        }
        children.reverse();
        Ok(children)
    }

    /// The nodes without parents in the store or, of a scope, the scope's without parents in it.
    pub(crate) async fn roots(&self, scope_id: Option<&str>, pace: &mut Pace) -> Result<Vec<Cid>> {
        let mut roots = Vec::new();
        for (slot, looked_at) in self.slots_of(scope_id).zip(0_usize..) {
            let scope = self.placed.slot(slot).scope;
            let counts = |parent| scope_id.is_none() || self.placed.slot(parent).scope == scope;
            if !Present::parents(self, slot).any(counts) {
                if roots.len() == roots.capacity() {
                    platform::reserve(2 * roots.len() * (size_of::<Cid>() + ANSWER))?;
                }
                roots.push(self.cid(slot));
            }
            pace.worked(usize::from(looked_at % 4 == 0)).await?;
        }
        Ok(roots)
    }
}
