//! Futures of `SharedDagStore` dropped while they wait for others, which takes threads: on one thread
//! alone its futures never wait. (The conformance suite drops futures at every poll; `tests/outside.rs`
//! runs it on a store that is slowed down, so that there are polls to drop at.)

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::future::{IntoFuture as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use dag_store::{
    BoxFuture, Changes, Cid, Commit, DagNode, DagStore, DagStoreExt, ErrorKind, ListQuery, Result,
    SharedDagStore,
};
use futures::executor::block_on;

/// How many futures a test drops while they wait.
const DROPPED: usize = 50;
/// How long a test goes on for that at most.
const PATIENCE: Duration = Duration::from_secs(300);

fn node(name: &str, parent: Option<&DagNode>) -> DagNode {
    let builder = DagNode::builder().content(name).event_type("receipt").scope_id("dropped");
    let parents = parent.into_iter().map(|parent| parent.cid().unwrap());
    builder.timestamp(0).parents(parents).build().unwrap()
}

fn pair(name: &str) -> [DagNode; 2] {
    let first = node(name, None);
    let second = node(name, Some(&first));
    [first, second]
}

fn inserts(nodes: &[DagNode]) -> Changes {
    let mut changes = Changes::new();
    nodes.iter().rev().for_each(|node| changes.insert(node.clone()));
    changes
}

/// A store that two threads read all the time, so that whoever writes has to wait.
struct Busy {
    store: SharedDagStore,
    done: Arc<AtomicBool>,
    readers: Vec<thread::JoinHandle<()>>,
    settled: Vec<Cid>,
}

impl Busy {
    fn new() -> Self {
        let store = SharedDagStore::new();
        let nodes: Vec<DagNode> = (0..2_000).map(|i| node(&format!("settled {i}"), None)).collect();
        let settled = block_on(store.insert_many(nodes)).unwrap().inserted;
        let done = Arc::new(AtomicBool::new(false));
        let readers = (0..2).map(|_| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            thread::spawn(move || {
                let mut query = ListQuery::default();
                query.limit = usize::MAX;
                while !done.load(Ordering::Acquire) {
                    let page = block_on(store.list_page(&query)).unwrap();
                    assert!(page.next.is_none(), "the page holds all there is");
                    assert_eq!(page.nodes.len() % 2, 0, "half a commit");
                }
            })
        });
        let readers = readers.collect();
        Busy { store, done, readers, settled }
    }

    /// Gives the readers time to be at it again, so that the next to write has to wait.
    fn grow_busy() {
        thread::sleep(Duration::from_millis(2));
    }

    /// Ends the reading, and checks that the store is whole: nothing is half there, and it works.
    fn rest(self) {
        let Busy { store, done, readers, settled } = self;
        done.store(true, Ordering::Release);
        for reader in readers {
            reader.join().unwrap();
        }
        block_on(async {
            let store: Arc<dyn DagStore> = Arc::new(store);
            let nodes = store.list().await.unwrap();
            assert_eq!(nodes.len() % 2, 0);
            assert!(store.has_many(&settled).await.unwrap().into_iter().all(|there| there));
            let found = store.verify().await.unwrap();
            assert_eq!((found.nodes, found.links * 2), (nodes.len() as u64, found.nodes - 2_000));

            let replayed = Arc::new(SharedDagStore::new());
            replayed.insert_many(nodes.into_iter().rev()).await.unwrap();
            assert_eq!(replayed.get_state_hash().await.unwrap(), found.state_hash);
            store.insert(node("afterwards", None)).await.unwrap();
        });
    }
}

