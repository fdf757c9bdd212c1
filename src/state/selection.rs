//! What of a store a query is about, as far as the trie knows: scopes, and a range of time.

use std::collections::BinaryHeap;
use std::ops::{Range, RangeInclusive};

use super::{NONE, PIECE, State};
use crate::pace::Pace;
use crate::platform;
use crate::state_trie::{Nodes as _, node_key};
use crate::{DagEventType, ListQuery, Result};

/// How many nodes one page looks at, at most: a rare match must not hold the lock for long.
pub(super) const LOOKED_AT_PER_PAGE: usize = 1 << 16;
/// To count what a scope has of a range of time costs as much as to look at so many slots.
const COUNTING: usize = 16;

/// Scopes, and a range of time.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    scopes: Range<u32>,
    times: RangeInclusive<u64>,
}

impl Selection {
    pub(super) fn of(query: &ListQuery, state: &State) -> Self {
        let scopes = match &query.scope_id {
            None => state.trie.scopes(),
            Some(name) => state.trie.scope(name).map_or(0..0, |scope| scope..scope + 1),
        };
        Selection { scopes, times: query.since.unwrap_or(0)..=query.until.unwrap_or(u64::MAX) }
    }

    pub(super) fn is_of_no_scope(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Whether every node of the store is in it.
    fn is_all(&self, state: &State) -> bool {
        self.scopes == state.trie.scopes() && self.times == (0..=u64::MAX)
    }

    /// The scopes in it, each with the number of nodes of that time.
    fn counts<'a>(&'a self, state: &'a State) -> impl Iterator<Item = (u32, u32)> + 'a {
        let count = |scope| state.trie.count_between(scope, &self.times, &state.placed);
        self.scopes.clone().map(move |scope| (scope, count(scope)))
    }

    /// The nodes of one of its scopes, of which there are so many, by time.
    fn walk<'a>(
        &self,
        state: &'a State,
        scope: u32,
        count: u32,
    ) -> impl Iterator<Item = u32> + use<'a> {
        let from = node_key(*self.times.start(), &[0; 32]);
        let mut walk = state.trie.walk_scope(scope, &from, false, &state.placed);
        (0..count).map_while(move |_| state.trie.next(&mut walk))
    }
}

impl State {
    /// How many nodes match a query: by scope and time from the trie; where there are types, by a look at
    /// every node of these scopes and times; after a commit, by a look at every node since.
    pub(crate) async fn count(&self, query: &ListQuery, pace: &mut Pace) -> Result<u64> {
        let selection = Selection::of(query, self);
        let types = &query.event_types;
        let mut counts = selection.counts(self);
        // Functions and not iterators, of which each would bring a dozen that nobody calls into the wasm.
        let mut next: Box<dyn FnMut() -> Option<u64> + Send> = if query.after_commit.is_some() {
            let mut new = self.new_slots(query)?;
            pace.expect(new.len());
            let selection = &selection;
            Box::new(move || Some(self.matches(new.next()?, query, selection).into()))
        } else if types.is_empty() {
            Box::new(|| Some(counts.next()?.1.into()))
        } else {
            pace.expect(selection.counts(self).map(|(_, count)| count as usize).sum());
            let mut slots = counts.flat_map(|(scope, count)| selection.walk(self, scope, count));
            Box::new(move || Some(is_one_of(types, self.placed.event_type(slots.next()?)).into()))
        };
        let mut total = 0;
        loop {
            let mut looked_at = 0;
            while looked_at < PIECE
                && let Some(count) = next()
            {
                total += count;
                looked_at += 1;
            }
            if looked_at == 0 {
                return Ok(total);
            }
            pace.worked(looked_at).await?;
        }
    }

    fn matches(&self, slot: usize, query: &ListQuery, selection: &Selection) -> bool {
        let number = u32::try_from(slot).unwrap_or(NONE);
        self.is_there(slot)
            && selection.scopes.contains(&self.placed.slots[slot].scope)
            && self.passes(query, number)
    }
}

pub(super) fn is_one_of(types: &[DagEventType], event_type: &[u8]) -> bool {
    types.iter().any(|wanted| wanted.as_str().as_bytes() == event_type)
}

/// The slots that a page in insertion order has to look at, each with whether it is worth a closer look.
///
/// They are taken one after the other; or, where what is asked for is rare, from the trie. Which is
/// cheaper depends on how the nodes lie, and shows only on the way: so it goes from slot to slot until
/// that has cost as much as the other would, and then changes over. It never costs more than twice what
/// the better way would have cost.
pub(super) struct Candidates<'a> {
    state: &'a State,
    selection: Selection,
    /// The slots that are left.
    range: Range<usize>,
    reverse: bool,
    /// How many more slots are looked at before something else is to be done.
    left: usize,
    next: Next,
}

