//! Watching a store: its commits, one after the other, as they come.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::stream;

use crate::platform::{BoxFuture, BoxStream};
use crate::{Commit, DagEventType, DagStore, Result};

/// What somebody who watches a store is to be told of: which nodes, and whether of their coming or of
/// their going. A commit without any such node is passed over.
///
/// # Examples
///
/// ```
/// use dag_store::{ChangeKind, CommitFilter, DagEventType};
///
/// let mut filter = CommitFilter::default();
/// filter.scope_id = Some("garden-coop".into());
/// filter.event_types = Some(vec![DagEventType::Vote]);
/// filter.only = Some(ChangeKind::Inserted);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommitFilter {
    /// Only nodes of this scope.
    pub scope_id: Option<String>,
    /// Only nodes of these types; of no type, if there are none. `None` means of all.
    pub event_types: Option<Vec<DagEventType>>,
    /// Only nodes that came, or only nodes that went.
    pub only: Option<ChangeKind>,
}

/// What can become of a node in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was not there before.
    Inserted,
    /// It is no longer there.
    Removed,
}

impl CommitFilter {
    /// Whether nodes of this type may pass.
    pub(crate) fn takes_type(&self, event_type: &[u8]) -> bool {
        let is_it = |wanted: &DagEventType| wanted.as_str().as_bytes() == event_type;
        self.event_types.as_ref().is_none_or(|types| types.iter().any(is_it))
    }
}

/// A watch that is yet to begin. Await it to begin; that gives a stream of commits, each with the nodes
/// that it was asked for.
///
/// - The stream begins with the first commit after the await, or [`from`](Watch::from) an earlier one on.
///   From there on no commit is left out and none comes twice.
/// - It has no buffer, and the store keeps none for it: the store remembers its last commits for all who
///   watch ([`Limits::history`](crate::Limits::history)). Whoever falls further behind gets
///   [`ErrorKind::Compacted`](crate::ErrorKind::Compacted).
/// - It ends after an error, and with [`ErrorKind::Closed`](crate::ErrorKind::Closed) when the store is
///   closed. Until then it keeps the store alive. Dropping it ends it, and leaves nothing behind.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagNode, DagStoreExt, SharedDagStore};
/// use futures::TryStreamExt;
///
/// let store = Arc::new(SharedDagStore::new());
/// let mut votes = store.watch().scope_id("garden-coop").event_types(["vote"]).await?;
///
/// let event = |event_type: &str| {
///     DagNode::builder().content(true).event_type(event_type).scope_id("garden-coop").build()
/// };
/// store.insert(event("proposal")?).await?;
/// let vote = store.insert(event("vote")?).await?;
///
/// let commit = votes.try_next().await?.expect("the store is open");
/// assert_eq!((commit.sequence, commit.inserted), (2, vec![vote]));
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
///
/// To have all nodes, and then whatever is new, note the number before you read:
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use dag_store::{DagNode, DagStore, DagStoreExt, SharedDagStore};
/// # let store = Arc::new(SharedDagStore::new());
/// let sequence = store.sequence().await?;
/// let nodes = store.list().await?;
/// let commits = store.watch().from(sequence + 1).await?;
/// # drop((nodes, commits));
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[must_use = "a watch does nothing until it is awaited"]
pub struct Watch<S: DagStore + ?Sized> {
    store: Arc<S>,
    filter: CommitFilter,
    from: Option<u64>,
}

impl<S: DagStore + ?Sized> Watch<S> {
    pub(crate) fn new(store: Arc<S>) -> Self {
        Watch { store, filter: CommitFilter::default(), from: None }
    }

    /// Only nodes of this scope.
    pub fn scope_id(mut self, scope_id: impl Into<String>) -> Self {
        self.filter.scope_id = Some(scope_id.into());
        self
    }

    /// Only nodes of these types; of no type, if there are none.
    pub fn event_types(mut self, types: impl IntoIterator<Item = impl Into<DagEventType>>) -> Self {
        self.filter.event_types = Some(types.into_iter().map(Into::into).collect());
        self
    }

    /// Only nodes that came, or only nodes that went.
    pub fn only(mut self, kind: ChangeKind) -> Self {
        self.filter.only = Some(kind);
        self
    }

    /// From the commit with this sequence number on; 0 is the same as 1, the first. To go on after a
    /// commit, give the number after its own.
    ///
    /// [`ErrorKind::Compacted`](crate::ErrorKind::Compacted) where the store has forgotten it. A number
    /// beyond that of the next commit is
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument): it comes from another store, or
    /// from one that has lost what it had. Both are told by the stream, as its first item.
    pub fn from(mut self, sequence: u64) -> Self {
        self.from = Some(sequence);
        self
    }
}

impl<S: DagStore + ?Sized + 'static> IntoFuture for Watch<S> {
    type Output = Result<BoxStream<'static, Result<Commit>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let after = match self.from {
                Some(from) => from.saturating_sub(1),
                None => self.store.sequence().await?,
            };
            let Watch { store, filter, .. } = self;
            let commits =
                stream::try_unfold((after, store, filter), |(after, store, filter)| async move {
                    let commit = store.next_commit(after, &filter).await?;
                    let next = (commit.sequence, store, filter);
                    Ok(Some((commit, next)))
                });
            Ok(Box::pin(commits) as BoxStream<'static, _>)
        })
    }
}

impl<S: DagStore + ?Sized> fmt::Debug for Watch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("filter", &self.filter)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}
