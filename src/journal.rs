//! The seam that makes a store durable, and shared by several writers.

use std::fmt;
use std::future;
use std::sync::Arc;

use crate::platform::{BoxFuture, BoxStream, MaybeSend, MaybeSync};
use crate::{Cid, DagError, ErrorKind, Result, StateHash};

/// Commits in order, as bytes on some medium. What [`SharedDagStore::open`] keeps a store in.
///
/// Each commit is one [`Segment`], numbered 1, 2, 3 … without gaps. To a journal its bytes are opaque;
/// the store makes and checks them. A journal brings three things: that a group of segments is there
/// wholly or not at all, that nobody overwrites what another has written, and that what it said is
/// written stays.
///
/// # Contract
///
/// - [`append`](Self::append) adds all of a group or nothing, and only after the commit that it was told
///   comes before. Two appends after the same commit never both succeed.
/// - Once an append has succeeded, every handle on the journal [reads](Self::read) its segments, byte
///   by byte as they were given, for as long as no [checkpoint](Self::write_checkpoint) stands in their
///   place. How much the medium must survive for that is its [`Durability`].
/// - An error means that nothing has changed, unless its kind is [`ErrorKind::OutcomeUnknown`]: then
///   the group may be there, wholly, or not. A journal that can't tell says that, and never anything
///   else. After an `fsync` that failed nothing can be told.
/// - A future that is dropped has had its whole effect or none, and the journal goes on working.
///
/// A store calls its journal from one task at a time, [`changed`](Self::changed) apart. The feature
/// `conformance` has the contract as tests that any implementation can run, and `FaultyJournal`, which
/// fails on command.
///
/// # Examples
///
/// [`MemoryJournal`](crate::MemoryJournal) is the smallest there is, to use and to read.
///
/// ```
/// # futures::executor::block_on(async {
/// use dag_store::{Journal, MemoryJournal, Segment, Tip};
///
/// let journal = MemoryJournal::new();
/// assert!(journal.read(0, 1 << 20).await?.is_empty());
/// # let cid = dag_store::DagNode::builder().content(1).event_type("vote").scope_id("s").build()?.cid()?;
/// let first = Segment { sequence: 1, commit: cid, bytes: b"opaque".to_vec() };
/// assert!(journal.append(Tip::default(), &[first.clone()]).await?);
/// assert!(!journal.append(Tip::default(), &[first.clone()]).await?, "somebody was first");
/// assert_eq!(journal.read(0, 1 << 20).await?, [first]);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
///
/// [`SharedDagStore::open`]: crate::SharedDagStore::open
pub trait Journal: fmt::Debug + MaybeSend + MaybeSync {
    /// What this journal promises. Asked once, when a store is opened; it must not change.
    fn promises(&self) -> Promises;

    /// Adds these segments, all or none, if `after` is the journal's last commit now. Gives `false`,
    /// and adds nothing, where it isn't: another writer was first.
    ///
    /// The segments are one or more, numbered on from `after`. They have no more bytes in all than
    /// [`Promises::max_append`].
    ///
    /// [`ErrorKind::Quota`] where the medium is full, [`ErrorKind::Storage`] where it fails otherwise:
    /// nothing was added. [`ErrorKind::OutcomeUnknown`]: perhaps all of it was.
    fn append<'a>(&'a self, after: Tip, segments: &'a [Segment]) -> BoxFuture<'a, Result<bool>>;

    /// Reads the segments after this sequence number, in order: at least one if there is any, and no
    /// more once they have `max_bytes` in all. None means that there are none.
    ///
    /// [`ErrorKind::Compacted`] where the next segment after this number is no longer kept, since a
    /// checkpoint stands in its place. [`ErrorKind::Corrupt`] where the medium gives something other
    /// than what was written, as far as the journal can tell.
    fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>>;

    /// Waits until there may be a commit after this sequence number. It may be wrong about that, but must
    /// not miss one. Called only where the journal promises [`watch`](Promises::watch); without that it
    /// never ends.
    fn changed(&self, after: u64) -> BoxFuture<'_, Result<()>> {
        let _ = after;
        Box::pin(future::pending())
    }

    /// The checkpoint that is in force, if one was ever written.
    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(future::ready(Ok(None)))
    }

    /// Reads a part of the checkpoint in force: number 0, 1, 2 … until there are no more. The parts,
    /// joined, are what was written; where they are cut, and how large they are, is up to the journal.
    ///
    /// [`ErrorKind::Compacted`] where another checkpoint has come into force.
    fn read_checkpoint(
        &self,
        checkpoint: Checkpoint,
        part: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        let _ = (checkpoint, part);
        Box::pin(future::ready(Err(no_checkpoints())))
    }

    /// Writes a checkpoint, and brings it into force in one step once all its parts are there. Gives
    /// `false`, and changes nothing, where one of the same or a later commit is in force already.
    ///
    /// From then on the segments up to its commit may go, and with them everything that they held; a
    /// journal without later segments goes on after the checkpoint's commit. An error, even of unknown
    /// outcome, leaves either the old checkpoint in force or the new one, and all segments after it.
    /// Where `parts` gives an error, that is passed on, and nothing has changed.
    fn write_checkpoint<'a>(
        &'a self,
        checkpoint: Checkpoint,
        parts: BoxStream<'a, Result<Vec<u8>>>,
    ) -> BoxFuture<'a, Result<bool>> {
        drop((checkpoint, parts));
        Box::pin(future::ready(Err(no_checkpoints())))
    }

    /// What is known of the medium.
    fn status(&self) -> BoxFuture<'_, Result<Medium>> {
        Box::pin(future::ready(Ok(Medium::default())))
    }

    /// Gives up whatever the journal holds: files, connections, locks. Called once, and nothing after
    /// it; also where opening a store fails.
    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(future::ready(Ok(())))
    }
}

