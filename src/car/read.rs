//! Reading CAR files, whichever way they are cut into pieces.

use super::{LONGEST_HEADER, LONGEST_NUMBER, MOST_ROOTS, ONE, ROOTS, VERSION};
use crate::cbor::Reader;
use crate::digest::Digest;
use crate::id::{CID_BYTES, CID_PREFIX};
use crate::limits;
use crate::platform;
use crate::{Cid, DagError, ErrorKind, Result, ToCid as _};

/// What a file of version 2 begins with, after its length: `{"version": 2}`.
const PRAGMA: &[u8] = b"\xa1\x67version\x02";
/// Bytes of the pragma with its length, and of the header of version 2 behind it.
const PRAGMA_BYTES: u64 = 11;
const CHARACTERISTICS_BYTES: usize = 40;

/// What a file gives, part by part.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    /// The roots. They come first, once.
    Roots(Vec<Cid>),
    /// A block.
    Section(Section<'a>),
}

/// A block that claims to be DAG-CBOR with this digest; nobody has looked at it yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section<'a> {
    /// Where in the file the section begins.
    pub(crate) offset: u64,
    pub(crate) digest: Digest,
    pub(crate) block: &'a [u8],
}

/// Reads a CAR file of version 1, or the one within a file of version 2, from pieces of any size.
///
/// Strict: numbers are in their shortest form, the header is canonical and no longer than 64 KiB, and
/// each section is a block of DAG-CBOR named by SHA-256, no longer than was said. It holds no more than
/// the part that is yet to be completed, and reserves nothing on the word of a length. Every error
/// says at which byte of the file the part begins that is at fault ([`DagError::offset`]), or where
/// the file ended too early. After an error it is of no further use.
#[derive(Debug)]
pub(crate) struct CarReader {
    block_bytes: usize,
    /// Where in the file the next part begins.
    offset: u64,
    next: Next,
    /// What there is of the next part, where a piece ended within it.
    partial: Vec<u8>,
    /// Where the file of version 1 ends, if it is within one of version 2.
    end: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A header of version 1, or the pragma of version 2.
    Beginning,
    /// Where in a file of version 2 its data are.
    Characteristics,
    /// Bytes up to here that say nothing.
    Padding(u64),
    /// The header of the file within.
    Header,
    Section,
    /// What follows the data, such as an index. It is not looked at.
    Rest,
}

