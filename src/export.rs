//! Nodes on their way out, as a CAR file.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::TryStreamExt as _;

use crate::car;
use crate::pace::Pace;
use crate::platform::{BoxFuture, BoxStream};
use crate::state::{Selected, State};
use crate::{Cid, DagError, DagNode, DagStore, ErrorKind, Result, ToCid, id};

/// How many bytes a chunk has at most, beside a header, unless it is one larger block.
pub(crate) const CHUNK: usize = 1 << 18;

/// Which nodes to export: those that all of this is true of.
///
/// # Examples
///
/// ```
/// use dag_store::ExportQuery;
///
/// let mut query = ExportQuery::default(); // every node
/// query.scope_id = Some("garden-coop".into());
/// query.after_commit = Some(12);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportQuery {
    /// Only nodes of this scope.
    pub scope_id: Option<String>,
    /// Only these nodes and their ancestors. One that is not there is [`ErrorKind::NotFound`].
    pub past_of: Option<Vec<Cid>>,
    /// Not these nodes nor their ancestors: what the reader has already. One that is not there says
    /// nothing.
    pub not_past_of: Vec<Cid>,
    /// Only nodes that were inserted after the commit of this sequence number: [`ErrorKind::Compacted`]
    /// where the store no longer knows which those are, and [`ErrorKind::InvalidArgument`] where there is
    /// no such commit yet.
    pub after_commit: Option<u64>,
}

/// An export that is yet to begin: await it for the whole file, or take it as a
/// [`stream`](CarExport::stream) of chunks of some 256 KiB, of which memory holds one at a time.
///
/// The file is of CAR version 1. Its blocks are in insertion order, so parents come before their
/// children; its roots are those of its nodes that have no child in it, up to 1,024 of the newest.
///
/// It has the nodes that the store held when the first chunk was asked for, whatever is inserted
/// meanwhile. If one of them is removed before it was written, the export ends with
/// [`ErrorKind::ConditionFailed`]; export again.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::{convert::Infallible, sync::Arc};
/// use dag_store::{DagNode, DagStoreExt, SharedDagStore};
/// use futures::{StreamExt, stream};
///
/// let store = Arc::new(SharedDagStore::new());
/// for scope in ["a", "b"] {
///     let node = DagNode::builder().content("hello").event_type("genesis").scope_id(scope);
///     store.insert(node.timestamp(1).build()?).await?;
/// }
/// let file: Vec<u8> = store.export_car().scope_id("a").await?;
///
/// // From store to store, without the whole file in memory.
/// let replica = Arc::new(SharedDagStore::new());
/// let imported = replica.import_car(store.export_car().stream()).await?;
/// assert_eq!(imported.commit.inserted.len(), 2);
/// assert_eq!(replica.get_state_hash().await?, store.get_state_hash().await?);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[must_use = "an export reads nothing until it is awaited or streamed"]
pub struct CarExport<S: DagStore + ?Sized> {
    store: Arc<S>,
    /// An id that makes no sense is told when the export begins.
    query: Result<ExportQuery>,
}

impl<S: DagStore + ?Sized> CarExport<S> {
    pub(crate) fn new(store: Arc<S>) -> Self {
        CarExport { store, query: Ok(ExportQuery::default()) }
    }

    /// Only nodes of this scope.
    pub fn scope_id(self, scope_id: impl Into<String>) -> Self {
        self.with(|query| {
            query.scope_id = Some(scope_id.into());
            Ok(())
        })
    }

    /// Only these nodes and their ancestors. Said again, it is these instead.
    pub fn past_of(self, ids: impl IntoIterator<Item = impl ToCid>) -> Self {
        self.with(|query| {
            query.past_of = Some(read_all(ids)?);
            Ok(())
        })
    }

    /// Not these nodes nor their ancestors: what the reader has already. Ids of nodes that are not
    /// there say nothing. Said again, it is these instead.
    pub fn not_past_of(self, ids: impl IntoIterator<Item = impl ToCid>) -> Self {
        self.with(|query| {
            query.not_past_of = read_all(ids)?;
            Ok(())
        })
    }

    /// Only nodes that were inserted after the commit of this sequence number: [`ErrorKind::Compacted`]
    /// where the store no longer knows which those are, and [`ErrorKind::InvalidArgument`] where there is
    /// no such commit yet.
    pub fn after_commit(self, sequence: u64) -> Self {
        self.with(|query| {
            query.after_commit = Some(sequence);
            Ok(())
        })
    }

