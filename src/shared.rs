//! The DAG in memory, shared by all who hold a handle on it.

mod graph;

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(all(js_host, feature = "npm"))]
use futures::FutureExt as _;
use futures::future::{Either, select};
use futures::stream::{self, TryStream};

use crate::batch::DagStoreBatch;
use crate::durable::Durable;
use crate::export::{CHUNK, Export};
use crate::gate::Gate;
use crate::id;
use crate::import;
use crate::limits;
use crate::list::List;
use crate::lock::{self, RwLock};
use crate::news::News;
use crate::pace::{self, Pace};
use crate::plan;
use crate::platform::{self, BoxFuture, BoxStream};
use crate::state::{Found, PLACING, State, Step, Verification};
use crate::store::{closed, insertion, needs_reopen, not_there, not_yet, there};
use crate::{
    CarExport, Change, Changes, Cid, Commit, CommitFilter, Compare, CopyTo, DagError, DagNode,
    DagStore, ExportQuery, Imported, Limits, ListQuery, Page, Proof, Result, Scope, Span,
    StateHash, ToCid, TreeAddress, TreeAnswer, Verified, WalkPage, WalkQuery, Watch,
};

/// Units of work that it takes to read a node.
const READING: usize = 2;
/// Units of work that it takes to look through commits in vain, most often one.
const LOOKING: usize = 8;
/// How often `verify` begins anew because somebody has written meanwhile.
const TRIES_BESIDE_WRITERS: usize = 3;

/// A store in memory. Clones share it: they are handles on the same nodes.
///
/// Reads share a lock; a commit takes it alone, for as long as it takes to link the new nodes in. The
/// state hash is computed when it is asked for, and then only where something has changed.
///
/// Its own methods are the same as those of [`DagStoreExt`](crate::DagStoreExt) and [`DagStore`], and
/// box no futures.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use dag_store::{DagNode, SharedDagStore};
///
/// let store = SharedDagStore::new();
/// let node = DagNode::builder().content("hello").event_type("genesis").scope_id("s").build()?;
/// let id = store.insert(node).await?;
/// assert!(store.clone().has(id).await?);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct SharedDagStore {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) gate: Gate,
    pub(crate) news: Arc<News>,
    /// `None` once closed.
    pub(crate) state: RwLock<Option<State>>,
    /// Whether it is closed because nobody knows what its journal holds.
    broken: AtomicBool,
    durable: Option<Durable>,
}

impl Shared {
    /// The error of every operation on a store that is closed, or broken.
    pub(crate) fn gone(&self) -> DagError {
        if self.broken.load(Ordering::Acquire) { needs_reopen() } else { closed() }
    }

    /// The sequence number of the last commit.
    fn last(&self) -> Result<u64> {
        self.news.last().map_err(|_| self.gone())
    }

    /// Answers nothing from here on.
    pub(crate) fn break_down(&self, state: &mut Option<State>) {
        self.broken.store(true, Ordering::Release);
        *state = None;
        self.news.close();
    }

    /// Closes the store, and frees its memory.
    pub(crate) async fn take_down(&self) {
        let mut state = self.state.write().await;
        self.broken.store(false, Ordering::Release);
        *state = None;
        self.news.close();
    }
}

impl Default for SharedDagStore {
    fn default() -> Self {
        Self::new()
    }
}

impl SharedDagStore {
    /// An empty store with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// An empty store with these limits.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "limits are given away, not lent")]
    pub fn with_limits(limits: Limits) -> Self {
        let limits = limits.capped();
        let state = State::with_history(limits.history);
        Self::with_state(limits, state, None)
    }

