//! Copying a store into another: over several media, stopped on the way, with others writing, and into stores that
//! take less or hold more.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "conformance")]

use std::future::IntoFuture as _;
use std::sync::Arc;

use dag_store::conformance::{Fault, Faults, FaultyJournal};
use dag_store::{
    Cid, Copied, DagNode, DagStore, DagStoreExt as _, ErrorKind, FileJournal, Journal, Limits,
    MemoryJournal, SharedDagStore,
};
use futures::FutureExt as _;
use futures::executor::block_on;
use futures::future::{AbortHandle, Abortable};

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "files/mod.rs"]
mod files;

use files::Scratch;

type Store = Arc<SharedDagStore>;

fn node(number: usize, parents: Vec<Cid>) -> DagNode {
    let node = DagNode::builder().content(format!("number {number}")).event_type("vote");
    let node = node.scope_id(format!("scope {}", number % 3)).timestamp(number as u64 * 7919 % 100);
    node.parents(parents).build().unwrap()
}

/// Nodes that each follow two before, across scopes, with times in no order.
fn nodes(count: usize) -> Vec<DagNode> {
    let mut nodes: Vec<DagNode> = Vec::new();
    for number in 0..count {
        let parents = nodes.iter().rev().step_by(2).take(2).map(|node| node.cid().unwrap());
        let parents = parents.collect();
        nodes.push(node(number, parents));
    }
    nodes
}

/// A store that these nodes came into ten at a time.
fn store_of(nodes: &[DagNode]) -> Store {
    let store = Arc::new(SharedDagStore::new());
    for some in nodes.chunks(10) {
        block_on(store.insert_many(some.to_vec())).unwrap();
    }
    store
}

/// Few operations at once, so that a copy takes several commits.
fn by(operations: usize) -> Limits {
    Limits::default().with_batch_operations(operations)
}

async fn open(journal: impl Journal + 'static, limits: Limits) -> dag_store::Result<Store> {
    Ok(Arc::new(SharedDagStore::open(journal).limits(limits).await?))
}

/// Of two stores in memory, which answer at once.
fn assert_same(one: &Store, other: &Store) {
    let of = |store: &Store| {
        let state_hash = store.get_state_hash().now_or_never().unwrap().unwrap();
        (store.list().into_future().now_or_never().unwrap().unwrap(), state_hash)
    };
    assert_eq!(of(one), of(other));
}

// -------------------------------------------------------------------------------- what it copies

#[test]
fn stores_are_copied_from_medium_to_medium() {
    let folder = Scratch::new();
    let nodes = nodes(500);
    let source = store_of(&nodes);
    block_on(async {
        let file =
            open(FileJournal::open(folder.path("one")).await.unwrap(), by(100)).await.unwrap();
        let memory: Store = Arc::new(SharedDagStore::new());
        let kept = open(MemoryJournal::new(), by(64)).await.unwrap();
        let anything: Arc<dyn DagStore> = Arc::new(SharedDagStore::new());
        source.copy_to(&file).verify().await.unwrap();
        file.copy_to(&memory).verify().await.unwrap();
        memory.copy_to(&kept).verify().await.unwrap();
        let copied = kept.copy_to(&anything).verify().await.unwrap();

        let bytes: usize = nodes.iter().map(|node| node.as_bytes().len()).sum();
        assert_eq!((copied.nodes, copied.bytes), (500, bytes as u64));
        assert_eq!((copied.skipped, copied.total), (0, 500));
        assert_eq!(copied.state_hash, Some(source.get_state_hash().await.unwrap()));
        assert_eq!(anything.list().await.unwrap(), nodes);
        file.close().await.unwrap();
        let again =
            open(FileJournal::open(folder.path("one")).await.unwrap(), by(100)).await.unwrap();
        assert_eq!(again.list().await.unwrap(), nodes);
    });
}

#[test]
fn what_is_the_same_is_not_read() {
    let (one, other) = (store_of(&nodes(50)), store_of(&nodes(50)));
    let mut told = Vec::new();
    let copied =
        block_on(one.copy_to(&other).on_progress(|so_far| told.push(so_far)).into_future());
    let copied = copied.unwrap();
    assert_eq!((copied.nodes, copied.skipped, copied.total), (0, 50, 50));
    assert_eq!(told, [copied]);
    assert_eq!(block_on(one.copy_to(&one).into_future()).unwrap(), copied);
}

