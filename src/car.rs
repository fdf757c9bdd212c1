//! CAR files, version 1: a header with the roots, then sections, each a length, a CID and a block.
//!
//! `docs/spec.md`, section "CAR files", says what is written and what is read. Here blocks are whatever
//! DAG-CBOR they are; that they are nodes is for others to ask.

mod read;

pub(crate) use self::read::{CarReader, Part, Section, read};
use crate::cbor;
use crate::digest::Digest;
use crate::id::{CID_BYTES, CID_PREFIX};
use crate::layout::LINK_PREFIX;

/// How many roots a header has at most.
pub(crate) const MOST_ROOTS: usize = 1 << 10;
/// Bytes of a header at most.
const LONGEST_HEADER: usize = 1 << 16;
/// Bytes of a number (unsigned varint) at most.
const LONGEST_NUMBER: usize = 9;

/// The keys of a header, in canonical order, each with its CBOR head, and the version.
const ROOTS: &[u8] = b"\x65roots";
const VERSION: &[u8] = b"\x67version";
const ONE: &[u8] = b"\x01";

/// Writes a header. Its roots are DAG-CBOR blocks with these digests.
pub(crate) fn write_header(roots: &[Digest], out: &mut Vec<u8>) {
    let mut header = Vec::with_capacity(32 + roots.len() * (LINK_PREFIX.len() + 32));
    cbor::write_map(&mut header, 2);
    header.extend_from_slice(ROOTS);
    cbor::write_list(&mut header, roots.len());
    for root in roots {
        header.extend_from_slice(&LINK_PREFIX);
        header.extend_from_slice(root);
    }
    header.extend_from_slice(VERSION);
    header.extend_from_slice(ONE);
    out.extend_from_slice(write_number(&mut [0; 10], header.len()));
    out.extend_from_slice(&header);
}

/// Writes a section, for a DAG-CBOR block that has this digest.
pub(crate) fn write_section(digest: &Digest, block: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(write_number(&mut [0; 10], CID_BYTES + block.len()));
    out.extend_from_slice(&CID_PREFIX);
    out.extend_from_slice(digest);
    out.extend_from_slice(block);
}

/// Writes a number as an unsigned varint (LEB128, in its shortest form).
pub(crate) fn write_number(buffer: &mut [u8; 10], mut value: usize) -> &[u8] {
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
