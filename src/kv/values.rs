//! The values that a store keeps, as bytes; `docs/spec.md`, section "In a key-value engine", has them
//! all.

use crate::digest::Digest;
use crate::kv::trie::Stub;
use crate::{DagError, ErrorKind, Result};

/// What the value under the format's key begins with; then its version, 32 bits.
const MAGIC: &[u8; 12] = b"dag-store kv";
/// The version of this layout.
const VERSION: u32 = 1;
/// Longer blocks are kept apart from what is known of their nodes, which is read far more often.
pub(super) const LONGEST_INLINE: usize = 1 << 12;

/// The error of a value that no store has written.
pub(super) fn corrupt() -> DagError {
    DagError::new(ErrorKind::Corrupt, "the engine holds something that no store has written there")
}

/// Reads a value from its beginning.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn half(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn point(&mut self) -> Option<Point> {
        Some(Point { generation: self.half()?, ordinal: self.number()? })
    }

    fn stub<const N: usize>(&mut self) -> Option<Stub<N>> {
        let bit = self.short()?;
        let (leaves, nodes) = (self.number()?, self.number()?);
        let (hash, key) = (self.array()?, self.array()?);
        // Only a leaf's key has all its bits.
        let (full, bits) = (8 * N, usize::from(bit));
        let fits = leaves > 0 && bits <= full && (bits == full) == (leaves == 1);
        fits.then_some(Stub { key, bit, leaves, nodes, hash })
    }

    /// The value, if it was read to its end.
    fn end<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

/// Reads all of a value.
fn read<'a, T>(bytes: &'a [u8], read: impl FnOnce(&mut Reader<'a>) -> Option<T>) -> Result<T> {
    let mut reader = Reader(bytes);
    let value = read(&mut reader);
    value.and_then(|value| reader.end(value)).ok_or_else(corrupt)
}

/// Writes a value.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn half(self, number: u32) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    fn number(self, number: u64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    fn point(self, point: Point) -> Self {
        self.half(point.generation).number(point.ordinal)
    }

    fn stub<const N: usize>(self, stub: &Stub<N>) -> Self {
        let Stub { key, bit, leaves, nodes, hash } = stub;
        self.bytes(&bit.to_be_bytes()).number(*leaves).number(*nodes).bytes(hash).bytes(key)
    }
}

/// The value under the format's key.
pub(super) fn format() -> Vec<u8> {
    Writer::default().bytes(MAGIC).half(VERSION).0
}

/// Refuses the format of something else, or of a later version.
pub(super) fn check_format(bytes: &[u8]) -> Result<()> {
    let version = read(bytes, |value| {
        (value.array()? == *MAGIC).then_some(())?;
        value.half()
    });
    match version {
        Ok(VERSION) => Ok(()),
        Ok(version) => Err(DagError::new(
            ErrorKind::UnsupportedVersion,
            format!("what the engine holds is of format {version}; update dag-store to read it"),
        )),
        Err(_) => Err(not_ours()),
    }
}

/// The error of an engine with other things in it.
pub(super) fn not_ours() -> DagError {
    DagError::new(ErrorKind::Corrupt, "the engine holds something else than a DAG store's nodes")
}

/// A node as links know it: enough to put it into the order of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Point {
    pub(super) generation: u32,
    /// Its place in the order of insertion. None is given twice.
    pub(super) ordinal: u64,
}

/// What the store is as a whole, after its last commit.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) sequence: u64,
    pub(super) next_ordinal: u64,
    pub(super) next_scope: u64,
    pub(super) nodes: u64,
    pub(super) state_hash: Digest,
    /// The trie over the scopes.
    pub(super) scopes: Option<Stub<32>>,
}

impl Whole {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        read(bytes, |value| {
            Some(Whole {
                sequence: value.number()?,
                next_ordinal: value.number()?,
                next_scope: value.number()?,
                nodes: value.number()?,
                state_hash: value.array()?,
                scopes: if value.0.is_empty() { None } else { Some(value.stub()?) },
            })
        })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let Whole { sequence, next_ordinal, next_scope, nodes, state_hash, scopes } = self;
        let value = Writer::default().number(*sequence).number(*next_ordinal).number(*next_scope);
        let value = value.number(*nodes).bytes(state_hash);
        scopes.iter().fold(value, Writer::stub).0
    }
}

/// Where a node is, and what changes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) point: Point,
    pub(super) scope: u64,
    /// A node far down its spine; see `graph/ancestry.rs`.
    pub(super) jump: Point,
    /// Its children, and those of them in its scope.
    pub(super) children: u64,
    pub(super) children_in_scope: u64,
}

impl Place {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        read(bytes, |value| {
            Some(Place {
                point: value.point()?,
                scope: value.number()?,
                jump: value.point()?,
                children: value.number()?,
                children_in_scope: value.number()?,
            })
        })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let Place { point, scope, jump, children, children_in_scope } = *self;
        let value = Writer::default().point(point).number(scope).point(jump);
        value.number(children).number(children_in_scope).0
    }
}

