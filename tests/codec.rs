//! Our strict decoder against another one (`serde_ipld_dagcbor`), over every bit flip, truncation,
//! deletion and doubling of a byte in the vectors: both agree on what a node's block is, and nothing
//! panics.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "reference/files.rs"]
mod files;
#[path = "reference/folded.rs"]
mod folded;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

use dag_store::{DagNode, DagNodeBuilder, ErrorKind, Ipld};
use files::{list, read, text};
use folded::bytes;

/// Longer blocks are runs of one byte, in which one place is as good as another.
const LONGEST_BLOCK: usize = 2048;
const MAX_SAFE: i128 = (1 << 53) - 1;
const DEPTH: usize = 127;

/// Checks the blocks of the vectors, accepted and refused, on every core; sums up what `check` gives.
fn for_each_block(check: impl Fn(&str, Vec<u8>) -> usize + Sync) -> usize {
    let file = read("nodes.json");
    let vectors: Vec<(&str, Vec<u8>)> = list(&file, "accepted")
        .iter()
        .chain(list(&file, "refused"))
        .map(|vector| (text(vector, "name"), bytes(text(vector, "block"))))
        .filter(|(_, block)| block.len() <= LONGEST_BLOCK)
        .collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut sum = 0;
        while let Some((name, block)) = vectors.get(next.fetch_add(1, Ordering::Relaxed)) {
            sum += check(name, block.clone());
        }
        sum
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// What the other decoder says: a value that encodes to this block again.
fn theirs(block: &[u8]) -> Option<Ipld> {
    let value: Ipld = serde_ipld_dagcbor::from_slice(block).ok()?;
    let again = serde_ipld_dagcbor::to_vec(&value).expect("what was decoded can be encoded");
    (again == block).then_some(value)
}

/// Whether a value is a node, by `docs/spec.md`.
fn is_node(value: &Ipld) -> bool {
    let Ipld::Map(node) = value else { return false };
    node.keys().all(|key| {
        ["nonce", "content", "parents", "scope_id", "timestamp", "event_type"]
            .contains(&key.as_str())
    }) && node.get("content").is_some_and(is_content)
        && matches!(node.get("parents"), Some(Ipld::List(parents)) if are_parents(parents))
        && is_name(node.get("scope_id"))
        && is_name(node.get("event_type"))
        && matches!(node.get("timestamp"), Some(Ipld::Integer(0..=MAX_SAFE)))
        && match node.get("nonce") {
            None => true,
            Some(Ipld::Bytes(nonce)) => (1..=64).contains(&nonce.len()),
            Some(_) => false,
        }
}

fn is_name(value: Option<&Ipld>) -> bool {
    matches!(value, Some(Ipld::String(text)) if (1..=255).contains(&text.len()))
}

fn are_parents(links: &[Ipld]) -> bool {
    let digests: BTreeSet<&[u8]> = links
        .iter()
        .filter_map(|link| match link {
            Ipld::Link(cid) if cid.to_bytes().starts_with(&[0x01, 0x71, 0x12, 0x20]) => {
                Some(cid.hash().digest())
            }
            _ => None,
        })
        .collect();
    digests.len() == links.len() && links.len() <= 1024
}

/// The rules that other implementations do not have: no float that is a safe integer, and no varint
/// of ten bytes.
fn is_content(value: &Ipld) -> bool {
    match value {
        Ipld::Link(cid) => cid.codec() < 1 << 63 && cid.hash().code() < 1 << 63,
        Ipld::Float(float) => float.fract() != 0.0 || float.abs() >= 9_007_199_254_740_992.0,
        Ipld::List(items) => items.iter().all(is_content),
        Ipld::Map(map) => map.values().all(is_content),
        _ => true,
    }
}

fn nesting(value: &Ipld) -> usize {
    match value {
        Ipld::List(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Ipld::Map(map) => 1 + map.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

/// Both decoders on one block; what ours accepts is a node in every respect.
fn compare(what: &dyn Fn() -> String, block: &[u8]) -> bool {
    let ours = DagNode::decode(block);
    match &ours {
        Ok(node) => {
            assert_eq!(node.as_bytes(), block, "{}", what());
            let again = node.to_builder().and_then(DagNodeBuilder::build).unwrap();
            assert_eq!(again.as_bytes(), block, "{}: encoded again", what());
            // The other decoder counts the node's own map, so it stops one level of content earlier.
            if nesting(&node.content().unwrap()) == DEPTH {
                return true;
            }
        }
        Err(error) => {
            let kinds = [ErrorKind::InvalidNode, ErrorKind::Limit, ErrorKind::UnsupportedVersion];
            assert!(kinds.contains(&error.kind()), "{}: {error}", what());
        }
    }
    let node = theirs(block).filter(is_node);
    assert_eq!(ours.is_ok(), node.is_some(), "{}: {ours:?}, {}", what(), hex::encode(block));
    if let (Ok(ours), Some(Ipld::Map(node))) = (&ours, node) {
        assert_eq!(ours.content().unwrap(), node["content"], "{}", what());
        assert_eq!(Ipld::Integer(ours.timestamp().into()), node["timestamp"], "{}", what());
    }
    ours.is_ok()
}

#[test]
fn every_vector() {
    let accepted = for_each_block(|name, block| usize::from(compare(&|| name.to_owned(), &block)));
    assert!(accepted >= 32, "{accepted}");
}

#[test]
fn every_bit_flip() {
    let accepted = for_each_block(|name, mut block| {
        let mut accepted = 0;
        for bit in 0..8 * block.len() {
            block[bit / 8] ^= 1 << (bit % 8);
            accepted += usize::from(compare(&|| format!("{name}, bit {bit} flipped"), &block));
            block[bit / 8] ^= 1 << (bit % 8);
        }
        accepted
    });
    assert!(accepted > 10_000, "flips within texts and numbers make other nodes: {accepted}");
}

#[test]
fn every_truncation_is_refused() {
    for_each_block(|name, block| {
        for length in 0..block.len() {
            let what = || format!("{name}, cut to {length} bytes");
            let accepted = compare(&what, &block[..length]);
            // Only what had too much can become right.
            assert!(!accepted || DagNode::decode(&block).is_err(), "{}", what());
        }
        0
    });
}

#[test]
fn every_byte_deleted_or_doubled() {
    let accepted = for_each_block(|name, block| {
        let mut accepted = 0;
        for at in 0..block.len() {
            let (before, after) = block.split_at(at);
            let deleted = [before, &after[1..]].concat();
            accepted += usize::from(compare(&|| format!("{name}, without byte {at}"), &deleted));
            let doubled = [before, &after[..1], after].concat();
            accepted += usize::from(compare(&|| format!("{name}, byte {at} doubled"), &doubled));
        }
        accepted
    });
    assert!(accepted > 100, "some faults are mended so: {accepted}");
}
