//! The DAG in memory: blocks, links, heads, order and the state trie, kept in step.

use std::ops::Range;

use crate::arena::{Arena, Location, Record};
use crate::bits::Bits;
use crate::changes::CommitId;
use crate::chunked::Chunked;
use crate::digest::{Digest, StateHash};
use crate::digest_table::DigestTable;
use crate::id;
use crate::layout::Tail;
use crate::list::Place;
use crate::plan::{Parent, Plan, Planned, Present, missing_parent};
use crate::platform;
use crate::state_trie::{self, Nodes, StateTrie};
use crate::{
    Changes, Cid, Commit, Condition, Cursor, DagError, DagNode, ErrorKind, Limits, ListQuery,
    Order, Page, Result, Verified,
};

/// How many nodes one page looks at, at most: a rare match must not hold the lock for long.
const LOOKED_AT_PER_PAGE: usize = 1 << 16;

/// No edge.
const NONE: u32 = u32::MAX;

/// One node. Slots are numbered in the order of insertion and not used twice, so that their order *is*
/// the insertion order; a slot whose node was removed stays empty until the whole is rebuilt.
#[derive(Clone, Copy, Debug)]
struct Slot {
    location: Location,
    /// Its first link to a parent; the others follow, up to where those of the next slot begin.
    first_edge: u32,
    /// The newest link from a child to it.
    newest_child: u32,
    generation: u32,
    scope: u32,
    /// Children in the store, and those of them in the same scope.
    children: u32,
    children_in_scope: u32,
}

/// A link from a child to a parent.
#[derive(Clone, Copy, Debug)]
struct Edge {
    parent: u32,
    child: u32,
    /// The next older link to the same parent.
    older: u32,
}

/// Nodes, and where they stand in memory: what the state trie asks about its leaves.
#[derive(Debug, Default)]
struct Placed {
    arena: Arena,
    slots: Chunked<Slot>,
}

impl Placed {
    fn slot(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    fn record(&self, slot: u32) -> Record<'_> {
        self.arena.get(self.slot(slot).location)
    }

    fn digest(&self, slot: u32) -> &Digest {
        self.arena.digest(self.slot(slot).location)
    }

    fn tail(&self, slot: u32) -> Tail<'_> {
        // It was read when the node came in, so it can be read.
        let tail = Tail::read(self.record(slot).tail());
        tail.unwrap_or(Tail { scope_id: b"", timestamp: 0, event_type: b"" })
    }
}

impl Nodes for Placed {
    fn key(&self, slot: u32) -> (u64, &Digest) {
        (self.tail(slot).timestamp, self.digest(slot))
    }

    fn event_type(&self, slot: u32) -> &[u8] {
        self.tail(slot).event_type
    }
}

/// What orders slots across rebuilds: an ordinal that a node keeps for as long as it is there.
#[derive(Debug, Default)]
struct Ordinals {
    /// Of the slots that came through the last rebuild.
    rebuilt: Vec<u64>,
    /// What to add to the slots after them.
    shift: u64,
}

impl Ordinals {
    fn of(&self, slot: usize) -> u64 {
        self.rebuilt.get(slot).copied().unwrap_or(slot as u64 + self.shift)
    }

    /// The first slot with a higher ordinal.
    fn first_after(&self, ordinal: u64) -> usize {
        match self.rebuilt.last() {
            Some(last) if *last > ordinal => self.rebuilt.partition_point(|of| *of <= ordinal),
            _ => {
                let slot = (ordinal + 1).saturating_sub(self.shift);
                usize::try_from(slot).unwrap_or(usize::MAX).max(self.rebuilt.len())
            }
        }
    }
}

/// All of a store's memory.
#[derive(Debug)]
pub(crate) struct State {
    placed: Placed,
    edges: Chunked<Edge>,
    by_digest: DigestTable,
    heads: Bits,
    scope_heads: Bits,
    trie: StateTrie,
    ordinals: Ordinals,
    /// Bytes of the arena that no slot refers to any more.
    dead_bytes: usize,
    sequence: u64,
    /// Random; what the ids of commits are made from.
    first_id: [u8; 16],
}

impl Default for State {
    fn default() -> Self {
        State {
            placed: Placed::default(),
            edges: Chunked::default(),
            by_digest: DigestTable::default(),
            heads: Bits::default(),
            scope_heads: Bits::default(),
            trie: StateTrie::default(),
            ordinals: Ordinals::default(),
            dead_bytes: 0,
            sequence: 0,
            first_id: platform::random(),
        }
    }
}

