//! The tries behind the state hash, kept in an engine.
//!
//! Their shape and their hashes are those of `trie.rs`, and so are what they answer. An inner node is
//! kept as what is known of its two subtrees; below [`BUCKET`] leaves nothing is kept, since the leaves
//! themselves are, in the order of their keys. So a tenth of a record is written for each node, and a
//! search ends with a look at a few neighbours.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::Result;
use crate::digest::Digest;
use crate::kv::values::corrupt;
use crate::trie::{first_difference, hash_inner, prefix, side, with_ones_from};

/// Subtrees with fewer leaves than this are made from their leaves when they are asked for.
pub(super) const BUCKET: u64 = 16;

/// A subtree: what its parent knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stub<const N: usize> {
    /// The bits that all keys below share, then zeros.
    pub(super) key: [u8; N],
    /// How many these are: all, of a leaf.
    pub(super) bit: u16,
    pub(super) leaves: u64,
    /// How many nodes the leaves stand for.
    pub(super) nodes: u64,
    pub(super) hash: Digest,
}

impl<const N: usize> Stub<N> {
    #[allow(clippy::cast_possible_truncation, reason = "keys are at most 40 bytes")]
    const BITS: u16 = 8 * N as u16;

    pub(super) fn leaf(key: [u8; N], nodes: u64, hash: Digest) -> Self {
        Stub { key, bit: Self::BITS, leaves: 1, nodes, hash }
    }

    pub(super) fn is_leaf(&self) -> bool {
        self.bit == Self::BITS
    }

    /// The last key that may be below.
    fn last(&self) -> [u8; N] {
        with_ones_from(self.key, self.bit)
    }
}

/// One of the tries, as an engine keeps it.
pub(super) trait Source<const N: usize> {
    /// The first byte of what inner nodes hash.
    const INNER: u8;

    /// The subtrees of an inner node with [`BUCKET`] leaves or more.
    fn load(&self, bit: u16, prefix: &[u8; N]) -> Result<[Stub<N>; 2]>;

    /// The leaves from this key to that, both included.
    fn leaves(&self, first: &[u8; N], last: &[u8; N]) -> Result<Vec<Stub<N>>>;
}

/// Makes a trie of subtrees that come in the order of their keys. It holds no more of it than the way
/// to the last one.
#[derive(Debug)]
pub(super) struct Builder<const N: usize> {
    tag: u8,
    /// Subtrees that wait for what is to their right, each with the bit in which that differs.
    left: Vec<(Stub<N>, u16)>,
    last: Option<Stub<N>>,
}

impl<const N: usize> Builder<N> {
    pub(super) fn new(tag: u8) -> Self {
        Builder { tag, left: Vec::new(), last: None }
    }

    /// Adds a subtree whose keys come after all those before. `made` is told of every inner node that is
    /// complete: of it, and of its subtrees.
    pub(super) fn push(&mut self, next: Stub<N>, made: &mut dyn FnMut(&Stub<N>, [Stub<N>; 2])) {
        if let Some(last) = self.last.replace(next) {
            // There is a difference, since no key is in both.
            let bit = first_difference(&last.key, &next.key).unwrap_or(Stub::<N>::BITS);
            let whole = self.close(last, Some(bit), made);
            self.left.push((whole, bit));
        }
    }

    /// The whole trie.
    pub(super) fn finish(
        mut self,
        made: &mut dyn FnMut(&Stub<N>, [Stub<N>; 2]),
    ) -> Option<Stub<N>> {
        let last = self.last.take()?;
        Some(self.close(last, None, made))
    }

    /// Joins a subtree with those to its left that differ from it further down than in this bit.
    fn close(
        &mut self,
        last: Stub<N>,
        above: Option<u16>,
        made: &mut dyn FnMut(&Stub<N>, [Stub<N>; 2]),
    ) -> Stub<N> {
        let mut right = last;
        while let Some((left, bit)) =
            self.left.pop_if(|(_, bit)| above.is_none_or(|above| *bit > above))
        {
            let nodes = left.nodes.saturating_add(right.nodes);
            let whole = Stub {
                key: prefix(&left.key, bit),
                bit,
                leaves: left.leaves.saturating_add(right.leaves),
                nodes,
                hash: hash_inner(self.tag, bit, &left.key, nodes, &left.hash, &right.hash),
            };
            made(&whole, [left, right]);
            right = whole;
        }
        right
    }
}

