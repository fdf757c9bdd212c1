//! Heads and lengths, of the store and of a scope.

use super::contract;
use super::failure::{Outcome, ensure, precondition, refused, same};
use super::lab::Lab;
use super::model::{all, heads_of, look};
use super::sample::{Dice, SCOPES, child, cids, dag, event, removals, root};
use crate::{Cid, DagEventType, DagNode, DagStoreExt, ErrorKind};

contract! {
    /// A head is a node without a child in the store.
    heads_have_no_child,
    /// A head of scope S is a node of S without a child in S.
    heads_of_a_scope_have_no_child_in_it,
    /// Heads are given in insertion order.
    heads_are_in_insertion_order,
    /// Removing the last child makes a head of the parent again.
    removal_bares_the_parent,
    /// A store and a scope know how many nodes they hold.
    lengths_count_nodes,
    /// A scope without nodes has no heads, length 0, and is no error.
    unknown_scopes_are_empty,
    /// Heads and lengths follow every commit.
    heads_and_lengths_follow_every_commit,
}

async fn heads_have_no_child(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    same("of an empty store", store.heads(None).await?, vec![])?;
    let [a, b] = [root("a")?, root("b")?];
    let both = child("both", &[&a, &b])?;
    store.insert(a.clone()).await?;
    same("after one", store.heads(None).await?, cids([&a])?)?;
    store.insert(b.clone()).await?;
    same("after two", store.heads(None).await?, cids([&a, &b])?)?;
    store.insert(both.clone()).await?;
    same("after their child", store.heads(None).await?, cids([&both])?)
}

async fn heads_of_a_scope_have_no_child_in_it(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let vote = DagEventType::Vote;
    let first = event("a", 0, &vote, "first", &[])?;
    let abroad = event("b", 0, &vote, "abroad", &[&first])?;
    let grandchild = event("a", 0, &vote, "grandchild", &[&abroad])?;
    store.insert_many([first.clone(), abroad.clone(), grandchild.clone()]).await?;
    same("of the store", store.heads(None).await?, cids([&grandchild])?)?;
    // A child in another scope doesn't count, nor does a grandchild that descends through one.
    same("of a", store.heads(Some("a")).await?, cids([&first, &grandchild])?)?;
    same("of b", store.heads(Some("b")).await?, cids([&abroad])?)?;
    let at_home = event("a", 0, &vote, "at home", &[&first])?;
    store.insert(at_home.clone()).await?;
    same("of a, then", store.heads(Some("a")).await?, cids([&grandchild, &at_home])?)?;
    store.remove(at_home.cid()?).await?;
    same("of a, again", store.heads(Some("a")).await?, cids([&first, &grandchild])?)
}

async fn heads_are_in_insertion_order(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut nodes = super::sample::roots("node", 30)?;
    Dice::new(6).shuffle(&mut nodes);
    for node in &nodes {
        store.insert(node.clone()).await?;
    }
    let last = child("over the first", &[&nodes[0], &nodes[7]])?;
    store.insert(last.clone()).await?;
    store.remove(last.cid()?).await?;
    same("the heads", store.heads(None).await?, cids(&nodes)?)
}

async fn removal_bares_the_parent(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let parent = root("parent")?;
    let children = [child("one", &[&parent])?, child("two", &[&parent])?];
    store.insert_many([parent.clone(), children[0].clone(), children[1].clone()]).await?;
    store.remove(children[0].cid()?).await?;
    same("with one child left", store.heads(None).await?, cids([&children[1]])?)?;
    let refusal = store.remove(parent.cid()?).await;
    refused("the parent's removal", refusal, ErrorKind::HasChildren)?;
    store.remove(children[1].cid()?).await?;
    same("with none left", store.heads(None).await?, cids([&parent])?)?;
    same("the parent's removal", store.remove(parent.cid()?).await?, true)
}

async fn lengths_count_nodes(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let vote = DagEventType::Vote;
    for i in 0..5 {
        let scope = if i < 2 { "a" } else { "b" };
        store.insert(event(scope, i, &vote, "an event", &[])?).await?;
    }
    let lengths =
        [store.len(None).await?, store.len(Some("a")).await?, store.len(Some("b")).await?];
    same("of the store, of a, of b", lengths, [5, 2, 3])
}

async fn unknown_scopes_are_empty(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let node = event("a scope", 0, &DagEventType::Vote, "an event", &[])?;
    store.insert(node.clone()).await?;
    for scope in ["a", "a scope ", "A scope", "", "another scope"] {
        same("the heads", store.heads(Some(scope)).await?, vec![])?;
        same("the length", store.len(Some(scope)).await?, 0)?;
    }
    precondition(store.len(Some("a scope")).await? == 1, "the scope itself is known")?;
    // A scope whose last node has gone is as one that never was.
    store.remove(node.cid()?).await?;
    same("the heads left", store.heads(Some("a scope")).await?, vec![])?;
    same("the length left", store.len(Some("a scope")).await?, 0)
}

async fn heads_and_lengths_follow_every_commit(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut dice = Dice::new(7);
    let nodes = dag(&mut dice, 60)?;
    let (mut grown, mut shrunk, mut refusals) = (0, 0, 0);
    for step in 0..200 {
        let node = &nodes[dice.below(nodes.len())];
        let result = if dice.below(3) == 0 {
            store.commit(removals([node])?).await
        } else {
            store.insert_many([node.clone()]).await
        };
        match result {
            Ok(commit) => {
                grown += commit.inserted.len();
                shrunk += commit.removed.len();
            }
            Err(_) => refusals += 1,
        }
        let present = all(&store).await?;
        look(&store).await?;
        for scope in SCOPES {
            let expected = heads_of(&present, Some(scope))?;
            let found: Vec<Cid> = store.heads(Some(scope)).await?;
            same(&format!("the heads of {scope}, step {step}"), found, expected)?;
            let within = present.iter().filter(|node: &&DagNode| node.scope_id() == scope).count();
            same("the length of the scope", store.len(Some(scope)).await?, within as u64)?;
        }
    }
    ensure(refusals < 200, "every step was refused")?;
    precondition(grown > 30 && shrunk > 10 && refusals > 10, "nodes came, went and were refused")
}
