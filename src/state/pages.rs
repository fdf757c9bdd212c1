//! Lists, a page at a time.

use std::ops::Range;

use super::selection::{Candidates, LOOKED_AT_PER_PAGE, Selection, is_one_of};
use super::{NONE, State};
use crate::digest::Digest;
use crate::layout::Tail;
use crate::list::Place;
use crate::platform;
use crate::state_trie::{self, Nodes as _};
use crate::{Cursor, DagError, DagNode, ErrorKind, Limits, ListQuery, Order, Page, Result};

impl State {
    pub(crate) fn list_page(&self, query: &ListQuery, limits: &Limits) -> Result<Page> {
        let place = query.cursor.as_ref().map(Cursor::place).transpose()?;
        match (query.order, place) {
            (Order::Insertion, None) => self.page_by_insertion(query, None, limits),
            (Order::Insertion, Some(Place::Insertion(after))) => {
                self.page_by_insertion(query, Some(after), limits)
            }
            (Order::Time, None) => self.page_by_time(query, None, limits),
            (Order::Time, Some(Place::Time(time, digest))) => {
                self.page_by_time(query, Some((time, digest)), limits)
            }
            _ => Err(DagError::new(
                ErrorKind::InvalidArgument,
                "the cursor comes from a list in another order",
            )),
        }
    }

    fn page_by_insertion(
        &self,
        query: &ListQuery,
        after: Option<u64>,
        limits: &Limits,
    ) -> Result<Page> {
        let new = self.new_slots(query)?;
        let selection = Selection::of(query, self);
        if selection.is_of_no_scope() {
            return Ok(Page { nodes: Vec::new(), next: None });
        }
        let slots = self.placed.slots.len();
        let range = match (after, query.reverse) {
            (None, _) => 0..slots,
            (Some(ordinal), false) => self.ordinals.first_after(ordinal).min(slots)..slots,
            (Some(ordinal), true) => {
                0..ordinal
                    .checked_sub(1)
                    .map_or(0, |before| self.ordinals.first_after(before))
                    .min(slots)
            }
        };
        let range = range.start.max(new.start)..range.end;
        let mut slots = Candidates::new(self, selection, range, query.reverse);
        let place = |slot| Place::Insertion(self.ordinals.of(slot));
        self.page(query, limits, &mut || slots.next(), &place)
    }

    fn page_by_time(
        &self,
        query: &ListQuery,
        after: Option<(u64, Digest)>,
        limits: &Limits,
    ) -> Result<Page> {
        let name = query.scope_id.as_ref().ok_or_else(|| {
            DagError::new(ErrorKind::InvalidArgument, "the order by time needs a scope")
        })?;
        let new = self.new_slots(query)?;
        let Some(scope) = self.trie.scope(name) else {
            return Ok(Page { nodes: Vec::new(), next: None });
        };
        let from = match (&after, query.reverse) {
            (Some((time, digest)), _) => state_trie::node_key(*time, digest),
            (None, false) => state_trie::node_key(query.since.unwrap_or(0), &[0; 32]),
            (None, true) => state_trie::node_key(query.until.unwrap_or(u64::MAX), &[0xff; 32]),
        };
        let mut walk = self.trie.walk_scope(scope, &from, query.reverse, &self.placed);
        let key = |slot: u32| {
            let (time, digest) = self.placed.key(slot);
            (time, *digest)
        };
        let within = |time: u64| {
            if query.reverse {
                query.since.is_none_or(|since| time >= since)
            } else {
                query.until.is_none_or(|until| time <= until)
            }
        };
        let mut slots = std::iter::from_fn(|| self.trie.next(&mut walk))
            // The walk begins at the node that the page before ended with, if it is still there.
            .skip_while(|slot| after == Some(key(*slot)))
            .take_while(|slot| within(key(*slot).0))
            .map(|slot| (slot as usize, new.contains(&(slot as usize))));
        let place = |slot| {
            let (time, digest) = key(u32::try_from(slot).unwrap_or(NONE));
            Place::Time(time, digest)
        };
        self.page(query, limits, &mut || slots.next(), &place)
    }

    /// The slots of the nodes that are new enough.
    pub(super) fn new_slots(&self, query: &ListQuery) -> Result<Range<usize>> {
        self.slots_after(query.after_commit.unwrap_or(0))
    }

    /// Fills a page from slots that come in order, each with whether it is worth a closer look.
    fn page(
        &self,
        query: &ListQuery,
        limits: &Limits,
        next: &mut dyn FnMut() -> Option<(usize, bool)>,
        place: &dyn Fn(usize) -> Place,
    ) -> Result<Page> {
        let most = query.limit.max(1);
        let mut nodes: Vec<DagNode> = Vec::new();
        let mut coming = next();
        let mut looked_at = 0;
        while let Some((slot, candidate)) = coming {
            if candidate {
                let number = u32::try_from(slot).unwrap_or(NONE);
                if self.passes(query, number) {
                    if nodes.len() == nodes.capacity() {
                        platform::reserve(2 * size_of_val(nodes.as_slice()))?;
                    }
                    nodes.push(self.node(number, limits)?);
                }
            }
            coming = next();
            if (nodes.len() == most || looked_at >= LOOKED_AT_PER_PAGE) && coming.is_some() {
                return Ok(Page { nodes, next: Some(place(slot).into()) });
            }
            looked_at += 1;
        }
        Ok(Page { nodes, next: None })
    }

    pub(super) fn passes(&self, query: &ListQuery, slot: u32) -> bool {
        if query.since.is_none() && query.until.is_none() && query.event_types.is_empty() {
            return true;
        }
        let Tail { timestamp, event_type, .. } = self.placed.tail(slot);
        query.since.is_none_or(|since| timestamp >= since)
            && query.until.is_none_or(|until| timestamp <= until)
            && (query.event_types.is_empty() || is_one_of(&query.event_types, event_type))
    }
}
