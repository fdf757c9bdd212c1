//! Stores in key-value engines, from the outside: the same as one in memory after every commit, whatever
//! fails, and whatever is damaged.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

#[cfg(all(feature = "rocksdb", feature = "conformance"))]
#[path = "kv/rocks.rs"]
mod rocks;

use std::collections::HashSet;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use dag_store::{
    Changes, Cid, CommitFilter, DagNode, DagStore, DagStoreExt, Direction, ErrorKind, ExportQuery,
    KvBatch, KvDagStore, KvEngine, KvSnapshot, ListQuery, MemoryEngine, MemorySnapshot, Order,
    Result, SharedDagStore, Span, TreeAddress, WalkQuery,
};
use futures::TryStreamExt as _;
use futures::executor::block_on;
use sha2::{Digest as _, Sha256};

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % bound as u64).unwrap()
    }
}

/// A history of commits that insert and remove: up to so many nodes at once, some of them with blocks that
/// are kept apart.
struct History {
    dice: Dice,
    there: Vec<DagNode>,
    made: u64,
}

impl History {
    fn new(seed: u64) -> Self {
        History { dice: Dice(seed), there: Vec::new(), made: 0 }
    }

    fn node(&mut self) -> DagNode {
        self.made += 1;
        let dice = &mut self.dice;
        let mut parents: Vec<Cid> = Vec::new();
        for _ in 0..dice.below(4) {
            if let Some(parent) = self.there.len().checked_sub(1 + dice.below(12)) {
                let parent = self.there[parent].cid().unwrap();
                if !parents.contains(&parent) {
                    parents.push(parent);
                }
            }
        }
        let length = if dice.below(20) == 0 { 6_000 } else { dice.below(40) };
        DagNode::builder()
            .content(format!("{} {}", self.made, "x".repeat(length)))
            .event_type(["vote", "proposal", "ballot-opened"][dice.below(3)])
            .scope_id(["a", "b", "garden"][dice.below(3)])
            // Many at the same time, and in no order.
            .timestamp(1_000 + dice.below(9) as u64)
            .parents(parents)
            .build()
            .unwrap()
    }

    fn next(&mut self, most: usize) -> Changes {
        let mut changes = Changes::new();
        let removes = self.dice.below(3) == 0 && self.there.len() > 10;
        if removes {
            for _ in 0..(1 + self.dice.below(most)).min(self.there.len() / 2) {
                // Those without children, so that it can be done.
                let parents: HashSet<Cid> = self.there.iter().flat_map(DagNode::parents).collect();
                let is_head = |node: &DagNode| !parents.contains(&node.cid().unwrap());
                let heads: Vec<usize> =
                    (0..self.there.len()).filter(|at| is_head(&self.there[*at])).collect();
                let gone = self.there.remove(heads[self.dice.below(heads.len())]);
                changes.remove(gone.cid().unwrap()).unwrap();
            }
        } else {
            for _ in 0..=self.dice.below(most) {
                let node = self.node();
                changes.insert(node.clone());
                self.there.push(node);
            }
        }
        changes
    }
}

async fn open(engine: &MemoryEngine) -> Arc<KvDagStore<MemoryEngine>> {
    Arc::new(KvDagStore::open(engine.clone()).await.unwrap())
}

