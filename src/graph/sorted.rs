//! All nodes of a store or a scope, in the order of walks: parents first.
//!
//! A page looks at every node, and keeps the first that come after the cursor. The cursor is nothing
//! but the place of a node in that order.

use std::collections::BinaryHeap;

use super::place::{Place, sorted};
use super::{Graph, cursor_of, digits_of, foreign_cursor};
use crate::digest::{Digest, parse_hex};
use crate::pace::Pace;
use crate::platform;
use crate::walk::{WalkPage, WalkQuery};
use crate::{Cid, Cursor, DagError, ErrorKind, Result, id};

/// How many nodes are looked at in one go.
const PIECE: usize = 1 << 6;

/// Bytes of a place in a cursor.
const PLACE: usize = 4 + 8 + size_of::<Digest>();

/// Reads a page of all nodes that pass the query's filters.
pub(crate) async fn sorted_page<G: Graph>(
    graph: &G,
    query: &WalkQuery,
    pace: &mut Pace,
) -> Result<WalkPage> {
    check(query)?;
    let after = query.cursor.as_ref().map(read_cursor).transpose()?;
    let after =
        after.as_ref().map(|(generation, timestamp, digest)| (*generation, *timestamp, digest));
    let limit = query.limit.max(1);
    // The first of those that come after the cursor, as many as there are to be; the last is on top.
    let mut first = BinaryHeap::new();
    let mut more = false;
    let mut nodes = graph.nodes(query.scope_id.as_deref());
    let mut looked_at = PIECE;
    while looked_at == PIECE {
        looked_at = 0;
        for node in nodes.by_ref().take(PIECE) {
            looked_at += 1;
            // Most nodes need no look at more than their generation.
            let generation = graph.generation(node);
            let last = first.peek().filter(|_| first.len() == limit);
            let comes_later = last.is_some_and(|last: &Place<_, _>| generation > last.generation);
            if after.is_some_and(|after| generation < after.0) || (comes_later && more) {
                continue;
            }
            let found = Place::of(graph, node, 0);
            let key = (found.generation, found.timestamp, &*found.digest);
            if after.is_some_and(|after| key <= after) || !graph.passes(node, query) {
                continue;
            }
            if first.len() == limit {
                more = true;
                match first.peek_mut() {
                    Some(mut last) if found < *last => *last = found,
                    _ => {}
                }
            } else {
                if first.len() == first.capacity() {
                    platform::reserve(2 * first.len() * size_of_val(&found))?;
                }
                first.push(found);
            }
        }
        pace.worked(looked_at / 4).await?;
    }
    let first = sorted(first);
    let next = first.last().filter(|_| more);
    let next = next.map(|last| cursor_at(last.generation, last.timestamp, &last.digest));
    platform::reserve(first.len() * size_of::<Cid>())?;
    Ok(WalkPage { cids: first.iter().map(|place| id::cid_of(&place.digest)).collect(), next })
}

/// Refuses what means nothing to a walk over all nodes.
pub(crate) fn check(query: &WalkQuery) -> Result<()> {
    if query.depth.is_some() || !query.starts.is_empty() || !query.excluding.is_empty() {
        return Err(DagError::new(
            ErrorKind::InvalidArgument,
            "a walk over all nodes has no starts, no depth, and excludes nothing",
        ));
    }
    Ok(())
}

/// The cursor that stands at this node.
pub(crate) fn cursor_at(generation: u32, timestamp: u64, digest: &Digest) -> Cursor {
    let mut bytes = [0; PLACE];
    bytes[..4].copy_from_slice(&generation.to_be_bytes());
    bytes[4..12].copy_from_slice(&timestamp.to_be_bytes());
    bytes[12..].copy_from_slice(digest);
    cursor_of('o', &bytes)
}

/// Generation, timestamp and digest of the node that the cursor stands at.
pub(crate) fn read_cursor(cursor: &Cursor) -> Result<(u32, u64, Digest)> {
    let read = |bytes: [u8; PLACE]| {
        let (generation, rest) = bytes.split_first_chunk()?;
        let (timestamp, digest) = rest.split_first_chunk()?;
        let digest = digest.try_into().ok()?;
        Some((u32::from_be_bytes(*generation), u64::from_be_bytes(*timestamp), digest))
    };
    parse_hex(digits_of(cursor, 'o')?).and_then(read).ok_or_else(foreign_cursor)
}
