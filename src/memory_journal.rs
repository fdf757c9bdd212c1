//! A journal in memory: for tests, and as the shortest example of one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use futures::channel::oneshot;

use crate::platform::{BoxFuture, BoxStream};
use crate::{
    Checkpoint, DagError, Durability, ErrorKind, Journal, Medium, Promises, Result, Segment, Tip,
    Writers,
};

/// A journal in memory, with everything that a journal can do but last.
///
/// Clones are handles on the same journal: stores opened on them are several writers.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use dag_store::{DagNode, MemoryJournal, SharedDagStore};
///
/// let journal = MemoryJournal::new();
/// let store = SharedDagStore::open(journal.clone()).await?;
/// let node = DagNode::builder().content("kept").event_type("vote").scope_id("s").build()?;
/// let id = store.insert(node).await?;
/// store.close().await?;
///
/// let store = SharedDagStore::open(journal).await?;
/// assert!(store.has(id).await?);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    segments: Vec<Segment>,
    checkpoint: Option<(Checkpoint, Vec<Vec<u8>>)>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Kept {
    fn tip(&self) -> Tip {
        let checkpoint = self.checkpoint.as_ref().map(|(checkpoint, _)| checkpoint.tip());
        self.segments.last().map(Segment::tip).or(checkpoint).unwrap_or_default()
    }

    fn append(&mut self, after: Tip, segments: &[Segment]) -> bool {
        if self.tip() != after {
            return false;
        }
        self.segments.extend_from_slice(segments);
        for waiting in self.waiting.drain(..) {
            // Who no longer waits needs no news.
            let _ = waiting.send(());
        }
        true
    }

    fn read(&self, after: u64, max_bytes: usize) -> Result<Vec<Segment>> {
        if self.checkpoint.as_ref().is_some_and(|(checkpoint, _)| after < checkpoint.sequence) {
            return Err(compacted("a checkpoint stands in the place of these commits"));
        }
        let mut left = max_bytes;
        let later = self.segments.iter().skip_while(|segment| segment.sequence <= after);
        let fits = |segment: &&Segment| {
            let fits = left > 0;
            left = left.saturating_sub(segment.bytes.len());
            fits || segment.sequence == after + 1
        };
        Ok(later.take_while(fits).cloned().collect())
    }

    fn read_checkpoint(&self, checkpoint: Checkpoint, part: u64) -> Result<Option<Vec<u8>>> {
        match &self.checkpoint {
            Some((in_force, parts)) if *in_force == checkpoint => {
                Ok(usize::try_from(part).ok().and_then(|part| parts.get(part).cloned()))
            }
            _ => Err(compacted("another checkpoint has come into force")),
        }
    }

    fn write_checkpoint(&mut self, checkpoint: Checkpoint, parts: Vec<Vec<u8>>) -> bool {
        let newer = |(in_force, _): &(Checkpoint, _)| in_force.sequence >= checkpoint.sequence;
        if self.checkpoint.as_ref().is_some_and(newer) {
            return false;
        }
        self.segments.retain(|segment| segment.sequence > checkpoint.sequence);
        self.checkpoint = Some((checkpoint, parts));
        true
    }
}

fn compacted(why: &str) -> DagError {
    DagError::new(ErrorKind::Compacted, why)
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change is a single step, so that even a panic would leave all in order.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn promises(&self) -> Promises {
        Promises::new(Durability::Relaxed, Writers::Many).with_watch().with_checkpoints()
    }

    fn append<'a>(&'a self, after: Tip, segments: &'a [Segment]) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.kept().append(after, segments)) })
    }

    fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>> {
        Box::pin(async move { self.kept().read(after, max_bytes) })
    }

    fn changed(&self, after: u64) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let (news, waiting) = oneshot::channel();
            {
                let mut kept = self.kept();
                if kept.tip().sequence > after {
                    return Ok(());
                }
                kept.waiting.retain(|other| !other.is_canceled());
                kept.waiting.push(news);
            }
            // Whether it was told or given up: there may be something.
            let _ = waiting.await;
            Ok(())
        })
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(async move { Ok(self.kept().checkpoint.as_ref().map(|(in_force, _)| *in_force)) })
    }

    fn read_checkpoint(
        &self,
        checkpoint: Checkpoint,
        part: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        Box::pin(async move { self.kept().read_checkpoint(checkpoint, part) })
    }

    fn write_checkpoint<'a>(
        &'a self,
        checkpoint: Checkpoint,
        mut parts: BoxStream<'a, Result<Vec<u8>>>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut written = Vec::new();
            while let Some(part) = parts.next().await {
                written.push(part?);
            }
            Ok(self.kept().write_checkpoint(checkpoint, written))
        })
    }

    fn status(&self) -> BoxFuture<'_, Result<Medium>> {
        Box::pin(async move {
            let kept = self.kept();
            let segments = kept.segments.iter().map(|segment| &segment.bytes);
            let parts = kept.checkpoint.iter().flat_map(|(_, parts)| parts);
            let bytes: usize = segments.chain(parts).map(Vec::len).sum();
            Ok(Medium { bytes_used: Some(bytes as u64), ..Medium::default() })
        })
    }
}
