//! A journal that takes its time: it gives way before each call and after it, when the effect is there
//! already and the caller does not know it yet. So there are polls at which a future can be dropped, and
//! others come in between.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use dag_store::{
    BoxFuture, BoxStream, Checkpoint, Journal, Medium, Promises, Result, Segment, Tip,
};

/// A journal that answers late, and takes little at once.
#[derive(Clone, Debug)]
pub(crate) struct LateJournal {
    journal: Arc<dyn Journal>,
    calls: Arc<AtomicUsize>,
}

/// Bytes that it takes at once.
const MAX_APPEND: u64 = 2 << 20;

impl LateJournal {
    pub(crate) fn new(journal: impl Journal + 'static) -> Self {
        LateJournal { journal: Arc::new(journal), calls: Arc::default() }
    }

    /// Takes its time on both sides; how much, changes from call to call.
    async fn late<T>(&self, call: BoxFuture<'_, T>) -> T {
        let turns = self.calls.fetch_add(1, Ordering::Relaxed) % 3;
        give_way(turns).await;
        let value = call.await;
        give_way(2 - turns).await;
        value
    }
}

/// Returns after so many polls.
async fn give_way(turns: usize) {
    let mut left = turns;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[deny(clippy::missing_trait_methods)]
impl Journal for LateJournal {
    fn promises(&self) -> Promises {
        self.journal.promises().with_max_append(MAX_APPEND)
    }

    fn append<'a>(&'a self, after: Tip, segments: &'a [Segment]) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.late(self.journal.append(after, segments)))
    }

    fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>> {
        Box::pin(self.late(self.journal.read(after, max_bytes)))
    }

    fn changed(&self, after: u64) -> BoxFuture<'_, Result<()>> {
        self.journal.changed(after)
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(self.late(self.journal.checkpoint()))
    }

    fn read_checkpoint(
        &self,
        checkpoint: Checkpoint,
        part: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        Box::pin(self.late(self.journal.read_checkpoint(checkpoint, part)))
    }

    fn write_checkpoint<'a>(
        &'a self,
        checkpoint: Checkpoint,
        parts: BoxStream<'a, Result<Vec<u8>>>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.late(self.journal.write_checkpoint(checkpoint, parts)))
    }

    fn status(&self) -> BoxFuture<'_, Result<Medium>> {
        Box::pin(self.late(self.journal.status()))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.late(self.journal.close()))
    }
}
