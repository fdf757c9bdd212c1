//! The DAG in memory: blocks, links, heads, order and the state trie, kept in step.

mod commits;
mod draft;
mod export;
mod graph;
mod kept;
mod ordinals;
mod pages;
mod placed;
mod recent;
mod selection;
mod verify;

pub(crate) use commits::Found;
pub(crate) use draft::{Draft, Drafting, Outcome};
pub(crate) use export::Selected;
pub(crate) use recent::Recent;
pub(crate) use verify::{Step, Verification};

use std::ops::Range;
use std::sync::Arc;

use self::ordinals::Ordinals;
use self::placed::{Placed, Slot};
use crate::arena::{Location, Record};
use crate::bits::Bits;
use crate::changes::CommitId;
use crate::chunked::Chunked;
use crate::digest::{Digest, Preimage, StateHash};
use crate::digest_table::DigestTable;
use crate::history::History;
use crate::id;
use crate::pace::{self, Pace};
use crate::plan::{Parent, Plan, Planned, Present, missing_parent};
use crate::platform;
use crate::proof::{Proof, ProofWriter, Span};
use crate::state_trie::{StateTrie, node_key};
use crate::store::not_yet;
use crate::{
    Changes, Cid, Commit, Condition, DagError, DagNode, ErrorKind, Limits, Result, Scope,
    TreeAddress, TreeAnswer, TreePart,
};

/// How many nodes are handled in one go.
const PIECE: usize = 1 << 8;
/// Units of work that it takes to place or to remove a node.
pub(crate) const PLACING: usize = 3;
/// Units of work that it takes to compute a hash of the state trie.
const HASHING: usize = 2;

/// Bytes that a new scope takes, with its name in two places, and some to spare.
const SCOPE: usize = 1 << 10;
/// Bytes that it takes to read a node, beside two copies of its block.
const READING: usize = 1 << 13;
/// Bytes that it takes to remember what a removed node leaves free.
const CLEARED: usize = 16;
/// Bytes that it takes to tell somebody of a node that came or went.
const ANSWER: usize = 64;

/// No edge.
const NONE: u32 = u32::MAX;

/// A link from a child to a parent.
#[derive(Clone, Copy, Debug)]
struct Edge {
    parent: u32,
    child: u32,
    /// The next older link to the same parent.
    older: u32,
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
    history: History,
    sequence: u64,
    /// What the ids of commits are made from: a random seed, and how many there are.
    id_seed: [u8; 16],
    ids: u64,
    recent: Recent,
    /// The parents of the node that is being inserted: kept, so that they need not be allocated each time.
    parents: Vec<u32>,
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
            history: History::default(),
            sequence: 0,
            id_seed: platform::random(),
            ids: 0,
            recent: Recent::default(),
            parents: Vec::new(),
        }
    }
}

impl Present for State {
    fn slot(&self, digest: &Digest) -> Option<u32> {
        self.by_digest.find(digest, |slot| self.placed.digest(slot))
    }

    fn parents(&self, slot: u32) -> impl Iterator<Item = u32> + Clone {
        self.edges_of(slot).map(|edge| self.edges[edge].parent)
    }

    fn children(&self, slot: u32) -> u32 {
        self.placed.slot(slot).children
    }
}

impl State {
    /// A state without nodes, which remembers so many commits.
    pub(crate) fn with_history(most: usize) -> Self {
        State { history: History::new(most, Arc::default()), ..State::default() }
    }

    // ------------------------------------------------------------------------------------ writing

    /// Bytes of memory to be allocated for so many more nodes, with so many links and bytes in all; what
    /// the table of digests takes comes on top.
    fn growth(&self, nodes: usize, links: usize, bytes: usize) -> usize {
        let slots = self.placed.slots.len() + nodes;
        self.placed.arena.growth(nodes, bytes)
            + self.placed.slots.growth(nodes)
            + self.edges.growth(links)
            + self.trie.growth(nodes)
            + self.heads.growth(slots)
            + self.scope_heads.growth(slots)
    }

