//! The nodes of one store, copied into another of any kind.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::TryStreamExt as _;

use crate::pace::Pace;
use crate::platform::{BoxFuture, MaybeSend};
use crate::{
    Changes, Cid, Compare, DagError, DagNode, DagStore, ErrorKind, ListQuery, Page, Result, Side,
    StateHash,
};

/// How many nodes a commit of a copy has at most.
const NODES: usize = 1 << 10;
/// Once the blocks that wait have so many bytes, they are committed.
const BYTES: usize = 1 << 22;
/// How many bytes of blocks a page has at most, whatever they are.
const PAGE_BYTES: usize = 1 << 26;
/// How often a copy goes after a store that is written to meanwhile.
const TRIES: usize = 8;

/// What a copy has done: so far, or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// How many nodes were written, since the other store had not got them.
    pub nodes: u64,
    /// How many bytes their blocks have together.
    pub bytes: u64,
    /// How many nodes were not written, since the other store has them already.
    pub skipped: u64,
    /// How many nodes there are to be copied: those of the store that is copied, when they were last counted.
    pub total: u64,
    /// The state hash that both stores had at the end. `None` before the end; and where the two differ, because the
    /// other one holds more, or somebody has written meanwhile. After [`CopyTo::verify`] it is always there.
    pub state_hash: Option<StateHash>,
}

/// A copy that is yet to be made: awaited, it inserts all nodes of a store into another one, of any kind. Made by
/// [`DagStoreExt::copy_to`](crate::DagStoreExt::copy_to).
///
/// The nodes go over in insertion order, in commits of up to 1,024 nodes or some 4 MiB, so that both stores list
/// them in the same order if the other one was empty. Where its medium takes less at once, the commits get
/// smaller. Memory holds one page and one commit: some 70 MiB of blocks at the very most, whatever the stores hold.
///
/// **It can be stopped anywhere**, by an error or by dropping it, and what was committed stays. Made again, it
/// goes on where it ended: it looks for the first commit whose nodes the other store lacks, by halves, and begins
/// there. If the stores have the same state hash, nothing is read at all.
///
/// **The other store may hold other nodes**, which stay as they are; a copy removes nothing. Then it has to look
/// for each node whether it is there, and only reads and writes what is not.
///
/// **This store may be written to meanwhile.** What was there when the copy began, and was not removed, is copied;
/// what comes later may be. With [`verify`](Self::verify) the copy goes after what comes, some times over,
/// and ends with [`ErrorKind::Contended`] if the stores are never seen in the same state.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagNode, DagStoreExt, MemoryJournal, SharedDagStore};
///
/// let store = Arc::new(SharedDagStore::new());
/// for number in 0..3 {
///     let node = DagNode::builder().content(number).event_type("vote").scope_id("garden");
///     store.insert(node.timestamp(0).build()?).await?;
/// }
/// let kept = Arc::new(SharedDagStore::open(Arc::new(MemoryJournal::new())).await?);
///
/// let copied = store.copy_to(&kept).verify().await?;
/// assert_eq!(copied.nodes, 3);
/// assert_eq!(copied.state_hash, Some(kept.get_state_hash().await?));
///
/// let again = store.copy_to(&kept).on_progress(|so_far| println!("{so_far:?}")).await?;
/// assert_eq!((again.nodes, again.skipped), (0, 3));
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[must_use = "a copy does nothing until it is awaited"]
pub struct CopyTo<'a, S: DagStore + ?Sized, O: DagStore + ?Sized> {
    from: Arc<S>,
    to: Arc<O>,
    verify: bool,
    progress: Box<dyn Tell + 'a>,
}

trait Tell: MaybeSend {
    fn tell(&mut self, copied: Copied);
}

impl<F: FnMut(Copied) + MaybeSend> Tell for F {
    fn tell(&mut self, copied: Copied) {
        self(copied);
    }
}

impl<'a, S: DagStore + ?Sized, O: DagStore + ?Sized> CopyTo<'a, S, O> {
    pub(crate) fn new(from: Arc<S>, to: Arc<O>) -> Self {
        CopyTo { from, to, verify: false, progress: Box::new(|_| ()) }
    }

    /// Ends only when both stores are known to be the same: every block, link and hash of the other one is checked
    /// anew ([`DagStore::verify`]), and its state hash must be the one that this store has.
    ///
    /// [`ErrorKind::ConditionFailed`] where the other store has nodes that this one has not: it says how many, and names
    /// the first; all nodes of this one are there nevertheless. [`ErrorKind::Corrupt`] names what is broken.
    pub fn verify(self) -> Self {
        CopyTo { verify: true, ..self }
    }

