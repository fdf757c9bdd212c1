//! The state hash, slow and obvious: straight from "The state hash" in `docs/spec.md`, nothing kept,
//! nothing shared with the store.

#[allow(dead_code, reason = "not every test is about proofs")]
pub(crate) mod proof;
#[allow(dead_code, reason = "not every test reads the tree")]
pub(crate) mod tree;

use sha2::{Digest as _, Sha256};

const LONGEST_TYPE_IN_LEAF: usize = 64;

/// What the state hash takes from a node.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) scope_id: String,
    pub(crate) timestamp: u64,
    pub(crate) event_type: String,
    pub(crate) digest: [u8; 32],
}

/// What a trie is made of: a key, the hash of what has it, and how many nodes that is.
#[derive(Clone)]
struct Entry {
    key: Vec<u8>,
    hash: [u8; 32],
    count: usize,
}

/// The state hash of a store that holds these nodes.
pub(crate) fn state_hash(leaves: &[Leaf]) -> [u8; 32] {
    hash(&[b"dag-store state 1", &be64(leaves.len()), &root(leaves)])
}

fn scopes_of(leaves: &[Leaf]) -> Vec<&str> {
    let mut scopes: Vec<&str> = leaves.iter().map(|leaf| leaf.scope_id.as_str()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

/// The root of the trie over the scopes.
pub(crate) fn root(leaves: &[Leaf]) -> [u8; 32] {
    trie(0x11, &scope_entries(leaves), 0)
}

fn scope_entries(leaves: &[Leaf]) -> Vec<Entry> {
    let entry = |id: &str| Entry {
        key: hash(&[id.as_bytes()]).to_vec(),
        hash: scope_hash(id, leaves),
        count: in_scope(id, leaves).len(),
    };
    scopes_of(leaves).into_iter().map(entry).collect()
}

/// The hash of a scope, which need not have nodes.
pub(crate) fn scope_hash(id: &str, leaves: &[Leaf]) -> [u8; 32] {
    let count = be64(in_scope(id, leaves).len());
    hash(&[&[0x10], &hash(&[id.as_bytes()]), &count, &scope_root(id, leaves)])
}

/// The root of a scope's trie.
pub(crate) fn scope_root(id: &str, leaves: &[Leaf]) -> [u8; 32] {
    trie(0x01, &entries_of(id, leaves), 0)
}

fn entries_of(id: &str, leaves: &[Leaf]) -> Vec<Entry> {
    in_scope(id, leaves).into_iter().map(leaf_entry).collect()
}

fn in_scope<'a>(id: &str, leaves: &'a [Leaf]) -> Vec<&'a Leaf> {
    leaves.iter().filter(|leaf| leaf.scope_id == id).collect()
}

fn leaf_entry(leaf: &Leaf) -> Entry {
    let key = [&leaf.timestamp.to_be_bytes()[..], &leaf.digest].concat();
    let event_type = leaf.event_type.as_bytes();
    let hash = if event_type.len() <= LONGEST_TYPE_IN_LEAF {
        hash(&[&[0x00], &key, event_type])
    } else {
        hash(&[&[0x02], &key, &hash(&[event_type])])
    };
    Entry { key, hash, count: 1 }
}

/// The root of the trie over entries whose keys agree in their first `bit` bits.
fn trie(tag: u8, entries: &[Entry], bit: u16) -> [u8; 32] {
    match entries {
        [] => [0; 32],
        [only] => only.hash,
        [first, ..] => {
            let (right, left): (Vec<Entry>, Vec<Entry>) =
                entries.iter().cloned().partition(|entry| bit_of(&entry.key, bit));
            if left.is_empty() || right.is_empty() {
                return trie(tag, entries, bit + 1);
            }
            let count = entries.iter().map(|entry| entry.count).sum();
            hash(&[
                &[tag],
                &bit.to_be_bytes(),
                &first_bits(&first.key, bit),
                &be64(count),
                &trie(tag, &left, bit + 1),
                &trie(tag, &right, bit + 1),
            ])
        }
    }
}

/// Bit 0 is the most significant bit of byte 0.
fn bit_of(key: &[u8], bit: u16) -> bool {
    key[usize::from(bit / 8)] & (0x80 >> (bit % 8)) != 0
}

/// A key of the same length: the first `bits` bits of this one, then zeros.
fn first_bits(key: &[u8], bits: u16) -> Vec<u8> {
    let mut prefix = vec![0; key.len()];
    for bit in (0..bits).filter(|bit| bit_of(key, *bit)) {
        prefix[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    prefix
}

fn be64(number: usize) -> [u8; 8] {
    (number as u64).to_be_bytes()
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}
