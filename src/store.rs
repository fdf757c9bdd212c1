//! The public contract: what every store does, on every storage.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use dag_store_verify::{ProofError, verify_absence, verify_presence};
use futures::stream::TryStream;

use crate::batch::DagStoreBatch;
use crate::id;
use crate::import;
use crate::list::List;
use crate::platform::{BoxFuture, BoxStream, MaybeSend, MaybeSync};
use crate::walk::{Diff, Direction, Walk, to_cids};
use crate::{
    CarExport, Changes, Cid, Commit, CommitFilter, Compare, CopyTo, DagError, DagNode, ErrorKind,
    ExportQuery, Imported, Limits, ListQuery, Page, Proof, Result, Scope, Span, StateHash, ToCid,
    TreeAddress, TreeAnswer, WalkPage, WalkQuery, Watch,
};

/// A store of the nodes of a Merkle DAG.
///
/// This is what an implementation provides; what people call is mostly in [`DagStoreExt`], which every
/// `Arc` of a store has. Object-safe: `Arc<dyn DagStore>` is how a [`Runtime`](crate::Runtime) holds
/// whichever store it was given.
///
/// # Contract
///
/// - A read sees a commit wholly or not at all, and never waits for a commit's I/O.
/// - Commits take effect in the order in which their futures are first polled.
/// - A future that is dropped has either had its whole effect or none, and leaves the store working.
/// - After [`close`](Self::close) every method fails with [`ErrorKind::Closed`].
///
/// The feature `conformance` has these and all the rules below as tests that any implementation can
/// run.
pub trait DagStore: fmt::Debug + MaybeSend + MaybeSync {
    /// The limits of this store.
    fn limits(&self) -> &Limits;

    /// Applies changes, all or nothing.
    ///
    /// The store as it is then must meet every condition ([`ErrorKind::ConditionFailed`]). Every node
    /// that is inserted must find its parents in the store or among the inserted
    /// ([`ErrorKind::MissingParent`], which names the first that doesn't, in staging order), and every node that is removed must leave no child behind
    /// ([`ErrorKind::HasChildren`]). Inserting a node that is there, or removing one that isn't,
    /// changes nothing.
    ///
    /// New nodes are placed parents first; among those whose parents are placed, the one staged first.
    /// A node that is there before and after keeps its place. Changes without net effect make no
    /// commit; see [`Commit`].
    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<Commit>>;

    /// The sequence number of the last commit; 0 before the first.
    fn sequence(&self) -> BoxFuture<'_, Result<u64>>;

