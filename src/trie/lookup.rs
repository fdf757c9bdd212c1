//! What a trie knows without a walk over its leaves: how many keys there are, and what stands where.

use super::{Inner, Leaves, Link, Node, TriePool, first_difference, prefix, side};
use crate::digest::Digest;

/// The uppermost part of a subtree.
#[derive(Debug)]
pub(crate) enum Top<const N: usize> {
    Nothing,
    Leaf(u32),
    /// The first `bit` bits of `prefix` are those of all keys below.
    Inner {
        bit: u16,
        prefix: [u8; N],
        count: u32,
        children: [Digest; 2],
    },
}

impl<const N: usize> TriePool<N> {
    /// How many leaves have a key before this one.
    pub(crate) fn count_before(&self, root: Link, key: &[u8; N], leaves: &impl Leaves<N>) -> u32 {
        if root == Link::NONE {
            return 0;
        }
        let difference = first_difference(key, &leaves.key(self.closest(root, key)));
        let (mut before, mut at) = (0, root);
        while let Node::Inner(index) = at.node() {
            let inner = &self.inners[index];
            if difference.is_some_and(|bit| inner.bit > bit) {
                break;
            }
            let [left, right] = inner.children;
            at = if side(key, inner.bit) == 0 {
                left
            } else {
                before += self.count(left);
                right
            };
        }
        // All keys below share the bits up to the difference; that bit puts them after or before.
        match difference {
            Some(bit) if side(key, bit) == 1 => before + self.count(at),
            _ => before,
        }
    }

    /// The subtree of all keys that begin with these bits; [`Link::NONE`] where there are none.
    fn find(&self, root: Link, prefix: &[u8; N], bits: u16, leaves: &impl Leaves<N>) -> Link {
        if root == Link::NONE {
            return root;
        }
        let mut at = root;
        while let Node::Inner(index) = at.node() {
            let inner = &self.inners[index];
            if inner.bit >= bits {
                break;
            }
            at = inner.children[side(prefix, inner.bit)];
        }
        match first_difference(prefix, &self.any_key(at, leaves)) {
            Some(bit) if bit < bits => Link::NONE,
            _ => at,
        }
    }

    /// The uppermost part of the subtree of all keys that begin with these bits. Nothing in the trie may
    /// be stale.
    pub(crate) fn top(
        &self,
        root: Link,
        beginning: &[u8; N],
        bits: u16,
        leaves: &impl Leaves<N>,
    ) -> Top<N> {
        let link = self.find(root, beginning, bits, leaves);
        match link.node() {
            _ if link == Link::NONE => Top::Nothing,
            Node::Leaf(leaf) => Top::Leaf(leaf),
            Node::Inner(at) => {
                let Inner { children, bit, count, .. } = self.inners[at];
                let prefix = prefix(&self.any_key(link, leaves), bit);
                let children = children.map(|child| self.hash_of(child, leaves));
                Top::Inner { bit, prefix, count, children }
            }
        }
    }
}
