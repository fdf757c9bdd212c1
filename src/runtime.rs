//! What a host holds: one store, of whichever kind, for all who run in it.

use std::sync::Arc;

use crate::{DagStore, SharedDagStore};

/// What code that runs in a [`Runtime`] finds there.
///
/// # Examples
///
/// ```
/// use dag_store::Runtime;
///
/// let runtime = Runtime::default();
/// let store = runtime.context().dag_store.clone();
/// # drop(store);
/// ```
#[derive(Clone, Debug)]
pub struct RuntimeContext {
    /// The store.
    pub dag_store: Arc<dyn DagStore>,
}

/// A host of one store. Any storage can stand there.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagNode, DagStore, DagStoreExt, Runtime, SharedDagStore};
///
/// let runtime = Runtime::new(Arc::new(SharedDagStore::new()));
/// let node = DagNode::builder().content("hello").event_type("genesis").scope_id("s").build()?;
/// runtime.dag_store().insert(node).await?;
/// assert_eq!(runtime.context().dag_store.len(None).await?, 1);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Runtime {
    context: RuntimeContext,
}

impl Runtime {
    /// A runtime with this store.
    #[must_use]
    pub fn new(dag_store: Arc<dyn DagStore>) -> Self {
        Runtime { context: RuntimeContext { dag_store } }
    }

    /// The store.
    #[must_use]
    pub fn dag_store(&self) -> &Arc<dyn DagStore> {
        &self.context.dag_store
    }

    /// The context that is handed to whatever runs here.
    #[must_use]
    pub fn context(&self) -> &RuntimeContext {
        &self.context
    }
}

impl Default for Runtime {
    /// A runtime with a store in memory.
    fn default() -> Self {
        Self::new(Arc::new(SharedDagStore::new()))
    }
}
