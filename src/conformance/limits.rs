//! Limits: what is just within is taken, what is just beyond is refused, and says so.

use std::sync::Arc;

use super::contract;
use super::failure::{Outcome, precondition, refused, same};
use super::lab::Lab;
use super::model::look;
use super::sample::{SCOPE, cids, inserts, root, roots};
use crate::{
    Changes, Commit, DagEventType, DagNode, DagStore, DagStoreExt, ErrorKind, Ipld, Limits, Result,
};

contract! {
    /// Limit: the bytes of a block.
    block_bytes_are_limited,
    /// Limit: the parents of a node.
    parents_are_limited,
    /// Limit: the nesting of content.
    nesting_is_limited,
    /// Limit: the operations of a batch.
    batch_operations_are_limited,
    /// Limit: the bytes of all blocks of a batch.
    batch_bytes_are_limited,
    /// The limits that are usual: 1 MiB, 1,024 parents, nesting of 127.
    usual_limits_hold_on_both_sides,
}

/// Limits beyond the usual ones, to build what a store has to refuse.
fn wide() -> Limits {
    let usual = Limits::default();
    Limits {
        block_bytes: 2 * usual.block_bytes,
        parents: 2 * usual.parents,
        content_depth: 2 * usual.content_depth,
        ..usual
    }
}

fn node_of(content: impl Into<Ipld>) -> Outcome<DagNode> {
    let builder = DagNode::builder().content(content).event_type(DagEventType::Receipt);
    Ok(builder.scope_id(SCOPE).timestamp(0).build_with(&wide())?)
}

/// A node whose block has exactly this many bytes.
fn node_of_bytes(bytes: usize) -> Outcome<DagNode> {
    let mut filling = bytes.saturating_sub(node_of("")?.as_bytes().len());
    loop {
        let node = node_of("x".repeat(filling))?;
        match node.as_bytes().len() {
            length if length > bytes => filling -= length - bytes,
            length => {
                precondition(length == bytes, "a node has as many bytes as it should")?;
                return Ok(node);
            }
        }
    }
}

/// A node whose content is this many lists within one another.
fn node_of_depth(depth: usize) -> Outcome<DagNode> {
    node_of((0..depth).fold(Ipld::Null, |within, _| Ipld::List(vec![within])))
}

/// A node with these parents.
fn node_under(parents: &[DagNode]) -> Outcome<DagNode> {
    let builder = node_of("child")?.to_builder()?.parents(cids(parents)?);
    Ok(builder.build_with(&wide())?)
}

/// Checks that the store takes the first and refuses the second, by whichever way they come, and is as
/// it was after every refusal.
async fn takes_and_refuses(store: &Arc<dyn DagStore>, within: DagNode, beyond: DagNode) -> Outcome {
    let before = look(store).await?;
    let other = root(&format!("beside {}", within.cid()?))?;
    let limit = ErrorKind::Limit;
    refused("insert", store.insert(beyond.clone()).await, limit)?;
    refused("insert_block", store.insert_block(beyond.as_bytes()).await, limit)?;
    refused("insert_many", store.insert_many([other.clone(), beyond.clone()]).await, limit)?;
    refused("commit", store.commit(inserts([&other, &beyond])).await, limit)?;
    let mut batch = store.begin_batch().await;
    batch.insert(other.clone()).await?;
    refused("a batch's insert", batch.insert(beyond.clone()).await, limit)?;
    refused("a batch's insert_block", batch.insert_block(beyond.as_bytes()).await, limit)?;
    let many = batch.insert_many([within.clone(), beyond.clone()]).await;
    refused("a batch's insert_many", many, limit)?;
    same("the operations staged", batch.len(), 1)?;
    same("the store", look(store).await?, before)?;
    batch.insert_block(within.as_bytes()).await?;
    same("the commit", batch.commit().await?.inserted, cids([&other, &within])?)?;
    same("the node", store.get(within.cid()?).await?.as_ref(), Some(&within))?;
    store.remove(within.cid()?).await?;
    same("the insert", store.insert(within.clone()).await?, within.cid()?)
}

async fn block_bytes_are_limited(lab: Lab) -> Outcome {
    let store = lab.store_with(Limits::default().with_block_bytes(400)).await?;
    takes_and_refuses(&store, node_of_bytes(400)?, node_of_bytes(401)?).await
}

async fn parents_are_limited(lab: Lab) -> Outcome {
    let store = lab.store_with(Limits::default().with_parents(3)).await?;
    let parents = roots("parent", 4)?;
    store.insert_many(parents.clone()).await?;
    takes_and_refuses(&store, node_under(&parents[..3])?, node_under(&parents)?).await
}