/// All that can be asked about a store, as text: equal for stores with equal answers.
async fn answers(store: &Arc<dyn DagStore>) -> Result<String> {
    let mut told = Vec::new();
    let mut tell = |what: String| told.push(what);
    tell(store.get_state_hash().await?.to_string());
    let nodes = store.list().await?;
    let cids: Vec<Cid> = nodes.iter().map(DagNode::cid).collect::<Result<_>>()?;
    tell(format!("{cids:?}"));
    for scope in [None, Some("a"), Some("garden"), Some("nowhere")] {
        tell(format!("{:?} {:?}", store.heads(scope).await?, store.roots(scope).await?));
        tell(format!("{} {}", store.len(scope).await?, store.state_hash(scope).await?));
        let mut query = ListQuery::default();
        query.scope_id = scope.map(str::to_owned);
        (query.since, query.until) = (Some(1_002), Some(1_006));
        tell(store.count(&query).await?.to_string());
        query.event_types = vec!["vote".into()];
        tell(store.count(&query).await?.to_string());
        tell(format!("{:?}", store.list_page(&query).await?.nodes));
        if scope.is_some() {
            query.order = Order::Time;
            query.reverse = true;
            tell(format!("{:?}", store.list_page(&query).await?.nodes));
        }
        let mut export = ExportQuery::default();
        export.scope_id = scope.map(str::to_owned);
        let file: Vec<u8> = Arc::clone(store).export(export).try_concat().await?;
        tell(format!("{} {:02x?}", file.len(), Sha256::digest(&file)));
        let mut walk = WalkQuery::default();
        walk.direction = Direction::All;
        walk.scope_id = scope.map(str::to_owned);
        walk.limit = 1_000;
        tell(format!("{:?}", store.walk_page(&walk).await?.cids));
    }
    let span = Span::of_time("garden", 1_001..=1_004)?;
    tell(format!("{:?}", store.prove_span(&span).await?.into_bytes()));
    let places = [TreeAddress::scopes(), TreeAddress::scope("a"), TreeAddress::scope("b")];
    tell(format!("{:?}", store.tree(&places).await?));
    if let (Some(first), Some(last)) = (cids.first(), cids.last()) {
        tell(format!("{:?}", DagStore::children(&**store, first).await?));
        tell(format!("{:?}", store.ancestors([last]).cids().await?));
        tell(format!("{:?}", store.descendants([first]).cids().await?));
        tell(DagStore::is_ancestor(&**store, first, last).await?.to_string());
        tell(format!(
            "{:?}",
            DagStore::merge_bases(&**store, &[*last, cids[cids.len() / 2]]).await?
        ));
        tell(format!("{:?}", DagStore::path(&**store, first, last).await?));
        let mut past = ExportQuery::default();
        (past.past_of, past.not_past_of) = (Some(vec![*last]), vec![*first]);
        let file: Vec<u8> = Arc::clone(store).export(past).try_concat().await?;
        tell(format!("{} {:02x?}", file.len(), Sha256::digest(&file)));
    }
    Ok(told.join("\n"))
}

#[test]
fn it_answers_as_a_store_in_memory_does_after_every_commit() {
    block_on(async {
        for (seed, most) in [(1, 3), (2, 40), (3, 150)] {
            let engine = MemoryEngine::new();
            let memory = Arc::new(SharedDagStore::new());
            let mut history = History::new(seed);
            let mut largest = 0;
            for number in 0..40 {
                // Opened anew each time: nothing counts but what the engine holds.
                let store = open(&engine).await;
                let mut changes = history.next(most);
                changes.want_state_hash(true);
                let mut expected = DagStore::commit(&*memory, changes.clone()).await.unwrap();
                let found = DagStore::commit(&*store, changes).await.unwrap();
                expected.id = found.id;
                assert_eq!(found, expected, "{seed}, commit {number}");
                let [store, memory]: [Arc<dyn DagStore>; 2] = [store, memory.clone()];
                let [found, expected] =
                    [answers(&store).await.unwrap(), answers(&memory).await.unwrap()];
                for (found, expected) in found.lines().zip(expected.lines()) {
                    assert_eq!(found, expected, "{seed}, after commit {number}");
                }
                let verified = store.verify().await.unwrap();
                assert_eq!(verified, memory.verify().await.unwrap());
                largest = largest.max(verified.nodes);
                let compared = store.compare(&memory).await.unwrap();
                assert!(compared.only_here.is_empty() && compared.only_there.is_empty());
                store.close().await.unwrap();
            }
            assert!(largest > 2 * most as u64, "{seed}: only {largest} nodes");
        }
    });
}

