//! Commits worked out beside a state, which nobody sees until they are published.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::ops::Range;

use super::placed::Placed;
use super::{ANSWER, CLEARED, HASHING, NONE, PIECE, PLACING, SCOPE, State};
use crate::bits::Bits;
use crate::digest::Digest;
use crate::digest_table::DigestTable;
use crate::id;
use crate::pace::{self, Pace};
use crate::plan::{Parent, Plan, Planned, Present};
use crate::platform;
use crate::state_trie::{self, Nodes, node_key};
use crate::{Changes, Cid, Commit, Condition, DagNode, Result};

/// What some commits, one after the other, would make of a state.
///
/// Its new nodes go by the slots that they will get; the tries' part of it is taken out of the state
/// and put in again whole, without hashing anything twice.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The slot of the first new node.
    first: u32,
    /// New nodes, those too that a later commit of the draft removes.
    nodes: Vec<New>,
    /// The parents of all new nodes.
    parents: Vec<u32>,
    /// From the digests of new nodes that are there to their places.
    by_digest: DigestTable,
    /// Slots of the state that are to be cleared.
    removed: BTreeSet<u32>,
    /// How many children more or fewer nodes of the state have.
    children: BTreeMap<u32, Children>,
    commits: Vec<Drafted>,
    bytes: usize,
    trie: Option<Box<state_trie::Drafted>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Children {
    all: i64,
    in_scope: i64,
}

#[derive(Debug)]
struct New {
    node: DagNode,
    scope: u32,
    parents: Range<usize>,
    children: Children,
    there: bool,
}

/// One commit of a draft.
#[derive(Debug)]
struct Drafted {
    commit: Commit,
    /// Places of its new nodes.
    inserted: Range<usize>,
    /// Slots to clear.
    removed: Vec<u32>,
}

impl Draft {
    /// Whether there is nothing to publish.
    pub(crate) fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// The commits, in order.
    pub(crate) fn commits(&self) -> impl Iterator<Item = &Commit> {
        self.commits.iter().map(|drafted| &drafted.commit)
    }

    /// The nodes that the last commit inserts, in order.
    pub(crate) fn last_inserted(&self) -> impl Iterator<Item = &DagNode> {
        let places = self.commits.last().map_or(0..0, |drafted| drafted.inserted.clone());
        self.nodes[places].iter().map(|new| &new.node)
    }

    /// The slot's place among the new nodes, if it is one of theirs.
    fn place(&self, slot: u32) -> Option<usize> {
        slot.checked_sub(self.first).map(|place| place as usize)
    }

    fn children_mut(&mut self, slot: u32) -> &mut Children {
        match self.place(slot) {
            Some(place) => &mut self.nodes[place].children,
            None => self.children.entry(slot).or_default(),
        }
    }
}

/// A state as a draft would leave it.
#[derive(Clone, Copy)]
struct View<'a> {
    state: &'a State,
    draft: &'a Draft,
}

/// The nodes of a state and of a draft, as far as the state trie is concerned.
struct AllNodes<'a> {
    placed: &'a Placed,
    draft: &'a Draft,
}

impl Nodes for AllNodes<'_> {
    fn key(&self, slot: u32) -> (u64, &Digest) {
        match self.draft.place(slot) {
            Some(place) => {
                let node = &self.draft.nodes[place].node;
                (node.timestamp(), node.digest())
            }
            None => self.placed.key(slot),
        }
    }

    fn event_type(&self, slot: u32) -> &[u8] {
        match self.draft.place(slot) {
            Some(place) => self.draft.nodes[place].node.event_type_name().as_bytes(),
            None => self.placed.event_type(slot),
        }
    }
}

impl Present for View<'_> {
    fn slot(&self, digest: &Digest) -> Option<u32> {
        let nodes = &self.draft.nodes;
        if let Some(place) =
            self.draft.by_digest.find(digest, |place| nodes[place as usize].node.digest())
        {
            return Some(self.draft.first + place);
        }
        self.state.slot(digest).filter(|slot| !self.draft.removed.contains(slot))
    }

    fn parents(&self, slot: u32) -> impl Iterator<Item = u32> + Clone {
        let (old, new) = match self.draft.place(slot) {
            Some(place) => (None, &self.draft.parents[self.draft.nodes[place].parents.clone()]),
            None => (Some(self.state.parents(slot)), &[][..]),
        };
        old.into_iter().flatten().chain(new.iter().copied())
    }

    fn children(&self, slot: u32) -> u32 {
        u32::try_from(self.counts(slot).all).unwrap_or(0)
    }
}

