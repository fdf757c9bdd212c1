//! The tree behind the state hash, read part by part: what two stores are compared by.
//!
//! What a part is, and what it hashes to, is defined in `docs/spec.md`, sections "The state hash" and
//! "Reading the tree".

use std::sync::Arc;

use dag_store_verify::NodeKey;

use crate::digest::{self, Digest, Preimage, StateHash};
use crate::state_trie::{self, NODE_KEY};
use crate::{DagError, DagEventType, ErrorKind, Result};

/// Bits of a key in the trie over the scopes.
pub(crate) const SCOPE_BITS: u16 = 8 * 32;
/// Bits of a key in the trie of a scope.
pub(crate) const NODE_BITS: u16 = 8 * 40;

/// A place in the tree behind the state hash: all keys of one of its tries that begin with some bits.
///
/// A place means the same in every store and at all times, whether anything stands there or not.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use dag_store::{DagNode, SharedDagStore, TreeAddress, TreePart};
///
/// let store = SharedDagStore::new();
/// let node = DagNode::builder().content("hello").event_type("genesis").scope_id("s").timestamp(0);
/// store.insert(node.build()?).await?;
/// let answer = store.tree(&[TreeAddress::scopes(), TreeAddress::scope("s")]).await?;
/// assert!(matches!(&answer.parts[0], TreePart::Scope { scope_id, .. } if scope_id == "s"));
/// assert!(matches!(&answer.parts[1], TreePart::Node { .. }));
/// assert_eq!(answer.state_hash, store.get_state_hash().await?);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TreeAddress {
    scope_id: Option<Arc<str>>,
    prefix: [u8; NODE_KEY],
    bits: u16,
}

impl TreeAddress {
    /// How many places one call of [`DagStore::tree`](crate::DagStore::tree) may ask about.
    pub const MOST: usize = 1 << 10;

    /// The whole trie over the scopes, where the tree begins.
    #[must_use]
    pub fn scopes() -> Self {
        TreeAddress { scope_id: None, prefix: [0; NODE_KEY], bits: 0 }
    }

    /// The whole trie of a scope.
    #[must_use]
    pub fn scope(scope_id: impl Into<Arc<str>>) -> Self {
        TreeAddress { scope_id: Some(scope_id.into()), prefix: [0; NODE_KEY], bits: 0 }
    }

    /// The keys of the same trie that begin with the first `bits` bits of `prefix`; what follows these
    /// does not matter.
    ///
    /// The keys of a scope have 320 bits, those of the trie over the scopes the first 256 of `prefix`;
    /// more are [`ErrorKind::InvalidArgument`].
    pub fn narrowed(&self, prefix: &[u8; 40], bits: u16) -> Result<Self> {
        if bits > self.key_bits() {
            let message = "the place has more bits than the keys of its trie";
            return Err(DagError::new(ErrorKind::InvalidArgument, message));
        }
        let prefix = state_trie::key_prefix(prefix, bits);
        Ok(TreeAddress { scope_id: self.scope_id.clone(), prefix, bits })
    }

    /// The scope whose trie it is in; `None` for the trie over the scopes.
    #[must_use]
    pub fn scope_id(&self) -> Option<&str> {
        self.scope_id.as_deref()
    }

    /// How the keys begin: [`bits`](Self::bits) bits, then zeros.
    #[must_use]
    pub fn prefix(&self) -> &[u8; 40] {
        &self.prefix
    }

    /// How many bits they begin with.
    #[must_use]
    pub fn bits(&self) -> u16 {
        self.bits
    }

    pub(crate) fn key_bits(&self) -> u16 {
        if self.scope_id.is_some() { NODE_BITS } else { SCOPE_BITS }
    }
}

/// What [`DagStore::tree`](crate::DagStore::tree) answers: all of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeAnswer {
    /// The state hash of the store at that moment.
    pub state_hash: StateHash,
    /// What stands in the places asked about, in their order.
    pub parts: Vec<TreePart>,
}

