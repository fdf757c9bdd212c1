//! The structure behind the state hash, and behind lists by scope and time.

mod lookup;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::{self, Digest, Preimage, StateHash};
use crate::proof::{ProofWriter, Span};
pub(crate) use crate::trie::prefix as key_prefix;
use crate::trie::{self, Leaves, Link, Part, TriePool, Walk};

/// Key of a node within its scope: timestamp (big-endian), then digest.
pub(crate) const NODE_KEY: usize = 40;

/// What stands before a node's leaf, with an event type of at most 64 bytes.
const LEAF: u8 = 0x00;
/// What stands before an inner node of a scope's trie.
pub(crate) const INNER: u8 = 0x01;
/// What stands before a node's leaf with a longer event type.
const LEAF_LONG_TYPE: u8 = 0x02;
/// What stands before a scope's hash.
const SCOPE: u8 = 0x10;
/// What stands before an inner node of the trie of scopes.
pub(crate) const SCOPES_INNER: u8 = 0x11;
const LONGEST_TYPE_IN_LEAF: usize = 64;
/// What the state hash begins with; the number is the version of all this.
const STATE: &[u8; 17] = b"dag-store state 1";

/// Nodes by slot, as far as the state hash is concerned.
pub(crate) trait Nodes {
    /// Timestamp and digest.
    fn key(&self, slot: u32) -> (u64, &Digest);

    /// The event type.
    fn event_type(&self, slot: u32) -> &[u8];
}

struct NodeLeaves<'a, T>(&'a T);

impl<T: Nodes> Leaves<NODE_KEY> for NodeLeaves<'_, T> {
    const INNER: u8 = INNER;

    #[inline]
    fn key(&self, leaf: u32) -> [u8; NODE_KEY] {
        let (timestamp, digest) = self.0.key(leaf);
        node_key(timestamp, digest)
    }

    #[inline]
    fn hash(&self, leaf: u32, key: &[u8; NODE_KEY]) -> Digest {
        leaf_hash(key, self.0.event_type(leaf))
    }

    fn weight(&self, _: u32) -> u32 {
        1
    }
}

pub(crate) fn leaf_hash(key: &[u8; NODE_KEY], event_type: &[u8]) -> Digest {
    let leaf = Preimage::<{ 1 + NODE_KEY + LONGEST_TYPE_IN_LEAF }>::new();
    if event_type.len() <= LONGEST_TYPE_IN_LEAF {
        leaf.add(&[LEAF]).add(key).add(event_type).hash()
    } else {
        leaf.add(&[LEAF_LONG_TYPE]).add(key).add(&digest::sha256(event_type)).hash()
    }
}

pub(crate) fn node_key(timestamp: u64, digest: &Digest) -> [u8; NODE_KEY] {
    let mut key = [0; NODE_KEY];
    key[..8].copy_from_slice(&timestamp.to_be_bytes());
    key[8..].copy_from_slice(digest);
    key
}

#[derive(Clone, Debug)]
struct Scope {
    name: Arc<str>,
    /// The scope's key in the trie of scopes.
    name_hash: Digest,
    root: Link,
    /// The scope hash, and how many nodes it counts, unless `stale`.
    hash: Digest,
    count: u32,
    stale: bool,
}

struct ScopeLeaves<'a>(&'a [Scope]);

impl Leaves<32> for ScopeLeaves<'_> {
    const INNER: u8 = SCOPES_INNER;

    fn key(&self, leaf: u32) -> [u8; 32] {
        self.0[leaf as usize].name_hash
    }

    fn hash(&self, leaf: u32, _: &[u8; 32]) -> Digest {
        self.0[leaf as usize].hash
    }

    fn weight(&self, leaf: u32) -> u32 {
        self.0[leaf as usize].count
    }
}

/// Two levels of Merkle tries: a trie of nodes per scope, and a trie of the scopes.
///
/// It is hashed when somebody asks, and then only where something has changed since.
#[derive(Debug)]
pub(crate) struct StateTrie {
    nodes: TriePool<NODE_KEY>,
    outer: TriePool<32>,
    outer_root: Link,
    scopes: Vec<Scope>,
    by_name: BTreeMap<Arc<str>, u32>,
    stale_scopes: Vec<u32>,
    total: u64,
    hash: Option<StateHash>,
    drafting: Option<Box<Drafted>>,
}

