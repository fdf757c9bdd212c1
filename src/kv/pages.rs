//! Lists, a page at a time, and counts.

use std::cmp::Ordering;
use std::ops::{ControlFlow, Range};

use super::keys;
use super::trie;
use super::values::{CommitRecord, Kept, Record, corrupt};
use super::view::{View, split_key};
use crate::list::Place;
use crate::state_trie::node_key;
use crate::store::not_yet;
use crate::{Cursor, DagError, DagEventType, DagNode, ErrorKind, ListQuery, Order, Page, Result};

/// How many nodes one page looks at, at most.
const LOOKED_AT_PER_PAGE: usize = 1 << 14;

impl View<'_> {
    pub(super) fn list_page(&self, query: &ListQuery) -> Result<Page> {
        let place = query.cursor.as_ref().map(Cursor::place).transpose()?;
        let new = self.first_after(query.after_commit.unwrap_or(0))?;
        match (query.order, place) {
            (Order::Insertion, None) => self.page_by_insertion(query, None, new),
            (Order::Insertion, Some(Place::Insertion(after))) => {
                self.page_by_insertion(query, Some(after), new)
            }
            (Order::Time, None) => self.page_by_time(query, None, new),
            (Order::Time, Some(Place::Time(time, digest))) => {
                self.page_by_time(query, Some(node_key(time, &digest)), new)
            }
            _ => Err(DagError::new(
                ErrorKind::InvalidArgument,
                "the cursor comes from a list in another order",
            )),
        }
    }

    /// The ordinal of the first node that was, or will be, inserted after this commit. One that is yet to
    /// come is refused.
    pub(super) fn first_after(&self, commit: u64) -> Result<u64> {
        match commit.cmp(&self.whole.sequence) {
            Ordering::Greater => Err(not_yet()),
            _ if commit == 0 => Ok(0),
            Ordering::Equal => Ok(self.whole.next_ordinal),
            Ordering::Less => Ok(self.commit_record(commit + 1)?.first),
        }
    }

    pub(super) fn commit_record(&self, sequence: u64) -> Result<CommitRecord> {
        CommitRecord::read(&self.get(&keys::commit(sequence))?.ok_or_else(corrupt)?)
    }

    /// The ordinals that come after a cursor.
    fn ahead(&self, query: &ListQuery, after: Option<u64>, new: u64) -> Range<u64> {
        let end = self.whole.next_ordinal;
        match (after, query.reverse) {
            (None, _) => new..end,
            (Some(after), false) => new.max(after.saturating_add(1))..end,
            (Some(after), true) => new..end.min(after),
        }
    }

    fn page_by_insertion(&self, query: &ListQuery, after: Option<u64>, new: u64) -> Result<Page> {
        let ahead = self.ahead(query, after, new);
        let mut filling = Filling::new(query);
        match &query.scope_id {
            None => self.scan(&records(&ahead), query.reverse, |key, value| {
                let (record, kept) = Record::read(value)?;
                if kept == Kept::Removed {
                    return Ok(ControlFlow::Continue(()));
                }
                let ordinal = keys::last_number(key).ok_or_else(corrupt)?;
                filling.look(Place::Insertion(ordinal), || {
                    let passes = passes(query, record.timestamp, &record.event_type);
                    passes.then(|| self.node(ordinal, &record.digest, kept)).transpose()
                })
            })?,
            Some(name) => {
                let Some(scope) = self.scope_number(name)? else { return Ok(filling.page()) };
                let range = keys::of_scope(scope, ahead.start).to_vec()
                    ..keys::of_scope(scope, ahead.end.max(ahead.start)).to_vec();
                self.scan(&range, query.reverse, |key, _| {
                    let ordinal = keys::last_number(key).ok_or_else(corrupt)?;
                    filling.look(Place::Insertion(ordinal), || {
                        let value = self.get(&keys::record(ordinal))?.ok_or_else(corrupt)?;
                        let (record, kept) = Record::read(&value)?;
                        let passes = passes(query, record.timestamp, &record.event_type);
                        passes.then(|| self.node(ordinal, &record.digest, kept)).transpose()
                    })
                })?;
            }
        }
        Ok(filling.page())
    }

    fn page_by_time(&self, query: &ListQuery, after: Option<[u8; 40]>, new: u64) -> Result<Page> {
        let name = query.scope_id.as_ref().ok_or_else(|| {
            DagError::new(ErrorKind::InvalidArgument, "the order by time needs a scope")
        })?;
        let mut filling = Filling::new(query);
        let Some(scope) = self.scope_number(name)? else { return Ok(filling.page()) };
        let first = node_key(query.since.unwrap_or(0), &[0; 32]);
        let last = node_key(query.until.unwrap_or(u64::MAX), &[0xff; 32]);
        let trie = self.scope_trie(scope);
        let mut range = trie.range(&first, &last);
        if let Some(after) = after {
            let after = keys::by_time(scope, &after);
            if query.reverse {
                range.end = range.end.min(after.to_vec());
            } else {
                range.start = range.start.max(keys::up_to_end_of(&after));
            }
        }
        trie.each_leaf(&range, query.reverse, |key, ordinal, event_type| {
            let (time, digest) = split_key(key);
            filling.look(Place::Time(time, digest), || {
                if ordinal < new || !is_one_of(&query.event_types, event_type) {
                    return Ok(None);
                }
                let value = self.get(&keys::record(ordinal))?.ok_or_else(corrupt)?;
                let (_, kept) = Record::read(&value)?;
                self.node(ordinal, &digest, kept).map(Some)
            })
        })?;
        Ok(filling.page())
    }

    /// How many nodes match a query: by scope and time from the tries; where there are types, by a look at
    /// every leaf of these scopes and times; after a commit, by a look at every node since.
    pub(super) fn count(&self, query: &ListQuery) -> Result<u64> {
        let mut total = 0;
        if let Some(commit) = query.after_commit {
            let new = self.first_after(commit)?..self.whole.next_ordinal;
            let scope = match &query.scope_id {
                None => None,
                Some(name) => match self.scope_number(name)? {
                    None => return Ok(0),
                    scope => scope,
                },
            };
            self.scan(&records(&new), false, |_, value| {
                let (record, kept) = Record::read(value)?;
                let matches = kept != Kept::Removed
                    && scope.is_none_or(|scope| scope == record.scope)
                    && passes(query, record.timestamp, &record.event_type);
                total += u64::from(matches);
                Ok(ControlFlow::Continue(()))
            })?;
            return Ok(total);
        }
        if let Some(name) = &query.scope_id {
            return self.count_in(name, query);
        }
        if query.since.is_none() && query.until.is_none() && query.event_types.is_empty() {
            return Ok(self.whole.nodes);
        }
        for scope in self.scopes(None, usize::MAX)? {
            total += self.count_in(&scope.id, query)?;
        }
        Ok(total)
    }

    fn count_in(&self, name: &str, query: &ListQuery) -> Result<u64> {
        let Some(scope) = self.scope(name)? else { return Ok(0) };
        let (since, until) = (query.since.unwrap_or(0), query.until.unwrap_or(u64::MAX));
        if since > until {
            return Ok(0);
        }
        let trie = self.scope_trie(scope.number);
        let root = Some(scope.root);
        if query.event_types.is_empty() {
            let before = |time| trie::count_before(&trie, root, &node_key(time, &[0; 32]));
            let to_the_end = || Ok(scope.root.leaves);
            let before_the_end = until.checked_add(1).map_or_else(to_the_end, before)?;
            return Ok(before_the_end.saturating_sub(before(since)?));
        }
        let range = trie.range(&node_key(since, &[0; 32]), &node_key(until, &[0xff; 32]));
        let mut total = 0;
        trie.each_leaf(&range, false, |_, _, event_type| {
            total += u64::from(is_one_of(&query.event_types, event_type));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(total)
    }
}

/// The keys of records with these ordinals.
pub(super) fn records(ordinals: &Range<u64>) -> Range<Vec<u8>> {
    let end = ordinals.end.max(ordinals.start);
    keys::record(ordinals.start).to_vec()..keys::record(end).to_vec()
}

/// Whether a query's filters let a node of this time and type pass.
fn passes(query: &ListQuery, timestamp: u64, event_type: &[u8]) -> bool {
    query.since.is_none_or(|since| timestamp >= since)
        && query.until.is_none_or(|until| timestamp <= until)
        && is_one_of(&query.event_types, event_type)
}

/// Whether this type is wanted; none are named where all are.
pub(super) fn is_one_of(types: &[DagEventType], event_type: &[u8]) -> bool {
    types.is_empty() || types.iter().any(|wanted| wanted.as_str().as_bytes() == event_type)
}

/// A page that is being filled.
struct Filling {
    most: usize,
    looked_at: usize,
    nodes: Vec<DagNode>,
    /// Where the last entry stood that was looked at.
    last: Option<Place>,
    next: Option<Cursor>,
}

impl Filling {
    fn new(query: &ListQuery) -> Self {
        let (nodes, last, next) = (Vec::new(), None, None);
        Filling { most: query.limit.max(1), looked_at: 0, nodes, last, next }
    }

    /// Looks at the next entry, whose node `read` gives if it is wanted.
    fn look(
        &mut self,
        place: Place,
        read: impl FnOnce() -> Result<Option<DagNode>>,
    ) -> Result<ControlFlow<()>> {
        if self.nodes.len() == self.most || self.looked_at == LOOKED_AT_PER_PAGE {
            // This is the proof that there is more.
            self.next = self.last.map(Cursor::from);
            return Ok(ControlFlow::Break(()));
        }
        self.looked_at += 1;
        self.last = Some(place);
        self.nodes.extend(read()?);
        Ok(ControlFlow::Continue(()))
    }

    fn page(self) -> Page {
        Page { nodes: self.nodes, next: self.next }
    }
}
