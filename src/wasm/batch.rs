//! The class `Batch`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{Answer, if_there_is_room, settle};
use super::job::Job;
use super::nodes::{Nodes, Taken};
use super::options::{self, CommitOptions};
use super::record::{read_cid, read_cids, read_node};
use crate::digest::Digest;
use crate::gate::Gate;
use crate::id::CID_TEXT;
use crate::platform;
use crate::{DagError, DagStoreBatch, ErrorKind, Limits, Result, SharedDagStore};

/// A batch. Where a method takes a length, the question has so many bytes. Calls take effect one after
/// the other. Freeing it rolls it back, after the calls that were made before.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Batch {
    limits: Limits,
    staging: Rc<Staging>,
}

#[derive(Debug)]
struct Staging {
    gate: Gate,
    /// `None` once committed or rolled back. Each call takes the batch out while it runs, so that
    /// nothing is borrowed while it waits.
    open: RefCell<Option<DagStoreBatch<SharedDagStore>>>,
    rolled_back: Cell<bool>,
}

impl Batch {
    pub(super) fn new(store: &SharedDagStore) -> Self {
        let batch = DagStoreBatch::new(Arc::new(store.clone()));
        let staging = Staging {
            gate: Gate::default(),
            open: RefCell::new(Some(batch)),
            rolled_back: Cell::new(false),
        };
        Batch { limits: store.limits().clone(), staging: Rc::new(staging) }
    }

    /// Answers with what a call on the open batch gives.
    fn stage<T: Answer + 'static>(
        &self,
        call: impl AsyncFnOnce(&mut DagStoreBatch<SharedDagStore>) -> Result<T> + 'static,
    ) -> bool {
        let staging = Rc::clone(&self.staging);
        settle(async move {
            let _turn = staging.gate.enter().await;
            let mut batch = staging.open.take().ok_or_else(closed)?;
            let result = call(&mut batch).await;
            if !batch.is_closed() && !staging.rolled_back.get() {
                staging.open.replace(Some(batch));
            }
            result
        })
    }
}

#[wasm_bindgen]
impl Batch {
    /// Stages the node in the question; answers its CID.
    pub fn insert(&self, length: usize) -> bool {
        let node = read_node(length, &self.limits);
        self.stage(async |batch| batch.insert(node?).await)
    }

    /// Begins to take nodes in.
    #[must_use]
    pub fn nodes(&self) -> Nodes {
        Nodes::new(self.limits.clone())
    }

    /// Stages the nodes that were taken in; answers their CIDs.
    #[wasm_bindgen(js_name = insertMany)]
    pub fn insert_many(&self, nodes: &Nodes, job: &Job) -> bool {
        let Taken { nodes, bytes } = nodes.take();
        let mut pace = job.pace();
        self.stage(async move |batch| {
            let mut staged: Vec<Digest> = Vec::new();
            platform::reserve(nodes.len() * (size_of::<Digest>() + CID_TEXT))?;
            staged.reserve_exact(nodes.len());
            batch.stage_inserts(nodes, bytes, &mut pace, |digest| staged.push(*digest)).await?;
            pace.finish();
            Ok(staged)
        })
    }

    /// Stages the removal of the nodes whose CIDs are the question.
    pub fn remove(&self, length: usize) -> bool {
        let cids = read_cids(length);
        self.stage(async |batch| batch.remove_many(cids?).await)
    }

    /// Answers the node whose CID is the question, as it would be after the commit.
    pub fn get(&self, length: usize) -> bool {
        let cid = read_cid(length);
        self.stage(async |batch| if_there_is_room(batch.get(cid?).await))
    }

    /// Commits; answers the commit. The batch is closed, unless the options are wrong.
    pub fn commit(&self, options: &[u8], job: &Job) -> bool {
        let options = options::read::<CommitOptions>(options);
        let mut pace = job.pace();
        self.stage(async move |batch| {
            options?.apply(batch)?;
            let commit = batch.commit_at(&mut pace).await?;
            pace.finish();
            Ok(commit)
        })
    }

    /// Forgets what is staged, and closes the batch.
    pub fn rollback(&self) {
        self.staging.rolled_back.set(true);
        self.staging.open.take();
    }
}

#[cfg(feature = "faults")]
impl Drop for Batch {
    fn drop(&mut self) {
        let open = self.staging.open.borrow();
        if let Some(changes) = open.as_ref().and_then(DagStoreBatch::staged) {
            super::faults::in_drop(changes);
        }
    }
}

fn closed() -> DagError {
    DagError::new(ErrorKind::BatchClosed, "the batch was committed or rolled back already")
}
