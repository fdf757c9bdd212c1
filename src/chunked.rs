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

    /// Bytes of memory to be allocated for so many more elements.
    pub(crate) fn growth(&self, more: usize) -> usize {
        let needed = self.len() + more;
        let elements = match self.chunks.as_slice() {
            [first] if needed <= first.capacity() => 0,
            [] | [_] if needed <= CHUNK => needed.next_power_of_two().max(4),
            // A first chunk that is still small is copied.
            [] | [_] => needed.next_multiple_of(CHUNK),
            chunks => needed.next_multiple_of(CHUNK) - chunks.len() * CHUNK,
        };
        elements * size_of::<T>()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.chunks.get(at >> SHIFT)?.get(at & (CHUNK - 1))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    /// Takes all elements from this one on.
    pub(crate) fn split_off(&mut self, at: usize) -> Vec<T> {
        let number = at >> SHIFT;
        let Some(chunk) = self.chunks.get_mut(number) else { return Vec::new() };
        let mut taken = chunk.split_off(at & (CHUNK - 1));
        let keep = number + usize::from(!chunk.is_empty() || number == 0);
        taken.extend(self.chunks.drain(number + 1..).flatten());
        self.chunks.truncate(keep);
        taken
    }

    /// Drops the last of its chunks; gives how many elements that had. For whoever would take too long
    /// to drop all at once.
    pub(crate) fn drop_chunk(&mut self) -> Option<usize> {
        self.chunks.pop().map(|chunk| chunk.len())
    }
}

impl<T> IntoIterator for Chunked<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::vec::IntoIter<Vec<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.chunks.into_iter().flatten()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_no_more_memory_than_it_said() {
        let capacity =
            |list: &Chunked<u64>| -> usize { list.chunks.iter().map(Vec::capacity).sum() };
        for batch in [1, 7, 1_000, CHUNK, 3 * CHUNK + 1] {
            let mut list = Chunked::default();
            while list.len() < 5 * CHUNK {
                let (before, said) = (capacity(&list), list.growth(batch));
                for _ in 0..batch {
                    list.push(0_u64);
                }
                let took = (capacity(&list) - before) * size_of::<u64>();
                assert!(took <= said, "{} of {batch}: {took} > {said}", list.len());
                assert!(took > 0 || said == 0, "{} of {batch}: {said} too much", list.len());
            }
        }
    }

    #[test]
    fn its_elements_are_where_they_were_put() {
        let mut list = Chunked::default();
        let count = 2 * CHUNK + 5;
        (0..count).for_each(|at| list.push(at));
        assert_eq!(list.len(), count);
        assert!((0..count).eq(list.iter().copied()));
        assert_eq!((list.get(count - 1), list.get(count)), (Some(&(count - 1)), None));
        assert!((0..count).eq(list.clone()));
        for at in [count, count - 1, 2 * CHUNK, CHUNK + 1, CHUNK, 1, 0] {
            let mut kept = list.clone();
            assert!((at..count).eq(kept.split_off(at)) && kept.len() == at);
            assert_eq!(kept.growth(0), 0, "{at}");
            (at..count).for_each(|at| kept.push(at));
            assert!((0..count).eq(kept));
        }
        assert_eq!([list.drop_chunk(), list.drop_chunk()], [Some(5), Some(CHUNK)]);
        assert_eq!(list.len(), CHUNK);
        assert_eq!([list.drop_chunk(), list.drop_chunk()], [Some(CHUNK), None]);
    }
}