/// A key that is to have this leaf, or none.
pub(super) type LeafChange<const N: usize> = ([u8; N], Option<Stub<N>>);

/// The inner nodes that an update writes (with their subtrees) or deletes.
pub(super) type InnerChanges<const N: usize> = BTreeMap<(u16, [u8; N]), Option<[Stub<N>; 2]>>;

/// Works out what a trie becomes: its root, and which inner nodes are to be written or deleted. The
/// changes are in the order of their keys; what is to go must be there.
///
/// It opens the trie where something changes, and nowhere else, so that it becomes a row of closed
/// subtrees and single leaves; and makes a trie of those and the new leaves.
pub(super) fn update<const N: usize, S: Source<N>>(
    source: &S,
    root: Option<Stub<N>>,
    changes: &[LeafChange<N>],
) -> Result<(Option<Stub<N>>, InnerChanges<N>)> {
    let mut opened = BTreeMap::new();
    let mut inners = InnerChanges::new();
    let mut builder = Builder::new(S::INNER);
    let mut made = |whole: &Stub<N>, subtrees| {
        if whole.leaves >= BUCKET {
            inners.insert((whole.bit, whole.key), Some(subtrees));
        }
    };
    // What is left of the trie, with the changes in its range of keys; the next one last.
    let mut left: Vec<(Option<Stub<N>>, Range<usize>)> = vec![(root, 0..changes.len())];
    while let Some((stub, range)) = left.pop() {
        let here = &changes[range.clone()];
        let (first, end) = match &stub {
            None => (here.len(), here.len()),
            Some(stub) => {
                let last = stub.last();
                (
                    here.partition_point(|(key, _)| *key < stub.key),
                    here.partition_point(|(key, _)| *key <= last),
                )
            }
        };
        for leaf in here[..first].iter().filter_map(|(_, leaf)| *leaf) {
            builder.push(leaf, &mut made);
        }
        let Some(stub) = stub else { continue };
        if end < here.len() {
            left.push((None, range.start + end..range.end));
        }
        let inside = &here[first..end];
        if inside.is_empty() {
            builder.push(stub, &mut made);
        } else if stub.leaves < BUCKET {
            let mut inside = inside.iter().peekable();
            for leaf in leaves_of(source, &stub)? {
                while let Some((_, Some(new))) = inside.next_if(|(key, _)| *key < leaf.key) {
                    builder.push(*new, &mut made);
                }
                match inside.next_if(|(key, _)| *key == leaf.key) {
                    Some((_, Some(new))) => builder.push(*new, &mut made),
                    Some((_, None)) => {}
                    None => builder.push(leaf, &mut made),
                }
            }
            for leaf in inside.filter_map(|(_, leaf)| *leaf) {
                builder.push(leaf, &mut made);
            }
        } else {
            let subtrees = subtrees(source, &stub)?;
            opened.insert((stub.bit, stub.key), subtrees);
            let middle = inside.partition_point(|(key, _)| side(key, stub.bit) == 0);
            let (first, end) = (range.start + first, range.start + end);
            let [zero, one] = subtrees;
            left.push((Some(one), first + middle..end));
            left.push((Some(zero), first..first + middle));
        }
    }
    let root = builder.finish(&mut made);
    for (place, before) in opened {
        match inners.get(&place) {
            None => drop(inners.insert(place, None)),
            Some(after) if *after == Some(before) => drop(inners.remove(&place)),
            Some(_) => {}
        }
    }
    Ok((root, inners))
}

