//! An engine that fails on command.

use std::ops::{ControlFlow, Range};

use super::{Fault, Faults};
use crate::{DagError, ErrorKind, KvBatch, KvEngine, KvSnapshot, Result};

/// An engine that does what another one does, and fails when it is told to. Half a scan shows half of
/// what there is, and then fails; half a batch is none, and its outcome is unknown.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::conformance::{Fault, Faults, FaultyEngine};
/// use dag_store::{DagNode, DagStoreExt, ErrorKind, KvDagStore, MemoryEngine};
///
/// let faults = Faults::new();
/// let engine = FaultyEngine::new(MemoryEngine::new(), faults.clone());
/// let store = Arc::new(KvDagStore::open(engine).await?);
/// let node = DagNode::builder().content(1).event_type("vote").scope_id("s").build()?;
/// faults.fail_after(0, Fault::Before, false);
/// assert_eq!(store.insert(node.clone()).await.unwrap_err().kind(), ErrorKind::Storage);
/// store.insert(node).await?;
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct FaultyEngine<K> {
    engine: K,
    faults: Faults,
}

impl<K: KvEngine> FaultyEngine<K> {
    /// This engine, with these faults.
    #[must_use]
    pub fn new(engine: K, faults: Faults) -> Self {
        FaultyEngine { engine, faults }
    }
}

/// A snapshot of a [`FaultyEngine`].
#[derive(Debug)]
pub struct FaultySnapshot<'a, S> {
    snapshot: S,
    faults: &'a Faults,
}

fn fault(kind: ErrorKind) -> DagError {
    DagError::new(kind, "a fault on purpose")
}

impl<K: KvEngine> KvEngine for FaultyEngine<K> {
    type Snapshot<'a> = FaultySnapshot<'a, K::Snapshot<'a>>;

    fn snapshot(&self) -> Result<Self::Snapshot<'_>> {
        match self.faults.call() {
            None => Ok(FaultySnapshot { snapshot: self.engine.snapshot()?, faults: &self.faults }),
            Some(_) => Err(fault(ErrorKind::Storage)),
        }
    }

    fn apply(&self, batch: &KvBatch) -> Result<()> {
        match self.faults.call() {
            None => self.engine.apply(batch),
            Some(Fault::Before) => Err(fault(ErrorKind::Storage)),
            Some(Fault::Half) => Err(fault(ErrorKind::OutcomeUnknown)),
            Some(Fault::After) => {
                self.engine.apply(batch)?;
                Err(fault(ErrorKind::OutcomeUnknown))
            }
        }
    }
}

impl<S: KvSnapshot> KvSnapshot for FaultySnapshot<'_, S> {
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        match self.faults.call() {
            None => self.snapshot.get_many(keys),
            Some(_) => Err(fault(ErrorKind::Storage)),
        }
    }

    fn scan(
        &self,
        range: Range<&[u8]>,
        backwards: bool,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<()> {
        let Some(fault_of) = self.faults.call() else {
            return self.snapshot.scan(range, backwards, each);
        };
        let mut left = 0;
        if fault_of != Fault::Before {
            self.snapshot.scan(range.clone(), backwards, &mut |_, _| {
                left += 1;
                ControlFlow::Continue(())
            })?;
        }
        if fault_of == Fault::Half {
            left /= 2;
        }
        self.snapshot.scan(range, backwards, &mut |key, value| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            each(key, value)
        })?;
        Err(fault(ErrorKind::Storage))
    }
}
