//! The keys under which a store keeps what it has. `docs/spec.md`, section "In a key-value engine", has
//! them byte by byte, and the values too.
//!
//! Numbers are big-endian, so that keys are ordered as what they stand for.

use std::ops::Range;

use crate::digest::Digest;

/// What a key begins with: what it is the key of.
mod tag {
    pub(super) const FORMAT: u8 = 0x00;
    pub(super) const STATE: u8 = 0x01;
    pub(super) const PLACE: u8 = 0x02;
    pub(super) const RECORD: u8 = 0x03;
    pub(super) const LARGE_BLOCK: u8 = 0x04;
    pub(super) const CHILD: u8 = 0x05;
    pub(super) const OF_SCOPE: u8 = 0x06;
    pub(super) const BY_GENERATION: u8 = 0x07;
    pub(super) const BY_TIME: u8 = 0x08;
    pub(super) const END: u8 = 0x09;
    pub(super) const SCOPE: u8 = 0x0a;
    pub(super) const SCOPE_NAME: u8 = 0x0b;
    pub(super) const TRIE: u8 = 0x0c;
    pub(super) const COMMIT: u8 = 0x0d;
    pub(super) const COMMIT_ID: u8 = 0x0e;
    pub(super) const REMOVED: u8 = 0x0f;
}

/// The scope number of what is of no scope: the whole store. Scopes are numbered from 1.
pub(super) const WHOLE: u64 = 0;

/// Which end of the DAG a node is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Without a child.
    Head = 0,
    /// Without a parent.
    Root = 1,
}

/// A key put together of parts that have `N` bytes in all.
fn join<const N: usize>(tag: u8, parts: &[&[u8]]) -> [u8; N] {
    let mut key = [0; N];
    key[0] = tag;
    let mut at = 1;
    for part in parts {
        key[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    key
}

pub(super) const FORMAT: [u8; 1] = [tag::FORMAT];
pub(super) const STATE: [u8; 1] = [tag::STATE];

pub(super) fn place(digest: &Digest) -> [u8; 33] {
    join(tag::PLACE, &[digest])
}

pub(super) fn record(ordinal: u64) -> [u8; 9] {
    join(tag::RECORD, &[&ordinal.to_be_bytes()])
}

pub(super) fn large_block(ordinal: u64) -> [u8; 9] {
    join(tag::LARGE_BLOCK, &[&ordinal.to_be_bytes()])
}

pub(super) fn child(parent: u64, child: u64) -> [u8; 17] {
    join(tag::CHILD, &[&parent.to_be_bytes(), &child.to_be_bytes()])
}

pub(super) fn of_scope(scope: u64, ordinal: u64) -> [u8; 17] {
    join(tag::OF_SCOPE, &[&scope.to_be_bytes(), &ordinal.to_be_bytes()])
}

pub(super) fn by_generation(generation: u32, timestamp: u64, digest: &Digest) -> [u8; 45] {
    let (generation, timestamp) = (generation.to_be_bytes(), timestamp.to_be_bytes());
    join(tag::BY_GENERATION, &[&generation, &timestamp, digest])
}

/// The key in the trie of a scope is timestamp, then digest.
pub(super) fn by_time(scope: u64, key: &[u8; 40]) -> [u8; 49] {
    join(tag::BY_TIME, &[&scope.to_be_bytes(), key])
}

pub(super) fn end(end: End, scope: u64, ordinal: u64) -> [u8; 18] {
    join(tag::END, &[&[end as u8], &scope.to_be_bytes(), &ordinal.to_be_bytes()])
}

/// The heads or roots with this ordinal or a higher one.
pub(super) fn ends_from(end: End, scope: u64, ordinal: u64) -> Range<Vec<u8>> {
    let first = self::end(end, scope, ordinal);
    first.to_vec()..up_to_end_of(&first[..10])
}

pub(super) fn scope(name_hash: &Digest) -> [u8; 33] {
    join(tag::SCOPE, &[name_hash])
}

pub(super) fn scope_name(name: &str) -> Vec<u8> {
    [&[tag::SCOPE_NAME], name.as_bytes()].concat()
}

pub(super) fn trie(scope: u64, bit: u16, prefix: &[u8]) -> Vec<u8> {
    [&[tag::TRIE], &scope.to_be_bytes()[..], &bit.to_be_bytes(), prefix].concat()
}

pub(super) fn commit(sequence: u64) -> [u8; 9] {
    join(tag::COMMIT, &[&sequence.to_be_bytes()])
}

pub(super) fn commit_id(id: &[u8; 16]) -> [u8; 17] {
    join(tag::COMMIT_ID, &[id])
}

pub(super) fn removed(sequence: u64, number: u64) -> [u8; 17] {
    join(tag::REMOVED, &[&sequence.to_be_bytes(), &number.to_be_bytes()])
}

/// The first of the keys after all that begin with these bytes. No tag is 255, so there is one.
pub(super) fn up_to_end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end
}

/// All keys that begin with these bytes.
pub(super) fn with_prefix(prefix: &[u8]) -> Range<Vec<u8>> {
    prefix.to_vec()..up_to_end_of(prefix)
}

/// The last eight bytes of a key, as a number.
pub(super) fn last_number(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The scopes that have nodes, by the hashes of their ids.
pub(super) fn all_scopes() -> Range<Vec<u8>> {
    with_prefix(&[tag::SCOPE])
}

/// The names of scopes after this one.
pub(super) fn names_after(name: Option<&str>) -> Range<Vec<u8>> {
    let start = match name {
        None => vec![tag::SCOPE_NAME],
        Some(name) => [&scope_name(name)[..], &[0]].concat(),
    };
    start..vec![tag::SCOPE_NAME + 1]
}
