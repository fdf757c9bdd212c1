//! Walks along the links: queries, pages, and the walk that is yet to be made.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::stream::{self, Stream, TryStreamExt as _};

use crate::list::PAGE;
use crate::platform::{BoxFuture, BoxStream, MaybeSend};
use crate::{Cid, Cursor, DagError, DagEventType, DagNode, DagStore, Page, Result, ToCid};

/// The most CIDs that a stream reads at once, unless the cursor is longer than they are.
const MOST: usize = 1 << 14;
/// Characters of a cursor for each node in it; see `graph/walk.rs`.
const CURSOR_ENTRY: usize = 72;

/// Which way a walk goes, and so its order.
///
/// The order is by generation (0 for a node without parents, else 1 + the largest of its parents), then
/// timestamp, then digest. It depends on the nodes alone: the same set gives the same sequence on
/// every store, in whatever order they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the starts to their parents, and so on: children always before parents.
    #[default]
    Ancestors,
    /// From the starts to their children, and so on: parents always before children.
    Descendants,
    /// Over all nodes of the store or scope: parents always before children.
    All,
}

/// What to walk over. Filters choose nodes; they change neither the order nor where the walk goes, so
/// it passes through nodes that it does not give.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use dag_store::{DagNode, DagStore, Direction, SharedDagStore, WalkQuery};
///
/// let store = SharedDagStore::new();
/// let node = DagNode::builder().content("first").event_type("genesis").scope_id("s").build()?;
/// let mut query = WalkQuery::default();
/// query.direction = Direction::Descendants;
/// query.starts = vec![store.insert(node).await?];
/// query.depth = Some(1);
/// assert_eq!(store.walk_page(&query).await?.cids, query.starts);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkQuery {
    /// Which way.
    pub direction: Direction,
    /// Where the walk starts: these nodes are part of it. Every one must be in the store
    /// ([`ErrorKind::NotFound`](crate::ErrorKind::NotFound)). [`Direction::All`] has none.
    pub starts: Vec<Cid>,
    /// Leaves out these nodes, which must be in the store, and all that a walk from them would
    /// reach. [`Direction::All`] has none.
    pub excluding: Vec<Cid>,
    /// How many links away from the nearest start the walk goes; 0 is the starts alone.
    /// [`Direction::All`] has none.
    pub depth: Option<u32>,
    /// Only nodes of this scope.
    pub scope_id: Option<String>,
    /// Only nodes of these types; empty means of all. (To [`Walk::event_types`], none mean none.)
    pub event_types: Vec<DagEventType>,
    /// Only nodes of this time (Unix milliseconds) or later.
    pub since: Option<u64>,
    /// Only nodes of this time (Unix milliseconds) or earlier.
    pub until: Option<u64>,
    /// How many nodes a page has at most; 256 unless set. 0 is taken as 1.
    pub limit: usize,
    /// Where the page before ended. Starts and what is excluded are then those of that page's walk,
    /// whatever stands here. The depth and the filters are what stands here: give them again.
    pub cursor: Option<Cursor>,
}

impl Default for WalkQuery {
    fn default() -> Self {
        WalkQuery {
            direction: Direction::default(),
            starts: Vec::new(),
            excluding: Vec::new(),
            depth: None,
            scope_id: None,
            event_types: Vec::new(),
            since: None,
            until: None,
            limit: PAGE,
            cursor: None,
        }
    }
}

/// One page of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkPage {
    /// The nodes' CIDs, in order.
    pub cids: Vec<Cid>,
    /// Where to go on; `None` at the end of the walk. It stays valid while others write. Its length
    /// is in proportion to the width of the DAG where the page ended: 72 characters for each node
    /// that the walk has come to and not yet taken.
    pub next: Option<Cursor>,
}

/// A walk that is yet to be made: await it for all its nodes at once, or take it as a
/// [`stream`](Walk::stream), which reads a page at a time; [`cids`](Walk::cids) gives CIDs instead
/// of nodes, which costs much less.
///
/// The starts are part of their walk, as they are in git's. Nodes that others insert meanwhile may or
/// may not come; those that others remove meanwhile are left out, and so may be what only they led to.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagNode, DagStoreExt, SharedDagStore};
///
/// let store = Arc::new(SharedDagStore::new());
/// let mut ids = Vec::new();
/// for time in 0..5 {
///     let node = DagNode::builder().content(time).event_type("vote").scope_id("s").timestamp(time);
///     ids.push(store.insert(node.parents(ids.last().copied()).build()?).await?);
/// }
/// let newest = ids[4].to_string();
/// assert_eq!(store.ancestors([&newest]).depth(1).cids().await?, [ids[4], ids[3]]);
/// assert_eq!(store.ancestors([ids[4]]).excluding([ids[2]]).cids().await?, [ids[4], ids[3]]);
/// assert_eq!(store.descendants([ids[3]]).await?.len(), 2);
/// assert_eq!(store.topological().cids().await?, ids);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[must_use = "a walk reads nothing until it is awaited or streamed"]
pub struct Walk<S: DagStore + ?Sized> {
    store: Arc<S>,
    /// An id that can't be read is told when the walk is.
    query: Result<WalkQuery>,
    /// How many nodes are still wanted.
    wanted: usize,
    /// To a query, no types mean all; a choice of none means none.
    of_no_type: bool,
}