    /// Tells how far it is: when it has begun, and after each page and commit.
    pub fn on_progress(self, tell: impl FnMut(Copied) + MaybeSend + 'a) -> Self {
        CopyTo { progress: Box::new(tell), ..self }
    }

    async fn make(self) -> Result<Copied> {
        let CopyTo { from, to, verify, progress } = self;
        let at_once = (PAGE_BYTES / from.limits().block_bytes.max(1)).clamp(1, NODES);
        let most = to.limits().batch_operations.clamp(1, NODES);
        let copied = Copied::default();
        let mut copying = Copying {
            from,
            to,
            copied,
            own: 0,
            since: 0,
            at_once,
            most,
            waiting: Waiting::default(),
            pace: Pace::default(),
            progress,
        };
        copying.fill().await?;
        if verify {
            copying.settle().await?;
        }
        copying.tell();
        Ok(copying.copied)
    }
}

impl<'a, S, O> IntoFuture for CopyTo<'a, S, O>
where
    S: DagStore + ?Sized + 'a,
    O: DagStore + ?Sized + 'a,
{
    type Output = Result<Copied>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

impl<S: DagStore + ?Sized, O: DagStore + ?Sized> fmt::Debug for CopyTo<'_, S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyTo").field("verify", &self.verify).finish_non_exhaustive()
    }
}

/// A copy on its way.
struct Copying<'a, S: DagStore + ?Sized, O: DagStore + ?Sized> {
    from: Arc<S>,
    to: Arc<O>,
    copied: Copied,
    /// How many of the nodes that it comes by it has written itself, earlier on.
    own: u64,
    /// The last commit of the source when it was last gone through.
    since: u64,
    /// How many nodes a page has, and how many a commit.
    at_once: usize,
    most: usize,
    waiting: Waiting,
    pace: Pace,
    progress: Box<dyn Tell + 'a>,
}

/// What is to be committed next.
#[derive(Default)]
struct Waiting {
    nodes: Vec<DagNode>,
    bytes: usize,
}

