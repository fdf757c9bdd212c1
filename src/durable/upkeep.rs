//! What else can be asked of a store with a journal.

use std::sync::Arc;

use futures::stream;

use super::tail::READ;
use super::{Durable, Opened};
use crate::checkpoint::CheckpointWriter;
use crate::pace::Pace;
use crate::platform::BoxFuture;
use crate::segment;
use crate::shared::Shared;
use crate::state::{Recent, State};
use crate::{
    Checkpoint, CommitId, DagError, ErrorKind, Medium, Promises, Result, SharedDagStore, Tip,
};

/// How a store is kept; see [`SharedDagStore::status`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The last commit's place in the history; 0 where there is none.
    pub sequence: u64,
    /// What the journal promises; `None` where there is no journal, and nothing outlives the process.
    pub promises: Option<Promises>,
    /// What opening the store found.
    pub opened: Option<Opened>,
    /// What is known of the medium that the journal is on.
    pub medium: Medium,
}

impl SharedDagStore {
    /// How this store is kept, and where.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use dag_store::{Durability, MemoryJournal, SharedDagStore};
    ///
    /// assert!(SharedDagStore::new().status().await?.promises.is_none());
    /// let status = SharedDagStore::open(MemoryJournal::new()).await?.status().await?;
    /// assert_eq!(status.promises.unwrap().durability, Durability::Relaxed);
    /// # Ok::<(), dag_store::DagError>(())
    /// # }).unwrap();
    /// ```
    pub async fn status(&self) -> Result<Status> {
        let sequence = self.read(State::sequence).await?;
        let Some(durable) = self.durable() else {
            let medium = Medium::default();
            return Ok(Status { sequence, promises: None, opened: None, medium });
        };
        Ok(Status {
            sequence,
            promises: Some(durable.promises),
            opened: Some(durable.opened),
            medium: durable.journal.status().await?,
        })
    }

    /// Takes in what other writers of the journal have committed; tells how many commits that were.
    ///
    /// None for a store without a journal, or with one that has no other writers.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use dag_store::{DagNode, MemoryJournal, SharedDagStore};
    ///
    /// let journal = MemoryJournal::new();
    /// let one = SharedDagStore::open(journal.clone()).await?;
    /// let two = SharedDagStore::open(journal).await?;
    /// let node = DagNode::builder().content(1).event_type("vote").scope_id("s").build()?;
    /// one.insert(node).await?;
    /// assert_eq!((two.len(None).await?, two.refresh().await?), (0, 1));
    /// assert_eq!(two.len(None).await?, 1);
    /// # Ok::<(), dag_store::DagError>(())
    /// # }).unwrap();
    /// ```
    pub async fn refresh(&self) -> Result<u64> {
        let Some(durable) = self.durable() else {
            return self.read(|_| 0).await;
        };
        let shared = self.shared();
        let mut seat = durable.sit(&shared.gate).await;
        shared.drive(durable, &mut seat.flight).await;
        shared.catch_up(durable, &mut seat.flight.tip).await
    }

    /// Waits until there may be something for [`refresh`](Self::refresh): for ever, where nobody else
    /// writes or the journal doesn't promise to tell.
    ///
    /// # Examples
    ///
    /// To follow the other writers, from a task of its own:
    ///
    /// ```no_run
    /// # async fn follow(store: dag_store::SharedDagStore) -> dag_store::Result<()> {
    /// loop {
    ///     store.changed().await?;
    ///     store.refresh().await?;
    /// }
    /// # }
    /// ```
    pub async fn changed(&self) -> Result<()> {
        let sequence = self.read(State::sequence).await?;
        match self.durable() {
            Some(durable) if durable.promises.watch => durable.journal.changed(sequence).await,
            _ => std::future::pending().await,
        }
    }

    /// Tells whether the commit with this id has happened: for whoever was told
    /// [`ErrorKind::OutcomeUnknown`], after opening the store anew.
    ///
    /// The last 4,096 commits are remembered, and the journal is searched for earlier ones.
    /// [`ErrorKind::Compacted`] where it might be one that a checkpoint stands in the place of. A store
    /// without a journal remembers none.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use dag_store::{Changes, CommitId, DagNode, MemoryJournal, SharedDagStore};
    ///
    /// let store = SharedDagStore::open(MemoryJournal::new()).await?;
    /// let id = CommitId::random();
    /// let mut changes = Changes::new();
    /// changes.insert(DagNode::builder().content(1).event_type("vote").scope_id("s").build()?);
    /// changes.set_id(id);
    /// assert!(!store.has_commit(&id).await?);
    /// store.commit(changes).await?;
    /// assert!(store.has_commit(&id).await?);
    /// # Ok::<(), dag_store::DagError>(())
    /// # }).unwrap();
    /// ```
    pub async fn has_commit(&self, id: &CommitId) -> Result<bool> {
        let remembered = |state: &State| state.recent().contains(id);
        if self.read(remembered).await? {
            return Ok(true);
        }
        self.refresh().await?;
        if self.read(remembered).await? {
            return Ok(true);
        }
        match self.durable() {
            Some(durable) if self.read(State::sequence).await? > Recent::MOST as u64 => {
                search(durable, id).await
            }
            _ => Ok(false),
        }
    }

