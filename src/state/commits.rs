//! Telling of commits again, to those who watch.

use std::ops::Range;

use super::{ANSWER, NONE, State};
use crate::digest::Digest;
use crate::history::Removed;
use crate::id;
use crate::platform;
use crate::state_trie::Nodes as _;
use crate::{ChangeKind, Cid, Commit, CommitFilter, DagError, ErrorKind, Result};

/// How many nodes and commits are looked at before others may have the lock. (One commit is told in one
/// go, however large.)
const LOOKED_AT: u64 = 1 << 13;

/// What came of looking for a commit.
#[derive(Debug)]
pub(crate) enum Found {
    Commit(Commit),
    /// Nothing, up to the commit with this sequence number.
    NothingUpTo(u64),
}

impl State {
    /// Looks for the first commit after this one that has something for the filter.
    pub(crate) fn commit_after(&self, after: u64, filter: &CommitFilter) -> Result<Found> {
        if after < self.sequence && !self.history.knows(after + 1) {
            return Err(DagError::new(
                ErrorKind::Compacted,
                "the store has forgotten commits after that number; read it anew, and watch from \
                 then on",
            ));
        }
        let mut looked_at = 0;
        let mut sequence = after;
        while sequence < self.sequence && looked_at < LOOKED_AT {
            let first = self.first_ordinal_after(sequence)?;
            sequence += 1;
            let placed = first..self.first_ordinal_after(sequence)?;
            looked_at += 1 + (placed.end - placed.start);
            let wants = |kind| filter.only.is_none_or(|only| only == kind);
            let mut inserted = Vec::new();
            if wants(ChangeKind::Inserted) {
                inserted = self.inserted(sequence, placed, filter)?;
            }
            let mut removed = Vec::new();
            if wants(ChangeKind::Removed) {
                let by_it = self.history.removed_from(sequence);
                for node in by_it.take_while(|node| node.sequence == sequence) {
                    if node.passes(filter) {
                        push(&mut removed, &node.digest)?;
                    }
                }
            }
            if !inserted.is_empty() || !removed.is_empty() {
                let (id, state_hash) = self.history.marks(sequence);
                // Single inserts have no ids until somebody asks. Other ids count from the other end.
                let id = id.unwrap_or_else(|| self.nth_id(!sequence));
                let commit = Commit::new(sequence, id, inserted, removed);
                return Ok(Found::Commit(Commit { state_hash, ..commit }));
            }
        }
        Ok(Found::NothingUpTo(sequence))
    }

    /// The nodes that a commit placed with these ordinals, in their order: those that are still there,
    /// and those that have been removed since.
    fn inserted(
        &self,
        sequence: u64,
        placed: Range<u64>,
        filter: &CommitFilter,
    ) -> Result<Vec<Cid>> {
        let mut gone = placed.end - placed.start;
        let (mut found, mut ordinals) = (Vec::new(), Vec::new());
        let scope = filter.scope_id.as_deref().map(|name| self.trie.scope(name));
        let slots = self.first_slot_from(placed.start)..self.first_slot_from(placed.end);
        for slot in slots.filter(|slot| self.is_there(*slot)) {
            gone -= 1;
            let number = u32::try_from(slot).unwrap_or(NONE);
            let of_scope = Some(self.placed.slot(number).scope);
            if scope.is_none_or(|scope| scope == of_scope)
                && filter.takes_type(self.placed.event_type(number))
            {
                push(&mut found, self.placed.digest(number))?;
                ordinals.push(self.ordinals.of(slot));
            }
        }
        // Most often all are there.
        let still_there = found.len();
        let mut later = self.history.removed_from(sequence + 1);
        while gone > 0
            && let Some(node) = later.next()
        {
            if placed.contains(&node.ordinal) {
                gone -= 1;
                if node.passes(filter) {
                    push(&mut found, &node.digest)?;
                    ordinals.push(node.ordinal);
                }
            }
        }
        if found.len() == still_there {
            return Ok(found);
        }
        // Which of those found has each of the ordinals.
        let mut which = vec![NONE; usize::try_from(placed.end - placed.start).unwrap_or(0)];
        for (index, ordinal) in (0..).zip(ordinals) {
            which[usize::try_from(ordinal - placed.start).unwrap_or(0)] = index;
        }
        which.retain(|index| *index != NONE);
        Ok(which.into_iter().map(|index| found[index as usize]).collect())
    }

    /// What must be remembered of a node that the last commit removes.
    pub(super) fn to_remember(&self, slot: u32) -> Removed {
        Removed {
            sequence: self.sequence,
            ordinal: self.ordinals.of(slot as usize),
            digest: *self.placed.digest(slot),
            scope: self.trie.shared_scope_name(self.placed.slot(slot).scope),
            event_type: self.placed.event_type(slot).into(),
        }
    }
}

/// Adds a node to a list, if there is memory for it and for telling of it.
fn push(list: &mut Vec<Cid>, digest: &Digest) -> Result<()> {
    if list.len() == list.capacity() {
        platform::reserve(4 * list.len() * (size_of::<Cid>() + ANSWER))?;
    }
    list.push(id::cid_of(digest));
    Ok(())
}
