//! A binary, path-compressed Merkle trie (a Patricia trie), hashed lazily.
//!
//! One type serves both levels of the state hash; see [`StateTrie`](crate::state_trie::StateTrie) for
//! what they are, and `docs/spec.md`, section "State hash", for the bytes. D. R. Morrison's PATRICIA
//! (J. ACM 15, 1968) is where the shape comes from: an inner node for each bit in which keys below it
//! differ, none where they don't, so that n keys make n − 1 inner nodes whatever the keys are.

mod lookup;

pub(crate) use lookup::Top;

use crate::chunked::Chunked;
use crate::digest::{Digest, Preimage};

/// Subtrees with fewer leaves than this keep no hash: to hash them again costs less than the memory.
const LEAVES_WITHOUT_HASH: u32 = 8;

/// What a trie's leaves are: 32-bit indexes into something that knows their keys and hashes.
pub(crate) trait Leaves<const N: usize> {
    /// The first byte of what inner nodes hash, which keeps the two levels apart.
    const INNER: u8;

    fn key(&self, leaf: u32) -> [u8; N];

    fn hash(&self, leaf: u32, key: &[u8; N]) -> Digest;

    /// How many nodes the leaf stands for.
    fn weight(&self, leaf: u32) -> u32;
}

/// A subtree: none, one leaf, or an inner node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link(u32);

enum Node {
    Leaf(u32),
    Inner(usize),
}

const LEAF: u32 = 1 << 31;

impl Link {
    /// The empty trie.
    pub(crate) const NONE: Link = Link(u32::MAX);

    fn leaf(leaf: u32) -> Self {
        Link(leaf | LEAF)
    }

