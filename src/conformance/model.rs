//! What a store should answer, worked out the slow and obvious way from the list of its nodes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::failure::{Failure, Outcome, same};
use super::sample::cids;
use crate::{
    Changes, Cid, DagNode, DagStore, DagStoreExt, ListQuery, Order, SharedDagStore, StateHash,
};

/// All that can be seen of a store from outside. Two that are equal can't be told apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sight {
    pub(super) nodes: Vec<Cid>,
    pub(super) heads: Vec<Cid>,
    pub(super) state_hash: StateHash,
    pub(super) sequence: u64,
}

/// Looks at the store, and checks that its answers agree with one another.
pub(super) async fn look(store: &Arc<dyn DagStore>) -> Outcome<Sight> {
    let nodes = all(store).await?;
    let listed = cids(&nodes)?;
    let heads = store.heads(None).await?;
    let sequence = sequence(store).await?;
    same("the length, and what is listed", store.len(None).await?, listed.len() as u64)?;
    same("what is listed is there", store.has_many(&listed).await?, vec![true; listed.len()])?;
    same("the heads, and the nodes without a child", &heads, &heads_of(&nodes, None)?)?;
    in_topological_order(&nodes)?;
    Ok(Sight { nodes: listed, heads, state_hash: store.state_hash(None).await?, sequence })
}

/// The sequence number of the last commit, which a commit of nothing tells.
pub(super) async fn sequence(store: &Arc<dyn DagStore>) -> Outcome<u64> {
    Ok(store.commit(Changes::new()).await?.sequence)
}

/// Every node, in insertion order.
pub(super) async fn all(store: &Arc<dyn DagStore>) -> Outcome<Vec<DagNode>> {
    Ok(store.list().await?)
}

/// The heads among these nodes, in their order: those that are no parent of another one here (for a
/// scope: the ones in it, and children in it).
pub(super) fn heads_of(nodes: &[DagNode], scope: Option<&str>) -> Outcome<Vec<Cid>> {
    let within: Vec<&DagNode> =
        nodes.iter().filter(|node| scope.is_none_or(|scope| node.scope_id() == scope)).collect();
    let parents: HashSet<Cid> = within.iter().flat_map(|node| node.parents()).collect();
    let mut heads = cids(within)?;
    heads.retain(|cid| !parents.contains(cid));
    Ok(heads)
}

/// Checks that no node comes before one of its parents, and that no parent is missing.
pub(super) fn in_topological_order(nodes: &[DagNode]) -> Outcome {
    let mut before = HashSet::new();
    for node in nodes {
        if let Some(parent) = node.parents().into_iter().find(|parent| !before.contains(parent)) {
            let cid = node.cid()?;
            return Err(Failure::new(format!("{cid} is listed before its parent {parent}")));
        }
        if !before.insert(node.cid()?) {
            return Err(Failure::new(format!("{} is listed twice", node.cid()?)));
        }
    }
    Ok(())
}

/// Where a commit puts new nodes: parents first, and among those that are ready the one that was
/// staged first.
pub(super) fn placed(present: &[DagNode], staged: &[DagNode]) -> Outcome<Vec<Cid>> {
    let mut placed: HashSet<Cid> = cids(present)?.into_iter().collect();
    let mut waiting: Vec<&DagNode> = staged.iter().collect();
    let mut order = Vec::with_capacity(staged.len());
    while !waiting.is_empty() {
        let ready = |node: &&DagNode| node.parents().iter().all(|parent| placed.contains(parent));
        let Some(next) = waiting.iter().position(ready) else {
            return Err(Failure::new("the staged nodes lack a parent"));
        };
        let cid = waiting.remove(next).cid()?;
        placed.insert(cid);
        order.push(cid);
    }
    Ok(order)
}

/// What a list with this query gives, all pages together, of a store that holds these nodes in this
/// order.
pub(super) fn listed(nodes: &[DagNode], query: &ListQuery) -> Outcome<Vec<Cid>> {
    let mut found: Vec<&DagNode> = nodes
        .iter()
        .filter(|node| query.scope_id.as_deref().is_none_or(|scope| node.scope_id() == scope))
        .filter(|node| {
            query.event_types.is_empty() || query.event_types.contains(&node.event_type())
        })
        .filter(|node| query.since.is_none_or(|since| node.timestamp() >= since))
        .filter(|node| query.until.is_none_or(|until| node.timestamp() <= until))
        .collect();
    if query.order == Order::Time {
        let digests: HashMap<&DagNode, Vec<u8>> = found
            .iter()
            .map(|node| Ok((*node, node.cid()?.hash().digest().to_vec())))
            .collect::<Outcome<_>>()?;
        found.sort_by_key(|node| (node.timestamp(), &digests[*node]));
    }
    if query.reverse {
        found.reverse();
    }
    cids(found)
}

/// The state hash that these nodes have in a store of their own, put there in another order.
pub(super) async fn hash_of(nodes: &[DagNode]) -> Outcome<StateHash> {
    let other: Arc<dyn DagStore> = Arc::new(SharedDagStore::new());
    let mut changes = Changes::new();
    let by_digest: BTreeSet<(Vec<u8>, usize)> = nodes
        .iter()
        .enumerate()
        .map(|(i, node)| Ok((node.cid()?.hash().digest().to_vec(), i)))
        .collect::<Outcome<_>>()?;
    for (_, i) in by_digest {
        changes.insert(nodes[i].clone());
    }
    other.commit(changes).await?;
    Ok(other.state_hash(None).await?)
}