/// Every entry of an engine.
fn entries(engine: &MemoryEngine) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries = Vec::new();
    let snapshot = engine.snapshot().unwrap();
    snapshot
        .scan(&[]..&[0xff], false, &mut |key, value| {
            entries.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    entries
}

/// An engine with these entries.
fn engine_of(entries: &[(Vec<u8>, Vec<u8>)]) -> MemoryEngine {
    let engine = MemoryEngine::new();
    let mut batch = KvBatch::new();
    for (key, value) in entries {
        batch.put(key, value);
    }
    engine.apply(&batch).unwrap();
    engine
}

/// What a store of some commits leaves in an engine, and the nodes that are there.
async fn kept(commits: usize) -> (Vec<(Vec<u8>, Vec<u8>)>, Vec<DagNode>) {
    let engine = MemoryEngine::new();
    let store = open(&engine).await;
    let mut history = History::new(7);
    for _ in 0..commits {
        DagStore::commit(&*store, history.next(6)).await.unwrap();
    }
    store.close().await.unwrap();
    (entries(&engine), history.there)
}

/// The first bytes of keys, as `docs/spec.md` has them.
const RECORD: u8 = 0x03;
const LARGE_BLOCK: u8 = 0x04;
/// Of what is kept of the nodes that are there.
const OF_NODES: std::ops::RangeInclusive<u8> = 0x02..=0x0b;

#[test]
fn a_damaged_block_is_named_and_leaves_the_others_readable() {
    block_on(async {
        let (kept, there) = kept(30).await;
        let mut damaged = 0;
        for (at, (key, value)) in kept.iter().enumerate() {
            let in_record = key[0] == RECORD && value[0] == 1;
            if !in_record && key[0] != LARGE_BLOCK {
                continue;
            }
            let mut entries = kept.clone();
            *entries[at].1.last_mut().unwrap() ^= 1;
            let store = open(&engine_of(&entries)).await;
            let mut refused = Vec::new();
            for node in &there {
                let cid = node.cid().unwrap();
                match store.get(cid).await {
                    Ok(found) => assert_eq!(found.as_ref(), Some(node)),
                    Err(error) => {
                        assert_eq!((error.kind(), error.cid()), (ErrorKind::Corrupt, Some(&cid)));
                        refused.push(cid);
                    }
                }
            }
            let [refused] = *refused else { panic!("{} were refused", refused.len()) };
            for error in [
                store.verify().await.unwrap_err(),
                store.list().await.unwrap_err(),
                store.export_car().await.unwrap_err(),
            ] {
                assert_eq!((error.kind(), error.cid()), (ErrorKind::Corrupt, Some(&refused)));
            }
            damaged += 1;
        }
        assert_eq!(damaged, there.len());
    });
}

#[test]
fn whatever_is_damaged_nothing_panics_and_verify_finds_it() {
    block_on(async {
        let (kept, _) = kept(5).await;
        for (at, (key, value)) in kept.iter().enumerate() {
            let mut damages = vec![None, Some(Vec::new()), Some([&value[..], &[0]].concat())];
            for byte in (0..value.len()).step_by(11) {
                let mut flipped = value.clone();
                flipped[byte] ^= 0x10;
                damages.push(Some(flipped));
                damages.push(Some(value[..byte].to_vec()));
            }
            for damage in damages.into_iter().filter(|damage| damage.as_ref() != Some(value)) {
                let mut entries = kept.clone();
                match damage {
                    Some(damage) => entries[at].1 = damage,
                    None => drop(entries.remove(at)),
                }
                let Ok(store) = KvDagStore::open(engine_of(&entries)).await else { continue };
                let store: Arc<dyn DagStore> = Arc::new(store);
                // Any answer and any error, but an answer.
                drop(answers(&store).await);
                let verified = store.verify().await;
                let is_of_a_removed_node = key[0] == RECORD && value[0] == 0;
                // The name of a scope that has no nodes is nobody's.
                if OF_NODES.contains(&key[0]) && !is_of_a_removed_node {
                    assert!(verified.is_err(), "{key:02x?}: {:02x?}", entries.get(at));
                }
            }
        }
    });
}

#[test]
fn what_is_no_store_or_of_a_later_version_is_refused() {
    block_on(async {
        let open = |entries: &[(Vec<u8>, Vec<u8>)]| KvDagStore::open(engine_of(entries));
        let foreign = [(b"key".to_vec(), b"value".to_vec())];
        assert_eq!(open(&foreign).await.unwrap_err().kind(), ErrorKind::Corrupt);
        let (mut kept, _) = kept(1).await;
        open(&kept).await.unwrap();
        *kept[0].1.last_mut().unwrap() = 2;
        assert_eq!(open(&kept).await.unwrap_err().kind(), ErrorKind::UnsupportedVersion);
        kept[0].1[0] = b'x';
        assert_eq!(open(&kept).await.unwrap_err().kind(), ErrorKind::Corrupt);
    });
}

/// Counts the calls that an engine gets, and those on the thread that must not block.
#[derive(Debug)]
struct Watched {
    engine: MemoryEngine,
    calls: Arc<Calls>,
}

#[derive(Debug)]
struct Calls {
    never_here: ThreadId,
    made: AtomicUsize,
    made_here: AtomicUsize,
}

impl Calls {
    fn note(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
        if thread::current().id() == self.never_here {
            self.made_here.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
struct WatchedSnapshot<'a>(MemorySnapshot, &'a Calls);

impl KvEngine for Watched {
    type Snapshot<'a> = WatchedSnapshot<'a>;

    fn snapshot(&self) -> Result<WatchedSnapshot<'_>> {
        self.calls.note();
        Ok(WatchedSnapshot(self.engine.snapshot()?, &self.calls))
    }

    fn apply(&self, batch: &KvBatch) -> Result<()> {
        self.calls.note();
        self.engine.apply(batch)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.calls.note();
    }
}

impl KvSnapshot for WatchedSnapshot<'_> {
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        self.1.note();
        self.0.get_many(keys)
    }

    fn scan(
        &self,
        range: Range<&[u8]>,
        backwards: bool,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<()> {
        self.1.note();
        self.0.scan(range, backwards, each)
    }
}

impl Drop for WatchedSnapshot<'_> {
    fn drop(&mut self) {
        self.1.note();
    }
}