async fn nesting_is_limited(lab: Lab) -> Outcome {
    let store = lab.store_with(Limits::default().with_content_depth(3)).await?;
    takes_and_refuses(&store, node_of_depth(3)?, node_of_depth(4)?).await?;
    let flat = lab.store_with(Limits::default().with_content_depth(0)).await?;
    takes_and_refuses(&flat, node_of_depth(0)?, node_of_depth(1)?).await
}

async fn batch_operations_are_limited(lab: Lab) -> Outcome {
    let store = lab.store_with(Limits::default().with_batch_operations(5)).await?;
    let nodes = roots("node", 6)?;
    let before = look(&store).await?;
    let limit = ErrorKind::Limit;
    refused("six inserts", store.insert_many(nodes.clone()).await, limit)?;
    refused("six in a commit", mixed(&store, &nodes, 3).await, limit)?;
    let mut batch = store.begin_batch().await;
    refused("six staged at once", batch.insert_many(nodes.clone()).await, limit)?;
    refused("six removals at once", batch.remove_many(cids(&nodes)?).await, limit)?;
    same("the operations staged", batch.len(), 0)?;
    for node in &nodes[..5] {
        batch.insert(node.clone()).await?;
    }
    refused("a sixth insert", batch.insert(nodes[5].clone()).await, limit)?;
    refused("a sixth block", batch.insert_block(nodes[5].as_bytes()).await, limit)?;
    refused("a removal as the sixth", batch.remove(nodes[5].cid()?).await, limit)?;
    same("the operations staged", batch.len(), 5)?;
    same("the store", look(&store).await?, before)?;
    same("the commit", batch.commit().await?.inserted, cids(&nodes[..5])?)?;
    same("five in a commit", mixed(&store, &nodes[..5], 2).await?.removed.len(), 3)
}

/// Commits inserts of so many of these nodes and removals of the rest.
async fn mixed(store: &Arc<dyn DagStore>, nodes: &[DagNode], inserted: usize) -> Result<Commit> {
    let mut changes = inserts(&nodes[..inserted]);
    for node in &nodes[inserted..] {
        changes.remove(node.cid()?)?;
    }
    store.commit(changes).await
}

async fn batch_bytes_are_limited(lab: Lab) -> Outcome {
    let [one, two, small] = [node_of_bytes(500)?, node_of("other")?, root("a node")?];
    let bytes = one.as_bytes().len() + two.as_bytes().len();
    let limit = ErrorKind::Limit;

    let store = lab.store_with(Limits::default().with_batch_bytes(bytes)).await?;
    let mut batch = store.begin_batch().await;
    batch.insert_many([one.clone(), two.clone()]).await?;
    refused("a node beyond", batch.insert(small.clone()).await, limit)?;
    refused("a block beyond", batch.insert_block(small.as_bytes()).await, limit)?;
    batch.remove(small.cid()?).await?;
    same("the operations staged", batch.len(), 3)?;
    same("the commit", batch.commit().await?.inserted, cids([&one, &two])?)?;

    let store = lab.store_with(Limits::default().with_batch_bytes(bytes - 1)).await?;
    refused("both", store.insert_many([one.clone(), two.clone()]).await, limit)?;
    let mut changes = Changes::new();
    changes.insert(one.clone());
    changes.insert(two.clone());
    refused("both in a commit", store.commit(changes).await, limit)?;
    let mut batch = store.begin_batch().await;
    refused("both staged", batch.insert_many([one.clone(), two.clone()]).await, limit)?;
    same("the operations staged", batch.len(), 0)?;
    same("the length", store.len(None).await?, 0)?;
    store.insert(one).await?;
    store.insert(two).await?;
    same("one after the other", store.len(None).await?, 2)
}

async fn usual_limits_hold_on_both_sides(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let limits = Limits::default();
    let usual = (limits.block_bytes, limits.parents, limits.content_depth);
    same("block bytes, parents, nesting", usual, (1 << 20, 1_024, 127))?;
    let batch = (limits.batch_operations, limits.batch_bytes);
    same("operations and bytes of a batch", batch, (1_000_000, 256 << 20))?;
    takes_and_refuses(&store, node_of_bytes(1 << 20)?, node_of_bytes((1 << 20) + 1)?).await?;
    takes_and_refuses(&store, node_of_depth(127)?, node_of_depth(128)?).await?;
    let parents = roots("parent", 1_025)?;
    store.insert_many(parents.clone()).await?;
    takes_and_refuses(&store, node_under(&parents[..1_024])?, node_under(&parents)?).await
}
