//! Reading many nodes in order: queries, cursors, and the lazy list over them.

use std::fmt;
use std::future::IntoFuture;
use std::str::FromStr;
use std::sync::Arc;

use futures::stream::{self, TryStreamExt as _};

use crate::digest::{Digest, parse_hex, write_hex};
use crate::platform::{BoxFuture, BoxStream};
use crate::{DagError, DagEventType, DagNode, DagStore, ErrorKind, Result};

/// How many nodes a page holds unless the query says otherwise.
pub(crate) const PAGE: usize = 256;

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// The order in which the nodes came to be in the store; parents always before children.
    #[default]
    Insertion,
    /// By timestamp, then by digest. Needs a scope.
    Time,
}

/// What to list. Filters choose nodes; they never change the order.
///
/// # Examples
///
/// ```
/// use dag_store::{ListQuery, Order};
///
/// let mut query = ListQuery::default();
/// query.scope_id = Some("garden-coop".into());
/// query.order = Order::Time;
/// query.since = Some(1_700_000_000_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListQuery {
    /// Only nodes of this scope.
    pub scope_id: Option<String>,
    /// Only nodes of these types; empty means of all. (To [`List::event_types`], none mean none.)
    pub event_types: Vec<DagEventType>,
    /// Only nodes of this time (Unix milliseconds) or later.
    pub since: Option<u64>,
    /// Only nodes of this time (Unix milliseconds) or earlier.
    pub until: Option<u64>,
    /// Only nodes that came to be in the store after the commit with this sequence number;
    /// [`ErrorKind::Compacted`] where the store no longer knows which those are, and
    /// [`ErrorKind::InvalidArgument`] where there is no such commit yet.
    pub after_commit: Option<u64>,
    /// The order; [`Order::Time`] without a scope is [`ErrorKind::InvalidArgument`].
    pub order: Order,
    /// From the end to the beginning.
    pub reverse: bool,
    /// How many nodes a page has at most; 256 unless set. 0 is taken as 1.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
}

impl Default for ListQuery {
    fn default() -> Self {
        ListQuery {
            scope_id: None,
            event_types: Vec::new(),
            since: None,
            until: None,
            after_commit: None,
            order: Order::default(),
            reverse: false,
            limit: PAGE,
            cursor: None,
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The nodes, in order.
    pub nodes: Vec<DagNode>,
    /// Where to go on; `None` at the end of the list.
    pub next: Option<Cursor>,
}

/// A place in a list, just after some node. Opaque; it stays valid while others write, also when
/// that node is removed, and across copies of its text.
///
/// Cursors belong to the store that gave them, and to one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

/// What a cursor of `SharedDagStore` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The node with this ordinal.
    Insertion(u64),
    /// The node of this time and digest.
    Time(u64, Digest),
}

impl Cursor {
    /// Wraps a store's own notion of a place. For implementations of `DagStore`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Cursor(text.into())
    }

    /// The text of the cursor.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn place(&self) -> Result<Place> {
        let parse = || {
            let (order, rest) = self.0.split_at_checked(1)?;
            if order == "i" {
                return Some(Place::Insertion(u64::from_str_radix(rest, 16).ok()?));
            }
            let (time, digest) = rest.split_once('-')?;
            (order == "t").then_some(())?;
            Some(Place::Time(u64::from_str_radix(time, 16).ok()?, parse_hex(digest)?))
        };
        parse().ok_or_else(|| {
            DagError::new(ErrorKind::InvalidArgument, "a cursor that no list of this store gave")
        })
    }
}

impl From<Place> for Cursor {
    fn from(place: Place) -> Self {
        Cursor(match place {
            Place::Insertion(ordinal) => format!("i{ordinal:x}"),
            Place::Time(time, digest) => format!("t{time:x}-{}", Hex(&digest)),
        })
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, self.0)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = DagError;

    fn from_str(text: &str) -> Result<Self> {
        Ok(Cursor(text.to_owned()))
    }
}

/// A list that is yet to be read: await it for all its nodes at once, or take it as a
/// [`stream`](List::stream), which reads a page at a time.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagNode, DagStoreExt, Order, SharedDagStore};
/// use futures::TryStreamExt;
///
/// let store = Arc::new(SharedDagStore::new());
/// for (time, scope) in [(3, "a"), (1, "a"), (2, "b")] {
///     let node = DagNode::builder().content(time).event_type("vote").scope_id(scope);
///     store.insert(node.timestamp(time as u64).build()?).await?;
/// }
/// assert_eq!(store.list().await?.len(), 3);
///
/// let mut times = Vec::new();
/// let mut stream = store.list().scope_id("a").order(Order::Time).stream();
/// while let Some(node) = stream.try_next().await? {
///     times.push(node.timestamp());
/// }
/// assert_eq!(times, [1, 3]);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[must_use = "a list reads nothing until it is awaited or streamed"]
pub struct List<S: DagStore + ?Sized> {
    store: Arc<S>,
    query: ListQuery,
    /// How many nodes are still wanted.
    wanted: usize,
    /// To a query, no types mean all; a choice of none means none.
    of_no_type: bool,
}

