//! Where a commit puts its nodes, and that they stay there.

use super::contract;
use super::failure::{Outcome, different, precondition, refused, same};
use super::lab::Lab;
use super::model::{all, look, placed};
use super::sample::{Dice, chain, child, cids, dag, fill, inserts, root, roots};
use crate::{Changes, DagNode, DagStoreExt, ErrorKind};

contract! {
    /// A commit places its nodes parents first: parents may be staged after their children.
    parents_are_placed_first,
    /// Among those ready, a commit places its nodes in staging order.
    staging_order_decides_among_the_ready,
    /// Insertion order is always a topological order, whatever order nodes were staged in.
    any_staging_order_gives_a_topological_order,
    /// Replaying `list()` one node at a time always works.
    lists_can_be_replayed_node_by_node,
    /// A node there before and after keeps its place.
    staying_nodes_keep_their_place,
    /// A node that was removed and comes back has a new place, after the others.
    returning_nodes_come_last,
    /// An operation that repeats the one staged changes nothing; an opposite one takes the later place.
    opposite_operations_take_the_later_place,
}

async fn parents_are_placed_first(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = chain("chain", 20)?;
    let commit = store.commit(inserts(nodes.iter().rev())).await?;
    same("the order placed", commit.inserted, cids(&nodes)?)?;
    same("the order listed", look(&store).await?.nodes, cids(&nodes)?)
}

async fn staging_order_decides_among_the_ready(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [a, b] = [root("a")?, root("b")?];
    let [under_a, under_b, under_both] =
        [child("under a", &[&a])?, child("under b", &[&b])?, child("under both", &[&a, &b])?];
    // Step by step: `b` is the first that is ready; then `under b`, staged before `a`; then `a`, which
    // makes `under both` and `under a` ready, and `under both` was staged before `under a`.
    let staged = [&under_both, &under_b, &under_a, &b, &a];
    let expected = cids([&b, &under_b, &a, &under_both, &under_a])?;
    different("staged and placed", cids(staged)?, expected.clone())?;
    let commit = store.commit(inserts(staged)).await?;
    same("the order placed", commit.inserted, expected.clone())?;
    same("the order listed", look(&store).await?.nodes, expected)
}

async fn any_staging_order_gives_a_topological_order(lab: Lab) -> Outcome {
    let mut dice = Dice::new(1);
    let mut astray = 0;
    for round in 0..12 {
        let store = lab.store().await?;
        let nodes = dag(&mut dice, 40)?;
        let (present, mut new) = (nodes[..10].to_vec(), nodes[10..].to_vec());
        fill(&store, &present).await?;
        dice.shuffle(&mut new);
        let expected = placed(&present, &new)?;
        astray += usize::from(expected != cids(&new)?);
        let commit = store.commit(inserts(&new)).await?;
        same(&format!("the order placed, round {round}"), &commit.inserted, &expected)?;
        same("the order listed", &look(&store).await?.nodes[10..], &expected[..])?;
    }
    precondition(astray > 6, "some nodes were staged before their parents")
}

async fn lists_can_be_replayed_node_by_node(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut dice = Dice::new(2);
    let mut nodes = dag(&mut dice, 60)?;
    dice.shuffle(&mut nodes);
    fill(&store, &nodes).await?;
    let replayed = lab.store().await?;
    for node in all(&store).await? {
        replayed.insert(node).await?;
    }
    let [one, other] = [look(&store).await?, look(&replayed).await?];
    same("the order", other.nodes, one.nodes)?;
    same("the heads", other.heads, one.heads)?;
    same("the state hash", other.state_hash, one.state_hash)?;
    same("the commits", (one.sequence, other.sequence), (1, 60))
}

async fn staying_nodes_keep_their_place(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = roots("node", 4)?;
    fill(&store, &nodes).await?;
    let before = look(&store).await?;
    let mut changes = Changes::new();
    for node in [&nodes[2], &nodes[0]] {
        changes.remove(node.cid()?)?;
        changes.insert(node.clone());
    }
    let new = root("new")?;
    changes.insert(new.clone());
    changes.insert(nodes[1].clone());
    let commit = store.commit(changes).await?;
    same("inserted", commit.inserted, vec![new.cid()?])?;
    same("removed", commit.removed, vec![])?;
    let after = look(&store).await?;
    same("the places of those there before", &after.nodes[..4], &before.nodes[..])?;
    same("the place of the new one", after.nodes.get(4).copied(), Some(new.cid()?))
}

async fn returning_nodes_come_last(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = roots("node", 3)?;
    fill(&store, &nodes).await?;
    store.remove(nodes[0].cid()?).await?;
    store.insert(nodes[0].clone()).await?;
    let expected = cids([&nodes[1], &nodes[2], &nodes[0]])?;
    same("the order", look(&store).await?.nodes, expected)
}

async fn opposite_operations_take_the_later_place(lab: Lab) -> Outcome {
    let [a, b, c] = [root("a")?, root("b")?, root("c")?];
    let order_of = async |operations: &[(bool, &DagNode)]| {
        let store = lab.store().await?;
        let mut batch = store.begin_batch().await;
        for (insert, node) in operations {
            if *insert {
                batch.insert((*node).clone()).await?;
            } else {
                batch.remove(node.cid()?).await?;
            }
        }
        batch.commit().await?;
        Outcome::Ok(look(&store).await?.nodes)
    };
    let repeated = order_of(&[(true, &a), (true, &b), (true, &a), (true, &c)]).await?;
    same("after a repetition", repeated, cids([&a, &b, &c])?)?;
    let replaced = order_of(&[(true, &a), (true, &b), (false, &a), (true, &a), (true, &c)]).await?;
    same("after two opposites", replaced, cids([&b, &a, &c])?)?;
    let withdrawn = order_of(&[(true, &a), (true, &b), (false, &a), (true, &c)]).await?;
    same("after one opposite", withdrawn, cids([&b, &c])?)?;

    // Not for want of a refusal: a batch that takes a parent back lacks it.
    let store = lab.store().await?;
    let mut changes = inserts([&a, &child("under a", &[&a])?]);
    changes.remove(a.cid()?)?;
    refused("a child of one taken back", store.commit(changes).await, ErrorKind::MissingParent)?;
    Ok(())
}