impl<S: DagStore + ?Sized> Walk<S> {
    pub(crate) fn new(
        store: Arc<S>,
        direction: Direction,
        starts: impl IntoIterator<Item = impl ToCid>,
    ) -> Self {
        let query = to_cids(starts);
        let query = query.map(|starts| WalkQuery { direction, starts, ..WalkQuery::default() });
        Walk { store, query, wanted: usize::MAX, of_no_type: false }
    }

    fn with(mut self, set: impl FnOnce(&mut WalkQuery)) -> Self {
        if let Ok(query) = &mut self.query {
            set(query);
        }
        self
    }

    /// Goes no further than this many links away from the nearest start; 0 is the starts alone. To
    /// [`topological`](crate::DagStoreExt::topological), which starts nowhere, this is
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) when the walk is read.
    pub fn depth(self, links: u32) -> Self {
        self.with(|query| query.depth = Some(links))
    }

    /// Leaves out these nodes, and all that a walk from them would reach: of ancestors what is left is
    /// the range that `git rev-list starts ^excluded` gives. Said again, it leaves out these too. To
    /// [`topological`](crate::DagStoreExt::topological) this is
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) when the walk is read.
    pub fn excluding(mut self, ids: impl IntoIterator<Item = impl ToCid>) -> Self {
        match to_cids(ids) {
            Ok(ids) => self.with(|query| query.excluding.extend(ids)),
            Err(error) => {
                self.query = self.query.and(Err(error));
                self
            }
        }
    }

    /// Only nodes of this scope.
    pub fn scope_id(self, scope_id: impl Into<String>) -> Self {
        self.with(|query| query.scope_id = Some(scope_id.into()))
    }

    /// Only nodes of these types; of no type, if there are none.
    pub fn event_types(mut self, types: impl IntoIterator<Item = impl Into<DagEventType>>) -> Self {
        let types: Vec<DagEventType> = types.into_iter().map(Into::into).collect();
        self.of_no_type = types.is_empty();
        self.with(|query| query.event_types = types)
    }

    /// Only nodes of this time (Unix milliseconds) or later.
    pub fn since(self, millis: u64) -> Self {
        self.with(|query| query.since = Some(millis))
    }

    /// Only nodes of this time (Unix milliseconds) or earlier.
    pub fn until(self, millis: u64) -> Self {
        self.with(|query| query.until = Some(millis))
    }

    /// No more than this many nodes in all.
    pub fn limit(mut self, nodes: usize) -> Self {
        self.wanted = nodes;
        self
    }

    /// Only what comes after this cursor, whose walk goes on, from the page that gave it; of a [`Diff`], on the side
    /// that page was of. Give the depth and the filters again; see [`WalkQuery::cursor`].
    pub fn after(self, cursor: Cursor) -> Self {
        self.with(|query| query.cursor = Some(cursor))
    }

    /// The same walk, giving CIDs.
    pub fn cids(self) -> CidWalk<S> {
        CidWalk { walk: self }
    }

    /// Reads one page of at most `nodes` nodes, and where to go on. `page(0)` is `page(1)`.
    pub async fn page(self, nodes: usize) -> Result<Page> {
        let store = Arc::clone(&self.store);
        let WalkPage { cids, next } = self.cids().page(nodes).await?;
        let nodes = store.get_many(&cids).await?.into_iter().flatten().collect();
        Ok(Page { nodes, next })
    }

    /// Reads the nodes as they are asked for. After an error the stream ends.
    #[must_use = "a stream reads nothing until it is polled"]
    pub fn stream<'a>(self) -> BoxStream<'a, Result<DagNode>>
    where
        S: 'a,
    {
        let store = Arc::clone(&self.store);
        let pages: BoxStream<'a, _> = Box::pin(self.cids().pages());
        let nodes = stream::try_unfold((store, pages, Vec::new()), |state| async move {
            let (store, mut pages, mut rest) = state;
            while rest.is_empty() {
                match pages.try_next().await? {
                    Some(cids) => rest = cids,
                    None => return Ok(None),
                }
            }
            let later = rest.split_off(rest.len().min(PAGE));
            let nodes = store.get_many(&rest).await?.into_iter().flatten();
            Ok::<_, DagError>(Some((stream::iter(nodes.map(Ok)), (store, pages, later))))
        });
        Box::pin(nodes.try_flatten())
    }
}

