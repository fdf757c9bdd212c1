//! Futures dropped half way: whatever was begun has its whole effect or none.

use std::sync::Arc;

use futures::StreamExt as _;

use super::contract;
use super::failure::{Failure, Outcome, ensure, precondition, same};
use super::lab::{Lab, cancelled_after, give_way};
use super::model::{all, hash_of, look, sequence};
use super::sample::{Dice, SCOPE, chain, child, cids, fill, inserts, removals, root};
use crate::{BoxFuture, Cid, DagNode, DagStore, DagStoreExt, ErrorKind, ListQuery, TreeAddress};

contract! {
    /// A commit that is dropped, at whichever poll, has had its whole effect or none.
    commits_dropped_at_any_poll_are_all_or_nothing,
    /// A read that is dropped, at whichever poll, leaves the store working.
    reads_dropped_at_any_poll_leave_the_store_working,
    /// A batch's future that is dropped leaves a batch that works, or says that it is closed.
    batch_calls_dropped_at_any_poll_are_all_or_nothing,
    /// A list that is dropped half way leaves the store working.
    lists_dropped_half_way_leave_the_store_working,
    /// `close` that is dropped closes the store or doesn't.
    close_dropped_at_any_poll_closes_or_does_not,
    /// Commits and reads dropped amid others disturb none of the others.
    dropped_futures_disturb_nobody,
}

/// No operation of a check here takes more polls than this.
const MOST_POLLS: usize = 10_000;

/// Tries it with 0, 1, 2, … polls, until `attempt` says that it came to its end.
macro_rules! at_every_poll {
    ($polls:ident => $attempt:block) => {{
        let mut $polls = 0;
        loop {
            let done: bool = $attempt;
            if done {
                break;
            }
            $polls += 1;
            ensure($polls < MOST_POLLS, "the operation never comes to its end")?;
        }
        precondition($polls > 0, "a future that is never polled does not end")?;
    }};
}

/// Checks that this commit's effect is there wholly or not at all, and that the store goes on working.
async fn all_or_nothing(
    store: &Arc<dyn DagStore>,
    new: &[DagNode],
    gone: &DagNode,
) -> Outcome<bool> {
    // This takes effect after whatever of the dropped commit is still under way.
    let marker = root(&format!("after {}", new[0].cid()?))?;
    same("another commit", store.insert(marker.clone()).await?, marker.cid()?)?;
    let there = store.has_many(&cids(new)?).await?;
    let removed = !store.has(gone.cid()?).await?;
    ensure(there.iter().all(|one| *one == removed), "half of a dropped commit took effect")?;
    look(store).await?;
    Ok(removed)
}

async fn commits_dropped_at_any_poll_are_all_or_nothing(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let mut expected = 0;
    at_every_poll!(polls => {
        let going = root(&format!("going {polls}"))?;
        store.insert(going.clone()).await?;
        let new = chain(&format!("new {polls}"), 3)?;
        let mut changes = inserts(new.iter().rev());
        changes.remove(going.cid()?)?;
        let done = cancelled_after(polls, store.commit(changes)).await;
        let happened = all_or_nothing(&store, &new, &going).await?;
        expected += 2 + u64::from(happened);
        same("the commits", sequence(&store).await?, expected)?;
        if let Some(result) = &done {
            let told = result.as_ref().map_or(0, |commit| commit.inserted.len());
            ensure(happened && told == 3, "a commit came to its end without effect")?;
        }
        done.is_some()
    });
    store.verify().await?;
    Ok(())
}

async fn reads_dropped_at_any_poll_leave_the_store_working(lab: Lab) -> Outcome {
    type Read<'a> = BoxFuture<'a, crate::Result<()>>;
    type Reading = for<'a> fn(&'a dyn DagStore, &'a [Cid], &'a ListQuery) -> Read<'a>;
    let readings: [(&str, Reading); 12] = [
        ("get_many", |store, ids, _| Box::pin(async { store.get_many(ids).await.map(drop) })),
        ("has_many", |store, ids, _| Box::pin(async { store.has_many(ids).await.map(drop) })),
        ("list_page", |store, _, query| Box::pin(async { store.list_page(query).await.map(drop) })),
        ("count", |store, _, query| Box::pin(async { store.count(query).await.map(drop) })),
        ("scopes", |store, _, _| Box::pin(async { store.scopes(None, 9).await.map(drop) })),
        ("tree", |store, _, _| {
            Box::pin(async { store.tree(&[TreeAddress::scopes()]).await.map(drop) })
        }),
        ("heads", |store, _, _| Box::pin(async { store.heads(None).await.map(drop) })),
        ("heads of a scope", |store, _, _| {
            Box::pin(async { store.heads(Some(SCOPE)).await.map(drop) })
        }),
        ("len", |store, _, _| Box::pin(async { store.len(None).await.map(drop) })),
        ("state_hash", |store, _, _| Box::pin(async { store.state_hash(None).await.map(drop) })),
        ("scope hash", |store, _, _| {
            Box::pin(async { store.state_hash(Some(SCOPE)).await.map(drop) })
        }),
        ("verify", |store, _, _| Box::pin(async { store.verify().await.map(drop) })),
    ];
    let store = lab.store().await?;
    fill(&store, &chain("chain", 20)?).await?;
    for (what, reading) in readings {
        at_every_poll!(polls => {
            let ids = look(&store).await?.nodes;
            let query = ListQuery::default();
            let done = cancelled_after(polls, reading(&*store, &ids, &query)).await.transpose()?;
            // A lock that a dropped read left behind would keep this writer out.
            let node = root(&format!("{what} {polls}"))?;
            store.insert(node.clone()).await?;
            same(what, store.get(node.cid()?).await?, Some(node))?;
            done.is_some()
        });
    }
    let nodes = all(&store).await?;
    same("the state hash", store.state_hash(None).await?, hash_of(&nodes).await?)
}

