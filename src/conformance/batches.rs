//! Batches: staged in private, applied as one or not at all.

use std::sync::Arc;

use super::contract;
use super::failure::{Outcome, different, ensure, precondition, refused, same};
use super::lab::Lab;
use super::model::{look, sequence};
use super::sample::{SCOPE, chain, child, cids, fill, inserts, root, roots};
use crate::{Changes, Cid, CommitId, Condition, DagStore, DagStoreBatch, DagStoreExt, ErrorKind};

contract! {
    /// Nothing is visible before commit.
    nothing_is_visible_before_commit,
    /// Commit applies all of the batch.
    commit_applies_everything,
    /// Commit applies all of the batch or nothing.
    commit_applies_nothing_where_one_operation_fails,
    /// Commit checks the batch against the store as it is then.
    commit_checks_the_store_as_it_is_then,
    /// Whatever a batch leaves behind, no link of the store leads nowhere.
    batches_leave_no_link_dangling,
    /// The last operation on a CID wins.
    last_operation_wins,
    /// A batch without net effect makes no commit.
    batches_without_effect_make_no_commit,
    /// Commits are numbered from 1, without gaps.
    commits_are_numbered,
    /// A commit has an id: 16 random bytes, or given by the caller.
    commits_have_their_id,
    /// A `Commit` tells the state hash after it, where it is asked for.
    commits_tell_the_state_hash,
    /// `get` of a batch sees what is staged.
    batches_read_what_they_staged,
    /// `insert_many` and `remove_many` stage all they are given.
    many_are_staged_at_once,
    /// A staging call that fails leaves the batch as it was.
    failed_staging_leaves_the_batch_as_it_was,
    /// `rollback` discards what is staged.
    rollback_discards,
    /// A batch that is dropped without commit is rolled back.
    dropped_batches_are_rolled_back,
    /// Using a batch after commit or rollback is `BatchClosed`.
    closed_batches_refuse,
    /// A batch holds no lock and no borrow: others read, write and commit meanwhile.
    open_batches_hold_no_lock,
    /// Two batches that compete: 50 nodes, 25 more by one, 10 fewer by the other, are 65.
    competing_batches_add_up,
}

async fn nothing_is_visible_before_commit(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [old, going] = [root("old")?, root("going")?];
    fill(&store, [&old, &going]).await?;
    let before = look(&store).await?;
    let new = child("new", &[&old])?;
    let mut batch = store.begin_batch().await;
    batch.insert(new.clone()).await?;
    batch.remove(going.cid()?).await?;
    precondition(batch.len() == 2, "two operations are staged")?;
    same("the store", look(&store).await?, before.clone())?;
    same("the new node", store.get(new.cid()?).await?, None)?;
    same("whether it is there", store.has(new.cid()?).await?, false)?;
    same("the one that goes", store.get(going.cid()?).await?, Some(going))?;
    same("the length of the scope", store.len(Some(SCOPE)).await?, 2)?;
    batch.commit().await?;
    different("the store, then", look(&store).await?, before)
}

async fn commit_applies_everything(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let old = roots("old", 4)?;
    fill(&store, &old).await?;
    let new = chain("new", 5)?;
    let mut batch = store.begin_batch().await;
    batch.insert_many(new.clone()).await?;
    batch.remove_many(cids(&old[1..3])?).await?;
    let commit = batch.commit().await?;
    same("inserted", commit.inserted, cids(&new)?)?;
    same("removed", commit.removed, cids(&old[1..3])?)?;
    let expected = cids([&old[0], &old[3]].into_iter().chain(&new))?;
    same("the store", look(&store).await?.nodes, expected)
}

async fn commit_applies_nothing_where_one_operation_fails(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = chain("chain", 2)?;
    let loner = root("loner")?;
    fill(&store, [&nodes[0], &nodes[1], &loner]).await?;
    let before = look(&store).await?;
    let good = roots("good", 3)?;
    let orphan = child("orphan", &[&root("missing")?])?;

    // What fails stands first, between the others, or last.
    for place in 0..=good.len() {
        let mut changes = Changes::new();
        for (i, node) in good.iter().enumerate() {
            if i == place {
                changes.insert(orphan.clone());
            }
            changes.insert(node.clone());
        }
        if place == good.len() {
            changes.insert(orphan.clone());
        }
        changes.remove(loner.cid()?)?;
        refused("the batch", store.commit(changes).await, ErrorKind::MissingParent)?;
        same("the store", look(&store).await?, before.clone())?;

        let mut changes = inserts(&good[..place]);
        changes.remove(nodes[0].cid()?)?;
        changes.remove(loner.cid()?)?;
        changes.require(Condition::Absent(orphan.cid()?));
        refused("the batch", store.commit(changes).await, ErrorKind::HasChildren)?;
        same("the store", look(&store).await?, before.clone())?;

        let mut changes = inserts(&good[..place]);
        changes.remove(loner.cid()?)?;
        changes.require(Condition::Absent(nodes[0].cid()?));
        refused("the batch", store.commit(changes).await, ErrorKind::ConditionFailed)?;
        same("the store", look(&store).await?, before.clone())?;
    }
    let mut changes = inserts(&good);
    changes.remove(loner.cid()?)?;
    let commit = store.commit(changes).await?;
    same("without what failed", (commit.inserted.len(), commit.removed.len()), (3, 1))
}

