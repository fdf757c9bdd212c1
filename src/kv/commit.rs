//! A commit, worked out as one batch for the engine.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use futures::FutureExt as _;

use super::keys::{self, End};
use super::trie::{self, LeafChange, Stub};
use super::values::{
    CommitRecord, Kept, LONGEST_INLINE, Place, Point, Record, ScopeRecord, Whole, corrupt,
    write_by_generation, write_by_time, write_subtrees,
};
use super::view::{View, scope_leaf};
use crate::digest::{Digest, sha256};
use crate::pace::Pace;
use crate::plan::{Parent, Plan, Present};
use crate::state_trie::{leaf_hash, node_key, state_hash};
use crate::{
    Change, Changes, Commit, CommitId, Condition, DagError, DagNode, ErrorKind, KvBatch, Result, id,
};

/// How many nodes a store may have: proofs count in 32 bits.
const MOST_NODES: u64 = u32::MAX as u64;

/// Works out what changes do: the commit, and what the engine is to apply, if there is anything.
pub(super) fn commit(view: &View<'_>, changes: &Changes) -> Result<(Commit, Option<KvBatch>)> {
    let id = changes.id().unwrap_or_else(CommitId::random);
    let known = Known::of(view, changes)?;
    for condition in changes.conditions() {
        check(view, &known, condition).map_err(|error| error.with_commit(id))?;
    }
    let plan = finished(Plan::new(changes, &known, &mut Pace::default()));
    let plan = view.settle(plan)?;
    if plan.is_empty() {
        let commit = Commit::new(view.whole.sequence, id, Vec::new(), Vec::new());
        return Ok((commit.with_state_hash(view.state_hash()), None));
    }
    let mut draft = Draft::new(view, &known);
    let mut removed = Vec::with_capacity(plan.removes.len());
    for slot in &plan.removes {
        removed.push(id::cid_of(&draft.remove(*slot)?));
    }
    let mut inserted = Vec::with_capacity(plan.inserts.len());
    for planned in &plan.inserts {
        inserted.push(id::cid_of(planned.node.digest()));
        draft.insert(planned.node, plan.parents_of(planned))?;
    }
    let (sequence, hash, batch) = draft.finish(id)?;
    Ok((Commit::new(sequence, id, inserted, removed).with_state_hash(hash.into()), Some(batch)))
}

/// The result of what never waits natively.
pub(super) fn finished<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let gave_way = || DagError::new(ErrorKind::Aborted, "work on a thread of its own gave way");
    work.now_or_never().unwrap_or_else(|| Err(gave_way()))
}

fn check(view: &View<'_>, known: &Known<'_, '_>, condition: &Condition) -> Result<()> {
    let checked = condition.check(
        |scope_id, expected| {
            let mut expected: Vec<Digest> =
                expected.iter().map(id::digest_of).collect::<Result<_>>()?;
            let found = view.ends(End::Head, scope_id)?;
            let mut found: Vec<Digest> = found.iter().map(id::digest_of).collect::<Result<_>>()?;
            for digests in [&mut expected, &mut found] {
                digests.sort_unstable();
                digests.dedup();
            }
            Ok(expected == found)
        },
        |expected| view.state_hash() == *expected,
        |cid| Ok(known.slot(&id::digest_of(cid)?).is_none()),
    );
    view.settle(checked)
}

/// The nodes of the store that a commit is about, numbered as they come up.
struct Known<'v, 'a> {
    view: &'v View<'a>,
    table: RefCell<Table>,
}

#[derive(Default)]
struct Table {
    /// `None` where it is known that there is no such node.
    slots: HashMap<Digest, Option<u32>>,
    places: Vec<(Digest, Place)>,
}

impl Table {
    fn note(&mut self, digest: Digest, place: Option<Place>) -> Option<u32> {
        // A batch has no more operations, and nodes no more parents, than fit into 32 bits.
        let next = u32::try_from(self.places.len()).ok();
        let slot = place.and(next);
        self.places.extend(place.map(|place| (digest, place)));
        self.slots.insert(digest, slot);
        slot
    }
}

impl<'v, 'a> Known<'v, 'a> {
    /// Reads where all are that the changes name, at once.
    fn of(view: &'v View<'a>, changes: &Changes) -> Result<Self> {
        let mut digests = Vec::with_capacity(2 * changes.len());
        for change in changes.operations() {
            match change {
                Change::Insert(node) => {
                    digests.push(*node.digest());
                    digests.extend(node.parent_digests());
                }
                Change::Remove(cid) => digests.push(id::digest_of(cid)?),
            }
        }
        digests.sort_unstable();
        digests.dedup();
        let mut table = Table::default();
        for (place, digest) in view.places(&digests)?.into_iter().zip(digests) {
            table.note(digest, place);
        }
        Ok(Known { view, table: RefCell::new(table) })
    }