#[test]
fn it_tells_how_far_it_is() {
    let source = store_of(&nodes(300));
    let target = Arc::new(SharedDagStore::with_limits(by(50)));
    let mut told: Vec<Copied> = Vec::new();
    let copying = source.copy_to(&target).on_progress(|so_far| told.push(so_far));
    let copied = block_on(copying.into_future()).unwrap();
    assert!(told.is_sorted_by_key(|so_far| (so_far.nodes, so_far.bytes)));
    assert!(told.iter().all(|so_far| so_far.total == 300 && so_far.skipped == 0));
    let commits: Vec<u64> = (1..=6).map(|commit| commit * 50).collect();
    let mut nodes: Vec<u64> =
        told.iter().map(|so_far| so_far.nodes).filter(|nodes| *nodes > 0).collect();
    nodes.dedup();
    assert_eq!(nodes, commits);
    assert_eq!(told.last(), Some(&copied));
}

// ------------------------------------------------------------------------------ stopped on the way

#[test]
fn it_goes_on_after_every_fault() {
    let nodes = nodes(200);
    let source = store_of(&nodes);
    let mut stopped = 0;
    for fault in Fault::ALL {
        for calls in 0.. {
            let (medium, faults) = (MemoryJournal::new(), Faults::new());
            let journal = FaultyJournal::new(Arc::new(medium.clone()), faults.clone());
            let target = block_on(open(journal, by(25))).unwrap();
            faults.fail_after(calls, fault, false);
            let outcome = block_on(source.copy_to(&target).verify().into_future());
            faults.heal();
            let Err(error) = outcome else {
                assert!(calls > 4, "a copy of eight commits makes more calls");
                break;
            };
            stopped += 1;
            let kinds = [ErrorKind::Storage, ErrorKind::OutcomeUnknown, ErrorKind::NeedsReopen];
            assert!(kinds.contains(&error.kind()), "{error}");
            block_on(target.close()).ok();

            let target = block_on(open(medium, by(25))).unwrap();
            let there = block_on(target.len(None)).unwrap();
            let mut first = None;
            let copying = source.copy_to(&target).verify().on_progress(|so_far| {
                first.get_or_insert(so_far);
            });
            let copied = block_on(copying.into_future()).unwrap();
            assert_eq!((copied.nodes, copied.skipped), (200 - there, there));
            // It passes over all but the source's commit in which it had ended, without reading them.
            assert!(first.unwrap().skipped + 20 >= there, "{first:?} of {there}");
            assert_same(&source, &target);
        }
    }
    assert!(stopped > 12, "{stopped} copies were stopped");
}

#[test]
fn it_goes_on_after_it_was_dropped() {
    let folder = Scratch::new();
    let source = store_of(&nodes(300));
    block_on(async {
        let journal = FileJournal::open(folder.path("journal")).await.unwrap();
        let target = open(journal, by(20)).await.unwrap();
        for commits in 1..6 {
            let (handle, registration) = AbortHandle::new_pair();
            let enough = target.len(None).await.unwrap() + 20 * commits;
            let stop = move |so_far: Copied| {
                if so_far.nodes + so_far.skipped >= enough {
                    handle.abort();
                }
            };
            let copying = source.copy_to(&target).on_progress(stop).into_future();
            // The next time that it waits for the file it is dropped; where the file was never waited for, it ends.
            let dropped = Abortable::new(copying, registration).await.is_err();
            assert!(dropped || target.len(None).await.unwrap() == 300);
            target.verify().await.unwrap();
        }
        let before = target.len(None).await.unwrap();
        let copied = source.copy_to(&target).verify().await.unwrap();
        assert!(copied.nodes <= 300 - before);
    });
}

// ----------------------------------------------------------------------------- others, and limits

