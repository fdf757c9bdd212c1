//! What things cost in a store of a million nodes, and how that grows.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use dag_store::{
    Cid, DagNode, DagStore as _, DagStoreExt as _, ExportQuery, ListQuery, SharedDagStore,
};
use dag_store_benches::filled::{Dice, Filled};
use dag_store_benches::measure::{Asked, Figures, in_turns, nanoseconds};
use futures::executor::block_on;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

const CHUNK: usize = 100;
const PAGE: usize = 100;
const LARGE: usize = 1_000_000;
const GROWING: [&str; 4] = ["C1-insert", "C1-get", "C1-hash", "C1-page"];

fn main() -> Result<()> {
    let asked = &Asked::new();
    let mut dice = Dice(7);
    let mut large = Filled::new(asked.many(LARGE, 4_000))?;
    if asked.wants("N4") {
        let rounds = asked.many(2_000, 10);
        let picked: Vec<Vec<Cid>> = (0..rounds).map(|_| large.some(&mut dice, CHUNK)).collect();
        let get = |round: usize| {
            block_on(async {
                for cid in &picked[round] {
                    ensure!(large.bare().get_block(cid).await?.is_some(), "a node is missing");
                }
                Ok(())
            })
        };
        in_turns(rounds, CHUNK, vec![("dag-store", Box::new(get))])?.report("N4", rounds);
    }
    if asked.wants("G1") {
        let pairs = asked.many(20_000, 100);
        let mut times = Vec::with_capacity(pairs);
        for _ in 0..pairs {
            let pair = large.some(&mut dice, 2);
            let start = Instant::now();
            block_on(large.store.is_ancestor(&pair[0], &pair[1]))?;
            times.push(start.elapsed());
        }
        times.sort_unstable();
        let p99 = nanoseconds(times[pairs * 99 / 100]) / 1e3;
        Figures::of([("dag-store", p99)]).report("G1", pairs);
    }
    if asked.wants("H2") {
        let rounds = asked.many(300, 3);
        let nodes = large.chain.take(rounds * CHUNK)?;
        let store = large.bare();
        let each = |round: usize| {
            block_on(async {
                for node in &nodes[round * CHUNK..(round + 1) * CHUNK] {
                    store.insert(node.clone()).await?;
                    store.state_hash(None).await?;
                }
                Ok(())
            })
        };
        let figures = in_turns(rounds, CHUNK, vec![("dag-store", Box::new(each))])?;
        figures.times(1e-3).report("H2", rounds);
    }
    if asked.wants("R1") {
        replay(asked)?;
    }
    growth(asked, &mut dice, large)
}

/// All of a history from a CAR file: checked, inserted, and its state hash.
fn replay(asked: &Asked) -> Result<()> {
    let count = asked.many(100_000, 2_000);
    let source = Filled::new(count)?;
    let export = source.store.clone().export(ExportQuery::default());
    let file: Vec<Vec<u8>> = block_on(export.try_collect())?;

    let hash = block_on(source.store.state_hash(None))?;
    let rounds = asked.many(12, 2);
    let once = |_| {
        let replica = Arc::new(SharedDagStore::new());
        let chunks = stream::iter(&file).map(Ok::<_, Infallible>);
        block_on(replica.import_car(chunks))?;
        ensure!(block_on(replica.state_hash(None))? == hash, "not the same state");
        Ok(())
    };
    let figures = in_turns(rounds, count, vec![("dag-store", Box::new(once))])?;
    figures.per_second().report("R1", rounds);
    Ok(())
}

/// The same in a large store and in smaller ones, in turns.
fn growth(asked: &Asked, dice: &mut Dice, large: Filled) -> Result<()> {
    if !asked.wants_any(&GROWING) {
        return Ok(());
    }
    let mut stores = vec![("dag-store", large)];
    for (name, count, few) in [("100,000 nodes", 100_000, 2_000), ("10,000 nodes", 10_000, 1_000)] {
        stores.push((name, Filled::new(asked.many(count, few))?));
    }
    let rounds = asked.many(400, 4);
    if asked.wants("C1-get") {
        let sides = stores.iter().map(|(name, of)| (*name, getting(of, dice, rounds))).collect();
        in_turns(rounds, CHUNK, sides)?.report("C1-get", rounds);
    }
    if asked.wants("C1-page") {
        let sides = stores.iter().map(|(name, of)| (*name, paging(of))).collect();
        in_turns(rounds, PAGE, sides)?.report("C1-page", rounds);
    }
    // Not so many that the smallest would be much larger at the end.
    let rounds = asked.many(40, 2);
    for (row, hashed) in [("C1-insert", false), ("C1-hash", true)] {
        if asked.wants(row) {
            let mut sides = Vec::new();
            for (name, of) in &mut stores {
                let nodes = of.chain.take(rounds * CHUNK)?;
                sides.push((*name, inserting_each(&of.store, nodes, hashed)));
            }
            in_turns(rounds, CHUNK, sides)?.report(row, rounds);
        }
    }
    Ok(())
}

type Round<'a> = Box<dyn FnMut(usize) -> Result<()> + 'a>;

fn getting<'a>(of: &'a Filled, dice: &mut Dice, rounds: usize) -> Round<'a> {
    let picked: Vec<Vec<Cid>> = (0..rounds).map(|_| of.some(dice, CHUNK)).collect();
    Box::new(move |round| {
        block_on(async {
            for cid in &picked[round] {
                ensure!(of.bare().get(cid).await?.is_some(), "a node is missing");
            }
            Ok(())
        })
    })
}

fn paging(of: &Filled) -> Round<'_> {
    let mut query = ListQuery::default();
    query.limit = PAGE;
    Box::new(move |_| {
        let page = block_on(of.store.list_page(&query))?;
        ensure!(page.nodes.len() == PAGE, "a page is short");
        Ok(())
    })
}

fn inserting_each(store: &SharedDagStore, nodes: Vec<DagNode>, hashed: bool) -> Round<'_> {
    Box::new(move |round| {
        block_on(async {
            for node in &nodes[round * CHUNK..(round + 1) * CHUNK] {
                store.insert(node.clone()).await?;
                if hashed {
                    store.state_hash(None).await?;
                }
            }
            Ok(())
        })
    })
}
