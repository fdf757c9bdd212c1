//! The class `DagStore`.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{reply, settle, settle_written, write_done, write_found};
use super::batch::Batch;
use super::nodes::Nodes;
use super::options::{self, CommitOptions, ListOptions};
use super::record::{read_cid, read_cids, read_node};
use crate::id;
use crate::{Limits, SharedDagStore};

/// A store. Where a method takes a length, the question has so many bytes.
#[wasm_bindgen]
#[derive(Debug)]
pub struct DagStore {
    store: SharedDagStore,
}

#[wasm_bindgen]
impl DagStore {
    /// An empty store with these limits.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(
        block_bytes: usize,
        parents: usize,
        content_depth: usize,
        batch_operations: usize,
        batch_bytes: usize,
    ) -> DagStore {
        let limits = Limits::default()
            .with_block_bytes(block_bytes)
            .with_parents(parents)
            .with_content_depth(content_depth)
            .with_batch_operations(batch_operations)
            .with_batch_bytes(batch_bytes);
        DagStore { store: SharedDagStore::with_limits(limits) }
    }

    /// Inserts the node in the question; answers its CID.
    pub fn insert(&self, length: usize) -> JsValue {
        match read_node(length, self.store.limits()) {
            Ok(node) => {
                let store = self.store.clone();
                settle(async move { store.insert(node).await })
            }
            Err(error) => reply::<()>(&Err(error)),
        }
    }

    /// Begins to take nodes in.
    #[must_use]
    pub fn nodes(&self) -> Nodes {
        Nodes::new(self.store.limits().clone())
    }

    /// Inserts the nodes that were taken in, in one commit; answers the commit.
    #[wasm_bindgen(js_name = insertMany)]
    pub fn insert_many(&self, nodes: &Nodes, options: JsValue) -> JsValue {
        let nodes = nodes.take();
        let store = self.store.clone();
        let options = options::read::<CommitOptions>(options);
        settle(async move {
            let mut batch = store.begin_batch().await;
            options?.apply(&mut batch)?;
            batch.insert_many(nodes).await?;
            batch.commit().await
        })
    }

    /// Removes the node whose CID is the question; answers whether it was there.
    pub fn remove(&self, length: usize) -> JsValue {
        let cid = read_cid(length);
        let store = self.store.clone();
        settle(async move { store.remove(cid?).await })
    }

    /// Answers the node whose CID is the question.
    pub fn get(&self, length: usize) -> JsValue {
        let cid = read_cid(length);
        let store = self.store.clone();
        settle_written(async move {
            let digest = id::digest_of(&cid?)?;
            store.read(|state| write_done(|out| write_found(state.find(&digest), out))).await
        })
    }

    /// Answers the nodes whose CIDs are the question.
    #[wasm_bindgen(js_name = getMany)]
    pub fn get_many(&self, length: usize) -> JsValue {
        let cids = read_cids(length);
        let store = self.store.clone();
        settle(async move { store.get_many(&cids?).await })
    }

    /// Answers whether the node is there whose CID is the question.
    pub fn has(&self, length: usize) -> JsValue {
        let cid = read_cid(length);
        let store = self.store.clone();
        settle(async move { store.has(cid?).await })
    }

    /// Answers a page of a list.
    pub fn list(&self, options: JsValue) -> JsValue {
        let options = options::read::<ListOptions>(options);
        let store = self.store.clone();
        settle(async move { store.list_page(&options?.into_query()).await })
    }

    /// Answers the heads of the store or of a scope.
    pub fn heads(&self, scope_id: Option<String>) -> JsValue {
        let store = self.store.clone();
        settle(async move { store.heads(scope_id.as_deref()).await })
    }

    /// Answers the number of nodes in the store or in a scope.
    pub fn size(&self, scope_id: Option<String>) -> JsValue {
        let store = self.store.clone();
        settle(async move { store.len(scope_id.as_deref()).await })
    }

    /// Answers the state hash of the store or of a scope.
    #[wasm_bindgen(js_name = stateHash)]
    pub fn state_hash(&self, scope_id: Option<String>) -> JsValue {
        let store = self.store.clone();
        settle(async move { store.state_hash(scope_id.as_deref()).await })
    }

    /// Checks everything; answers what was found.
    pub fn verify(&self) -> JsValue {
        let store = self.store.clone();
        settle(async move { store.verify().await })
    }

    /// Begins a batch.
    #[wasm_bindgen(js_name = beginBatch)]
    #[must_use]
    pub fn begin_batch(&self) -> Batch {
        Batch::new(&self.store)
    }

    /// Closes the store.
    pub fn close(&self) -> JsValue {
        let store = self.store.clone();
        settle(async move { store.close().await })
    }
}