/// What never changes about a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) digest: Digest,
    pub(super) generation: u32,
    pub(super) scope: u64,
    pub(super) timestamp: u64,
    pub(super) jump: Point,
    /// The parents, in the node's own order.
    pub(super) parents: Vec<Point>,
    pub(super) event_type: Box<[u8]>,
}

/// What stands behind a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept<'a> {
    /// Nothing: the node was removed.
    Removed,
    /// The block.
    Block(&'a [u8]),
    /// Nothing: the block is kept under a key of its own.
    Apart,
}

impl Record {
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, Kept<'_>)> {
        read(bytes, |value| {
            let form = value.byte()?;
            let digest = value.array()?;
            let (generation, scope, timestamp) = (value.half()?, value.number()?, value.number()?);
            let jump = value.point()?;
            let count = value.half()?;
            let parents = (0..count).map(|_| value.point()).collect::<Option<_>>()?;
            let length = value.byte()?;
            let event_type = value.take(length.into())?.into();
            let kept = match form {
                0 => Kept::Removed,
                1 => Kept::Block(std::mem::take(&mut value.0)),
                2 => Kept::Apart,
                _ => return None,
            };
            let record = Record { digest, generation, scope, timestamp, jump, parents, event_type };
            Some((record, kept))
        })
    }

    pub(super) fn write(&self, kept: Kept<'_>) -> Vec<u8> {
        let (form, block) = match kept {
            Kept::Removed => (0, &[][..]),
            Kept::Block(block) => (1, block),
            Kept::Apart => (2, &[][..]),
        };
        let Record { digest, generation, scope, timestamp, jump, parents, event_type } = self;
        let bytes = 80 + 12 * parents.len() + event_type.len() + block.len();
        let value = Writer(Vec::with_capacity(bytes)).bytes(&[form]).bytes(digest);
        let value = value.half(*generation).number(*scope).number(*timestamp).point(*jump);
        // Limits keep parents within 16 bits, and event types within 8.
        let value = value.half(u32::try_from(parents.len()).unwrap_or(0));
        let value = parents.iter().copied().fold(value, Writer::point);
        let value = value.bytes(&[u8::try_from(event_type.len()).unwrap_or(0)]);
        value.bytes(event_type).bytes(block).0
    }
}

/// A child's generation, under the key of the link to it.
pub(super) fn read_child(bytes: &[u8]) -> Result<u32> {
    read(bytes, Reader::half)
}

/// A node in the order of walks: its ordinal, and the number of its scope.
pub(super) fn read_by_generation(bytes: &[u8]) -> Result<(u64, u64)> {
    read(bytes, |value| Some((value.number()?, value.number()?)))
}

pub(super) fn write_by_generation(ordinal: u64, scope: u64) -> Vec<u8> {
    Writer::default().number(ordinal).number(scope).0
}

/// A leaf of a scope's trie: the ordinal of its node, and the type.
pub(super) fn read_by_time(bytes: &[u8]) -> Result<(u64, &[u8])> {
    read(bytes, |value| Some((value.number()?, std::mem::take(&mut value.0))))
}

pub(super) fn write_by_time(ordinal: u64, event_type: &[u8]) -> Vec<u8> {
    Writer::default().number(ordinal).bytes(event_type).0
}

/// The digest of a head or a root.
pub(super) fn read_digest(bytes: &[u8]) -> Result<Digest> {
    read(bytes, Reader::array)
}

/// A number alone.
pub(super) fn read_number(bytes: &[u8]) -> Result<u64> {
    read(bytes, Reader::number)
}

/// A scope that has nodes.
#[derive(Clone, Debug)]
pub(super) struct ScopeRecord {
    pub(super) number: u64,
    /// Its trie.
    pub(super) root: Stub<40>,
    pub(super) name: String,
}

impl ScopeRecord {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        read(bytes, |value| {
            let (number, root) = (value.number()?, value.stub()?);
            let name = str::from_utf8(std::mem::take(&mut value.0)).ok()?.to_owned();
            Some(ScopeRecord { number, root, name })
        })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        Writer::default().number(self.number).stub(&self.root).bytes(self.name.as_bytes()).0
    }
}

/// The two subtrees of an inner node.
pub(super) fn read_subtrees<const N: usize>(bytes: &[u8]) -> Result<[Stub<N>; 2]> {
    read(bytes, |value| Some([value.stub()?, value.stub()?]))
}

pub(super) fn write_subtrees<const N: usize>([left, right]: &[Stub<N>; 2]) -> Vec<u8> {
    Writer::default().stub(left).stub(right).0
}

/// A commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommitRecord {
    pub(super) id: [u8; 16],
    pub(super) state_hash: Digest,
    /// The ordinal of the first node that it inserted, and how many these were.
    pub(super) first: u64,
    pub(super) inserted: u64,
    pub(super) removed: u64,
}

impl CommitRecord {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        read(bytes, |value| {
            Some(CommitRecord {
                id: value.array()?,
                state_hash: value.array()?,
                first: value.number()?,
                inserted: value.number()?,
                removed: value.number()?,
            })
        })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let CommitRecord { id, state_hash, first, inserted, removed } = self;
        let value = Writer::default().bytes(id).bytes(state_hash);
        value.number(*first).number(*inserted).number(*removed).0
    }
}