    /// Writes a checkpoint: the nodes as they are now, in the place of all commits up to now. What was
    /// removed goes with them, opening the store takes as long as there are nodes, and the medium gets
    /// its room back. Tells whether it is in force; it isn't where another writer has written one of
    /// a later commit meanwhile.
    ///
    /// Nothing does this of its own accord: what a checkpoint stands in the place of can no longer be
    /// told apart, by whom it was committed and when. Commits wait until it is written; reads don't.
    ///
    /// [`ErrorKind::InvalidArgument`] where there is no journal, or one that keeps no checkpoints.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use dag_store::{DagNode, MemoryJournal, SharedDagStore};
    ///
    /// let journal = MemoryJournal::new();
    /// let store = SharedDagStore::open(journal.clone()).await?;
    /// store.insert(DagNode::builder().content(1).event_type("vote").scope_id("s").build()?).await?;
    /// assert!(store.checkpoint().await?);
    /// let again = SharedDagStore::open(journal).await?;
    /// assert_eq!(again.opened().unwrap().checkpoint, Some(1));
    /// # Ok::<(), dag_store::DagError>(())
    /// # }).unwrap();
    /// ```
    pub async fn checkpoint(&self) -> Result<bool> {
        self.checkpoint_at(&mut Pace::default()).await
    }

    pub(crate) async fn checkpoint_at(&self, pace: &mut Pace) -> Result<bool> {
        let durable = self.durable().filter(|durable| durable.promises.checkpoints);
        let durable = durable.ok_or_else(no_checkpoints)?;
        let shared = self.shared();
        let mut seat = durable.sit(&shared.gate).await;
        shared.drive(durable, &mut seat.flight).await;
        let Tip { sequence, commit: Some(commit) } = seat.flight.tip else {
            // Nothing was ever committed, and nothing is what stands in its place.
            return self.read(|_| true).await;
        };
        let state_hash = self.state_hash_at(pace, None).await?;
        let writer = CheckpointWriter::new(Checkpoint { sequence, commit, state_hash });
        let parts = stream::try_unfold(writer, |mut writer| async move {
            let part = self.read(|state| writer.part(state)).await??;
            Ok(part.map(|part| (part, writer)))
        });
        let checkpoint = Checkpoint { sequence, commit, state_hash };
        durable.journal.write_checkpoint(checkpoint, Box::pin(parts)).await
    }
}

impl Shared {
    /// Closes the journal, once what is under way has come to its end.
    pub(crate) async fn close_durably(&self, durable: &Durable) -> Result<()> {
        let mut seat = durable.sit(&self.gate).await;
        self.drive(durable, &mut seat.flight).await;
        self.take_down().await;
        let flight = &mut seat.flight;
        if flight.closed {
            return Ok(());
        }
        let journal = Arc::clone(&durable.journal);
        let close = || Box::pin(async move { journal.close().await }) as BoxFuture<'static, _>;
        let closed = flight.closing.get_or_insert_with(close).await;
        (flight.closing, flight.closed) = (None, true);
        closed
    }
}

/// Searches the journal for a commit.
async fn search(durable: &Durable, id: &CommitId) -> Result<bool> {
    let checkpoint = durable.journal.checkpoint().await?;
    let mut after = checkpoint.map_or(0, |checkpoint| checkpoint.sequence);
    loop {
        let segments = durable.journal.read(after, READ).await?;
        let Some(last) = segments.last() else { break };
        after = last.sequence;
        for segment in &segments {
            if segment::id_of(segment)? == *id {
                return Ok(true);
            }
        }
    }
    if checkpoint.is_some() { Err(forgotten().with_commit(*id)) } else { Ok(false) }
}

fn forgotten() -> DagError {
    DagError::new(
        ErrorKind::Compacted,
        "a checkpoint stands in the place of the earliest commits, and this may be one of them",
    )
}

fn no_checkpoints() -> DagError {
    DagError::new(ErrorKind::InvalidArgument, "the store has no journal that keeps checkpoints")
}