async fn commit_checks_the_store_as_it_is_then(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let parent = root("parent")?;
    let node = child("child", &[&parent])?;

    let mut early = store.begin_batch().await;
    early.insert(node.clone()).await?;
    store.insert(parent.clone()).await?;
    same("a parent that came after staging", early.commit().await?.inserted, cids([&node])?)?;

    let mut late = store.begin_batch().await;
    let sibling = child("sibling", &[&parent])?;
    late.insert(sibling).await?;
    same("staged, with its parent there", late.len(), 1)?;
    store.remove(node.cid()?).await?;
    store.remove(parent.cid()?).await?;
    refused("a parent that left since", late.commit().await, ErrorKind::MissingParent)?;

    let mut removing = store.begin_batch().await;
    store.insert(parent.clone()).await?;
    removing.remove(parent.cid()?).await?;
    store.insert(node.clone()).await?;
    refused("a child that came since", removing.commit().await, ErrorKind::HasChildren)?;
    same("what is there", look(&store).await?.nodes, cids([&parent, &node])?)
}

async fn batches_leave_no_link_dangling(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let parent = root("parent")?;
    let node = child("child", &[&parent])?;
    fill(&store, [&parent]).await?;
    let before = look(&store).await?;
    // A child comes in the batch in which its parent goes. Which of the two is to blame is open.
    for child_first in [true, false] {
        let mut changes = Changes::new();
        if child_first {
            changes.insert(node.clone());
        }
        changes.remove(parent.cid()?)?;
        changes.insert(node.clone());
        let kind = match store.commit(changes).await {
            Ok(_) => None,
            Err(error) => Some(error.kind()),
        };
        let blamed = [ErrorKind::MissingParent, ErrorKind::HasChildren].map(Some).contains(&kind);
        ensure(blamed, "a child was inserted while its parent was removed")?;
        same("the store", look(&store).await?, before.clone())?;
    }
    store.commit(inserts([&node])).await?;
    store.verify().await?;
    Ok(())
}

async fn last_operation_wins(lab: Lab) -> Outcome {
    for there_before in [false, true] {
        // Every sequence of up to four operations; a set bit inserts.
        for length in 1..=4 {
            for operations in 0..1_u32 << length {
                let store = lab.store().await?;
                let node = root("a node")?;
                if there_before {
                    store.insert(node.clone()).await?;
                }
                let mut batch = store.begin_batch().await;
                for i in 0..length {
                    if operations >> i & 1 == 1 {
                        batch.insert(node.clone()).await?;
                    } else {
                        batch.remove(node.cid()?).await?;
                    }
                }
                let last_inserts = operations >> (length - 1) & 1 == 1;
                same("the operations staged", batch.len(), 1)?;
                let commit = batch.commit().await?;
                let what = format!("{length} operations {operations:b}, there: {there_before}");
                same(&what, store.has(node.cid()?).await?, last_inserts)?;
                let effect = (commit.inserted.len(), commit.removed.len());
                let expected = (
                    usize::from(last_inserts && !there_before),
                    usize::from(!last_inserts && there_before),
                );
                same(&what, effect, expected)?;
            }
        }
    }
    Ok(())
}

async fn batches_without_effect_make_no_commit(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nothing = store.commit(Changes::new()).await?;
    same("before any commit", (nothing.sequence, nothing.is_empty()), (0, true))?;
    let [there, not_there] = [root("there")?, root("not there")?];
    let first = store.insert_many([there.clone()]).await?;
    precondition(first.sequence == 1, "there is one commit")?;
    let before = look(&store).await?;

    let mut back_and_forth = inserts([&not_there]);
    back_and_forth.remove(not_there.cid()?)?;
    back_and_forth.remove(there.cid()?)?;
    back_and_forth.insert(there.clone());
    let mut absent = Changes::new();
    absent.remove(not_there.cid()?)?;
    for changes in [Changes::new(), inserts([&there]), absent, back_and_forth] {
        let commit = store.commit(changes).await?;
        same("what changed", (commit.inserted, commit.removed), (vec![], vec![]))?;
        same("the sequence number", commit.sequence, 1)?;
        same("the store", look(&store).await?, before.clone())?;
    }
    same("the next commit", store.insert_many([not_there]).await?.sequence, 2)
}