impl<S: DagStore + ?Sized, O: DagStore + ?Sized> Copying<'_, S, O> {
    /// Copies what is there.
    async fn fill(&mut self) -> Result<()> {
        if self.is_same().await? {
            self.copied.total = self.from.len(None).await?;
            self.copied.skipped = self.copied.total;
            return Ok(());
        }
        if let Some(place) = self.place().await? {
            match self.go_through(Some(place)).await {
                Ok(()) if self.is_same().await? => return Ok(()),
                Err(error) if !is_of_the_place(&error) => return Err(error),
                // It was no copy that ended there; so nothing is known about what comes before.
                _ => {}
            }
        }
        self.go_through(None).await?;
        self.is_same().await?;
        Ok(())
    }

    /// Goes after what comes, until the stores are the same and verified.
    async fn settle(&mut self) -> Result<()> {
        for _ in 0..TRIES {
            if self.is_same().await? {
                let verified = self.to.verify().await?;
                if self.copied.state_hash == Some(verified.state_hash) {
                    return Ok(());
                }
                continue;
            }
            self.check_others().await?;
            let since = self.since;
            match self.go_through(Some(since)).await {
                Err(error) if is_of_the_place(&error) => self.go_through(None).await?,
                done => done?,
            }
        }
        let message = "a store has changed again and again while it was copied: all that was there is copied; \
                       verify it when nobody writes";
        Err(DagError::new(ErrorKind::Contended, message))
    }

    /// Whether both stores have the same state hash.
    async fn is_same(&mut self) -> Result<bool> {
        let here = self.from.state_hash(None).await?;
        let is_same = here == self.to.state_hash(None).await?;
        self.copied.state_hash = is_same.then_some(here);
        Ok(is_same)
    }

    /// Refuses a target that has nodes of its own.
    async fn check_others(&mut self) -> Result<()> {
        let mut differences = Compare::new(Arc::clone(&self.from), Arc::clone(&self.to)).stream();
        let mut others: Option<(u64, Cid)> = None;
        loop {
            match differences.try_next().await {
                Ok(Some(found)) if found.side == Side::There => {
                    let (count, first) = others.unwrap_or((0, found.cid));
                    others = Some((count + 1, first));
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                // Somebody writes. If there are others, they are found when nobody does.
                Err(error) if error.kind() == ErrorKind::Contended => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let Some((count, first)) = others else { return Ok(()) };
        let message = format!(
            "all nodes are copied, but the stores are not the same: the other one has {count} more, of which this is \
             the first"
        );
        Err(DagError::new(ErrorKind::ConditionFailed, message).with_cid(first))
    }

    /// The last commit of the source whose following node the target has; `None` where there is no such, or the source
    /// has forgotten. A target that was being filled in order has all nodes before that.
    async fn place(&mut self) -> Result<Option<u64>> {
        if self.to.len(None).await? == 0 {
            return Ok(None);
        }
        let (mut low, mut high) = (1, self.from.sequence().await?);
        let mut found = None;
        while low < high {
            let middle = low + (high - low) / 2;
            let mut query = ListQuery::default();
            (query.after_commit, query.limit) = (Some(middle), 1);
            match self.first(query).await {
                Ok(Some(cid)) if self.to.has_many(&[cid]).await?.contains(&true) => {
                    (found, low) = (Some(middle), middle + 1);
                }
                Ok(_) => high = middle,
                Err(error) if error.kind() == ErrorKind::Compacted => low = middle + 1,
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The first node of a list.
    async fn first(&mut self, mut query: ListQuery) -> Result<Option<Cid>> {
        loop {
            let Page { nodes, next } = self.from.list_page(&query).await?;
            match (nodes.first(), next) {
                (Some(node), _) => return Ok(Some(node.cid()?)),
                (None, None) => return Ok(None),
                (None, next) => query.cursor = next,
            }
        }
    }

    /// Inserts what is lacking of the nodes that came after a commit, or of all.
    async fn go_through(&mut self, after: Option<u64>) -> Result<()> {
        self.since = self.from.sequence().await?;
        self.waiting = Waiting::default();
        let mut query = ListQuery::default();
        (query.after_commit, query.limit) = (after, self.at_once);
        let (total, listed) = (self.from.len(None).await?, self.from.count(&query).await?);
        self.copied.total = total;
        let before = total.saturating_sub(listed);
        self.copied.skipped = before.saturating_sub(self.copied.nodes);
        self.own = self.copied.nodes.saturating_sub(before);
        loop {
            self.tell();
            let Page { nodes, next } = self.from.list_page(&query).await?;
            self.pace.went_on(nodes.len()).await;
            self.take(nodes).await?;
            if next.is_none() {
                return self.commit().await;
            }
            query.cursor = next;
        }
    }

    /// Takes the next page, and commits what there is if that is much.
    async fn take(&mut self, nodes: Vec<DagNode>) -> Result<()> {
        let cids = nodes.iter().map(DagNode::cid).collect::<Result<Vec<_>>>()?;
        let there = self.to.has_many(&cids).await?;
        for (node, there) in nodes.into_iter().zip(there) {
            if there {
                match self.own.checked_sub(1) {
                    Some(left) => self.own = left,
                    None => self.copied.skipped += 1,
                }
                continue;
            }
            self.waiting.bytes += node.as_bytes().len();
            self.waiting.nodes.push(node);
            if self.waiting.nodes.len() >= self.most || self.waiting.bytes >= BYTES {
                self.commit().await?;
            }
        }
        Ok(())
    }

    /// Commits what waits: in several commits, if one is more than the target takes.
    async fn commit(&mut self) -> Result<()> {
        let Waiting { nodes, .. } = std::mem::take(&mut self.waiting);
        let mut left = nodes.as_slice();
        while !left.is_empty() {
            let (some, rest) = left.split_at(left.len().min(self.most));
            let mut changes = Changes::new();
            for node in some {
                changes.insert(node.clone());
            }
            match self.to.commit(changes).await {
                Ok(_) => {
                    self.copied.nodes += some.len() as u64;
                    self.copied.bytes +=
                        some.iter().map(|node| node.as_bytes().len() as u64).sum::<u64>();
                    self.tell();
                    left = rest;
                }
                Err(error) if error.kind() == ErrorKind::Limit && some.len() > 1 => {
                    self.most = some.len() / 2;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn tell(&mut self) {
        // Some may have come since they were counted.
        let Copied { nodes, skipped, total, .. } = self.copied;
        self.copied.total = total.max(nodes + skipped);
        self.progress.tell(self.copied);
    }
}

/// Whether it was the place to begin from that was wrong.
fn is_of_the_place(error: &DagError) -> bool {
    matches!(error.kind(), ErrorKind::MissingParent | ErrorKind::Compacted)
}