    /// Waits for the first commit after the one with this sequence number that has a node for the
    /// filter, and gives it with those nodes alone: its number, its id, what it inserted and removed in
    /// their orders, and the state hash after it, where it was known then.
    ///
    /// [`ErrorKind::Compacted`] where the store has forgotten a commit after that number; it remembers
    /// [`Limits::history`] at least, except one that alone removes more nodes than that.
    /// [`ErrorKind::InvalidArgument`] where there was no such number yet, and [`ErrorKind::Closed`] when
    /// the store is closed meanwhile. A future that is dropped leaves nothing behind: whoever asks again
    /// after the same number misses nothing.
    fn next_commit<'a>(
        &'a self,
        after: u64,
        filter: &'a CommitFilter,
    ) -> BoxFuture<'a, Result<Commit>>;

    /// Reads nodes, in the order of the ids; `None` where there is none.
    fn get_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Option<DagNode>>>>;

    /// Tells which of these nodes are there.
    fn has_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<bool>>>;

    /// Reads one page of a list. A page may be shorter than its limit before the end of the list; only
    /// a missing `next` means the end.
    ///
    /// What it costs in [`SharedDagStore`](crate::SharedDagStore): by time, O(log n) steps and one for each
    /// node listed. By insertion, with k nodes of the scope and time asked for, no more than O(k) steps, and
    /// no more than it takes to go from node to node until the page is full; where k is over 65,536 (or
    /// there are over 4,096 scopes, and none is named), only the latter. Where that comes to very many
    /// nodes, the page is cut short.
    fn list_page<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<Page>>;

    /// How many nodes match the query's filters; its order, direction, limit and cursor don't matter.
    ///
    /// By scope and time it is told from the counts in the tree behind the state hash: in O(log n) steps
    /// for a scope of n nodes, and without a scope so for each scope. Where there are types, all nodes
    /// of these scopes and times are looked at.
    fn count<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<u64>>;

    /// The scopes that have nodes, sorted by the bytes of their ids: the first ones after this id (or of
    /// all), and no more than so many. Fewer than that are the last ones.
    fn scopes<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Scope>>>;

    /// The heads in insertion order: the nodes without a child in the store or, of a scope, the
    /// scope's nodes without a child in the same scope.
    fn heads<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>>;

    /// How many nodes there are in the store, or in one scope.
    fn len<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<u64>>;

    /// The children of a node, in insertion order. Here and in all the questions below, a node that is
    /// asked about and is not in the store is [`ErrorKind::NotFound`], with its CID.
    fn children<'a>(&'a self, cid: &'a Cid) -> BoxFuture<'a, Result<Vec<Cid>>>;

    /// The roots in insertion order: the nodes without a parent in the store or, of a scope, the
    /// scope's nodes without a parent in the same scope.
    fn roots<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>>;

    /// Reads one page of a walk, in the order of its [`Direction`]. A page may be shorter than its
    /// limit, or empty, before the end of the walk; only a missing `next` means the end.
    fn walk_page<'a>(&'a self, query: &'a WalkQuery) -> BoxFuture<'a, Result<WalkPage>>;

    /// Tells whether links lead from the descendant to the ancestor. A node is its own ancestor, as in
    /// git.
    fn is_ancestor<'a>(
        &'a self,
        ancestor: &'a Cid,
        descendant: &'a Cid,
    ) -> BoxFuture<'a, Result<bool>>;

    /// The best common ancestors of all these nodes: those that are no ancestors of another common
    /// ancestor. There may be several, or none; in the order of [`Direction::Ancestors`]. Of one node
    /// it is the node itself; of no node, [`ErrorKind::InvalidArgument`].
    fn merge_bases<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Cid>>>;

    /// A shortest path between two nodes, one of which is an ancestor of the other: the nodes from
    /// the first to the second, both included. `None` where neither is.
    ///
    /// Of several it is the one that, seen from the descendant, takes the first parent as early as it
    /// can, so that every store gives the same.
    fn path<'a>(&'a self, from: &'a Cid, to: &'a Cid) -> BoxFuture<'a, Result<Option<Vec<Cid>>>>;

    /// The state hash of the store, or of one scope. A scope without nodes has one too. Its bytes are in
    /// `docs/spec.md`, section "The state hash".
    fn state_hash<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<StateHash>>;

    /// Proves which nodes are in a span, and that there are no others. The proof is of the state at some
    /// moment during the call, whose hash comes with it.
    ///
    /// There is one proof for each state and span, byte by byte as `docs/spec.md`, section "Proofs",
    /// has it.
    fn prove_span<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Proof>>;

    /// Reads the tree behind the state hash: what stands in each of these places, all at the same moment,
    /// and the state hash at that moment. This is what two stores are compared by, see
    /// [`DagStoreExt::compare`]; `docs/spec.md`, section "Reading the tree", has it in full.
    ///
    /// More than [`TreeAddress::MOST`] places at once are [`ErrorKind::Limit`].
    fn tree<'a>(&'a self, places: &'a [TreeAddress]) -> BoxFuture<'a, Result<TreeAnswer>>;

    /// Gives nodes as a CAR file of version 1, chunk by chunk, each with some 256 KiB at most or one
    /// block. [`CarWriter`](crate::CarWriter) writes such files.
    ///
    /// The nodes are those of the query that the store held at some moment between the first poll and
    /// the first chunk; in insertion order; with those for roots that have no child among them, the
    /// newest 1,024 of them if there are more, in insertion order too. What is written meanwhile
    /// changes nothing of that, except that the stream ends with [`ErrorKind::ConditionFailed`] if
    /// one of the nodes can't be given because it was removed. Whether it is the file of the state
    /// at that moment or an error: it is nothing in between.
    fn export(self: Arc<Self>, query: ExportQuery) -> BoxStream<'static, Result<Vec<u8>>>;

    /// Checks everything anew: the form and hash of every block, every link, and the state hash
    /// against one computed from nothing but the blocks. [`ErrorKind::Corrupt`] names what is broken.
    fn verify(&self) -> BoxFuture<'_, Result<Verified>>;

    /// Closes the store, for every handle on it. Closing it again changes nothing.
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}

