//! All that is reachable from some nodes and not from others, a page at a time.
//!
//! A walk takes generation after generation, and within one goes by time and digest. So its order is
//! that of the set alone, whatever the store and however the nodes came to be in it. What it needs to
//! go on is its frontier, and that is what a cursor holds.

use std::collections::BinaryHeap;

use super::frontier::{Frontier, Mark, Way};
use super::place::{Place, sorted};
use super::{Graph, cursor_of, digits_of, foreign_cursor};
use crate::digest::{Digest, parse_hex};
use crate::pace::Pace;
use crate::platform;
use crate::walk::{Direction, WalkPage, WalkQuery};
use crate::{Cid, Cursor, Result, id};

/// How many nodes one page looks at, at most: a rare match must not hold the lock for long.
const LOOKED_AT_PER_PAGE: usize = 1 << 16;

/// Reachable from where nothing is to be reachable from.
const EXCLUDED: u32 = 1;

/// Bytes of a node in a cursor: its depth and whether it is excluded, in one number, and its digest.
const ENTRY: usize = 4 + size_of::<Digest>();

/// Reads a page of a walk from nodes to their ancestors or descendants.
pub(crate) async fn walk_page<G: Graph>(
    graph: &G,
    query: &WalkQuery,
    pace: &mut Pace,
) -> Result<WalkPage> {
    let mut walk = Walk::new(graph, query.direction);
    match &query.cursor {
        Some(cursor) => walk.resume(cursor, pace).await?,
        None => walk.begin(query, pace).await?,
    }
    let limit = query.limit.max(1);
    let depth = query.depth.unwrap_or(u32::MAX);
    let mut cids: Vec<Cid> = Vec::new();
    let mut looked_at = 0;
    while walk.wanted > 0 || !walk.level.is_empty() {
        if cids.len() == limit || looked_at >= LOOKED_AT_PER_PAGE {
            return Ok(WalkPage { cids, next: Some(walk.into_cursor(pace).await?) });
        }
        let worked = if let Some(taken) = walk.level.pop() {
            looked_at += 1;
            if graph.passes(taken.node, query) {
                if cids.len() == cids.capacity() {
                    platform::reserve(2 * size_of_val(cids.as_slice()))?;
                }
                cids.push(id::cid_of(&taken.digest));
            }
            if taken.depth < depth { walk.go_on_from(taken.node, 0, taken.depth)? } else { 1 }
        } else {
            let (worked, excluded) = walk.take_level()?;
            looked_at += excluded;
            worked
        };
        pace.worked(worked).await?;
    }
    Ok(WalkPage { cids, next: None })
}

struct Walk<'a, G: Graph> {
    graph: &'a G,
    frontier: Frontier<G::Node>,
    /// How many marks in it are not of excluded nodes, as far as they know.
    wanted: usize,
    /// The nodes of the generation that is being taken, the next one last.
    level: Vec<Place<G::Node, G::Name<'a>>>,
}

impl<'a, G: Graph> Walk<'a, G> {
    fn new(graph: &'a G, direction: Direction) -> Self {
        let way = if direction == Direction::Ancestors { Way::Down } else { Way::Up };
        Walk { graph, frontier: Frontier::new(way), wanted: 0, level: Vec::new() }
    }

    async fn begin(&mut self, query: &WalkQuery, pace: &mut Pace) -> Result<()> {
        for (cids, bits) in [(&query.starts, 0), (&query.excluding, EXCLUDED)] {
            for cid in cids {
                self.push(self.graph.node(cid)?, bits, 0)?;
                pace.worked(1).await?;
            }
        }
        Ok(())
    }

    async fn resume(&mut self, cursor: &Cursor, pace: &mut Pace) -> Result<()> {
        let mut digits = digits_of(cursor, self.letter())?;
        while !digits.is_empty() {
            let (entry, rest) = digits.split_at_checked(2 * ENTRY).ok_or_else(foreign_cursor)?;
            let entry: [u8; ENTRY] = parse_hex(entry).ok_or_else(foreign_cursor)?;
            let (digest, number) = entry.split_first_chunk().ok_or_else(foreign_cursor)?;
            let number = number.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
            // What was removed meanwhile is passed over.
            if let Some(node) = self.graph.find(digest) {
                self.push(node, number & EXCLUDED, number >> 1)?;
            }
            digits = rest;
            pace.worked(1).await?;
        }
        Ok(())
    }

    async fn into_cursor(mut self, pace: &mut Pace) -> Result<Cursor> {
        for Place { node, depth, .. } in std::mem::take(&mut self.level) {
            self.push(node, 0, depth)?;
        }
        let letter = self.letter();
        let mut bytes = Vec::new();
        while let Some(Mark { node, bits, depth, .. }) = self.frontier.pop(|_| {}) {
            if bytes.len() == bytes.capacity() {
                // It will be text, of two digits a byte, in two places.
                platform::reserve(6 * bytes.len())?;
            }
            bytes.extend_from_slice(&*self.graph.digest(node));
            bytes.extend_from_slice(&(depth << 1 | bits).to_be_bytes());
            pace.worked(1).await?;
        }
        Ok(cursor_of(letter, &bytes))
    }

    fn letter(&self) -> char {
        match self.frontier.way {
            Way::Down => 'a',
            Way::Up => 'd',
        }
    }

    fn push(&mut self, node: G::Node, bits: u32, depth: u32) -> Result<()> {
        self.wanted += usize::from(bits != EXCLUDED);
        self.frontier.push(self.graph, node, bits, depth)
    }

    /// Takes all nodes of the next generation that has any, and goes on at once from those that are
    /// excluded. Gives how much it did, and how many those were.
    fn take_level(&mut self) -> Result<(usize, usize)> {
        let (mut worked, mut excluded) = (0, 0);
        // What the level before took is taken again.
        let mut level = BinaryHeap::from(std::mem::take(&mut self.level));
        let rank = self.frontier.peek().map(|mark| mark.rank);
        while self.frontier.peek().is_some_and(|mark| Some(mark.rank) == rank) {
            let wanted = &mut self.wanted;
            let taken = self.frontier.pop(|mark| *wanted -= usize::from(mark.bits != EXCLUDED));
            match taken {
                Some(mark) if mark.bits == EXCLUDED => {
                    worked += self.go_on_from(mark.node, EXCLUDED, 0)?;
                    excluded += 1;
                }
                Some(Mark { node, depth, .. }) => {
                    let place = Place::of(self.graph, node, depth);
                    if level.len() == level.capacity() {
                        platform::reserve(2 * level.len() * size_of_val(&place))?;
                    }
                    level.push(place);
                    worked += 1;
                }
                None => {}
            }
        }
        self.level = sorted(level);
        if self.frontier.way == Way::Up {
            self.level.reverse();
        }
        Ok((worked, excluded))
    }

    /// Comes to what is next to a node. Gives how much it did.
    fn go_on_from(&mut self, node: G::Node, bits: u32, depth: u32) -> Result<usize> {
        let (graph, way) = (self.graph, self.frontier.way);
        let mut worked = 1;
        let mut come_to = |node| {
            worked += 1;
            self.push(node, bits, depth + 1)
        };
        match way {
            Way::Down => graph.parents(node).try_for_each(&mut come_to)?,
            Way::Up => graph.children(node).try_for_each(&mut come_to)?,
        }
        Ok(worked)
    }
}
