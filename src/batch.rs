//! Changes staged in private, then committed as one or rolled back.

use std::fmt;
use std::sync::Arc;

use crate::chunked::Chunked;
use crate::digest::Digest;
use crate::id;
use crate::pace::Pace;
use crate::platform::MaybeSend;
use crate::{
    Change, Changes, Cid, Commit, CommitId, Condition, DagError, DagNode, DagStore, ErrorKind,
    Result, ToCid,
};

/// How many nodes are staged in one go.
const PIECE: usize = 1 << 8;

/// A batch of changes to a store: staged one by one, seen by nobody, then committed all at once or
/// rolled back. Dropping it rolls it back.
///
/// It is a plain value: it holds its staging and a handle on the store, and no lock. So any number of
/// batches may be open at once; each is checked against the store as it is when it commits. A staging
/// call that fails leaves the batch as it was.
///
/// Parents may be staged after their children. The last operation on a node wins.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagNode, DagStoreExt, ErrorKind, SharedDagStore};
///
/// let store = Arc::new(SharedDagStore::new());
/// let mut batch = store.begin_batch().await;
/// let root = DagNode::builder().content("root").event_type("genesis").scope_id("s").build()?;
/// let id = batch.insert(root).await?;
///
/// assert!(batch.get(id).await?.is_some()); // the batch sees what it staged
/// assert!(!store.has(id).await?); // the store does not, yet
///
/// let commit = batch.commit().await?;
/// assert_eq!(commit.inserted, [id]);
/// assert_eq!(batch.commit().await.unwrap_err().kind(), ErrorKind::BatchClosed);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
pub struct DagStoreBatch<S: DagStore + ?Sized> {
    store: Arc<S>,
    /// `None` once committed or rolled back.
    staged: Option<Changes>,
}

#[allow(clippy::unused_async, reason = "staging is async so that it may go to a storage some day")]
impl<S: DagStore + ?Sized> DagStoreBatch<S> {
    pub(crate) fn new(store: Arc<S>) -> Self {
        DagStoreBatch { store, staged: Some(Changes::new()) }
    }

    /// Stages the insertion of a node, and gives its CID.
    pub async fn insert(&mut self, node: DagNode) -> Result<Cid> {
        self.stage_insert(node)
    }

    /// Stages the insertion of nodes: all of them, or none where one is refused.
    pub async fn insert_many(
        &mut self,
        nodes: impl IntoIterator<Item = DagNode> + MaybeSend,
    ) -> Result<Vec<Cid>> {
        let limits = self.store.limits().clone();
        let staged = self.open()?;
        let mut bytes = 0;
        let mut taken = Chunked::default();
        for node in nodes {
            bytes += node.as_bytes().len();
            staged.check_room(taken.len() + 1, bytes, &limits)?;
            node.check(&limits)?;
            taken.push(node);
        }
        let mut cids = Vec::with_capacity(taken.len());
        let staged = |digest: &Digest| cids.push(id::cid_of(digest));
        self.stage_inserts(taken, bytes, &mut Pace::default(), staged).await?;
        Ok(cids)
    }

    /// Stages nodes that are within the limits, with so many bytes in all, and tells of each. Once the
    /// first is staged, all will be.
    pub(crate) async fn stage_inserts(
        &mut self,
        nodes: Chunked<DagNode>,
        bytes: usize,
        pace: &mut Pace,
        mut tell: impl FnMut(&Digest),
    ) -> Result<()> {
        let limits = self.store.limits().clone();
        let staged = self.open()?;
        staged.check_room(nodes.len(), bytes, &limits)?;
        staged.reserve(nodes.len())?;
        pace.check()?;
        pace.expect(nodes.len());
        let mut nodes = nodes.into_iter();
        pace.see_through(|| {
            let mut count = 0;
            for node in nodes.by_ref().take(PIECE) {
                tell(node.digest());
                staged.insert(node);
                count += 1;
            }
            (count > 0).then_some(count)
        })
        .await;
        Ok(())
    }

    /// Stages the insertion of a block from outside, which must be a node in canonical DAG-CBOR.
    pub async fn insert_block(&mut self, block: impl AsRef<[u8]> + MaybeSend) -> Result<Cid> {
        self.open()?;
        let node = DagNode::decode_with(block, self.store.limits())?;
        self.stage_insert(node)
    }