/// What is to be done when the slots have been looked at that were to be looked at.
enum Next {
    /// Count what there is in the scopes.
    Count,
    /// Collect it: so many nodes.
    Collect(usize),
    /// Give what was collected, the next one first.
    Give(BinaryHeap<u32>),
}

impl<'a> Candidates<'a> {
    pub(super) fn new(
        state: &'a State,
        selection: Selection,
        range: Range<usize>,
        reverse: bool,
    ) -> Self {
        let counting = selection.scopes.len() * COUNTING;
        let to_the_end = counting > LOOKED_AT_PER_PAGE || selection.is_all(state);
        let left = if to_the_end { usize::MAX } else { counting };
        Candidates { state, selection, range, reverse, left, next: Next::Count }
    }

    fn change_over(&mut self) {
        let to_the_end = usize::MAX;
        match self.next {
            Next::Count => {
                let counts = self.selection.counts(self.state);
                let total = counts.map(|(_, count)| count as usize).sum();
                self.next = Next::Collect(total);
                self.left = if total <= LOOKED_AT_PER_PAGE { total } else { to_the_end };
            }
            // Where there is no memory for it, it goes on as before.
            Next::Collect(total) if platform::reserve(total * size_of::<u32>()).is_ok() => {
                self.next = Next::Give(self.gather(total));
            }
            _ => self.left = to_the_end,
        }
    }

    fn gather(&self, total: usize) -> BinaryHeap<u32> {
        let mut slots = Vec::with_capacity(total);
        for (scope, count) in self.selection.counts(self.state) {
            let of_scope = self.selection.walk(self.state, scope, count);
            let ahead = of_scope.filter(|slot| self.range.contains(&(*slot as usize)));
            slots.extend(ahead.map(|slot| self.turned(slot)));
        }
        BinaryHeap::from(slots)
    }

    /// A heap gives the largest first.
    fn turned(&self, slot: u32) -> u32 {
        if self.reverse { slot } else { NONE - slot }
    }
}

impl Iterator for Candidates<'_> {
    type Item = (usize, bool);

    fn next(&mut self) -> Option<(usize, bool)> {
        loop {
            if let Next::Give(slots) = &mut self.next {
                let slot = slots.pop()?;
                return Some((self.turned(slot) as usize, true));
            }
            if self.left > 0 {
                self.left -= 1;
                let slot = if self.reverse { self.range.next_back() } else { self.range.next() }?;
                let scope = self.state.placed.slots[slot].scope;
                let matches = self.state.is_there(slot) && self.selection.scopes.contains(&scope);
                return Some((slot, matches));
            }
            self.change_over();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DagNode;

    const NODES: u64 = 20_000;

    /// Many nodes of one scope, and among them, far apart or at the end, a few of another.
    fn state(is_rare: impl Fn(u64) -> bool) -> State {
        let mut state = State::default();
        for number in 0..NODES {
            let scope = if is_rare(number) { "rare" } else { "common" };
            let node = DagNode::builder().content(number).event_type("vote").scope_id(scope);
            state.insert(&node.timestamp(number).build().unwrap()).unwrap();
        }
        state
    }

    /// How many slots are looked at until so many are found that may match.
    fn looked_at(state: &State, query: &ListQuery, wanted: usize) -> usize {
        let selection = Selection::of(query, state);
        let slots = Candidates::new(state, selection, 0..state.placed.slots.len(), query.reverse);
        let mut found = 0;
        let until_then = slots.take_while(|(_, matches)| {
            let is_wanted = found < wanted;
            found += usize::from(*matches);
            is_wanted
        });
        until_then.count()
    }

    #[test]
    fn what_is_rare_is_not_searched_for_everywhere() {
        let ways: [fn(u64) -> bool; 2] = [|number| number % 4_000 == 2_000, |number| number < 5];
        for state in ways.map(state) {
            for reverse in [false, true] {
                let scope_id = Some("rare".to_owned());
                let query = ListQuery { scope_id, reverse, ..ListQuery::default() };
                // To count it, to look for as many as there are, and to take them.
                assert!(looked_at(&state, &query, 6) <= COUNTING + 5 + 5);
            }
        }
    }

    #[test]
    fn what_is_common_is_not_collected() {
        let state = state(|number| number.is_multiple_of(10));
        let query = ListQuery { scope_id: Some("rare".to_owned()), ..ListQuery::default() };
        assert!(looked_at(&state, &query, 100) <= 10 * 100);
        let whole = ListQuery::default();
        assert_eq!(looked_at(&state, &whole, 100), 100);
        // Time alone is asked of each scope.
        let late = ListQuery { since: Some(NODES - 10), ..ListQuery::default() };
        assert!(looked_at(&state, &late, 11) <= 2 * COUNTING + 10 + 10);
    }
}
