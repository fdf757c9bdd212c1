//! The class `Batch`.

use std::cell::RefCell;
use std::future::Future;

use futures::FutureExt;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{reply, settle};
use super::nodes::Nodes;
use super::options::{self, CommitOptions};
use super::record::{read_cid, read_cids, read_node};
use crate::{DagError, DagStoreBatch, ErrorKind, Limits, Result, SharedDagStore};

/// A batch. Where a method takes a length, the question has so many bytes. Freeing it rolls it back.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Batch {
    limits: Limits,
    /// `None` once committed or rolled back. A commit takes the batch out, so that nothing is borrowed
    /// while it waits.
    open: RefCell<Option<DagStoreBatch<SharedDagStore>>>,
}

impl Batch {
    pub(super) fn new(store: &SharedDagStore) -> Self {
        let batch = at_once(async { Ok(store.begin_batch().await) });
        Batch { limits: store.limits().clone(), open: RefCell::new(batch.ok()) }
    }

    /// Runs a call that has its result at once.
    fn stage<T>(
        &self,
        call: impl AsyncFnOnce(&mut DagStoreBatch<SharedDagStore>) -> Result<T>,
    ) -> Result<T> {
        let mut open = self.open.borrow_mut();
        at_once(call(open.as_mut().ok_or_else(closed)?))
    }
}

#[wasm_bindgen]
impl Batch {
    /// Stages the node in the question; answers its CID.
    pub fn insert(&self, length: usize) -> JsValue {
        let node = read_node(length, &self.limits);
        reply(&self.stage(async |batch| batch.insert(node?).await))
    }

    /// Begins to take nodes in.
    #[must_use]
    pub fn nodes(&self) -> Nodes {
        Nodes::new(self.limits.clone())
    }

    /// Stages the nodes that were taken in; answers their CIDs.
    #[wasm_bindgen(js_name = insertMany)]
    pub fn insert_many(&self, nodes: &Nodes) -> JsValue {
        let nodes = nodes.take();
        reply(&self.stage(async |batch| batch.insert_many(nodes).await))
    }

    /// Stages the removal of the nodes whose CIDs are the question.
    pub fn remove(&self, length: usize) -> JsValue {
        let cids = read_cids(length);
        reply(&self.stage(async |batch| batch.remove_many(cids?).await))
    }

    /// Answers the node whose CID is the question, as it would be after the commit.
    pub fn get(&self, length: usize) -> JsValue {
        let cid = read_cid(length);
        reply(&self.stage(async |batch| batch.get(cid?).await))
    }

    /// Commits; answers the commit. The batch is closed, unless the options are wrong.
    pub fn commit(&self, options: JsValue) -> JsValue {
        let options = options::read::<CommitOptions>(options);
        if let Err(error) = self.stage(async |batch| options?.apply(batch)) {
            return reply::<()>(&Err(error));
        }
        let taken = self.open.take();
        settle(async move { taken.ok_or_else(closed)?.commit().await })
    }

    /// Forgets what is staged, and closes the batch.
    pub fn rollback(&self) {
        self.open.take();
    }
}

/// Nothing waits for anything while a batch is staged and read: the store's locks are never held
/// across an await, and there is one thread.
fn at_once<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let waits = || DagError::new(ErrorKind::Contended, "the store is busy");
    future.now_or_never().unwrap_or_else(|| Err(waits()))
}

fn closed() -> DagError {
    DagError::new(ErrorKind::BatchClosed, "the batch was committed or rolled back already")
}
