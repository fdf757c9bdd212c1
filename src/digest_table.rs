//! From digest to index: the table behind every "is this node there?".

use std::sync::OnceLock;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::digest::Digest;
use crate::platform;

/// A hash table of 32-bit indexes, keyed by digests that are kept elsewhere.
///
/// Digests are no hashes to rely on: whoever picks a node's bytes can grind for digests that agree in
/// the bits a table looks at. So its own hash mixes in a secret seed.
#[derive(Clone, Debug, Default)]
pub(crate) struct DigestTable {
    indexes: HashTable<Place>,
}

/// An index, and the hash of its digest: so that the table grows without looking at digests, which
/// are all over the memory.
#[derive(Clone, Copy, Debug)]
struct Place {
    index: u32,
    hash: u32,
}

/// The secret of this process.
static SEED: OnceLock<[u64; 2]> = OnceLock::new();

impl DigestTable {
    /// The index of this digest; `digest_of` tells the digest of an index in the table.
    pub(crate) fn find<'a>(
        &self,
        digest: &Digest,
        digest_of: impl Fn(u32) -> &'a Digest,
    ) -> Option<u32> {
        let hash = hash(digest);
        let is_it = |place: &Place| place.hash == hash && digest_of(place.index) == digest;
        self.indexes.find(spread(hash), is_it).map(|place| place.index)
    }

    /// Puts an index in for a digest, and gives the one it takes the place of.
    pub(crate) fn insert<'a>(
        &mut self,
        digest: &Digest,
        index: u32,
        digest_of: impl Fn(u32) -> &'a Digest,
    ) -> Option<u32> {
        let hash = hash(digest);
        let is_it = |place: &Place| place.hash == hash && digest_of(place.index) == digest;
        match self.indexes.entry(spread(hash), is_it, |other| spread(other.hash)) {
            Entry::Occupied(mut found) => {
                Some(std::mem::replace(found.get_mut(), Place { index, hash }).index)
            }
            Entry::Vacant(vacant) => {
                vacant.insert(Place { index, hash });
                None
            }
        }
    }

    /// Puts an index in for a digest that is not in the table.
    pub(crate) fn insert_new(&mut self, digest: &Digest, index: u32) {
        let hash = hash(digest);
        self.indexes.insert_unique(spread(hash), Place { index, hash }, |other| spread(other.hash));
    }

    pub(crate) fn remove<'a>(&mut self, digest: &Digest, digest_of: impl Fn(u32) -> &'a Digest) {
        let hash = hash(digest);
        let is_it = |place: &Place| place.hash == hash && digest_of(place.index) == digest;
        if let Ok(found) = self.indexes.find_entry(spread(hash), is_it) {
            found.remove();
        }
    }
}

/// A folded multiply of two words of the digest, each blinded by a word of the seed. Without the
/// seed nobody can tell which digests collide.
#[allow(clippy::cast_possible_truncation, reason = "what is cut off has been folded in")]
fn hash(digest: &Digest) -> u32 {
    let [a, b] = words(digest);
    let [seed_a, seed_b] = SEED.get_or_init(|| words(&platform::random::<16>()));
    let product = u128::from(a ^ seed_a) * u128::from(b ^ seed_b);
    let folded = product as u64 ^ (product >> 64) as u64;
    (folded ^ folded >> 32) as u32
}

/// The table looks at the lowest and at the highest bits of 64: spreads 32 over all of them.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15) // 2^64 / the golden ratio, odd
}

/// The first words of some bytes.
fn words<const WORDS: usize>(bytes: &[u8]) -> [u64; WORDS] {
    let (chunks, _) = bytes.as_chunks();
    std::array::from_fn(|at| chunks.get(at).map_or(0, |chunk| u64::from_le_bytes(*chunk)))
}
