//! A trie, opened as far as an interval of keys reaches.

use alloc::vec::Vec;

use crate::ProofError;
use crate::bytes::Bytes;
use crate::hash::{Digest, hash};
use crate::key::Prefix;

/// What a subtree is given as.
mod form {
    /// Its hash: no key in it is in the interval.
    pub(super) const CLOSED: u8 = 0;
    /// An inner node, then its two subtrees.
    pub(super) const INNER: u8 = 1;
}

/// An opened subtree that is not an inner node.
pub(crate) struct Leaf {
    pub(crate) hash: Digest,
    /// How many nodes it stands for.
    pub(crate) count: u64,
}

/// An interval of keys, the question that a trie was opened for.
pub(crate) struct Interval<const N: usize> {
    pub(crate) first: [u8; N],
    pub(crate) last: [u8; N],
}

/// An opened inner node whose subtrees are being read.
struct Inner<const N: usize> {
    prefix: Prefix<N>,
    count: u64,
    left: Option<Subtree>,
}

struct Subtree {
    hash: Digest,
    /// `None` where it is closed.
    count: Option<u64>,
}

/// Reads a trie that has at least one leaf: gives its root and the number of nodes in it.
///
/// `leaf` reads those leaves that are opened: it is told the form and the prefix that the leaf's key must
/// have. What is opened must be exactly what the interval needs: no key in it may be under a closed
/// subtree, and nothing is opened that has none.
pub(crate) fn read<'a, const N: usize>(
    tag: u8,
    interval: &Interval<N>,
    bytes: &mut Bytes<'a>,
    mut leaf: impl FnMut(u8, &Prefix<N>, &mut Bytes<'a>) -> Result<Leaf, ProofError>,
) -> Result<(Digest, u64), ProofError> {
    // Bits grow from an inner node to those below it, so there are never more than a key has bits.
    let mut above: Vec<Inner<N>> = Vec::new();
    let mut prefix = Prefix::EMPTY;
    loop {
        let may_matter = prefix.meets(&interval.first, &interval.last);
        let mut subtree = match bytes.byte()? {
            form::CLOSED if above.is_empty() => return Err(ProofError::Malformed),
            form::CLOSED if may_matter => return Err(ProofError::Incomplete),
            form::CLOSED => Subtree { hash: bytes.array()?, count: None },
            _ if !may_matter => return Err(ProofError::Malformed),
            form::INNER => {
                let inner = read_inner(&prefix, bytes)?;
                prefix = inner.prefix.with_bit(false);
                above.push(inner);
                continue;
            }
            form => {
                let Leaf { hash, count } = leaf(form, &prefix, bytes)?;
                Subtree { hash, count: Some(count) }
            }
        };
        // Up, as long as what was read is the right one of two subtrees.
        loop {
            let Some(mut inner) = above.pop() else {
                return Ok((subtree.hash, subtree.count.unwrap_or_default()));
            };
            let Some(left) = inner.left.take() else {
                prefix = inner.prefix.with_bit(true);
                inner.left = Some(subtree);
                above.push(inner);
                break;
            };
            subtree = join(tag, &inner, &left, &subtree)?;
        }
    }
}

fn read_inner<const N: usize>(
    known: &Prefix<N>,
    bytes: &mut Bytes<'_>,
) -> Result<Inner<N>, ProofError> {
    let more = usize::try_from(bytes.number()?).unwrap_or(usize::MAX);
    let bits = known.bits.saturating_add(more);
    if bits >= 8 * N {
        return Err(ProofError::Malformed);
    }
    let prefix = known.read(bits, bytes)?;
    Ok(Inner { prefix, count: bytes.number()?, left: None })
}

/// The inner node above two subtrees: `H(tag ‖ bit ‖ prefix ‖ count ‖ left ‖ right)`.
fn join<const N: usize>(
    tag: u8,
    inner: &Inner<N>,
    left: &Subtree,
    right: &Subtree,
) -> Result<Subtree, ProofError> {
    // A closed subtree has a node at least.
    let least = left.count.unwrap_or(1).checked_add(right.count.unwrap_or(1));
    let exact = left.count.is_some() && right.count.is_some();
    match least {
        Some(least) if least == inner.count || (!exact && least < inner.count) => {}
        _ => return Err(ProofError::Malformed),
    }
    let bit = u16::try_from(inner.prefix.bits).unwrap_or(u16::MAX).to_be_bytes();
    let count = inner.count.to_be_bytes();
    let hash = hash(&[&[tag], &bit, &inner.prefix.key, &count, &left.hash, &right.hash]);
    Ok(Subtree { hash, count: Some(inner.count) })
}
