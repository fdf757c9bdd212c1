//! Questions about the graph, answered by looking at everything.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use dag_store::{
    Cid, Cursor, DagError, DagNode, Direction, ErrorKind, Result, ToCid as _, WalkPage, WalkQuery,
};

use super::{State, digest};

impl State {
    pub(crate) fn parents(&self, cid: &Cid) -> Result<Vec<Cid>> {
        match self.nodes.get(&cid.to_cid()?) {
            Some((_, node)) => Ok(node.parents()),
            None => Err(DagError::new(ErrorKind::NotFound, "not there").with_cid(*cid)),
        }
    }

    pub(crate) fn children(&self, cid: &Cid) -> Result<Vec<Cid>> {
        self.parents(cid)?;
        let children = self.in_order(None).into_iter();
        let children = children.filter(|(_, node)| node.parents().contains(cid));
        children.map(|(_, node)| node.cid()).collect()
    }

    pub(crate) fn roots(&self, scope: Option<&str>) -> Vec<Cid> {
        let nodes = self.in_order(scope);
        let all: HashSet<Cid> = nodes.iter().flat_map(|(_, node)| node.cid()).collect();
        let is_root = |node: &DagNode| !node.parents().iter().any(|cid| all.contains(cid));
        nodes.iter().filter(|(_, node)| is_root(node)).flat_map(|(_, node)| node.cid()).collect()
    }

    pub(crate) fn is_ancestor(&self, ancestor: &Cid, descendant: &Cid) -> Result<bool> {
        self.parents(ancestor)?;
        Ok(self.reach(Direction::Ancestors, &[*descendant])?.contains_key(ancestor))
    }

    pub(crate) fn merge_bases(&self, cids: &[Cid]) -> Result<Vec<Cid>> {
        let mut common: Option<HashSet<Cid>> = None;
        for cid in cids {
            let past: HashSet<Cid> =
                self.reach(Direction::Ancestors, &[*cid])?.into_keys().collect();
            common = Some(common.map_or(past.clone(), |common| &common & &past));
        }
        let Some(common) = common else {
            return Err(DagError::new(ErrorKind::InvalidArgument, "of no nodes"));
        };
        let mut best = Vec::new();
        for cid in &common {
            let mut others = common.iter().filter(|other| *other != cid);
            if !others.any(|other| self.is_ancestor(cid, other).unwrap_or(false)) {
                best.push(*cid);
            }
        }
        self.sort(&mut best);
        best.reverse();
        Ok(best)
    }

    pub(crate) fn path(&self, from: &Cid, to: &Cid) -> Result<Option<Vec<Cid>>> {
        self.path_by(from, to, false)
    }

    /// The path that takes the first parents as early as it can, or the last ones.
    pub(crate) fn path_by(&self, from: &Cid, to: &Cid, last: bool) -> Result<Option<Vec<Cid>>> {
        if self.is_ancestor(from, to)? {
            let path = self.path_down(to, from, last)?;
            return Ok(Some(path.into_iter().rev().collect()));
        }
        if self.is_ancestor(to, from)? {
            self.path_down(from, to, last).map(Some)
        } else {
            Ok(None)
        }
    }

    fn path_down(&self, from: &Cid, to: &Cid, last: bool) -> Result<Vec<Cid>> {
        let distances = self.reach(Direction::Descendants, &[*to])?;
        let (mut at, mut path) = (*from, vec![*from]);
        while at != *to {
            let mut parents = self.parents(&at)?;
            if last {
                parents.reverse();
            }
            parents.retain(|parent| distances.contains_key(parent));
            let nearest = parents.into_iter().min_by_key(|parent| distances[parent]);
            at = nearest.unwrap_or(*to);
            path.push(at);
        }
        Ok(path)
    }

    /// What can be reached from these nodes, each with its distance from the nearest of them.
    fn reach(&self, direction: Direction, starts: &[Cid]) -> Result<HashMap<Cid, u32>> {
        let mut reached = HashMap::new();
        let mut coming: Vec<Cid> = starts.to_vec();
        for depth in 0.. {
            let mut next = Vec::new();
            for cid in coming {
                let neighbours = match direction {
                    Direction::Ancestors => self.parents(&cid)?,
                    _ => self.children(&cid)?,
                };
                if let Entry::Vacant(unseen) = reached.entry(cid) {
                    unseen.insert(depth);
                    next.extend(neighbours);
                }
            }
            if next.is_empty() {
                break;
            }
            coming = next;
        }
        Ok(reached)
    }

