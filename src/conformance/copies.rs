//! Copying a store of another kind, and into one.

use std::sync::Arc;

use super::contract;
use super::failure::{Failure, Outcome, ensure, precondition, same};
use super::lab::Lab;
use super::model::all;
use super::sample::{Dice, SCOPES, dag, event, fill};
use crate::{DagEventType, DagStore, DagStoreExt, ErrorKind, SharedDagStore};

contract! {
    /// A copy of a store, and one into it, has the same nodes in the same order.
    copies_are_the_same,
    /// A copy that was begun before goes on, and one into a store that holds more adds what is missing.
    copies_add_what_is_missing,
}

fn ours() -> Arc<dyn DagStore> {
    Arc::new(SharedDagStore::new())
}

async fn copies_are_the_same(lab: Lab) -> Outcome {
    for count in [0, 1, 70] {
        let nodes = dag(&mut Dice::new(71), count)?;
        let (store, ours) = (lab.store().await?, ours());
        // A commit for every few nodes.
        for some in nodes.chunks(7) {
            fill(&store, some).await?;
        }
        let copy = lab.store().await?;
        for (from, to) in [(&store, &ours), (&ours, &copy)] {
            let copied = from.copy_to(to).verify().await?;
            same("the nodes written", copied.nodes, count as u64)?;
            same("the nodes", all(to).await?, all(from).await?)?;
            same("the state", copied.state_hash, Some(from.state_hash(None).await?))?;
            same("again", from.copy_to(to).await?.nodes, 0)?;
        }
    }
    Ok(())
}

async fn copies_add_what_is_missing(lab: Lab) -> Outcome {
    let nodes = dag(&mut Dice::new(72), 60)?;
    let other = event(SCOPES[0], 5, &DagEventType::Vote, "other", &[])?;
    for there in [1, 20, 59] {
        for kind in 0..2 {
            let (from, to) = match kind {
                0 => (lab.store().await?, ours()),
                _ => (ours(), lab.store().await?),
            };
            for some in nodes.chunks(3) {
                fill(&from, some).await?;
            }
            fill(&to, &nodes[..there]).await?;
            let copied = from.copy_to(&to).verify().await?;
            same("the nodes written", copied.nodes, (nodes.len() - there) as u64)?;
            same("the nodes", all(&to).await?, all(&from).await?)?;

            to.insert(other.clone()).await?;
            ensure(from.copy_to(&to).await?.state_hash.is_none(), "the stores are not the same")?;
            let Err(error) = from.copy_to(&to).verify().await else {
                return Err(Failure::new("a store that holds more was taken for the same"));
            };
            same("the error", error.kind(), ErrorKind::ConditionFailed)?;
            same("what it names", error.cid(), Some(&other.cid()?))?;
        }
    }
    precondition(nodes.iter().any(|node| !node.parents().is_empty()), "there are links")
}
