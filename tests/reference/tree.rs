//! Parts of the tree, slow and obvious: straight from "Reading the tree" in `docs/spec.md`.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use dag_store::verify::NodeKey;
use dag_store::{DagEventType, TreeAddress, TreePart};

use super::{
    Entry, Leaf, bit_of, entries_of, first_bits, hash, leaf_entry, scope_entries, scope_root,
    scopes_of, trie,
};

/// What stands in this place, where there are these nodes.
pub(crate) fn part(leaves: &[Leaf], place: &TreeAddress) -> TreePart {
    let (tag, mut entries) = match place.scope_id() {
        Some(id) => (0x01, entries_of(id, leaves)),
        None => (0x11, scope_entries(leaves)),
    };
    let begins = |entry: &Entry| {
        let wanted = &place.prefix()[..entry.key.len()];
        first_bits(&entry.key, place.bits()) == first_bits(wanted, place.bits())
    };
    entries.retain(begins);
    match entries.as_slice() {
        [] => TreePart::Nothing,
        [only] if place.scope_id().is_some() => node(leaves, only),
        [only] => scope(leaves, only),
        [first, ..] => {
            let differs = |bit: &u16| {
                let is_one = |entry: &Entry| bit_of(&entry.key, *bit);
                entries.iter().any(is_one) && !entries.iter().all(is_one)
            };
            let bits = (place.bits()..320).find(differs).expect("keys differ");
            let mut prefix = [0; 40];
            prefix[..first.key.len()].copy_from_slice(&first_bits(&first.key, bits));
            let nodes = entries.iter().map(|entry| entry.count as u64).sum();
            let children = [false, true].map(|one| {
                let half = entries.iter().filter(|entry| bit_of(&entry.key, bits) == one);
                trie(tag, &half.cloned().collect::<Vec<_>>(), bits + 1)
            });
            TreePart::Inner { bits, prefix, nodes, children }
        }
    }
}

fn node(leaves: &[Leaf], entry: &Entry) -> TreePart {
    let leaf = leaves.iter().find(|leaf| leaf_entry(leaf).key == entry.key);
    let leaf = leaf.expect("the leaf of the entry");
    TreePart::Node {
        key: NodeKey { timestamp: leaf.timestamp, digest: leaf.digest },
        event_type: DagEventType::from(leaf.event_type.as_str()),
    }
}

fn scope(leaves: &[Leaf], entry: &Entry) -> TreePart {
    let id = scopes_of(leaves).into_iter().find(|id| hash(&[id.as_bytes()]) == *entry.key);
    let id = id.expect("the scope of the entry");
    TreePart::Scope {
        scope_id: id.to_owned(),
        nodes: entry.count as u64,
        root: scope_root(id, leaves),
    }
}
