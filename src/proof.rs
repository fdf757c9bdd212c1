//! Proofs of what is in a state, and what is not.
//!
//! They are checked by the crate in `verify/`, which knows no store; their bytes are defined in
//! `docs/spec.md`, section "Proofs".

use std::fmt;
use std::ops::RangeInclusive;

use dag_store_verify::NodeKey;

use crate::digest::{Digest, StateHash, sha256};
use crate::state_trie::NODE_KEY;
use crate::{DagError, DagNode, ErrorKind, Result};

/// What a proof begins with.
const VERSION: u8 = 1;

/// How a part of a trie is given.
mod form {
    pub(super) const CLOSED: u8 = 0;
    pub(super) const INNER: u8 = 1;
    pub(super) const NODE: u8 = 2;
    pub(super) const NODE_LONG_TYPE: u8 = 3;
    pub(super) const SCOPE: u8 = 4;
    pub(super) const OTHER_SCOPE: u8 = 5;
    pub(super) const NOTHING: u8 = 6;
}

const LONGEST_TYPE_IN_LEAF: usize = 64;

/// What a proof is to be about: the nodes of a scope whose keys (timestamp, then digest) lie between
/// two, both included. See [`DagStore::prove_span`](crate::DagStore::prove_span).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    scope_id: String,
    first: NodeKey,
    last: NodeKey,
}

impl Span {
    /// The place of one node, whether it is there or not.
    #[must_use]
    pub fn of_node(node: &DagNode) -> Self {
        let key = NodeKey { timestamp: node.timestamp(), digest: *node.digest() };
        Span { scope_id: node.scope_id().to_owned(), first: key, last: key }
    }

    /// All nodes of a scope and a time, in Unix milliseconds. [`ErrorKind::InvalidArgument`] where the
    /// range is empty.
    pub fn of_time(scope_id: impl Into<String>, times: RangeInclusive<u64>) -> Result<Self> {
        if times.is_empty() {
            let message = "the range of time is empty: it ends before it begins";
            return Err(DagError::new(ErrorKind::InvalidArgument, message));
        }
        Ok(Span {
            scope_id: scope_id.into(),
            first: NodeKey { timestamp: *times.start(), digest: [0; 32] },
            last: NodeKey { timestamp: *times.end(), digest: [0xff; 32] },
        })
    }

    /// The scope.
    #[must_use]
    pub fn scope_id(&self) -> &str {
        &self.scope_id
    }

    /// The first key.
    #[must_use]
    pub fn first(&self) -> NodeKey {
        self.first
    }

    /// The last key.
    #[must_use]
    pub fn last(&self) -> NodeKey {
        self.last
    }
}

/// A proof, and the state hash that it leads to.
///
/// It is checked by [`verify_presence`](crate::verify::verify_presence) and its like, which need no store.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    state_hash: StateHash,
    bytes: Vec<u8>,
}

impl Proof {
    /// A proof made elsewhere: by another implementation of [`DagStore`](crate::DagStore).
    #[must_use]
    pub fn new(state_hash: StateHash, bytes: Vec<u8>) -> Self {
        Proof { state_hash, bytes }
    }

    /// The hash of the state that it is about: the store's as it was when the proof was made.
    #[must_use]
    pub fn state_hash(&self) -> &StateHash {
        &self.state_hash
    }

    /// The proof alone.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The proof alone.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Proof");
        shown.field("state_hash", &self.state_hash).field("bytes", &self.bytes.len()).finish()
    }
}

/// Writes a proof part by part: first the trie of the scope, then the trie over the scopes.
#[derive(Debug)]
pub(crate) struct ProofWriter {
    bytes: Vec<u8>,
}

impl ProofWriter {
    pub(crate) fn new() -> Self {
        ProofWriter { bytes: vec![VERSION] }
    }

    pub(crate) fn finish(self, state_hash: StateHash) -> Proof {
        Proof::new(state_hash, self.bytes)
    }

    /// A trie with nothing in it.
    pub(crate) fn nothing(&mut self) {
        self.bytes.push(form::NOTHING);
    }

    /// A subtree that matters no further.
    pub(crate) fn closed(&mut self, hash: &Digest) {
        self.bytes.push(form::CLOSED);
        self.bytes.extend_from_slice(hash);
    }

    /// An inner node.
    pub(crate) fn inner<const N: usize>(
        &mut self,
        known: u16,
        bit: u16,
        prefix: &[u8; N],
        count: u32,
    ) {
        self.bytes.push(form::INNER);
        self.number((bit - known).into());
        self.key(known, bit, prefix);
        self.number(count);
    }

    /// A node.
    pub(crate) fn node(&mut self, known: u16, key: &[u8; NODE_KEY], event_type: &[u8]) {
        const BITS: u16 = 8 * 40;
        match u8::try_from(event_type.len()) {
            Ok(length) if event_type.len() <= LONGEST_TYPE_IN_LEAF => {
                self.bytes.push(form::NODE);
                self.key(known, BITS, key);
                self.bytes.push(length);
                self.bytes.extend_from_slice(event_type);
            }
            _ => {
                self.bytes.push(form::NODE_LONG_TYPE);
                self.key(known, BITS, key);
                self.bytes.extend_from_slice(&sha256(event_type));
            }
        }
    }

    /// The scope that the proof is about.
    pub(crate) fn scope(&mut self) {
        self.bytes.push(form::SCOPE);
    }

    /// Another scope, standing where the one that the proof is about would be.
    pub(crate) fn other_scope(&mut self, known: u16, key: &Digest, count: u32, root: &Digest) {
        self.bytes.push(form::OTHER_SCOPE);
        self.key(known, 8 * 32, key);
        self.number(count);
        self.bytes.extend_from_slice(root);
    }

    /// The bits of a key from `known` up to `bits`, in whole bytes.
    fn key(&mut self, known: u16, bits: u16, key: &[u8]) {
        if bits > known {
            let (from, to) = (usize::from(known / 8), usize::from(bits.div_ceil(8)));
            self.bytes.extend_from_slice(&key[from..to]);
        }
    }

    /// Unsigned LEB128.
    fn number(&mut self, mut number: u32) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                return self.bytes.push(low);
            }
            self.bytes.push(low | 0x80);
        }
    }
}
