//! The crate on wasm, in a JavaScript engine: what the platform there does otherwise, and the whole
//! contract.
#![cfg(js_host)]

use std::sync::Arc;

use dag_store::{
    CommitId, DagNode, DagNodeBuilder, DagStore, DagStoreExt, Limits, Result, SharedDagStore,
    conformance,
};
use wasm_bindgen_test::wasm_bindgen_test;

async fn open(limits: Limits) -> Result<Arc<dyn DagStore>> {
    Ok(Arc::new(SharedDagStore::with_limits(limits)))
}

fn builder(content: &str) -> DagNodeBuilder {
    DagNode::builder().content(content).event_type("proposal").scope_id("test-scope")
}

#[wasm_bindgen_test]
async fn the_contract_is_kept() {
    let report = conformance::run(open).await;
    assert!(report.passed(), "{report}");
    assert!(conformance::checks().count() > 50, "a contract of a few sentences");
}

#[wasm_bindgen_test]
fn a_node_has_the_cid_that_it_has_natively() -> Result<()> {
    let node = builder("node content").timestamp(0).build()?;
    let cid = node.cid()?.to_string();
    assert_eq!(cid, "bafyreidc26nkbvmrwn4cr3gutpngttthefrkwboy3jrh47tvp46wmri5wm");
    Ok(())
}

#[wasm_bindgen_test]
fn a_node_without_a_timestamp_takes_the_clock() -> Result<()> {
    let year_2025 = 1_735_689_600_000;
    let timestamp = builder("now").build()?.timestamp();
    assert!(timestamp > year_2025, "{timestamp}");
    Ok(())
}

#[wasm_bindgen_test]
fn commit_ids_are_random() {
    assert_ne!(CommitId::random(), CommitId::random());
}

#[wasm_bindgen_test]
async fn a_dropped_batch_is_rolled_back() -> Result<()> {
    let store = Arc::new(SharedDagStore::new());
    let before = store.get_state_hash().await?;
    let mut batch = store.begin_batch().await;
    let cid = batch.insert(builder("staged").build()?).await?;
    drop(batch);
    assert!(!store.has(cid).await?);
    assert_eq!(store.get_state_hash().await?, before);
    Ok(())
}