async fn batch_calls_dropped_at_any_poll_are_all_or_nothing(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    at_every_poll!(polls => {
        let going = root(&format!("going {polls}"))?;
        store.insert(going.clone()).await?;
        let new = chain(&format!("new {polls}"), 3)?;
        let mut batch = store.begin_batch().await;

        // Staging: many are staged, or none of them.
        let many = Box::pin(batch.insert_many(new.clone()));
        let staged = cancelled_after(polls, many).await.transpose()?;
        ensure([0, 3].contains(&batch.len()), "half of a dropped call is staged")?;
        ensure(staged.is_none() || batch.len() == 3, "a call came to its end without effect")?;
        let read = Box::pin(batch.get(going.cid()?));
        let read = cancelled_after(polls, read).await.transpose()?;
        batch.insert_many(new.clone()).await?;
        batch.remove(going.cid()?).await?;
        same("the operations staged", batch.len(), 4)?;

        // Commit: the batch is committed, is closed without effect, or is as it was.
        let committed = cancelled_after(polls, Box::pin(batch.commit())).await.transpose()?;
        let happened = all_or_nothing(&store, &new, &going).await?;
        match batch.commit().await {
            Ok(commit) => {
                ensure(!happened, "a batch was committed twice")?;
                same("inserted by the second try", commit.inserted, cids(&new)?)?;
            }
            Err(error) => same("the second try", error.kind(), ErrorKind::BatchClosed)?,
        }
        ensure(committed.is_none() || happened, "a commit came to its end without effect")?;
        staged.is_some() && read.is_some() && committed.is_some()
    });
    Ok(())
}

async fn lists_dropped_half_way_leave_the_store_working(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    // More than a stream reads at once.
    let nodes = chain("chain", 600)?;
    fill(&store, &nodes).await?;
    for taken in [0, 1, 255, 256, 257, 599, 600] {
        let mut stream = store.list().stream();
        let mut found = Vec::new();
        while found.len() < taken {
            let Some(node) = stream.next().await else {
                return Err(Failure::new("the list ends too early"));
            };
            found.push(node?);
        }
        same("what the list gave", &found[..], &nodes[..taken])?;
        drop(stream);
        store.insert(root(&format!("after {taken}"))?).await?;
    }
    at_every_poll!(polls => {
        let list = Box::pin(async { store.list().await });
        let done = cancelled_after(polls, list).await.transpose()?;
        store.insert(root(&format!("after {polls} polls"))?).await?;
        done.is_some()
    });
    store.verify().await?;
    Ok(())
}

async fn close_dropped_at_any_poll_closes_or_does_not(lab: Lab) -> Outcome {
    at_every_poll!(polls => {
        let store = lab.store().await?;
        store.insert(root("a node")?).await?;
        let done = cancelled_after(polls, store.close()).await.transpose()?;
        match store.len(None).await {
            Ok(length) => {
                same("the length", length, 1)?;
                ensure(done.is_none(), "`close` came to its end, and the store is open")?;
            }
            Err(error) => same("the length", error.kind(), ErrorKind::Closed)?,
        }
        store.close().await?;
        done.is_some()
    });
    Ok(())
}

async fn dropped_futures_disturb_nobody(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let settled = chain("settled", 30)?;
    fill(&store, &settled).await?;
    let settled_ids = cids(&settled)?;
    let mut tasks: Vec<BoxFuture<'static, Outcome<(usize, usize)>>> = Vec::new();
    for writer in 0..6 {
        let (store, settled, settled_ids) =
            (Arc::clone(&store), settled.clone(), settled_ids.clone());
        tasks.push(Box::pin(async move {
            let mut dice = Dice::new(20 + writer);
            let (mut dropped, mut ended) = (0, 0);
            for round in 0..25 {
                let name = format!("writer {writer} round {round}");
                let first = child(&name, &[&settled[dice.below(settled.len())]])?;
                let second = child(&name, &[&first])?;
                let commit = store.commit(inserts([&second, &first]));
                // Some see their end, however many polls that takes.
                let polls = [0, 1, 2, 3, usize::MAX][dice.below(5)];
                match cancelled_after(polls, commit).await {
                    Some(commit) => {
                        same("inserted", commit?.inserted.len(), 2)?;
                        ended += 1;
                    }
                    None => dropped += 1,
                }
                cancelled_after(dice.below(3), store.verify()).await.transpose()?;
                cancelled_after(dice.below(3), store.heads(Some(SCOPE))).await.transpose()?;
                give_way(dice.below(3)).await;
                let there = store.has_many(&settled_ids).await?;
                ensure(there.iter().all(|one| *one), "a node is gone that nobody removed")?;
                let undo = removals([&first, &second])?;
                cancelled_after(dice.below(4), store.commit(undo)).await.transpose()?;
            }
            Ok((dropped, ended))
        }));
    }
    let (dropped, ended): (Vec<usize>, Vec<usize>) = lab.all(tasks).await?.into_iter().unzip();
    let (dropped, ended) = (dropped.iter().sum::<usize>(), ended.iter().sum::<usize>());
    precondition(dropped > 10 && ended > 10, "some commits were dropped, and some ended")?;
    // This takes effect after whatever of the dropped commits is still under way.
    fill(&store, &chain("last", 2)?).await?;
    let nodes = all(&store).await?;
    let pairs = nodes.len() - settled.len();
    same("a node beyond whole pairs", pairs % 2, 0)?;
    let seen = look(&store).await?;
    same("the state hash", seen.state_hash, hash_of(&nodes).await?)?;
    same("the nodes verified", store.verify().await?.nodes, nodes.len() as u64)
}
