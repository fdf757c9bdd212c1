//! Watching: every commit in its order, none twice, each with the nodes that were asked for.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::Poll;

use futures::TryStreamExt as _;

use super::contract;
use super::failure::{Failure, Outcome, ensure, precondition, refused, same};
use super::lab::{Lab, give_way, poll_once};
use super::sample::{Dice, SCOPES, dag, event, inserts, removals, root, roots};
use crate::{
    BoxFuture, BoxStream, ChangeKind, Cid, Commit, CommitFilter, DagEventType, DagNode, DagStore,
    DagStoreExt, ErrorKind, Limits, Result,
};

contract! {
    /// `sequence` is the number of the last commit; one without effect has none.
    the_sequence_number_is_that_of_the_last_commit,
    /// Who watches from the beginning is told of every commit in order: as whoever made it was.
    watchers_are_told_of_every_commit,
    /// Who watches without saying from where is told of what is committed after that, even before the
    /// first look.
    watchers_from_now_on_are_told_of_what_follows,
    /// A watcher waits until there is a commit with something for its filter.
    watchers_wait_for_what_they_want,
    /// A filter lets a commit's nodes pass by scope, type and kind of change; a commit without any is
    /// passed over.
    watchers_are_told_of_what_they_want,
    /// Whoever stops waiting and asks again misses nothing, and many may ask for the same.
    watchers_who_leave_and_return_miss_nothing,
    /// Watching from beyond the next commit is `InvalidArgument`.
    watching_from_the_future_is_refused,
    /// The last `history` commits are remembered, and earlier ones are told whole or are `Compacted`.
    the_past_is_told_whole_or_refused,
    /// Whoever watches is told `Closed` when the store is closed.
    watching_ends_when_the_store_closes,
    /// Beside writers, every watcher is told of every commit, once.
    watchers_miss_nothing_beside_writers,
}

type Store = Arc<dyn DagStore>;

async fn the_sequence_number_is_that_of_the_last_commit(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    same("of an empty store", store.sequence().await?, 0)?;
    let nodes = roots("node", 3)?;
    store.insert(nodes[0].clone()).await?;
    same("after an insert", store.sequence().await?, 1)?;
    store.commit(inserts(&nodes)).await?;
    same("after a commit", store.sequence().await?, 2)?;
    store.commit(inserts(&nodes)).await?;
    same("after a commit without effect", store.sequence().await?, 2)?;
    store.commit(removals(&nodes)?).await?;
    same("after a removal", store.sequence().await?, 3)
}

async fn watchers_are_told_of_every_commit(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let (_, made) = history(&store).await?;
    precondition(made.len() > 20, "there are commits to tell of")?;
    for from in [0, 1, 2, 7, made.len() as u64] {
        let expected = &made[usize::try_from(from.saturating_sub(1)).unwrap_or(0)..];
        let mut commits = store.watch().from(from).await?;
        for expected in expected {
            let told = next(&mut commits).await?;
            same("the commit", &told, expected)?;
        }
    }
    Ok(())
}

async fn watchers_from_now_on_are_told_of_what_follows(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let nodes = roots("node", 4)?;
    let mut first = store.watch().await?;
    store.insert(nodes[0].clone()).await?;
    store.insert(nodes[1].clone()).await?;
    let mut second = store.watch().await?;
    store.insert(nodes[2].clone()).await?;
    let mut third = store.watch().await?;
    store.insert(nodes[3].clone()).await?;
    for (watcher, expected) in [(&mut first, 0), (&mut second, 2), (&mut third, 3)] {
        for node in &nodes[expected..] {
            same("what is new", next(watcher).await?.inserted, vec![node.cid()?])?;
        }
    }
    still_waits(&mut store.next_commit(4, &CommitFilter::default())).await
}

async fn watchers_wait_for_what_they_want(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let (vote, other) = (DagEventType::Vote, DagEventType::Anchor);
    let wanted = event("s", 1, &vote, "wanted", &[])?;
    let of_scope = CommitFilter { scope_id: Some("s".into()), ..CommitFilter::default() };
    let of_type = CommitFilter { event_types: Some(vec![vote.clone()]), ..CommitFilter::default() };
    let removals_only = CommitFilter { only: Some(ChangeKind::Removed), ..CommitFilter::default() };
    let all = CommitFilter::default();
    let mut waiting = [&of_scope, &of_type].map(|filter| store.next_commit(0, filter));
    let mut gone = store.next_commit(0, &removals_only);
    still_waits(&mut gone).await?;
    for waits in &mut waiting {
        still_waits(waits).await?;
    }
    store.insert(event("another", 1, &other, "not wanted", &[])?).await?;
    for waits in waiting.iter_mut().chain([&mut gone]) {
        still_waits(waits).await?;
    }
    store.insert(wanted.clone()).await?;
    still_waits(&mut gone).await?;
    for waits in waiting {
        let commit = waits.await?;
        same("the commit", (commit.sequence, commit.inserted), (2, vec![wanted.cid()?]))?;
    }
    store.remove(wanted.cid()?).await?;
    let commit = gone.await?;
    same("the removal", (commit.sequence, commit.removed), (3, vec![wanted.cid()?]))?;
    still_waits(&mut store.next_commit(3, &all)).await
}