    pub(crate) fn with_state(limits: Limits, mut state: State, durable: Option<Durable>) -> Self {
        let news = Arc::new(News::default());
        state.tell_to(&news);
        let shared = Shared {
            limits,
            gate: Gate::default(),
            news,
            state: RwLock::new(Some(state)),
            broken: AtomicBool::new(false),
            durable,
        };
        SharedDagStore { shared: Arc::new(shared) }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn durable(&self) -> Option<&Durable> {
        self.shared.durable.as_ref()
    }

    /// The limits of this store.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Inserts a node, and gives its CID. Inserting what is there already changes nothing.
    pub async fn insert(&self, node: DagNode) -> Result<Cid> {
        node.check(self.limits())?;
        if self.durable().is_some() {
            let cid = node.cid();
            let mut changes = Changes::new();
            changes.insert(node);
            self.commit(changes).await?;
            return cid;
        }
        let _turn = self.shared.gate.enter().await;
        let mut state = lock::write(&self.shared.state).await;
        state.as_mut().ok_or_else(|| self.shared.gone())?.insert(&node)?;
        node.cid()
    }

    /// Inserts a node then and there; `None` where that has to wait for others or for a journal, and
    /// nothing was done. The node is within the limits.
    #[cfg(all(js_host, feature = "npm"))]
    pub(crate) fn insert_now(&self, node: &DagNode) -> Option<Result<()>> {
        if self.durable().is_some() {
            return None;
        }
        let _turn = self.shared.gate.enter().now_or_never()?;
        let mut state = self.shared.state.write().now_or_never()?;
        Some(state.as_mut().ok_or_else(|| self.shared.gone()).and_then(|state| state.insert(node)))
    }

    /// Inserts nodes in one commit: all of them, or none. Parents may come after their children.
    pub async fn insert_many(&self, nodes: impl IntoIterator<Item = DagNode>) -> Result<Commit> {
        let changes = insertion(nodes, self.limits())?;
        self.commit(changes).await
    }

    /// Inserts a block from outside, which must be a node in canonical DAG-CBOR.
    pub async fn insert_block(&self, block: impl AsRef<[u8]>) -> Result<Cid> {
        let node = DagNode::decode_with(block, self.limits())?;
        self.insert(node).await
    }

    /// Removes a node; `false` where it wasn't there.
    pub async fn remove(&self, id: impl ToCid) -> Result<bool> {
        let mut changes = Changes::new();
        changes.remove(id.to_cid()?)?;
        Ok(!self.commit(changes).await?.removed.is_empty())
    }

    /// Applies changes, all or nothing; see [`DagStore::commit`].
    pub async fn commit(&self, changes: Changes) -> Result<Commit> {
        self.commit_at(&mut Pace::default(), changes).await
    }

    pub(crate) async fn commit_at(&self, pace: &mut Pace, changes: Changes) -> Result<Commit> {
        let limits = self.limits();
        changes.check_room(0, 0, limits)?;
        pace.expect(units_of_commit(changes.staged(), changes.block_bytes()));
        for change in changes.operations() {
            if let Change::Insert(node) = change {
                node.check(limits)?;
            }
            pace.worked(1).await?;
        }
        if let Some(durable) = self.durable() {
            return self.shared.commit_durably(durable, changes, pace).await;
        }
        let turn = self.shared.gate.enter().await;
        let mut state = lock::write(&self.shared.state).await;
        pace.check()?;
        let state_of = state.as_mut().ok_or_else(|| self.shared.gone())?;
        // Boxed, so that its code is not copied into every call that ends in it.
        let committing: BoxFuture<'_, _> = Box::pin(state_of.commit(&changes, pace));
        let commit = committing.await;
        drop(state);
        drop(turn);
        changes.discard(pace).await;
        commit
    }

    /// The sequence number of the last commit; 0 before the first.
    #[allow(clippy::unused_async, reason = "the same call as that of every other store")]
    pub async fn sequence(&self) -> Result<u64> {
        self.shared.last()
    }

    /// Waits for the next commit that has a node for the filter; see [`DagStore::next_commit`].
    pub async fn next_commit(&self, after: u64, filter: &CommitFilter) -> Result<Commit> {
        if after > self.shared.last()? {
            return Err(not_yet());
        }
        let mut pace = Pace::default();
        let mut after = after;
        loop {
            self.hear_of_more_than(after).await?;
            let guard = self.shared.state.read().await;
            let state = guard.as_ref().ok_or_else(|| self.shared.gone())?;
            match state.commit_after(after, filter)? {
                Found::Commit(commit) => return Ok(commit),
                Found::NothingUpTo(sequence) => after = sequence,
            }
            drop(guard);
            pace.worked(LOOKING).await?;
        }
    }

    /// Waits for a commit after this one, of this store or of another writer of its journal.
    async fn hear_of_more_than(&self, after: u64) -> Result<()> {
        let shared = &self.shared;
        loop {
            let heard = pin!(shared.news.after(after));
            match select(heard, pin!(self.changed())).await {
                Either::Left((heard, _)) => return heard.map_err(|_| shared.gone()),
                Either::Right((changed, _)) => changed?,
            }
            self.refresh().await?;
            if shared.last()? > after {
                return Ok(());
            }
        }
    }

    /// Watches the store: awaited, it gives a stream of all later commits.
    pub fn watch(&self) -> Watch<SharedDagStore> {
        Watch::new(Arc::new(self.clone()))
    }

    /// Reads a node.
    pub async fn get(&self, id: impl ToCid) -> Result<Option<DagNode>> {
        let digest = id::digest_of(&id.to_cid()?)?;
        self.read(|state| state.get(&digest, self.limits())).await?
    }

    /// Reads nodes, in the order of the ids; `None` where there is none.
    pub async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<DagNode>>> {
        let mut pace = Pace::default();
        let state = self.shared.state.read().await;
        let state = state.as_ref().ok_or_else(|| self.shared.gone())?;
        platform::reserve(cids.len() * size_of::<Option<DagNode>>())?;
        let mut nodes = Vec::with_capacity(cids.len());
        for cid in cids {
            let node = state.get(&id::digest_of(cid)?, self.limits())?;
            let bytes = node.as_ref().map_or(0, |node| node.as_bytes().len());
            nodes.push(node);
            pace.worked(READING + pace::to_copy(bytes)).await?;
        }
        Ok(nodes)
    }

    /// Reads a node's block.
    pub async fn get_block(&self, id: impl ToCid) -> Result<Option<Arc<[u8]>>> {
        let digest = id::digest_of(&id.to_cid()?)?;
        self.read(|state| state.find(&digest).map(|(record, _)| record.block.into())).await
    }

    /// Tells whether a node is there.
    pub async fn has(&self, id: impl ToCid) -> Result<bool> {
        let digest = id::digest_of(&id.to_cid()?)?;
        self.read(|state| state.has(&digest)).await
    }

    /// Tells which of these nodes are there.
    pub async fn has_many(&self, cids: &[Cid]) -> Result<Vec<bool>> {
        let has =
            |state: &State| cids.iter().map(|cid| Ok(state.has(&id::digest_of(cid)?))).collect();
        self.read(has).await?
    }

    /// Lists nodes: all of them in insertion order, unless told otherwise before it is awaited.
    pub fn list(&self) -> List<SharedDagStore> {
        List::new(Arc::new(self.clone()))
    }

    /// Reads one page of a list.
    pub async fn list_page(&self, query: &ListQuery) -> Result<Page> {
        self.read(|state| state.list_page(query, self.limits())).await?
    }

    /// How many nodes match the query's filters; see [`DagStore::count`].
    pub async fn count(&self, query: &ListQuery) -> Result<u64> {
        self.count_at(&mut Pace::default(), query).await
    }

    pub(crate) async fn count_at(&self, pace: &mut Pace, query: &ListQuery) -> Result<u64> {
        let state = self.shared.state.read().await;
        state.as_ref().ok_or_else(|| self.shared.gone())?.count(query, pace).await
    }

    /// The scopes that have nodes, by id; see [`DagStore::scopes`].
    pub async fn scopes(&self, after: Option<&str>, limit: usize) -> Result<Vec<Scope>> {
        self.read(|state| state.scopes(after, limit)).await?
    }

    /// The heads of the store or of a scope, in insertion order.
    pub async fn heads(&self, scope_id: Option<&str>) -> Result<Vec<Cid>> {
        let state = self.shared.state.read().await;
        state
            .as_ref()
            .ok_or_else(|| self.shared.gone())?
            .heads(scope_id, &mut Pace::default())
            .await
    }

    /// How many nodes there are in the store, or in one scope.
    #[allow(clippy::len_without_is_empty, reason = "asks the store, and may find it closed")]
    pub async fn len(&self, scope_id: Option<&str>) -> Result<u64> {
        self.read(|state| state.len(scope_id)).await
    }

    /// Begins a batch: changes that are staged in private and committed as one.
    #[allow(clippy::unused_async, reason = "the same call as that of every other store")]
    pub async fn begin_batch(&self) -> DagStoreBatch<SharedDagStore> {
        DagStoreBatch::new(Arc::new(self.clone()))
    }

    /// The state hash of the whole store.
    pub async fn get_state_hash(&self) -> Result<StateHash> {
        self.state_hash(None).await
    }

    /// The state hash of the store, or of one scope.
    pub async fn state_hash(&self, scope_id: Option<&str>) -> Result<StateHash> {
        self.state_hash_at(&mut Pace::default(), scope_id).await
    }

    pub(crate) async fn state_hash_at(
        &self,
        pace: &mut Pace,
        scope_id: Option<&str>,
    ) -> Result<StateHash> {
        if let Some(known) = self.read(|state| state.known_hash(scope_id)).await? {
            return Ok(known);
        }
        let mut state = self.shared.state.write().await;
        let state = state.as_mut().ok_or_else(|| self.shared.gone())?;
        let whole = state.state_hash(pace).await?;
        Ok(state.known_hash(scope_id).unwrap_or(whole))
    }

    /// Proves that a node is in the store. [`ErrorKind::NotFound`](crate::ErrorKind) where it isn't.
    pub async fn prove(&self, id: impl ToCid) -> Result<Proof> {
        let cid = id.to_cid()?;
        let digest = id::digest_of(&cid)?;
        let limits = self.limits();
        self.read_hashed(|state, hash| match state.get(&digest, limits)? {
            Some(node) => Ok(state.prove(hash, &Span::of_node(&node))),
            None => Err(not_there(cid)),
        })
        .await?
    }

    /// Proves that a node is *not* in the store.
    /// [`ErrorKind::ConditionFailed`](crate::ErrorKind) where it is.
    pub async fn prove_absent(&self, node: &DagNode) -> Result<Proof> {
        self.read_hashed(|state, hash| {
            if state.has(node.digest()) {
                return Err(there(node));
            }
            Ok(state.prove(hash, &Span::of_node(node)))
        })
        .await?
    }

    /// Proves which nodes of a scope and a time (Unix milliseconds, both ends included) are in the
    /// store, and that there are no others.
    pub async fn prove_range(
        &self,
        scope_id: impl Into<String>,
        times: RangeInclusive<u64>,
    ) -> Result<Proof> {
        self.prove_span(&Span::of_time(scope_id, times)?).await
    }

    /// Proves which nodes are in a span, and that there are no others; see
    /// [`DagStore::prove_span`].
    pub async fn prove_span(&self, span: &Span) -> Result<Proof> {
        self.read_hashed(|state, hash| state.prove(hash, span)).await
    }

    /// Reads the tree behind the state hash; see [`DagStore::tree`].
    pub async fn tree(&self, places: &[TreeAddress]) -> Result<TreeAnswer> {
        limits::check("places of the tree", places.len(), TreeAddress::MOST)?;
        self.read_hashed(|state, hash| state.tree(hash, places)).await?
    }

    /// Compares this store with another, of any kind; see [`Compare`].
    pub fn compare<O: DagStore + ?Sized>(&self, other: &Arc<O>) -> Compare<SharedDagStore, O> {
        Compare::new(Arc::new(self.clone()), Arc::clone(other))
    }

    /// Copies all nodes of this store into another, of any kind, that lacks them; see [`CopyTo`].
    pub fn copy_to<'a, O: DagStore + ?Sized>(
        &self,
        other: &Arc<O>,
    ) -> CopyTo<'a, SharedDagStore, O> {
        CopyTo::new(Arc::new(self.clone()), Arc::clone(other))
    }

    /// Exports nodes as a CAR file: all of them, unless told otherwise before it is awaited.
    pub fn export_car(&self) -> CarExport<SharedDagStore> {
        CarExport::new(Arc::new(self.clone()))
    }

    /// Goes on with an export: writes some of it, once it has begun.
    pub(crate) async fn export_some<T>(
        &self,
        export: &mut Export,
        pace: &mut Pace,
        write: impl FnOnce(&mut Export, &State) -> Result<T>,
    ) -> Result<T> {
        let state = self.shared.state.read().await;
        let state = state.as_ref().ok_or_else(|| self.shared.gone())?;
        export.begin(state, pace).await?;
        write(export, state)
    }

    /// Imports the nodes of a CAR file; see [`DagStoreExt::import_car`](crate::DagStoreExt::import_car).
    pub async fn import_car(
        &self,
        chunks: impl TryStream<Ok: AsRef<[u8]>, Error: Into<Box<dyn Error + Send + Sync>>>,
    ) -> Result<Imported> {
        self.import_car_with(chunks, Changes::new()).await
    }

    /// The same, in one commit with these changes: for conditions, an id, or operations beside.
    pub async fn import_car_with(
        &self,
        chunks: impl TryStream<Ok: AsRef<[u8]>, Error: Into<Box<dyn Error + Send + Sync>>>,
        changes: Changes,
    ) -> Result<Imported> {
        import::import(self, chunks, changes).await
    }

    /// Checks everything anew; see [`DagStore::verify`].
    ///
    /// Others may read and write meanwhile. Where writers come in between again and again, they are
    /// held off at last.
    pub async fn verify(&self) -> Result<Verified> {
        self.verify_at(&mut Pace::default()).await
    }

    pub(crate) async fn verify_at(&self, pace: &mut Pace) -> Result<Verified> {
        let limits = self.limits();
        pace.expect(self.read(Verification::units).await?);
        for _ in 0..TRIES_BESIDE_WRITERS {
            let mut verification = self.read(Verification::begin).await??;
            let mut go_on = |state: &State| {
                verification.is_of(state).then(|| verification.go_on(state, limits))
            };
            while let Some(step) = self.read(&mut go_on).await? {
                match step? {
                    Step::More(units) => pace.worked(units).await?,
                    Step::Done(fresh) => {
                        let mut state = self.shared.state.write().await;
                        let state = state.as_mut().ok_or_else(|| self.shared.gone())?;
                        if !verification.is_of(state) {
                            break;
                        }
                        return verification.end(fresh, state.state_hash(pace).await?);
                    }
                }
            }
        }
        let mut state = self.shared.state.write().await;
        let state = state.as_mut().ok_or_else(|| self.shared.gone())?;
        let mut verification = Verification::begin(state)?;
        loop {
            match verification.go_on(state, limits)? {
                Step::More(units) => pace.worked(units).await?,
                Step::Done(fresh) => {
                    return verification.end(fresh, state.state_hash(pace).await?);
                }
            }
        }
    }

    /// Closes the store, for every handle on it, and frees its memory.
    pub async fn close(&self) -> Result<()> {
        if let Some(durable) = self.durable() {
            return self.shared.close_durably(durable).await;
        }
        let _turn = self.shared.gate.enter().await;
        self.shared.take_down().await;
        Ok(())
    }

    /// Reads the state together with its hash.
    async fn read_hashed<T>(&self, read: impl FnOnce(&State, StateHash) -> T) -> Result<T> {
        {
            let state = self.shared.state.read().await;
            let state = state.as_ref().ok_or_else(|| self.shared.gone())?;
            if let Some(hash) = state.known_hash(None) {
                return Ok(read(state, hash));
            }
        }
        let mut state = self.shared.state.write().await;
        let state = state.as_mut().ok_or_else(|| self.shared.gone())?;
        let hash = state.state_hash(&mut Pace::default()).await?;
        Ok(read(state, hash))
    }

    pub(crate) async fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T> {
        let state = self.shared.state.read().await;
        state.as_ref().map(read).ok_or_else(|| self.shared.gone())
    }
}

