//! Proofs, slow and obvious: straight from "Proofs" in `docs/spec.md`. Everything is worked out anew from
//! the nodes, a bit at a time.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use super::{
    Entry, Leaf, bit_of, entries_of, first_bits, hash, leaf_entry, scope_entries, scopes_of, trie,
};

/// The proof of which of these nodes are in this scope, with keys from `first` to `last`.
pub(crate) fn proof(leaves: &[Leaf], scope_id: &str, first: &[u8; 40], last: &[u8; 40]) -> Vec<u8> {
    let mut proof = vec![1];
    let in_scope = entries_of(scope_id, leaves);
    let node = |entry: &Entry, known: u16| {
        let leaf = leaves.iter().find(|leaf| leaf_entry(leaf).key == entry.key);
        let event_type = leaf.expect("the leaf of the entry").event_type.as_bytes();
        let key = rest_of(&entry.key, known, 320);
        match u8::try_from(event_type.len()) {
            Ok(length @ 1..=64) => [&[2][..], &key, &[length], event_type].concat(),
            _ => [&[3][..], &key, &hash(&[event_type])].concat(),
        }
    };
    proof.extend(open(0x01, &in_scope, 0, first, last, &node));

    let this = hash(&[scope_id.as_bytes()]);
    let scope = |entry: &Entry, known: u16| {
        if entry.key == this {
            return vec![4];
        }
        let name = scopes_of(leaves).into_iter().find(|id| hash(&[id.as_bytes()]) == *entry.key);
        let nodes = entries_of(name.expect("the scope of the entry"), leaves);
        let (key, root) = (rest_of(&entry.key, known, 256), trie(0x01, &nodes, 0));
        [&[5][..], &key, &number(nodes.len()), &root].concat()
    };
    proof.extend(open(0x11, &scope_entries(leaves), 0, &this, &this, &scope));
    proof
}

/// A trie over entries whose keys agree in their first `known` bits, opened as far as it has to be.
fn open(
    tag: u8,
    entries: &[Entry],
    known: u16,
    first: &[u8],
    last: &[u8],
    leaf: &dyn Fn(&Entry, u16) -> Vec<u8>,
) -> Vec<u8> {
    let Some(any) = entries.first() else {
        return vec![6];
    };
    let smallest = first_bits(&any.key, known);
    let mut largest = smallest.clone();
    for bit in known..8 * u16::try_from(largest.len()).expect("a short key") {
        largest[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    if known > 0 && (*smallest > *last || *largest < *first) {
        return [&[0][..], &trie(tag, entries, 0)].concat();
    }
    if entries.len() == 1 {
        return leaf(any, known);
    }
    let splits =
        |bit: &u16| entries.iter().any(|entry| bit_of(&entry.key, *bit) != bit_of(&any.key, *bit));
    let bit = (known..8 * 40).find(splits).expect("two keys differ");
    let (right, left): (Vec<Entry>, Vec<Entry>) =
        entries.iter().cloned().partition(|entry| bit_of(&entry.key, bit));
    let count = entries.iter().map(|entry| entry.count).sum();
    [
        vec![1],
        number(usize::from(bit - known)),
        rest_of(&first_bits(&any.key, bit), known, bit),
        number(count),
        open(tag, &left, bit + 1, first, last, leaf),
        open(tag, &right, bit + 1, first, last, leaf),
    ]
    .concat()
}

/// The bytes of a key that hold bits from `known` up to `bits`; none where there is none to tell.
fn rest_of(key: &[u8], known: u16, bits: u16) -> Vec<u8> {
    if known == bits {
        return Vec::new();
    }
    key[usize::from(known / 8)..usize::from(bits.div_ceil(8))].to_vec()
}

/// Unsigned LEB128.
fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number % 0x80).expect("seven bits") | 0x80);
        number /= 0x80;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
    bytes
}
