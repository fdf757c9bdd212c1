//! The three things that can be shown.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::ProofError;
use crate::block::Facts;
use crate::bytes::Bytes;
use crate::hash::{Digest, hash};
use crate::key::NodeKey;
use crate::trie::{self, Interval, Leaf};

/// What a proof begins with.
const VERSION: u8 = 1;

/// How a leaf is given; see also `trie::form`.
mod form {
    /// A node: the rest of its key, and its event type (its length, then its text).
    pub(super) const NODE: u8 = 2;
    /// A node: the rest of its key, and the hash of its event type, which has more than 64 bytes.
    pub(super) const NODE_LONG_TYPE: u8 = 3;
    /// The scope that the proof is about, which has been read already.
    pub(super) const SCOPE: u8 = 4;
    /// Another scope: the rest of its key, how many nodes it has, and its root.
    pub(super) const OTHER_SCOPE: u8 = 5;
    /// No scope at all, or no node of the scope.
    pub(super) const NOTHING: u8 = 6;
}

/// What stands before what is hashed; see `docs/spec.md`, section "The state hash".
mod tag {
    pub(super) const LEAF: u8 = 0x00;
    pub(super) const INNER: u8 = 0x01;
    pub(super) const LEAF_LONG_TYPE: u8 = 0x02;
    pub(super) const SCOPE: u8 = 0x10;
    pub(super) const SCOPES_INNER: u8 = 0x11;
    pub(super) const STATE: &[u8] = b"dag-store state 1";
}

const LONGEST_TYPE_IN_LEAF: usize = 64;

/// A node as the trie of its scope has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When it happened, and its digest.
    pub key: NodeKey,
    /// What kind of event it is.
    pub event_type: EventType<'a>,
}

/// An event type in a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType<'a> {
    /// The type.
    Text(&'a str),
    /// The hash of a type with more than 64 bytes.
    Hash(Digest),
}

impl Entry<'_> {
    /// Checks that this is the entry's block: that it has the entry's digest, and that the scope, the
    /// time and the event type in it are those that the entry was proved with.
    pub fn check_block(&self, scope_id: &str, block: &[u8]) -> Result<(), ProofError> {
        let facts = Facts::of(block)?;
        let same_type = match self.event_type {
            EventType::Text(text) => facts.event_type == text.as_bytes(),
            EventType::Hash(of) => hash(&[facts.event_type]) == of,
        };
        if facts.key == self.key && facts.scope_id == scope_id.as_bytes() && same_type {
            Ok(())
        } else {
            Err(ProofError::OtherBlock)
        }
    }
}

/// Checks that a node is in the state with this hash. The node is given by its block, from which its
/// scope, time, type and digest are taken.
///
/// # Errors
///
/// [`ProofError::Absent`] where the proof shows the contrary; all others where it shows nothing.
pub fn verify_presence(state_hash: &Digest, block: &[u8], proof: &[u8]) -> Result<(), ProofError> {
    let facts = Facts::of(block)?;
    let entries = read(state_hash, facts.scope_id, facts.key, facts.key, proof)?;
    let entry = entries.first().ok_or(ProofError::Absent)?;
    let expected = match facts.event_type.len() {
        0..=LONGEST_TYPE_IN_LEAF => entry.event_type == EventType::Text(facts.event_type_text()?),
        _ => entry.event_type == EventType::Hash(hash(&[facts.event_type])),
    };
    if expected { Ok(()) } else { Err(ProofError::OtherBlock) }
}

/// Checks that a node is *not* in the state with this hash. The node is given by its block.
///
/// # Errors
///
/// [`ProofError::Present`] where the proof shows the contrary; all others where it shows nothing.
pub fn verify_absence(state_hash: &Digest, block: &[u8], proof: &[u8]) -> Result<(), ProofError> {
    let facts = Facts::of(block)?;
    let entries = read(state_hash, facts.scope_id, facts.key, facts.key, proof)?;
    if entries.is_empty() { Ok(()) } else { Err(ProofError::Present) }
}

/// Checks which nodes of a scope and a time (Unix milliseconds, both ends included) are in the state
/// with this hash: gives all of them, by time and then digest, and there are no others.
///
/// Whoever has their blocks checks each by [`Entry::check_block`].
pub fn verify_range<'a>(
    state_hash: &Digest,
    scope_id: &str,
    times: RangeInclusive<u64>,
    proof: &'a [u8],
) -> Result<Vec<Entry<'a>>, ProofError> {
    let first = NodeKey { timestamp: *times.start(), digest: [0; 32] };
    let last = NodeKey { timestamp: *times.end(), digest: [0xff; 32] };
    read(state_hash, scope_id.as_bytes(), first, last, proof)
}