#[test]
fn what_comes_meanwhile_is_copied_too() {
    let source = store_of(&nodes(100));
    let target = Arc::new(SharedDagStore::with_limits(by(10)));
    let late: Vec<DagNode> = (1000..1005).map(|number| node(number, vec![])).collect();
    let mut left = late.iter();
    let write = |_| {
        if let Some(node) = left.next() {
            source.insert(node.clone()).now_or_never().unwrap().unwrap();
        }
    };
    let copied =
        block_on(source.copy_to(&target).verify().on_progress(write).into_future()).unwrap();
    assert_eq!((copied.nodes, copied.total), (105, 105));
    assert_same(&source, &target);
}

#[test]
fn a_source_that_never_rests_is_contended() {
    let source = store_of(&nodes(20));
    let target: Store = Arc::new(SharedDagStore::new());
    let mut number = 1000;
    let write = |_| {
        number += 1;
        source.insert(node(number, vec![])).now_or_never().unwrap().unwrap();
    };
    let outcome = block_on(source.copy_to(&target).verify().on_progress(write).into_future());
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Contended);
    assert!(block_on(target.len(None)).unwrap() > 20);
    // Nobody writes now.
    block_on(source.copy_to(&target).verify().into_future()).unwrap();
    assert_same(&source, &target);
}

#[test]
fn a_target_may_hold_more() {
    let nodes = nodes(120);
    let source = store_of(&nodes);
    let others: Vec<DagNode> = (1000..1003).map(|number| node(number, vec![])).collect();
    // Some of the source's, not its first ones alone, and others before and after them.
    let target = store_of(&others[..2]);
    block_on(async {
        target.insert_many(nodes[..40].to_vec()).await.unwrap();
        target.insert(others[2].clone()).await.unwrap();
        let roots = [node(2000, vec![]), node(2001, vec![])];
        source.insert_many(roots.clone()).await.unwrap();
        target.insert(roots[1].clone()).await.unwrap();

        let copied = source.copy_to(&target).await.unwrap();
        assert_eq!((copied.nodes, copied.skipped, copied.total), (81, 41, 122));
        assert_eq!(copied.state_hash, None);
        assert_eq!(target.len(None).await.unwrap(), 125);
        let found = source.compare(&target).await.unwrap();
        assert_eq!((found.only_here.len(), found.only_there.len()), (0, 3));

        let error = source.copy_to(&target).verify().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConditionFailed);
        assert_eq!(error.cid(), found.only_there.first());
        assert!(error.message().contains("3 more"), "{error}");
    });
}

#[test]
fn a_source_that_forgets_is_copied_too() {
    let nodes = nodes(100);
    let source = Arc::new(SharedDagStore::with_limits(Limits::default().with_history(1)));
    let target = store_of(&nodes[..50]);
    block_on(async {
        for some in nodes.chunks(5) {
            source.insert_many(some.to_vec()).await.unwrap();
        }
        // Each is a commit that removes one and brings it back, so that the past is given up.
        let last = nodes.last().unwrap();
        for _ in 0..10 {
            source.remove(last.cid().unwrap()).await.unwrap();
            source.insert(last.clone()).await.unwrap();
        }
        let copied = source.copy_to(&target).verify().await.unwrap();
        assert_eq!((copied.nodes, copied.skipped), (50, 50));
    });
}

#[test]
fn a_target_may_take_less_at_once() {
    let source = store_of(&nodes(200));
    block_on(async {
        // The largest blocks are some 170 bytes.
        let few_bytes = Limits::default().with_batch_bytes(700);
        let target = Arc::new(SharedDagStore::with_limits(few_bytes));
        source.copy_to(&target).verify().await.unwrap();
        assert!(target.sequence().await.unwrap() > 20);
        assert_same(&source, &target);

        let large = DagNode::builder().content("x".repeat(2000)).event_type("vote");
        let large = large.scope_id("scope").timestamp(0).build().unwrap();
        source.insert(large.clone()).await.unwrap();
        let error = source.copy_to(&target).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        target.verify().await.unwrap();
    });
}

#[test]
fn a_store_that_is_closed_is_no_source_and_no_target() {
    let (open, closed) = (store_of(&nodes(3)), store_of(&nodes(2)));
    block_on(async {
        closed.close().await.unwrap();
        for (from, to) in [(&open, &closed), (&closed, &open)] {
            assert_eq!(from.copy_to(to).await.unwrap_err().kind(), ErrorKind::Closed);
        }
    });
}