/// The leaves of a subtree that has few.
fn leaves_of<const N: usize, S: Source<N>>(source: &S, stub: &Stub<N>) -> Result<Vec<Stub<N>>> {
    if stub.is_leaf() { Ok(vec![*stub]) } else { source.leaves(&stub.key, &stub.last()) }
}

/// The subtrees of an inner node.
pub(super) fn subtrees<const N: usize, S: Source<N>>(
    source: &S,
    stub: &Stub<N>,
) -> Result<[Stub<N>; 2]> {
    if stub.leaves >= BUCKET {
        let subtrees = source.load(stub.bit, &stub.key)?;
        let belong = subtrees.iter().zip([0, 1]).all(|(subtree, place)| {
            subtree.bit > stub.bit
                && prefix(&subtree.key, stub.bit) == stub.key
                && side(&subtree.key, stub.bit) == place
        });
        // Or else a search might never come to its end.
        return if belong { Ok(subtrees) } else { Err(corrupt()) };
    }
    let mut uppermost = None;
    let mut made = |_: &Stub<N>, subtrees| uppermost = Some(subtrees);
    let mut builder = Builder::new(S::INNER);
    for leaf in leaves_of(source, stub)? {
        builder.push(leaf, &mut made);
    }
    let made_of_leaves = builder.finish(&mut made);
    uppermost.filter(|_| made_of_leaves == Some(*stub)).ok_or_else(corrupt)
}

/// The subtree of all keys that begin with these bits.
pub(super) fn find<const N: usize, S: Source<N>>(
    source: &S,
    root: Option<Stub<N>>,
    beginning: &[u8; N],
    bits: u16,
) -> Result<Option<Stub<N>>> {
    let Some(mut at) = root else { return Ok(None) };
    loop {
        let known = at.bit.min(bits);
        if prefix(&at.key, known) != prefix(beginning, known) {
            return Ok(None);
        }
        if at.bit >= bits {
            return Ok(Some(at));
        }
        at = subtrees(source, &at)?[side(beginning, at.bit)];
    }
}

/// How many leaves have a key before this one.
pub(super) fn count_before<const N: usize, S: Source<N>>(
    source: &S,
    root: Option<Stub<N>>,
    key: &[u8; N],
) -> Result<u64> {
    let Some(mut at) = root else { return Ok(0) };
    let mut before = 0;
    while !at.is_leaf() && prefix(key, at.bit) == at.key {
        let [zero, one] = subtrees(source, &at)?;
        at = if side(key, at.bit) == 0 {
            zero
        } else {
            before = zero.leaves.saturating_add(before);
            one
        };
    }
    Ok(if at.key < *key { at.leaves.saturating_add(before) } else { before })
}

/// A part of an opened trie; see [`crate::trie::Part`].
#[derive(Debug)]
pub(super) enum Part<'a, const N: usize> {
    Closed(&'a Digest),
    Inner { known: u16, of: &'a Stub<N> },
    Leaf { known: u16, of: &'a Stub<N> },
}

/// Opens a trie as far as it has to be to show which keys from `first` to `last` are in it: tells its
/// parts in preorder.
pub(super) fn open<const N: usize, S: Source<N>>(
    source: &S,
    root: Option<Stub<N>>,
    first: &[u8; N],
    last: &[u8; N],
    mut tell: impl FnMut(Part<'_, N>) -> Result<()>,
) -> Result<()> {
    // A subtree, and how many bits of its keys are known from what is above it.
    let mut left: Vec<(Stub<N>, u16)> = root.into_iter().map(|root| (root, 0)).collect();
    while let Some((stub, known)) = left.pop() {
        let smallest = prefix(&stub.key, known);
        if smallest > *last || with_ones_from(smallest, known) < *first {
            tell(Part::Closed(&stub.hash))?;
        } else if stub.is_leaf() {
            tell(Part::Leaf { known, of: &stub })?;
        } else {
            tell(Part::Inner { known, of: &stub })?;
            let [zero, one] = subtrees(source, &stub)?;
            left.extend([(one, stub.bit + 1), (zero, stub.bit + 1)]);
        }
    }
    Ok(())
}
