//! What a commit is asked to do, and what it did.

use std::fmt;
use std::str::FromStr;

use crate::chunked::Chunked;
use crate::digest::{Digest, StateHash, parse_hex, write_hex};
use crate::digest_table::DigestTable;
use crate::id;
use crate::limits;
use crate::pace::Pace;
use crate::platform;
use crate::{Cid, DagError, DagNode, ErrorKind, Limits, Result};

/// One operation of a [`Changes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The node shall be in the store.
    Insert(DagNode),
    /// The node of this CID shall not be in the store.
    Remove(Cid),
}

impl Change {
    fn bytes(&self) -> usize {
        match self {
            Change::Insert(node) => node.as_bytes().len(),
            Change::Remove(_) => 0,
        }
    }
}

/// What must hold at the moment of the commit; else the commit is refused whole, with
/// [`ErrorKind::ConditionFailed`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// The heads of the store, or of one scope, are exactly these, in any order.
    Heads {
        /// The scope; `None` means the whole store.
        scope_id: Option<String>,
        /// Its heads.
        heads: Vec<Cid>,
    },
    /// The state hash of the whole store is this.
    StateHash(StateHash),
    /// This node is not in the store.
    Absent(Cid),
}

impl Condition {
    /// Tells how a condition fails, by whoever knows whether these are the heads, whether this is the
    /// state hash, and whether a node is absent.
    pub(crate) fn check(
        &self,
        are_heads: impl FnOnce(Option<&str>, &[Cid]) -> Result<bool>,
        is_state_hash: impl FnOnce(&StateHash) -> bool,
        is_absent: impl FnOnce(&Cid) -> Result<bool>,
    ) -> Result<()> {
        let (holds, what, cid) = match self {
            Condition::Heads { scope_id, heads } => {
                let what = "the heads are others than expected";
                (are_heads(scope_id.as_deref(), heads)?, what, None)
            }
            Condition::StateHash(hash) => {
                (is_state_hash(hash), "the state hash is another than expected", None)
            }
            Condition::Absent(cid) => {
                let what = "a node is there that was expected to be absent";
                (is_absent(cid)?, what, Some(*cid))
            }
        };
        if holds {
            return Ok(());
        }
        let error = DagError::new(ErrorKind::ConditionFailed, what);
        Err(cid.into_iter().fold(error, DagError::with_cid))
    }
}

/// A set of inserts and removes that a store applies as one: all of it, or nothing.
///
/// It holds one operation per node, the last: an operation that repeats the one already there changes
/// nothing, an opposite one replaces it and takes the later place. Most people use a
/// [`DagStoreBatch`](crate::DagStoreBatch), which builds this; implementations of
/// [`DagStore`](crate::DagStore) take it in [`commit`](crate::DagStore::commit).
///
/// # Examples
///
/// ```
/// use dag_store::{Change, Changes, DagNode};
///
/// let node = DagNode::builder().content(1).event_type("vote").scope_id("s").timestamp(1).build()?;
/// let mut changes = Changes::new();
/// changes.insert(node.clone());
/// changes.remove(node.cid()?)?;
/// assert_eq!(changes.operations().collect::<Vec<_>>(), [&Change::Remove(node.cid()?)]);
/// # Ok::<(), dag_store::DagError>(())
/// ```
#[derive(Clone)]
pub struct Changes {
    /// In staging order.
    operations: Chunked<Staged>,
    by_digest: DigestTable,
    count: usize,
    bytes: usize,
    conditions: Vec<Condition>,
    id: Option<CommitId>,
    want_state_hash: bool,
}

#[derive(Clone)]
struct Staged {
    digest: Digest,
    /// `None` where an opposite operation came later.
    change: Option<Change>,
}

impl Default for Changes {
    fn default() -> Self {
        Self::new()
    }
}

impl Changes {
    /// No changes yet.
    #[must_use]
    pub fn new() -> Self {
        Changes {
            operations: Chunked::default(),
            by_digest: DigestTable::default(),
            count: 0,
            bytes: 0,
            conditions: Vec::new(),
            id: None,
            want_state_hash: false,
        }
    }

    /// The node shall be in the store.
    pub fn insert(&mut self, node: DagNode) {
        self.stage(*node.digest(), Change::Insert(node));
    }

    /// The node of this CID shall not be in the store. [`ErrorKind::InvalidCid`] where no node can
    /// have the CID.
    pub fn remove(&mut self, cid: Cid) -> Result<()> {
        self.stage(id::digest_of(&cid)?, Change::Remove(cid));
        Ok(())
    }

    fn stage(&mut self, digest: Digest, change: Change) {
        if let Some(index) = self.find(&digest) {
            let earlier = &mut self.operations[index].change;
            match (&*earlier, &change) {
                (Some(Change::Insert(_)), Change::Insert(_))
                | (Some(Change::Remove(_)), Change::Remove(_)) => return,
                _ => {}
            }
            if let Some(earlier) = earlier.take() {
                self.count -= 1;
                self.bytes -= earlier.bytes();
            }
        }
        let index = u32::try_from(self.operations.len()).unwrap_or(u32::MAX);
        let operations = &self.operations;
        self.by_digest.insert(&digest, index, |index| &operations[index as usize].digest);
        self.count += 1;
        self.bytes += change.bytes();
        self.operations.push(Staged { digest, change: Some(change) });
    }

