//! The bytes of a journal file: one header, and records. `docs/spec.md` has the layout.

use crate::id::{CID_BYTES, CID_PREFIX, digest_of};
use crate::{Checkpoint, Cid, DagError, ErrorKind, Result, Segment, StateHash, ToCid};

/// What every journal file begins with: a byte that is no text, a name, and line ends that a transfer as
/// text would change.
const MAGIC: [u8; 8] = *b"\x89DAGj\r\n\x1a";
/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;
pub(crate) const HEADER_BYTES: usize = 112;
pub(crate) const HEAD_BYTES: usize = 32;
/// In front of a segment: its length, and the commit it is of.
pub(crate) const SEGMENT_HEAD_BYTES: usize = 4 + CID_BYTES;
/// The largest sequence number: JavaScript has no integers beyond.
pub(crate) const LAST_SEQUENCE: u64 = (1 << 53) - 1;

/// Eight random bytes that a file's records begin with, so that nothing in a record can be taken for
/// another one.
pub(crate) type Marker = [u8; 8];

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) marker: Marker,
    pub(crate) placed: Option<Placed>,
}

/// The checkpoint that a file begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) checkpoint: Checkpoint,
    /// How many parts it has, a record each.
    pub(crate) parts: u32,
    /// Where the parts end, and the segments begin.
    pub(crate) end: u64,
}

/// Why bytes are not the header of a journal that can be read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoHeader {
    /// They never were one, or are damaged.
    Broken,
    /// They are one, of this later version.
    Later(u32),
}

impl Header {
    pub(crate) fn write(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.marker);
        if let Some(Placed { checkpoint, parts, end }) = &self.placed {
            bytes[20..24].copy_from_slice(&parts.to_le_bytes());
            bytes[24..32].copy_from_slice(&checkpoint.sequence.to_le_bytes());
            bytes[32..40].copy_from_slice(&end.to_le_bytes());
            bytes[40..76].copy_from_slice(&checkpoint.commit.to_bytes());
            bytes[76..108].copy_from_slice(checkpoint.state_hash.as_bytes());
        }
        let check = crc32fast::hash(&bytes[..108]);
        bytes[108..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    pub(crate) fn read(bytes: &[u8; HEADER_BYTES]) -> Result<Self, NoHeader> {
        if bytes[..8] != MAGIC || crc32fast::hash(&bytes[..108]) != u32_at(bytes, 108) {
            return Err(NoHeader::Broken);
        }
        // The check stays where it is in every version, so that rot is not taken for progress.
        match u32_at(bytes, 8) {
            VERSION => {}
            later => return Err(NoHeader::Later(later)),
        }
        let placed = match u64_at(bytes, 24) {
            0 => None,
            sequence => Some(Placed {
                checkpoint: Checkpoint {
                    sequence,
                    commit: bytes[40..76].to_cid().map_err(|_| NoHeader::Broken)?,
                    state_hash: StateHash::from(array_at(bytes, 76)),
                },
                parts: u32_at(bytes, 20),
                end: u64_at(bytes, 32),
            }),
        };
        Ok(Header { marker: array_at(bytes, 12), placed })
    }
}

/// What stands in front of a record's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Of its first segment; of a part of a checkpoint, its number.
    pub(crate) sequence: u64,
    /// Bytes of the body.
    pub(crate) length: u32,
    /// Segments in the body; 0 says that it is a part of a checkpoint.
    pub(crate) segments: u32,
    /// CRC-32 of the body.
    pub(crate) check: u32,
}

impl Head {
    pub(crate) fn write(&self, marker: Marker) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..8].copy_from_slice(&marker);
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.length.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.segments.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.check.to_le_bytes());
        let check = crc32fast::hash(&bytes[..28]);
        bytes[28..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    /// `None` for what is no head of this file's, or a damaged one.
    pub(crate) fn read(bytes: &[u8; HEAD_BYTES], marker: Marker) -> Option<Self> {
        let whole = bytes[..8] == marker && crc32fast::hash(&bytes[..28]) == u32_at(bytes, 28);
        whole.then(|| Head {
            sequence: u64_at(bytes, 8),
            length: u32_at(bytes, 16),
            segments: u32_at(bytes, 20),
            check: u32_at(bytes, 24),
        })
    }
}

/// A record of these segments, which are numbered on from the first.
pub(crate) fn record_of(segments: &[Segment], marker: Marker) -> Result<Vec<u8>> {
    let room =
        segments.iter().map(|segment| SEGMENT_HEAD_BYTES + segment.bytes.len()).sum::<usize>();
    let mut record = Vec::with_capacity(HEAD_BYTES + room);
    record.extend([0; HEAD_BYTES]);
    for segment in segments {
        record.extend(length_of(segment.bytes.len())?.to_le_bytes());
        record.extend(CID_PREFIX);
        record.extend(digest_of(&segment.commit)?);
        record.extend(&segment.bytes);
    }
    let first = segments.first().map_or(0, |segment| segment.sequence);
    finish(&mut record, first, length_of(segments.len())?, marker)?;
    Ok(record)
}

/// A record of a part of a checkpoint.
pub(crate) fn record_of_part(number: u32, part: &[u8], marker: Marker) -> Result<Vec<u8>> {
    let mut record = Vec::with_capacity(HEAD_BYTES + part.len());
    record.extend([0; HEAD_BYTES]);
    record.extend(part);
    finish(&mut record, number.into(), 0, marker)?;
    Ok(record)
}

/// Writes the head of a record, for which there is room in front of its body.
fn finish(record: &mut [u8], sequence: u64, segments: u32, marker: Marker) -> Result<()> {
    let (head, body) = record.split_at_mut(HEAD_BYTES);
    let check = crc32fast::hash(body);
    let found = Head { sequence, length: length_of(body.len())?, segments, check };
    head.copy_from_slice(&found.write(marker));
    Ok(())
}

fn length_of(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| {
        DagError::new(ErrorKind::Limit, "a record of a journal file has less than 4 GiB")
    })
}

/// The segments of a body, each as the commit and the bytes. Ends early where the body does not go on
/// as it should.
pub(crate) fn segments(mut body: &[u8]) -> impl Iterator<Item = (Cid, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = body.split_first_chunk::<SEGMENT_HEAD_BYTES>()?;
        let length = usize::try_from(u32_at(head, 0)).ok()?;
        let (bytes, rest) = rest.split_at_checked(length)?;
        body = rest;
        Some((head[4..].to_cid().ok()?, bytes))
    })
}

/// `N` bytes from an offset that the caller knows to be there.
fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut found = [0; N];
    found.copy_from_slice(&bytes[at..at + N]);
    found
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}
