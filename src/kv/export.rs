//! Which nodes an export has, and their blocks.

use std::collections::BinaryHeap;
use std::ops::{ControlFlow, Range};

use super::keys::{self, End};
use super::pages::records;
use super::values::{Kept, Record, corrupt, read_digest};
use super::view::View;
use crate::car::{self, MOST_ROOTS};
use crate::digest::Digest;
use crate::export::{CHUNK, removed_meanwhile};
use crate::store::not_there;
use crate::{DagNode, ExportQuery, Result, id};

/// How many nodes are looked at in one go.
const LOOKED_AT: usize = 1 << 13;

/// Reachable from what is asked for; from what the reader has; and from a node that was chosen.
const PAST: u8 = 1;
const NOT: u8 = 2;
const HAS_CHILD: u8 = 4;

/// How many bytes stand before a block in a CAR file, at most.
const MOST_FRAME: usize = 10 + id::CID_BYTES;

/// An export, as far as it has come.
pub(super) struct Export {
    query: ExportQuery,
    /// What it is of, once that was settled.
    selected: Option<Selected>,
}

/// The nodes of an export, chosen at one moment, and how far it is.
struct Selected {
    /// The commit after which they were chosen.
    sequence: u64,
    /// The first and the last of them that are left, at most.
    left: Range<u64>,
    which: Which,
}

enum Which {
    All,
    OfScope(u64),
    /// Those with these ordinals, the last first.
    Listed(Vec<u64>),
}

impl Export {
    pub(super) fn new(query: ExportQuery) -> Self {
        Export { query, selected: None }
    }

    /// Writes the next of the nodes, and the header before the first; tells whether there are more. It
    /// may write nothing, and there are more.
    pub(super) fn write(&mut self, view: &View<'_>, out: &mut Vec<u8>) -> Result<bool> {
        let selected = if let Some(selected) = &mut self.selected {
            selected
        } else {
            let (selected, roots) = view.select(&self.query)?;
            car::write_header(&roots, out);
            self.selected.insert(selected)
        };
        view.write_selected(selected, out)
    }
}