    #[inline]
    fn node(self) -> Node {
        if self.0 & LEAF == 0 { Node::Inner(self.0 as usize) } else { Node::Leaf(self.0 & !LEAF) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Inner {
    children: [Link; 2],
    /// Nodes below. In the trie of scopes it is put right when the hash is, since a scope grows
    /// without its trie's knowing.
    count: u32,
    /// Where the hash is kept, if it is.
    hash: Option<HashIndex>,
    /// The first bit in which the keys below differ.
    bit: u16,
    /// Whether something below has changed since it was hashed. All inner nodes above are stale too.
    stale: bool,
    /// Whether a draft has kept what it was before.
    kept: bool,
}

/// An index into the kept hashes, one higher so that `Option` takes no room.
type HashIndex = std::num::NonZeroU32;

/// The inner nodes of any number of tries, whose roots are kept by whoever owns the tries.
#[derive(Debug, Default)]
pub(crate) struct TriePool<const N: usize> {
    inners: Chunked<Inner>,
    free_inners: Vec<u32>,
    hashes: Chunked<Digest>,
    free_hashes: Vec<HashIndex>,
    drafting: Option<Box<Drafted>>,
}

/// What a draft makes of a pool. While the draft is in the pool, this holds what the pool was before;
/// while it is out, what it would put there.
///
/// What has changed is exchanged one by one, forwards to put a draft in and backwards to take it out, so
/// that something may have changed several times. What was free before stays free, so that it need not
/// be kept.
#[derive(Debug, Default)]
pub(crate) struct Drafted {
    inners: Vec<(usize, Inner)>,
    hashes: Vec<(usize, Digest)>,
    /// How many there are without the draft.
    inners_before: usize,
    hashes_before: usize,
    /// What it puts behind them.
    new_inners: Vec<Inner>,
    new_hashes: Vec<Digest>,
    free_inners: Vec<u32>,
    free_hashes: Vec<HashIndex>,
}

impl<const N: usize> TriePool<N> {
    /// Begins a draft: from here on what changes can be taken out again.
    pub(crate) fn begin_draft(&mut self) {
        self.drafting = Some(Box::new(Drafted {
            inners_before: self.inners.len(),
            hashes_before: self.hashes.len(),
            free_inners: std::mem::take(&mut self.free_inners),
            free_hashes: std::mem::take(&mut self.free_hashes),
            ..Drafted::default()
        }));
    }

    /// Takes the draft out, so that all is as it was before.
    pub(crate) fn take_draft_out(&mut self) -> Option<Box<Drafted>> {
        let mut draft = self.drafting.take()?;
        draft.new_inners = self.inners.split_off(draft.inners_before);
        draft.new_hashes = self.hashes.split_off(draft.hashes_before);
        for (at, inner) in draft.inners.iter_mut().rev() {
            std::mem::swap(inner, &mut self.inners[*at]);
            inner.kept = false;
        }
        for (at, hash) in draft.hashes.iter_mut().rev() {
            std::mem::swap(hash, &mut self.hashes[*at]);
        }
        std::mem::swap(&mut draft.free_inners, &mut self.free_inners);
        std::mem::swap(&mut draft.free_hashes, &mut self.free_hashes);
        Some(draft)
    }

    /// Puts a draft in, for good. Nothing must have changed since it was taken out.
    pub(crate) fn put_draft_in(&mut self, draft: Drafted) {
        for (at, inner) in draft.inners {
            self.inners[at] = inner;
        }
        for (at, hash) in draft.hashes {
            self.hashes[at] = hash;
        }
        draft.new_inners.into_iter().for_each(|inner| self.inners.push(inner));
        draft.new_hashes.into_iter().for_each(|hash| self.hashes.push(hash));
        self.free_inners.extend(draft.free_inners);
        self.free_hashes.extend(draft.free_hashes);
    }

    /// An inner node that is about to change.
    fn change(&mut self, at: usize) -> &mut Inner {
        let inner = &mut self.inners[at];
        if let Some(draft) = &mut self.drafting
            && at < draft.inners_before
            && !inner.kept
        {
            draft.inners.push((at, *inner));
            inner.kept = true;
        }
        inner
    }

    pub(crate) fn count(&self, root: Link) -> u32 {
        match root.node() {
            _ if root == Link::NONE => 0,
            Node::Leaf(_) => 1,
            Node::Inner(at) => self.inners[at].count,
        }
    }

    /// Bytes of memory to be allocated for so many more leaves, without their hashes.
    pub(crate) fn growth(&self, leaves: usize) -> usize {
        self.inners.growth(leaves.saturating_sub(self.free_inners.len()))
    }

    /// Bytes of memory to be allocated for so many more hashes.
    pub(crate) fn hashes_growth(&self, hashes: usize) -> usize {
        self.hashes.growth(hashes.saturating_sub(self.free_hashes.len()))
    }

    fn weight(&self, link: Link, leaves: &impl Leaves<N>) -> u32 {
        match link.node() {
            Node::Leaf(leaf) => leaves.weight(leaf),
            Node::Inner(at) => self.inners[at].count,
        }
    }

    /// Adds a leaf, given with its key, which is not in the trie.
    pub(crate) fn insert(
        &mut self,
        root: &mut Link,
        leaf: u32,
        key: &[u8; N],
        leaves: &impl Leaves<N>,
    ) {
        if *root == Link::NONE {
            *root = Link::leaf(leaf);
            return;
        }
        let Some(bit) = first_difference(key, &leaves.key(self.closest(*root, key))) else {
            debug_assert!(false, "a key is in the trie already");
            return;
        };

        let (mut above, mut below) = (None, *root);
        while let Node::Inner(at) = below.node() {
            if self.inners[at].bit > bit {
                break;
            }
            let inner = self.change(at);
            inner.count += 1;
            inner.stale = true;
            let side = side(key, inner.bit);
            above = Some((at, side));
            below = inner.children[side];
        }
        let mut children = [below; 2];
        children[side(key, bit)] = Link::leaf(leaf);
        let count = self.count(below) + 1;
        let inner = Inner { children, count, hash: None, bit, stale: true, kept: false };
        let new = self.allocate(inner);
        match above {
            Some((at, side)) => self.change(at).children[side] = new,
            None => *root = new,
        }
    }

    /// Takes out the leaf with this key, which is in the trie.
    pub(crate) fn remove(&mut self, root: &mut Link, key: &[u8; N]) {
        // The inner node just above the leaf goes too, and its other child takes its place.
        let (mut above, mut parent, mut at) = (None, None, *root);
        while let Node::Inner(index) = at.node() {
            let inner = self.change(index);
            inner.count -= 1;
            inner.stale = true;
            let side = side(key, inner.bit);
            above = parent;
            parent = Some((index, side));
            at = inner.children[side];
        }
        let sibling = match parent {
            Some((index, side)) => {
                let sibling = self.inners[index].children[1 - side];
                self.release(index);
                sibling
            }
            None => Link::NONE,
        };
        match above {
            Some((index, side)) => self.change(index).children[side] = sibling,
            None => *root = sibling,
        }
    }

    /// Notes that the leaf with this key has another hash than before.
    pub(crate) fn touch(&mut self, root: Link, key: &[u8; N]) {
        let mut at = root;
        while let Node::Inner(index) = at.node() {
            let inner = self.change(index);
            inner.stale = true;
            at = inner.children[side(key, inner.bit)];
        }
    }

    /// The root hash: 32 zero bytes for the empty trie, a leaf's own for a trie of one.
    ///
    /// Only what has changed is hashed; the key that an inner node's prefix is cut from comes up with
    /// the hashes from below.
    ///
    /// Gives none once more hashes than `left` have been computed and the last of them is kept: so
    /// calling it again goes on from there, and comes to an end.
    pub(crate) fn root_hash<L: Leaves<N>>(
        &mut self,
        root: Link,
        leaves: &L,
        left: &mut usize,
    ) -> Option<Digest> {
        enum Step {
            Enter(Link),
            Combine(usize),
        }
        if root == Link::NONE {
            return Some([0; 32]);
        }
        let mut steps = vec![Step::Enter(root)];
        let mut done: Vec<(Digest, Option<[u8; N]>)> = Vec::new();
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(link) => match link.node() {
                    Node::Leaf(leaf) => {
                        let key = leaves.key(leaf);
                        done.push((leaves.hash(leaf, &key), Some(key)));
                        *left = left.saturating_sub(1);
                    }
                    Node::Inner(at) => match &self.inners[at] {
                        Inner { stale: false, hash: Some(kept), .. } => {
                            done.push((self.hashes[kept.get() as usize - 1], None));
                        }
                        Inner { children: [left, right], .. } => {
                            steps.push(Step::Combine(at));
                            steps.push(Step::Enter(*right));
                            steps.push(Step::Enter(*left));
                        }
                    },
                },
                Step::Combine(at) => {
                    let ((right, right_key), (left_hash, left_key)) = (done.pop()?, done.pop()?);
                    let Inner { children, bit, .. } = self.inners[at];
                    let count = children.map(|child| self.weight(child, leaves)).iter().sum();
                    let key = left_key.or(right_key);
                    let key = key.unwrap_or_else(|| self.any_key(children[0], leaves));
                    let hash =
                        hash_inner(L::INNER, bit, &key, u64::from(count), &left_hash, &right);
                    let kept = self.keep(at, count, hash);
                    done.push((hash, Some(key)));
                    *left = left.saturating_sub(1);
                    if *left == 0 && kept && !steps.is_empty() {
                        return None;
                    }
                }
            }
        }
        done.pop().map(|(hash, _)| hash)
    }

    /// Keeps the hash of an inner node, unless it has too few leaves; tells whether.
    fn keep(&mut self, at: usize, count: u32, hash: Digest) -> bool {
        let inner = self.change(at);
        inner.stale = false;
        inner.count = count;
        let kept = inner.hash;
        if count < LEAVES_WITHOUT_HASH {
            inner.hash = None;
            self.free_hashes.extend(kept);
            return false;
        }
        let index = kept.or_else(|| self.free_hashes.pop());
        if let Some(index) = index {
            let place = index.get() as usize - 1;
            let before = std::mem::replace(&mut self.hashes[place], hash);
            if let Some(draft) = &mut self.drafting
                && place < draft.hashes_before
            {
                draft.hashes.push((place, before));
            }
        } else {
            self.hashes.push(hash);
        }
        if kept.is_none() {
            let last = || u32::try_from(self.hashes.len()).ok().and_then(HashIndex::new);
            self.inners[at].hash = index.or_else(last);
        }
        true
    }

    /// The leaves in the order of their keys, from the first that is not before `from` (or, in
    /// reverse, not after it).
    pub(crate) fn walk_from(
        &self,
        root: Link,
        from: &[u8; N],
        reverse: bool,
        leaves: &impl Leaves<N>,
    ) -> Walk {
        let mut walk = Walk { left: Vec::new(), reverse };
        if root == Link::NONE {
            return walk;
        }
        let difference = first_difference(from, &leaves.key(self.closest(root, from)));
        let forward = usize::from(!reverse);
        let mut at = root;
        while let Node::Inner(index) = at.node() {
            let inner = &self.inners[index];
            if difference.is_some_and(|bit| inner.bit > bit) {
                break;
            }
            let side = side(from, inner.bit);
            if side != forward {
                walk.left.push(inner.children[forward]);
            }
            at = inner.children[side];
        }
        // All keys below share the bits up to the difference; that bit puts them after or before.
        if difference.is_none_or(|bit| side(from, bit) != forward) {
            walk.left.push(at);
        }
        walk
    }

    /// Opens a trie as far as it has to be to show which keys from `first` to `last` are in it: tells
    /// its parts in preorder. Nothing in it may be stale.
    pub(crate) fn open<L: Leaves<N>>(
        &self,
        root: Link,
        first: &[u8; N],
        last: &[u8; N],
        leaves: &L,
        mut tell: impl FnMut(Part<N>),
    ) {
        // A subtree, and how many bits of its keys are known from what is above it.
        let mut left = if root == Link::NONE { vec![] } else { vec![(root, 0)] };
        while let Some((link, known)) = left.pop() {
            let key = self.any_key(link, leaves);
            let smallest = prefix(&key, known);
            if smallest > *last || with_ones_from(smallest, known) < *first {
                tell(Part::Closed(self.hash_of(link, leaves)));
                continue;
            }
            match link.node() {
                Node::Leaf(leaf) => tell(Part::Leaf { leaf, known, key }),
                Node::Inner(at) => {
                    let Inner { children: [zero, one], count, bit, .. } = self.inners[at];
                    tell(Part::Inner { known, bit, prefix: prefix(&key, bit), count });
                    left.extend([(one, bit + 1), (zero, bit + 1)]);
                }
            }
        }
    }

    /// The hash of a subtree in which nothing is stale.
    pub(crate) fn hash_of<L: Leaves<N>>(&self, link: Link, leaves: &L) -> Digest {
        match link.node() {
            Node::Leaf(leaf) => leaves.hash(leaf, &leaves.key(leaf)),
            Node::Inner(at) => match &self.inners[at] {
                Inner { hash: Some(kept), .. } => self.hashes[kept.get() as usize - 1],
                // It has fewer than `LEAVES_WITHOUT_HASH` leaves, so that this goes no deeper than that.
                Inner { children, bit, count, .. } => {
                    let [left, right] = children.map(|child| self.hash_of(child, leaves));
                    let key = self.any_key(link, leaves);
                    hash_inner(L::INNER, *bit, &key, u64::from(*count), &left, &right)
                }
            },
        }
    }

    /// The leaf that shares the most bits with this key, or one of them.
    fn closest(&self, root: Link, key: &[u8; N]) -> u32 {
        self.descend(root, |bit| side(key, bit))
    }

    fn any_key(&self, root: Link, leaves: &impl Leaves<N>) -> [u8; N] {
        leaves.key(self.descend(root, |_| 0))
    }

    #[inline]
    fn descend(&self, root: Link, side_at: impl Fn(u16) -> usize) -> u32 {
        let mut at = root;
        loop {
            match at.node() {
                Node::Leaf(leaf) => return leaf,
                Node::Inner(index) => {
                    let inner = &self.inners[index];
                    at = inner.children[side_at(inner.bit)];
                }
            }
        }
    }

    fn allocate(&mut self, inner: Inner) -> Link {
        if let Some(free) = self.free_inners.pop() {
            let place = self.change(free as usize);
            *place = Inner { kept: place.kept, ..inner };
            return Link(free);
        }
        self.inners.push(inner);
        // There are fewer inner nodes than leaves, which have 31 bits.
        Link(u32::try_from(self.inners.len() - 1).unwrap_or(LEAF - 1))
    }

    fn release(&mut self, at: usize) {
        let hash = self.change(at).hash.take();
        self.free_hashes.extend(hash);
        self.free_inners.extend(u32::try_from(at));
    }
}

/// A part of an opened trie. `known` is how many bits of the keys below are known from what is above.
#[derive(Debug)]
pub(crate) enum Part<const N: usize> {
    /// A subtree without keys in the interval, by its hash.
    Closed(Digest),
    /// An inner node; its two subtrees follow. The first `bit` bits of `prefix` are those of all keys below.
    Inner {
        known: u16,
        bit: u16,
        prefix: [u8; N],
        count: u32,
    },
    Leaf {
        leaf: u32,
        known: u16,
        key: [u8; N],
    },
}

/// A walk over leaves in the order of their keys. It holds no borrow, so that it can be kept beside
/// what it walks over; it is only good until the trie changes.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Subtrees yet to be walked, the next one last.
    left: Vec<Link>,
    reverse: bool,
}

