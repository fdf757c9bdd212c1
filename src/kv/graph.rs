//! What questions about the graph see of a store in an engine.

use std::ops::{ControlFlow, Deref};
use std::rc::Rc;

use super::commit::finished;
use super::keys;
use super::pages::is_one_of;
use super::values::{Place, Point, Record, corrupt, read_by_generation, read_child};
use super::view::View;
use crate::digest::Digest;
use crate::graph::{self, Graph, sorted};
use crate::pace::Pace;
use crate::store::not_there;
use crate::{Cid, Direction, Result, WalkPage, WalkQuery, id};

/// How many nodes one page over all nodes looks at, at most.
const LOOKED_AT_PER_PAGE: usize = 1 << 14;
/// A node may have a million children, and counting them is not worth it: more than this is many.
const MANY: usize = 1 << 10;

/// A digest that was copied out of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(Digest);

impl Deref for Name {
    type Target = Digest;

    fn deref(&self) -> &Digest {
        &self.0
    }
}

impl View<'_> {
    /// The record of a node that a search has come to; [`View::settle`] must be asked in the end.
    fn met(&self, node: Point) -> Rc<Record> {
        self.or_note(self.record(node.ordinal))
    }

    /// Searches, and gives what came of it, unless something could not be read.
    pub(super) fn search<T>(&self, search: impl Future<Output = Result<T>>) -> Result<T> {
        let found = finished(search);
        self.settle(found)
    }

    /// The points of nodes that must be there.
    fn points(&self, cids: &[Cid]) -> Result<Vec<Point>> {
        let digests: Vec<Digest> = cids.iter().map(id::digest_of).collect::<Result<_>>()?;
        let places = self.places(&digests)?.into_iter().zip(cids);
        places.map(|(place, cid)| Ok(place.ok_or_else(|| not_there(*cid))?.point)).collect()
    }

    fn cids(&self, points: &[Point]) -> Result<Vec<Cid>> {
        let ordinals: Vec<u64> = points.iter().map(|point| point.ordinal).collect();
        Ok(self.digests(&ordinals)?.iter().map(id::cid_of).collect())
    }

    pub(super) fn children_in_order(&self, cid: &Cid) -> Result<Vec<Cid>> {
        let parent = self.points(&[*cid])?;
        let mut children = Vec::new();
        for parent in parent {
            children = self.children_of(parent.ordinal, usize::MAX)?;
        }
        self.cids(&children)
    }

    /// The children of a node in insertion order: so many at most.
    fn children_of(&self, ordinal: u64, most: usize) -> Result<Vec<Point>> {
        let mut children = Vec::new();
        self.scan(&keys::with_prefix(&keys::child(ordinal, 0)[..9]), false, |key, value| {
            let ordinal = keys::last_number(key).ok_or_else(corrupt)?;
            children.push(Point { generation: read_child(value)?, ordinal });
            Ok(if children.len() < most {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        })?;
        Ok(children)
    }

    pub(super) fn walk_page(&self, query: &WalkQuery) -> Result<WalkPage> {
        if query.direction == Direction::All {
            return self.sorted_page(query);
        }
        self.search(graph::walk_page(self, query, &mut Pace::default()))
    }

    /// A page of all nodes, from the index that has them in the order of walks.
    fn sorted_page(&self, query: &WalkQuery) -> Result<WalkPage> {
        sorted::check(query)?;
        let after = query.cursor.as_ref().map(sorted::read_cursor).transpose()?;
        let start = match &after {
            None => keys::by_generation(0, 0, &[0; 32]).to_vec(),
            Some((generation, timestamp, digest)) => {
                keys::up_to_end_of(&keys::by_generation(*generation, *timestamp, digest))
            }
        };
        let end = keys::up_to_end_of(&keys::by_generation(u32::MAX, u64::MAX, &[0xff; 32]));
        let mut page = WalkPage { cids: Vec::new(), next: None };
        let scope = match &query.scope_id {
            None => None,
            Some(name) => match self.scope_number(name)? {
                None => return Ok(page),
                scope => scope,
            },
        };
        let mut looked_at = 0;
        let mut last = None;
        self.scan(&(start..end), false, |key, value| {
            if page.cids.len() == query.limit.max(1) || looked_at == LOOKED_AT_PER_PAGE {
                page.next = last.map(|(generation, timestamp, digest)| {
                    sorted::cursor_at(generation, timestamp, &digest)
                });
                return Ok(ControlFlow::Break(()));
            }
            looked_at += 1;
            let place = read_place(key).ok_or_else(corrupt)?;
            let (generation, timestamp, digest) = place;
            last = Some(place);
            let (ordinal, found) = read_by_generation(value)?;
            if scope.is_none_or(|scope| scope == found)
                && query.since.is_none_or(|since| timestamp >= since)
                && query.until.is_none_or(|until| timestamp <= until)
                && (query.event_types.is_empty()
                    || self.passes(Point { generation, ordinal }, query))
            {
                page.cids.push(id::cid_of(&digest));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.settle(Ok(page))
    }

    pub(super) fn is_ancestor(&self, ancestor: &Cid, descendant: &Cid) -> Result<bool> {
        let points = self.points(&[*ancestor, *descendant])?;
        let &[ancestor, descendant] = &*points else { return Err(corrupt()) };
        self.search(graph::is_ancestor(self, ancestor, descendant, &mut Pace::default()))
    }

    pub(super) fn merge_bases(&self, cids: &[Cid]) -> Result<Vec<Cid>> {
        let points = self.points(cids)?;
        let bases = self.search(graph::merge_bases(self, &points, &mut Pace::default()))?;
        self.cids(&bases)
    }

    pub(super) fn path(&self, from: &Cid, to: &Cid) -> Result<Option<Vec<Cid>>> {
        let points = self.points(&[*from, *to])?;
        let &[from, to] = &*points else { return Err(corrupt()) };
        let path = self.search(graph::path(self, from, to, &mut Pace::default()))?;
        path.map(|path| self.cids(&path)).transpose()
    }
}

/// Generation, timestamp and digest in a key of the order of walks.
fn read_place(key: &[u8]) -> Option<(u32, u64, Digest)> {
    let (generation, rest) = key.get(1..)?.split_first_chunk()?;
    let (timestamp, digest) = rest.split_first_chunk()?;
    let digest = digest.try_into().ok()?;
    Some((u32::from_be_bytes(*generation), u64::from_be_bytes(*timestamp), digest))
}

/// What can't be read is noted, and looks like a node that leads nowhere; and no link leads the wrong way,
/// whatever was read. So each search comes to its end.
impl Graph for View<'_> {
    type Node = Point;
    type Name<'a>
        = Name
    where
        Self: 'a;

    fn find(&self, digest: &Digest) -> Option<Point> {
        self.or_note(self.place(digest)).map(|place: Place| place.point)
    }

    fn digest(&self, node: Point) -> Name {
        Name(self.met(node).digest)
    }

    fn timestamp(&self, node: Point) -> u64 {
        self.met(node).timestamp
    }

    fn generation(&self, node: Point) -> u32 {
        node.generation
    }

    fn parents(&self, node: Point) -> impl Iterator<Item = Point> {
        let record = self.met(node);
        let parents = (0..record.parents.len()).map(move |at| record.parents[at]);
        parents.filter(move |parent| parent.generation < node.generation)
    }

    fn children(&self, node: Point) -> impl Iterator<Item = Point> {
        let children = self.or_note(self.children_of(node.ordinal, usize::MAX)).into_iter();
        children.filter(move |child| child.generation > node.generation)
    }

    fn degrees(&self, node: Point) -> (usize, usize) {
        let children = self.or_note(self.children_of(node.ordinal, MANY));
        (self.met(node).parents.len(), children.len())
    }

    fn jump(&self, node: Point) -> Point {
        let record = self.met(node);
        if record.jump.generation < node.generation { record.jump } else { node }
    }

    fn nodes(&self, scope_id: Option<&str>) -> impl Iterator<Item = Point> {
        // All nodes are read from an index; see `sorted_page`.
        let nothing: Option<Point> = scope_id.and(None);
        nothing.into_iter()
    }

    fn passes(&self, node: Point, query: &WalkQuery) -> bool {
        let WalkQuery { scope_id, event_types, since, until, .. } = query;
        let record = self.met(node);
        if let Some(name) = scope_id
            && self.or_note(self.scope_number(name)) != Some(record.scope)
        {
            return false;
        }
        since.is_none_or(|since| record.timestamp >= since)
            && until.is_none_or(|until| record.timestamp <= until)
            && is_one_of(event_types, &record.event_type)
    }
}
