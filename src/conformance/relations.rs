//! Who descends from whom among some nodes, worked out the slow and obvious way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::failure::Outcome;
use crate::{Cid, DagNode, Direction};

/// A node's place in the order of walks.
type Key = (u32, u64, Vec<u8>);

/// The links among some nodes.
pub(super) struct Relations {
    /// In insertion order.
    pub(super) cids: Vec<Cid>,
    pub(super) nodes: HashMap<Cid, DagNode>,
    keys: HashMap<Cid, Key>,
}

impl Relations {
    /// Of nodes that come parents first.
    pub(super) fn of(nodes: &[DagNode]) -> Outcome<Self> {
        let mut relations =
            Relations { cids: Vec::new(), nodes: HashMap::new(), keys: HashMap::new() };
        for node in nodes {
            let cid = node.cid()?;
            let generations =
                node.parents().into_iter().map(|parent| relations.keys[&parent].0 + 1);
            let digest = cid.hash().digest().to_vec();
            let key = (generations.max().unwrap_or(0), node.timestamp(), digest);
            relations.cids.push(cid);
            relations.keys.insert(cid, key);
            relations.nodes.insert(cid, node.clone());
        }
        Ok(relations)
    }

    pub(super) fn parents(&self, cid: &Cid) -> Vec<Cid> {
        self.nodes[cid].parents()
    }

    pub(super) fn children(&self, cid: &Cid) -> Vec<Cid> {
        let of_it = |child: &&Cid| self.parents(child).contains(cid);
        self.cids.iter().filter(of_it).copied().collect()
    }

    pub(super) fn roots(&self, scope: Option<&str>) -> Vec<Cid> {
        let within = |cid: &Cid| scope.is_none_or(|scope| self.nodes[cid].scope_id() == scope);
        let is_root = |cid: &&Cid| within(cid) && !self.parents(cid).iter().any(within);
        self.cids.iter().filter(is_root).copied().collect()
    }

    /// What is reached from these nodes, each with its distance from the nearest of them.
    pub(super) fn reached(&self, direction: Direction, starts: &[Cid]) -> BTreeMap<Cid, u32> {
        let mut reached = BTreeMap::new();
        let mut coming = starts.to_vec();
        for depth in 0.. {
            coming.retain(|cid| !reached.contains_key(cid));
            if coming.is_empty() {
                break;
            }
            reached.extend(coming.iter().map(|cid| (*cid, depth)));
            let next = |cid: &Cid| match direction {
                Direction::Ancestors => self.parents(cid),
                Direction::Descendants => self.children(cid),
                Direction::All => Vec::new(),
            };
            coming = coming.iter().flat_map(next).collect();
        }
        reached
    }

    /// The walk from these nodes.
    pub(super) fn walk(&self, direction: Direction, starts: &[Cid]) -> Vec<Cid> {
        match direction {
            Direction::All => self.in_order(direction, self.cids.iter().copied()),
            _ => self.in_order(direction, self.reached(direction, starts).into_keys()),
        }
    }

    /// These nodes in the order of a walk.
    pub(super) fn in_order(
        &self,
        direction: Direction,
        cids: impl IntoIterator<Item = Cid>,
    ) -> Vec<Cid> {
        let mut cids: Vec<Cid> = cids.into_iter().collect();
        cids.sort_by_key(|cid| &self.keys[cid]);
        if direction == Direction::Ancestors {
            cids.reverse();
        }
        cids
    }

    pub(super) fn is_ancestor(&self, ancestor: &Cid, descendant: &Cid) -> bool {
        self.reached(Direction::Ancestors, &[*descendant]).contains_key(ancestor)
    }

    pub(super) fn merge_bases(&self, cids: &[Cid]) -> Vec<Cid> {
        let past = |cid: &Cid| -> BTreeSet<Cid> {
            self.reached(Direction::Ancestors, &[*cid]).into_keys().collect()
        };
        let common = cids.iter().map(past).reduce(|one, other| &one & &other).unwrap_or_default();
        let is_best = |cid: &Cid| {
            let mut others = common.iter().filter(|other| *other != cid);
            !others.any(|other| self.is_ancestor(cid, other))
        };
        self.in_order(Direction::Ancestors, common.iter().copied().filter(is_best))
    }

    /// The shortest path that, seen from the descendant, takes the first parent as early as it can.
    pub(super) fn path(&self, from: &Cid, to: &Cid) -> Option<Vec<Cid>> {
        if !self.is_ancestor(to, from) {
            let mut path = self.is_ancestor(from, to).then(|| self.path(to, from))??;
            path.reverse();
            return Some(path);
        }
        let distances = self.reached(Direction::Descendants, &[*to]);
        let mut path = vec![*from];
        while let Some(last) = path.last().filter(|last| *last != to) {
            let nearer =
                |parent: &Cid| distances.get(parent).is_some_and(|at| at + 1 == distances[last]);
            let next = self.parents(last).into_iter().find(nearer)?;
            path.push(next);
        }
        Some(path)
    }
}
