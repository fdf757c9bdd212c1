//! Blocks in memory, framed as a CAR file frames them.

use crate::car::write_number;
use crate::digest::Digest;
use crate::id::{CID_BYTES, CID_PREFIX};

/// Bytes of a segment, except for one that holds a single larger block.
const SEGMENT: usize = 1 << OFFSET_BITS;
/// Bytes of the first segment. Later ones grow with the arena, up to `SEGMENT`.
const FIRST_SEGMENT: usize = 1 << 12;

/// Bytes of the length in front of a record, at most: blocks have 64 MiB.
const LONGEST_LENGTH: usize = 4;

const OFFSET_BITS: u32 = 20;
const TAIL_BITS: u32 = 16;

/// Where a block stands in an [`Arena`], and where its tail begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location(u64);

impl Location {
    /// No block.
    pub(crate) const NOWHERE: Location = Location(u64::MAX);

    fn new(segment: usize, offset: usize, tail: usize) -> Self {
        Location(
            (segment as u64) << (OFFSET_BITS + TAIL_BITS)
                | (offset as u64) << TAIL_BITS
                | tail as u64,
        )
    }

    #[allow(clippy::cast_possible_truncation, reason = "each field is masked to its bits")]
    fn fields(self) -> (usize, usize, usize) {
        let tail = self.0 & ((1 << TAIL_BITS) - 1);
        let offset = self.0 >> TAIL_BITS & ((1 << OFFSET_BITS) - 1);
        let segment = self.0 >> (OFFSET_BITS + TAIL_BITS);
        (segment as usize, offset as usize, tail as usize)
    }
}

/// A block with its digest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) digest: &'a Digest,
    pub(crate) block: &'a [u8],
    tail: usize,
}

impl<'a> Record<'a> {
    /// The last fields of the block; see [`Tail`](crate::layout::Tail).
    pub(crate) fn tail(&self) -> &'a [u8] {
        &self.block[self.block.len() - self.tail..]
    }
}

/// All blocks of a store, one after the other, in segments that are never moved or copied: each as a
/// length (LEB128), the CID, the block, which is how CAR v1 has it too.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    segments: Vec<Segment>,
    /// Bytes of all records, and of those that were removed.
    bytes: usize,
    dead: usize,
    longest: usize,
}

#[derive(Debug)]
struct Segment {
    bytes: Vec<u8>,
    /// Records that were not removed.
    alive: u32,
}

impl Arena {
    /// Bytes of all records, the removed ones too as long as they take memory.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of removed records that still take memory.
    pub(crate) fn dead(&self) -> usize {
        self.dead
    }

    /// Bytes of the longest block that ever was in it.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// Bytes of memory to be allocated for so many more blocks with so many bytes in all.
    pub(crate) fn growth(&self, blocks: usize, bytes: usize) -> usize {
        let needed = bytes + blocks * (CID_BYTES + LONGEST_LENGTH);
        let left = self.segments.last().map_or(0, Segment::left);
        if needed <= left {
            return 0;
        }
        // Where a block doesn't fit, the rest of a segment stays empty.
        needed
            + needed / 8
            + (self.bytes + needed).next_power_of_two().clamp(FIRST_SEGMENT, SEGMENT)
    }

    /// Adds a block; `tail` is how many of its bytes are the tail.
    pub(crate) fn push(&mut self, digest: &Digest, block: &[u8], tail: usize) -> Location {
        let mut length = [0; 10];
        let length = write_number(&mut length, CID_BYTES + block.len());
        let needed = length.len() + CID_BYTES + block.len();
        if self.segments.last().is_none_or(|last| last.left() < needed) {
            let capacity = self.bytes.next_power_of_two().clamp(FIRST_SEGMENT, SEGMENT).max(needed);
            self.segments.push(Segment { bytes: Vec::with_capacity(capacity), alive: 0 });
        }
        let index = self.segments.len() - 1;
        let Segment { bytes, alive } = &mut self.segments[index];
        let offset = bytes.len();
        bytes.extend_from_slice(length);
        bytes.extend_from_slice(&CID_PREFIX);
        bytes.extend_from_slice(digest);
        bytes.extend_from_slice(block);
        *alive += 1;
        self.bytes += needed;
        self.longest = self.longest.max(block.len());
        Location::new(index, offset, tail)
    }

    pub(crate) fn get(&self, location: Location) -> Record<'_> {
        let (segment, offset, tail) = location.fields();
        let bytes = &self.segments[segment].bytes[offset..];
        let (length, bytes) = read_number(bytes);
        let (cid, block) = bytes[..length].split_at(CID_BYTES);
        #[allow(clippy::expect_used, reason = "a CID is longer than the digest in it")]
        let digest = cid.last_chunk().expect("a CID ends in its digest");
        Record { digest, block, tail }
    }

    /// A block as a CAR file has it: its length, its CID, and the block itself.
    pub(crate) fn framed(&self, location: Location) -> &[u8] {
        let (segment, offset, _) = location.fields();
        let bytes = &self.segments[segment].bytes[offset..];
        let (length, rest) = read_number(bytes);
        &bytes[..bytes.len() - rest.len() + length]
    }

    /// Only the digest: what lookups compare, so it does as little as it can.
    #[inline]
    pub(crate) fn digest(&self, location: Location) -> &Digest {
        let (segment, offset, _) = location.fields();
        let bytes = &self.segments[segment].bytes[offset..];
        let length = bytes.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        #[allow(
            clippy::expect_used,
            reason = "the CID follows the length, and its digest the prefix"
        )]
        bytes[length + CID_PREFIX.len()..].first_chunk().expect("a record begins with a CID")
    }

    /// Removes a block. Its memory is free once that is true of all others in its segment.
    pub(crate) fn remove(&mut self, location: Location) {
        let length = CID_BYTES + self.get(location).block.len();
        self.dead += write_number(&mut [0; 10], length).len() + length;
        let (index, _, _) = location.fields();
        let is_last = index + 1 == self.segments.len();
        let segment = &mut self.segments[index];
        segment.alive -= 1;
        if segment.alive == 0 && !is_last {
            let freed = std::mem::take(&mut segment.bytes);
            self.bytes -= freed.len();
            self.dead -= freed.len();
        }
    }
}

impl Segment {
    /// Bytes that it has room for.
    fn left(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }
}

#[inline]
fn read_number(bytes: &[u8]) -> (usize, &[u8]) {
    let mut value = 0;
    for (i, byte) in bytes.iter().enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return (value, &bytes[i + 1..]);
        }
    }
    (0, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_removed_blocks_is_given_back_segment_by_segment() {
        let mut arena = Arena::default();
        let block = vec![7; SEGMENT / 4];
        let locations: Vec<Location> =
            (0..64).map(|number| arena.push(&[number; 32], &block, 0)).collect();
        let all = arena.bytes();
        for location in &locations[..32] {
            arena.remove(*location);
        }
        assert!(arena.bytes() < all * 6 / 10, "{} of {all}", arena.bytes());
        assert!(arena.dead() < 4 * SEGMENT, "{}", arena.dead());
        for (number, location) in (0..).zip(&locations).skip(32) {
            let Record { digest, block: found, .. } = arena.get(*location);
            assert_eq!((digest, found), (&[number; 32], &block[..]));
            arena.remove(*location);
        }
        // What comes next goes into the last segment, which is kept.
        assert_eq!(arena.bytes(), arena.dead());
        let next = arena.push(&[1; 32], b"next", 0);
        assert_eq!(arena.get(next).block, b"next");
        assert_eq!(arena.longest(), block.len());
    }
}