async fn commits_are_numbered(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let orphan = child("orphan", &[&root("missing")?])?;
    for number in 1..=20 {
        let node = root(&format!("node {number}"))?;
        refused("an orphan", store.insert(orphan.clone()).await, ErrorKind::MissingParent)?;
        same("inserting", store.insert_many([node]).await?.sequence, number)?;
    }
    let first = root("node 1")?.cid()?;
    let mut changes = Changes::new();
    changes.remove(first)?;
    same("removing", store.commit(changes).await?.sequence, 21)
}

async fn commits_have_their_id(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let given = CommitId::from(*b"sixteen bytes...");
    let mut batch = store.begin_batch().await;
    batch.insert(root("a")?).await?;
    batch.set_id(given)?;
    same("the id given", batch.commit().await?.id, given)?;
    let [one, other] =
        [store.insert_many([root("b")?]).await?.id, store.insert_many([root("c")?]).await?.id];
    different("two random ids", one, other)?;
    different("a random id and zeros", one, CommitId::from([0; 16]))
}

async fn commits_tell_the_state_hash(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut seen = vec![store.state_hash(None).await?];
    for name in ["a", "b", "c"] {
        let mut batch = store.begin_batch().await;
        batch.insert(root(name)?).await?;
        batch.want_state_hash(true)?;
        let told = batch.commit().await?.state_hash;
        same("the state hash told", told, Some(store.state_hash(None).await?))?;
        seen.extend(told);
    }
    seen.sort();
    seen.dedup();
    precondition(seen.len() == 4, "every commit changed the state hash")?;
    let mut nothing = Changes::new();
    nothing.want_state_hash(true);
    let told = store.commit(nothing).await?.state_hash;
    same("without effect", told, Some(store.state_hash(None).await?))
}

async fn batches_read_what_they_staged(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let [there, going, new, unknown] =
        [root("there")?, root("going")?, root("new")?, root("unknown")?];
    fill(&store, [&there, &going]).await?;
    let mut batch = store.begin_batch().await;
    precondition(batch.get(new.cid()?).await?.is_none(), "nothing is staged yet")?;
    precondition(batch.get(going.cid()?).await?.is_some(), "nothing is staged yet")?;
    batch.insert(new.clone()).await?;
    batch.remove(going.cid()?).await?;
    same("what is staged", batch.get(new.cid()?).await?, Some(new.clone()))?;
    same("by its text", batch.get(new.cid()?.to_string()).await?, Some(new.clone()))?;
    same("what is to go", batch.get(going.cid()?).await?, None)?;
    same("what is in the store", batch.get(there.cid()?).await?, Some(there))?;
    same("what is nowhere", batch.get(unknown.cid()?).await?, None)?;
    // Reading through to the store means the store as it is, not as it was.
    store.insert(unknown.clone()).await?;
    same("what came since", batch.get(unknown.cid()?).await?, Some(unknown))?;
    batch.remove(new.cid()?).await?;
    same("staged, and taken back", batch.get(new.cid()?).await?, None)
}

async fn many_are_staged_at_once(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = chain("chain", 6)?;
    let backwards: Vec<_> = nodes.iter().rev().cloned().collect();
    let mut batch = store.begin_batch().await;
    let staged = batch.insert_many(backwards.clone()).await?;
    same("the CIDs returned", staged, cids(&backwards)?)?;
    same("the operations staged", batch.len(), 6)?;
    batch.commit().await?;
    same("the store", look(&store).await?.nodes, cids(&nodes)?)?;
    let mut batch = store.begin_batch().await;
    batch.remove_many(cids(&nodes[2..])?).await?;
    same("the removals staged", batch.len(), 4)?;
    batch.commit().await?;
    same("what is left", look(&store).await?.nodes, cids(&nodes[..2])?)
}

async fn failed_staging_leaves_the_batch_as_it_was(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = roots("node", 2)?;
    let mut batch = store.begin_batch().await;
    batch.insert(nodes[0].clone()).await?;
    refused("no block", batch.insert_block(b"no block").await, ErrorKind::InvalidNode)?;
    refused("no id to remove", batch.remove("no id").await, ErrorKind::InvalidCid)?;
    let ids = [nodes[0].cid()?.to_string(), "no id".to_owned()];
    refused("one id of two", batch.remove_many(ids).await, ErrorKind::InvalidCid)?;
    refused("no id to get", batch.get("no id").await, ErrorKind::InvalidCid)?;
    same("the operations staged", batch.len(), 1)?;
    batch.insert_block(nodes[1].as_bytes()).await?;
    same("the commit", batch.commit().await?.inserted, cids(&nodes)?)
}

