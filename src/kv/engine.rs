//! The seam to an ordered key-value engine.

use std::fmt;
use std::ops::{ControlFlow, Range};

use crate::Result;

/// An ordered map of bytes that outlives the process: what a [`KvDagStore`](crate::KvDagStore) keeps
/// everything in.
///
/// Keys are ordered bytewise. Every call may block: a store makes none on the threads of an executor.
///
/// # Contract
///
/// - [`apply`](Self::apply) does all of a batch or nothing, and once it has returned, the batch
///   outlives whatever the engine promises (a power cut, unless the engine says otherwise).
/// - A snapshot shows what there was when it was taken, whatever is applied meanwhile, and sees a batch
///   wholly or not at all. It never waits for a batch that is being applied.
/// - What is read is what was written. Where an engine finds that it isn't, it says
///   [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt).
/// - It belongs to one store at a time.
///
/// [`MemoryEngine`](crate::MemoryEngine) is the shortest example.
pub trait KvEngine: fmt::Debug + Send + Sync + 'static {
    /// What the engine held at some moment.
    type Snapshot<'a>: KvSnapshot
    where
        Self: 'a;

    /// Takes a snapshot of what there is now.
    fn snapshot(&self) -> Result<Self::Snapshot<'_>>;

    /// Applies a batch: all of it or nothing. In which order is free, since no key is in it twice.
    ///
    /// An error means that nothing has changed; unless it is
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown), which an engine must give where
    /// it can't tell. The store answers nothing more after that, until it is opened again.
    fn apply(&self, batch: &KvBatch) -> Result<()>;
}

/// What an engine held at some moment.
pub trait KvSnapshot {
    /// The values of these keys, in their order; `None` where there is none.
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>>;

    /// Shows the entries with keys from `range.start` up to and without `range.end`, in order of their
    /// keys (or, `backwards`, in the opposite order), until there are no more or `each` breaks. An empty
    /// range has none. `each` may read from the same snapshot.
    #[allow(clippy::type_complexity, reason = "a name for it would have to be looked up")]
    fn scan(
        &self,
        range: Range<&[u8]>,
        backwards: bool,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// One operation of a [`KvBatch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvOperation<'a> {
    /// The key shall have this value.
    Put(&'a [u8], &'a [u8]),
    /// The key shall have no value. It may have none already.
    Delete(&'a [u8]),
}

impl<'a> KvOperation<'a> {
    /// The key that it is about.
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        match self {
            KvOperation::Put(key, _) | KvOperation::Delete(key) => key,
        }
    }
}

/// What an engine is to apply as one. A store names no key in it twice.
///
/// # Examples
///
/// ```
/// use dag_store::{KvBatch, KvOperation};
///
/// let mut batch = KvBatch::new();
/// batch.put(b"key", b"value");
/// batch.delete(b"other");
/// let expected = [KvOperation::Put(b"key", b"value"), KvOperation::Delete(b"other")];
/// assert_eq!(batch.operations().collect::<Vec<_>>(), expected);
/// ```
#[derive(Clone, Debug, Default)]
pub struct KvBatch {
    /// Keys and values, one after the other.
    bytes: Vec<u8>,
    /// How long the key is, and the value, if there is one.
    lengths: Vec<(usize, Option<usize>)>,
}

impl KvBatch {
    /// One that does nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The key shall have this value.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        self.lengths.push((key.len(), Some(value.len())));
    }

    /// The key shall have no value.
    pub fn delete(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.lengths.push((key.len(), None));
    }

    /// The operations, in their order.
    pub fn operations(&self) -> impl Iterator<Item = KvOperation<'_>> {
        let mut rest = &*self.bytes;
        let mut take = move |length: usize| {
            let (taken, left) = rest.split_at(length);
            rest = left;
            taken
        };
        self.lengths.iter().map(move |(key, value)| {
            let key = take(*key);
            match value {
                Some(value) => KvOperation::Put(key, take(*value)),
                None => KvOperation::Delete(key),
            }
        })
    }

    /// How many operations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }
}
