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
#[derive(Clone, Debug)]
pub(crate) struct DigestTable {
    indexes: HashTable<u32>,
}

/// The secret of this process.
static SEED: OnceLock<[u64; 2]> = OnceLock::new();

impl DigestTable {
    pub(crate) fn new() -> Self {
        DigestTable { indexes: HashTable::new() }
    }

    /// The index of this digest; `digest_of` tells the digest of an index in the table.
    pub(crate) fn find<'a>(
        &self,
        digest: &Digest,
        digest_of: impl Fn(u32) -> &'a Digest,
    ) -> Option<u32> {
        self.indexes.find(hash(digest), |index| digest_of(*index) == digest).copied()
    }

    /// Puts an index in for a digest, and gives the one it takes the place of.
    pub(crate) fn insert<'a>(
        &mut self,
        digest: &Digest,
        index: u32,
        digest_of: impl Fn(u32) -> &'a Digest,
    ) -> Option<u32> {
        let entry = self.indexes.entry(
            hash(digest),
            |other| digest_of(*other) == digest,
            |other| hash(digest_of(*other)),
        );
        match entry {
            Entry::Occupied(mut found) => Some(std::mem::replace(found.get_mut(), index)),
            Entry::Vacant(place) => {
                place.insert(index);
                None
            }
        }
    }

    /// Puts an index in for a digest that is not in the table.
    pub(crate) fn insert_new<'a>(
        &mut self,
        digest: &Digest,
        index: u32,
        digest_of: impl Fn(u32) -> &'a Digest,
    ) {
        self.indexes.insert_unique(hash(digest), index, |other| hash(digest_of(*other)));
    }

    pub(crate) fn remove<'a>(&mut self, digest: &Digest, digest_of: impl Fn(u32) -> &'a Digest) {
        if let Ok(found) =
            self.indexes.find_entry(hash(digest), |index| digest_of(*index) == digest)
        {
            found.remove();
        }
    }
}

/// A folded multiply of two words of the digest, each blinded by a word of the seed. Without the
/// seed nobody can tell which digests collide.
#[allow(clippy::cast_possible_truncation, reason = "the halves of the product are what is folded")]
fn hash(digest: &Digest) -> u64 {
    let [a, b] = words(digest);
    let [seed_a, seed_b] = SEED.get_or_init(|| words(&platform::random::<16>()));
    let product = u128::from(a ^ seed_a) * u128::from(b ^ seed_b);
    product as u64 ^ (product >> 64) as u64
}

/// The first words of some bytes.
fn words<const WORDS: usize>(bytes: &[u8]) -> [u64; WORDS] {
    let (chunks, _) = bytes.as_chunks();
    std::array::from_fn(|at| chunks.get(at).map_or(0, |chunk| u64::from_le_bytes(*chunk)))
}