    fn at(&self, slot: u32) -> (Digest, Place) {
        self.table.borrow().places[slot as usize]
    }

    /// The node in this slot.
    fn node(&self, slot: u32) -> Result<DagNode> {
        let (digest, _) = self.at(slot);
        let node = self.view.get_nodes(&[id::cid_of(&digest)])?.pop().flatten();
        node.ok_or_else(corrupt)
    }
}

impl Present for Known<'_, '_> {
    fn slot(&self, digest: &Digest) -> Option<u32> {
        if let Some(slot) = self.table.borrow().slots.get(digest) {
            return *slot;
        }
        let place = self.view.or_note(self.view.place(digest));
        self.table.borrow_mut().note(*digest, place)
    }

    fn parents(&self, slot: u32) -> impl Iterator<Item = u32> + Clone {
        let node = self.view.or_note(self.node(slot).map(Some));
        let digests: Vec<Digest> =
            node.iter().flat_map(|node| node.parent_digests().copied()).collect();
        let slots: Vec<u32> = digests.iter().filter_map(|digest| self.slot(digest)).collect();
        slots.into_iter()
    }

    fn children(&self, slot: u32) -> u32 {
        u32::try_from(self.at(slot).1.children).unwrap_or(u32::MAX)
    }
}

/// A scope that changes.
struct ScopeDraft {
    number: u64,
    root: Option<Stub<40>>,
    changes: Vec<LeafChange<40>>,
}

/// What a commit makes of the store.
struct Draft<'v, 'a> {
    view: &'v View<'a>,
    known: &'v Known<'v, 'a>,
    batch: KvBatch,
    whole: Whole,
    sequence: u64,
    removed: u64,
    /// Nodes that were there and whose children change, with what becomes of their places; `None` for
    /// those that are removed.
    changed: BTreeMap<u32, Option<Place>>,
    /// New nodes.
    new: Vec<(Digest, Place)>,
    scopes: BTreeMap<String, ScopeDraft>,
    /// The jumps of nodes that were there, by ordinal.
    jumps: HashMap<u64, Point>,
}

impl<'v, 'a> Draft<'v, 'a> {
    fn new(view: &'v View<'a>, known: &'v Known<'v, 'a>) -> Self {
        let whole = view.whole.clone();
        Draft {
            view,
            known,
            batch: KvBatch::new(),
            sequence: whole.sequence + 1,
            whole,
            removed: 0,
            changed: BTreeMap::new(),
            new: Vec::new(),
            scopes: BTreeMap::new(),
            jumps: HashMap::new(),
        }
    }

    /// The scope of this name, which gets a number if it has none.
    fn scope(&mut self, name: &str) -> Result<&mut ScopeDraft> {
        if !self.scopes.contains_key(name) {
            let (number, root) = match self.view.scope(name)? {
                Some(scope) => (scope.number, Some(scope.root)),
                None => (self.number_of(name)?, None),
            };
            let scope = ScopeDraft { number, root, changes: Vec::new() };
            self.scopes.insert(name.to_owned(), scope);
        }
        self.scopes.get_mut(name).ok_or_else(corrupt)
    }

    fn number_of(&mut self, name: &str) -> Result<u64> {
        if let Some(number) = self.view.scope_number(name)? {
            return Ok(number);
        }
        let number = self.whole.next_scope;
        self.whole.next_scope += 1;
        self.batch.put(&keys::scope_name(name), &number.to_be_bytes());
        Ok(number)
    }

    /// The place of a node that was there, to be changed.
    fn change(&mut self, slot: u32) -> Option<&mut Place> {
        let known = self.known;
        self.changed.entry(slot).or_insert_with(|| Some(known.at(slot).1)).as_mut()
    }