/// Polls a future so many times, each when it asks to be, and drops it if it is not done by then.
async fn cancelled_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left > 0 {
            left -= 1;
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                return Poll::Ready(Some(value));
            }
        }
        if left == 0 { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

#[test]
fn commits_dropped_while_they_wait_are_all_or_nothing() {
    let busy = Busy::new();
    let store = &busy.store;
    let begun = Instant::now();
    let mut dropped = 0;
    let mut round = 0;
    while dropped < DROPPED {
        assert!(begun.elapsed() < PATIENCE, "only {dropped} commits had to wait");
        round += 1;
        Busy::grow_busy();
        let nodes = pair(&format!("round {round}"));
        let ids = [nodes[0].cid().unwrap(), nodes[1].cid().unwrap()];
        let polls = 1 + round % 3;
        let there = block_on(async {
            match cancelled_after(polls, store.commit(inserts(&nodes))).await {
                Some(commit) => assert_eq!(commit.unwrap().inserted, ids),
                None => dropped += 1,
            }
            // The gate is free, and what comes next is served.
            store.insert_many(pair(&format!("after {round}"))).await.unwrap();
            store.has_many(&ids).await.unwrap()
        });
        assert_eq!(there[0], there[1], "half a commit");
    }
    busy.rest();
}

#[test]
fn a_commit_that_leaves_the_line_holds_nobody_up() {
    const LINE: usize = 8;
    let busy = Busy::new();
    let store: Arc<dyn DagStore> = Arc::new(busy.store.clone());
    let begun = Instant::now();
    let (mut dropped, mut round) = (0, 0);
    while dropped < DROPPED {
        assert!(begun.elapsed() < PATIENCE, "only {dropped} commits had to wait");
        round += 1;
        Busy::grow_busy();
        block_on(async {
            let nodes: Vec<[DagNode; 2]> =
                (0..LINE).map(|place| pair(&format!("round {round} place {place}"))).collect();
            let mut line: Vec<BoxFuture<'_, Result<Commit>>> =
                nodes.iter().map(|nodes| store.commit(inserts(nodes))).collect();
            let mut sequences = Vec::new();
            let mut waiting = Vec::new();
            for (place, mut commit) in line.drain(..).enumerate() {
                let polled = poll_fn(|context| Poll::Ready(commit.as_mut().poll(context))).await;
                match polled {
                    Poll::Ready(commit) => sequences.push((place, commit.unwrap().sequence)),
                    Poll::Pending => waiting.push((place, commit)),
                }
            }
            // First, last, or in between: some leave, the others are served in their order.
            let leaves = |place: usize| (place + round).is_multiple_of(3);
            let waited = waiting.len();
            waiting.retain(|(place, _)| !leaves(*place));
            dropped += waited - waiting.len();
            let rest = waiting
                .into_iter()
                .map(|(place, commit)| async move { (place, commit.await.unwrap().sequence) });
            sequences.extend(futures::future::join_all(rest).await);
            sequences.sort_unstable();
            assert!(sequences.is_sorted_by(|one, other| one.1 < other.1), "{sequences:?}");
            for nodes in &nodes {
                let ids = [nodes[0].cid().unwrap(), nodes[1].cid().unwrap()];
                let there = store.has_many(&ids).await.unwrap();
                assert_eq!(there[0], there[1], "half a commit");
            }
        });
    }
    busy.rest();
}

/// Commits that were polled once, while a long read kept them all waiting; the read has ended since.
fn in_line<'a>(store: &'a SharedDagStore, names: &[&str]) -> Vec<BoxFuture<'a, Result<Commit>>> {
    let mut query = ListQuery::default();
    query.limit = usize::MAX;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let reading = AtomicBool::new(false);
        let line = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                reading.store(true, Ordering::Release);
                block_on(store.list_page(&query)).unwrap();
            });
            while !reading.load(Ordering::Acquire) {
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(1));
            let mut line = Vec::new();
            for name in names {
                let mut commit = DagStore::commit(store, inserts(&[node(name, None)]));
                let polled =
                    block_on(poll_fn(|context| Poll::Ready(commit.as_mut().poll(context))));
                if polled.is_ready() {
                    break;
                }
                line.push(commit);
            }
            reader.join().unwrap();
            line
        });
        if line.len() == names.len() {
            return line;
        }
        // The read was over too soon. Whoever got through has to be undone.
        drop(line);
        for name in names {
            block_on(store.remove(node(name, None).cid().unwrap())).unwrap();
        }
    }
    panic!("no read took long enough");
}

/// A store large enough for a list of it to take its time.
fn large() -> SharedDagStore {
    let store = SharedDagStore::new();
    let nodes = (0..50_000).map(|i| node(&format!("settled {i}"), None));
    block_on(store.insert_many(nodes)).unwrap();
    store
}

/// Waits, but not for ever.
fn in_time<T>(future: impl Future<Output = T>) -> T {
    let late = async {
        smol::Timer::after(PATIENCE).await;
        panic!("it never came to its end");
    };
    block_on(smol::future::or(future, late))
}

/// By the trait and by the store's own `insert`, which take different ways to the same gate.
#[test]
fn a_newcomer_does_not_overtake_those_who_wait() {
    type Way = fn(&SharedDagStore, DagNode) -> BoxFuture<'_, Result<()>>;
    let ways: [Way; 2] = [
        |store, node| Box::pin(async move { store.insert(node).await.map(drop) }),
        |store, node| {
            Box::pin(async move { DagStore::commit(store, inserts(&[node])).await.map(drop) })
        },
    ];
    for way in ways {
        let store = large();
        let mut line = in_line(&store, &["first", "second"]);
        let (second, first) = (line.pop().unwrap(), line.pop().unwrap());
        in_time(first).unwrap();
        // The way is free, and the second has not been polled since.
        let mut third = way(&store, node("third", None));
        let polled = block_on(poll_fn(|context| Poll::Ready(third.as_mut().poll(context))));
        assert!(polled.is_pending(), "it overtook the second");
        let (second, third) = in_time(futures::future::join(second, third));
        third.unwrap();
        let second = second.unwrap().sequence;
        let last = block_on(store.commit(Changes::new())).unwrap().sequence;
        assert_eq!((second, last), (3, 4));
    }
}