/// What [`DagStore::verify`] found in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many nodes were checked.
    pub nodes: u64,
    /// How many links to parents were followed.
    pub links: u64,
    /// The state hash, computed from the blocks alone.
    pub state_hash: StateHash,
}

/// What people do with a store: single inserts and removes, lists, batches, ids as text.
///
/// Every `Arc` of a [`DagStore`] has these methods, `Arc<dyn DagStore>` too. You can't implement the
/// trait, and needn't.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagEventType, DagNodeBuilder, DagStoreExt, SharedDagStore};
///
/// let store = Arc::new(SharedDagStore::new());
/// let node = DagNodeBuilder::new()
///     .content("node content")
///     .event_type(DagEventType::Proposal)
///     .scope_id("test-scope")
///     .timestamp(0)
///     .build()?;
/// store.insert(node.clone()).await?;
/// let id = node.cid()?.to_string();
/// assert_eq!(store.get(&id).await?, Some(node.clone()));
/// assert_eq!(store.list().await?, [node.clone()]);
///
/// let mut batch = store.begin_batch().await;
/// batch.insert(node).await?;
/// batch.remove(&id).await?;
/// batch.commit().await?;
/// batch.rollback(); // nothing is left to roll back
///
/// println!("{}", store.get_state_hash().await?);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
pub trait DagStoreExt: sealed::Sealed {
    /// The store within the `Arc`.
    type Store: DagStore + ?Sized;

    /// Inserts a node, and gives its CID. Inserting what is there already changes nothing.
    fn insert(&self, node: DagNode) -> impl Future<Output = Result<Cid>> + MaybeSend;

    /// Inserts nodes in one commit: all of them, or none. Parents may come after their children.
    fn insert_many(
        &self,
        nodes: impl IntoIterator<Item = DagNode> + MaybeSend,
    ) -> impl Future<Output = Result<Commit>> + MaybeSend;

    /// Inserts a block from outside, which must be a node in canonical DAG-CBOR.
    fn insert_block(
        &self,
        block: impl AsRef<[u8]> + MaybeSend,
    ) -> impl Future<Output = Result<Cid>> + MaybeSend;

    /// Removes a node; `false` where it wasn't there.
    fn remove(&self, id: impl ToCid + MaybeSend) -> impl Future<Output = Result<bool>> + MaybeSend;

    /// Reads a node.
    fn get(
        &self,
        id: impl ToCid + MaybeSend,
    ) -> impl Future<Output = Result<Option<DagNode>>> + MaybeSend;

    /// Reads a node's block.
    fn get_block(
        &self,
        id: impl ToCid + MaybeSend,
    ) -> impl Future<Output = Result<Option<Arc<[u8]>>>> + MaybeSend;

    /// Tells whether a node is there.
    fn has(&self, id: impl ToCid + MaybeSend) -> impl Future<Output = Result<bool>> + MaybeSend;

    /// Lists nodes: all of them in insertion order, unless told otherwise before it is awaited.
    fn list(&self) -> List<Self::Store>;

