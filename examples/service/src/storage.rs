//! Where the nodes are kept: the one place that knows which storages there are.

use std::sync::Arc;

use anyhow::{Result, bail};
use dag_store::{DagStore, FileJournal, Journal, SharedDagStore};

/// The storages there are, as they are named on the command line.
pub(crate) const STORAGES: &str = "`memory`, or `file:PATH`";

/// Opens the store that is kept there. One storage more is one line more here, and a word in [`STORAGES`].
pub(crate) async fn open(storage: &str) -> Result<Arc<dyn DagStore>> {
    Ok(match storage.split_once(':').unwrap_or((storage, "")) {
        ("memory", "") => Arc::new(SharedDagStore::new()),
        ("file", path) if !path.is_empty() => on(FileJournal::open(path).await?).await?,
        _ => bail!("there is no such storage: it is {STORAGES}"),
    })
}

/// Opens the store that a journal holds.
async fn on(journal: impl Journal + 'static) -> Result<Arc<dyn DagStore>> {
    Ok(Arc::new(SharedDagStore::open(journal).await?))
}
