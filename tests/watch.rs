//! Watching a store in memory: beside threads that write, across rebuilds, and at the edge of what is
//! remembered.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use dag_store::{
    ChangeKind, Cid, Commit, CommitFilter, DagNode, DagStoreExt as _, ErrorKind, Limits, Result,
    SharedDagStore,
};
use futures::executor::block_on;
use futures::{FutureExt as _, TryStreamExt as _};

fn node(number: u64) -> DagNode {
    let event_type = if number.is_multiple_of(3) { "vote" } else { "receipt" };
    let scope = if number.is_multiple_of(2) { "even" } else { "odd" };
    let node = DagNode::builder().content(number).event_type(event_type).scope_id(scope);
    node.timestamp(number).build().unwrap()
}

/// Every commit of the store from this one on, as a watcher is told of them.
fn told_from(store: &Arc<SharedDagStore>, from: u64, filter: &CommitFilter) -> Vec<Commit> {
    let (mut told, mut after) = (Vec::new(), from - 1);
    while let Some(next) = store.next_commit(after, filter).now_or_never() {
        let next: Commit = next.unwrap();
        after = next.sequence;
        told.push(next);
    }
    told
}

#[test]
fn watchers_on_threads_can_follow_what_threads_write() {
    const WRITERS: u64 = 4;
    const ROUNDS: u64 = 200;
    let store = Arc::new(SharedDagStore::new());
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        thread::spawn(move || {
            block_on(async {
                for round in 0..ROUNDS {
                    let first = (writer * ROUNDS + round) * 3;
                    // A single insert, a commit of two, and one that takes a node out again.
                    SharedDagStore::insert(&store, node(first)).await?;
                    store.insert_many([node(first + 1), node(first + 2)]).await?;
                    store.remove(node(first + 1).cid()?).await?;
                }
                Ok(())
            })
        })
    });
    let last = WRITERS * ROUNDS * 3;
    let watchers = (0..3).map(|_| {
        let store = store.clone();
        thread::spawn(move || {
            block_on(async {
                let mut commits = store.watch().from(1).await?;
                let mut there: HashSet<Cid> = HashSet::new();
                for expected in 1..=last {
                    let commit = commits.try_next().await?.unwrap();
                    assert_eq!(commit.sequence, expected);
                    for cid in commit.inserted {
                        assert!(there.insert(cid));
                    }
                    for cid in commit.removed {
                        assert!(there.remove(&cid));
                    }
                }
                Ok(there)
            })
        })
    });
    let watchers: Vec<thread::JoinHandle<Result<_>>> = watchers.collect();
    let writers: Vec<thread::JoinHandle<Result<()>>> = writers.collect();
    for writer in writers {
        writer.join().unwrap().unwrap();
    }
    let nodes = block_on(store.list().into_future()).unwrap();
    let expected: HashSet<Cid> = nodes.iter().map(|node| node.cid().unwrap()).collect();
    for watcher in watchers {
        assert_eq!(watcher.join().unwrap().unwrap(), expected);
    }
}

/// The past is told from the nodes that are there and from those that are remembered, wherever they
/// have been moved to meanwhile.
#[test]
fn the_past_is_the_same_after_rebuilds() {
    block_on(async {
        let store = Arc::new(SharedDagStore::new());
        let mut made = Vec::new();
        let mut there: Vec<DagNode> = Vec::new();
        for round in 0..300 {
            let new: Vec<DagNode> = (0..40).map(|i| node(round * 40 + i)).collect();
            made.push(store.insert_many(new.clone()).await.unwrap());
            there.extend(new);
            let mut batch = store.begin_batch().await;
            batch.want_state_hash(round % 50 == 0).unwrap();
            // Some of every age, in no order.
            for i in 0..38 {
                let at = (i * 7_919 + usize::try_from(round).unwrap()) % there.len();
                batch.remove(there.swap_remove(at).cid().unwrap()).await.unwrap();
            }
            made.push(batch.commit().await.unwrap());
        }
        assert_eq!(told_from(&store, 1, &CommitFilter::default()), made);

        let mut filter = CommitFilter::default();
        filter.scope_id = Some("even".into());
        filter.event_types = Some(vec!["vote".into()]);
        filter.only = Some(ChangeKind::Inserted);
        let votes: Vec<Cid> = (0..12_000).step_by(6).map(|i| node(i).cid().unwrap()).collect();
        let told = told_from(&store, 1, &filter);
        assert_eq!(told.len(), 300);
        assert!(told.into_iter().flat_map(|commit| commit.inserted).eq(votes));
    });
}

