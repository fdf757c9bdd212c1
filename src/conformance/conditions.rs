//! Conditions of a commit.

use std::sync::Arc;

use super::contract;
use super::failure::{Outcome, different, precondition, refused, same};
use super::lab::Lab;
use super::model::look;
use super::sample::{Dice, child, cids, event, fill, inserts, root, roots};
use crate::{Changes, Cid, Condition, DagEventType, DagStore, DagStoreExt, ErrorKind, StateHash};

contract! {
    /// Condition: the heads of the store are still these.
    heads_of_the_store_are_a_condition,
    /// Condition: the heads of one scope are still these.
    heads_of_a_scope_are_a_condition,
    /// Heads are compared as a set.
    heads_are_compared_as_a_set,
    /// Condition: the state hash is still this.
    the_state_hash_is_a_condition,
    /// Condition: this CID is absent.
    absence_is_a_condition,
    /// One condition that fails refuses the whole batch.
    one_failing_condition_refuses_the_batch,
    /// Conditions are about the store before the batch, not after it.
    conditions_are_about_the_store_before,
    /// Conditions hold for a batch without net effect too.
    conditions_bind_batches_without_effect,
}

fn heads_are(scope: Option<&str>, heads: Vec<Cid>) -> Condition {
    Condition::Heads { scope_id: scope.map(str::to_owned), heads }
}

/// Commits these changes under these conditions, and tells whether they held.
async fn holds(
    store: &Arc<dyn DagStore>,
    mut changes: Changes,
    conditions: impl IntoIterator<Item = Condition>,
) -> Outcome<bool> {
    let before = look(store).await?;
    conditions.into_iter().for_each(|condition| changes.require(condition));
    match store.commit(changes).await {
        Ok(_) => Ok(true),
        Err(error) => {
            refused::<()>("the commit", Err(error), ErrorKind::ConditionFailed)?;
            same("the store", look(store).await?, before)?;
            Ok(false)
        }
    }
}

async fn heads_of_the_store_are_a_condition(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [a, b, c] = [root("a")?, root("b")?, root("c")?];
    let no_heads = [heads_are(None, vec![])];
    same("none, truly", holds(&store, inserts([&a]), no_heads.clone()).await?, true)?;
    same("none, no longer", holds(&store, inserts([&b]), no_heads).await?, false)?;
    let one_head = [heads_are(None, cids([&a])?)];
    same("one, truly", holds(&store, inserts([&b]), one_head.clone()).await?, true)?;
    same("one of two", holds(&store, inserts([&c]), one_head).await?, false)?;
    let three = [heads_are(None, cids([&a, &b, &c])?)];
    same("three, of which one is not there", holds(&store, inserts([&c]), three).await?, false)?;
    let others = [heads_are(None, cids([&a, &c])?)];
    same("two others", holds(&store, inserts([&c]), others).await?, false)
}

async fn heads_of_a_scope_are_a_condition(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let vote = DagEventType::Vote;
    let first = event("a", 0, &vote, "first", &[])?;
    let abroad = event("b", 0, &vote, "abroad", &[&first])?;
    fill(&store, [&first, &abroad]).await?;
    precondition(store.heads(None).await? == cids([&abroad])?, "the scopes' heads differ")?;
    let next = |name: &'static str| event("a", 1, &vote, name, &[]);
    let of = |scope, node| Outcome::Ok([heads_are(Some(scope), cids([node])?)]);
    same("of a", holds(&store, inserts([&next("1")?]), of("a", &first)?).await?, true)?;
    same("of a, changed", holds(&store, inserts([&next("2")?]), of("a", &first)?).await?, false)?;
    same("of b", holds(&store, inserts([&next("3")?]), of("b", &abroad)?).await?, true)?;
    same("of b, wrong", holds(&store, inserts([&next("4")?]), of("b", &first)?).await?, false)?;
    let nowhere = [heads_are(Some("nowhere"), vec![])];
    same("of an unknown scope", holds(&store, inserts([&next("5")?]), nowhere).await?, true)
}

