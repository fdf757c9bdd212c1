//! The same store on tokio's threads, on smol's, and on none: readers against writers, rivals, and no
//! half batch anywhere. With the feature `tokio` the locks beneath are others, and nothing else is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use dag_store::{
    BoxFuture, Condition, DagNode, DagStore, DagStoreExt, ErrorKind, ListQuery, SharedDagStore,
};
use futures::future::join_all;

const THREADS: usize = 4;
const WRITERS: usize = 4;
const BATCHES: usize = 40;
const BATCH: usize = 10;

type Spawn = fn(BoxFuture<'static, ()>) -> BoxFuture<'static, ()>;

/// A runtime's way to run a task on its threads, and to wait for it.
fn on_tokio(task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    let handle = tokio::spawn(task);
    Box::pin(async move { handle.await.unwrap() })
}

/// An executor of smol's with several threads; its global one has only one.
fn smol_executor() -> &'static smol::Executor<'static> {
    static EXECUTOR: smol::Executor<'static> = smol::Executor::new();
    static START: Once = Once::new();
    START.call_once(|| {
        for _ in 0..THREADS {
            std::thread::spawn(|| smol::block_on(EXECUTOR.run(futures::future::pending::<()>())));
        }
    });
    &EXECUTOR
}

fn on_smol(task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    Box::pin(smol_executor().spawn(task))
}

/// A thread of its own for each, with an executor that knows nothing but to poll.
fn on_threads(task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    let thread = std::thread::spawn(|| futures::executor::block_on(task));
    Box::pin(async move { smol::unblock(|| thread.join().unwrap()).await })
}

fn in_turn(task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    task
}

fn tokio_threads(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(THREADS).build().unwrap().block_on(test);
}

fn tokio_one_thread(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test);
}