async fn rollback_discards(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let node = root("a node")?;
    store.insert(node.clone()).await?;
    let before = look(&store).await?;
    let mut batch = store.begin_batch().await;
    batch.insert_many(roots("new", 5)?).await?;
    batch.remove(node.cid()?).await?;
    precondition(batch.len() == 6, "six operations are staged")?;
    batch.rollback();
    same("the store", look(&store).await?, before)?;
    same("what is staged", (batch.len(), batch.is_closed()), (0, true))
}

async fn dropped_batches_are_rolled_back(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let node = root("a node")?;
    store.insert(node.clone()).await?;
    let before = look(&store).await?;
    for _ in 0..3 {
        let mut batch = store.begin_batch().await;
        batch.insert_many(roots("new", 5)?).await?;
        batch.remove(node.cid()?).await?;
        precondition(batch.len() == 6, "six operations are staged")?;
        drop(batch);
        same("the store", look(&store).await?, before.clone())?;
    }
    // A batch that outlives every other handle on its store goes on working, and keeps nothing else.
    let mut batch = store.begin_batch().await;
    batch.insert(root("late")?).await?;
    drop(store);
    same("the commit", batch.commit().await?.inserted.len(), 1)
}

async fn closed_batches_refuse(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let missing = child("orphan", &[&root("missing")?])?;
    let mut committed = store.begin_batch().await;
    committed.insert(root("a node")?).await?;
    committed.commit().await?;
    let mut failed = store.begin_batch().await;
    failed.insert(missing).await?;
    refused("an orphan", failed.commit().await, ErrorKind::MissingParent)?;
    let mut rolled_back = store.begin_batch().await;
    rolled_back.insert(root("another")?).await?;
    rolled_back.rollback();
    let before = look(&store).await?;
    for batch in [committed, failed, rolled_back] {
        refuses_everything(batch).await?;
        same("the store", look(&store).await?, before.clone())?;
    }
    Ok(())
}

async fn refuses_everything(mut batch: DagStoreBatch<dyn DagStore>) -> Outcome {
    let closed = ErrorKind::BatchClosed;
    let node = root("too late")?;
    let cid: Cid = node.cid()?;
    for _ in 0..2 {
        ensure(batch.is_closed(), "the batch says that it is open")?;
        refused("insert", batch.insert(node.clone()).await, closed)?;
        refused("insert_many", batch.insert_many([node.clone()]).await, closed)?;
        refused("insert_block", batch.insert_block(node.as_bytes()).await, closed)?;
        refused("remove", batch.remove(cid).await, closed)?;
        refused("remove_many", batch.remove_many([cid]).await, closed)?;
        refused("get", batch.get(cid).await, closed)?;
        refused("require", batch.require(Condition::Absent(cid)), closed)?;
        refused("set_id", batch.set_id(CommitId::random()), closed)?;
        refused("commit", batch.commit().await, closed)?;
        // Rolling back what is closed does nothing.
        batch.rollback();
    }
    Ok(())
}

async fn open_batches_hold_no_lock(lab: Lab) -> Outcome {
    let store: Arc<dyn DagStore> = lab.store().await?;
    let mut batches = Vec::new();
    for i in 0..20 {
        let mut batch = store.begin_batch().await;
        batch.insert(root(&format!("batch {i}"))?).await?;
        store.insert(root(&format!("single {i}"))?).await?;
        same("the length, meanwhile", store.len(None).await?, i + 1)?;
        batches.push(batch);
    }
    let held: DagStoreBatch<dyn DagStore> = store.begin_batch().await;
    for mut batch in batches.into_iter().rev() {
        batch.commit().await?;
    }
    drop(held);
    same("the length", store.len(None).await?, 40)?;
    same("the commits", sequence(&store).await?, 40)
}

async fn competing_batches_add_up(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let first = roots("first", 50)?;
    fill(&store, &first).await?;
    let mut adding = store.begin_batch().await;
    let mut removing = store.begin_batch().await;
    let more = roots("more", 25)?;
    for (i, node) in more.iter().enumerate() {
        adding.insert(node.clone()).await?;
        if i < 10 {
            removing.remove(first[i].cid()?).await?;
        }
    }
    same("before both", store.len(None).await?, 50)?;
    removing.commit().await?;
    same("between them", store.len(None).await?, 40)?;
    adding.commit().await?;
    same("after both", store.len(None).await?, 65)?;
    same("those left", look(&store).await?.nodes, cids(first[10..].iter().chain(&more))?)
}
