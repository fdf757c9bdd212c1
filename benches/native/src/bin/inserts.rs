//! Inserting in memory, beside encoding and hashing alone, and beside what is usual.

use std::cell::Cell;

use anyhow::{Result, ensure};
use dag_store::{Cid, SharedDagStore};
use dag_store_benches::by_hand::{Floor, Map};
use dag_store_benches::measure::{Asked, in_turns};
use dag_store_benches::nodes::{inserting, node, text};
use futures::executor::block_on;

const CHUNK: usize = 100;
const BATCH: usize = 1_000;

fn main() -> Result<()> {
    let asked = Asked::new();
    one_by_one(&asked)?;
    batches(&asked)
}

fn one_by_one(asked: &Asked) -> Result<()> {
    if !asked.wants_any(&["N1", "N3"]) {
        return Ok(());
    }
    let chunks = asked.many(1_000, 20);
    let texts: Vec<String> = (0..chunks * CHUNK).map(text).collect();
    let part = |round: usize| (round * CHUNK..(round + 1) * CHUNK).map(|at| (at, &texts[at]));
    let (store, mut floor, mut map) = (SharedDagStore::new(), Floor::default(), Map::default());
    let last: Cell<Option<Cid>> = Cell::default();
    let ours = |round: usize| {
        block_on(async {
            for (at, text) in part(round) {
                let node = node(at, text, last.get())?;
                last.set(Some(node.cid()?));
                store.insert(node).await?;
            }
            if (round + 1).is_multiple_of(BATCH / CHUNK) {
                store.state_hash(None).await?;
            }
            Ok(())
        })
    };
    let bare = |round: usize| {
        for (at, text) in part(round) {
            floor.insert(at, text, true);
        }
        Ok(())
    };
    let usual = |round: usize| {
        for (at, text) in part(round) {
            map.insert(at, text)?;
        }
        Ok(())
    };
    let figures = in_turns(
        chunks,
        CHUNK,
        vec![
            ("dag-store", Box::new(ours)),
            ("floor", Box::new(bare)),
            ("HashMap, serde", Box::new(usual)),
        ],
    )?;
    let digest = last.get().map(|cid| cid.hash().digest().to_vec());
    ensure!(digest == floor.last.map(Vec::from), "the floor has not hashed the same nodes");
    ensure!(last.get() == map.last, "the map has not got the same nodes");
    for (row, peer) in [("N1", "floor"), ("N3", "HashMap, serde")] {
        if asked.wants(row) {
            figures.beside(peer).report(row, chunks);
        }
    }
    Ok(())
}

fn batches(asked: &Asked) -> Result<()> {
    if !asked.wants("N2") {
        return Ok(());
    }
    let rounds = asked.many(200, 4);
    let texts: Vec<String> = (0..rounds * BATCH).map(text).collect();
    let part = |round: usize| (round * BATCH..(round + 1) * BATCH).map(|at| (at, &texts[at]));
    let (store, mut floor) = (SharedDagStore::new(), Floor::default());
    let ours = |round: usize| {
        let nodes: dag_store::Result<Vec<_>> =
            part(round).map(|(at, text)| node(at, text, None)).collect();
        block_on(store.commit(inserting(nodes?)))?;
        Ok(())
    };
    let bare = |round: usize| {
        for (at, text) in part(round) {
            floor.insert(at, text, false);
        }
        Ok(())
    };
    let sides = vec![("dag-store", Box::new(ours) as _), ("floor", Box::new(bare) as _)];
    in_turns(rounds, BATCH, sides)?.report("N2", rounds);
    Ok(())
}
