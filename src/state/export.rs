//! Which nodes an export has, and their blocks.

use super::placed::Slot;
use super::{NONE, PIECE, State};
use crate::arena::Location;
use crate::bits::Bits;
use crate::car::MOST_ROOTS;
use crate::chunked::Chunked;
use crate::digest::Digest;
use crate::export::removed_meanwhile;
use crate::id;
use crate::pace::Pace;
use crate::plan::Present as _;
use crate::platform;
use crate::store::not_there;
use crate::{ExportQuery, Result};

/// How many nodes are looked at in one go.
const LOOKED_AT: usize = 1 << 16;

/// The nodes of an export, chosen at one moment, and how far it is.
#[derive(Debug)]
pub(crate) struct Selected {
    /// Those without a child among them, oldest first.
    pub(crate) roots: Vec<Digest>,
    pub(crate) count: u64,
    pub(crate) written: u64,
    left: Left,
}

/// What is left to write. Ordinals survive it when others write meanwhile; slots might not.
#[derive(Debug)]
enum Left {
    /// All nodes of a scope, or all, with ordinals from `next` up to `end`.
    Range { scope_id: Option<String>, next: u64, end: u64 },
    /// So many nodes, whose ordinals these are, the last first.
    Listed { ordinals: Chunked<u64>, count: usize },
}

impl State {
    /// Chooses the nodes of an export, children before their parents.
    pub(crate) async fn select(&self, query: &ExportQuery, pace: &mut Pace) -> Result<Selected> {
        let slots = self.placed.slots.len();
        // Three sets with a bit for each slot, and as much again while they grow.
        platform::reserve(slots)?;
        let mut past = Bits::default();
        for cid in query.past_of.iter().flatten() {
            let slot = self.slot(&id::digest_of(cid)?).ok_or_else(|| not_there(*cid))?;
            past.set(slot as usize, true);
        }
        let mut not_past = Bits::default();
        for cid in &query.not_past_of {
            if let Some(slot) = self.slot(&id::digest_of(cid)?) {
                not_past.set(slot as usize, true);
            }
        }
        let all = query.past_of.is_none();
        let is_listed = !all || !query.not_past_of.is_empty();
        let scope = query.scope_id.as_ref().map(|name| self.trie.scope(name));
        let new = self.slots_after(query.after_commit.unwrap_or(0))?;

        let mut with_child = Bits::default();
        let mut roots = Vec::new();
        let mut ordinals = Chunked::default();
        let mut count = 0;
        for slot in new.clone().rev() {
            if slot % PIECE == 0 {
                platform::reserve(ordinals.growth(PIECE))?;
                pace.worked(PIECE / 8).await?;
            }
            if !self.is_there(slot) {
                continue;
            }
            let number = u32::try_from(slot).unwrap_or(NONE);
            let (is_past, is_not) = (!all && past.has(slot), not_past.has(slot));
            let is_chosen = (all || is_past)
                && !is_not
                && scope.is_none_or(|scope| scope == Some(self.placed.slots[slot].scope));
            for parent in self.parents(number) {
                let parent = parent as usize;
                if is_past {
                    past.set(parent, true);
                }
                if is_not {
                    not_past.set(parent, true);
                }
                if is_chosen {
                    with_child.set(parent, true);
                }
            }
            if !is_chosen {
                continue;
            }
            count += 1;
            if !with_child.has(slot) && roots.len() < MOST_ROOTS {
                roots.push(*self.placed.digest(number));
            }
            if is_listed {
                ordinals.push(self.ordinals.of(slot));
            }
        }
        roots.reverse();
        let left = if is_listed {
            let count = ordinals.len();
            Left::Listed { ordinals, count }
        } else {
            let (next, end) = (self.ordinals.of(new.start), self.ordinals.of(slots));
            Left::Range { scope_id: query.scope_id.clone(), next, end }
        };
        Ok(Selected { roots, count, written: 0, left })
    }

    /// Writes the next of the chosen nodes, up to so many bytes or one node; tells whether there are more.
    /// It may write none where few are chosen of many.
    pub(crate) fn write_selected(
        &self,
        selected: &mut Selected,
        bytes: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        let most = out.len() + bytes;
        let is_full = |out: &Vec<u8>, more: &[u8]| out.len() + more.len() > most;
        let before = selected.written;
        match &mut selected.left {
            Left::Range { scope_id, next, end } => {
                let scope = scope_id.as_ref().map(|name| self.trie.scope(name));
                let first = self.ordinals.first_from(*next);
                let slots = first..self.ordinals.first_from(*end).min(self.placed.slots.len());
                for slot in slots {
                    let Slot { location, scope: found, .. } = self.placed.slots[slot];
                    let is_chosen = location != Location::NOWHERE
                        && scope.is_none_or(|scope| scope == Some(found));
                    let framed = if is_chosen { self.placed.arena.framed(location) } else { b"" };
                    let is_full = selected.written > before && is_full(out, framed);
                    if is_full || slot - first >= LOOKED_AT {
                        *next = self.ordinals.of(slot);
                        return Ok(true);
                    }
                    if is_chosen {
                        append(framed, out)?;
                        selected.written += 1;
                    }
                }
                *next = *end;
            }
            Left::Listed { ordinals, count } => {
                while let Some(last) = count.checked_sub(1) {
                    let slot = self.ordinals.first_from(ordinals[last]);
                    let is_same = slot < self.placed.slots.len()
                        && self.ordinals.of(slot) == ordinals[last]
                        && self.is_there(slot);
                    if !is_same {
                        return Err(removed_meanwhile());
                    }
                    let framed = self.placed.arena.framed(self.placed.slots[slot].location);
                    if selected.written > before && is_full(out, framed) {
                        return Ok(true);
                    }
                    append(framed, out)?;
                    selected.written += 1;
                    *count = last;
                }
            }
        }
        if selected.written == selected.count { Ok(false) } else { Err(removed_meanwhile()) }
    }
}

/// Adds bytes, if there is memory for them.
fn append(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if out.capacity() - out.len() < bytes.len() {
        platform::reserve(2 * (out.len() + bytes.len()))?;
    }
    out.extend_from_slice(bytes);
    Ok(())
}
