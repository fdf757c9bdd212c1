//! How long questions about the graph take, in stores of ten thousand to a million nodes.
//!
//! ```sh
//! cargo run --release --example graph_timings
//! ```
//!
//! Three shapes: a *chain*; a *history*, as of a repository with forks and merges; and a *mesh*, where
//! each node has up to three parents among the newest 64. Pairs and nodes are picked at random.

#![allow(clippy::cast_precision_loss, reason = "times are small numbers")]

use std::time::Instant;

use dag_store::{Cid, DagNode, Result, SharedDagStore};
use futures::executor::block_on;

/// Pairs that are asked about.
const PAIRS: usize = 20_000;
/// Nodes that are inserted in one commit.
const BATCH: usize = 10_000;
/// Branches of a history that are open at once.
const BRANCHES: usize = 24;
/// The newest nodes, which a mesh's next node takes its parents from.
const NEWEST: usize = 64;

fn main() -> Result<()> {
    block_on(async {
        println!(
            "                    is_ancestor, µs       merge_bases, µs       path, µs  ancestors  topological  \
             page of 100"
        );
        println!(
            "shape      nodes    p50    p99    max    p50    p99    max    p50    p99   ns a node    ns a node  \
             ancestors, µs"
        );
        for size in [10_000, 100_000, 1_000_000] {
            for shape in [Shape::Chain, Shape::History, Shape::Mesh] {
                report(shape, size).await?;
            }
        }
        Ok(())
    })
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Chain,
    History,
    Mesh,
}

async fn report(shape: Shape, size: usize) -> Result<()> {
    let mut dice = Dice(7);
    let store = SharedDagStore::new();
    let ids = fill(&store, shape, size, &mut dice).await?;
    let mut pairs = Vec::new();
    for _ in 0..PAIRS {
        pairs.push([dice.below(size), dice.below(size)].map(|at| ids[at]));
    }

    let mut ancestry = Times::default();
    for [one, other] in &pairs {
        let start = Instant::now();
        store.is_ancestor(one, other).await?;
        ancestry.add(start);
    }
    // What is asked in practice is about nodes that aren't far apart.
    let (mut bases, mut path) = (Times::default(), Times::default());
    for _ in 0..PAIRS / 20 {
        let at = dice.below(size);
        let near = at.saturating_sub(dice.below(1_000));
        let start = Instant::now();
        store.merge_bases([ids[at], ids[near]]).await?;
        bases.add(start);
        let start = Instant::now();
        store.path(ids[at], ids[near]).await?;
        path.add(start);
    }
    let heads = store.heads(None).await?;
    let start = Instant::now();
    assert_eq!(store.ancestors(&heads).cids().await?.len(), size);
    let ancestors = start.elapsed().as_nanos() as f64 / size as f64;
    let start = Instant::now();
    assert_eq!(store.topological().cids().await?.len(), size);
    let topological = start.elapsed().as_nanos() as f64 / size as f64;
    let mut pages = Times::default();
    for _ in 0..1_000 {
        let from = ids[dice.below(size)];
        let start = Instant::now();
        store.ancestors([from]).cids().page(100).await?;
        pages.add(start);
    }
    let shape = format!("{shape:?}");
    println!(
        "{shape:8} {size:7}  {} {} {}  {} {} {}  {} {}  {ancestors:10.0}   {topological:10.0}   {}",
        ancestry.at(0.5),
        ancestry.at(0.99),
        ancestry.at(1.0),
        bases.at(0.5),
        bases.at(0.99),
        bases.at(1.0),
        path.at(0.5),
        path.at(0.99),
        pages.at(0.5),
    );
    Ok(())
}

/// Fills a store with a DAG of this shape; gives the ids in the order of insertion.
async fn fill(
    store: &SharedDagStore,
    shape: Shape,
    size: usize,
    dice: &mut Dice,
) -> Result<Vec<Cid>> {
    let mut ids: Vec<Cid> = Vec::with_capacity(size);
    let mut branches = [None; BRANCHES];
    let mut batch = Vec::new();
    for number in 0..size {
        let mut parents: Vec<Cid> = match shape {
            Shape::Chain => ids.last().copied().into_iter().collect(),
            // A main line, and branches that leave it, go on for a while, and are merged into it.
            Shape::History => {
                let at = dice.below(BRANCHES);
                let (main, branch) = (branches[0], branches[at]);
                let (on, parents) = match dice.below(8) {
                    0 if at > 0 => (0, [main, branches[at].take()]),
                    1 if at > 0 => (at, [branch, main]),
                    _ => (at, [branch.or(main), None]),
                };
                branches[on] = Some(number);
                parents.into_iter().flatten().map(|parent| ids[parent]).collect()
            }
            Shape::Mesh => {
                let newest = number.min(NEWEST);
                let count = (1 + dice.below(3)).min(newest);
                (0..count).map(|_| ids[number - 1 - dice.below(newest)]).collect()
            }
        };
        parents.sort_unstable();
        parents.dedup();
        let node = DagNode::builder()
            .content(format!("node {number}"))
            .event_type("receipt")
            .scope_id("a scope")
            .timestamp(number as u64)
            .parents(parents)
            .build()?;
        ids.push(node.cid()?);
        batch.push(node);
        if batch.len() == BATCH {
            store.insert_many(std::mem::take(&mut batch)).await?;
        }
    }
    store.insert_many(batch).await?;
    Ok(ids)
}

/// Times in microseconds.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    fn add(&mut self, start: Instant) {
        self.0.push(start.elapsed().as_secs_f64() * 1e6);
    }

    /// The time that this part of all are not above.
    fn at(&self, part: f64) -> String {
        let mut times = self.0.clone();
        times.sort_by(f64::total_cmp);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let at = ((times.len() - 1) as f64 * part) as usize;
        format!("{:6.1}", times[at])
    }
}

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        #[allow(clippy::cast_possible_truncation, reason = "it is less than `bound`")]
        let number = ((mixed ^ (mixed >> 31)) % bound as u64) as usize;
        number
    }
}
