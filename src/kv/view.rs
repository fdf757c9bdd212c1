//! What a store looked like at some moment, read from an engine's snapshot.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::keys::{self, End};
use super::trie::{self, Part, Source, Stub};
use super::values::{
    self, Kept, Place, Point, Record, ScopeRecord, Whole, corrupt, read_by_time, read_subtrees,
};
use crate::digest::{Digest, sha256};
use crate::proof::ProofWriter;
use crate::state_trie::{INNER, SCOPES_INNER, leaf_hash, node_key, scope_hash};
use crate::{
    Cid, DagError, DagNode, ErrorKind, KvSnapshot, Limits, Proof, Result, Scope, Span, StateHash,
    TreeAddress, TreeAnswer, TreePart, id,
};

/// How many keys are asked for at once.
pub(super) const AT_ONCE: usize = 1 << 8;
/// How many records are remembered at most, of some 200 bytes each.
const REMEMBERED: usize = 1 << 15;

/// A store at some moment. It lives as long as one call, on one thread.
pub(super) struct View<'a> {
    snapshot: &'a dyn KvSnapshot,
    pub(super) limits: &'a Limits,
    /// Whether nobody waits for the answer any more.
    given_up: &'a AtomicBool,
    pub(super) whole: Whole,
    /// Some of the records that were read.
    records: RefCell<HashMap<u64, Rc<Record>>>,
    /// What went wrong where it could not be told at once; see [`View::settle`].
    error: Cell<Option<DagError>>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        snapshot: &'a dyn KvSnapshot,
        limits: &'a Limits,
        given_up: &'a AtomicBool,
    ) -> Result<Self> {
        let mut view = View {
            snapshot,
            limits,
            given_up,
            whole: Whole {
                sequence: 0,
                next_ordinal: 0,
                next_scope: keys::WHOLE + 1,
                nodes: 0,
                state_hash: *crate::state_trie::state_hash(0, &[0; 32]).as_bytes(),
                scopes: None,
            },
            records: RefCell::default(),
            error: Cell::default(),
        };
        if let Some(whole) = view.get(&keys::STATE)? {
            view.whole = Whole::read(&whole)?;
        }
        Ok(view)
    }

    // ------------------------------------------------------------------------------------ the engine

    fn check(&self) -> Result<()> {
        if self.given_up.load(Ordering::Relaxed) {
            return Err(DagError::new(ErrorKind::Aborted, "nobody waits for the answer any more"));
        }
        Ok(())
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.get_many(&[key])?.pop().flatten())
    }

    pub(super) fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        self.check()?;
        let values = self.snapshot.get_many(keys)?;
        if values.len() == keys.len() { Ok(values) } else { Err(corrupt()) }
    }

    /// The same, but where the engine finds damage, for each by itself: so that the error can name what is damaged.
    fn get_each(&self, keys: &[&[u8]]) -> Result<Vec<Result<Option<Vec<u8>>>>> {
        match self.get_many(keys) {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                Ok(keys.iter().map(|key| self.get(key)).collect())
            }
            values => Ok(values?.into_iter().map(Ok).collect()),
        }
    }

    /// Shows entries in order until `each` breaks or fails.
    pub(super) fn scan(
        &self,
        range: &Range<Vec<u8>>,
        backwards: bool,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.check()?;
        let mut failed = Ok(());
        self.snapshot.scan(&range.start..&range.end, backwards, &mut |key, value| match self
            .check()
            .and_then(|()| each(key, value))
        {
            Ok(flow) => flow,
            Err(error) => {
                failed = Err(error);
                ControlFlow::Break(())
            }
        })?;
        failed
    }

    /// Gives what was read; or, where that failed, what stands for nothing, and notes the error. For
    /// those who can't fail: whoever asked them must then ask [`settle`](Self::settle).
    pub(super) fn or_note<T: Default>(&self, result: Result<T>) -> T {
        result.unwrap_or_else(|error| {
            // The first counts.
            let first = self.error.take().unwrap_or(error);
            self.error.set(Some(first));
            T::default()
        })
    }

    /// The error that was noted, or else this result.
    pub(super) fn settle<T>(&self, result: Result<T>) -> Result<T> {
        self.error.take().map_or(result, Err)
    }

    // ------------------------------------------------------------------------------------ nodes

    pub(super) fn place(&self, digest: &Digest) -> Result<Option<Place>> {
        self.get(&keys::place(digest))?.map(|place| Place::read(&place)).transpose()
    }

    /// The places of nodes, in the order of their digests.
    pub(super) fn places(&self, digests: &[Digest]) -> Result<Vec<Option<Place>>> {
        let mut places = Vec::with_capacity(digests.len());
        for piece in digests.chunks(AT_ONCE) {
            let keys: Vec<_> = piece.iter().map(keys::place).collect();
            let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
            for (place, digest) in self.get_each(&keys)?.into_iter().zip(piece) {
                let read = |place: Option<Vec<u8>>| place.map(|it| Place::read(&it)).transpose();
                places.push(naming(digest, place.and_then(read))?);
            }
        }
        Ok(places)
    }

    /// The record of a node that there is, or was.
    pub(super) fn record(&self, ordinal: u64) -> Result<Rc<Record>> {
        if let Some(record) = self.records.borrow().get(&ordinal) {
            return Ok(Rc::clone(record));
        }
        let value = self.get(&keys::record(ordinal))?.ok_or_else(corrupt)?;
        let record = Rc::new(Record::read(&value)?.0);
        let mut records = self.records.borrow_mut();
        if records.len() >= REMEMBERED {
            records.clear();
        }
        records.insert(ordinal, Rc::clone(&record));
        Ok(record)
    }

    /// The digests of nodes that there are, in the order of the ordinals.
    pub(super) fn digests(&self, ordinals: &[u64]) -> Result<Vec<Digest>> {
        let mut digests = Vec::with_capacity(ordinals.len());
        self.each_record(ordinals, |_, record, _| {
            digests.push(record.digest);
            Ok(())
        })?;
        Ok(digests)
    }

    /// Shows records, in the order of the ordinals.
    pub(super) fn each_record(
        &self,
        ordinals: &[u64],
        mut each: impl FnMut(u64, &Record, Kept<'_>) -> Result<()>,
    ) -> Result<()> {
        for piece in ordinals.chunks(AT_ONCE) {
            let keys: Vec<_> = piece.iter().map(|ordinal| keys::record(*ordinal)).collect();
            let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
            for (value, ordinal) in self.get_many(&keys)?.into_iter().zip(piece) {
                let value = value.ok_or_else(corrupt)?;
                let (record, kept) = Record::read(&value)?;
                each(*ordinal, &record, kept)?;
            }
        }
        Ok(())
    }

    /// Reads nodes; `None` where there is none.
    pub(super) fn get_nodes(&self, cids: &[Cid]) -> Result<Vec<Option<DagNode>>> {
        let digests: Vec<Digest> = cids.iter().map(id::digest_of).collect::<Result<_>>()?;
        let mut nodes = Vec::with_capacity(cids.len());
        for piece in digests.chunks(AT_ONCE) {
            let places = self.places(piece)?;
            let keys: Vec<_> =
                places.iter().flatten().map(|at| keys::record(at.point.ordinal)).collect();
            let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
            let mut records = self.get_each(&keys)?.into_iter();
            for (place, digest) in places.iter().zip(piece) {
                let Some(place) = place else {
                    nodes.push(None);
                    continue;
                };
                let read = || {
                    let record = records.next().ok_or_else(corrupt)??.ok_or_else(corrupt)?;
                    let (_, kept) = Record::read(&record)?;
                    self.node(place.point.ordinal, digest, kept)
                };
                nodes.push(Some(naming(digest, { read }())?));
            }
        }
        Ok(nodes)
    }

    pub(super) fn has_many(&self, cids: &[Cid]) -> Result<Vec<bool>> {
        let digests: Vec<Digest> = cids.iter().map(id::digest_of).collect::<Result<_>>()?;
        Ok(self.places(&digests)?.iter().map(Option::is_some).collect())
    }

    /// The node of a record, whose block must hash to its CID.
    pub(super) fn node(&self, ordinal: u64, digest: &Digest, kept: Kept<'_>) -> Result<DagNode> {
        let damaged = |what| {
            let error = DagError::new(ErrorKind::Corrupt, what);
            error.with_cid(id::cid_of(digest))
        };
        let apart;
        let block = match kept {
            Kept::Block(block) => block,
            Kept::Apart => {
                let found = naming(digest, self.get(&keys::large_block(ordinal)))?;
                apart = found.ok_or_else(|| damaged("a stored block is gone"))?;
                &apart
            }
            Kept::Removed => return Err(damaged("a node is both there and removed")),
        };
        if sha256(block) != *digest {
            return Err(damaged("a stored block does not hash to its CID"));
        }
        DagNode::trusted(block, *digest, self.limits)
    }

    // ------------------------------------------------------------------------------------ scopes

    /// The number of a scope that has, or once had, a node.
    pub(super) fn scope_number(&self, name: &str) -> Result<Option<u64>> {
        let number = self.get(&keys::scope_name(name))?;
        number.map(|number| values::read_number(&number)).transpose()
    }

    /// A scope that has nodes.
    pub(super) fn scope(&self, name: &str) -> Result<Option<ScopeRecord>> {
        self.scope_by_hash(&sha256(name.as_bytes()))
    }

    fn scope_by_hash(&self, name_hash: &Digest) -> Result<Option<ScopeRecord>> {
        let record = self.get(&keys::scope(name_hash))?;
        record.map(|record| ScopeRecord::read(&record)).transpose()
    }

    pub(super) fn scopes(&self, after: Option<&str>, limit: usize) -> Result<Vec<Scope>> {
        let mut scopes = Vec::new();
        if limit == 0 {
            return Ok(scopes);
        }
        self.scan(&keys::names_after(after), false, |key, _| {
            let name =
                key.get(1..).and_then(|name| str::from_utf8(name).ok()).ok_or_else(corrupt)?;
            if let Some(ScopeRecord { root, name, .. }) = self.scope(name)? {
                scopes.push(Scope { id: name, nodes: root.nodes });
            }
            Ok(if scopes.len() == limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(scopes)
    }

    pub(super) fn len(&self, scope_id: Option<&str>) -> Result<u64> {
        Ok(match scope_id {
            None => self.whole.nodes,
            Some(name) => self.scope(name)?.map_or(0, |scope| scope.root.nodes),
        })
    }

    /// The heads or roots of the store, or of a scope.
    pub(super) fn ends(&self, end: End, scope_id: Option<&str>) -> Result<Vec<Cid>> {
        let mut found = Vec::new();
        let scope = match scope_id {
            None => Some(keys::WHOLE),
            Some(name) => self.scope_number(name)?,
        };
        let Some(scope) = scope else { return Ok(found) };
        self.scan(&keys::ends_from(end, scope, 0), false, |_, digest| {
            found.push(id::cid_of(&values::read_digest(digest)?));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    // ------------------------------------------------------------------------------------ the tries

    pub(super) fn state_hash(&self) -> StateHash {
        self.whole.state_hash.into()
    }

    pub(super) fn scope_hash(&self, name: &str) -> Result<StateHash> {
        let (nodes, root) = match self.scope(name)? {
            Some(scope) => (scope.root.nodes, scope.root.hash),
            None => (0, [0; 32]),
        };
        Ok(scope_hash(&sha256(name.as_bytes()), nodes, &root).into())
    }

    pub(super) fn scope_trie(&self, number: u64) -> ScopeTrie<'_, 'a> {
        ScopeTrie { view: self, number }
    }

    pub(super) fn outer_trie(&self) -> OuterTrie<'_, 'a> {
        OuterTrie { view: self }
    }

    pub(super) fn tree(&self, places: &[TreeAddress]) -> Result<TreeAnswer> {
        let parts = places.iter().map(|place| self.part(place)).collect::<Result<_>>()?;
        Ok(TreeAnswer { state_hash: self.state_hash(), parts })
    }

    fn part(&self, place: &TreeAddress) -> Result<TreePart> {
        if let Some(name) = place.scope_id() {
            let Some(scope) = self.scope(name)? else { return Ok(TreePart::Nothing) };
            let trie = self.scope_trie(scope.number);
            let found = trie::find(&trie, Some(scope.root), place.prefix(), place.bits())?;
            return match found {
                None => Ok(TreePart::Nothing),
                Some(leaf) if leaf.is_leaf() => {
                    let (_, event_type) = trie.leaf(&leaf.key)?;
                    let (timestamp, digest) = split_key(&leaf.key);
                    let key = crate::verify::NodeKey { timestamp, digest };
                    Ok(TreePart::Node { key, event_type: event_type.as_str().into() })
                }
                Some(inner) => {
                    let [zero, one] = trie::subtrees(&trie, &inner)?;
                    Ok(TreePart::Inner {
                        bits: inner.bit,
                        prefix: inner.key,
                        nodes: inner.nodes,
                        children: [zero.hash, one.hash],
                    })
                }
            };
        }
        let mut beginning = [0; 32];
        beginning.copy_from_slice(&place.prefix()[..32]);
        let trie = self.outer_trie();
        Ok(match trie::find(&trie, self.whole.scopes, &beginning, place.bits())? {
            None => TreePart::Nothing,
            Some(leaf) if leaf.is_leaf() => {
                let scope = self.scope_by_hash(&leaf.key)?.ok_or_else(corrupt)?;
                let ScopeRecord { name, root, .. } = scope;
                TreePart::Scope { scope_id: name, nodes: root.nodes, root: root.hash }
            }
            Some(inner) => {
                let [zero, one] = trie::subtrees(&trie, &inner)?;
                let mut prefix = [0; 40];
                prefix[..32].copy_from_slice(&inner.key);
                let (bits, nodes) = (inner.bit, inner.nodes);
                TreePart::Inner { bits, prefix, nodes, children: [zero.hash, one.hash] }
            }
        })
    }

    pub(super) fn prove(&self, span: &Span) -> Result<Proof> {
        let mut proof = ProofWriter::new();
        let count = |nodes: u64| u32::try_from(nodes).map_err(|_| corrupt());
        let scope = self.scope(span.scope_id())?;
        let [first, last] =
            [span.first(), span.last()].map(|key| node_key(key.timestamp, &key.digest));
        match &scope {
            None => proof.nothing(),
            Some(scope) => {
                let trie = self.scope_trie(scope.number);
                trie::open(&trie, Some(scope.root), &first, &last, |part| {
                    match part {
                        Part::Closed(hash) => proof.closed(hash),
                        Part::Inner { known, of } => {
                            proof.inner(known, of.bit, &of.key, count(of.nodes)?);
                        }
                        Part::Leaf { known, of } => {
                            let (_, event_type) = trie.leaf(&of.key)?;
                            proof.node(known, &of.key, event_type.as_bytes());
                        }
                    }
                    Ok(())
                })?;
            }
        }
        let name_hash = sha256(span.scope_id().as_bytes());
        if self.whole.scopes.is_none() {
            proof.nothing();
        }
        let trie = self.outer_trie();
        trie::open(&trie, self.whole.scopes, &name_hash, &name_hash, |part| {
            match part {
                Part::Closed(hash) => proof.closed(hash),
                Part::Inner { known, of } => {
                    proof.inner(known, of.bit, &of.key, count(of.nodes)?);
                }
                Part::Leaf { of, .. } if of.key == name_hash => proof.scope(),
                Part::Leaf { known, of } => {
                    let root = self.scope_by_hash(&of.key)?.ok_or_else(corrupt)?.root;
                    proof.other_scope(known, &of.key, count(root.nodes)?, &root.hash);
                }
            }
            Ok(())
        })?;
        Ok(proof.finish(self.state_hash()))
    }
}

/// Names a node in an error about what is kept of it.
pub(super) fn naming<T>(digest: &Digest, result: Result<T>) -> Result<T> {
    result.map_err(|error| match error.cid() {
        None if error.kind() == ErrorKind::Corrupt => error.with_cid(id::cid_of(digest)),
        _ => error,
    })
}

/// Timestamp and digest of a key in the trie of a scope.
pub(super) fn split_key(key: &[u8; 40]) -> (u64, Digest) {
    let (timestamp, digest) = key.split_first_chunk().unwrap_or((&[0; 8], &[]));
    (u64::from_be_bytes(*timestamp), digest.try_into().unwrap_or_default())
}

/// The trie of a scope.
pub(super) struct ScopeTrie<'v, 'a> {
    view: &'v View<'a>,
    number: u64,
}

impl ScopeTrie<'_, '_> {
    /// The keys of the leaves from this one to that, both included.
    pub(super) fn range(&self, first: &[u8; 40], last: &[u8; 40]) -> Range<Vec<u8>> {
        let last = keys::by_time(self.number, last);
        keys::by_time(self.number, first).to_vec()..keys::up_to_end_of(&last)
    }

    /// The ordinal and the event type of a leaf that there is.
    fn leaf(&self, key: &[u8; 40]) -> Result<(u64, String)> {
        let value = self.view.get(&keys::by_time(self.number, key))?.ok_or_else(corrupt)?;
        let (ordinal, event_type) = read_by_time(&value)?;
        let event_type = str::from_utf8(event_type).map_err(|_| corrupt())?;
        Ok((ordinal, event_type.to_owned()))
    }

    /// Shows ordinals and event types of leaves.
    pub(super) fn each_leaf(
        &self,
        range: &Range<Vec<u8>>,
        backwards: bool,
        mut each: impl FnMut(&[u8; 40], u64, &[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.view.scan(range, backwards, |key, value| {
            let (ordinal, event_type) = read_by_time(value)?;
            each(key.last_chunk().ok_or_else(corrupt)?, ordinal, event_type)
        })
    }
}

impl Source<40> for ScopeTrie<'_, '_> {
    const INNER: u8 = INNER;

    fn load(&self, bit: u16, prefix: &[u8; 40]) -> Result<[Stub<40>; 2]> {
        let inner = self.view.get(&keys::trie(self.number, bit, prefix))?;
        read_subtrees(&inner.ok_or_else(corrupt)?)
    }

    fn leaves(&self, first: &[u8; 40], last: &[u8; 40]) -> Result<Vec<Stub<40>>> {
        let mut leaves = Vec::new();
        self.each_leaf(&self.range(first, last), false, |key, _, event_type| {
            leaves.push(Stub::leaf(*key, 1, leaf_hash(key, event_type)));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(leaves)
    }
}

/// The trie over the scopes.
pub(super) struct OuterTrie<'v, 'a> {
    view: &'v View<'a>,
}

/// The leaf of a scope.
pub(super) fn scope_leaf(name_hash: &Digest, root: &Stub<40>) -> Stub<32> {
    Stub::leaf(*name_hash, root.nodes, scope_hash(name_hash, root.nodes, &root.hash))
}

impl Source<32> for OuterTrie<'_, '_> {
    const INNER: u8 = SCOPES_INNER;

    fn load(&self, bit: u16, prefix: &[u8; 32]) -> Result<[Stub<32>; 2]> {
        let inner = self.view.get(&keys::trie(keys::WHOLE, bit, prefix))?;
        read_subtrees(&inner.ok_or_else(corrupt)?)
    }

    fn leaves(&self, first: &[u8; 32], last: &[u8; 32]) -> Result<Vec<Stub<32>>> {
        let mut leaves = Vec::new();
        let range = keys::scope(first).to_vec()..keys::up_to_end_of(&keys::scope(last));
        self.view.scan(&range, false, |key, value| {
            let name_hash = key.last_chunk().ok_or_else(corrupt)?;
            leaves.push(scope_leaf(name_hash, &ScopeRecord::read(value)?.root));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(leaves)
    }
}

/// What stands for a node where it can't be read.
impl Default for Record {
    fn default() -> Self {
        Record {
            digest: [0; 32],
            generation: 0,
            scope: keys::WHOLE,
            timestamp: 0,
            jump: Point::default(),
            parents: Vec::new(),
            event_type: Box::default(),
        }
    }
}