    fn generations(&self) -> HashMap<Cid, u32> {
        let mut generations = HashMap::new();
        for (_, node) in self.in_order(None) {
            let parents = node.parents();
            let highest = parents.iter().map(|parent| generations.get(parent).unwrap_or(&0) + 1);
            let generation = highest.max().unwrap_or(0);
            generations.extend(node.cid().map(|cid| (cid, generation)));
        }
        generations
    }

    /// A node's place in the order of walks, as text that compares as it does.
    fn keys(&self) -> HashMap<Cid, String> {
        let generations = self.generations();
        let key = |(cid, (_, node)): (&Cid, &(u64, DagNode))| {
            let generation = generations.get(cid).unwrap_or(&0);
            let digest = hex::encode(digest(cid));
            (*cid, format!("{generation:08x}{:016x}{digest}", node.timestamp()))
        };
        self.nodes.iter().map(key).collect()
    }

    fn sort(&self, cids: &mut [Cid]) {
        let keys = self.keys();
        cids.sort_by_key(|cid| keys.get(cid));
    }

    /// A page: all is walked, and what comes after the cursor is given. A cursor holds the starts, what
    /// is excluded, and the place of the last node; what was removed meanwhile is passed over.
    pub(crate) fn walk_page(&self, query: &WalkQuery) -> Result<WalkPage> {
        let all = query.direction == Direction::All;
        if all && (query.depth.is_some() || query.starts.len() + query.excluding.len() > 0) {
            return Err(DagError::new(ErrorKind::InvalidArgument, "all is all"));
        }
        let (mut starts, mut excluding) = (query.starts.clone(), query.excluding.clone());
        let mut after = None;
        if let Some(cursor) = &query.cursor {
            let foreign = || DagError::new(ErrorKind::InvalidArgument, "a foreign cursor");
            let mut parts = cursor.as_str().split('|');
            let mut part = || parts.next().ok_or_else(foreign);
            after = Some(part()?.to_owned());
            let cids = |text: &str| {
                let there = |cid: &Result<Cid>| {
                    !cid.as_ref().is_ok_and(|cid| !self.nodes.contains_key(cid))
                };
                let cids = text.split_whitespace().map(dag_store::ToCid::to_cid);
                cids.filter(there).collect::<Result<Vec<Cid>>>()
            };
            (starts, excluding) = (cids(part()?)?, cids(part()?)?);
        }
        let reached = if all {
            self.nodes.keys().map(|cid| (*cid, 0)).collect()
        } else {
            self.reach(query.direction, &starts)?
        };
        let left_out = self.reach(query.direction, &excluding)?;
        let passes = |cid: &Cid| {
            self.nodes.get(cid).is_some_and(|(_, node)| {
                let types = &query.event_types;
                (types.is_empty() || types.contains(&node.event_type()))
                    && query.scope_id.as_deref().is_none_or(|scope| node.scope_id() == scope)
                    && query.since.is_none_or(|since| node.timestamp() >= since)
                    && query.until.is_none_or(|until| node.timestamp() <= until)
            })
        };
        let mut cids: Vec<Cid> = reached
            .into_iter()
            .filter(|(_, depth)| query.depth.is_none_or(|most| *depth <= most))
            .map(|(cid, _)| cid)
            .filter(|cid| !left_out.contains_key(cid) && passes(cid))
            .collect();
        self.sort(&mut cids);
        let down = query.direction == Direction::Ancestors;
        if down {
            cids.reverse();
        }
        let keys = self.keys();
        if let Some(after) = &after {
            let comes = |cid: &Cid| {
                let key = keys.get(cid);
                if down { key < Some(after) } else { key > Some(after) }
            };
            cids.retain(comes);
        }
        let more = cids.len() > query.limit;
        cids.truncate(query.limit);
        let text = |cids: &[Cid]| cids.iter().map(Cid::to_string).collect::<Vec<_>>().join(" ");
        let next = cids.last().filter(|_| more).map(|last| {
            let key = keys.get(last).map_or("", String::as_str);
            Cursor::new(format!("{key}|{}|{}", text(&starts), text(&excluding)))
        });
        Ok(WalkPage { cids, next })
    }
}
