//! From opening to closing.

use std::sync::Arc;

use super::contract;
use super::failure::{Outcome, precondition, refused, same};
use super::lab::Lab;
use super::model::{all, look};
use super::sample::{SCOPE, inserts, root};
use crate::{
    Changes, DagStore, DagStoreExt, ErrorKind, ListQuery, Runtime, RuntimeContext, SharedDagStore,
    TreeAddress,
};

contract! {
    /// A fresh store is empty.
    fresh_stores_are_empty,
    /// Stores share nothing unless they are the same.
    stores_share_nothing,
    /// After `close` every method fails with `Closed`; closing again changes nothing.
    closed_stores_refuse_everything,
    /// A batch that is open when its store closes can't commit any more.
    batches_end_with_their_store,
    /// `Runtime` and `RuntimeContext` hold `Arc<dyn DagStore>`, so any storage can stand there.
    any_store_stands_in_a_runtime,
}

async fn fresh_stores_are_empty(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let seen = look(&store).await?;
    same("nodes and heads", (seen.nodes.len(), seen.heads.len()), (0, 0))?;
    same("the sequence number", seen.sequence, 0)?;
    let other: Arc<dyn DagStore> = Arc::new(SharedDagStore::new());
    same("the state hash", seen.state_hash, other.state_hash(None).await?)
}

async fn stores_share_nothing(lab: Lab) -> Outcome {
    let [one, other] = [lab.store().await?, lab.store().await?];
    let node = root("a node")?;
    one.insert(node.clone()).await?;
    same("in the one", one.has(node.cid()?).await?, true)?;
    same("in the other", other.has(node.cid()?).await?, false)?;
    other.close().await?;
    same("in the one, still", one.has(node.cid()?).await?, true)
}

async fn closed_stores_refuse_everything(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let handle = Arc::clone(&store);
    let node = root("a node")?;
    store.insert(node.clone()).await?;
    let cids = [node.cid()?];
    let query = ListQuery::default();
    precondition(look(&store).await?.nodes == cids, "the store works before it is closed")?;
    store.close().await?;
    for store in [&store, &handle] {
        let closed = ErrorKind::Closed;
        refused("a commit", store.commit(inserts([&root("another")?])).await, closed)?;
        refused("a commit of nothing", store.commit(Changes::new()).await, closed)?;
        refused("get_many", store.get_many(&cids).await, closed)?;
        refused("has_many", store.has_many(&cids).await, closed)?;
        refused("get_many of nothing", store.get_many(&[]).await, closed)?;
        refused("list_page", store.list_page(&query).await, closed)?;
        refused("heads", store.heads(None).await, closed)?;
        refused("heads of a scope", store.heads(Some(SCOPE)).await, closed)?;
        refused("len", store.len(None).await, closed)?;
        refused("len of a scope", store.len(Some(SCOPE)).await, closed)?;
        refused("state_hash", store.state_hash(None).await, closed)?;
        refused("state_hash of a scope", store.state_hash(Some(SCOPE)).await, closed)?;
        refused("count", store.count(&query).await, closed)?;
        refused("scopes", store.scopes(None, 1).await, closed)?;
        refused("tree", store.tree(&[TreeAddress::scopes()]).await, closed)?;
        refused("a comparison", store.compare(&handle).await, closed)?;
        refused("verify", store.verify().await, closed)?;
        refused("insert", store.insert(node.clone()).await, closed)?;
        refused("remove", store.remove(node.cid()?).await, closed)?;
        refused("a list", store.list().await, closed)?;
        same("closing again", store.close().await?, ())?;
    }
    Ok(())
}

async fn batches_end_with_their_store(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut batch = store.begin_batch().await;
    batch.insert(root("a node")?).await?;
    store.close().await?;
    refused("the commit", batch.commit().await, ErrorKind::Closed)?;
    refused("another", batch.commit().await, ErrorKind::BatchClosed)?;
    let mut late = store.begin_batch().await;
    late.insert(root("another")?).await?;
    refused("a late batch", late.commit().await, ErrorKind::Closed)?;
    Ok(())
}

async fn any_store_stands_in_a_runtime(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let runtime = Runtime::new(Arc::clone(&store));
    let node = root("a node")?;
    runtime.dag_store().insert(node.clone()).await?;
    let context: &RuntimeContext = runtime.context();
    let handle: Arc<dyn DagStore> = context.dag_store.clone();
    same("by the context", all(&handle).await?, vec![node.clone()])?;
    same("by the store itself", all(&store).await?, vec![node])
}