impl<S: DagStore + ?Sized> List<S> {
    pub(crate) fn new(store: Arc<S>) -> Self {
        List { store, query: ListQuery::default(), wanted: usize::MAX, of_no_type: false }
    }

    /// Only nodes of this scope.
    pub fn scope_id(mut self, scope_id: impl Into<String>) -> Self {
        self.query.scope_id = Some(scope_id.into());
        self
    }

    /// Only nodes of these types; of no type, if there are none.
    pub fn event_types(mut self, types: impl IntoIterator<Item = impl Into<DagEventType>>) -> Self {
        self.query.event_types = types.into_iter().map(Into::into).collect();
        self.of_no_type = self.query.event_types.is_empty();
        self
    }

    /// Only nodes of this time (Unix milliseconds) or later.
    pub fn since(mut self, millis: u64) -> Self {
        self.query.since = Some(millis);
        self
    }

    /// Only nodes of this time (Unix milliseconds) or earlier.
    pub fn until(mut self, millis: u64) -> Self {
        self.query.until = Some(millis);
        self
    }

    /// Only nodes that came to be in the store after the commit with this sequence number.
    ///
    /// [`ErrorKind::Compacted`] where the store no longer knows which those are; see
    /// [`Limits::history`](crate::Limits::history). [`ErrorKind::InvalidArgument`] where there is no such
    /// commit yet.
    pub fn after_commit(mut self, sequence: u64) -> Self {
        self.query.after_commit = Some(sequence);
        self
    }

    /// Sets the order; [`Order::Time`] needs a scope.
    pub fn order(mut self, order: Order) -> Self {
        self.query.order = order;
        self
    }

    /// From the end to the beginning.
    pub fn reverse(mut self) -> Self {
        self.query.reverse = true;
        self
    }

    /// No more than this many nodes in all.
    pub fn limit(mut self, nodes: usize) -> Self {
        self.wanted = nodes;
        self
    }

    /// Only what comes after this cursor.
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.query.cursor = Some(cursor);
        self
    }

    /// Reads one page of at most `nodes` nodes, and where to go on. `page(0)` is `page(1)`: a page with room for
    /// nothing would lead nowhere.
    pub async fn page(mut self, nodes: usize) -> Result<Page> {
        let wanted = self.wanted();
        self.query.limit = nodes.min(wanted).max(1);
        let page = self.store.list_page(&self.query).await?;
        // Where nothing is wanted, it was asked for what else may be wrong.
        Ok(if wanted == 0 { Page { nodes: Vec::new(), next: None } } else { page })
    }

    fn wanted(&self) -> usize {
        if self.of_no_type { 0 } else { self.wanted }
    }

    /// Counts the nodes of this list without listing them: all that match its filters, whatever its limit
    /// and its cursor. See [`DagStore::count`] for what that costs.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// # use dag_store::{DagNode, SharedDagStore};
    /// # let store = SharedDagStore::new();
    /// for time in 0..10 {
    ///     let node = DagNode::builder().content(time).event_type("vote").scope_id("garden");
    ///     store.insert(node.timestamp(time as u64).build()?).await?;
    /// }
    /// assert_eq!(store.list().scope_id("garden").since(2).until(4).count().await?, 3);
    /// # Ok::<(), dag_store::DagError>(())
    /// # }).unwrap();
    /// ```
    pub async fn count(self) -> Result<u64> {
        let count = self.store.count(&self.query).await?;
        Ok(if self.of_no_type { 0 } else { count })
    }

    /// Reads the nodes as they are asked for, a page at a time. Nodes that others insert meanwhile may
    /// or may not come. None comes twice, unless it is removed meanwhile and inserted again. After an
    /// error the stream ends.
    #[must_use = "a stream reads nothing until it is polled"]
    pub fn stream<'a>(self) -> BoxStream<'a, Result<DagNode>>
    where
        S: 'a,
    {
        let pages = stream::try_unfold(Some(self), |list| async move {
            let Some(mut list) = list else {
                return Ok(None);
            };
            let wanted = list.wanted();
            // Where nothing is wanted, the first page is asked for what else may be wrong.
            list.query.limit = wanted.clamp(1, PAGE);
            let Page { mut nodes, next } = list.store.list_page(&list.query).await?;
            nodes.truncate(wanted);
            list.wanted = wanted - nodes.len();
            list.query.cursor = next;
            let more = list.query.cursor.is_some() && list.wanted > 0;
            let list = more.then_some(list);
            Ok::<_, DagError>(Some((stream::iter(nodes.into_iter().map(Ok)), list)))
        });
        Box::pin(pages.try_flatten())
    }
}

impl<S: DagStore + ?Sized + 'static> IntoFuture for List<S> {
    type Output = Result<Vec<DagNode>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.stream().try_collect())
    }
}

impl<S: DagStore + ?Sized> fmt::Debug for List<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("List").field(&self.query).finish()
    }
}