    /// The place of a node's operation among all that were ever staged.
    pub(crate) fn find(&self, digest: &Digest) -> Option<usize> {
        let operations = &self.operations;
        let found = self.by_digest.find(digest, |index| &operations[index as usize].digest);
        found.map(|index| index as usize)
    }

    /// Makes sure that there is memory for the insertion of so many more nodes.
    pub(crate) fn reserve(&self, more: usize) -> Result<()> {
        platform::reserve(self.operations.growth(more) + self.by_digest.growth(more))
    }

    /// Adds a condition of the commit.
    pub fn require(&mut self, condition: Condition) {
        self.conditions.push(condition);
    }

    /// Sets the commit's id; otherwise it is random.
    pub fn set_id(&mut self, id: CommitId) {
        self.id = Some(id);
    }

    /// Asks for the state hash after the commit. Stores with a journal always tell it; one in memory
    /// computes it only when asked.
    pub fn want_state_hash(&mut self, wanted: bool) {
        self.want_state_hash = wanted;
    }

    /// Whether the state hash after the commit is asked for.
    #[must_use]
    pub fn wants_state_hash(&self) -> bool {
        self.want_state_hash
    }

    /// What is staged for the node of this CID.
    #[must_use]
    pub fn get(&self, cid: &Cid) -> Option<&Change> {
        self.at(self.find(&id::digest_of(cid).ok()?)?)
    }

    /// The operations, in staging order, one per node.
    pub fn operations(&self) -> impl Iterator<Item = &Change> {
        self.places().filter_map(|(_, change)| change)
    }

    /// All places that operations were ever staged at, each with the operation, unless that was
    /// replaced.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, Option<&Change>)> {
        self.operations.iter().map(|staged| staged.change.as_ref()).enumerate()
    }

    /// How many operations were ever staged.
    pub(crate) fn staged(&self) -> usize {
        self.operations.len()
    }

    /// Drops all that was staged, which takes its time.
    pub(crate) async fn discard(mut self, pace: &mut Pace) {
        while let Some(dropped) = self.operations.drop_chunk() {
            pace.went_on(dropped / 4).await;
        }
    }

    /// The operation at this place, unless it was replaced.
    pub(crate) fn at(&self, place: usize) -> Option<&Change> {
        self.operations.get(place)?.change.as_ref()
    }

    /// The conditions.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// The commit's id, if it was set.
    #[must_use]
    pub fn id(&self) -> Option<CommitId> {
        self.id
    }

    /// How many operations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no operations. (There may be conditions.)
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bytes of all the blocks to insert.
    #[must_use]
    pub fn block_bytes(&self) -> usize {
        self.bytes
    }

    /// Refuses to go on where there is no room for this many more operations and bytes.
    pub(crate) fn check_room(
        &self,
        operations: usize,
        bytes: usize,
        limits: &Limits,
    ) -> Result<()> {
        let operations = self.operations.len().saturating_add(operations);
        limits::check("operations of the batch", operations, limits.batch_operations)?;
        let bytes = self.bytes.saturating_add(bytes);
        limits::check("block bytes of the batch", bytes, limits.batch_bytes)
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("operations", &self.count)
            .field("block_bytes", &self.bytes)
            .field("conditions", &self.conditions)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The name of a commit: 16 bytes that no other commit has, made from randomness unless the caller gives
/// them. It tells later whether a
/// commit whose outcome was lost did happen.
///
/// Printed and parsed as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId([u8; 16]);

impl CommitId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        CommitId(platform::random())
    }

    /// The id as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<[u8; 16]> for CommitId {
    fn from(bytes: [u8; 16]) -> Self {
        CommitId(bytes)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommitId({self})")
    }
}

impl FromStr for CommitId {
    type Err = DagError;

    fn from_str(text: &str) -> Result<Self> {
        parse_hex(text).map(CommitId).ok_or_else(|| {
            DagError::new(ErrorKind::InvalidArgument, "a commit id is 32 hexadecimal digits")
        })
    }
}

/// What a commit did.
///
/// One without net effect (everything inserted was there, nothing removed was) is no commit: its
/// lists are empty and its sequence number is that of the last commit before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit {
    /// The place in the store's history, 1 for the first.
    pub sequence: u64,
    /// The name of the commit.
    pub id: CommitId,
    /// The nodes that were not there before, in the order they were placed.
    pub inserted: Vec<Cid>,
    /// The nodes that are no longer there, in the order they were staged.
    pub removed: Vec<Cid>,
    /// The state hash after the commit, where it was asked for or the store keeps a journal.
    pub state_hash: Option<StateHash>,
}

impl Commit {
    /// A commit without a state hash.
    #[must_use]
    pub fn new(sequence: u64, id: CommitId, inserted: Vec<Cid>, removed: Vec<Cid>) -> Self {
        Commit { sequence, id, inserted, removed, state_hash: None }
    }

    /// The same commit with its state hash.
    #[must_use]
    pub fn with_state_hash(mut self, hash: StateHash) -> Self {
        self.state_hash = Some(hash);
        self
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inserted.is_empty() && self.removed.is_empty()
    }
}
