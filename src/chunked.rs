//! A growing array that never moves what it holds.

use std::ops::{Index, IndexMut};

/// Elements of a chunk, as a power of two.
const SHIFT: u32 = 12;
const CHUNK: usize = 1 << SHIFT;

/// Like a `Vec`, in chunks of equal size: growing copies nothing, and at most one chunk stands partly
/// empty. (A doubling buffer holds up to twice what is in it, and three times that while it grows.)
#[derive(Clone, Debug)]
pub(crate) struct Chunked<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Chunked { chunks: Vec::new() }
    }
}

impl<T> Chunked<T> {
    pub(crate) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    pub(crate) fn push(&mut self, value: T) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(value),
            Some(_) => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.chunks.push(chunk);
            }
            // The first chunk starts small: most stores are.
            None => self.chunks.push(vec![value]),
        }
    }
}

impl<T> Index<usize> for Chunked<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        &self.chunks[at >> SHIFT][at & (CHUNK - 1)]
    }
}

impl<T> IndexMut<usize> for Chunked<T> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.chunks[at >> SHIFT][at & (CHUNK - 1)]
    }
}
