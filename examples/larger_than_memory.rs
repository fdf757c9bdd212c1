//! A store of many nodes in `RocksDB`: what it takes to fill, to open and to ask, and what of memory.
//!
//! `cargo run --release --features rocksdb --example larger_than_memory -- [NODES] [FOLDER]`
//!
//! First the same batches of 1,000 nodes go by turns into a store and, as CID and block alone, straight into
//! another database, both synced: the least that keeping them could cost. Then the store is filled up to
//! NODES (100,000 unless given), closed, opened and asked.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dag_store::{
    Cid, DagNode, DagStore, DagStoreExt, Direction, KvDagStore, ListQuery, Order, RocksEngine,
    WalkQuery,
};
use futures::executor::block_on;
use rocksdb::{DB, WriteBatch, WriteOptions};

const BATCH: u64 = 1_000;
/// How many batches go by turns into the store and straight into a database.
const TURNS: u64 = 40;
const SCOPES: u64 = 50;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let mut arguments = env::args().skip(1);
    let nodes = arguments.next().map_or(Ok(100_000), |nodes| nodes.replace('_', "").parse())?;
    let folder = arguments.next().map_or_else(
        || env::temp_dir().join(format!("dag-store-larger-{}", std::process::id())),
        PathBuf::from,
    );
    let done = block_on(run(nodes, &folder));
    fs::remove_dir_all(&folder)?;
    done
}

async fn run(nodes: u64, folder: &Path) -> Outcome {
    let (of_store, beside) = (folder.join("store"), folder.join("beside"));
    fs::create_dir_all(folder)?;
    let store = open(&of_store).await?;
    let mut history = History::default();

    let database = DB::open_default(&beside)?;
    let mut times: [Vec<Duration>; 2] = Default::default();
    for _ in 0..TURNS {
        let batch = history.next(BATCH)?;
        times[0].push(timed(store.insert_many(batch.clone())).await?.0);
        times[1].push(timed(async { straight(&database, &batch) }).await?.0);
    }
    drop(database);
    fs::remove_dir_all(&beside)?;
    let [ours, least] = times.map(median);
    println!("a batch of {BATCH}, synced: {ours:.1?}; CID and block alone: {least:.1?}");
    println!("speed of that: {:.0} %", 100.0 * least.as_secs_f64() / ours.as_secs_f64());

    let begun = Instant::now();
    let before = history.made;
    while history.made < nodes {
        store.insert_many(history.next(BATCH)?).await?;
        if history.made.is_multiple_of(1_000_000) {
            println!("{} nodes after {:.0?}, {}", history.made, begun.elapsed(), memory()?);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "it is to be read by people")]
    let speed = (history.made - before) as f64 / seconds;
    println!("filled with {} nodes, {speed:.0} a second; {}", history.made, memory()?);
    let hash = store.get_state_hash().await?;
    let (time, ()) = timed(store.close()).await?;
    println!("closed in {time:.1?}; {} on disk", megabytes(size_of(&of_store)?));
    drop(store);

    let (time, store) = timed(open(&of_store)).await?;
    println!("opened in {time:.1?}");
    assert_eq!(store.get_state_hash().await?, hash);
    ask(&store, &history).await?;
    println!("at the end {}", memory()?);
    store.close().await?;
    Ok(())
}

async fn open(folder: &Path) -> Outcome<Arc<KvDagStore<RocksEngine>>> {
    Ok(Arc::new(KvDagStore::open(RocksEngine::open(folder).await?).await?))
}