impl View<'_> {
    /// How many children a node has, and how many of them in its scope.
    fn counts(&self, slot: u32) -> Children {
        if let Some(place) = self.draft.place(slot) {
            return self.draft.nodes[place].children;
        }
        let more = self.draft.children.get(&slot).copied().unwrap_or_default();
        let slot = self.state.placed.slot(slot);
        Children {
            all: i64::from(slot.children) + more.all,
            in_scope: i64::from(slot.children_in_scope) + more.in_scope,
        }
    }

    fn scope(&self, slot: u32) -> u32 {
        match self.draft.place(slot) {
            Some(place) => self.draft.nodes[place].scope,
            None => self.state.placed.slot(slot).scope,
        }
    }

    fn digest(&self, slot: u32) -> &Digest {
        match self.draft.place(slot) {
            Some(place) => self.draft.nodes[place].node.digest(),
            None => self.state.placed.digest(slot),
        }
    }

    fn is_there(&self, slot: u32) -> bool {
        match self.draft.place(slot) {
            Some(place) => self.draft.nodes[place].there,
            None => self.state.is_there(slot as usize) && !self.draft.removed.contains(&slot),
        }
    }

    /// The heads of the store, or of a scope.
    fn heads(&self, scope_id: Option<&str>) -> Bits {
        let scope = scope_id.map(|name| self.state.trie.scope(name));
        let number = |slot: usize| u32::try_from(slot).unwrap_or(NONE);
        let new = self.draft.first..self.draft.first + number(self.draft.nodes.len());
        // Whoever has become one has lost children.
        let changed = self.draft.children.keys().copied();
        let before = self.state.head_slots(scope_id).map(number);
        let is_head = |slot: &u32| {
            let Children { all, in_scope } = self.counts(*slot);
            self.is_there(*slot)
                && match scope {
                    None => all == 0,
                    Some(scope) => in_scope == 0 && scope == Some(self.scope(*slot)),
                }
        };
        before.chain(changed).chain(new).filter(is_head).collect()
    }

    fn check(&self, condition: &Condition) -> Result<()> {
        let slot = |cid: &Cid| Ok(self.slot(&id::digest_of(cid)?));
        condition.check(
            |scope_id, expected| {
                let expected: Result<Option<Bits>> = expected.iter().map(slot).collect();
                Ok(expected?
                    .is_some_and(|expected| expected.iter().eq(self.heads(scope_id).iter())))
            },
            |expected| self.state.trie.known_hash() == Some(*expected),
            |cid| Ok(slot(cid)?.is_none()),
        )
    }
}

/// A draft in the making: it is in the state, which must be kept from all others until it is taken out.
/// Dropping this takes it out and away.
#[derive(Debug)]
pub(crate) struct Drafting<'a> {
    state: &'a mut State,
    draft: Draft,
}

/// What became of changes in a draft.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A commit.
    Commit(Commit),
    /// No commit, since nothing would change.
    Nothing(Commit),
    /// They would take more room than there was.
    TooLarge(u64),
}

impl<'a> Drafting<'a> {
    /// Begins a draft on a state.
    pub(crate) async fn begin(state: &'a mut State, pace: &mut Pace) -> Result<Self> {
        state.state_hash(pace).await?;
        state.trie.begin_draft();
        let draft = Draft { first: state.next_slot(), ..Draft::default() };
        Ok(Drafting { state, draft })
    }

    pub(crate) fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Ends it: the state is as it was before.
    pub(crate) fn end(mut self) -> Draft {
        let mut draft = mem::take(&mut self.draft);
        draft.trie = self.state.trie.take_draft_out();
        draft
    }