    /// The parents of a node, in the node's own order. Here and in all the questions below, a node
    /// that is asked about and is not in the store is [`ErrorKind::NotFound`], with its CID.
    fn parents(
        &self,
        id: impl ToCid + MaybeSend,
    ) -> impl Future<Output = Result<Vec<Cid>>> + MaybeSend;

    /// The children of a node, in insertion order.
    fn children(
        &self,
        id: impl ToCid + MaybeSend,
    ) -> impl Future<Output = Result<Vec<Cid>>> + MaybeSend;

    /// Walks from nodes to their ancestors, the nodes themselves included: children always before
    /// parents.
    fn ancestors(&self, ids: impl IntoIterator<Item = impl ToCid>) -> Walk<Self::Store>;

    /// Walks from nodes to their descendants, the nodes themselves included: parents always before
    /// children.
    fn descendants(&self, ids: impl IntoIterator<Item = impl ToCid>) -> Walk<Self::Store>;

    /// Walks over all nodes, or all of a scope: parents always before children, and in an order that
    /// depends on the nodes alone (see [`Direction`]). Each page looks at all nodes, so take large ones.
    fn topological(&self) -> Walk<Self::Store>;

    /// The difference of two sets of heads: what only the left ones reach, and what only the right
    /// ones do.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// # use std::sync::Arc;
    /// # use dag_store::{DagNode, DagStoreExt, SharedDagStore};
    /// # let store = Arc::new(SharedDagStore::new());
    /// # let node = |name: &str, parents: Vec<dag_store::Cid>| {
    /// #     let node = DagNode::builder().content(name).event_type("vote").scope_id("s").timestamp(0);
    /// #     node.parents(parents).build()
    /// # };
    /// let shared = store.insert(node("shared", vec![])?).await?;
    /// let ours = store.insert(node("ours", vec![shared])?).await?;
    /// let theirs = store.insert(node("theirs", vec![shared])?).await?;
    /// let diff = store.diff([ours], [theirs])?;
    /// assert_eq!(diff.left.cids().await?, [ours]);
    /// assert_eq!(diff.right.cids().await?, [theirs]);
    /// assert_eq!(store.merge_bases([ours, theirs]).await?, [shared]);
    /// # Ok::<(), dag_store::DagError>(())
    /// # }).unwrap();
    /// ```
    fn diff(
        &self,
        left: impl IntoIterator<Item = impl ToCid>,
        right: impl IntoIterator<Item = impl ToCid>,
    ) -> Result<Diff<Self::Store>>;

    /// Tells whether links lead from the descendant to the ancestor. A node is its own ancestor, as in
    /// git.
    fn is_ancestor(
        &self,
        ancestor: impl ToCid + MaybeSend,
        descendant: impl ToCid + MaybeSend,
    ) -> impl Future<Output = Result<bool>> + MaybeSend;

    /// The best common ancestors of all these nodes; see [`DagStore::merge_bases`].
    fn merge_bases(
        &self,
        ids: impl IntoIterator<Item = impl ToCid> + MaybeSend,
    ) -> impl Future<Output = Result<Vec<Cid>>> + MaybeSend;

    /// A shortest path between two nodes; see [`DagStore::path`].
    fn path(
        &self,
        from: impl ToCid + MaybeSend,
        to: impl ToCid + MaybeSend,
    ) -> impl Future<Output = Result<Option<Vec<Cid>>>> + MaybeSend;

    /// Watches the store: awaited, it gives a stream of all later commits.
    fn watch(&self) -> Watch<Self::Store>;

    /// Begins a batch: changes that are staged in private and committed as one.
    fn begin_batch(&self) -> impl Future<Output = DagStoreBatch<Self::Store>> + MaybeSend;

    /// The state hash of the whole store.
    fn get_state_hash(&self) -> impl Future<Output = Result<StateHash>> + MaybeSend;