#[test]
fn no_call_of_an_engine_is_made_on_the_thread_of_who_asks() {
    let calls = Arc::new(Calls {
        never_here: thread::current().id(),
        made: AtomicUsize::new(0),
        made_here: AtomicUsize::new(0),
    });
    block_on(async {
        let engine = Watched { engine: MemoryEngine::new(), calls: Arc::clone(&calls) };
        let store: Arc<dyn DagStore> = Arc::new(KvDagStore::open(engine).await.unwrap());
        let mut history = History::new(5);
        for _ in 0..10 {
            store.commit(history.next(20)).await.unwrap();
        }
        answers(&store).await.unwrap();
        store.next_commit(0, &CommitFilter::default()).await.unwrap();
        store.verify().await.unwrap();
        store.close().await.unwrap();
    });
    assert!(calls.made.load(Ordering::Relaxed) > 200);
    assert_eq!(calls.made_here.load(Ordering::Relaxed), 0);
}

#[cfg(feature = "conformance")]
mod faults {
    use dag_store::conformance::{Fault, Faults, FaultyEngine};
    use dag_store::{CommitId, StateHash};

    use super::*;

    /// Where an engine keeps what it has, to be opened again.
    pub(super) trait Medium {
        type Engine: KvEngine;

        fn open(&self) -> impl Future<Output = Self::Engine>;
    }

    impl Medium for MemoryEngine {
        type Engine = MemoryEngine;

        async fn open(&self) -> MemoryEngine {
            self.clone()
        }
    }

