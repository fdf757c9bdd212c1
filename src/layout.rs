//! A node's block: which bytes stand where.
//!
//! `docs/spec.md`, section "The node", has the same in words.

use crate::cbor::{MAX_SAFE, Reader};
use crate::digest::Digest;
use crate::digest_table::DigestTable;
use crate::id::{CID_BYTES, CID_PREFIX};
use crate::limits;
use crate::{DagError, ErrorKind, Limits, Result};

/// The keys of a node, in canonical order, each with its CBOR head.
pub(crate) mod key {
    pub(crate) const NONCE: &[u8] = b"\x65nonce";
    pub(crate) const CONTENT: &[u8] = b"\x67content";
    pub(crate) const PARENTS: &[u8] = b"\x67parents";
    pub(crate) const SCOPE_ID: &[u8] = b"\x68scope_id";
    pub(crate) const TIMESTAMP: &[u8] = b"\x69timestamp";
    pub(crate) const EVENT_TYPE: &[u8] = b"\x6aevent_type";
    /// What later formats have first.
    pub(super) const VERSION: &[u8] = b"\x61v";
}

/// A link to a node, up to its digest: tag 42, a byte string of 37, the zero byte, then the prefix
/// that the CIDs of all nodes share.
#[allow(clippy::cast_possible_truncation, reason = "a CID has 36 bytes")]
pub(crate) const LINK_PREFIX: [u8; 5 + CID_PREFIX.len()] = {
    let [version, codec, hash, length] = CID_PREFIX;
    [0xd8, 0x2a, 0x58, 1 + CID_BYTES as u8, 0x00, version, codec, hash, length]
};
const LINK_BYTES: usize = LINK_PREFIX.len() + 32;

/// The longest scope id and event type, in bytes of UTF-8.
pub(crate) const LONGEST_NAME: usize = 255;
/// The longest nonce, in bytes.
pub(crate) const LONGEST_NONCE: usize = 64;

/// A range of a block's bytes. Blocks have 64 MiB at most, so that 32 bits are enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The `length` bytes before `end`.
    #[allow(clippy::cast_possible_truncation, reason = "a block has 64 MiB at most")]
    pub(crate) fn ending_at(end: usize, length: usize) -> Self {
        Span { start: (end - length) as u32, end: end as u32 }
    }

    pub(crate) fn of(self, block: &[u8]) -> &[u8] {
        block.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// Where the fields stand in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Empty where there is none.
    pub(crate) nonce: Span,
    pub(crate) content: Span,
    /// How deep lists and maps nest in the content.
    pub(crate) depth: usize,
    /// The links, one after the other.
    pub(crate) parents: Span,
    pub(crate) scope_id: Span,
    pub(crate) timestamp: u64,
    pub(crate) event_type: Span,
}

impl Layout {
    /// Checks all of a block, and finds its fields.
    pub(crate) fn read(block: &[u8], limits: &Limits) -> Result<Layout> {
        limits::check("bytes of the block", block.len(), limits.block_bytes)?;
        Self::find(Reader::new(block), block, limits)
    }

    /// Finds the fields of a block that was checked before.
    pub(crate) fn trusted(block: &[u8], limits: &Limits) -> Result<Layout> {
        Self::find(Reader::trusted(block), block, limits)
    }

    fn find(mut reader: Reader<'_>, block: &[u8], limits: &Limits) -> Result<Layout> {
        let keys = reader.map("it is not a map")?;
        if keys > 0 && reader.take_exactly(key::VERSION) {
            return Err(DagError::new(
                ErrorKind::UnsupportedVersion,
                "the block is of a later format (it has the key `v`); update dag-store to read it",
            ));
        }
        let has_nonce = match keys {
            5 => false,
            6 => true,
            _ => return Err(reader.fault("a node has five keys, or six with a nonce")),
        };

        let mut nonce = Span::default();
        if has_nonce {
            expect(&mut reader, key::NONCE)?;
            let value = reader.bytes("`nonce` is not a byte string")?;
            if value.is_empty() || value.len() > LONGEST_NONCE {
                return Err(reader.fault("`nonce` does not have 1 to 64 bytes"));
            }
            nonce = Span::ending_at(reader.at(), value.len());
        }

        expect(&mut reader, key::CONTENT)?;
        let before = reader.at();
        let depth = reader.skip_value(limits.content_depth)?;
        let content = Span::ending_at(reader.at(), reader.at() - before);

        expect(&mut reader, key::PARENTS)?;
        let count = reader.list("`parents` is not a list")?;
        limits::check("parents of the node", count, limits.parents)?;
        for _ in 0..count {
            if !reader.take_exactly(&LINK_PREFIX) {
                return Err(reader
                    .fault("a parent that is not a link to a node (CIDv1, dag-cbor, sha2-256)"));
            }
            reader.take(32)?;
        }
        let parents = Span::ending_at(reader.at(), count * LINK_BYTES);
        if has_repeats(digests(parents.of(block))) {
            return Err(reader.fault("a parent stands in `parents` twice"));
        }

        expect(&mut reader, key::SCOPE_ID)?;
        let scope_id = name(&mut reader, "`scope_id` is not text of 1 to 255 bytes")?;

        expect(&mut reader, key::TIMESTAMP)?;
        let timestamp = reader.unsigned("`timestamp` is not an integer of 0 or more")?;
        if timestamp > MAX_SAFE {
            return Err(reader.fault("`timestamp` is over 2^53−1"));
        }

        expect(&mut reader, key::EVENT_TYPE)?;
        let event_type = name(&mut reader, "`event_type` is not text of 1 to 255 bytes")?;
        reader.end()?;
        Ok(Layout { nonce, content, depth, parents, scope_id, timestamp, event_type })
    }