    /// Bytes of memory that it takes to read any of the nodes, and one with so many bytes: what is let in
    /// must come out again.
    fn to_read(&self, block: usize) -> usize {
        2 * self.placed.arena.longest().max(block) + READING
    }

    /// Checks changes and applies them: all, or none.
    pub(crate) async fn commit(&mut self, changes: &Changes, pace: &mut Pace) -> Result<Commit> {
        let id = changes.id().unwrap_or_else(|| self.next_id());
        platform::reserve(changes.staged() * (Plan::BYTES + size_of::<Cid>()))?;
        for condition in changes.conditions() {
            self.check(condition, pace).await.map_err(|error| error.with_commit(id))?;
        }
        let plan = Plan::new(changes, self, pace).await?;
        let mut inserted = Vec::with_capacity(plan.inserts.len());
        let (mut bytes, mut longest, mut scopes, mut scope) = (0, 0, 0, "");
        for piece in plan.inserts.chunks(PIECE) {
            for Planned { node, .. } in piece {
                inserted.push(id::cid_of(node.digest()));
                bytes += node.as_bytes().len();
                longest = longest.max(node.as_bytes().len());
                if node.scope_id() != scope {
                    scope = node.scope_id();
                    scopes += usize::from(self.trie.scope(scope).is_none());
                }
            }
            pace.worked(piece.len() / 4).await?;
        }
        let mut removed = Vec::with_capacity(plan.removes.len());
        for piece in plan.removes.chunks(PIECE) {
            removed.extend(piece.iter().map(|slot| self.cid(*slot)));
            pace.worked(piece.len() / 8).await?;
        }
        let hashes = if changes.wants_state_hash() { 2 * inserted.len() + PIECE } else { 0 };
        let growth = self.growth(inserted.len(), plan.links(), bytes)
            + self.by_digest.growth(inserted.len())
            + self.trie.hashes_growth(hashes)
            + scopes * SCOPE
            + removed.len() * CLEARED
            + self.history.growth(removed.len())
            // Whoever asked is told of every node.
            + (inserted.len() + removed.len()) * ANSWER;
        // What takes nodes out is not refused for want of room to read them.
        let left = if inserted.is_empty() { 0 } else { self.to_read(longest) };
        platform::reserve_beside(growth, left)?;
        pace.check()?;
        if !plan.is_empty() {
            // From here on it can't be stopped.
            self.sequence += 1;
            self.history.begin(self.sequence, self.next_ordinal(), id);
            self.apply(&plan, pace).await;
            self.rebuild_if_mostly_dead(pace).await;
        }
        let commit = Commit::new(self.sequence, id, inserted, removed);
        Ok(if changes.wants_state_hash() {
            let hash = self.state_hash_in_any_case(pace).await;
            if !commit.is_empty() {
                self.history.set_state_hash(hash);
            }
            commit.with_state_hash(hash)
        } else {
            commit
        })
    }

    /// Inserts one node: the commonest of commits, without the planning that the others need.
    pub(crate) fn insert(&mut self, node: &DagNode) -> Result<()> {
        if self.has(node.digest()) {
            return Ok(());
        }
        let mut parents = std::mem::take(&mut self.parents);
        parents.clear();
        let placed = self.insert_after(node, &mut parents);
        self.parents = parents;
        placed
    }

    /// The same for a node that is not there, whose parents are yet to be found.
    fn insert_after(&mut self, node: &DagNode, parents: &mut Vec<u32>) -> Result<()> {
        for digest in node.parent_digests() {
            parents.push(self.slot(digest).ok_or_else(|| missing_parent(node, digest))?);
        }
        if platform::MEMORY_IS_TOLD {
            let growth = self.growth(1, parents.len(), node.as_bytes().len());
            let growth = growth + self.by_digest.growth_for(node.digest()) + SCOPE;
            let growth = growth + self.history.growth(0);
            platform::reserve_beside(growth, self.to_read(node.as_bytes().len()))?;
        }
        self.sequence += 1;
        self.history.begin_insert(self.sequence, self.next_ordinal());
        self.place_node(node, parents.iter().copied());
        Ok(())
    }