    /// How many commits there are: enough for some that remove, and for inner nodes that are kept.
    const COMMITS: u8 = 10;

    struct Script {
        commits: Vec<(CommitId, Changes)>,
        /// The state hash before the first and after each.
        hashes: Vec<StateHash>,
        /// What the store answers at the end.
        answers: String,
    }

    async fn script() -> Script {
        let memory: Arc<dyn DagStore> = Arc::new(SharedDagStore::new());
        let mut history = History::new(11);
        let mut hashes = vec![memory.get_state_hash().await.unwrap()];
        let mut commits = Vec::new();
        for number in 1..=COMMITS {
            let mut changes = history.next(5);
            changes.set_id(CommitId::from([number; 16]));
            memory.commit(changes.clone()).await.unwrap();
            hashes.push(memory.get_state_hash().await.unwrap());
            commits.push((CommitId::from([number; 16]), changes));
        }
        Script { commits, hashes, answers: answers(&memory).await.unwrap() }
    }

    /// Goes through the script until something fails for good. Gives how many commits were acknowledged,
    /// and whether the next may have happened.
    async fn run(
        engine: impl KvEngine,
        faults: &Faults,
        script: &Script,
        for_good: bool,
    ) -> (usize, bool) {
        let engine = FaultyEngine::new(engine, faults.clone());
        let Ok(store) = KvDagStore::open(engine).await else { return (0, false) };
        let store: Arc<dyn DagStore> = Arc::new(store);
        for (done, (id, changes)) in script.commits.iter().enumerate() {
            match store.commit(changes.clone()).await {
                Ok(commit) => assert_eq!(commit.state_hash, Some(script.hashes[done + 1])),
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                    assert_eq!(error.commit_id(), Some(id));
                    let refusal = store.len(None).await.unwrap_err();
                    assert_eq!(refusal.kind(), ErrorKind::NeedsReopen);
                    return (done, true);
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Storage);
                    if for_good {
                        return (done, false);
                    }
                    // Nothing has changed, so that it can be tried again.
                    let commit = store.commit(changes.clone()).await.unwrap();
                    assert_eq!(commit.state_hash, Some(script.hashes[done + 1]));
                }
            }
        }
        match answers(&store).await {
            Ok(found) => assert!(found == script.answers, "a fault gave another answer"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Storage),
        }
        (script.commits.len(), false)
    }

    /// Makes every `step`th call fail in every way, on a new medium each time.
    pub(super) async fn every_call_fails<M: Medium>(medium: impl Fn() -> M, step: usize) {
        let script = script().await;
        let faults = Faults::new();
        let all = (COMMITS.into(), false);
        assert_eq!(run(medium().open().await, &faults, &script, true).await, all);
        let calls = faults.calls();
        assert!(calls > 200, "only {calls} calls");
        for fault in Fault::ALL {
            for for_good in [false, true] {
                for call in (0..calls).step_by(step) {
                    let faults = Faults::new();
                    faults.fail_after(call, fault, for_good);
                    let medium = medium();
                    let (acknowledged, in_doubt) =
                        run(medium.open().await, &faults, &script, for_good).await;

                    let store = Arc::new(KvDagStore::open(medium.open().await).await.unwrap());
                    let last = usize::try_from(DagStore::sequence(&*store).await.unwrap()).unwrap();
                    assert!(last == acknowledged || in_doubt && last == acknowledged + 1);
                    assert_eq!(store.get_state_hash().await.unwrap(), script.hashes[last]);
                    for (number, (id, _)) in script.commits.iter().enumerate() {
                        assert_eq!(store.has_commit(id).await.unwrap(), number < last);
                    }
                    store.verify().await.unwrap();
                    store.close().await.unwrap();
                }
            }
        }
    }

    #[test]
    fn whichever_call_fails_nothing_acknowledged_is_lost_and_no_answer_is_wrong() {
        block_on(every_call_fails(MemoryEngine::new, 1));
    }
}