impl<S: DagStore + ?Sized + 'static> IntoFuture for Walk<S> {
    type Output = Result<Vec<DagNode>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.stream().try_collect())
    }
}

impl<S: DagStore + ?Sized> fmt::Debug for Walk<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Walk").field(&self.query).finish()
    }
}

/// A [`Walk`] that gives CIDs.
#[must_use = "a walk reads nothing until it is awaited or streamed"]
pub struct CidWalk<S: DagStore + ?Sized> {
    walk: Walk<S>,
}

impl<S: DagStore + ?Sized> CidWalk<S> {
    /// Reads one page of at most `nodes` CIDs, and where to go on. `page(0)` is `page(1)`.
    pub async fn page(self, nodes: usize) -> Result<WalkPage> {
        let Walk { store, query, wanted, of_no_type } = self.walk;
        let query = query?;
        let wanted = if of_no_type { 0 } else { wanted };
        let limit = nodes.min(wanted).max(1);
        let page = store.walk_page(&WalkQuery { limit, ..query }).await?;
        // Where nothing is wanted, it was asked for what else may be wrong.
        Ok(if wanted == 0 { WalkPage { cids: Vec::new(), next: None } } else { page })
    }

    /// Reads the CIDs as they are asked for. After an error the stream ends.
    #[must_use = "a stream reads nothing until it is polled"]
    pub fn stream<'a>(self) -> BoxStream<'a, Result<Cid>>
    where
        S: 'a,
    {
        let some = |cids: Vec<Cid>| stream::iter(cids.into_iter().map(Ok));
        Box::pin(self.pages().map_ok(some).try_flatten())
    }

    /// Its pages, larger and larger ones.
    fn pages<'a>(self) -> impl Stream<Item = Result<Vec<Cid>>> + MaybeSend + 'a
    where
        S: 'a,
    {
        let Walk { store, query, wanted, of_no_type } = self.walk;
        let wanted = if of_no_type { 0 } else { wanted };
        stream::try_unfold(Some((store, query, wanted, PAGE)), |state| async move {
            let Some((store, query, wanted, size)) = state else {
                return Ok(None);
            };
            let query = query?;
            // Reading and writing a long cursor must not cost more than the nodes between do.
            let frontier = query.cursor.as_ref().map_or(0, |cursor| cursor.as_str().len());
            // Where nothing is wanted, the first page is asked for what else may be wrong.
            let limit = wanted.min(size.max(frontier / CURSOR_ENTRY)).max(1);
            let query = WalkQuery { limit, ..query };
            let WalkPage { mut cids, next } = store.walk_page(&query).await?;
            cids.truncate(wanted);
            let wanted = wanted - cids.len();
            let query =
                WalkQuery { cursor: next, starts: Vec::new(), excluding: Vec::new(), ..query };
            let more = query.cursor.is_some() && wanted > 0;
            let state = more.then(|| (store, Ok(query), wanted, MOST.min(4 * size)));
            Ok::<_, DagError>(Some((cids, state)))
        })
    }
}

impl<S: DagStore + ?Sized + 'static> IntoFuture for CidWalk<S> {
    type Output = Result<Vec<Cid>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.stream().try_collect())
    }
}

impl<S: DagStore + ?Sized> fmt::Debug for CidWalk<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CidWalk").field(&self.walk.query).finish()
    }
}

/// The difference of two sets of heads; see [`DagStoreExt::diff`](crate::DagStoreExt::diff).
#[derive(Debug)]
pub struct Diff<S: DagStore + ?Sized> {
    /// What only the left ones reach.
    pub left: Walk<S>,
    /// What only the right ones reach.
    pub right: Walk<S>,
}

impl<S: DagStore + ?Sized> Diff<S> {
    pub(crate) fn new(
        store: &Arc<S>,
        left: impl IntoIterator<Item = impl ToCid>,
        right: impl IntoIterator<Item = impl ToCid>,
    ) -> Result<Self> {
        let left = to_cids(left)?;
        let right = to_cids(right)?;
        let only = |starts: &[Cid], others: &[Cid]| {
            Walk::new(Arc::clone(store), Direction::Ancestors, starts).excluding(others)
        };
        Ok(Diff { left: only(&left, &right), right: only(&right, &left) })
    }
}

/// Reads ids; fails with the first that is none.
pub(crate) fn to_cids(ids: impl IntoIterator<Item = impl ToCid>) -> Result<Vec<Cid>> {
    ids.into_iter().map(|id| id.to_cid()).collect()
}