    /// Takes a node out. Gives its digest.
    fn remove(&mut self, slot: u32) -> Result<Digest> {
        let (digest, place) = self.known.at(slot);
        let node = self.known.node(slot)?;
        let ordinal = place.point.ordinal;
        for parent in self.known.parents(slot) {
            let (_, of_parent) = self.known.at(parent);
            self.batch.delete(&keys::child(of_parent.point.ordinal, ordinal));
            if let Some(of_parent) = self.change(parent) {
                let in_scope = u64::from(of_parent.scope == place.scope);
                of_parent.children = of_parent.children.saturating_sub(1);
                of_parent.children_in_scope = of_parent.children_in_scope.saturating_sub(in_scope);
            }
        }
        self.view.settle(Ok(()))?;
        self.changed.insert(slot, None);

        let key = node_key(node.timestamp(), &digest);
        self.scope(node.scope_id())?.changes.push((key, None));
        let batch = &mut self.batch;
        batch.delete(&keys::place(&digest));
        let record = self.view.record(ordinal)?;
        let gone = Record { parents: Vec::new(), ..(*record).clone() };
        batch.put(&keys::record(ordinal), &gone.write(Kept::Removed));
        if node.as_bytes().len() > LONGEST_INLINE {
            batch.delete(&keys::large_block(ordinal));
        }
        batch.delete(&keys::of_scope(place.scope, ordinal));
        batch.delete(&keys::by_generation(place.point.generation, node.timestamp(), &digest));
        batch.delete(&keys::by_time(place.scope, &key));
        let ends = [
            (End::Head, keys::WHOLE, place.children == 0),
            (End::Head, place.scope, place.children_in_scope == 0),
            (End::Root, keys::WHOLE, record.parents.is_empty()),
            (End::Root, place.scope, self.is_root_of_scope(&record, place.scope)?),
        ];
        for (end, scope, is_there) in ends {
            if is_there {
                self.batch.delete(&keys::end(end, scope, ordinal));
            }
        }
        let number = self.removed;
        self.removed += 1;
        self.batch.put(&keys::removed(self.sequence, number), &ordinal.to_be_bytes());
        self.whole.nodes = self.whole.nodes.saturating_sub(1);
        Ok(digest)
    }