#[test]
fn a_single_insert_has_one_id_whoever_asks_and_whenever() {
    block_on(async {
        let store = Arc::new(SharedDagStore::new());
        for number in 0..5_000 {
            SharedDagStore::insert(&store, node(number)).await.unwrap();
        }
        let all = CommitFilter::default();
        let early = told_from(&store, 1, &all);
        let ids: HashSet<_> = early.iter().map(|commit| commit.id).collect();
        assert_eq!(ids.len(), 5_000);
        for number in 0..4_000 {
            store.remove(node(number).cid().unwrap()).await.unwrap();
        }
        assert_eq!(told_from(&store, 1, &all)[..5_000], early);
    });
}

#[test]
fn so_many_commits_are_remembered_as_the_limit_says() {
    block_on(async {
        let limits = Limits::default().with_history(10);
        let store = Arc::new(SharedDagStore::with_limits(limits));
        for number in 0..30 {
            store.insert_many([node(number)]).await.unwrap();
        }
        let all = CommitFilter::default();
        assert_eq!(told_from(&store, 21, &all).len(), 10);
        let forgotten = store.next_commit(19, &all).await.map_err(|error| error.kind());
        assert_eq!(forgotten, Err(ErrorKind::Compacted));
        // Removed nodes count by themselves.
        for number in 0..5 {
            let mut batch = store.begin_batch().await;
            batch.remove(node(2 * number).cid().unwrap()).await.unwrap();
            batch.remove(node(2 * number + 1).cid().unwrap()).await.unwrap();
            batch.commit().await.unwrap();
        }
        assert_eq!(told_from(&store, 31, &all).len(), 5);
        store.remove(node(29).cid().unwrap()).await.unwrap();
        assert_eq!(told_from(&store, 32, &all).len(), 5);
        let forgotten = store.next_commit(30, &all).await.map_err(|error| error.kind());
        assert_eq!(forgotten, Err(ErrorKind::Compacted));
    });
}

#[test]
fn a_store_that_remembers_nothing_says_so() {
    block_on(async {
        let store = Arc::new(SharedDagStore::with_limits(Limits::default().with_history(0)));
        let mut commits = store.watch().await.unwrap();
        store.insert_many([node(1)]).await.unwrap();
        let forgotten = commits.try_next().await.map_err(|error| error.kind());
        assert_eq!(forgotten, Err(ErrorKind::Compacted));
        assert_eq!(commits.try_next().await.unwrap(), None);
        assert_eq!(store.sequence().await.unwrap(), 1);
    });
}

#[test]
fn ten_thousand_watchers_that_are_dropped_leave_the_others_alone() {
    block_on(async {
        let store = Arc::new(SharedDagStore::new());
        let all = CommitFilter::default();
        let mut stays = store.next_commit(0, &all).boxed();
        assert!((&mut stays).now_or_never().is_none());
        let mut crowd = Vec::new();
        for _ in 0..10_000 {
            let mut one_more = store.next_commit(0, &all).boxed();
            assert!((&mut one_more).now_or_never().is_none());
            crowd.push(one_more);
        }
        crowd.truncate(5_000);
        SharedDagStore::insert(&store, node(1)).await.unwrap();
        drop(crowd);
        assert_eq!(stays.await.unwrap().sequence, 1);
        // The streams are what else holds the store.
        let streams: Vec<_> = (0..10).map(|_| store.watch()).collect();
        assert_eq!(Arc::strong_count(&store), 11);
        drop(streams);
        assert_eq!(Arc::strong_count(&store), 1);
    });
}