    fn with(mut self, set: impl FnOnce(&mut ExportQuery) -> Result<()>) -> Self {
        self.query = self.query.and_then(|mut query| set(&mut query).map(|()| query));
        self
    }

    /// Gives the file chunk by chunk, as they are asked for.
    #[must_use]
    pub fn stream(self) -> BoxStream<'static, Result<Vec<u8>>> {
        match self.query {
            Ok(query) => self.store.export(query),
            Err(error) => Box::pin(futures::stream::iter([Err(error)])),
        }
    }
}

fn read_all(ids: impl IntoIterator<Item = impl ToCid>) -> Result<Vec<Cid>> {
    ids.into_iter().map(|id| id.to_cid()).collect()
}

impl<S: DagStore + ?Sized + 'static> IntoFuture for CarExport<S> {
    type Output = Result<Vec<u8>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.stream().try_concat())
    }
}

impl<S: DagStore + ?Sized> fmt::Debug for CarExport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CarExport").field(&self.query).finish()
    }
}

/// Writes nodes as a CAR file, piece by piece. For implementations of [`DagStore::export`].
///
/// # Examples
///
/// ```
/// use dag_store::{CarWriter, DagNode};
///
/// let node = DagNode::builder().content(1).event_type("vote").scope_id("s").timestamp(1).build()?;
/// let mut writer = CarWriter::new(&[node.cid()?])?;
/// writer.write(&node);
/// let file = writer.take();
/// assert!(file.ends_with(node.as_bytes()));
/// # Ok::<(), dag_store::DagError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CarWriter {
    written: Vec<u8>,
}

impl CarWriter {
    /// How many roots a file has at most.
    pub const MOST_ROOTS: usize = car::MOST_ROOTS;

    /// Begins a file with these roots, which are nodes. [`ErrorKind::Limit`] where there are too many.
    pub fn new(roots: &[Cid]) -> Result<Self> {
        crate::limits::check("roots of a CAR file", roots.len(), car::MOST_ROOTS)?;
        let roots = roots.iter().map(id::digest_of).collect::<Result<Vec<_>>>()?;
        let mut written = Vec::new();
        car::write_header(&roots, &mut written);
        Ok(CarWriter { written })
    }

    /// Adds a node.
    pub fn write(&mut self, node: &DagNode) {
        car::write_section(node.digest(), node.as_bytes(), &mut self.written);
    }

    /// Takes what was written since this was called last.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.written)
    }
}

/// An export of the store in memory, as far as it has come.
#[derive(Debug)]
pub(crate) struct Export {
    query: ExportQuery,
    /// What it is of, once that was settled.
    selected: Option<Selected>,
    has_header: bool,
}

impl Export {
    pub(crate) fn new(query: ExportQuery) -> Self {
        Export { query, selected: None, has_header: false }
    }

    /// How many nodes were written, of how many.
    #[cfg_attr(not(all(js_host, feature = "npm")), allow(dead_code, reason = "bindings tell it"))]
    pub(crate) fn progress(&self) -> (u64, u64) {
        self.selected.as_ref().map_or((0, 0), |selected| (selected.written, selected.count))
    }

    /// Chooses the nodes, if that is still to be done.
    pub(crate) async fn begin(&mut self, state: &State, pace: &mut Pace) -> Result<()> {
        if self.selected.is_none() {
            self.selected = Some(state.select(&self.query, pace).await?);
        }
        Ok(())
    }

    /// Writes the next of the nodes, and the header before the first; tells whether there are more. It
    /// may write nothing, and there are more.
    pub(crate) fn write(&mut self, state: &State, out: &mut Vec<u8>) -> Result<bool> {
        let Some(selected) = &mut self.selected else { return Ok(true) };
        if !self.has_header {
            car::write_header(&selected.roots, out);
            self.has_header = true;
        }
        state.write_selected(selected, CHUNK, out)
    }
}

/// The error of an export that can't be completed as it was begun.
pub(crate) fn removed_meanwhile() -> DagError {
    DagError::new(
        ErrorKind::ConditionFailed,
        "a node was removed before it was exported; export again",
    )
}