impl View<'_> {
    /// Chooses the nodes of an export. Gives its roots too.
    fn select(&self, query: &ExportQuery) -> Result<(Selected, Vec<Digest>)> {
        let left = self.first_after(query.after_commit.unwrap_or(0))?..self.whole.next_ordinal;
        let scope = match &query.scope_id {
            None => None,
            // A number that no scope has.
            Some(name) => Some(self.scope_number(name)?.unwrap_or(u64::MAX)),
        };
        let (which, roots) = if query.past_of.is_some() || !query.not_past_of.is_empty() {
            self.select_past(query, scope, left.start)?
        } else {
            // No parent is newer than its child: so what has a child among the newer ones has none there
            // only if it has none at all.
            let mut roots = Vec::new();
            let heads = keys::ends_from(End::Head, scope.unwrap_or(keys::WHOLE), left.start);
            self.scan(&heads, true, |_, digest| {
                roots.push(read_digest(digest)?);
                let full = roots.len() == MOST_ROOTS;
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            (scope.map_or(Which::All, Which::OfScope), roots)
        };
        let roots = roots.into_iter().rev().collect();
        Ok((Selected { sequence: self.whole.sequence, left, which }, roots))
    }

    /// Chooses from the past of some nodes (or of all), the newest first: each is taken once all that
    /// leads to it was, since no parent is newer than its child.
    fn select_past(
        &self,
        query: &ExportQuery,
        scope: Option<u64>,
        first: u64,
    ) -> Result<(Which, Vec<Digest>)> {
        let mut coming: BinaryHeap<(u64, u8)> = BinaryHeap::new();
        for (cids, mark, must_be_there) in [(query.past_of.iter().flatten().collect(), PAST, true)]
            .into_iter()
            .chain([(query.not_past_of.iter().collect::<Vec<_>>(), NOT, false)])
        {
            for cid in cids {
                match self.place(&id::digest_of(cid)?)? {
                    Some(place) => coming.push((place.point.ordinal, mark)),
                    None if must_be_there => return Err(not_there(*cid)),
                    None => {}
                }
            }
        }
        if query.past_of.is_none() {
            self.scan(&keys::ends_from(End::Head, keys::WHOLE, first), false, |key, _| {
                coming.push((keys::last_number(key).ok_or_else(corrupt)?, PAST));
                Ok(ControlFlow::Continue(()))
            })?;
        }
        let wanted = |mark: u8| mark & NOT == 0 && mark & PAST != 0;
        // How many marks are of what may be chosen.
        let mut left = coming.iter().filter(|(_, mark)| wanted(*mark)).count();
        let (mut chosen, mut roots) = (Vec::new(), Vec::new());
        while left > 0
            && let Some((ordinal, mut marks)) = coming.pop()
            && ordinal >= first
        {
            left -= usize::from(wanted(marks));
            while let Some((_, mark)) = coming.peek().filter(|(again, _)| *again == ordinal) {
                left -= usize::from(wanted(*mark));
                marks |= mark;
                coming.pop();
            }
            let record = self.record(ordinal)?;
            let is_chosen = wanted(marks) && scope.is_none_or(|scope| scope == record.scope);
            if is_chosen {
                chosen.push(ordinal);
                if marks & HAS_CHILD == 0 && roots.len() < MOST_ROOTS {
                    roots.push(record.digest);
                }
            }
            let mark = marks & (PAST | NOT) | if is_chosen { HAS_CHILD } else { 0 };
            for parent in &record.parents {
                if parent.ordinal >= ordinal {
                    return Err(corrupt());
                }
                left += usize::from(wanted(mark));
                coming.push((parent.ordinal, mark));
            }
        }
        Ok((Which::Listed(chosen), roots))
    }

    /// Writes the next of the chosen nodes, up to a chunk or one node.
    fn write_selected(&self, selected: &mut Selected, out: &mut Vec<u8>) -> Result<bool> {
        let Selected { sequence, left, which } = selected;
        let lost = |is_one: &dyn Fn(u64, &Record) -> bool| {
            let lost = *sequence < self.whole.sequence && self.has_lost_since(*sequence, is_one)?;
            if lost { Err(removed_meanwhile()) } else { Ok(()) }
        };
        let mut written = 0;
        let mut append = |node: &DagNode, out: &mut Vec<u8>| {
            if written > 0 && out.len() + node.as_bytes().len() + MOST_FRAME > CHUNK {
                return false;
            }
            car::write_section(node.digest(), node.as_bytes(), out);
            written += 1;
            true
        };
        // Where to go on, if that is not at the end.
        let mut next = None;
        let mut looked_at = 0;
        match which {
            Which::Listed(ordinals) => {
                while let Some(ordinal) = ordinals.last() {
                    let value = self.get(&keys::record(*ordinal))?.ok_or_else(corrupt)?;
                    let (record, kept) = Record::read(&value)?;
                    if kept == Kept::Removed {
                        return Err(removed_meanwhile());
                    }
                    if !append(&self.node(*ordinal, &record.digest, kept)?, out) {
                        return Ok(true);
                    }
                    ordinals.pop();
                }
                return Ok(false);
            }
            Which::All => {
                lost(&|ordinal, _| left.contains(&ordinal))?;
                self.scan(&records(left), false, |key, value| {
                    let ordinal = keys::last_number(key).ok_or_else(corrupt)?;
                    looked_at += 1;
                    let (record, kept) = Record::read(value)?;
                    if looked_at > LOOKED_AT
                        || kept != Kept::Removed
                            && !append(&self.node(ordinal, &record.digest, kept)?, out)
                    {
                        next = Some(ordinal);
                        return Ok(ControlFlow::Break(()));
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
            }
            Which::OfScope(scope) => {
                lost(&|ordinal, record| record.scope == *scope && left.contains(&ordinal))?;
                let range = keys::of_scope(*scope, left.start).to_vec()
                    ..keys::of_scope(*scope, left.end.max(left.start)).to_vec();
                self.scan(&range, false, |key, _| {
                    let ordinal = keys::last_number(key).ok_or_else(corrupt)?;
                    let value = self.get(&keys::record(ordinal))?.ok_or_else(corrupt)?;
                    let (record, kept) = Record::read(&value)?;
                    if !append(&self.node(ordinal, &record.digest, kept)?, out) {
                        next = Some(ordinal);
                        return Ok(ControlFlow::Break(()));
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
            }
        }
        left.start = next.unwrap_or(left.end);
        Ok(next.is_some())
    }
}