    /// An id of its own for a commit that was given none: the hash of a random seed and a count. (Asking
    /// the system for randomness each time would cost more than the commit.)
    fn next_id(&mut self) -> CommitId {
        self.ids += 1;
        self.nth_id(self.ids)
    }

    fn nth_id(&self, number: u64) -> CommitId {
        let hash = Preimage::<24>::new().add(&self.id_seed).add(&number.to_be_bytes()).hash();
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        id.into()
    }

    async fn check(&mut self, condition: &Condition, pace: &mut Pace) -> Result<()> {
        let state_hash = match condition {
            Condition::StateHash(_) => Some(self.state_hash(pace).await?),
            _ => None,
        };
        let slot = |cid: &Cid| Ok(self.slot(&id::digest_of(cid)?));
        condition.check(
            |scope_id, expected| {
                let expected: Result<Option<Bits>> = expected.iter().map(slot).collect();
                Ok(expected?.is_some_and(|slots| self.head_slots(scope_id).eq(slots.iter())))
            },
            |expected| state_hash == Some(*expected),
            |cid| Ok(slot(cid)?.is_none()),
        )
    }

    async fn apply(&mut self, plan: &Plan<'_>, pace: &mut Pace) {
        let first = self.next_slot();
        let mut removes = plan.removes.chunks(PIECE);
        let mut inserts = plan.inserts.iter();
        pace.see_through(|| {
            if let Some(removes) = removes.next() {
                for slot in removes {
                    self.remove(*slot);
                }
                return Some(PLACING * removes.len());
            }
            let mut worked = 0;
            for planned in inserts.by_ref() {
                let parents = plan.parents_of(planned).iter().map(|parent| match *parent {
                    Parent::Present(slot) => slot,
                    Parent::Planned(index) => first + index,
                });
                self.place_node(planned.node, parents);
                worked += PLACING + pace::to_copy(planned.node.as_bytes().len());
                if worked >= PLACING * PIECE {
                    break;
                }
            }
            (worked > 0).then_some(worked)
        })
        .await;
    }

    fn place_node(&mut self, node: &DagNode, parents: impl Iterator<Item = u32>) {
        #[cfg(all(js_host, feature = "npm", feature = "faults"))]
        crate::wasm::faults::in_commit(node);
        let tail = node.layout().tail_bytes(node.as_bytes());
        let scope = self.trie.scope_or_new(node.scope_id());
        let slot = self.link(node.digest(), node.as_bytes(), tail, scope, parents);
        let key = node_key(node.timestamp(), node.digest());
        self.trie.insert(scope, slot, &key, &self.placed);
    }

    /// The number of the next slot. Slots have 31 bits; 2^31 nodes do not fit into any memory that
    /// blocks, links and indexes for them would need.
    fn next_slot(&self) -> u32 {
        u32::try_from(self.placed.slots.len()).unwrap_or(NONE)
    }