/// Reads a file that is there as a whole; see [`CarReader`].
pub(crate) fn read(
    file: &[u8],
    block_bytes: usize,
    take: impl FnMut(Part<'_>) -> Result<()>,
) -> Result<()> {
    let mut reader = CarReader::new(block_bytes);
    reader.push(file, take)?;
    reader.finish().map(drop)
}

impl CarReader {
    /// A reader for blocks of so many bytes at most.
    pub(crate) fn new(block_bytes: usize) -> Self {
        CarReader { block_bytes, offset: 0, next: Next::Beginning, partial: Vec::new(), end: None }
    }

    /// Reads the next piece, and gives each part that it completes. What `take` refuses is refused
    /// with the offset of the part.
    pub(crate) fn push(
        &mut self,
        mut piece: &[u8],
        mut take: impl FnMut(Part<'_>) -> Result<()>,
    ) -> Result<()> {
        while !piece.is_empty() {
            match self.next {
                Next::Rest => return Ok(()),
                Next::Padding(until) => {
                    let length = usize::try_from(until - self.offset).unwrap_or(usize::MAX);
                    let length = length.min(piece.len());
                    piece = &piece[length..];
                    self.advance(length);
                    if self.offset == until {
                        self.next = Next::Header;
                    }
                    continue;
                }
                _ => {}
            }
            if self.partial.is_empty()
                && let Some((head, length)) = self.measure(piece)?
                && let Some((part, rest)) = piece.split_at_checked(length)
            {
                piece = rest;
                self.part(&part[head..], &mut take)?;
                self.advance(length);
                continue;
            }
            let whole = self.measure(&self.partial)?;
            // Until its length is known, a byte at a time.
            let wanted = whole.map_or(1, |(_, length)| length - self.partial.len());
            let (bytes, rest) = piece.split_at(wanted.min(piece.len()));
            piece = rest;
            if self.partial.capacity() - self.partial.len() < bytes.len() {
                platform::reserve(2 * (self.partial.len() + bytes.len()))?;
            }
            self.partial.extend_from_slice(bytes);
            if let Some((head, length)) = self.measure(&self.partial)?
                && length == self.partial.len()
            {
                let mut part = std::mem::take(&mut self.partial);
                self.part(&part[head..], &mut take)?;
                self.advance(length);
                part.clear();
                self.partial = part;
            }
        }
        Ok(())
    }

    /// Tells that there are no more pieces, and gives how many bytes the file had that were read; an
    /// error where there should have been more.
    pub(crate) fn finish(&self) -> Result<u64> {
        let end = self.offset + self.partial.len() as u64;
        match self.next {
            Next::Rest => Ok(end),
            Next::Section if self.partial.is_empty() && self.end.is_none() => Ok(end),
            _ => Err(broken("it is cut short").with_offset(end)),
        }
    }

    fn advance(&mut self, length: usize) {
        self.offset += length as u64;
        if self.end == Some(self.offset) {
            self.next = Next::Rest;
        }
    }

    /// How many bytes the length of the next part has, and the part with it, as soon as the bytes that
    /// it begins with tell.
    fn measure(&self, bytes: &[u8]) -> Result<Option<(usize, usize)>> {
        let (what, most) = match self.next {
            Next::Characteristics => return Ok(Some((0, CHARACTERISTICS_BYTES))),
            Next::Section => ("bytes of a CAR section", CID_BYTES + self.block_bytes),
            _ => ("bytes of a CAR header", LONGEST_HEADER),
        };
        let refused = |error: DagError| error.with_offset(self.offset);
        let Some((head, length)) = read_number(bytes).map_err(refused)? else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        limits::check(what, length, most).map_err(refused)?;
        let whole = head + length;
        if self.end.is_some_and(|end| end - self.offset < whole as u64) {
            return Err(refused(broken("a section is longer than what is left of the data")));
        }
        Ok(Some((head, whole)))
    }

    fn part(&mut self, bytes: &[u8], take: impl FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        self.read_part(bytes, take).map_err(|error| {
            // One that is about a part before this one says where that is.
            let offset = error.offset().unwrap_or(self.offset);
            error.with_offset(offset)
        })
    }

    fn read_part(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Part<'_>) -> Result<()>,
    ) -> Result<()> {
        match self.next {
            Next::Beginning if bytes == PRAGMA => self.next = Next::Characteristics,
            Next::Beginning | Next::Header => {
                take(Part::Roots(read_header(bytes)?))?;
                self.next = Next::Section;
            }
            Next::Characteristics => self.read_characteristics(bytes)?,
            Next::Section => take(Part::Section(read_section(bytes, self.offset)?))?,
            Next::Padding(_) | Next::Rest => {}
        }
        Ok(())
    }

    /// Reads where the data are: two words of which nothing is needed, then the offset and the size of
    /// the data, and the offset of the index.
    fn read_characteristics(&mut self, bytes: &[u8]) -> Result<()> {
        let (words, _) = bytes.as_chunks::<8>();
        let [_, _, start, size, index] = *words else {
            return Err(broken("its header of version 2 is none"));
        };
        let [start, size, index] = [start, size, index].map(u64::from_le_bytes);
        let least = PRAGMA_BYTES + CHARACTERISTICS_BYTES as u64;
        let end = start.checked_add(size).filter(|end| index == 0 || index >= *end);
        match end {
            Some(end) if start >= least && size > 0 => {
                self.end = Some(end);
                self.next = if start == least { Next::Header } else { Next::Padding(start) };
                Ok(())
            }
            _ => Err(broken("the offsets in its header of version 2 make no sense")),
        }
    }
}

fn read_header(bytes: &[u8]) -> Result<Vec<Cid>> {
    let no_header = || broken("it does not begin with a header of version 1 or 2");
    let mut reader = Reader::new(bytes);
    if reader.map("").ok() != Some(2) || !reader.take_exactly(ROOTS) {
        return Err(no_header());
    }
    let count = reader.list("").map_err(|_| no_header())?;
    limits::check("roots of a CAR file", count, MOST_ROOTS)?;
    let roots = (0..count).map(|_| reader.tagged_link()).collect::<Result<_>>();
    let roots = roots.map_err(|_| broken("a root in its header is not a CID"))?;
    if reader.take_exactly(VERSION) && reader.take_exactly(ONE) && reader.end().is_ok() {
        return Ok(roots);
    }
    Err(no_header())
}

fn read_section(bytes: &[u8], offset: u64) -> Result<Section<'_>> {
    if let Some((prefix, rest)) = bytes.split_first_chunk()
        && *prefix == CID_PREFIX
        && let Some((digest, block)) = rest.split_first_chunk()
    {
        return Ok(Section { offset, digest: *digest, block });
    }
    // Whatever it is, it is not the CID of a node, and the error says why.
    let cid = bytes.get(..CID_BYTES).unwrap_or(bytes);
    Err(cid.to_cid().err().unwrap_or_else(|| broken("a section without a CID")))
}

/// Reads a number, and tells how many bytes it has; `None` while there are too few.
fn read_number(bytes: &[u8]) -> Result<Option<(usize, u64)>> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(LONGEST_NUMBER).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            if *byte == 0 && at > 0 {
                return Err(broken("a length that is not in its shortest form"));
            }
            return Ok(Some((at + 1, value)));
        }
    }
    if bytes.len() < LONGEST_NUMBER { Ok(None) } else { Err(broken("a length without an end")) }
}