/// What a draft makes of the whole; see [`trie::Drafted`].
#[derive(Debug)]
pub(crate) struct Drafted {
    nodes: Option<Box<trie::Drafted>>,
    outer: Option<Box<trie::Drafted>>,
    outer_root: Link,
    scopes: Vec<(usize, Scope)>,
    scopes_before: usize,
    new_scopes: Vec<Scope>,
    total: u64,
    hash: Option<StateHash>,
}

impl Default for StateTrie {
    fn default() -> Self {
        StateTrie {
            nodes: TriePool::default(),
            outer: TriePool::default(),
            outer_root: Link::NONE,
            scopes: Vec::new(),
            by_name: BTreeMap::new(),
            stale_scopes: Vec::new(),
            total: 0,
            hash: None,
            drafting: None,
        }
    }
}

impl StateTrie {
    /// Begins a draft: from here on what changes can be taken out again. The hash must be known.
    pub(crate) fn begin_draft(&mut self) {
        self.nodes.begin_draft();
        self.outer.begin_draft();
        self.drafting = Some(Box::new(Drafted {
            nodes: None,
            outer: None,
            outer_root: self.outer_root,
            scopes: Vec::new(),
            scopes_before: self.scopes.len(),
            new_scopes: Vec::new(),
            total: self.total,
            hash: self.hash,
        }));
    }

    /// Takes the draft out, if there is one, so that all is as it was before.
    pub(crate) fn take_draft_out(&mut self) -> Option<Box<Drafted>> {
        let mut draft = self.drafting.take()?;
        draft.nodes = self.nodes.take_draft_out();
        draft.outer = self.outer.take_draft_out();
        draft.new_scopes = self.scopes.split_off(draft.scopes_before);
        for scope in &draft.new_scopes {
            self.by_name.remove(&scope.name);
        }
        for (at, scope) in draft.scopes.iter_mut().rev() {
            std::mem::swap(scope, &mut self.scopes[*at]);
        }
        // All was hashed before, and all of a draft that is kept is.
        self.stale_scopes.clear();
        std::mem::swap(&mut draft.outer_root, &mut self.outer_root);
        std::mem::swap(&mut draft.total, &mut self.total);
        std::mem::swap(&mut draft.hash, &mut self.hash);
        Some(draft)
    }

    /// Puts a draft in, for good. Nothing must have changed since it was taken out, hashed.
    pub(crate) fn put_draft_in(&mut self, draft: Drafted) {
        draft.nodes.into_iter().for_each(|nodes| self.nodes.put_draft_in(*nodes));
        draft.outer.into_iter().for_each(|outer| self.outer.put_draft_in(*outer));
        for (at, scope) in draft.scopes {
            self.scopes[at] = scope;
        }
        for scope in draft.new_scopes {
            let number = u32::try_from(self.scopes.len()).unwrap_or(u32::MAX);
            self.by_name.insert(Arc::clone(&scope.name), number);
            self.scopes.push(scope);
        }
        (self.outer_root, self.total, self.hash) = (draft.outer_root, draft.total, draft.hash);
    }

    /// A scope that is about to change.
    fn change(&mut self, scope: u32) -> &mut Scope {
        let at = scope as usize;
        let place = &mut self.scopes[at];
        // A stale one has changed before.
        if let Some(draft) = &mut self.drafting
            && at < draft.scopes_before
            && !place.stale
        {
            draft.scopes.push((at, place.clone()));
        }
        place
    }

