//! A store in an ordered key-value engine: for data larger than memory.
//!
//! Every call runs on a thread for what blocks, from its beginning to its end, over a snapshot of the
//! engine: a [`View`]. Nothing is kept in memory from one call to the next but the number of the last
//! commit; what is read often, the engine has in its cache.

mod commit;
mod engine;
mod export;
mod graph;
mod history;
mod keys;
mod memory;
mod pages;
#[cfg(feature = "rocksdb")]
mod rocks;
mod trie;
mod values;
mod verify;
mod view;

pub use self::engine::{KvBatch, KvEngine, KvOperation, KvSnapshot};
pub use self::memory::{MemoryEngine, MemorySnapshot};
#[cfg(feature = "rocksdb")]
pub use self::rocks::{RocksEngine, RocksOptions, RocksSnapshot};

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use futures::stream;

use self::export::Export;
use self::history::Found;
use self::keys::End;
use self::view::View;
use crate::export::CHUNK;
use crate::gate::Gate;
use crate::limits;
use crate::news::News;
use crate::platform::{self, BoxFuture, BoxStream};
use crate::store::{closed, needs_reopen, not_yet};
use crate::{
    Change, Changes, Cid, Commit, CommitFilter, CommitId, DagError, DagNode, DagStore, ErrorKind,
    ExportQuery, Limits, ListQuery, Page, Proof, Result, Scope, Span, StateHash, TreeAddress,
    TreeAnswer, Verified, WalkPage, WalkQuery,
};

/// A store in a key-value engine, whose nodes need not fit into memory.
///
/// Clones are handles on the same store. A commit is one batch that the engine applies, after which it
/// lasts as long as the engine promises; every [`Commit`] tells the state hash after it. Commits are
/// remembered for good, whatever [`Limits::history`] says. It holds at most 4,294,967,295 nodes.
///
/// What it costs: memory for what a call is about (a batch, a page, the frontier of a search), and
/// whatever the engine caches. An export of the past of some nodes takes 8 bytes for each node of it, and a
/// path some 50 for each node between its ends; everything else takes no more however large the store is.
/// Its methods are those of [`DagStore`] and [`DagStoreExt`](crate::DagStoreExt).
///
/// Close it when you are done: the engine is closed where its last handle is dropped, which may block.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagNode, DagStore, DagStoreExt, KvDagStore, MemoryEngine};
///
/// // `RocksEngine::open("folder").await?`, under the feature `rocksdb`, lasts.
/// let store = Arc::new(KvDagStore::open(MemoryEngine::new()).await?);
/// let node = DagNode::builder().content("hello").event_type("genesis").scope_id("s").build()?;
/// let id = store.insert(node).await?;
/// assert!(store.has(id).await?);
/// store.close().await?;
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
pub struct KvDagStore<K: KvEngine> {
    inner: Arc<Inner<K>>,
}

impl<K: KvEngine> Clone for KvDagStore<K> {
    fn clone(&self) -> Self {
        KvDagStore { inner: Arc::clone(&self.inner) }
    }
}

struct Inner<K> {
    limits: Limits,
    gate: Gate,
    news: News,
    /// `None` once closed. Calls hold it for reading as long as they run, so that closing waits for them.
    engine: RwLock<Option<K>>,
    /// Whether nobody knows what the engine holds.
    broken: AtomicBool,
    /// Whether long calls are to end.
    closing: AtomicBool,
}

impl<K: KvEngine> KvDagStore<K> {
    /// Opens the store that an engine holds, or makes an empty one there, with the default limits.
    ///
    /// [`ErrorKind::UnsupportedVersion`] where a later version of this crate wrote it, and
    /// [`ErrorKind::Corrupt`] where something else is in it.
    pub async fn open(engine: K) -> Result<Self> {
        Self::open_with(engine, Limits::default()).await
    }

    /// The same, with these limits.
    pub async fn open_with(engine: K, limits: Limits) -> Result<Self> {
        let limits = limits.capped();
        platform::unblock(move || {
            let sequence = prepare(&engine, &limits)?;
            let news = News::default();
            news.tell(sequence);
            let inner = Inner {
                limits,
                gate: Gate::default(),
                news,
                engine: RwLock::new(Some(engine)),
                broken: AtomicBool::new(false),
                closing: AtomicBool::new(false),
            };
            Ok(KvDagStore { inner: Arc::new(inner) })
        })
        .await
    }

    /// Whether a commit with this id happened: what to ask after
    /// [`ErrorKind::OutcomeUnknown`], once the store is opened anew.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use dag_store::{Changes, CommitId, DagNode, DagStore, KvDagStore, MemoryEngine};
    ///
    /// let store = KvDagStore::open(MemoryEngine::new()).await?;
    /// let node = DagNode::builder().content(1).event_type("vote").scope_id("s").build()?;
    /// let (mut changes, id) = (Changes::new(), CommitId::random());
    /// changes.insert(node);
    /// changes.set_id(id);
    /// assert!(!store.has_commit(&id).await?);
    /// store.commit(changes).await?;
    /// assert!(store.has_commit(&id).await?);
    /// # Ok::<(), dag_store::DagError>(())
    /// # }).unwrap();
    /// ```
    pub async fn has_commit(&self, id: &CommitId) -> Result<bool> {
        let id = *id;
        self.read(move |view| Ok(view.get(&keys::commit_id(id.as_bytes()))?.is_some())).await
    }