    fn view(&self) -> View<'_> {
        View { state: self.state, draft: &self.draft }
    }

    /// Works out what changes would do after all that is in the draft, and adds that to it; an error, or
    /// nothing to do, leaves it as it is. `bytes` tells how long the commit will be, from what it removes
    /// and the nodes it inserts, and how long it may be.
    pub(crate) async fn commit(
        &mut self,
        changes: &Changes,
        pace: &mut Pace,
        room: u64,
        bytes: impl Fn(&[Planned<'_>], usize) -> u64,
    ) -> Result<Outcome> {
        let id = changes.id().unwrap_or_else(|| self.state.next_id());
        platform::reserve(changes.staged() * (Plan::BYTES + size_of::<Cid>()))?;
        for condition in changes.conditions() {
            self.view().check(condition).map_err(|error| error.with_commit(id))?;
        }
        let view = self.view();
        let plan = Plan::new(changes, &view, pace).await?;
        let sequence = self.state.sequence + self.draft.commits.len() as u64;
        if plan.is_empty() {
            let commit = Commit::new(sequence, id, Vec::new(), Vec::new());
            return Ok(Outcome::Nothing(match self.state.trie.known_hash() {
                Some(hash) => commit.with_state_hash(hash),
                None => commit,
            }));
        }
        let bytes = bytes(&plan.inserts, plan.removes.len());
        if bytes > room {
            return Ok(Outcome::TooLarge(bytes));
        }
        self.reserve(&plan)?;
        pace.check()?;

        let Plan { inserts, removes, parents } = plan;
        let inserts = inserts.into_iter().map(|planned| {
            let parents = &parents[planned.parents()];
            (planned.node.clone(), parents)
        });
        let removed = removes.iter().map(|slot| id::cid_of(view.digest(*slot))).collect();
        let inserts: Vec<_> = inserts.collect();
        let inserted = inserts.iter().map(|(node, _)| id::cid_of(node.digest())).collect();
        let hash = self.apply(inserts, &removes, pace).await;
        let commit = Commit::new(sequence + 1, id, inserted, removed).with_state_hash(hash);
        let first = self.draft.nodes.len() - commit.inserted.len();
        self.draft.commits.push(Drafted {
            commit: commit.clone(),
            inserted: first..self.draft.nodes.len(),
            removed: removes,
        });
        Ok(Outcome::Commit(commit))
    }

    /// Makes sure that there is memory for the draft with this plan in it, and for publishing it.
    fn reserve(&self, plan: &Plan<'_>) -> Result<()> {
        let trie = &self.state.trie;
        let (mut bytes, mut longest, mut scopes, mut scope) = (0, 0, 0, "");
        for Planned { node, .. } in &plan.inserts {
            bytes += node.as_bytes().len();
            longest = longest.max(node.as_bytes().len());
            if node.scope_id() != scope {
                scope = node.scope_id();
                scopes += usize::from(trie.scope(scope).is_none());
            }
        }
        let inserted = plan.inserts.len();
        let nodes = self.draft.nodes.len() + inserted;
        let links = self.draft.parents.len() + plan.links();
        let growth = self.state.growth(nodes, links, self.draft.bytes + bytes)
            + self.state.by_digest.growth(nodes)
            + trie.hashes_growth(2 * inserted + PIECE)
            + scopes * SCOPE
            + self.state.history.growth(plan.removes.len())
            + plan.removes.len() * (CLEARED + ANSWER)
            + inserted * (ANSWER + size_of::<New>() + bytes_of_table(inserted))
            // The segment, which is written while the draft is kept.
            + bytes;
        let left = if inserted == 0 { 0 } else { self.state.to_read(longest) };
        platform::reserve_beside(growth, left)
    }

    /// Adds what a plan comes to, and gives the state hash after it. Nothing here can fail.
    async fn apply(
        &mut self,
        inserts: Vec<(DagNode, &[Parent])>,
        removes: &[u32],
        pace: &mut Pace,
    ) -> crate::StateHash {
        let next = self.draft.first + u32::try_from(self.draft.nodes.len()).unwrap_or(NONE);
        for piece in removes.chunks(PIECE) {
            for slot in piece {
                self.remove(*slot);
            }
            pace.went_on(PLACING * piece.len()).await;
        }
        for (node, parents) in inserts {
            let bytes = node.as_bytes().len();
            let parents = parents.iter().map(|parent| match *parent {
                Parent::Present(slot) => slot,
                Parent::Planned(index) => next + index,
            });
            self.insert(node, parents);
            pace.went_on(PLACING + pace::to_copy(bytes)).await;
        }
        loop {
            let nodes = AllNodes { placed: &self.state.placed, draft: &self.draft };
            if let Some(hash) = self.state.trie.hash_some(PIECE, &nodes) {
                return hash;
            }
            pace.went_on(HASHING * PIECE).await;
        }
    }

    fn insert(&mut self, node: DagNode, parents: impl Iterator<Item = u32>) {
        let scope = self.state.trie.scope_or_new(node.scope_id());
        let before = self.draft.parents.len();
        self.draft.parents.extend(parents);
        for at in before..self.draft.parents.len() {
            self.count_child(self.draft.parents[at], scope, 1);
        }
        let place = u32::try_from(self.draft.nodes.len()).unwrap_or(NONE);
        self.draft.by_digest.insert_new(node.digest(), place);
        self.draft.bytes += node.as_bytes().len();
        let key = node_key(node.timestamp(), node.digest());
        self.draft.nodes.push(New {
            node,
            scope,
            parents: before..self.draft.parents.len(),
            children: Children::default(),
            there: true,
        });
        let nodes = AllNodes { placed: &self.state.placed, draft: &self.draft };
        self.state.trie.insert(scope, self.draft.first + place, &key, &nodes);
    }

    fn remove(&mut self, slot: u32) {
        let scope = self.view().scope(slot);
        let parents: Vec<u32> = self.view().parents(slot).collect();
        for parent in parents {
            self.count_child(parent, scope, -1);
        }
        let nodes = AllNodes { placed: &self.state.placed, draft: &self.draft };
        self.state.trie.remove(scope, slot, &nodes);
        let Draft { nodes, by_digest, removed, first, .. } = &mut self.draft;
        match slot.checked_sub(*first) {
            Some(place) => {
                let digest = *nodes[place as usize].node.digest();
                by_digest.remove(&digest, |place| nodes[place as usize].node.digest());
                nodes[place as usize].there = false;
            }
            None => {
                removed.insert(slot);
            }
        }
    }

    /// Counts a child of this scope that a node has more or fewer.
    fn count_child(&mut self, parent: u32, scope: u32, count: i64) {
        let in_scope = self.view().scope(parent) == scope;
        let children = self.draft.children_mut(parent);
        children.all += count;
        children.in_scope += if in_scope { count } else { 0 };
    }
}

fn bytes_of_table(inserted: usize) -> usize {
    DigestTable::default().growth(inserted).div_ceil(inserted.max(1))
}

impl Drop for Drafting<'_> {
    fn drop(&mut self) {
        drop(self.state.trie.take_draft_out());
    }
}