async fn watchers_are_told_of_what_they_want(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let (nodes, made) = history(&store).await?;
    let types = [DagEventType::Vote, DagEventType::Custom("ballot-opened".to_owned())];
    let mut told = 0;
    for scope_id in [None, Some(SCOPES[0]), Some(SCOPES[2]), Some("unknown")] {
        for event_types in [None, Some(&types[..1]), Some(&types[..]), Some(&[][..])] {
            for only in [None, Some(ChangeKind::Inserted), Some(ChangeKind::Removed)] {
                let filter = CommitFilter {
                    scope_id: scope_id.map(ToOwned::to_owned),
                    event_types: event_types.map(<[_]>::to_vec),
                    only,
                };
                let expected = filtered(&made, &nodes, &filter);
                let mut after = 0;
                for expected in &expected {
                    let commit = store.next_commit(after, &filter).await?;
                    same("the commit", &commit, expected)?;
                    after = commit.sequence;
                    told += commit.inserted.len().min(commit.removed.len());
                }
                still_waits(&mut store.next_commit(after, &filter)).await?;
            }
        }
    }
    precondition(told > 0, "a commit has both inserted and removed what was wanted")
}

async fn watchers_who_leave_and_return_miss_nothing(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let all = CommitFilter::default();
    let node = root("a node")?;
    for _ in 0..3 {
        still_waits(&mut store.next_commit(0, &all)).await?;
    }
    let mut one_more = store.next_commit(0, &all);
    still_waits(&mut one_more).await?;
    store.insert(node.clone()).await?;
    drop(one_more);
    for _ in 0..3 {
        let mut told = store.next_commit(0, &all);
        drop(poll_once(&mut told).await);
    }
    for _ in 0..3 {
        let told = store.next_commit(0, &all).await?;
        same("what is new", told.inserted, vec![node.cid()?])?;
    }
    Ok(())
}

async fn watching_from_the_future_is_refused(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let all = CommitFilter::default();
    let nodes = roots("node", 3)?;
    for (sequence, node) in (1..).zip(&nodes) {
        store.insert(node.clone()).await?;
        still_waits(&mut store.next_commit(sequence, &all)).await?;
        let refusal = store.next_commit(sequence + 1, &all).await;
        refused("from the future", refusal, ErrorKind::InvalidArgument)?;
    }
    let mut commits = store.watch().from(5).await?;
    let refusal = commits.try_next().await;
    refused("a watch from the future", refusal, ErrorKind::InvalidArgument).map(drop)
}

async fn the_past_is_told_whole_or_refused(lab: Lab) -> Outcome {
    const KEPT: u64 = 4;
    let store = lab.store_with(Limits::default().with_history(4)).await?;
    let all = CommitFilter::default();
    let nodes = roots("node", 40)?;
    let mut made = Vec::new();
    for (i, pair) in nodes.chunks(2).enumerate() {
        made.push(store.commit(inserts(pair)).await?);
        if i % 3 == 0 {
            // So that what was inserted before is there no longer.
            made.push(store.commit(removals(&pair[..1])?).await?);
        }
        let last = made.len() as u64;
        for (after, made) in (0..).zip(&made) {
            match store.next_commit(after, &all).await {
                Ok(told) => same("the commit", &told, made)?,
                forgotten => {
                    refused("what is forgotten", forgotten, ErrorKind::Compacted)?;
                    ensure(after + KEPT < last, "a commit is forgotten that should be kept")?;
                }
            }
        }
    }
    Ok(())
}

async fn watching_ends_when_the_store_closes(lab: Lab) -> Outcome {
    let store = lab.store().await?;
    let all = CommitFilter::default();
    let mut waits = store.next_commit(0, &all);
    still_waits(&mut waits).await?;
    let mut commits = store.watch().await?;
    store.close().await?;
    refused("who waits", waits.await, ErrorKind::Closed)?;
    refused("who is about to", commits.try_next().await, ErrorKind::Closed)?;
    same("after that", commits.try_next().await?, None)?;
    refused("who comes", store.next_commit(0, &all).await, ErrorKind::Closed)?;
    refused("who asks for the number", store.sequence().await, ErrorKind::Closed).map(drop)
}