async fn heads_are_compared_as_a_set(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = roots("node", 8)?;
    fill(&store, &nodes).await?;
    let mut heads = store.heads(None).await?;
    let mut dice = Dice::new(8);
    for round in 0..5 {
        let newcomer = child(&format!("newcomer {round}"), &[&nodes[0], &nodes[round + 1]])?;
        dice.shuffle(&mut heads);
        let shuffled = [heads_are(None, heads.clone())];
        same("in another order", holds(&store, inserts([&newcomer]), shuffled).await?, true)?;
        heads = store.heads(None).await?;
    }
    Ok(())
}

async fn the_state_hash_is_a_condition(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [a, b, c] = [root("a")?, root("b")?, root("c")?];
    let empty = Condition::StateHash(store.state_hash(None).await?);
    same("empty, truly", holds(&store, inserts([&a]), [empty.clone()]).await?, true)?;
    same("empty, no longer", holds(&store, inserts([&b]), [empty.clone()]).await?, false)?;
    let one = Condition::StateHash(store.state_hash(None).await?);
    same("one, truly", holds(&store, inserts([&b]), [one.clone()]).await?, true)?;
    same("one, no longer", holds(&store, inserts([&c]), [one.clone()]).await?, false)?;
    let zeros = Condition::StateHash(StateHash::from([0; 32]));
    same("zeros", holds(&store, inserts([&c]), [zeros]).await?, false)?;
    store.remove(b.cid()?).await?;
    same("one, again", holds(&store, inserts([&c]), [one]).await?, true)
}

async fn absence_is_a_condition(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [claim, winner, loser] = [root("claim")?, root("winner")?, root("loser")?];
    let absent = [Condition::Absent(claim.cid()?)];
    same("absent", holds(&store, inserts([&claim, &winner]), absent.clone()).await?, true)?;
    same("present", holds(&store, inserts([&claim, &loser]), absent.clone()).await?, false)?;
    same("the loser", store.has(loser.cid()?).await?, false)?;
    store.remove(claim.cid()?).await?;
    same("absent again", holds(&store, inserts([&loser]), absent).await?, true)
}

async fn one_failing_condition_refuses_the_batch(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [a, b] = [root("a")?, root("b")?];
    fill(&store, [&a]).await?;
    let good = [
        heads_are(None, cids([&a])?),
        heads_are(Some(super::sample::SCOPE), cids([&a])?),
        Condition::StateHash(store.state_hash(None).await?),
        Condition::Absent(b.cid()?),
    ];
    for place in 0..=good.len() {
        let mut conditions = good.to_vec();
        conditions.insert(place, Condition::Absent(a.cid()?));
        same("one fails", holds(&store, inserts([&b]), conditions).await?, false)?;
    }
    same("all hold", holds(&store, inserts([&b]), good).await?, true)
}

async fn conditions_are_about_the_store_before(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [a, b] = [root("a")?, root("b")?];
    fill(&store, [&a]).await?;
    let swap = || {
        let mut changes = inserts([&b]);
        changes.remove(a.cid()?)?;
        Outcome::Ok(changes)
    };
    same("absent after", holds(&store, swap()?, [Condition::Absent(a.cid()?)]).await?, false)?;
    same("heads after", holds(&store, swap()?, [heads_are(None, cids([&b])?)]).await?, false)?;
    let after = super::model::hash_of(std::slice::from_ref(&b)).await?;
    different("the hash before, and after", store.state_hash(None).await?, after)?;
    same("hash after", holds(&store, swap()?, [Condition::StateHash(after)]).await?, false)?;
    let before = [Condition::Absent(b.cid()?), heads_are(None, cids([&a])?)];
    same("before", holds(&store, swap()?, before).await?, true)?;
    same("the hash reached", store.state_hash(None).await?, after)
}

async fn conditions_bind_batches_without_effect(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let a = root("a")?;
    fill(&store, [&a]).await?;
    let fails = Condition::Absent(a.cid()?);
    same("nothing staged", holds(&store, Changes::new(), [fails.clone()]).await?, false)?;
    same("nothing new", holds(&store, inserts([&a]), [fails]).await?, false)?;
    let holding = heads_are(None, cids([&a])?);
    same("nothing new, and it holds", holds(&store, inserts([&a]), [holding]).await?, true)
}