    /// Puts a node whose parents are in place into the next slot, but not into the trie. Gives the slot.
    fn link(
        &mut self,
        digest: &Digest,
        block: &[u8],
        tail: usize,
        scope: u32,
        parents: impl Iterator<Item = u32>,
    ) -> u32 {
        let slot = self.next_slot();
        let first_edge = u32::try_from(self.edges.len()).unwrap_or(NONE);
        let (mut generation, mut jump) = (0, slot);
        for parent in parents {
            let edge = u32::try_from(self.edges.len()).unwrap_or(NONE);
            if generation <= self.placed.slot(parent).generation {
                generation = self.placed.slot(parent).generation + 1;
                jump = self.jump_over(parent);
            }
            let of_parent = &mut self.placed.slots[parent as usize];
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
            jump,
            scope,
            children: 0,
            children_in_scope: 0,
        });
        self.by_digest.insert_new(digest, slot);
        self.heads.set(slot as usize, true);
        self.scope_heads.set(slot as usize, true);
        slot
    }

    /// Clears a slot whose node's children are cleared in the same commit.
    fn remove(&mut self, slot: u32) {
        self.trie.remove(self.placed.slot(slot).scope, slot, &self.placed);
        self.clear(slot);
    }

    /// The same for all but the trie.
    fn clear(&mut self, slot: u32) {
        let Slot { location, scope, .. } = *self.placed.slot(slot);
        self.history.remove(self.to_remember(slot));
        let placed = &self.placed;
        self.by_digest.remove(placed.digest(slot), |slot| placed.digest(slot));
        self.placed.arena.remove(location);
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
    ///
    /// The copy is made aside: if that is given up on the way, all is as it was.
    async fn rebuild_if_mostly_dead(&mut self, pace: &mut Pace) {
        let slots = self.placed.slots.len();
        let alive = usize::try_from(self.trie.len()).unwrap_or(slots);
        let many_slots = slots - alive > alive.max(1 << 10);
        let Placed { arena, .. } = &self.placed;
        let many_bytes = arena.dead() > (arena.bytes() / 2).max(1 << 20);
        if !many_slots && !many_bytes {
            return;
        }
        let room = slots * size_of::<u32>()
            + State::default().growth(alive, self.edges.len(), arena.bytes() - arena.dead())
            + DigestTable::default().growth(alive);
        if platform::reserve(room).is_err() {
            // There will be another time.
            return;
        }
        let old = &*self;
        let mut new = State::default();
        let mut moved_to = vec![NONE; slots];
        for slot in (0..slots).filter(|slot| old.is_there(*slot)) {
            let number = u32::try_from(slot).unwrap_or(NONE);
            let record = old.placed.record(number);
            moved_to[slot] = new.next_slot();
            new.ordinals.rebuilt.push(old.ordinals.of(slot));
            let scope = new.trie.scope_or_new(old.trie.scope_name(old.placed.slot(number).scope));
            // Parents stand before their children, so they have moved already.
            let parents = old.parents(number).map(|parent| moved_to[parent as usize]);
            let tail = record.tail().len();
            let slot = new.link(record.digest, record.block, tail, scope, parents);
            let key = node_key(old.placed.tail(number).timestamp, record.digest);
            new.trie.insert(scope, slot, &key, &new.placed);
            pace.went_on(PLACING + pace::to_copy(record.block.len())).await;
        }
        new.ordinals.shift = old.ordinals.of(slots) - new.placed.slots.len() as u64;
        new.sequence = old.sequence;
        (new.id_seed, new.ids) = (old.id_seed, old.ids);
        new.recent = std::mem::take(&mut self.recent);
        std::mem::swap(&mut new.history, &mut self.history);
        *self = new;
    }

    // ------------------------------------------------------------------------------------ reading

    /// The ordinal that the next node will get.
    fn next_ordinal(&self) -> u64 {
        self.ordinals.of(self.placed.slots.len())
    }

    /// The ordinal that the first node placed after this commit has or will get; also where that has
    /// been removed since. [`ErrorKind::Compacted`] where the commits since then are not all known.
    pub(crate) fn first_ordinal_after(&self, commit: u64) -> Result<u64> {
        if commit == 0 {
            return Ok(0);
        }
        if commit >= self.sequence {
            return Ok(self.next_ordinal());
        }
        self.history.first_ordinal(commit + 1).ok_or_else(|| {
            let message = "the store has forgotten which nodes are new since that commit; start \
                           from all of them";
            DagError::new(ErrorKind::Compacted, message)
        })
    }

    /// The slots of the nodes that were placed after this commit: what is new since then, as far as it
    /// is still there.
    pub(crate) fn slots_after(&self, commit: u64) -> Result<Range<usize>> {
        if commit > self.sequence {
            return Err(not_yet());
        }
        let first = self.first_slot_from(self.first_ordinal_after(commit)?);
        Ok(first..self.placed.slots.len())
    }

    /// The first slot with this ordinal or a higher one.
    fn first_slot_from(&self, ordinal: u64) -> usize {
        let first = ordinal.checked_sub(1).map_or(0, |before| self.ordinals.first_after(before));
        first.min(self.placed.slots.len())
    }

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
    ) -> Option<(Record<'_>, impl Iterator<Item = &Digest> + Clone)> {
        let slot = self.slot(digest)?;
        Some((self.placed.record(slot), self.parent_digests(slot)))
    }

    /// The digests of a node's parents that are there, as all are.
    fn parent_digests(&self, slot: u32) -> impl Iterator<Item = &Digest> + Clone {
        let there = self.parents(slot).filter(|parent| self.is_there(*parent as usize));
        there.map(|parent| self.placed.digest(parent))
    }

    fn node(&self, slot: u32, limits: &Limits) -> Result<DagNode> {
        let record = self.placed.record(slot);
        platform::reserve(record.block.len() + 2 * size_of::<DagNode>())?;
        DagNode::trusted(record.block, *record.digest, limits)
    }

    pub(crate) fn len(&self, scope_id: Option<&str>) -> u64 {
        match scope_id {
            None => self.trie.len(),
            Some(name) => self.trie.scope(name).map_or(0, |scope| self.trie.scope_len(scope)),
        }
    }

    /// The scopes that have nodes, by name, from the first one after this name on.
    pub(crate) fn scopes(&self, after: Option<&str>, limit: usize) -> Result<Vec<Scope>> {
        let mut scopes = Vec::new();
        for (id, nodes) in self.trie.scopes_after(after).take(limit) {
            platform::reserve(SCOPE)?;
            scopes.push(Scope { id: id.to_owned(), nodes });
        }
        Ok(scopes)
    }

    pub(crate) async fn heads(&self, scope_id: Option<&str>, pace: &mut Pace) -> Result<Vec<Cid>> {
        let count = self.head_slots(scope_id).count();
        platform::reserve(count * (size_of::<Cid>() + ANSWER))?;
        let mut heads = Vec::with_capacity(count);
        for slot in self.head_slots(scope_id) {
            heads.push(id::cid_of(self.placed.arena.digest(self.placed.slots[slot].location)));
            pace.worked(1).await?;
        }
        Ok(heads)
    }

    fn head_slots(&self, scope_id: Option<&str>) -> impl Iterator<Item = usize> {
        let scope = scope_id.map(|name| self.trie.scope(name));
        let heads = if scope.is_none() { &self.heads } else { &self.scope_heads };
        let of_scope = |slot: usize| Some(self.placed.slots[slot].scope);
        heads.iter().filter(move |slot| scope.is_none_or(|scope| of_scope(*slot) == scope))
    }

    /// The state hash, if it is known without hashing anything.
    pub(crate) fn known_hash(&self, scope_id: Option<&str>) -> Option<StateHash> {
        match scope_id {
            None => self.trie.known_hash(),
            Some(name) => self.trie.known_scope_hash(name),
        }
    }

    /// The state hash. What is hashed stays hashed, even if this is given up on the way.
    pub(crate) async fn state_hash(&mut self, pace: &mut Pace) -> Result<StateHash> {
        loop {
            platform::reserve(self.trie.hashes_growth(PIECE))?;
            if let Some(hash) = self.trie.hash_some(PIECE, &self.placed) {
                return Ok(hash);
            }
            pace.worked(HASHING * PIECE).await?;
        }
    }

    async fn state_hash_in_any_case(&mut self, pace: &mut Pace) -> StateHash {
        loop {
            if let Some(hash) = self.trie.hash_some(PIECE, &self.placed) {
                return hash;
            }
            pace.went_on(HASHING * PIECE).await;
        }
    }

    /// What stands in these places of the tree, in the state with this hash, which is the state now.
    pub(crate) fn tree(&self, state_hash: StateHash, places: &[TreeAddress]) -> Result<TreeAnswer> {
        platform::reserve(places.len() * (size_of::<TreePart>() + SCOPE))?;
        let part = |place| self.trie.part(place, &self.placed);
        Ok(TreeAnswer { state_hash, parts: places.iter().map(part).collect() })
    }

    /// The proof of what is in this span, in the state with this hash, which is the state now.
    pub(crate) fn prove(&self, state_hash: StateHash, span: &Span) -> Proof {
        let mut proof = ProofWriter::new();
        self.trie.prove(span, &self.placed, &mut proof);
        proof.finish(state_hash)
    }
}
