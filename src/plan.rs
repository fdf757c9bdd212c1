//! What a set of changes comes to, checked against the store as it is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;

use crate::digest::Digest;
use crate::id;
use crate::pace::Pace;
use crate::{Change, Changes, DagError, DagNode, ErrorKind, Result};

/// As much of a store as planning needs to see. Slots are how the store numbers its nodes.
pub(crate) trait Present {
    fn slot(&self, digest: &Digest) -> Option<u32>;

    fn parents(&self, slot: u32) -> impl Iterator<Item = u32> + Clone;

    /// How many children of this node are in the store.
    fn children(&self, slot: u32) -> u32;
}

/// Units of work that planning takes for each operation.
pub(crate) const UNITS: usize = 2;

/// Not among the planned inserts.
const NONE: u32 = u32::MAX;

/// The net effect of changes that may be applied as they are.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// Nodes to place, in this order: parents first.
    pub(crate) inserts: Vec<Planned<'a>>,
    /// Slots to clear, in staging order.
    pub(crate) removes: Vec<u32>,
    /// The parents of all nodes to place.
    pub(crate) parents: Vec<Parent>,
}

#[derive(Debug)]
pub(crate) struct Planned<'a> {
    pub(crate) node: &'a DagNode,
    /// Which of the plan's parents are its own.
    parents: Range<u32>,
}