    /// The digests of the parents in the block that this is the layout of.
    pub(crate) fn parent_digests(self, block: &[u8]) -> impl ExactSizeIterator<Item = &Digest> {
        digests(self.parents.of(block))
    }

    pub(crate) fn parent_count(self) -> usize {
        self.parents.len() / LINK_BYTES
    }

    /// How many bytes the block has from `scope_id`'s value on: where its [`Tail`] begins.
    pub(crate) fn tail_bytes(self, block: &[u8]) -> usize {
        let head = if self.scope_id.len() < 24 { 1 } else { 2 };
        block.len() + head - self.scope_id.start as usize
    }
}

/// The fields at the end of a block, which a store reads far more often than the rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail<'a> {
    pub(crate) timestamp: u64,
    pub(crate) event_type: &'a [u8],
}

impl<'a> Tail<'a> {
    /// Reads the last bytes of a block that was checked, from `scope_id`'s value on; `None` where they
    /// are not that. The trie asks for a timestamp at every insert, so this does without a `Reader`.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (_, bytes) = split_name(bytes)?; // the scope id
        let (timestamp, bytes) = split_unsigned(bytes.strip_prefix(key::TIMESTAMP)?)?;
        let (event_type, _) = split_name(bytes.strip_prefix(key::EVENT_TYPE)?)?;
        Some(Tail { timestamp, event_type })
    }
}

/// Text of at most 255 bytes, and what follows it.
#[inline]
fn split_name(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match bytes {
        [head @ 0x60..=0x77, rest @ ..] => rest.split_at_checked(usize::from(head & 0x1f)),
        [0x78, length, rest @ ..] => rest.split_at_checked(usize::from(*length)),
        _ => None,
    }
}

/// An integer, and what follows it.
#[inline]
fn split_unsigned(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (head, rest) = bytes.split_first()?;
    let length = match head {
        0..=0x17 => return Some((u64::from(*head), rest)),
        0x18..=0x1b => 1 << (head - 0x18),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((value.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)), rest))
}

pub(crate) fn has_repeats<'a>(digests: impl ExactSizeIterator<Item = &'a Digest> + Clone) -> bool {
    /// Up to here, comparing each with each is faster than hashing, and allocates nothing.
    const FEW: usize = 8;
    if digests.len() <= FEW {
        let mut left = digests;
        while let Some(digest) = left.next() {
            if left.clone().any(|other| other == digest) {
                return true;
            }
        }
        return false;
    }
    let all: Vec<&Digest> = digests.collect();
    let mut seen = DigestTable::default();
    all.iter().zip(0..).any(|(digest, at)| seen.insert(digest, at, |at| all[at as usize]).is_some())
}

fn digests(links: &[u8]) -> impl ExactSizeIterator<Item = &Digest> + Clone {
    let (links, _) = links.as_chunks::<LINK_BYTES>();
    links.iter().map(|link| {
        #[allow(clippy::expect_used, reason = "a link is its prefix and 32 bytes")]
        link.last_chunk().expect("a link ends in a digest")
    })
}

fn expect(reader: &mut Reader<'_>, key: &[u8]) -> Result<()> {
    if reader.take_exactly(key) {
        return Ok(());
    }
    let name = String::from_utf8_lossy(&key[1..]);
    Err(reader.fault(&format!(
        "`{name}` is what comes next in a node; a key is missing, unknown or out of order"
    )))
}

fn name(reader: &mut Reader<'_>, otherwise: &str) -> Result<Span> {
    let text = reader.text(otherwise)?;
    if text.is_empty() || text.len() > LONGEST_NAME {
        return Err(reader.fault(otherwise));
    }
    Ok(Span::ending_at(reader.at(), text.len()))
}
