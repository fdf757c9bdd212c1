//! A part of a file, in memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::file_journal::format::{HEAD_BYTES, Head, Marker};

/// Bytes that are read at once, at least.
const SPAN: u64 = 1 << 20;

/// Reads a file up to some length, in large pieces and mostly forward.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    file: &'a File,
    length: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(crate) fn new(file: &'a File, length: u64) -> Self {
        Window { file, length, start: 0, bytes: Vec::new() }
    }

    /// A whole record; `None` where there is none, or a damaged one.
    pub(crate) fn record(&mut self, at: u64, marker: Marker) -> io::Result<Option<(Head, &[u8])>> {
        let Some(head) = self.array::<HEAD_BYTES>(at)?.and_then(|it| Head::read(&it, marker))
        else {
            return Ok(None);
        };
        let body = self.get(at + HEAD_BYTES as u64, head.length.into())?;
        Ok(body.filter(|body| crc32fast::hash(body) == head.check).map(|body| (head, body)))
    }

    /// So many bytes; `None` where there are not so many.
    pub(crate) fn array<const N: usize>(&mut self, at: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.get(at, N as u64)?.and_then(|bytes| bytes.try_into().ok()))
    }

    /// Where a marker stands next.
    pub(crate) fn find(&mut self, mut at: u64, marker: Marker) -> io::Result<Option<u64>> {
        let reach = marker.len() as u64;
        while at + reach <= self.length {
            let span = SPAN.min(self.length - at);
            let Some(bytes) = self.get(at, span)? else {
                break;
            };
            if let Some(place) = bytes.windows(marker.len()).position(|found| *found == marker) {
                return Ok(Some(at + place as u64));
            }
            at += span - reach + 1;
        }
        Ok(None)
    }

    fn get(&mut self, at: u64, length: u64) -> io::Result<Option<&[u8]>> {
        // What is not in the file is asked for on the word of a damaged length alone.
        if at.checked_add(length).is_none_or(|end| end > self.length) {
            return Ok(None);
        }
        let there = self.start + self.bytes.len() as u64;
        if at < self.start || at + length > there {
            let span = length.max(SPAN.min(self.length - at));
            self.bytes.clear();
            self.start = at;
            (&mut &*self.file).seek(SeekFrom::Start(at))?;
            (&mut &*self.file).take(span).read_to_end(&mut self.bytes)?;
        }
        let skipped = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        let bytes = self.bytes.get(skipped..).unwrap_or_default();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        // Shorter only if somebody has cut the file meanwhile.
        Ok(bytes.get(..length))
    }
}