/// The uppermost part of what stands in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreePart {
    /// No key begins so.
    Nothing,
    /// Several keys begin so.
    Inner {
        /// How many bits these keys share.
        bits: u16,
        /// The bits they share, then zeros; in the trie over the scopes the first 32 bytes count.
        prefix: [u8; 40],
        /// How many nodes there are below.
        nodes: u64,
        /// The hash of the subtree of the keys that go on with 0, and of that of those with 1.
        children: [[u8; 32]; 2],
    },
    /// One node.
    Node {
        /// Its key.
        key: NodeKey,
        /// Its type.
        event_type: DagEventType,
    },
    /// One scope, in the trie over the scopes.
    Scope {
        /// Its id, whose SHA-256 is the key.
        scope_id: String,
        /// How many nodes it has.
        nodes: u64,
        /// The root of its trie.
        root: [u8; 32],
    },
}

impl TreePart {
    /// The hash of the subtree, of which this is the uppermost part; 32 zeros for nothing.
    ///
    /// `of` is a place in the trie where it was found, which says whose inner nodes these are.
    #[must_use]
    pub fn hash(&self, of: &TreeAddress) -> [u8; 32] {
        match self {
            TreePart::Nothing => [0; 32],
            TreePart::Inner { bits, prefix, nodes, children: [left, right] } => {
                let (tag, length) = match of.scope_id {
                    Some(_) => (state_trie::INNER, NODE_KEY),
                    None => (state_trie::SCOPES_INNER, 32),
                };
                Preimage::<{ 1 + 2 + NODE_KEY + 8 + 32 + 32 }>::new()
                    .add(&[tag])
                    .add(&bits.to_be_bytes())
                    .add(&prefix[..length])
                    .add(&nodes.to_be_bytes())
                    .add(left)
                    .add(right)
                    .hash()
            }
            TreePart::Node { key, event_type } => {
                let key = state_trie::node_key(key.timestamp, &key.digest);
                state_trie::leaf_hash(&key, event_type.as_str().as_bytes())
            }
            TreePart::Scope { scope_id, nodes, root } => scope_hash(scope_id, *nodes, root),
        }
    }

    /// How many nodes there are below.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        match self {
            TreePart::Nothing => 0,
            TreePart::Node { .. } => 1,
            TreePart::Inner { nodes, .. } | TreePart::Scope { nodes, .. } => *nodes,
        }
    }

    /// The bits that all keys below share, and how many these are.
    pub(crate) fn beginning(&self, of: &TreeAddress) -> ([u8; NODE_KEY], u16) {
        match self {
            TreePart::Nothing => (of.prefix, of.bits),
            TreePart::Inner { bits, prefix, .. } => (*prefix, *bits),
            TreePart::Node { key, .. } => {
                (state_trie::node_key(key.timestamp, &key.digest), NODE_BITS)
            }
            TreePart::Scope { scope_id, .. } => {
                let mut key = [0; NODE_KEY];
                key[..32].copy_from_slice(&digest::sha256(scope_id.as_bytes()));
                (key, SCOPE_BITS)
            }
        }
    }

    /// Whether this can stand in this place at all.
    pub(crate) fn fits(&self, place: &TreeAddress) -> bool {
        let (prefix, bits) = self.beginning(place);
        let full = place.key_bits();
        let of_this_trie = match self {
            TreePart::Nothing => true,
            // An inner node has two different keys below it.
            TreePart::Inner { nodes, .. } => bits < full && *nodes > 1,
            TreePart::Node { .. } => place.scope_id.is_some(),
            TreePart::Scope { nodes, .. } => place.scope_id.is_none() && *nodes > 0,
        };
        of_this_trie
            && bits >= place.bits
            && state_trie::key_prefix(&prefix, bits) == prefix
            && state_trie::key_prefix(&prefix, place.bits) == place.prefix
    }
}

/// The hash of a scope with so many nodes, whose trie has this root.
pub(crate) fn scope_hash(scope_id: &str, nodes: u64, root: &Digest) -> Digest {
    state_trie::scope_hash(&digest::sha256(scope_id.as_bytes()), nodes, root)
}