impl Planned<'_> {
    /// Which of the plan's parents are its own.
    pub(crate) fn parents(&self) -> Range<usize> {
        self.parents.start as usize..self.parents.end as usize
    }
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
    /// Bytes of memory that planning takes for each operation, and some to spare.
    pub(crate) const BYTES: usize = 4 * size_of::<Planned<'_>>() + 4 * size_of::<Parent>();

    /// Checks the changes. `MissingParent` and `HasChildren` name the first node, in staging order,
    /// that they are about; removes are looked at first.
    pub(crate) async fn new(
        changes: &'a Changes,
        present: &impl Present,
        pace: &mut Pace,
    ) -> Result<Self> {
        let mut plan = Plan { inserts: Vec::new(), removes: Vec::new(), parents: Vec::new() };
        // From the place of an operation in the changes to the index of its planned insert.
        let mut planned_at = Vec::with_capacity(changes.staged());
        for (_, change) in changes.places() {
            let mut index = NONE;
            match change {
                Some(Change::Insert(node)) if present.slot(node.digest()).is_none() => {
                    index = number(plan.inserts.len());
                    plan.inserts.push(Planned { node, parents: 0..0 });
                }
                Some(Change::Remove(cid)) => {
                    plan.removes.extend(present.slot(&id::digest_of(cid)?));
                }
                Some(Change::Insert(_)) | None => {}
            }
            planned_at.push(index);
            pace.worked(1).await?;
        }
        let cleared = check_removes(&plan.removes, changes, present, pace).await?;
        plan.link(&planned_at, &cleared, changes, present, pace).await?;
        plan.put_parents_first(pace).await?;
        Ok(plan)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inserts.is_empty() && self.removes.is_empty()
    }

    /// How many links there will be to parents of nodes to place.
    pub(crate) fn links(&self) -> usize {
        self.parents.len()
    }

    /// The parents of a node to place.
    pub(crate) fn parents_of(&self, planned: &Planned<'_>) -> &[Parent] {
        &self.parents[planned.parents()]
    }

    /// Finds every parent of the new nodes.
    async fn link(
        &mut self,
        planned_at: &[u32],
        cleared: &BTreeMap<u32, u32>,
        changes: &Changes,
        present: &impl Present,
        pace: &mut Pace,
    ) -> Result<()> {
        let find = |digest: &Digest| {
            if let Some(slot) = present.slot(digest) {
                return (!cleared.contains_key(&slot)).then_some(Parent::Present(slot));
            }
            let index = planned_at[changes.find(digest)?];
            (index != NONE).then_some(Parent::Planned(index))
        };
        for Planned { node, parents } in &mut self.inserts {
            let first = number(self.parents.len());
            for digest in node.parent_digests() {
                self.parents.push(find(digest).ok_or_else(|| missing_parent(node, digest))?);
            }
            *parents = first..number(self.parents.len());
            pace.worked(1 + parents.len() / 2).await?;
        }
        Ok(())
    }

    /// Orders new nodes so that parents come first; among those whose parents have come, the one staged
    /// first does. (A. B. Kahn, CACM 5, 1962. There are no cycles: nobody can hash a node before its
    /// parents.)
    async fn put_parents_first(&mut self, pace: &mut Pace) -> Result<()> {
        let in_order = self
            .inserts
            .iter()
            .zip(0..)
            .all(|(planned, index)| self.planned_parents(planned).all(|parent| parent < index));
        if in_order {
            return Ok(());
        }

        // The children of each, one list after the other, the first staged first.
        let mut waiting_for = vec![0_u32; self.inserts.len()];
        let mut children_end = vec![0_u32; self.inserts.len() + 1];
        for (planned, waits) in self.inserts.iter().zip(&mut waiting_for) {
            for parent in self.planned_parents(planned) {
                *waits += 1;
                children_end[parent as usize + 1] += 1;
            }
            pace.worked(1).await?;
        }
        for index in 1..children_end.len() {
            children_end[index] += children_end[index - 1];
        }
        let mut children = vec![0; self.parents.len()];
        for (planned, index) in self.inserts.iter().zip(0..) {
            for parent in self.planned_parents(planned) {
                let at = &mut children_end[parent as usize];
                children[*at as usize] = index;
                *at += 1;
            }
            pace.worked(1).await?;
        }
        // Each list now ends where the next one began.
        let children_of = |index: u32| {
            let index = index as usize;
            let start = index.checked_sub(1).map_or(0, |before| children_end[before]);
            &children[start as usize..children_end[index] as usize]
        };

        let ready = waiting_for.iter().zip(0..).filter(|(waits, _)| **waits == 0);
        let mut ready: BinaryHeap<Reverse<u32>> = ready.map(|(_, index)| Reverse(index)).collect();
        let mut order = Vec::with_capacity(self.inserts.len());
        while let Some(Reverse(index)) = ready.pop() {
            order.push(index);
            for child in children_of(index) {
                let waits = &mut waiting_for[*child as usize];
                *waits -= 1;
                if *waits == 0 {
                    ready.push(Reverse(*child));
                }
            }
            pace.worked(2).await?;
        }
        let mut moved_to = waiting_for;
        for (index, place) in order.iter().zip(0..) {
            moved_to[*index as usize] = place;
        }
        for parent in &mut self.parents {
            if let Parent::Planned(index) = parent {
                *index = moved_to[*index as usize];
            }
        }
        let inserts = order.iter().map(|index| {
            let Planned { node, parents } = &self.inserts[*index as usize];
            Planned { node, parents: parents.clone() }
        });
        self.inserts = inserts.collect();
        Ok(())
    }

    /// The parents of a new node that are new too.
    fn planned_parents(&self, planned: &Planned<'_>) -> impl Iterator<Item = u32> {
        self.parents_of(planned).iter().filter_map(|parent| match parent {
            Parent::Planned(index) => Some(*index),
            Parent::Present(_) => None,
        })
    }
}

/// Numbers of inserts and of their parents fit into 32 bits: slots do, and a batch's bytes.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(NONE)
}

/// Every child of a removed node must be removed too. Gives the slots that will be cleared.
async fn check_removes(
    removes: &[u32],
    changes: &Changes,
    present: &impl Present,
    pace: &mut Pace,
) -> Result<BTreeMap<u32, u32>> {
    let mut children_left = BTreeMap::new();
    for slot in removes {
        children_left.insert(*slot, present.children(*slot));
        pace.worked(1).await?;
    }
    for slot in removes {
        for parent in present.parents(*slot) {
            if let Some(left) = children_left.get_mut(&parent) {
                *left -= 1;
            }
        }
        pace.worked(1).await?;
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

pub(crate) fn missing_parent(node: &DagNode, parent: &Digest) -> DagError {
    DagError::new(
        ErrorKind::MissingParent,
        "a parent is not in the store; insert it first, or in the same batch",
    )
    .with_cid(id::cid_of(node.digest()))
    .with_parent(id::cid_of(parent))
}