/// A test for each runtime.
macro_rules! on_every_runtime {
    ($($test:ident,)+) => {
        mod tokio_threads { $(#[test] fn $test() { super::tokio_threads(super::$test(super::on_tokio)); })+ }
        mod tokio_one_thread { $(#[test] fn $test() { super::tokio_one_thread(super::$test(super::on_tokio)); })+ }
        mod smol_threads { $(#[test] fn $test() { smol::block_on(super::$test(super::on_smol)); })+ }
        mod threads { $(#[test] fn $test() { futures::executor::block_on(super::$test(super::on_threads)); })+ }
        mod one_thread { $(#[test] fn $test() { futures::executor::block_on(super::$test(super::in_turn)); })+ }
    };
}

on_every_runtime! {
    ten_writers_insert_ten_nodes_each,
    two_batches_compete,
    readers_see_whole_batches,
    writers_that_retry_form_one_line,
    verify_ends_while_others_write,
}

fn node(name: &str, parents: &[&DagNode]) -> DagNode {
    let parents = parents.iter().map(|parent| parent.cid().unwrap());
    let builder = DagNode::builder().content(name).event_type("receipt").scope_id("threads");
    builder.timestamp(0).parents(parents).build().unwrap()
}

fn chain(name: &str) -> Vec<DagNode> {
    let mut nodes: Vec<DagNode> = Vec::new();
    for link in 0..BATCH {
        let parents: Vec<&DagNode> = nodes.last().into_iter().collect();
        nodes.push(node(&format!("{name} {link}"), &parents));
    }
    nodes
}

async fn ten_writers_insert_ten_nodes_each(spawn: Spawn) {
    let store = SharedDagStore::new();
    let writers = (0..10).map(|writer| {
        let store = store.clone();
        spawn(Box::pin(async move {
            for number in 0..10 {
                let id = store.insert(node(&format!("{writer} {number}"), &[])).await.unwrap();
                assert!(store.has(id).await.unwrap());
            }
        }))
    });
    join_all(writers).await;
    assert_eq!(store.len(None).await.unwrap(), 100);
    assert_eq!(store.heads(None).await.unwrap().len(), 100);
    assert_eq!(store.verify().await.unwrap().nodes, 100);
}

async fn two_batches_compete(spawn: Spawn) {
    for round in 0..20 {
        let store: Arc<dyn DagStore> = Arc::new(SharedDagStore::new());
        let first: Vec<DagNode> = (0..50).map(|i| node(&format!("first {i}"), &[])).collect();
        store.insert_many(first.clone()).await.unwrap();
        let mut adding = store.begin_batch().await;
        adding.insert_many((0..25).map(|i| node(&format!("{round} {i}"), &[]))).await.unwrap();
        let mut removing = store.begin_batch().await;
        removing.remove_many(first[..10].iter().map(|node| node.cid().unwrap())).await.unwrap();
        let one = spawn(Box::pin(async move {
            assert_eq!(adding.commit().await.unwrap().inserted.len(), 25);
        }));
        let other = spawn(Box::pin(async move {
            assert_eq!(removing.commit().await.unwrap().removed.len(), 10);
        }));
        join_all([one, other]).await;
        assert_eq!(store.len(None).await.unwrap(), 65);
    }
}

async fn readers_see_whole_batches(spawn: Spawn) {
    let store: Arc<dyn DagStore> = Arc::new(SharedDagStore::new());
    let done = Arc::new(AtomicBool::new(false));
    let watched: Arc<Vec<Vec<DagNode>>> = Arc::new(
        (0..WRITERS).flat_map(|w| (0..BATCHES).map(move |b| chain(&format!("{w} {b}")))).collect(),
    );
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, watched) = (Arc::clone(&store), Arc::clone(&watched));
            let write = async move {
                let mine = &watched[writer * BATCHES..][..BATCHES];
                for (number, nodes) in mine.iter().enumerate() {
                    let mut batch = store.begin_batch().await;
                    batch.insert_many(nodes.iter().rev().cloned()).await.unwrap();
                    if number % 2 == 1 {
                        let before = mine[number - 1].iter().map(|node| node.cid().unwrap());
                        batch.remove_many(before).await.unwrap();
                    }
                    batch.commit().await.unwrap();
                    smol::future::yield_now().await;
                }
            };
            spawn(Box::pin(write))
        })
        .collect();
    let readers: Vec<_> = (0..3)
        .map(|reader: usize| {
            let (store, watched, done) =
                (Arc::clone(&store), Arc::clone(&watched), Arc::clone(&done));
            let read = async move {
                let mut at = reader;
                // At least once, however late this comes to run.
                loop {
                    let last = done.load(Ordering::Acquire);
                    at = (at + 7) % watched.len();
                    sees_whole_batches(&store, &watched[at]).await;
                    smol::future::yield_now().await;
                    if last {
                        break;
                    }
                }
            };
            spawn(Box::pin(read))
        })
        .collect();
    let writing = async {
        join_all(writers).await;
        done.store(true, Ordering::Release);
    };
    futures::future::join(writing, join_all(readers)).await;
    assert_eq!(store.len(None).await.unwrap(), (WRITERS * BATCHES / 2 * BATCH) as u64);
    store.verify().await.unwrap();
}

async fn sees_whole_batches(store: &Arc<dyn DagStore>, batch: &[DagNode]) {
    let ids: Vec<_> = batch.iter().map(|node| node.cid().unwrap()).collect();
    assert_eq!(store.len(None).await.unwrap() % BATCH as u64, 0);
    let there: HashSet<bool> = store.has_many(&ids).await.unwrap().into_iter().collect();
    assert_eq!(there.len(), 1, "half a batch");
    let found = store.get_many(&ids).await.unwrap();
    assert!(found.iter().all(Option::is_some) || found.iter().all(Option::is_none), "half a batch");
    let heads = store.heads(None).await.unwrap();
    assert!(!ids[..BATCH - 1].iter().any(|id| heads.contains(id)), "half a batch");
    let mut query = ListQuery::default();
    query.limit = usize::MAX;
    assert_eq!(store.list_page(&query).await.unwrap().nodes.len() % BATCH, 0);
}

async fn writers_that_retry_form_one_line(spawn: Spawn) {
    let store: Arc<dyn DagStore> = Arc::new(SharedDagStore::new());
    store.insert(node("start", &[])).await.unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        spawn(Box::pin(async move {
            for link in 0..25 {
                loop {
                    let heads = store.heads(None).await.unwrap();
                    let head = store.get(heads[0]).await.unwrap().unwrap();
                    let mut batch = store.begin_batch().await;
                    batch.insert(node(&format!("{writer} {link}"), &[&head])).await.unwrap();
                    batch.require(Condition::Heads { scope_id: None, heads }).unwrap();
                    match batch.commit().await {
                        Ok(_) => break,
                        Err(error) => assert_eq!(error.kind(), ErrorKind::ConditionFailed),
                    }
                }
            }
        }))
    });
    join_all(writers).await;
    let nodes = store.list().await.unwrap();
    assert_eq!(nodes.len(), 1 + WRITERS * 25);
    for pair in nodes.windows(2) {
        assert_eq!(pair[1].parents(), [pair[0].cid().unwrap()]);
    }
}

/// Whoever checks a store must come to an end, whatever others do meanwhile.
async fn verify_ends_while_others_write(spawn: Spawn) {
    let store = SharedDagStore::new();
    let settled: Vec<DagNode> = (0..3_000).map(|i| node(&i.to_string(), &[])).collect();
    store.insert_many(settled).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, done) = (store.clone(), Arc::clone(&done));
        spawn(Box::pin(async move {
            let passing = node("passing", &[]);
            let id = passing.cid().unwrap();
            while !done.load(Ordering::Acquire) {
                store.insert(passing.clone()).await.unwrap();
                smol::future::yield_now().await;
                store.remove(id).await.unwrap();
            }
        }))
    };
    let verifier = {
        let store = store.clone();
        spawn(Box::pin(async move {
            for _ in 0..3 {
                let found = store.verify().await.unwrap();
                assert!((3_000..=3_001).contains(&found.nodes), "{found:?}");
            }
            done.store(true, Ordering::Release);
        }))
    };
    let patience = async {
        smol::Timer::after(Duration::from_secs(600)).await;
        panic!("verify has not ended");
    };
    let ended = futures::future::join(writer, verifier);
    futures::pin_mut!(ended, patience);
    futures::future::select(ended, patience).await;
}

/// The whole conformance suite, with its tasks on real threads.
#[cfg(feature = "conformance")]
mod conformance {
    use std::sync::Arc;

    use dag_store::conformance::{Lab, run_in};
    use dag_store::{DagStore, Limits, Result, SharedDagStore};

    async fn open(limits: Limits) -> Result<Arc<dyn DagStore>> {
        Ok(Arc::new(SharedDagStore::with_limits(limits)))
    }

    async fn passes(lab: Lab) {
        let report = run_in(&lab).await;
        assert!(report.passed(), "{report}");
        assert!(report.results().count() > 100, "{report}");
    }

    #[test]
    fn on_tokio_threads() {
        let lab = Lab::new(open).with_spawner(|task| drop(tokio::spawn(task)));
        super::tokio_threads(passes(lab));
    }

    #[test]
    fn on_smol_threads() {
        let lab = Lab::new(open).with_spawner(|task| super::smol_executor().spawn(task).detach());
        smol::block_on(passes(lab));
    }

    #[test]
    fn on_a_thread_for_each_task() {
        let lab = Lab::new(open).with_spawner(|task| {
            drop(std::thread::spawn(|| futures::executor::block_on(task)));
        });
        futures::executor::block_on(passes(lab));
    }
}
