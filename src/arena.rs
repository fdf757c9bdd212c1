//! Blocks in memory, framed as a CAR file frames them.

use crate::digest::Digest;
use crate::id::{CID_BYTES, CID_PREFIX};

/// Bytes of a segment, except for one that holds a single larger block.
const SEGMENT: usize = 1 << OFFSET_BITS;
/// Bytes of the first segment. Later ones grow with the arena, up to `SEGMENT`.
const FIRST_SEGMENT: usize = 1 << 12;

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
    segments: Vec<Vec<u8>>,
    bytes: usize,
}

impl Arena {
    /// Bytes of all records.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a block; `tail` is how many of its bytes are the tail.
    pub(crate) fn push(&mut self, digest: &Digest, block: &[u8], tail: usize) -> Location {
        let mut length = [0; 10];
        let length = write_varint(&mut length, CID_BYTES + block.len());
        let needed = length.len() + CID_BYTES + block.len();
        if self.segments.last().is_none_or(|last| last.capacity() - last.len() < needed) {
            let capacity = self.bytes.next_power_of_two().clamp(FIRST_SEGMENT, SEGMENT).max(needed);
            self.segments.push(Vec::with_capacity(capacity));
        }
        let index = self.segments.len() - 1;
        let segment = &mut self.segments[index];
        let offset = segment.len();
        segment.extend_from_slice(length);
        segment.extend_from_slice(&CID_PREFIX);
        segment.extend_from_slice(digest);
        segment.extend_from_slice(block);
        self.bytes += needed;
        Location::new(index, offset, tail)
    }

    pub(crate) fn get(&self, location: Location) -> Record<'_> {
        let (segment, offset, tail) = location.fields();
        let bytes = &self.segments[segment][offset..];
        let (length, bytes) = read_varint(bytes);
        let (cid, block) = bytes[..length].split_at(CID_BYTES);
        #[allow(clippy::expect_used, reason = "a CID is longer than the digest in it")]
        let digest = cid.last_chunk().expect("a CID ends in its digest");
        Record { digest, block, tail }
    }

    /// Only the digest: what lookups compare, so it does as little as it can.
    #[inline]
    pub(crate) fn digest(&self, location: Location) -> &Digest {
        let (segment, offset, _) = location.fields();
        let bytes = &self.segments[segment][offset..];
        let length = bytes.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        #[allow(
            clippy::expect_used,
            reason = "the CID follows the length, and its digest the prefix"
        )]
        bytes[length + CID_PREFIX.len()..].first_chunk().expect("a record begins with a CID")
    }

    /// Bytes that the record of this block takes.
    pub(crate) fn record_bytes(&self, location: Location) -> usize {
        let length = CID_BYTES + self.get(location).block.len();
        write_varint(&mut [0; 10], length).len() + length
    }
}

fn write_varint(buffer: &mut [u8; 10], mut value: usize) -> &[u8] {
    let mut length = 0;
    loop {
        #[allow(clippy::cast_possible_truncation, reason = "seven bits at a time")]
        let low = value as u8 & 0x7f;
        value >>= 7;
        buffer[length] = if value == 0 { low } else { low | 0x80 };
        length += 1;
        if value == 0 {
            return &buffer[..length];
        }
    }
}

fn read_varint(bytes: &[u8]) -> (usize, &[u8]) {
    let mut value = 0;
    for (i, byte) in bytes.iter().enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return (value, &bytes[i + 1..]);
        }
    }
    (0, &[])
}