impl Walk {
    pub(crate) fn next<const N: usize>(&mut self, pool: &TriePool<N>) -> Option<u32> {
        loop {
            match self.left.pop()?.node() {
                Node::Leaf(leaf) => return Some(leaf),
                Node::Inner(at) => {
                    let [mut later, mut sooner] = pool.inners[at].children;
                    if !self.reverse {
                        std::mem::swap(&mut later, &mut sooner);
                    }
                    self.left.extend([later, sooner]);
                }
            }
        }
    }
}

/// `H(tag ‖ bit ‖ prefix ‖ count ‖ left ‖ right)`
pub(crate) fn hash_inner<const N: usize>(
    tag: u8,
    bit: u16,
    key: &[u8; N],
    count: u64,
    left: &Digest,
    right: &Digest,
) -> Digest {
    Preimage::<{ 1 + 2 + 40 + 8 + 32 + 32 }>::new()
        .add(&[tag])
        .add(&bit.to_be_bytes())
        .add(&prefix(key, bit))
        .add(&count.to_be_bytes())
        .add(left)
        .add(right)
        .hash()
}

/// The first `bits` bits of a key, the rest zero.
pub(crate) fn prefix<const N: usize>(key: &[u8; N], bits: u16) -> [u8; N] {
    let mut prefix = [0; N];
    let (whole, rest) = (usize::from(bits / 8), bits % 8);
    prefix[..whole].copy_from_slice(&key[..whole]);
    if rest > 0 {
        prefix[whole] = key[whole] & !(0xff >> rest);
    }
    prefix
}

/// The key with ones for all bits from this one on.
pub(crate) fn with_ones_from<const N: usize>(mut key: [u8; N], bit: u16) -> [u8; N] {
    let (whole, rest) = (usize::from(bit / 8), bit % 8);
    for (at, byte) in key.iter_mut().enumerate().skip(whole) {
        *byte |= if at == whole { 0xff >> rest } else { 0xff };
    }
    key
}

/// The bit of a key: 0 (left) or 1 (right). Bit 0 is the most significant of byte 0.
#[inline]
pub(crate) fn side<const N: usize>(key: &[u8; N], bit: u16) -> usize {
    usize::from(key[usize::from(bit / 8)] >> (7 - bit % 8) & 1)
}

#[allow(clippy::cast_possible_truncation, reason = "keys are at most 40 bytes")]
pub(crate) fn first_difference<const N: usize>(a: &[u8; N], b: &[u8; N]) -> Option<u16> {
    let byte = a.iter().zip(b).position(|(a, b)| a != b)?;
    Some(byte as u16 * 8 + (a[byte] ^ b[byte]).leading_zeros() as u16)
}