    /// Answers a question on a thread for that. Where the future is dropped, the rest is soon given up.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&View<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        let given_up = Arc::new(AtomicBool::new(false));
        let asker = Asker(Arc::clone(&given_up));
        let answer = platform::unblock(move || inner.answer(&given_up, question)).await;
        drop(asker);
        answer
    }

    async fn commit(&self, changes: Changes) -> Result<Commit> {
        let limits = &self.inner.limits;
        changes.check_room(0, 0, limits)?;
        for change in changes.operations() {
            if let Change::Insert(node) = change {
                node.check(limits)?;
            }
        }
        let turn = self.turn().await;
        platform::unblock(move || turn.0.commit(&changes)).await
    }

    /// Waits for a turn at the gate.
    async fn turn(&self) -> Turn<K> {
        self.inner.gate.enter().await.keep();
        Turn(Arc::clone(&self.inner))
    }

    async fn next_commit(&self, after: u64, filter: &CommitFilter) -> Result<Commit> {
        let news = &self.inner.news;
        if after > news.last().map_err(|_| self.inner.gone())? {
            return Err(not_yet());
        }
        let mut after = after;
        loop {
            news.after(after).await.map_err(|_| self.inner.gone())?;
            let filter = filter.clone();
            match self.read(move |view| view.commit_after(after, &filter)).await? {
                Found::Commit(commit) => return Ok(commit),
                Found::NothingUpTo(sequence) => after = sequence,
            }
        }
    }
}

