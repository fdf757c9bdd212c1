//! A journal that fails on command.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;

use crate::{
    BoxFuture, BoxStream, Checkpoint, DagError, ErrorKind, Journal, Medium, Promises, Result,
    Segment, Tip,
};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Before its effect: nothing has happened.
    Before,
    /// After its effect: all has happened, and nobody is told. For an append the outcome is unknown.
    After,
    /// Half way: of an append the outcome is unknown, and there was none; of a checkpoint half the
    /// parts are taken. Of what is read half is given, and there is no error.
    Half,
}

impl Fault {
    /// Every way to fail.
    pub const ALL: [Fault; 3] = [Fault::Before, Fault::After, Fault::Half];
}

/// When a [`FaultyJournal`] fails, or a `FaultyEngine`. Clones are the same plan.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    calls: usize,
    /// The call from which on it fails, how, and whether it goes on failing.
    from: Option<(usize, Fault, bool)>,
}

impl Faults {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The call after so many from now on fails in this way; all later ones too, if it fails `for_good`.
    pub fn fail_after(&self, calls: usize, fault: Fault, for_good: bool) {
        let mut plan = self.plan();
        plan.from = Some((plan.calls + calls, fault, for_good));
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.plan().from = None;
    }

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.plan().calls
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; tells how it is to fail.
    pub(super) fn call(&self) -> Option<Fault> {
        let mut plan = self.plan();
        let number = plan.calls;
        plan.calls += 1;
        let (from, fault, for_good) = plan.from?;
        (number == from || for_good && number > from).then_some(fault)
    }
}

/// A journal that does what another one does, and fails when it is told to.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::conformance::{Fault, Faults, FaultyJournal};
/// use dag_store::{DagNode, ErrorKind, MemoryJournal, SharedDagStore};
///
/// let faults = Faults::new();
/// let journal = FaultyJournal::new(Arc::new(MemoryJournal::new()), faults.clone());
/// let store = SharedDagStore::open(journal).await?;
/// let node = DagNode::builder().content(1).event_type("vote").scope_id("s").build()?;
/// faults.fail_after(0, Fault::Before, false);
/// assert_eq!(store.insert(node.clone()).await.unwrap_err().kind(), ErrorKind::Storage);
/// store.insert(node).await?;
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct FaultyJournal {
    journal: Arc<dyn Journal>,
    faults: Faults,
}

impl FaultyJournal {
    /// This journal, with these faults.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, faults: Faults) -> Self {
        FaultyJournal { journal, faults }
    }

    /// Does something that half can't be done of: then it isn't done.
    async fn call<T>(&self, call: BoxFuture<'_, Result<T>>) -> Result<T> {
        match self.faults.call() {
            None => call.await,
            Some(Fault::After) => call.await.and_then(|_| Err(fault(ErrorKind::Storage))),
            Some(Fault::Before | Fault::Half) => Err(fault(ErrorKind::Storage)),
        }
    }
}

fn fault(kind: ErrorKind) -> DagError {
    DagError::new(kind, "a fault on purpose")
}

#[deny(clippy::missing_trait_methods)]
impl Journal for FaultyJournal {
    fn promises(&self) -> Promises {
        self.journal.promises()
    }

    fn append<'a>(&'a self, after: Tip, segments: &'a [Segment]) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            match self.faults.call() {
                None => self.journal.append(after, segments).await,
                Some(Fault::Before) => Err(fault(ErrorKind::Storage)),
                Some(Fault::Half) => Err(fault(ErrorKind::OutcomeUnknown)),
                Some(Fault::After) => {
                    self.journal.append(after, segments).await?;
                    Err(fault(ErrorKind::OutcomeUnknown))
                }
            }
        })
    }

    fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>> {
        Box::pin(async move {
            match self.faults.call() {
                None => self.journal.read(after, max_bytes).await,
                Some(Fault::Half) => {
                    let mut segments = self.journal.read(after, max_bytes).await?;
                    segments.truncate(segments.len().div_ceil(2));
                    Ok(segments)
                }
                Some(_) => Err(fault(ErrorKind::Storage)),
            }
        })
    }

    fn changed(&self, after: u64) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.call(self.journal.changed(after)))
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(self.call(self.journal.checkpoint()))
    }

    fn read_checkpoint(
        &self,
        checkpoint: Checkpoint,
        part: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        Box::pin(async move {
            match self.faults.call() {
                None => self.journal.read_checkpoint(checkpoint, part).await,
                Some(Fault::Half) => {
                    let part = self.journal.read_checkpoint(checkpoint, part).await?;
                    Ok(part.map(|mut part| {
                        part.truncate(part.len() / 2);
                        part
                    }))
                }
                Some(_) => Err(fault(ErrorKind::Storage)),
            }
        })
    }

    fn write_checkpoint<'a>(
        &'a self,
        checkpoint: Checkpoint,
        mut parts: BoxStream<'a, Result<Vec<u8>>>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            match self.faults.call() {
                None => self.journal.write_checkpoint(checkpoint, parts).await,
                Some(Fault::Before) => Err(fault(ErrorKind::Storage)),
                Some(Fault::After) => {
                    self.journal.write_checkpoint(checkpoint, parts).await?;
                    Err(fault(ErrorKind::Storage))
                }
                Some(Fault::Half) => {
                    let first = parts.next().await.unwrap_or_else(|| Ok(Vec::new()));
                    let half = first.map(|mut part| {
                        part.truncate(part.len() / 2);
                        part
                    });
                    let broken = [half, Err(fault(ErrorKind::Storage))];
                    let parts = Box::pin(futures::stream::iter(broken));
                    self.journal.write_checkpoint(checkpoint, parts).await
                }
            }
        })
    }

    fn status(&self) -> BoxFuture<'_, Result<Medium>> {
        Box::pin(self.call(self.journal.status()))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        // Whatever it says, it must let go of what it holds, or nobody could open it again.
        Box::pin(async move {
            let closed = self.journal.close().await;
            match self.faults.call() {
                None => closed,
                Some(_) => Err(fault(ErrorKind::Storage)),
            }
        })
    }
}