/// Reads a proof of what the keys from `first` to `last` are in a scope's trie.
fn read<'a>(
    state_hash: &Digest,
    scope_id: &[u8],
    first: NodeKey,
    last: NodeKey,
    proof: &'a [u8],
) -> Result<Vec<Entry<'a>>, ProofError> {
    let mut bytes = Bytes::new(proof);
    if bytes.byte()? != VERSION {
        return Err(ProofError::UnsupportedVersion);
    }
    let scope_key = hash(&[scope_id]);
    let interval = Interval { first: first.to_bytes(), last: last.to_bytes() };
    if interval.first > interval.last {
        return Err(ProofError::Malformed);
    }
    let (entries, scope) = read_scope(&scope_key, &interval, &mut bytes)?;
    let (root, total) = read_scopes(&scope_key, scope, &mut bytes)?;
    if !bytes.is_empty() {
        return Err(ProofError::Malformed);
    }
    if hash(&[tag::STATE, &total.to_be_bytes(), &root]) == *state_hash {
        Ok(entries)
    } else {
        Err(ProofError::OtherState)
    }
}

/// What the trie over the scopes has of a scope.
struct Scope {
    hash: Digest,
    count: u64,
}

/// Reads the part about the scope: its entries in the interval, and itself, if it has any node.
fn read_scope<'a>(
    scope_key: &Digest,
    interval: &Interval<40>,
    bytes: &mut Bytes<'a>,
) -> Result<(Vec<Entry<'a>>, Option<Scope>), ProofError> {
    let mut entries = Vec::new();
    if bytes.take_byte(form::NOTHING) {
        return Ok((entries, None));
    }
    let (root, count) = trie::read(tag::INNER, interval, bytes, |form, prefix, bytes| {
        let key = prefix.read(8 * 40, bytes)?.key;
        let (event_type, hash) = read_event_type(form, &key, bytes)?;
        // One that is not was opened to show that nothing else is there.
        if interval.first <= key && key <= interval.last {
            entries.push(Entry { key: NodeKey::from_bytes(&key), event_type });
        }
        Ok(Leaf { hash, count: 1 })
    })?;
    let hash = hash_scope(scope_key, count, &root);
    Ok((entries, Some(Scope { hash, count })))
}

/// Reads what follows a node's key; gives its leaf hash too.
fn read_event_type<'a>(
    form: u8,
    key: &[u8; 40],
    bytes: &mut Bytes<'a>,
) -> Result<(EventType<'a>, Digest), ProofError> {
    match form {
        form::NODE => {
            let length = usize::from(bytes.byte()?);
            if !(1..=LONGEST_TYPE_IN_LEAF).contains(&length) {
                return Err(ProofError::Malformed);
            }
            let text = bytes.take(length)?;
            let event_type = str::from_utf8(text).map_err(|_| ProofError::Malformed)?;
            Ok((EventType::Text(event_type), hash(&[&[tag::LEAF], key, text])))
        }
        form::NODE_LONG_TYPE => {
            let of = bytes.array()?;
            Ok((EventType::Hash(of), hash(&[&[tag::LEAF_LONG_TYPE], key, &of])))
        }
        _ => Err(ProofError::Malformed),
    }
}

/// Reads the trie over the scopes, which must have exactly this scope in this place: gives its root and
/// the number of all nodes.
fn read_scopes(
    scope_key: &Digest,
    scope: Option<Scope>,
    bytes: &mut Bytes<'_>,
) -> Result<(Digest, u64), ProofError> {
    if scope.is_none() && bytes.take_byte(form::NOTHING) {
        return Ok(([0; 32], 0));
    }
    let interval = Interval { first: *scope_key, last: *scope_key };
    let mut expected = scope;
    let read = trie::read(tag::SCOPES_INNER, &interval, bytes, |form, prefix, bytes| match form {
        form::SCOPE => {
            let Scope { hash, count } = expected.take().ok_or(ProofError::Malformed)?;
            Ok(Leaf { hash, count })
        }
        form::OTHER_SCOPE => {
            let key = prefix.read(8 * 32, bytes)?.key;
            let count = bytes.number()?;
            let root = bytes.array()?;
            if key == *scope_key || count == 0 {
                return Err(ProofError::Malformed);
            }
            Ok(Leaf { hash: hash_scope(&key, count, &root), count })
        }
        _ => Err(ProofError::Malformed),
    })?;
    // What was read about the scope counts for nothing, unless the trie over the scopes has it.
    if expected.is_some() { Err(ProofError::Malformed) } else { Ok(read) }
}

/// `H(10 ‖ H(scope id) ‖ count ‖ root)`
fn hash_scope(scope_key: &Digest, count: u64, root: &Digest) -> Digest {
    hash(&[&[tag::SCOPE], scope_key, &count.to_be_bytes(), root])
}