impl State {
    /// Makes a draft the state: all of it, and nothing can fail or stop it; where the future is dropped,
    /// the rest is done then. The state must be the one that the draft was made of. `told` is called with
    /// each commit as it takes effect.
    pub(crate) async fn publish(
        &mut self,
        draft: Draft,
        pace: &mut Pace,
        mut told: impl FnMut(Commit),
    ) {
        let Draft { nodes, parents, commits, trie, .. } = draft;
        if let Some(trie) = trie {
            self.trie.put_draft_in(*trie);
        }
        let mut nodes = nodes.into_iter();
        let mut commits = commits.into_iter();
        pace.see_through(|| {
            // One commit at a time: small ones are many, and of a large one most was done before.
            let Drafted { commit, inserted, removed } = commits.next()?;
            let mut worked = 1;
            self.sequence = commit.sequence;
            self.history.begin(commit.sequence, self.next_ordinal(), commit.id);
            if let Some(hash) = commit.state_hash {
                self.history.set_state_hash(hash);
            }
            for slot in removed {
                self.clear(slot);
                worked += 1;
            }
            for New { node, scope, parents: places, .. } in nodes.by_ref().take(inserted.len()) {
                let tail = node.layout().tail_bytes(node.as_bytes());
                let parents = parents[places].iter().copied();
                self.link(node.digest(), node.as_bytes(), tail, scope, parents);
                worked += PLACING + pace::to_copy(node.as_bytes().len());
            }
            self.recent.push(commit.id);
            told(commit);
            Some(worked)
        })
        .await;
        self.rebuild_if_mostly_dead(pace).await;
    }
}