/// Gives a call up when it is dropped.
struct Asker(Arc<AtomicBool>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A turn at the gate that goes where the work goes, so that it lasts as long as that even if nobody waits
/// for it any more.
struct Turn<K: KvEngine>(Arc<Inner<K>>);

impl<K: KvEngine> Drop for Turn<K> {
    fn drop(&mut self) {
        self.0.gate.pass_on();
    }
}

/// Makes an empty engine a store's, and refuses what isn't one's. Gives the number of the last commit.
fn prepare<K: KvEngine>(engine: &K, limits: &Limits) -> Result<u64> {
    let is_empty = {
        let snapshot = engine.snapshot()?;
        let given_up = AtomicBool::new(false);
        let view = View::new(&snapshot, limits, &given_up)?;
        if let Some(format) = view.get(&keys::FORMAT)? {
            values::check_format(&format)?;
            return Ok(view.whole.sequence);
        }
        let mut is_empty = true;
        view.scan(&(Vec::new()..vec![u8::MAX]), false, |_, _| {
            is_empty = false;
            Ok(ControlFlow::Break(()))
        })?;
        is_empty
    };
    if !is_empty {
        return Err(values::not_ours());
    }
    let mut batch = KvBatch::new();
    batch.put(&keys::FORMAT, &values::format());
    engine.apply(&batch)?;
    Ok(0)
}

impl<K: KvEngine> Inner<K> {
    fn engine(&self) -> RwLockReadGuard<'_, Option<K>> {
        // Nothing is changed while it is held but on the way out.
        self.engine.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of every operation on a store that is closed, or broken.
    fn gone(&self) -> DagError {
        if self.broken.load(Ordering::Acquire) { needs_reopen() } else { closed() }
    }

    fn answer<T>(
        &self,
        given_up: &AtomicBool,
        question: impl FnOnce(&View<'_>) -> Result<T>,
    ) -> Result<T> {
        if self.broken.load(Ordering::Acquire) || self.closing.load(Ordering::Acquire) {
            return Err(self.gone());
        }
        let engine = self.engine();
        let engine = engine.as_ref().ok_or_else(|| self.gone())?;
        let snapshot = engine.snapshot()?;
        question(&View::new(&snapshot, &self.limits, given_up)?)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        let given_up = AtomicBool::new(false);
        let (commit, batch) = self.answer(&given_up, |view| commit::commit(view, changes))?;
        let Some(batch) = batch else { return Ok(commit) };
        let engine = self.engine();
        let engine = engine.as_ref().ok_or_else(|| self.gone())?;
        match engine.apply(&batch) {
            Ok(()) => {
                self.news.tell(commit.sequence);
                Ok(commit)
            }
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                self.broken.store(true, Ordering::Release);
                self.news.close();
                Err(error.with_commit(commit.id))
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for the calls that run, and closes the engine.
    fn close(&self) {
        self.closing.store(true, Ordering::Release);
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        self.broken.store(false, Ordering::Release);
        *engine = None;
        self.news.close();
    }
}

impl<K: KvEngine> DagStore for KvDagStore<K> {
    fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<Commit>> {
        Box::pin(self.commit(changes))
    }

    fn sequence(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async { self.inner.news.last().map_err(|_| self.inner.gone()) })
    }

    fn next_commit<'a>(
        &'a self,
        after: u64,
        filter: &'a CommitFilter,
    ) -> BoxFuture<'a, Result<Commit>> {
        Box::pin(self.next_commit(after, filter))
    }

    fn get_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Option<DagNode>>>> {
        let cids = cids.to_vec();
        Box::pin(self.read(move |view| view.get_nodes(&cids)))
    }

    fn has_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<bool>>> {
        let cids = cids.to_vec();
        Box::pin(self.read(move |view| view.has_many(&cids)))
    }

    fn list_page<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<Page>> {
        let query = query.clone();
        Box::pin(self.read(move |view| view.list_page(&query)))
    }

    fn count<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<u64>> {
        let query = query.clone();
        Box::pin(self.read(move |view| view.count(&query)))
    }

    fn scopes<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Scope>>> {
        let after = after.map(str::to_owned);
        Box::pin(self.read(move |view| view.scopes(after.as_deref(), limit)))
    }

    fn heads<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        let scope_id = scope_id.map(str::to_owned);
        Box::pin(self.read(move |view| view.ends(End::Head, scope_id.as_deref())))
    }

    fn len<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        let scope_id = scope_id.map(str::to_owned);
        Box::pin(self.read(move |view| view.len(scope_id.as_deref())))
    }

    fn children<'a>(&'a self, cid: &'a Cid) -> BoxFuture<'a, Result<Vec<Cid>>> {
        let cid = *cid;
        Box::pin(self.read(move |view| view.children_in_order(&cid)))
    }

    fn roots<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        let scope_id = scope_id.map(str::to_owned);
        Box::pin(self.read(move |view| view.ends(End::Root, scope_id.as_deref())))
    }

    fn walk_page<'a>(&'a self, query: &'a WalkQuery) -> BoxFuture<'a, Result<WalkPage>> {
        let query = query.clone();
        Box::pin(self.read(move |view| view.walk_page(&query)))
    }

    fn is_ancestor<'a>(
        &'a self,
        ancestor: &'a Cid,
        descendant: &'a Cid,
    ) -> BoxFuture<'a, Result<bool>> {
        let [ancestor, descendant] = [*ancestor, *descendant];
        Box::pin(self.read(move |view| view.is_ancestor(&ancestor, &descendant)))
    }

    fn merge_bases<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Cid>>> {
        let cids = cids.to_vec();
        Box::pin(self.read(move |view| view.merge_bases(&cids)))
    }

    fn path<'a>(&'a self, from: &'a Cid, to: &'a Cid) -> BoxFuture<'a, Result<Option<Vec<Cid>>>> {
        let [from, to] = [*from, *to];
        Box::pin(self.read(move |view| view.path(&from, &to)))
    }

    fn state_hash<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<StateHash>> {
        let scope_id = scope_id.map(str::to_owned);
        Box::pin(self.read(move |view| match &scope_id {
            None => Ok(view.state_hash()),
            Some(name) => view.scope_hash(name),
        }))
    }

    fn prove_span<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Proof>> {
        let span = span.clone();
        Box::pin(self.read(move |view| view.prove(&span)))
    }

    fn tree<'a>(&'a self, places: &'a [TreeAddress]) -> BoxFuture<'a, Result<TreeAnswer>> {
        let places = places.to_vec();
        Box::pin(self.read(move |view| {
            limits::check("places of the tree", places.len(), TreeAddress::MOST)?;
            view.tree(&places)
        }))
    }

    fn export(self: Arc<Self>, query: ExportQuery) -> BoxStream<'static, Result<Vec<u8>>> {
        let export = Some(Export::new(query));
        Box::pin(stream::try_unfold((self, export), async |(store, export)| {
            let Some(mut export) = export else { return Ok(None) };
            loop {
                let write = move |view: &View<'_>| {
                    let mut chunk = Vec::with_capacity(CHUNK);
                    let more = export.write(view, &mut chunk)?;
                    Ok((chunk, more.then_some(export)))
                };
                match store.read(write).await? {
                    (chunk, Some(more)) if chunk.is_empty() => export = more,
                    (chunk, more) => return Ok(Some((chunk, (store, more)))),
                }
            }
        }))
    }

    #[allow(
        clippy::redundant_closure_for_method_calls,
        reason = "the method itself is one of a certain lifetime's views"
    )]
    fn verify(&self) -> BoxFuture<'_, Result<Verified>> {
        Box::pin(self.read(|view| view.verify()))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let turn = self.turn().await;
            platform::unblock(move || {
                turn.0.close();
                Ok(())
            })
            .await
        })
    }
}

impl<K: KvEngine> fmt::Debug for KvDagStore<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvDagStore").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}