impl Present for State {
    fn slot(&self, digest: &Digest) -> Option<u32> {
        self.by_digest.find(digest, |slot| self.placed.digest(slot))
    }

    fn parents(&self, slot: u32) -> impl Iterator<Item = u32> {
        self.edges_of(slot).map(|edge| self.edges[edge].parent)
    }

    fn children(&self, slot: u32) -> u32 {
        self.placed.slot(slot).children
    }
}

impl State {
    // ------------------------------------------------------------------------------------ writing

    /// Checks changes and applies them: all, or none.
    pub(crate) fn commit(&mut self, changes: &Changes) -> Result<Commit> {
        let id = changes.id().unwrap_or_else(|| self.next_id());
        for condition in changes.conditions() {
            self.check(condition).map_err(|error| error.with_commit(id))?;
        }
        let plan = Plan::new(changes, self)?;
        let removed: Vec<Cid> = plan.removes.iter().map(|slot| self.cid(*slot)).collect();
        let inserted: Vec<Cid> =
            plan.inserts.iter().map(|planned| id::cid_of(planned.node.digest())).collect();
        if !plan.is_empty() {
            self.sequence += 1;
            self.apply(&plan);
        }
        let commit = Commit::new(self.sequence, id, inserted, removed);
        Ok(if changes.wants_state_hash() {
            commit.with_state_hash(self.state_hash())
        } else {
            commit
        })
    }

    /// Inserts one node: the commonest of commits, without the planning that the others need.
    pub(crate) fn insert(&mut self, node: &DagNode) -> Result<()> {
        if self.has(node.digest()) {
            return Ok(());
        }
        let parents = node.parent_digests();
        let parents =
            parents.map(|digest| self.slot(digest).ok_or_else(|| missing_parent(node, digest)));
        let parents = parents.collect::<Result<Vec<_>>>()?;
        self.sequence += 1;
        self.place_node(node, parents.into_iter());
        Ok(())
    }

    /// An id for the next commit. Nobody ever asks for the fate of a commit in memory, so it needn't
    /// be random anew each time, only be nobody else's.
    fn next_id(&self) -> CommitId {
        let mut id = self.first_id;
        for (byte, of_sequence) in id.iter_mut().rev().zip((self.sequence + 1).to_le_bytes()) {
            *byte ^= of_sequence;
        }
        id.into()
    }

    fn check(&mut self, condition: &Condition) -> Result<()> {
        let failed = |what: &str| Err(DagError::new(ErrorKind::ConditionFailed, what));
        match condition {
            Condition::Heads { scope_id, heads: expected } => {
                let mut slots = Bits::default();
                let mut all_there = true;
                for head in expected {
                    match self.slot(&id::digest_of(head)?) {
                        Some(slot) => slots.set(slot as usize, true),
                        None => all_there = false,
                    }
                }
                if all_there && self.head_slots(scope_id.as_deref()).into_iter().eq(slots.iter()) {
                    Ok(())
                } else {
                    failed("the heads are others than expected")
                }
            }
            Condition::StateHash(expected) => {
                if self.state_hash() == *expected {
                    Ok(())
                } else {
                    failed("the state hash is another than expected")
                }
            }
            Condition::Absent(cid) => match self.slot(&id::digest_of(cid)?) {
                None => Ok(()),
                Some(_) => failed("a node is there that was expected to be absent")
                    .map_err(|error| error.with_cid(*cid)),
            },
        }
    }

    fn apply(&mut self, plan: &Plan<'_>) {
        for slot in &plan.removes {
            self.remove(*slot);
        }
        let first = self.next_slot();
        for Planned { node, parents } in &plan.inserts {
            let parents = parents.iter().map(|parent| match *parent {
                Parent::Present(slot) => slot,
                Parent::Planned(index) => first + index,
            });
            self.place_node(node, parents);
        }
        self.rebuild_if_mostly_dead();
    }

    fn place_node(&mut self, node: &DagNode, parents: impl Iterator<Item = u32>) {
        let tail = node.layout().tail_bytes(node.as_bytes());
        let scope = self.trie.scope_or_new(node.scope_id());
        self.place(node.digest(), node.as_bytes(), tail, scope, parents);
    }