/// Asks all kinds of questions about a store.
async fn ask(store: &Arc<KvDagStore<RocksEngine>>, history: &History) -> Outcome {
    let (first, middle, last) =
        (history.some[0], history.some[history.some.len() / 2], history.last[0]);
    let scope = "scope 7".to_owned();
    let mut by_scope = ListQuery::default();
    by_scope.scope_id = Some(scope.clone());
    let mut by_time = by_scope.clone();
    (by_time.order, by_time.since) = (Order::Time, Some(history.made / 2));
    let mut all = WalkQuery::default();
    all.direction = Direction::All;
    let mut told = Vec::new();
    let mut tell = |what: &str, time: Duration| told.push(format!("{what} {time:.1?}"));
    tell("a node", timed(store.get(middle)).await?.0);
    tell("1,000 nodes far apart", timed(DagStore::get_many(&**store, &history.sample())).await?.0);
    tell("a page of a scope", timed(store.list_page(&by_scope)).await?.0);
    tell("by time", timed(store.list_page(&by_time)).await?.0);
    tell("its count", timed(store.count(&by_time)).await?.0);
    tell("a page of all, sorted", timed(store.walk_page(&all)).await?.0);
    tell("10,000 ancestors", timed(store.ancestors([last]).limit(10_000).cids()).await?.0);
    tell("is it an ancestor", timed(DagStore::is_ancestor(&**store, &first, &last)).await?.0);
    tell("merge bases", timed(DagStore::merge_bases(&**store, &[middle, last])).await?.0);
    tell("a proof", timed(store.prove(middle)).await?.0);
    println!("{}", told.join("; "));
    Ok(())
}

async fn timed<T, E: Into<Box<dyn Error>>>(
    work: impl IntoFuture<Output = Result<T, E>>,
) -> Outcome<(Duration, T)> {
    let begun = Instant::now();
    let done = work.await.map_err(Into::into)?;
    Ok((begun.elapsed(), done))
}

/// Writes CID and block of each, synced.
fn straight(database: &DB, nodes: &[DagNode]) -> Outcome {
    let mut batch = WriteBatch::default();
    for node in nodes {
        batch.put(node.cid()?.to_bytes(), node.as_bytes());
    }
    let mut options = WriteOptions::default();
    options.set_sync(true);
    Ok(database.write_opt(batch, &options)?)
}

/// Nodes of some 350 bytes, each the child of one or two of the newest; time goes on.
#[derive(Default)]
struct History {
    made: u64,
    last: Vec<Cid>,
    /// One of each batch.
    some: Vec<Cid>,
}

impl History {
    fn next(&mut self, count: u64) -> Outcome<Vec<DagNode>> {
        let mut nodes = Vec::new();
        for number in self.made..self.made + count {
            let parents = if number.is_multiple_of(2) { 1 } else { 2 };
            let node = DagNode::builder()
                .content(format!("{number:0>200}"))
                .event_type("vote")
                .scope_id(format!("scope {}", number.wrapping_mul(2_654_435_761) % SCOPES))
                .timestamp(number)
                .parents(self.last.iter().take(parents).copied())
                .build()?;
            self.last.insert(0, node.cid()?);
            self.last.truncate(2);
            nodes.push(node);
        }
        self.made += count;
        self.some.extend(self.last.first());
        Ok(nodes)
    }

    /// A thousand nodes from everywhere, or as many as there are.
    fn sample(&self) -> Vec<Cid> {
        let step = self.some.len().div_ceil(1_000);
        self.some.iter().step_by(step).copied().collect()
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.drain(..times.len() / 4);
    times.sort();
    times[times.len() / 2]
}

/// What the process takes, and the most that it took, where the system says so.
fn memory() -> Outcome<String> {
    let Ok(status) = fs::read_to_string("/proc/self/status") else {
        return Ok("memory unknown".to_owned());
    };
    let kilobytes = |name: &str| -> Outcome<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
    };
    let [now, most] = [kilobytes("VmRSS:")?, kilobytes("VmHWM:")?].map(megabytes);
    Ok(format!("{now} of memory, at most {most}"))
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

fn size_of(folder: &Path) -> Outcome<u64> {
    let sizes = fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len()));
    sizes.sum::<Result<u64, std::io::Error>>().map_err(Into::into)
}
