//! What the journal in a file costs, beside plain `fdatasync`: commits a second alone and in groups,
//! nodes a second in commits of 1,000, bytes on the disk, and how fast a store opens.
//!
//! ```sh
//! cargo run --release --example journal_costs -- /path/on/the/disk
//! ```
//!
//! Whatever waits for the disk is measured in turns with its reference, 30 times, and told as medians.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use dag_store::{Changes, DagNode, FileJournal, SharedDagStore};
use futures::executor::block_on;
use futures::future::try_join_all;

const RUNS: usize = 30;
const BATCH: usize = 1_000;
const TOGETHER: usize = 64;
const NODES: usize = 100_000;

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let folder = std::env::args().nth(1).ok_or("usage: journal_costs <folder>")?;
    let folder = Path::new(&folder).join("journal-costs");
    fs::create_dir_all(&folder)?;
    block_on(measure(&folder))?;
    Ok(fs::remove_dir_all(&folder)?)
}

async fn measure(folder: &Path) -> Fallible<()> {
    let path = folder.join("history.dag");
    let store = SharedDagStore::open(FileJournal::open(&path).await?).await?;
    let mut nodes = Nodes::default();
    let mut plain = File::create(folder.join("plain"))?;
    let block = Nodes::default().next()?.to_block().len();

    let (mut one, mut append, mut together) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let node = nodes.next()?;
        one.push(timed(async { store.insert(node).await.map(drop) }).await?);
        append.push(timed(async { append_plain(&mut plain, block) }).await?);
        let many = nodes.take(TOGETHER)?;
        let inserts = try_join_all(many.into_iter().map(|node| store.insert(node)));
        together.push(timed(async { inserts.await.map(drop) }).await?);
    }
    let (one, append, together) = (median(one), median(append), median(together));
    row("one commit", &format!("{one:?}"), &format!("{:.2} of an fdatasync", ratio(one, append)));
    let rate = TOGETHER as f64 / together.as_secs_f64();
    let gain = ratio(one, together) * TOGETHER as f64;
    row(
        &format!("{TOGETHER} at once"),
        &format!("{rate:.0} commits/s"),
        &format!("{gain:.1} times one by one"),
    );

    let (mut batches, mut appends) = (Vec::new(), Vec::new());
    let before = fs::metadata(&path)?.len();
    for _ in 0..NODES / BATCH {
        let many = nodes.take(BATCH)?;
        batches.push(timed(async { commit(&store, many).await }).await?);
        appends.push(timed(async { append_plain(&mut plain, BATCH * block) }).await?);
    }
    let (batch, append) = (median(batches), median(appends));
    let rate = BATCH as f64 / batch.as_secs_f64();
    row(
        &format!("commits of {BATCH}"),
        &format!("{rate:.0} nodes/s"),
        &format!("{:.2} of an fdatasync of the same bytes", ratio(batch, append)),
    );
    let bytes = (fs::metadata(&path)?.len() - before) as f64 / NODES as f64;
    row("bytes a node", &format!("{bytes:.0}"), &format!("{block} in its block"));
    store.close().await?;

    let replayed = open(&path).await?;
    row("open, replaying", &nodes_a_second(replayed), "every hash checked");
    let store = SharedDagStore::open(FileJournal::open(&path).await?).await?;
    store.checkpoint().await?;
    store.close().await?;
    row("open, by a checkpoint", &nodes_a_second(open(&path).await?), "every hash checked");
    Ok(())
}

/// Opens the journal some times, and closes it again.
async fn open(path: &Path) -> Fallible<Duration> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let store = SharedDagStore::open(FileJournal::open(path).await?).await?;
        times.push(start.elapsed());
        store.close().await?;
    }
    Ok(median(times))
}

async fn commit(store: &SharedDagStore, nodes: Vec<DagNode>) -> dag_store::Result<()> {
    let mut changes = Changes::new();
    for node in nodes {
        changes.insert(node);
    }
    store.commit(changes).await.map(drop)
}

/// What every journal has to do: append so many bytes, and wait until they are on the disk.
fn append_plain(file: &mut File, bytes: usize) -> dag_store::Result<()> {
    let written = file.write_all(&vec![7; bytes]).and_then(|()| file.sync_data());
    written.map_err(|error| {
        dag_store::DagError::new(dag_store::ErrorKind::Storage, "no plain append")
            .with_source(error)
    })
}

/// Nodes of 200 characters of content, each the child of the one before.
#[derive(Default)]
struct Nodes {
    count: u64,
    last: Option<dag_store::Cid>,
}

impl Nodes {
    fn next(&mut self) -> dag_store::Result<DagNode> {
        self.count += 1;
        let node = DagNode::builder()
            .content(format!("{:0200}", self.count))
            .event_type("vote")
            .scope_id("costs")
            .timestamp(self.count)
            .parents(self.last)
            .build()?;
        self.last = Some(node.cid()?);
        Ok(node)
    }

    fn take(&mut self, count: usize) -> dag_store::Result<Vec<DagNode>> {
        (0..count).map(|_| self.next()).collect()
    }
}

async fn timed(work: impl Future<Output = dag_store::Result<()>>) -> Fallible<Duration> {
    let start = Instant::now();
    work.await?;
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn nodes_a_second(time: Duration) -> String {
    format!("{:.0} nodes/s", NODES as f64 / time.as_secs_f64())
}

fn row(what: &str, value: &str, note: &str) {
    println!("{what:<22} {value:>20}   {note}");
}