async fn watchers_miss_nothing_beside_writers(lab: Lab) -> Outcome {
    const WRITERS: u64 = 4;
    const COMMITS: u8 = 25;
    let store = lab.store().await?;
    let mut tasks: Vec<BoxFuture<'static, Outcome<Vec<Commit>>>> = Vec::new();
    for watcher in 0..3 {
        let store = Arc::clone(&store);
        tasks.push(Box::pin(async move {
            let watch = store.watch().from(1);
            let watch = if watcher == 0 { watch } else { watch.only(ChangeKind::Inserted) };
            let mut commits = watch.await?;
            let mut told = Vec::new();
            while told
                .last()
                .is_none_or(|last: &Commit| last.sequence < WRITERS * u64::from(COMMITS))
            {
                told.push(next(&mut commits).await?);
            }
            Ok(told)
        }));
    }
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        tasks.push(Box::pin(async move {
            let mut made = Vec::new();
            for node in roots(&format!("writer {writer}"), COMMITS.into())? {
                made.push(store.commit(inserts([&node])).await?);
            }
            Ok(made)
        }));
    }
    let mut outcomes = lab.all(tasks).await?;
    let mut made: Vec<Commit> = outcomes.split_off(3).into_iter().flatten().collect();
    made.sort_by_key(|commit| commit.sequence);
    for told in outcomes {
        same("what a watcher was told", &told, &made)?;
    }
    Ok(())
}

/// Commits of all kinds, as whoever made them was told, and all the nodes that they are about.
async fn history(store: &Store) -> Outcome<(Vec<DagNode>, Vec<Commit>)> {
    let mut dice = Dice::new(31);
    let mut nodes = dag(&mut dice, 90)?;
    let parents: HashSet<Cid> = nodes.iter().flat_map(DagNode::parents).collect();
    let (mut made, mut beside) = (Vec::new(), Vec::new());
    for some in nodes.chunks(6) {
        let mut changes = inserts(some);
        changes.want_state_hash(made.len() % 4 == 0);
        made.push(store.commit(changes).await?);
        let mut leaves = store.list().await?;
        leaves.retain(|node| {
            node.cid().is_ok_and(|cid| !parents.contains(&cid)) && dice.below(2) == 0
        });
        let scope = SCOPES[dice.below(SCOPES.len())];
        let name = format!("beside removals {}", made.len());
        let one_more = event(scope, 0, &DagEventType::Vote, &name, &[])?;
        let mut changes = removals(&leaves)?;
        changes.insert(one_more.clone());
        made.push(store.commit(changes).await?);
        beside.push(one_more);
    }
    let removed = made.iter().map(|commit| commit.removed.len()).sum::<usize>();
    precondition(removed > 10, "nodes are removed")?;
    nodes.extend(beside);
    Ok((nodes, made))
}

/// What somebody with this filter must be told of these commits.
fn filtered(made: &[Commit], nodes: &[DagNode], filter: &CommitFilter) -> Vec<Commit> {
    let mut expected = Vec::new();
    for commit in made {
        let mut told = commit.clone();
        let passes = |cid: &Cid, kind: ChangeKind| {
            nodes.iter().any(|node| {
                node.cid().is_ok_and(|of_node| of_node == *cid)
                    && filter.only.is_none_or(|only| only == kind)
                    && filter.scope_id.as_ref().is_none_or(|scope| node.scope_id() == scope)
                    && filter
                        .event_types
                        .as_ref()
                        .is_none_or(|types| types.contains(&node.event_type()))
            })
        };
        told.inserted.retain(|cid| passes(cid, ChangeKind::Inserted));
        told.removed.retain(|cid| passes(cid, ChangeKind::Removed));
        if !told.is_empty() {
            expected.push(told);
        }
    }
    expected
}

/// The next commit of a stream that must not end.
async fn next(commits: &mut BoxStream<'static, Result<Commit>>) -> Outcome<Commit> {
    let next = commits.try_next().await?;
    next.ok_or_else(|| Failure::new("the stream of commits has ended"))
}

/// More turns than a store in memory needs to find that it has to wait.
const OFTEN: usize = 20;

/// There is nothing to tell yet.
async fn still_waits(future: &mut BoxFuture<'_, Result<Commit>>) -> Outcome {
    for _ in 0..OFTEN {
        if let Poll::Ready(told) = poll_once(future).await {
            return Err(Failure::new(format!("it should wait, and gave {told:?}")));
        }
        give_way(1).await;
    }
    Ok(())
}