    fn stage_insert(&mut self, node: DagNode) -> Result<Cid> {
        let store = Arc::clone(&self.store);
        let staged = self.open()?;
        staged.check_room(1, node.as_bytes().len(), store.limits())?;
        node.check(store.limits())?;
        staged.reserve(1)?;
        let cid = node.cid()?;
        staged.insert(node);
        Ok(cid)
    }

    /// Stages the removal of a node. That no child of it stays behind is checked by the commit; that it
    /// is there at all is not asked.
    pub async fn remove(&mut self, id: impl ToCid + MaybeSend) -> Result<()> {
        self.stage_removes(vec![id.to_cid()?])
    }

    /// Stages the removal of nodes: of all of them, or of none where an id is refused.
    pub async fn remove_many(
        &mut self,
        ids: impl IntoIterator<Item = impl ToCid> + MaybeSend,
    ) -> Result<()> {
        let cids = ids.into_iter().map(|id| id.to_cid()).collect::<Result<_>>()?;
        self.stage_removes(cids)
    }

    fn stage_removes(&mut self, cids: Vec<Cid>) -> Result<()> {
        let store = Arc::clone(&self.store);
        let staged = self.open()?;
        staged.check_room(cids.len(), 0, store.limits())?;
        staged.reserve(cids.len())?;
        cids.into_iter().try_for_each(|cid| staged.remove(cid))
    }

    /// Reads a node as it would be after the commit: from what is staged, else from the store.
    pub async fn get(&mut self, id: impl ToCid + MaybeSend) -> Result<Option<DagNode>> {
        let cid = id.to_cid()?;
        match self.open()?.get(&cid) {
            Some(Change::Insert(node)) => Ok(Some(node.clone())),
            Some(Change::Remove(_)) => Ok(None),
            None => Ok(self.store.get_many(&[cid]).await?.pop().flatten()),
        }
    }

    /// Adds a condition that must hold at the moment of the commit.
    pub fn require(&mut self, condition: Condition) -> Result<()> {
        self.open()?.require(condition);
        Ok(())
    }

    /// Sets the commit's id; otherwise it is random.
    pub fn set_id(&mut self, id: CommitId) -> Result<()> {
        self.open()?.set_id(id);
        Ok(())
    }

    /// Asks for the state hash after the commit.
    pub fn want_state_hash(&mut self, wanted: bool) -> Result<()> {
        self.open()?.want_state_hash(wanted);
        Ok(())
    }

    /// Commits: checks what is staged against the store as it is now, and applies all of it or
    /// nothing. Either way the batch is closed.
    pub async fn commit(&mut self) -> Result<Commit> {
        let staged = self.staged.take().ok_or_else(closed)?;
        self.store.commit(staged).await
    }

    /// Forgets what is staged and closes the batch. On a closed batch this does nothing.
    pub fn rollback(&mut self) {
        self.staged = None;
    }

    /// How many operations are staged, one per node.
    #[must_use]
    pub fn len(&self) -> usize {
        self.staged.as_ref().map_or(0, Changes::len)
    }

    /// Whether nothing is staged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the batch was committed or rolled back.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.staged.is_none()
    }

    fn open(&mut self) -> Result<&mut Changes> {
        self.staged.as_mut().ok_or_else(closed)
    }
}

#[cfg(all(js_host, feature = "npm"))]
impl DagStoreBatch<crate::SharedDagStore> {
    /// A batch of what was staged elsewhere.
    pub(crate) fn with_staged(store: Arc<crate::SharedDagStore>, changes: Changes) -> Self {
        DagStoreBatch { store, staged: Some(changes) }
    }

    /// The same as [`commit`](Self::commit), at a pace.
    pub(crate) async fn commit_at(&mut self, pace: &mut Pace) -> Result<Commit> {
        let staged = self.staged.take().ok_or_else(closed)?;
        self.store.commit_at(pace, staged).await
    }

    /// What is staged, for as long as the batch is open.
    #[cfg(feature = "faults")]
    pub(crate) fn staged(&self) -> Option<&Changes> {
        self.staged.as_ref()
    }
}

fn closed() -> DagError {
    DagError::new(ErrorKind::BatchClosed, "the batch was committed or rolled back already")
}

impl<S: DagStore + ?Sized> fmt::Debug for DagStoreBatch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DagStoreBatch").field("staged", &self.staged).finish_non_exhaustive()
    }
}