fn no_checkpoints() -> DagError {
    DagError::new(ErrorKind::InvalidArgument, "this journal keeps no checkpoints")
}

/// One commit, as a journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its place in the history, 1 for the first.
    pub sequence: u64,
    /// The CID of the commit's own block, which names all that comes before it too.
    pub commit: Cid,
    /// A CAR v1 file; `docs/spec.md`, section "The journal", has its layout.
    pub bytes: Vec<u8>,
}

/// The last commit of a journal: where its chain ends. The default is that of an empty journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tip {
    /// The commit's place in the history; 0 where there is none yet.
    pub sequence: u64,
    /// The CID of its block; `None` where there is none yet.
    pub commit: Option<Cid>,
}

impl Segment {
    /// The end of a chain that this segment is the last of.
    #[must_use]
    pub fn tip(&self) -> Tip {
        Tip { sequence: self.sequence, commit: Some(self.commit) }
    }
}

/// What stands in a journal in place of the commits up to one of them: the nodes that were in the store
/// after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The commit's place in the history.
    pub sequence: u64,
    /// The CID of its block.
    pub commit: Cid,
    /// The state hash after it.
    pub state_hash: StateHash,
}

impl Checkpoint {
    /// The end of a chain that the checkpoint's commit is the last of.
    #[must_use]
    pub fn tip(&self) -> Tip {
        Tip { sequence: self.sequence, commit: Some(self.commit) }
    }
}

/// What a medium must survive for an acknowledged commit to be still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// A loss of power: the medium itself has said that it is written (`fdatasync`, a database's commit,
    /// `complete` of `IndexedDB` at `durability: "strict"`), as far as it can be believed.
    Strict,
    /// The end of the process or less; the last commits may be missing after a loss of power. What is
    /// there is a prefix of what was committed in any case.
    Relaxed,
}

/// How many stores may have one journal open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Writers {
    /// One: opening it a second time is refused, or takes it away from the first.
    One,
    /// Any number, in one process or in several.
    Many,
}

/// What a journal promises. A store relies on nothing else.
///
/// # Examples
///
/// ```
/// use dag_store::{Durability, Promises, Writers};
///
/// let promises = Promises::new(Durability::Strict, Writers::Many).with_max_append(2 << 20);
/// assert!(!promises.watch && !promises.checkpoints);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promises {
    /// What acknowledged commits survive.
    pub durability: Durability,
    /// Whether there may be other writers, whose commits a store looks for.
    pub writers: Writers,
    /// Whether [`Journal::changed`] tells of other writers' commits.
    pub watch: bool,
    /// Whether checkpoints can be written.
    pub checkpoints: bool,
    /// Bytes of the segments that one append can take, if there is a limit. A larger commit is refused
    /// with [`ErrorKind::Limit`] before anything is written.
    pub max_append: Option<u64>,
}

impl Promises {
    /// These, without watching and checkpoints, and with appends of any size.
    #[must_use]
    pub fn new(durability: Durability, writers: Writers) -> Self {
        Promises { durability, writers, watch: false, checkpoints: false, max_append: None }
    }

    /// The same, and [`Journal::changed`] tells of other writers' commits.
    #[must_use]
    pub fn with_watch(self) -> Self {
        Promises { watch: true, ..self }
    }

    /// The same, and checkpoints can be written.
    #[must_use]
    pub fn with_checkpoints(self) -> Self {
        Promises { checkpoints: true, ..self }
    }

    /// The same, and an append has no more bytes than this.
    #[must_use]
    pub fn with_max_append(self, bytes: u64) -> Self {
        Promises { max_append: Some(bytes), ..self }
    }
}

/// What is known of the medium that a journal is on; see [`Journal::status`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Medium {
    /// Bytes that the journal takes there, or all that is kept in its place, whichever is known.
    pub bytes_used: Option<u64>,
    /// Bytes that it may take.
    pub bytes_quota: Option<u64>,
    /// Whether the medium has promised not to clear it away of its own accord.
    pub persisted: Option<bool>,
    /// Bytes that were cut off the end when the journal was opened: of a write that broke off, and was
    /// never acknowledged.
    pub bytes_cut: u64,
}

/// A journal that several hold is a journal.
#[deny(clippy::missing_trait_methods)]
impl<J: Journal + ?Sized> Journal for Arc<J> {
    fn promises(&self) -> Promises {
        (**self).promises()
    }

    fn append<'a>(&'a self, after: Tip, segments: &'a [Segment]) -> BoxFuture<'a, Result<bool>> {
        (**self).append(after, segments)
    }

    fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>> {
        (**self).read(after, max_bytes)
    }

    fn changed(&self, after: u64) -> BoxFuture<'_, Result<()>> {
        (**self).changed(after)
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        (**self).checkpoint()
    }

    fn read_checkpoint(
        &self,
        checkpoint: Checkpoint,
        part: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        (**self).read_checkpoint(checkpoint, part)
    }

    fn write_checkpoint<'a>(
        &'a self,
        checkpoint: Checkpoint,
        parts: BoxStream<'a, Result<Vec<u8>>>,
    ) -> BoxFuture<'a, Result<bool>> {
        (**self).write_checkpoint(checkpoint, parts)
    }

    fn status(&self) -> BoxFuture<'_, Result<Medium>> {
        (**self).status()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        (**self).close()
    }
}
