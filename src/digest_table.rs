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
///
/// A large one is many tables, each of which grows by itself: so no single insert has to move
/// everything, and growing takes little memory on the way.
#[derive(Clone, Debug, Default)]
pub(crate) struct DigestTable {
    /// None, one, or one for each value that the highest bits of a hash can have.
    tables: Vec<HashTable<Place>>,
    /// How many bits that are.
    bits: u32,
}

/// A table that would grow beyond so many indexes is split.
const LARGEST_ALONE: usize = 7 << 11;
/// Into two to the power of this.
const SPLIT_BITS: u32 = 6;

/// Bytes that a table takes for an index, and to know that it is there.
const PLACE: usize = size_of::<Place>() + 1;

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
        self.tables.get(self.number(hash))?.find(spread(hash), is_it).map(|place| place.index)
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
        match self.table(hash).entry(spread(hash), is_it, |other| spread(other.hash)) {
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
        self.table(hash)
            .insert_unique(spread(hash), Place { index, hash }, |other| spread(other.hash));
    }

    pub(crate) fn remove<'a>(&mut self, digest: &Digest, digest_of: impl Fn(u32) -> &'a Digest) {
        let hash = hash(digest);
        let is_it = |place: &Place| place.hash == hash && digest_of(place.index) == digest;
        if let Ok(found) = self.table(hash).find_entry(spread(hash), is_it) {
            found.remove();
        }
    }

    /// Bytes of memory to be allocated before this digest is put in.
    pub(crate) fn growth_for(&self, digest: &Digest) -> usize {
        match self.tables.get(self.number(hash(digest))) {
            Some(table) if table.len() < table.capacity() => 0,
            Some(table) => grown(table.len() + 1),
            None => grown(1),
        }
    }

    /// Bytes of memory to be allocated before so many more digests are put in.
    pub(crate) fn growth(&self, more: usize) -> usize {
        let len: usize = self.tables.iter().map(HashTable::len).sum();
        if self.tables.len() <= 1 && len + more > LARGEST_ALONE {
            return (1 << SPLIT_BITS) * grown(share(len + more)) + grown(LARGEST_ALONE);
        }
        let alone = self.tables.len() <= 1;
        let share = if alone { more } else { share(more) };
        let growing = self.tables.iter().filter(|table| table.len() + share > table.capacity());
        let mut growth = if self.tables.is_empty() { grown(share) } else { 0 };
        let mut largest = 0;
        for table in growing {
            let (now, then) = (table.allocation_size(), grown(table.len() + share));
            growth += then.saturating_sub(now);
            largest = largest.max(now);
        }
        // Each is copied in turn, and the old one then freed.
        growth + largest
    }

    /// Which table a hash belongs into.
    fn number(&self, hash: u32) -> usize {
        (u64::from(hash) << self.bits >> u32::BITS) as usize
    }

    /// The table that a hash belongs into, with room for one more before a large one grows.
    fn table(&mut self, hash: u32) -> &mut HashTable<Place> {
        match self.tables.as_mut_slice() {
            [] => self.tables.push(HashTable::new()),
            [alone] if alone.len() >= LARGEST_ALONE => {
                let places = std::mem::take(alone);
                self.bits = SPLIT_BITS;
                let each = places.len() >> SPLIT_BITS;
                self.tables =
                    (0..1 << SPLIT_BITS).map(|_| HashTable::with_capacity(each)).collect();
                for place in places {
                    let number = self.number(place.hash);
                    let table = &mut self.tables[number];
                    table.insert_unique(spread(place.hash), place, |other| spread(other.hash));
                }
            }
            _ => {}
        }
        let number = self.number(hash);
        &mut self.tables[number]
    }
}

/// How many of so many indexes one table of a large one gets; chance gives some more than others.
fn share(indexes: usize) -> usize {
    (indexes >> SPLIT_BITS) + (indexes >> (SPLIT_BITS + 2)) + 16
}

/// Bytes of a table that has grown to hold so many indexes.
fn grown(indexes: usize) -> usize {
    (indexes * 8 / 7 + 1).next_power_of_two().max(4) * PLACE + 32
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;

    #[test]
    fn it_holds_what_was_put_in_however_many_that_are() {
        let digests: Vec<Digest> =
            (0..3 * LARGEST_ALONE).map(|number| sha256(&number.to_le_bytes())).collect();
        let digest_of = |index: u32| &digests[index as usize];
        let mut table = DigestTable::default();
        for (digest, index) in digests.iter().zip(0..) {
            assert_eq!(table.find(digest, digest_of), None);
            // Every other one by the way that looks for it first.
            if index % 2 == 0 {
                table.insert_new(digest, index);
            } else {
                assert_eq!(table.insert(digest, index, digest_of), None);
            }
            assert_eq!(table.insert(digest, index, digest_of), Some(index));
        }
        assert_eq!(table.tables.len(), 1 << SPLIT_BITS);
        for (digest, index) in digests.iter().zip(0..) {
            assert_eq!(table.find(digest, digest_of), Some(index));
            if index % 3 == 0 {
                table.remove(digest, digest_of);
                table.remove(digest, digest_of);
            }
            let expected = (index % 3 != 0).then_some(index);
            assert_eq!(table.find(digest, digest_of), expected);
        }
    }

    #[test]
    fn it_takes_no_more_memory_than_it_said() {
        let allocated = |table: &DigestTable| -> usize {
            table.tables.iter().map(HashTable::allocation_size).sum()
        };
        for batch in [1_u32, 100, 5_000, 40_000] {
            let mut table = DigestTable::default();
            let mut index = 0_u32;
            while index < 80_000 {
                let (before, said) = (allocated(&table), table.growth(batch as usize));
                for _ in 0..batch {
                    let digest = sha256(&index.to_le_bytes());
                    let (before, said) = (allocated(&table), table.growth_for(&digest));
                    let alone = table.tables.len() <= 1;
                    table.insert_new(&digest, index);
                    let took = allocated(&table).saturating_sub(before);
                    let split = alone && table.tables.len() > 1;
                    assert!(took <= said || split, "{index}: {took} > {said}");
                    index += 1;
                }
                let took = allocated(&table).saturating_sub(before);
                assert!(batch < 100 || took <= said, "{index}, {batch}: {took} > {said}");
            }
        }
    }
}