    /// Proves that a node is in the store, to whoever has its block and the state hash; see
    /// [`verify_presence`](crate::verify::verify_presence). [`ErrorKind::NotFound`] where it isn't.
    fn prove(&self, id: impl ToCid + MaybeSend) -> impl Future<Output = Result<Proof>> + MaybeSend;

    /// Proves that a node is *not* in the store; see
    /// [`verify_absence`](crate::verify::verify_absence). [`ErrorKind::ConditionFailed`] where it is.
    fn prove_absent(&self, node: &DagNode) -> impl Future<Output = Result<Proof>> + MaybeSend;

    /// Proves which nodes of a scope and a time (Unix milliseconds, both ends included) are in the
    /// store, and that there are no others; see [`verify_range`](crate::verify::verify_range).
    fn prove_range(
        &self,
        scope_id: impl Into<String> + MaybeSend,
        times: RangeInclusive<u64>,
    ) -> impl Future<Output = Result<Proof>> + MaybeSend;

    /// Compares this store with another, of any kind: finds the nodes that only one of them has, without a
    /// walk over those that both have. See [`Compare`].
    fn compare<O: DagStore + ?Sized>(&self, other: &Arc<O>) -> Compare<Self::Store, O>;

    /// Copies all nodes of this store into another, of any kind, that lacks them: awaited, in as many commits as it
    /// takes. Stopped and made again, it goes on. See [`CopyTo`].
    fn copy_to<'a, O: DagStore + ?Sized>(&self, other: &Arc<O>) -> CopyTo<'a, Self::Store, O>;

    /// Exports nodes as a CAR file: all of them, unless told otherwise before it is awaited.
    fn export_car(&self) -> CarExport<Self::Store>;

    /// Imports the nodes of a CAR file, of version 1 or 2, from chunks of any size: all of them in one
    /// commit, or none.
    ///
    /// Every block must be a node that hashes to its CID; their order does not matter, nor that some
    /// are there already. The roots must be nodes of the file or of the store, so that a file that
    /// was cut short is refused. An error about the file says at which byte of it
    /// ([`offset`](DagError::offset)) and, where it is about one, at which node; of several nodes whose
    /// parents are nowhere, the first. What is held in memory is bounded by the limits of a batch.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use std::{io, sync::Arc};
    /// use dag_store::{DagStoreExt, SharedDagStore};
    /// use futures::stream;
    ///
    /// let store = Arc::new(SharedDagStore::new());
    /// let file = store.export_car().await?;
    ///
    /// // From memory; from a file, the stream that your runtime makes of it.
    /// let chunks = stream::iter(file.chunks(1 << 16).map(io::Result::Ok));
    /// store.import_car(chunks).await?;
    ///
    /// let cut = stream::iter([io::Result::Ok(&file[..10])]);
    /// assert_eq!(store.import_car(cut).await.unwrap_err().offset(), Some(10));
    /// # Ok::<(), dag_store::DagError>(())
    /// # }).unwrap();
    /// ```
    fn import_car(
        &self,
        chunks: impl TryStream<Ok: AsRef<[u8]>, Error: Into<Box<dyn Error + Send + Sync>>> + MaybeSend,
    ) -> impl Future<Output = Result<Imported>> + MaybeSend;

    /// The same, in one commit with these changes: for conditions, an id, or operations beside.
    fn import_car_with(
        &self,
        chunks: impl TryStream<Ok: AsRef<[u8]>, Error: Into<Box<dyn Error + Send + Sync>>> + MaybeSend,
        changes: Changes,
    ) -> impl Future<Output = Result<Imported>> + MaybeSend;
}

mod sealed {
    pub trait Sealed {}
    impl<S: super::DagStore + ?Sized> Sealed for std::sync::Arc<S> {}
}

impl<S: DagStore + ?Sized> DagStoreExt for Arc<S> {
    type Store = S;

    async fn insert(&self, node: DagNode) -> Result<Cid> {
        let cid = node.cid()?;
        let changes = insertion([node], self.limits());
        self.commit(changes?).await?;
        Ok(cid)
    }