    /// The number of the next slot. Slots have 31 bits; 2^31 nodes do not fit into any memory that
    /// blocks, links and indexes for them would need.
    fn next_slot(&self) -> u32 {
        u32::try_from(self.placed.slots.len()).unwrap_or(NONE)
    }

    /// Puts a node whose parents are in place into the next slot.
    fn place(
        &mut self,
        digest: &Digest,
        block: &[u8],
        tail: usize,
        scope: u32,
        parents: impl Iterator<Item = u32>,
    ) {
        let slot = self.next_slot();
        let first_edge = u32::try_from(self.edges.len()).unwrap_or(NONE);
        let mut generation = 0;
        for parent in parents {
            let edge = u32::try_from(self.edges.len()).unwrap_or(NONE);
            let of_parent = &mut self.placed.slots[parent as usize];
            generation = generation.max(of_parent.generation.saturating_add(1));
            let older = std::mem::replace(&mut of_parent.newest_child, edge);
            self.edges.push(Edge { parent, child: slot, older });
            of_parent.children += 1;
            self.heads.set(parent as usize, false);
            if of_parent.scope == scope {
                of_parent.children_in_scope += 1;
                self.scope_heads.set(parent as usize, false);
            }
        }
        self.placed.slots.push(Slot {
            location: self.placed.arena.push(digest, block, tail),
            first_edge,
            newest_child: NONE,
            generation,
            scope,
            children: 0,
            children_in_scope: 0,
        });
        self.by_digest.insert_new(digest, slot);
        self.heads.set(slot as usize, true);
        self.scope_heads.set(slot as usize, true);
        self.trie.insert(scope, slot, &self.placed);
    }

    /// Clears a slot whose node's children are cleared in the same commit.
    fn remove(&mut self, slot: u32) {
        let Slot { location, scope, .. } = *self.placed.slot(slot);
        self.trie.remove(scope, slot, &self.placed);
        let placed = &self.placed;
        self.by_digest.remove(placed.digest(slot), |slot| placed.digest(slot));
        self.dead_bytes += placed.arena.record_bytes(location);
        for edge in self.edges_of(slot) {
            let parent = self.edges[edge].parent;
            let of_parent = &mut self.placed.slots[parent as usize];
            of_parent.children -= 1;
            let there = of_parent.location != Location::NOWHERE;
            self.heads.set(parent as usize, there && of_parent.children == 0);
            if of_parent.scope == scope {
                of_parent.children_in_scope -= 1;
                self.scope_heads.set(parent as usize, there && of_parent.children_in_scope == 0);
            }
        }
        self.heads.set(slot as usize, false);
        self.scope_heads.set(slot as usize, false);
        self.placed.slots[slot as usize].location = Location::NOWHERE;
    }

    /// Once more slots or bytes are dead than alive, copies what is alive to where it takes no more
    /// room than it needs. Each removal pays for the copy of one node, if that.
    fn rebuild_if_mostly_dead(&mut self) {
        let slots = self.placed.slots.len();
        let alive = usize::try_from(self.trie.len()).unwrap_or(slots);
        let many_slots = slots - alive > alive.max(1 << 10);
        let many_bytes = self.dead_bytes > (self.placed.arena.bytes() / 2).max(1 << 20);
        if !many_slots && !many_bytes {
            return;
        }
        let old = std::mem::take(self);
        let mut moved_to = vec![NONE; slots];
        for slot in (0..slots).filter(|slot| old.is_there(*slot)) {
            let number = u32::try_from(slot).unwrap_or(NONE);
            let record = old.placed.record(number);
            moved_to[slot] = self.next_slot();
            self.ordinals.rebuilt.push(old.ordinals.of(slot));
            let scope = self.trie.scope_or_new(old.trie.scope_name(old.placed.slot(number).scope));
            // Parents stand before their children, so they have moved already.
            let parents = old.parents(number).map(|parent| moved_to[parent as usize]);
            self.place(record.digest, record.block, record.tail().len(), scope, parents);
        }
        self.ordinals.shift = old.ordinals.of(slots) - self.placed.slots.len() as u64;
        self.sequence = old.sequence;
        self.first_id = old.first_id;
    }

    // ------------------------------------------------------------------------------------ reading

    fn is_there(&self, slot: usize) -> bool {
        self.placed.slots[slot].location != Location::NOWHERE
    }

    fn cid(&self, slot: u32) -> Cid {
        id::cid_of(self.placed.digest(slot))
    }

