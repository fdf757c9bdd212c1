//! A decorator that makes every operation of a store take its time: it gives way before the
//! operation and after it, when its effect is there already and the caller does not know it yet. So
//! there are polls at which a future can be dropped, and others run in between.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use dag_store::{
    BoxFuture, BoxStream, Changes, Cid, Commit, CommitFilter, DagNode, DagStore, ExportQuery,
    Limits, ListQuery, Page, Proof, Result, Scope, Span, StateHash, TreeAddress, TreeAnswer,
    Verified, WalkPage, WalkQuery,
};
use futures::StreamExt as _;

/// A store that answers late.
#[derive(Debug)]
pub(crate) struct SlowStore {
    store: Arc<dyn DagStore>,
    calls: AtomicUsize,
}

impl SlowStore {
    pub(crate) fn new(store: Arc<dyn DagStore>) -> Self {
        SlowStore { store, calls: AtomicUsize::new(0) }
    }

    /// Reads take their time on both sides; how much, changes from call to call.
    async fn read<T>(&self, reading: BoxFuture<'_, T>) -> T {
        let turns = self.calls.fetch_add(1, Ordering::Relaxed) % 3;
        give_way(turns).await;
        let value = reading.await;
        give_way(2 - turns).await;
        value
    }
}

/// Returns after so many polls.
pub(crate) async fn give_way(turns: usize) {
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
impl DagStore for SlowStore {
    fn limits(&self) -> &Limits {
        self.store.limits()
    }

    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<Commit>> {
        Box::pin(async move {
            // The effect comes at the first poll, since that is what orders commits.
            let commit = self.store.commit(changes).await;
            give_way(2).await;
            commit
        })
    }

    fn sequence(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.read(self.store.sequence()))
    }

    fn next_commit<'a>(
        &'a self,
        after: u64,
        filter: &'a CommitFilter,
    ) -> BoxFuture<'a, Result<Commit>> {
        Box::pin(self.read(self.store.next_commit(after, filter)))
    }

    fn get_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Option<DagNode>>>> {
        Box::pin(self.read(self.store.get_many(cids)))
    }

    fn has_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<bool>>> {
        Box::pin(self.read(self.store.has_many(cids)))
    }

    fn list_page<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<Page>> {
        Box::pin(self.read(self.store.list_page(query)))
    }

    fn count<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.read(self.store.count(query)))
    }

    fn scopes<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Scope>>> {
        Box::pin(self.read(self.store.scopes(after, limit)))
    }

    fn heads<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.read(self.store.heads(scope_id)))
    }

    fn len<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.read(self.store.len(scope_id)))
    }

    fn children<'a>(&'a self, cid: &'a Cid) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.read(self.store.children(cid)))
    }

    fn roots<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.read(self.store.roots(scope_id)))
    }

    fn walk_page<'a>(&'a self, query: &'a WalkQuery) -> BoxFuture<'a, Result<WalkPage>> {
        Box::pin(self.read(self.store.walk_page(query)))
    }

    fn is_ancestor<'a>(
        &'a self,
        ancestor: &'a Cid,
        descendant: &'a Cid,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.read(self.store.is_ancestor(ancestor, descendant)))
    }

    fn merge_bases<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.read(self.store.merge_bases(cids)))
    }

    fn path<'a>(&'a self, from: &'a Cid, to: &'a Cid) -> BoxFuture<'a, Result<Option<Vec<Cid>>>> {
        Box::pin(self.read(self.store.path(from, to)))
    }

    fn state_hash<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<StateHash>> {
        Box::pin(self.read(self.store.state_hash(scope_id)))
    }

    fn prove_span<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Proof>> {
        Box::pin(self.read(self.store.prove_span(span)))
    }

    fn tree<'a>(&'a self, places: &'a [TreeAddress]) -> BoxFuture<'a, Result<TreeAnswer>> {
        Box::pin(self.read(self.store.tree(places)))
    }

    fn export(self: Arc<Self>, query: ExportQuery) -> BoxStream<'static, Result<Vec<u8>>> {
        Box::pin(Arc::clone(&self.store).export(query).then(|chunk| async {
            give_way(1).await;
            chunk
        }))
    }

    fn verify(&self) -> BoxFuture<'_, Result<Verified>> {
        Box::pin(self.read(self.store.verify()))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            give_way(1).await;
            let closed = self.store.close().await;
            give_way(1).await;
            closed
        })
    }
}