    /// The index of a scope that has, or once had, a node.
    pub(crate) fn scope(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// The index of a scope, new if need be.
    pub(crate) fn scope_or_new(&mut self, name: &str) -> u32 {
        if let Some(scope) = self.scope(name) {
            return scope;
        }
        let scope = u32::try_from(self.scopes.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = name.into();
        self.by_name.insert(Arc::clone(&name), scope);
        self.scopes.push(Scope {
            name_hash: digest::sha256(name.as_bytes()),
            name,
            root: Link::NONE,
            hash: [0; 32],
            count: 0,
            stale: false,
        });
        scope
    }

    pub(crate) fn scope_name(&self, scope: u32) -> &str {
        &self.scopes[scope as usize].name
    }

    /// The same, for whoever keeps it longer than the trie does.
    pub(crate) fn shared_scope_name(&self, scope: u32) -> Arc<str> {
        Arc::clone(&self.scopes[scope as usize].name)
    }

    pub(crate) fn len(&self) -> u64 {
        self.total
    }

    pub(crate) fn scope_len(&self, scope: u32) -> u64 {
        u64::from(self.nodes.count(self.scopes[scope as usize].root))
    }

    /// Bytes of memory to be allocated for so many more nodes, not counting new scopes.
    pub(crate) fn growth(&self, nodes: usize) -> usize {
        self.nodes.growth(nodes)
    }

    /// Bytes of memory to be allocated before so many hashes are computed.
    pub(crate) fn hashes_growth(&self, hashes: usize) -> usize {
        self.nodes.hashes_growth(hashes) + self.outer.hashes_growth(hashes.min(self.scopes.len()))
    }

    /// Adds a node, given with its key.
    pub(crate) fn insert(
        &mut self,
        scope: u32,
        slot: u32,
        key: &[u8; NODE_KEY],
        nodes: &impl Nodes,
    ) {
        let mut root = self.change(scope).root;
        let was_empty = root == Link::NONE;
        self.nodes.insert(&mut root, slot, key, &NodeLeaves(nodes));
        self.scopes[scope as usize].root = root;
        self.total += 1;
        if was_empty {
            let scopes = ScopeLeaves(&self.scopes);
            self.outer.insert(&mut self.outer_root, scope, &scopes.key(scope), &scopes);
        }
        self.changed(scope);
    }

    /// Takes a node out; `nodes` must still know it.
    pub(crate) fn remove(&mut self, scope: u32, slot: u32, nodes: &impl Nodes) {
        let Scope { mut root, name_hash, .. } = *self.change(scope);
        let (timestamp, digest) = nodes.key(slot);
        self.nodes.remove(&mut root, &node_key(timestamp, digest));
        self.scopes[scope as usize].root = root;
        self.total -= 1;
        if root == Link::NONE {
            self.outer.remove(&mut self.outer_root, &name_hash);
        }
        self.changed(scope);
    }

    fn changed(&mut self, scope: u32) {
        self.hash = None;
        let place = &mut self.scopes[scope as usize];
        if !place.stale {
            place.stale = true;
            self.stale_scopes.push(scope);
        }
    }

    /// The state hash, if nothing has changed since it was last computed.
    pub(crate) fn known_hash(&self) -> Option<StateHash> {
        self.hash
    }

    /// The hash of a scope, if nothing in it has changed since it was last computed.
    pub(crate) fn known_scope_hash(&self, name: &str) -> Option<StateHash> {
        let Some(scope) = self.scope(name) else {
            let name_hash = digest::sha256(name.as_bytes());
            return Some(scope_hash(&name_hash, 0, &[0; 32]).into());
        };
        let place = &self.scopes[scope as usize];
        (!place.stale).then(|| place.hash.into())
    }

    /// Computes about so many hashes of what has changed; gives the state hash once that is all.
    pub(crate) fn hash_some(&mut self, count: usize, nodes: &impl Nodes) -> Option<StateHash> {
        if self.hash.is_some() {
            return self.hash;
        }
        let mut left = count;
        while let Some(&scope) = self.stale_scopes.last() {
            let Scope { root, name_hash, .. } = self.scopes[scope as usize];
            let root_hash = self.nodes.root_hash(root, &NodeLeaves(nodes), &mut left)?;
            let place = &mut self.scopes[scope as usize];
            place.count = self.nodes.count(root);
            place.hash = scope_hash(&name_hash, place.count.into(), &root_hash);
            place.stale = false;
            if root != Link::NONE {
                self.outer.touch(self.outer_root, &name_hash);
            }
            self.stale_scopes.pop();
            left = left.saturating_sub(1);
            if left == 0 {
                return None;
            }
        }
        let outer = self.outer.root_hash(self.outer_root, &ScopeLeaves(&self.scopes), &mut left)?;
        let hash = state_hash(self.total, &outer);
        self.hash = Some(hash);
        Some(hash)
    }

    /// Writes the proof of which nodes are in the store whose keys are in this span. The state hash must
    /// be known.
    pub(crate) fn prove(&self, span: &Span, nodes: &impl Nodes, proof: &mut ProofWriter) {
        let scope = self.scope(span.scope_id());
        let [first, last] =
            [span.first(), span.last()].map(|key| node_key(key.timestamp, &key.digest));
        match scope.map(|scope| self.scopes[scope as usize].root) {
            None | Some(Link::NONE) => proof.nothing(),
            Some(root) => {
                self.nodes.open(root, &first, &last, &NodeLeaves(nodes), |part| match part {
                    Part::Closed(hash) => proof.closed(&hash),
                    Part::Inner { known, bit, prefix, count } => {
                        proof.inner(known, bit, &prefix, count);
                    }
                    Part::Leaf { leaf, known, key } => {
                        proof.node(known, &key, nodes.event_type(leaf));
                    }
                });
            }
        }
        let name_hash = digest::sha256(span.scope_id().as_bytes());
        if self.outer_root == Link::NONE {
            proof.nothing();
        }
        let scopes = ScopeLeaves(&self.scopes);
        self.outer.open(self.outer_root, &name_hash, &name_hash, &scopes, |part| match part {
            Part::Closed(hash) => proof.closed(&hash),
            Part::Inner { known, bit, prefix, count } => proof.inner(known, bit, &prefix, count),
            Part::Leaf { leaf, .. } if Some(leaf) == scope => proof.scope(),
            Part::Leaf { leaf, known, key } => {
                let Scope { root, count, .. } = self.scopes[leaf as usize];
                let root = self.nodes.hash_of(root, &NodeLeaves(nodes));
                proof.other_scope(known, &key, count, &root);
            }
        });
    }

    /// A scope's nodes by time, then digest, from this key on; see [`TriePool::walk_from`].
    pub(crate) fn walk_scope(
        &self,
        scope: u32,
        from: &[u8; NODE_KEY],
        reverse: bool,
        nodes: &impl Nodes,
    ) -> Walk {
        let root = self.scopes[scope as usize].root;
        self.nodes.walk_from(root, from, reverse, &NodeLeaves(nodes))
    }

    pub(crate) fn next(&self, walk: &mut Walk) -> Option<u32> {
        walk.next(&self.nodes)
    }
}

/// `H(10 ‖ H(scope id) ‖ count ‖ root)`
pub(crate) fn scope_hash(name_hash: &Digest, count: u64, root: &Digest) -> Digest {
    Preimage::<{ 1 + 32 + 8 + 32 }>::new()
        .add(&[SCOPE])
        .add(name_hash)
        .add(&count.to_be_bytes())
        .add(root)
        .hash()
}

/// `H("dag-store state 1" ‖ count ‖ root)`
pub(crate) fn state_hash(count: u64, root: &Digest) -> StateHash {
    let state = Preimage::<{ STATE.len() + 8 + 32 }>::new();
    state.add(STATE).add(&count.to_be_bytes()).add(root).hash().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes whose times are given; their digests are the hashes of their slots.
    struct Times(Vec<(u64, Digest)>);

    impl Times {
        fn new(times: impl Iterator<Item = u64>) -> Self {
            let node = |(slot, time): (u32, u64)| (time, digest::sha256(&slot.to_le_bytes()));
            Times((0..).zip(times).map(node).collect())
        }
    }

    impl Times {
        fn key_of(&self, slot: u32) -> [u8; NODE_KEY] {
            let (time, digest) = self.key(slot);
            node_key(time, digest)
        }
    }

    impl Nodes for Times {
        fn key(&self, slot: u32) -> (u64, &Digest) {
            let (time, digest) = &self.0[slot as usize];
            (*time, digest)
        }

        fn event_type(&self, _: u32) -> &[u8] {
            b"vote"
        }
    }

    fn whole_hash(trie: &mut StateTrie, nodes: &Times) -> StateHash {
        trie.hash_some(usize::MAX, nodes).expect("there was no limit")
    }

    /// However few hashes are computed at a time, and whatever comes in between.
    #[test]
    fn hashing_piece_by_piece_comes_to_the_same() {
        const NODES: u32 = 1_500;
        // Close together; far apart; and so that the trie is as deep as it can be.
        let ways: [fn(u64) -> u64; 3] = [
            |slot| slot,
            |slot| slot.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11,
            |slot| (1 << (slot % 53)) - 1,
        ];
        for (way, at_once) in ways.into_iter().flat_map(|way| [(way, 1), (way, 64)]) {
            let nodes = Times::new((0..NODES.into()).map(way));
            let (mut pieces, mut whole) = (StateTrie::default(), StateTrie::default());
            for slot in 0..NODES {
                for trie in [&mut pieces, &mut whole] {
                    let scope = trie.scope_or_new(["one", "two", "three"][slot as usize % 3]);
                    trie.insert(scope, slot, &nodes.key_of(slot), &nodes);
                }
                if slot % 500 == 0 {
                    pieces.hash_some(at_once, &nodes);
                }
                if slot % 7 == 6 {
                    let scope = (slot - 6) % 3;
                    pieces.remove(scope, slot - 6, &nodes);
                    whole.remove(scope, slot - 6, &nodes);
                }
            }
            let mut calls = 1;
            let hash = loop {
                if let Some(hash) = pieces.hash_some(at_once, &nodes) {
                    break hash;
                }
                calls += 1;
                assert!(calls < 2 * NODES, "it never comes to an end");
            };
            assert!(calls > 10, "{calls} calls are no pieces");
            assert_eq!(hash, whole_hash(&mut whole, &nodes));
            for name in ["one", "two", "three"] {
                assert_eq!(pieces.known_scope_hash(name), whole.known_scope_hash(name));
            }
        }
    }

    /// Whatever a draft did, once it is taken out there is no trace of it, and put in it is as if it had
    /// been done at once.
    #[test]
    fn drafts_leave_no_trace_unless_they_are_put_in() {
        const NODES: u32 = 4_000;
        let nodes = Times::new((0..NODES).map(|slot| u64::from(slot.wrapping_mul(2_654_435_761))));
        let (mut drafted, mut direct) = (StateTrie::default(), StateTrie::default());
        let mut there: Vec<(u32, u32)> = Vec::new();
        let mut slot = 0;
        for round in 0..120_u32 {
            let before = whole_hash(&mut drafted, &nodes);
            let scopes = drafted.scopes.len();
            drafted.begin_draft();
            let mut removed = Vec::new();
            let mut inserted = Vec::new();
            for commit in 0..=round % 4 {
                for step in 0..(round * 7 + commit) % 19 {
                    if step % 3 == 2 && there.len() > 10 {
                        let at = (round * 31 + step * 17) as usize % there.len();
                        let (scope, slot) = there.swap_remove(at);
                        drafted.remove(scope, slot, &nodes);
                        removed.push((scope, slot));
                    } else if slot < NODES {
                        let scope =
                            drafted.scope_or_new(&format!("scope {}", slot % (3 + round / 20)));
                        drafted.insert(scope, slot, &nodes.key_of(slot), &nodes);
                        inserted.push((scope, slot));
                        slot += 1;
                    }
                }
                whole_hash(&mut drafted, &nodes);
            }
            let after = drafted.known_hash();
            let draft = drafted.take_draft_out().expect("there is one");
            assert_eq!((drafted.known_hash(), drafted.scopes.len()), (Some(before), scopes));
            // What stands there hashes to what it says.
            assert_eq!(fresh(&drafted, &nodes), before, "round {round}");
            if round % 5 == 4 {
                there.extend(removed);
                continue;
            }
            drafted.put_draft_in(*draft);
            assert_eq!(drafted.known_hash(), after);
            for (scope, slot) in &inserted {
                let name = drafted.scope_name(*scope).to_owned();
                let scope = direct.scope_or_new(&name);
                direct.insert(scope, *slot, &nodes.key_of(*slot), &nodes);
            }
            for (scope, slot) in &removed {
                let scope = direct.scope_or_new(drafted.scope_name(*scope));
                direct.remove(scope, *slot, &nodes);
            }
            there.extend(
                inserted.iter().filter(|(_, slot)| !removed.iter().any(|(_, gone)| gone == slot)),
            );
            assert_eq!(after, Some(whole_hash(&mut direct, &nodes)), "round {round}");
        }
        assert!(there.len() > 200, "hardly anything happened");
    }

    /// The state hash of a trie made anew from the leaves of this one.
    fn fresh(trie: &StateTrie, nodes: &Times) -> StateHash {
        let mut fresh = StateTrie::default();
        for number in 0..u32::try_from(trie.scopes.len()).unwrap() {
            let mut walk = trie.walk_scope(number, &[0; NODE_KEY], false, nodes);
            while let Some(slot) = trie.next(&mut walk) {
                let scope = fresh.scope_or_new(trie.scope_name(number));
                fresh.insert(scope, slot, &nodes.key_of(slot), nodes);
            }
        }
        whole_hash(&mut fresh, nodes)
    }
}