    fn edges_of(&self, slot: u32) -> Range<usize> {
        let next = slot as usize + 1;
        let end = if next < self.placed.slots.len() {
            self.placed.slots[next].first_edge as usize
        } else {
            self.edges.len()
        };
        self.placed.slot(slot).first_edge as usize..end
    }

    /// The children that are there, the newest first.
    fn children_of(&self, slot: u32) -> impl Iterator<Item = u32> + '_ {
        let mut next = self.placed.slot(slot).newest_child;
        std::iter::from_fn(move || {
            let edge = (next != NONE).then(|| self.edges[next as usize])?;
            next = edge.older;
            Some(edge.child)
        })
        .filter(|child| self.is_there(*child as usize))
    }

    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.slot(digest).is_some()
    }

    pub(crate) fn get(&self, digest: &Digest, limits: &Limits) -> Result<Option<DagNode>> {
        self.slot(digest).map(|slot| self.node(slot, limits)).transpose()
    }

    /// A node as it lies in memory, and the digests of its parents, for those who need no `DagNode`.
    pub(crate) fn find(
        &self,
        digest: &Digest,
    ) -> Option<(Record<'_>, impl Iterator<Item = &Digest>)> {
        let slot = self.slot(digest)?;
        Some((self.placed.record(slot), self.parent_digests(slot)))
    }

    /// The digests of a node's parents that are there, as all are.
    fn parent_digests(&self, slot: u32) -> impl Iterator<Item = &Digest> {
        let there = self.parents(slot).filter(|parent| self.is_there(*parent as usize));
        there.map(|parent| self.placed.digest(parent))
    }

    fn node(&self, slot: u32, limits: &Limits) -> Result<DagNode> {
        let record = self.placed.record(slot);
        DagNode::trusted(record.block, *record.digest, limits)
    }

    pub(crate) fn len(&self, scope_id: Option<&str>) -> u64 {
        match scope_id {
            None => self.trie.len(),
            Some(name) => self.trie.scope(name).map_or(0, |scope| self.trie.scope_len(scope)),
        }
    }

    pub(crate) fn heads(&self, scope_id: Option<&str>) -> Vec<Cid> {
        let slots = self.head_slots(scope_id).into_iter();
        slots
            .map(|slot| id::cid_of(self.placed.arena.digest(self.placed.slots[slot].location)))
            .collect()
    }

    fn head_slots(&self, scope_id: Option<&str>) -> Vec<usize> {
        match scope_id {
            None => self.heads.iter().collect(),
            Some(name) => {
                let scope = self.trie.scope(name);
                let of_scope = |slot: &usize| Some(self.placed.slots[*slot].scope) == scope;
                self.scope_heads.iter().filter(of_scope).collect()
            }
        }
    }

    /// The state hash, if it is known without hashing anything.
    pub(crate) fn known_hash(&self, scope_id: Option<&str>) -> Option<StateHash> {
        match scope_id {
            None => self.trie.known_hash(),
            Some(name) => self.trie.known_scope_hash(name),
        }
    }

    pub(crate) fn state_hash(&mut self) -> StateHash {
        self.trie.state_hash(&self.placed)
    }

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
        let scope = match &query.scope_id {
            Some(name) => match self.trie.scope(name) {
                Some(scope) => Some(scope),
                None => {
                    return Ok(Page { nodes: Vec::new(), next: None });
                }
            },
            None => None,
        };
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
        let matches = |slot: &usize| {
            self.is_there(*slot)
                && scope.is_none_or(|scope| self.placed.slots[*slot].scope == scope)
        };
        let slots = Directed::new(range, query.reverse).map(|slot| (slot, matches(&slot)));
        self.page(query, limits, slots, |slot| Place::Insertion(self.ordinals.of(slot)))
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
        let slots = std::iter::from_fn(|| self.trie.next(&mut walk))
            // The walk begins at the node that the page before ended with, if it is still there.
            .skip_while(|slot| after == Some(key(*slot)))
            .take_while(|slot| within(key(*slot).0))
            .map(|slot| (slot as usize, true));
        self.page(query, limits, slots, |slot| {
            let (time, digest) = key(u32::try_from(slot).unwrap_or(NONE));
            Place::Time(time, digest)
        })
    }

    /// Fills a page from slots that come in order, each with whether it is worth a closer look.
    fn page(
        &self,
        query: &ListQuery,
        limits: &Limits,
        slots: impl Iterator<Item = (usize, bool)>,
        place: impl Fn(usize) -> Place,
    ) -> Result<Page> {
        let most = query.limit.max(1);
        let mut nodes = Vec::new();
        let mut slots = slots.enumerate().peekable();
        while let Some((looked_at, (slot, candidate))) = slots.next() {
            if candidate {
                let number = u32::try_from(slot).unwrap_or(NONE);
                if self.passes(query, number) {
                    nodes.push(self.node(number, limits)?);
                }
            }
            if (nodes.len() == most || looked_at >= LOOKED_AT_PER_PAGE) && slots.peek().is_some() {
                return Ok(Page { nodes, next: Some(place(slot).into()) });
            }
        }
        Ok(Page { nodes, next: None })
    }

    fn passes(&self, query: &ListQuery, slot: u32) -> bool {
        if query.since.is_none() && query.until.is_none() && query.event_types.is_empty() {
            return true;
        }
        let Tail { timestamp, event_type, .. } = self.placed.tail(slot);
        query.since.is_none_or(|since| timestamp >= since)
            && query.until.is_none_or(|until| timestamp <= until)
            && (query.event_types.is_empty()
                || query.event_types.iter().any(|wanted| wanted.as_str().as_bytes() == event_type))
    }

    // ---------------------------------------------------------------------------------- verifying

    pub(crate) fn slots(&self) -> usize {
        self.placed.slots.len()
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Checks the blocks and links of these slots; gives how many nodes and links there were.
    pub(crate) fn verify_slots(&self, slots: Range<usize>, limits: &Limits) -> Result<(u64, u64)> {
        let (mut nodes, mut links) = (0, 0);
        for slot in slots.filter(|slot| *slot < self.slots() && self.is_there(*slot)) {
            let number = u32::try_from(slot).unwrap_or(NONE);
            let record = self.placed.record(number);
            let corrupt = |what: &str| {
                DagError::new(ErrorKind::Corrupt, what).with_cid(id::cid_of(record.digest))
            };
            let node = DagNode::decode_with(record.block, limits)
                .map_err(|error| corrupt("a stored block is not a node's").with_source(error))?;
            if node.digest() != record.digest {
                return Err(corrupt("a stored block does not hash to its CID"));
            }
            if !self.parent_digests(number).eq(node.parent_digests()) {
                return Err(corrupt("the links of a stored node are not those in its block"));
            }
            if !self.is_linked_well(number) {
                return Err(corrupt("the indexes of a stored node are not those of its links"));
            }
            if self.slot(record.digest) != Some(number) {
                return Err(corrupt("a stored node can't be found by its CID"));
            }
            nodes += 1;
            links += node.parent_digests().len() as u64;
        }
        Ok((nodes, links))
    }

    /// Whether a node's generation and children are what the links to and from it say.
    fn is_linked_well(&self, slot: u32) -> bool {
        let Slot { generation, scope, children, children_in_scope, .. } = *self.placed.slot(slot);
        let above = self.parents(slot).map(|parent| self.placed.slot(parent).generation + 1);
        let in_scope = |child: &u32| self.placed.slot(*child).scope == scope;
        generation == above.max().unwrap_or(0)
            && children as usize == self.children_of(slot).count()
            && children_in_scope as usize == self.children_of(slot).filter(in_scope).count()
    }

    /// Checks the state hash against one of a trie made from nothing but the blocks.
    pub(crate) fn verify_state_hash(&mut self, nodes: u64, links: u64) -> Result<Verified> {
        let mut fresh = StateTrie::default();
        for slot in (0..self.slots()).filter(|slot| self.is_there(*slot)) {
            let number = u32::try_from(slot).unwrap_or(NONE);
            let name = std::str::from_utf8(self.placed.tail(number).scope_id).unwrap_or_default();
            let scope = fresh.scope_or_new(name);
            fresh.insert(scope, number, &self.placed);
        }
        let state_hash = self.state_hash();
        if fresh.state_hash(&self.placed) != state_hash {
            return Err(DagError::new(
                ErrorKind::Corrupt,
                "the state hash is not that of the blocks in the store",
            ));
        }
        Ok(Verified { nodes, links, state_hash })
    }
}

/// A range, forwards or backwards.
struct Directed {
    range: Range<usize>,
    reverse: bool,
}

impl Directed {
    fn new(range: Range<usize>, reverse: bool) -> Self {
        Directed { range, reverse }
    }
}

impl Iterator for Directed {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.reverse { self.range.next_back() } else { self.range.next() }
    }
}