#[test]
fn a_turn_that_nobody_takes_goes_to_the_next() {
    let names = ["first", "second", "third", "fourth"];
    for dropped in [vec![0], vec![0, 1], vec![1, 0], vec![0, 2], vec![2, 1, 0], vec![3, 0]] {
        let store = large();
        let mut line: Vec<_> = in_line(&store, &names).into_iter().map(Some).collect();
        for place in &dropped {
            line[*place] = None;
        }
        // The first of them has the turn, and the one after it is given it without knowing.
        let rest = futures::future::join_all(line.into_iter().flatten());
        for commit in in_time(rest) {
            assert_eq!(commit.unwrap().inserted.len(), 1);
        }
        for (place, name) in names.iter().enumerate() {
            let there = block_on(store.has(node(name, None).cid().unwrap())).unwrap();
            assert_eq!(there, !dropped.contains(&place), "{dropped:?}: {name}");
        }
    }
}

#[test]
fn reads_dropped_while_they_wait_hold_nobody_up() {
    let busy = Busy::new();
    let writing = {
        let (store, done) = (busy.store.clone(), Arc::clone(&busy.done));
        thread::spawn(move || {
            let mut round = 0;
            while !done.load(Ordering::Acquire) {
                round += 1;
                let nodes = pair(&format!("written {round}"));
                let ids = [nodes[0].cid().unwrap(), nodes[1].cid().unwrap()];
                block_on(store.insert_many(nodes)).unwrap();
                let mut changes = Changes::new();
                for id in ids {
                    changes.remove(id).unwrap();
                }
                block_on(store.commit(changes)).unwrap();
            }
        })
    };
    let store = &busy.store;
    let (ids, query) = (&busy.settled, ListQuery::default());
    let begun = Instant::now();
    let (mut dropped, mut round) = (0, 0);
    while dropped < DROPPED {
        assert!(begun.elapsed() < PATIENCE, "only {dropped} reads had to wait");
        round += 1;
        let polls = 1 + round / 10 % 2;
        dropped += usize::from(block_on(async {
            match round % 10 {
                0 => cancelled_after(polls, store.get_many(ids)).await.is_none(),
                1 => cancelled_after(polls, store.has_many(ids)).await.is_none(),
                2 => cancelled_after(polls, store.get(ids[round % ids.len()])).await.is_none(),
                3 => cancelled_after(polls, store.list_page(&query)).await.is_none(),
                4 => cancelled_after(polls, store.list().into_future()).await.is_none(),
                5 => cancelled_after(polls, store.heads(None)).await.is_none(),
                6 => cancelled_after(polls, store.len(Some("dropped"))).await.is_none(),
                7 => cancelled_after(polls, store.state_hash(None)).await.is_none(),
                8 => cancelled_after(polls, store.state_hash(Some("dropped"))).await.is_none(),
                _ => cancelled_after(polls, store.verify()).await.is_none(),
            }
        }));
    }
    busy.done.store(true, Ordering::Release);
    writing.join().unwrap();
    busy.rest();
}

#[test]
fn a_batch_whose_commit_is_dropped_is_closed_or_as_it_was() {
    let busy = Busy::new();
    let store = &busy.store;
    let begun = Instant::now();
    let (mut dropped, mut round) = (0, 0);
    while dropped < DROPPED {
        assert!(begun.elapsed() < PATIENCE, "only {dropped} commits had to wait");
        round += 1;
        Busy::grow_busy();
        block_on(async {
            let nodes = pair(&format!("round {round}"));
            let ids = [nodes[0].cid().unwrap(), nodes[1].cid().unwrap()];
            let mut batch = store.begin_batch().await;
            batch.insert_many(nodes).await.unwrap();
            let polls = round % 4;
            let ended = cancelled_after(polls, batch.commit()).await.is_some();
            dropped += usize::from(!ended && polls > 0);
            let there = store.has_many(&ids).await.unwrap();
            assert_eq!(there[0], there[1], "half a commit");
            match batch.commit().await {
                Ok(commit) => {
                    assert!(!ended && !there[0]);
                    assert_eq!(commit.inserted, ids);
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::BatchClosed),
            }
        });
    }
    busy.rest();
}
