//! What a set of changes comes to, checked against the store as it is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::digest::Digest;
use crate::id;
use crate::{Change, Changes, DagError, DagNode, ErrorKind, Result};

/// As much of a store as planning needs to see. Slots are how the store numbers its nodes.
pub(crate) trait Present {
    fn slot(&self, digest: &Digest) -> Option<u32>;

    fn parents(&self, slot: u32) -> impl Iterator<Item = u32>;

    /// How many children of this node are in the store.
    fn children(&self, slot: u32) -> u32;
}

/// The net effect of changes that may be applied as they are.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// Nodes to place, in this order: parents first.
    pub(crate) inserts: Vec<Planned<'a>>,
    /// Slots to clear, in staging order.
    pub(crate) removes: Vec<u32>,
}

#[derive(Debug)]
pub(crate) struct Planned<'a> {
    pub(crate) node: &'a DagNode,
    pub(crate) parents: Vec<Parent>,
}

/// Where a parent is, or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// In the store, at this slot.
    Present(u32),
    /// Among the planned inserts, at this index.
    Planned(u32),
}

impl<'a> Plan<'a> {
    /// Checks the changes. `MissingParent` and `HasChildren` name the first node, in staging order,
    /// that they are about; removes are looked at first.
    pub(crate) fn new(changes: &'a Changes, present: &impl Present) -> Result<Self> {
        let mut inserts = Vec::new();
        let mut removes = Vec::new();
        for change in changes.operations() {
            match change {
                Change::Insert(node) => {
                    if present.slot(node.digest()).is_none() {
                        inserts.push(node);
                    }
                }
                Change::Remove(cid) => removes.extend(present.slot(&id::digest_of(cid)?)),
            }
        }
        let cleared = check_removes(&removes, changes, present)?;
        let inserts = parents_first(link(&inserts, &cleared, changes, present)?);
        Ok(Plan { inserts, removes })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inserts.is_empty() && self.removes.is_empty()
    }
}

/// Every child of a removed node must be removed too. Gives the slots that will be cleared.
fn check_removes(
    removes: &[u32],
    changes: &Changes,
    present: &impl Present,
) -> Result<BTreeMap<u32, u32>> {
    let mut children_left = BTreeMap::new();
    children_left.extend(removes.iter().map(|slot| (*slot, present.children(*slot))));
    for parent in removes.iter().flat_map(|slot| present.parents(*slot)) {
        if let Some(left) = children_left.get_mut(&parent) {
            *left -= 1;
        }
    }
    if children_left.values().all(|left| *left == 0) {
        return Ok(children_left);
    }
    let keeps_children = |change: &&Change| match change {
        Change::Remove(cid) => id::digest_of(cid)
            .ok()
            .and_then(|digest| present.slot(&digest))
            .and_then(|slot| children_left.get(&slot))
            .is_some_and(|left| *left > 0),
        Change::Insert(_) => false,
    };
    let error = DagError::new(
        ErrorKind::HasChildren,
        "the node has children in the store; remove them in the same batch",
    );
    Err(match changes.operations().find(keeps_children) {
        Some(Change::Remove(cid)) => error.with_cid(*cid),
        _ => error,
    })
}

/// Finds every parent of the new nodes.
fn link<'a>(
    inserts: &[&'a DagNode],
    cleared: &BTreeMap<u32, u32>,
    changes: &Changes,
    present: &impl Present,
) -> Result<Vec<Planned<'a>>> {
    // From the place of an operation in the changes to the index of its planned insert.
    let mut planned_at = BTreeMap::new();
    if inserts.len() > 1 {
        for (node, index) in inserts.iter().zip(0..) {
            planned_at.extend(changes.find(node.digest()).map(|place| (place, index)));
        }
    }
    let find = |digest: &Digest| {
        if let Some(slot) = present.slot(digest) {
            return (!cleared.contains_key(&slot)).then_some(Parent::Present(slot));
        }
        if planned_at.is_empty() {
            return None;
        }
        changes.find(digest).and_then(|place| planned_at.get(&place)).copied().map(Parent::Planned)
    };
    let link = |node: &'a DagNode| {
        let parents = node
            .parent_digests()
            .map(|digest| find(digest).ok_or_else(|| missing_parent(node, digest)))
            .collect::<Result<_>>()?;
        Ok(Planned { node, parents })
    };
    inserts.iter().copied().map(link).collect()
}

pub(crate) fn missing_parent(node: &DagNode, parent: &Digest) -> DagError {
    DagError::new(
        ErrorKind::MissingParent,
        "a parent is not in the store; insert it first, or in the same batch",
    )
    .with_cid(id::cid_of(node.digest()))
    .with_parent(id::cid_of(parent))
}

/// Orders new nodes so that parents come first; among those whose parents have come, the one staged
/// first does. (A. B. Kahn, CACM 5, 1962. There are no cycles: nobody can hash a node before its
/// parents.)
fn parents_first(inserts: Vec<Planned<'_>>) -> Vec<Planned<'_>> {
    let planned_parents = |planned: &Planned<'_>| -> Vec<u32> {
        let planned = planned.parents.iter().filter_map(|parent| match parent {
            Parent::Planned(index) => Some(*index),
            Parent::Present(_) => None,
        });
        planned.collect()
    };
    let in_order = inserts.iter().zip(0..).all(|(planned, index)| {
        planned.parents.iter().all(|parent| match parent {
            Parent::Planned(parent) => *parent < index,
            Parent::Present(_) => true,
        })
    });
    if in_order {
        return inserts;
    }

    let mut waiting_for: Vec<usize> = Vec::with_capacity(inserts.len());
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); inserts.len()];
    let mut ready = BinaryHeap::new();
    for (planned, index) in inserts.iter().zip(0..) {
        let parents = planned_parents(planned);
        waiting_for.push(parents.len());
        if parents.is_empty() {
            ready.push(Reverse(index));
        }
        for parent in parents {
            children[parent as usize].push(index);
        }
    }
    let mut moved_to = vec![0; inserts.len()];
    let mut left: Vec<Option<Planned<'_>>> = inserts.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(left.len());
    while let Some(Reverse(index)) = ready.pop() {
        let Some(mut planned) = left[index as usize].take() else {
            continue;
        };
        for parent in &mut planned.parents {
            if let Parent::Planned(index) = parent {
                *index = moved_to[*index as usize];
            }
        }
        moved_to[index as usize] = u32::try_from(ordered.len()).unwrap_or(u32::MAX);
        ordered.push(planned);
        for child in &children[index as usize] {
            let waiting = &mut waiting_for[*child as usize];
            *waiting -= 1;
            if *waiting == 0 {
                ready.push(Reverse(*child));
            }
        }
    }
    ordered
}
