//! An engine in memory: for tests, and as the shortest example of one.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow, Range};
use std::sync::{Arc, PoisonError, RwLock};

use crate::{KvBatch, KvEngine, KvOperation, KvSnapshot, Result};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// An engine in memory, with everything that an engine can do but last.
///
/// Clones are handles on the same map, so that what one store has written can be opened again. A commit
/// beside a snapshot copies the whole map: it is for tests.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagNode, DagStore, DagStoreExt, KvDagStore, MemoryEngine};
///
/// let engine = MemoryEngine::new();
/// let store = Arc::new(KvDagStore::open(engine.clone()).await?);
/// let node = DagNode::builder().content("kept").event_type("vote").scope_id("s").build()?;
/// let id = store.insert(node).await?;
/// store.close().await?;
///
/// let store = Arc::new(KvDagStore::open(engine).await?);
/// assert!(store.has(id).await?);
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryEngine {
    map: Arc<RwLock<Arc<Map>>>,
}

impl MemoryEngine {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl KvEngine for MemoryEngine {
    type Snapshot<'a> = MemorySnapshot;

    fn snapshot(&self) -> Result<MemorySnapshot> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        Ok(MemorySnapshot { map: Arc::clone(&map) })
    }

    fn apply(&self, batch: &KvBatch) -> Result<()> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let map = Arc::make_mut(&mut map);
        for operation in batch.operations() {
            match operation {
                KvOperation::Put(key, value) => map.insert(key.to_vec(), value.to_vec()),
                KvOperation::Delete(key) => map.remove(key),
            };
        }
        Ok(())
    }
}

/// What a [`MemoryEngine`] held at some moment.
#[derive(Clone, Debug)]
pub struct MemorySnapshot {
    map: Arc<Map>,
}

impl KvSnapshot for MemorySnapshot {
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        Ok(keys.iter().map(|key| self.map.get(*key).cloned()).collect())
    }

    fn scan(
        &self,
        range: Range<&[u8]>,
        backwards: bool,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<()> {
        if range.start >= range.end {
            return Ok(());
        }
        let mut entries =
            self.map.range::<[u8], _>((Bound::Included(range.start), Bound::Excluded(range.end)));
        let next = || if backwards { entries.next_back() } else { entries.next() };
        let entries = std::iter::from_fn(next);
        // Whether it came to the end or broke is known to whoever looked on.
        let _: ControlFlow<()> = { entries }.try_for_each(|(key, value)| each(key, value));
        Ok(())
    }
}