fn broken(what: &str) -> DagError {
    DagError::new(ErrorKind::InvalidArgument, format!("not a whole CAR file: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::car::{write_header, write_section};
    use crate::digest::sha256;

    const BLOCK_BYTES: usize = 300;

    /// Blocks of several lengths; the third needs two bytes for its length.
    fn blocks() -> Vec<Vec<u8>> {
        [0, 1, 200, BLOCK_BYTES].into_iter().map(|length| vec![7; length]).collect()
    }

    fn file() -> Vec<u8> {
        let mut file = Vec::new();
        write_header(&blocks().iter().map(|block| sha256(block)).collect::<Vec<_>>(), &mut file);
        for block in blocks() {
            write_section(&sha256(&block), &block, &mut file);
        }
        file
    }

    fn in_version_2(file: &[u8], padding: usize, index: &[u8]) -> Vec<u8> {
        let start = 51 + padding;
        let mut outer = [&[10], PRAGMA, &[0; 16]].concat();
        for number in [start, file.len(), if index.is_empty() { 0 } else { start + file.len() }] {
            outer.extend((number as u64).to_le_bytes());
        }
        outer.extend(vec![0xff; padding]);
        [&outer, file, index].concat()
    }

    type Found = (Vec<Cid>, Vec<(u64, Digest, Vec<u8>)>);

    fn read_in_pieces(file: &[u8], size: usize) -> Result<Found> {
        let (mut roots, mut sections) = (Vec::new(), Vec::new());
        let mut reader = CarReader::new(BLOCK_BYTES);
        for piece in file.chunks(size) {
            reader.push(piece, |part| {
                match part {
                    Part::Roots(found) => roots = found,
                    Part::Section(Section { offset, digest, block }) => {
                        sections.push((offset, digest, block.to_vec()));
                    }
                }
                Ok(())
            })?;
        }
        reader.finish()?;
        Ok((roots, sections))
    }

    #[test]
    fn what_was_written_is_read_in_pieces_of_any_size() {
        let file = file();
        let (roots, sections) = read_in_pieces(&file, file.len()).unwrap();
        let cids: Vec<Cid> =
            blocks().iter().map(|block| crate::id::cid_of(&sha256(block))).collect();
        assert_eq!(roots, cids);
        assert_eq!(
            sections.iter().map(|(_, _, block)| block.clone()).collect::<Vec<_>>(),
            blocks()
        );
        for (offset, digest, block) in &sections {
            assert_eq!(*digest, sha256(block));
            let mut section = Vec::new();
            write_section(digest, block, &mut section);
            assert!(file[usize::try_from(*offset).unwrap()..].starts_with(&section));
        }
        for size in 1..file.len() {
            assert_eq!(read_in_pieces(&file, size).unwrap(), (roots.clone(), sections.clone()));
        }
    }

    #[test]
    fn the_file_within_one_of_version_2_is_read() {
        let file = file();
        let (roots, sections) = read_in_pieces(&file, file.len()).unwrap();
        for (padding, index) in [(0, &b""[..]), (0, b"index"), (300, b""), (1, b"index")] {
            let outer = in_version_2(&file, padding, index);
            for size in [1, 7, 50, 51, 52, outer.len()] {
                let found = read_in_pieces(&outer, size).unwrap();
                assert_eq!(found.0, roots);
                let moved = found.1.iter().zip(&sections).all(|(found, section)| {
                    found.0 == section.0 + 51 + padding as u64
                        && (found.1, &found.2) == (section.1, &section.2)
                });
                assert!(moved && found.1.len() == sections.len());
            }
        }
    }

    #[test]
    fn what_is_cut_short_is_refused_unless_it_ends_with_a_section() {
        let file = file();
        let (_, sections) = read_in_pieces(&file, file.len()).unwrap();
        for length in 0..file.len() {
            let whole = sections.iter().any(|(offset, ..)| *offset == length as u64);
            match read_in_pieces(&file[..length], 11) {
                Ok(_) => assert!(whole, "{length}"),
                Err(error) => {
                    assert_eq!((error.offset(), whole), (Some(length as u64), false), "{error}");
                }
            }
        }
        let outer = in_version_2(&file, 3, b"");
        for length in 0..outer.len() {
            let error = read_in_pieces(&outer[..length], 11).unwrap_err();
            assert_eq!(error.offset(), Some(length as u64), "{error}");
        }
    }

    #[test]
    fn headers_and_lengths_that_lie_are_refused_where_they_stand() {
        let header = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let good = header(b"\xa2\x65roots\x80\x67version\x01");
        assert!(read_in_pieces(&good, 1).is_ok());
        let at = good.len() as u64;
        let after = |bytes: &[u8]| [&good, bytes].concat();
        let outer = |start: u64, size: u64, index: u64| {
            let numbers = [start, size, index].map(u64::to_le_bytes).concat();
            [&[10], PRAGMA, &[0; 16], &numbers[..], &[0; 100]].concat()
        };
        let many = {
            let mut many = Vec::new();
            write_header(&vec![[0; 32]; MOST_ROOTS + 1], &mut many);
            many
        };
        let argument = ErrorKind::InvalidArgument;
        let cases = [
            ("no header", vec![0], argument, 0),
            (
                "a header of 2^63",
                [0x80; 8].into_iter().chain([0x7f]).collect(),
                ErrorKind::Limit,
                0,
            ),
            ("a header without an end", vec![0x80; 9], argument, 0),
            ("a header of 64 KiB and one", vec![0x81, 0x80, 0x04], ErrorKind::Limit, 0),
            ("a length that could be shorter", vec![0x91, 0x00], argument, 0),
            ("too many roots", many, ErrorKind::Limit, 0),
            (
                "roots without an end",
                header(b"\xa2\x65roots\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
                argument,
                0,
            ),
            ("a root that is none", header(b"\xa2\x65roots\x81\x00\x67version\x01"), argument, 0),
            ("version 3", header(b"\xa2\x65roots\x80\x67version\x03"), argument, 0),
            ("version 1 without roots", header(b"\xa1\x67version\x01"), argument, 0),
            ("more in the header", header(b"\xa2\x65roots\x80\x67version\x01\x00"), argument, 0),
            ("keys in another order", header(b"\xa2\x67version\x01\x65roots\x80"), argument, 0),
            ("an empty section", after(&[0]), ErrorKind::InvalidCid, at),
            ("a section of one too many", after(&[0xd1, 0x02]), ErrorKind::Limit, at),
            (
                "a raw block",
                after(&[&[36, 1, 0x55, 0x12, 0x20], &[0; 32][..]].concat()),
                ErrorKind::InvalidCid,
                at,
            ),
            (
                "a CIDv0",
                after(&[&[34, 0x12, 0x20], &[0; 32][..]].concat()),
                ErrorKind::InvalidCid,
                at,
            ),
            (
                "half a CID",
                after(&[&[20, 1, 0x71, 0x12, 0x20], &[0; 16][..]].concat()),
                ErrorKind::InvalidCid,
                at,
            ),
            ("data before the header", outer(50, 10, 0), argument, 11),
            ("no data", outer(51, 0, 0), argument, 11),
            ("data without an end", outer(u64::MAX, 2, 0), argument, 11),
            ("an index within the data", outer(51, 10, 60), argument, 11),
            ("a header beyond the data", [&outer(51, 10, 0)[..51], &good].concat(), argument, 51),
            (
                "version 2 within version 2",
                [&outer(51, 100, 0)[..51], &[10], PRAGMA].concat(),
                argument,
                51,
            ),
        ];
        for (what, file, kind, offset) in cases {
            for size in [1, file.len()] {
                let error = read_in_pieces(&file, size).expect_err(what);
                assert_eq!((error.kind(), error.offset()), (kind, Some(offset)), "{what}: {error}");
            }
        }
    }

    #[test]
    fn what_is_refused_is_refused_with_its_offset() {
        let file = file();
        let mut seen = 0;
        let refused = read(&file, BLOCK_BYTES, |part| {
            if let Part::Section(Section { offset, block, .. }) = part {
                seen = offset;
                if block.len() == 200 {
                    return Err(DagError::new(ErrorKind::InvalidNode, "not this one"));
                }
            }
            Ok(())
        });
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), error.offset()), (ErrorKind::InvalidNode, Some(seen)));
    }
}