    async fn insert_many(
        &self,
        nodes: impl IntoIterator<Item = DagNode> + MaybeSend,
    ) -> Result<Commit> {
        let changes = insertion(nodes, self.limits());
        self.commit(changes?).await
    }

    async fn insert_block(&self, block: impl AsRef<[u8]> + MaybeSend) -> Result<Cid> {
        let node = DagNode::decode_with(block, self.limits())?;
        DagStoreExt::insert(self, node).await
    }

    async fn remove(&self, id: impl ToCid + MaybeSend) -> Result<bool> {
        let mut changes = Changes::new();
        changes.remove(id.to_cid()?)?;
        let commit = self.commit(changes).await?;
        Ok(!commit.removed.is_empty())
    }

    async fn get(&self, id: impl ToCid + MaybeSend) -> Result<Option<DagNode>> {
        let cid = id.to_cid()?;
        Ok(self.get_many(&[cid]).await?.pop().flatten())
    }

    async fn get_block(&self, id: impl ToCid + MaybeSend) -> Result<Option<Arc<[u8]>>> {
        let node = DagStoreExt::get(self, id).await?;
        Ok(node.map(|node| node.to_block()))
    }

    async fn has(&self, id: impl ToCid + MaybeSend) -> Result<bool> {
        let cid = id.to_cid()?;
        Ok(self.has_many(&[cid]).await?.contains(&true))
    }

    fn list(&self) -> List<S> {
        List::new(Arc::clone(self))
    }

    async fn parents(&self, id: impl ToCid + MaybeSend) -> Result<Vec<Cid>> {
        let cid = id.to_cid()?;
        let node = DagStoreExt::get(self, cid).await?;
        Ok(node.ok_or_else(|| not_there(cid))?.parents())
    }

    async fn children(&self, id: impl ToCid + MaybeSend) -> Result<Vec<Cid>> {
        let cid = id.to_cid()?;
        DagStore::children(&**self, &cid).await
    }

    fn ancestors(&self, ids: impl IntoIterator<Item = impl ToCid>) -> Walk<S> {
        Walk::new(Arc::clone(self), Direction::Ancestors, ids)
    }

    fn descendants(&self, ids: impl IntoIterator<Item = impl ToCid>) -> Walk<S> {
        Walk::new(Arc::clone(self), Direction::Descendants, ids)
    }

    fn topological(&self) -> Walk<S> {
        Walk::new(Arc::clone(self), Direction::All, std::iter::empty::<Cid>())
    }

    fn diff(
        &self,
        left: impl IntoIterator<Item = impl ToCid>,
        right: impl IntoIterator<Item = impl ToCid>,
    ) -> Result<Diff<S>> {
        Diff::new(self, left, right)
    }

    async fn is_ancestor(
        &self,
        ancestor: impl ToCid + MaybeSend,
        descendant: impl ToCid + MaybeSend,
    ) -> Result<bool> {
        let [ancestor, descendant] = [ancestor.to_cid()?, descendant.to_cid()?];
        DagStore::is_ancestor(&**self, &ancestor, &descendant).await
    }

    async fn merge_bases(
        &self,
        ids: impl IntoIterator<Item = impl ToCid> + MaybeSend,
    ) -> Result<Vec<Cid>> {
        let cids = to_cids(ids);
        DagStore::merge_bases(&**self, &cids?).await
    }

    async fn path(
        &self,
        from: impl ToCid + MaybeSend,
        to: impl ToCid + MaybeSend,
    ) -> Result<Option<Vec<Cid>>> {
        let [from, to] = [from.to_cid()?, to.to_cid()?];
        DagStore::path(&**self, &from, &to).await
    }

    fn watch(&self) -> Watch<S> {
        Watch::new(Arc::clone(self))
    }

    async fn begin_batch(&self) -> DagStoreBatch<S> {
        DagStoreBatch::new(Arc::clone(self))
    }