    /// Whether no parent of a node that was there is in this scope.
    fn is_root_of_scope(&self, record: &Record, scope: u64) -> Result<bool> {
        for parent in &record.parents {
            if self.view.record(parent.ordinal)?.scope == scope {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts a node in whose parents are in already.
    fn insert(&mut self, node: &DagNode, parents: &[Parent]) -> Result<()> {
        let digest = node.digest();
        let ordinal = self.whole.next_ordinal;
        self.whole.next_ordinal += 1;
        self.whole.nodes += 1;
        if self.whole.nodes > MOST_NODES {
            let message = format!("nodes of the store: more than {MOST_NODES}");
            return Err(DagError::new(ErrorKind::Limit, message));
        }
        let key = node_key(node.timestamp(), digest);
        let leaf = Stub::leaf(key, 1, leaf_hash(&key, node.event_type_name().as_bytes()));
        let of_scope = self.scope(node.scope_id())?;
        of_scope.changes.push((key, Some(leaf)));
        let scope = of_scope.number;

        let mut generation = 0;
        let mut jump = None;
        let mut is_root_of_scope = true;
        let mut points = Vec::with_capacity(parents.len());
        for parent in parents {
            let of_parent = match *parent {
                Parent::Planned(index) => Some(&mut self.new[index as usize].1),
                Parent::Present(slot) => self.change(slot),
            };
            let of_parent = of_parent.ok_or_else(corrupt)?;
            of_parent.children += 1;
            if of_parent.scope == scope {
                of_parent.children_in_scope += 1;
                is_root_of_scope = false;
            }
            let place = *of_parent;
            points.push(place.point);
            if generation <= place.point.generation {
                generation = place.point.generation.saturating_add(1);
                jump = Some(place);
            }
        }
        for parent in &points {
            self.batch.put(&keys::child(parent.ordinal, ordinal), &generation.to_be_bytes());
        }
        let point = Point { generation, ordinal };
        let jump = jump.map_or(Ok(point), |parent| self.jump_over(&parent))?;
        let place = Place { point, scope, jump, children: 0, children_in_scope: 0 };
        self.new.push((*digest, place));

        let is_root = points.is_empty();
        let record = Record {
            digest: *digest,
            generation,
            scope,
            timestamp: node.timestamp(),
            jump,
            parents: points,
            event_type: node.event_type_name().as_bytes().into(),
        };
        let block = node.as_bytes();
        let kept = if block.len() > LONGEST_INLINE {
            self.batch.put(&keys::large_block(ordinal), block);
            Kept::Apart
        } else {
            Kept::Block(block)
        };
        let batch = &mut self.batch;
        batch.put(&keys::record(ordinal), &record.write(kept));
        batch.put(&keys::of_scope(scope, ordinal), &[]);
        let by_generation = keys::by_generation(generation, node.timestamp(), digest);
        batch.put(&by_generation, &write_by_generation(ordinal, scope));
        batch.put(&keys::by_time(scope, &key), &write_by_time(ordinal, &record.event_type));
        if is_root {
            batch.put(&keys::end(End::Root, keys::WHOLE, ordinal), digest);
        }
        if is_root_of_scope {
            batch.put(&keys::end(End::Root, scope, ordinal), digest);
        }
        Ok(())
    }

    /// Where a node jumps to whose spine goes on with this parent; see `State::jump_over`.
    fn jump_over(&mut self, parent: &Place) -> Result<Point> {
        let first = parent.jump;
        let second = match first.ordinal.checked_sub(self.view.whole.next_ordinal) {
            Some(new) => {
                let new = usize::try_from(new).ok().and_then(|new| self.new.get(new));
                new.ok_or_else(corrupt)?.1.jump
            }
            None => {
                if let Some(jump) = self.jumps.get(&first.ordinal) {
                    *jump
                } else {
                    let jump = self.view.record(first.ordinal)?.jump;
                    self.jumps.insert(first.ordinal, jump);
                    jump
                }
            }
        };
        let length = parent.point.generation.wrapping_sub(first.generation);
        let before = first.generation.wrapping_sub(second.generation);
        Ok(if length == before { second } else { parent.point })
    }

    /// All that follows from the inserts and removals. Gives the commit's number, and the state hash.
    fn finish(mut self, id: CommitId) -> Result<(u64, Digest, KvBatch)> {
        self.put_places();
        self.put_tries()?;
        let root = self.whole.scopes.map_or([0; 32], |scopes| scopes.hash);
        let hash = *state_hash(self.whole.nodes, &root).as_bytes();
        (self.whole.state_hash, self.whole.sequence) = (hash, self.sequence);
        let first = self.view.whole.next_ordinal;
        let commit = CommitRecord {
            id: *id.as_bytes(),
            state_hash: hash,
            first,
            inserted: self.whole.next_ordinal - first,
            removed: self.removed,
        };
        self.batch.put(&keys::commit(self.sequence), &commit.write());
        self.batch.put(&keys::commit_id(id.as_bytes()), &self.sequence.to_be_bytes());
        self.batch.put(&keys::STATE, &self.whole.write());
        Ok((self.sequence, hash, self.batch))
    }

    /// Where nodes are, and which have become heads, or no longer are.
    fn put_places(&mut self) {
        for (digest, place) in &self.new {
            self.batch.put(&keys::place(digest), &place.write());
            let Place { point, scope, children, children_in_scope, .. } = place;
            for (scope, children) in [(keys::WHOLE, children), (*scope, children_in_scope)] {
                if *children == 0 {
                    self.batch.put(&keys::end(End::Head, scope, point.ordinal), digest);
                }
            }
        }
        for (slot, after) in &self.changed {
            let (digest, before) = self.known.at(*slot);
            let Some(after) = after.filter(|after| *after != before) else { continue };
            self.batch.put(&keys::place(&digest), &after.write());
            let ends = [
                (keys::WHOLE, before.children, after.children),
                (after.scope, before.children_in_scope, after.children_in_scope),
            ];
            for (scope, before, after_it) in ends {
                let key = keys::end(End::Head, scope, after.point.ordinal);
                match (before == 0, after_it == 0) {
                    (true, false) => self.batch.delete(&key),
                    (false, true) => self.batch.put(&key, &digest),
                    _ => {}
                }
            }
        }
    }

    fn put_tries(&mut self) -> Result<()> {
        let mut outer: Vec<LeafChange<32>> = Vec::with_capacity(self.scopes.len());
        for (name, scope) in std::mem::take(&mut self.scopes) {
            let ScopeDraft { number, root, mut changes } = scope;
            changes.sort_unstable_by_key(|(key, _)| *key);
            let (root, inners) = trie::update(&self.view.scope_trie(number), root, &changes)?;
            self.put_inners(number, inners);
            let name_hash = sha256(name.as_bytes());
            outer.push((name_hash, root.map(|root| scope_leaf(&name_hash, &root))));
            let key = keys::scope(&name_hash);
            match root {
                Some(root) => self.batch.put(&key, &ScopeRecord { number, root, name }.write()),
                None => self.batch.delete(&key),
            }
        }
        outer.sort_unstable_by_key(|(key, _)| *key);
        let (root, inners) = trie::update(&self.view.outer_trie(), self.whole.scopes, &outer)?;
        self.put_inners(keys::WHOLE, inners);
        self.whole.scopes = root;
        Ok(())
    }

    fn put_inners<const N: usize>(&mut self, scope: u64, inners: trie::InnerChanges<N>) {
        for ((bit, prefix), subtrees) in inners {
            let key = keys::trie(scope, bit, &prefix);
            match subtrees {
                Some(subtrees) => self.batch.put(&key, &write_subtrees(&subtrees)),
                None => self.batch.delete(&key),
            }
        }
    }
}
