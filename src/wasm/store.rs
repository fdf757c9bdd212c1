//! The class `DagStore`.

use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{if_there_is_room, reply, settle, settle_read, write_found, write_value};
use super::batch::Batch;
use super::job::Job;
use super::nodes::{Nodes, Taken};
use super::options::{self, CommitOptions};
use super::record::{read_cid, read_cids, read_digest, read_node};
use crate::shared::units_of_commit;
use crate::{Limits, SharedDagStore};

/// A store. Where a method takes a length, the question has so many bytes.
#[wasm_bindgen]
#[derive(Debug)]
pub struct DagStore {
    pub(super) store: SharedDagStore,
}

impl DagStore {
    pub(super) fn of(store: SharedDagStore) -> Self {
        DagStore { store }
    }

    pub(super) fn inner(&self) -> SharedDagStore {
        self.store.clone()
    }
}

/// Limits, as JavaScript tells them.
pub(super) fn limits(
    block_bytes: usize,
    parents: usize,
    content_depth: usize,
    batch_operations: usize,
    batch_bytes: usize,
    history: usize,
) -> Limits {
    Limits::default()
        .with_block_bytes(block_bytes)
        .with_parents(parents)
        .with_content_depth(content_depth)
        .with_batch_operations(batch_operations)
        .with_batch_bytes(batch_bytes)
        .with_history(history)
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
        history: usize,
    ) -> DagStore {
        let limits =
            limits(block_bytes, parents, content_depth, batch_operations, batch_bytes, history);
        DagStore { store: SharedDagStore::with_limits(limits) }
    }

    /// Inserts the node in the question; answers its CID.
    pub fn insert(&self, length: usize) -> bool {
        match read_node(length, self.store.limits()) {
            Ok(node) => {
                #[cfg(feature = "faults")]
                if super::faults::in_call(&node) {
                    return settle(std::future::pending::<crate::Result<()>>());
                }
                if let Some(result) = self.store.insert_now(&node) {
                    return reply(&result.map(|()| *node.digest()));
                }
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
    pub fn insert_many(&self, nodes: &Nodes, options: &[u8], job: &Job) -> bool {
        let Taken { nodes, bytes } = nodes.take();
        let store = self.store.clone();
        let options = options::read::<CommitOptions>(options);
        let mut pace = job.pace();
        settle(async move {
            let mut batch = store.begin_batch().await;
            options?.apply(&mut batch)?;
            pace.expect(nodes.len() + units_of_commit(nodes.len(), bytes));
            batch.stage_inserts(nodes, bytes, &mut pace, |_| {}).await?;
            let commit = batch.commit_at(&mut pace).await?;
            pace.finish();
            Ok(commit)
        })
    }

    /// Removes the node whose CID is the question; answers whether it was there.
    pub fn remove(&self, length: usize) -> bool {
        let cid = read_cid(length);
        let store = self.store.clone();
        settle(async move { store.remove(cid?).await })
    }

    /// Answers the node whose CID is the question.
    pub fn get(&self, length: usize) -> bool {
        match read_digest(length) {
            Ok(digest) => settle_read(&self.store, move |state| write_found(state.find(&digest))),
            Err(error) => reply::<()>(&Err(error)),
        }
    }

    /// Answers the nodes whose CIDs are the question.
    #[wasm_bindgen(js_name = getMany)]
    pub fn get_many(&self, length: usize) -> bool {
        let cids = read_cids(length);
        let store = self.store.clone();
        settle(async move { if_there_is_room(store.get_many(&cids?).await) })
    }

    /// Answers whether the node is there whose CID is the question.
    pub fn has(&self, length: usize) -> bool {
        match read_digest(length) {
            Ok(digest) => settle_read(&self.store, move |state| write_value(&state.has(&digest))),
            Err(error) => reply::<()>(&Err(error)),
        }
    }

    /// Answers a page of a list.
    pub fn list(&self, options: &[u8]) -> bool {
        let options = options::read(options);
        let store = self.store.clone();
        settle(async move { if_there_is_room(store.list_page(&options?).await) })
    }

    /// Answers the heads of the store or of a scope.
    pub fn heads(&self, scope_id: Option<String>) -> bool {
        let store = self.store.clone();
        settle(async move { if_there_is_room(store.heads(scope_id.as_deref()).await) })
    }

    /// Answers the number of nodes in the store or in a scope.
    pub fn size(&self, scope_id: Option<String>) -> bool {
        settle_read(&self.store, move |state| write_value(&state.len(scope_id.as_deref())))
    }

    /// Answers the state hash of the store or of a scope.
    #[wasm_bindgen(js_name = stateHash)]
    pub fn state_hash(&self, scope_id: Option<String>, job: &Job) -> bool {
        let store = self.store.clone();
        let mut pace = job.pace();
        settle(async move { store.state_hash_at(&mut pace, scope_id.as_deref()).await })
    }

    /// Answers the proof that the node is there whose CID is the question.
    pub fn prove(&self, length: usize) -> bool {
        let cid = read_cid(length);
        let store = self.store.clone();
        settle(async move { if_there_is_room(store.prove(cid?).await) })
    }

    /// Answers the proof that the node in the question is not there.
    #[wasm_bindgen(js_name = proveAbsent)]
    pub fn prove_absent(&self, length: usize) -> bool {
        let node = read_node(length, self.store.limits());
        let store = self.store.clone();
        settle(async move { if_there_is_room(store.prove_absent(&node?).await) })
    }

    /// Answers the proof of all nodes of a scope and a time.
    #[wasm_bindgen(js_name = proveRange)]
    pub fn prove_range(&self, options: &[u8]) -> bool {
        let options = options::read(options);
        let store = self.store.clone();
        settle(async move { if_there_is_room(store.prove_span(&options?).await) })
    }

    /// Checks everything; answers what was found.
    pub fn verify(&self, job: &Job) -> bool {
        let store = self.store.clone();
        let mut pace = job.pace();
        settle(async move {
            let verified = store.verify_at(&mut pace).await?;
            pace.finish();
            Ok(verified)
        })
    }

    /// Begins a batch.
    #[wasm_bindgen(js_name = beginBatch)]
    #[must_use]
    pub fn begin_batch(&self) -> Batch {
        Batch::new(&self.store)
    }

    /// Closes the store.
    pub fn close(&self) -> bool {
        let store = self.store.clone();
        settle(async move { store.close().await })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use js_sys::{Function, Promise, Uint8Array};
    use wasm_bindgen_futures::JsFuture;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::wasm::breath::{breathed, on_breathe};
    use crate::wasm::{promise, scratch};
    use crate::{DagNode, Limits};

    const DONE: u8 = 0;
    const FAILED: u8 = 1;

    fn open() -> DagStore {
        on_breathe(Function::new_no_args(""));
        let Limits { block_bytes, parents, content_depth, batch_operations, batch_bytes, history } =
            Limits::default();
        DagStore::new(block_bytes, parents, content_depth, batch_operations, batch_bytes, history)
    }

    fn node(number: usize) -> DagNode {
        let node = DagNode::builder().content(u64::try_from(number).unwrap());
        node.event_type("vote").scope_id("s").timestamp(1).build().unwrap()
    }

    fn take_in(nodes: &Nodes, count: usize) {
        for number in 0..count {
            let block = node(number).as_bytes().to_vec();
            let head = u32::try_from(block.len()).unwrap().to_le_bytes();
            let record = [&head[..], &[0], &block].concat();
            assert!(!nodes.push(scratch::ask(&record)));
            assert_eq!(now()[0], DONE);
        }
    }

    /// No id, no conditions, no state hash.
    const HOW: &[u8] = &[0x83, 0xf6, 0x80, 0xf4];

    fn now() -> Vec<u8> {
        scratch::with_answer(<[u8]>::to_vec)
    }

    /// What was answered by a Promise, given turns until it is.
    async fn later(promise: Promise) -> Vec<u8> {
        let mut answer = std::pin::pin!(JsFuture::from(promise));
        loop {
            breathed();
            let turn = JsFuture::from(Promise::resolve(&wasm_bindgen::JsValue::NULL));
            if let futures::future::Either::Left((answer, _)) =
                futures::future::select(answer.as_mut(), turn).await
            {
                return Uint8Array::new(&answer.unwrap()).to_vec();
            }
        }
    }

    #[wasm_bindgen_test]
    async fn a_thousand_nodes_are_committed_at_once_and_more_in_turns() {
        let store = open();
        let nodes = store.nodes();
        take_in(&nodes, 1_000);
        assert!(!store.insert_many(&nodes, HOW, &Job::new()));
        assert_eq!(now()[0], DONE);

        let job = Job::new();
        take_in(&nodes, 10_000);
        let answered = promise::of(store.insert_many(&nodes, HOW, &job));
        let answer = later(answered).await;
        assert_eq!(answer[..9], [DONE, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert!(job.total() > 10_000 && job.done() > 10_000);
    }

    #[wasm_bindgen_test]
    async fn an_aborted_insertion_leaves_nothing_behind() {
        let store = open();
        let nodes = store.nodes();
        take_in(&nodes, 10_000);
        let job = Job::new();
        let answered = promise::of(store.insert_many(&nodes, HOW, &job));
        job.abort();
        let answer = later(answered).await;
        assert_eq!((answer[0], &answer[5..16]), (FAILED, &b"ERR_ABORTED"[..]));
        assert!(!store.size(None));
        assert_eq!(now(), [DONE, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[wasm_bindgen_test]
    async fn calls_on_a_batch_wait_for_one_another_and_for_the_store() {
        let store = open();
        let batch = store.begin_batch();
        let nodes = batch.nodes();
        take_in(&nodes, 10_000);
        let cid = node(9_999).cid().unwrap();
        let staged = promise::of(batch.insert_many(&nodes, &Job::new()));
        // It was staged before, and is found.
        let found = promise::of(batch.get(scratch::ask(&cid.to_bytes())));
        assert_eq!(later(staged).await[..5], [DONE, 0x10, 0x27, 0, 0]);
        let length = u32::try_from(node(9_999).as_bytes().len()).unwrap();
        assert_eq!(later(found).await[1..5], length.to_le_bytes());

        let committed = promise::of(batch.commit(HOW, &Job::new()));
        let other = store.begin_batch();
        // Of a batch that is freed, what was called goes on.
        drop(batch);
        // Unless the commit has the store to itself by now, it is answered at once.
        let found = other.get(scratch::ask(&cid.to_bytes())).then(|| promise::of(true));
        let at_once = now();
        assert_eq!(later(committed).await[0], DONE);
        let found = match found {
            Some(promise) => later(promise).await,
            None => at_once,
        };
        assert_eq!(found[0], DONE);
    }

    #[wasm_bindgen_test]
    async fn a_batch_that_is_rolled_back_while_it_stages_is_closed() {
        let store = open();
        let batch = store.begin_batch();
        let nodes = batch.nodes();
        take_in(&nodes, 10_000);
        let staged = promise::of(batch.insert_many(&nodes, &Job::new()));
        batch.rollback();
        assert_eq!(later(staged).await[0], DONE);
        assert!(!batch.commit(HOW, &Job::new()));
        assert_eq!((now()[0], &now()[5..21]), (FAILED, &b"ERR_BATCH_CLOSED"[..]));
    }
}