    async fn get_state_hash(&self) -> Result<StateHash> {
        self.state_hash(None).await
    }

    async fn prove(&self, id: impl ToCid + MaybeSend) -> Result<Proof> {
        let cid = id.to_cid()?;
        let node = DagStoreExt::get(self, cid).await?.ok_or_else(|| not_there(cid))?;
        let proof = self.prove_span(&Span::of_node(&node)).await?;
        // It may have been removed since it was read.
        match verify_presence(proof.state_hash().as_bytes(), node.as_bytes(), proof.as_bytes()) {
            Err(ProofError::Absent) => Err(not_there(cid)),
            _ => Ok(proof),
        }
    }

    async fn prove_absent(&self, node: &DagNode) -> Result<Proof> {
        let proof = self.prove_span(&Span::of_node(node)).await?;
        match verify_absence(proof.state_hash().as_bytes(), node.as_bytes(), proof.as_bytes()) {
            Err(ProofError::Present) => Err(there(node)),
            _ => Ok(proof),
        }
    }

    async fn prove_range(
        &self,
        scope_id: impl Into<String> + MaybeSend,
        times: RangeInclusive<u64>,
    ) -> Result<Proof> {
        let span = Span::of_time(scope_id, times);
        self.prove_span(&span?).await
    }

    fn compare<O: DagStore + ?Sized>(&self, other: &Arc<O>) -> Compare<S, O> {
        Compare::new(Arc::clone(self), Arc::clone(other))
    }

    fn copy_to<'a, O: DagStore + ?Sized>(&self, other: &Arc<O>) -> CopyTo<'a, S, O> {
        CopyTo::new(Arc::clone(self), Arc::clone(other))
    }

    fn export_car(&self) -> CarExport<S> {
        CarExport::new(Arc::clone(self))
    }

    async fn import_car(
        &self,
        chunks: impl TryStream<Ok: AsRef<[u8]>, Error: Into<Box<dyn Error + Send + Sync>>> + MaybeSend,
    ) -> Result<Imported> {
        import::import(&**self, chunks, Changes::new()).await
    }

    async fn import_car_with(
        &self,
        chunks: impl TryStream<Ok: AsRef<[u8]>, Error: Into<Box<dyn Error + Send + Sync>>> + MaybeSend,
        changes: Changes,
    ) -> Result<Imported> {
        import::import(&**self, chunks, changes).await
    }
}

/// The insertion of nodes, of which no more are taken than a batch may have.
pub(crate) fn insertion(
    nodes: impl IntoIterator<Item = DagNode>,
    limits: &Limits,
) -> Result<Changes> {
    let mut changes = Changes::new();
    for node in nodes {
        changes.insert(node);
        changes.check_room(0, 0, limits)?;
    }
    Ok(changes)
}

/// The error of every operation on a store that was closed.
pub(crate) fn closed() -> DagError {
    DagError::new(ErrorKind::Closed, "the store is closed")
}

/// The error of a question about the commits after one that has yet to come.
pub(crate) fn not_yet() -> DagError {
    DagError::new(
        ErrorKind::InvalidArgument,
        "there is no such commit yet: its number comes from another store, or from one that has lost \
         what it had",
    )
}

/// The error of every operation on a store after a commit whose outcome nobody knows.
pub(crate) fn needs_reopen() -> DagError {
    DagError::new(
        ErrorKind::NeedsReopen,
        "the store no longer knows what its journal holds; close it, and open it anew",
    )
}

/// The error of a question about a node that is not in the store.
pub(crate) fn not_there(cid: Cid) -> DagError {
    DagError::new(ErrorKind::NotFound, "the node is not in the store").with_cid(cid)
}

/// The error where a node was to be proved absent.
pub(crate) fn there(node: &DagNode) -> DagError {
    let error = DagError::new(ErrorKind::ConditionFailed, "the node is in the store");
    error.with_cid(id::cid_of(node.digest()))
}