/// About how many units of work it is to commit so many operations, with so many bytes in all.
pub(crate) fn units_of_commit(operations: usize, bytes: usize) -> usize {
    operations * (1 + plan::UNITS + PLACING) + pace::to_copy(bytes)
}

impl DagStore for SharedDagStore {
    fn limits(&self) -> &Limits {
        self.limits()
    }

    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<Commit>> {
        Box::pin(self.commit(changes))
    }

    fn sequence(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.sequence())
    }

    fn next_commit<'a>(
        &'a self,
        after: u64,
        filter: &'a CommitFilter,
    ) -> BoxFuture<'a, Result<Commit>> {
        Box::pin(self.next_commit(after, filter))
    }

    fn get_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Option<DagNode>>>> {
        Box::pin(self.get_many(cids))
    }

    fn has_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<bool>>> {
        Box::pin(self.has_many(cids))
    }

    fn list_page<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<Page>> {
        Box::pin(self.list_page(query))
    }

    fn count<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.count(query))
    }

    fn scopes<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Scope>>> {
        Box::pin(self.scopes(after, limit))
    }

    fn heads<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.heads(scope_id))
    }

    fn len<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.len(scope_id))
    }

    fn children<'a>(&'a self, cid: &'a Cid) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.children(cid))
    }

    fn roots<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.roots(scope_id))
    }

    fn walk_page<'a>(&'a self, query: &'a WalkQuery) -> BoxFuture<'a, Result<WalkPage>> {
        Box::pin(self.walk_page(query))
    }

    fn is_ancestor<'a>(
        &'a self,
        ancestor: &'a Cid,
        descendant: &'a Cid,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.is_ancestor(ancestor, descendant))
    }

    fn merge_bases<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.merge_bases(cids))
    }

    fn path<'a>(&'a self, from: &'a Cid, to: &'a Cid) -> BoxFuture<'a, Result<Option<Vec<Cid>>>> {
        Box::pin(self.path(from, to))
    }

    fn state_hash<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<StateHash>> {
        Box::pin(self.state_hash(scope_id))
    }

    fn prove_span<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Proof>> {
        Box::pin(self.prove_span(span))
    }

    fn tree<'a>(&'a self, places: &'a [TreeAddress]) -> BoxFuture<'a, Result<TreeAnswer>> {
        Box::pin(self.tree(places))
    }

    fn export(self: Arc<Self>, query: ExportQuery) -> BoxStream<'static, Result<Vec<u8>>> {
        let export = Some(Export::new(query));
        Box::pin(stream::try_unfold((self, export), async |(store, export)| {
            let Some(mut export) = export else { return Ok(None) };
            let mut chunk = Vec::with_capacity(CHUNK);
            loop {
                let mut write =
                    |export: &mut Export, state: &State| export.write(state, &mut chunk);
                let more = store.export_some(&mut export, &mut Pace::default(), &mut write).await?;
                if !more {
                    return Ok(Some((chunk, (store, None))));
                }
                if !chunk.is_empty() {
                    return Ok(Some((chunk, (store, Some(export)))));
                }
            }
        }))
    }

    fn verify(&self) -> BoxFuture<'_, Result<Verified>> {
        Box::pin(self.verify())
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.close())
    }
}

impl fmt::Debug for SharedDagStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedDagStore").field("limits", self.limits()).finish_non_exhaustive()
    }
}

/// The futures of a store can be sent between threads; that they no longer can is an error here.
#[cfg(not(js_host))]
const _: () = {
    const fn is_send<T: Send>(_: &T) {}
    #[allow(dead_code, reason = "compiling it is the test")]
    fn futures_are_send(store: &SharedDagStore, changes: Changes, cid: Cid) {
        is_send(&store.commit(changes));
        is_send(&store.get(cid));
        is_send(&store.verify());
        is_send(&store.watch().into_future());
        is_send(&store.export_car().stream());
        is_send(&store.import_car(stream::empty::<Result<Vec<u8>>>()));
    }
};
