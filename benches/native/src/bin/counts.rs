//! Operations whose instructions are counted, by valgrind's callgrind: `cargo xtask counts` runs it under that.
//!
//! `counts SIZE [OPERATION…]`: does each to a store of SIZE nodes, one after another, and prints a line for each: what, and
//! how many nodes it was about.

use std::convert::Infallible;
use std::env;
use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use dag_store::{Cid, DagStore as _, DagStoreExt as _, ExportQuery, ListQuery, SharedDagStore};
use dag_store_benches::filled::{Dice, Filled};
use dag_store_benches::nodes::inserting;
use futures::executor::block_on;
use futures::stream::{self, TryStreamExt as _};

const TIMES: usize = 1_000;
const PAGE: usize = 100;

/// Does it. Callgrind knows this function by its name, and counts within it alone.
#[inline(never)]
fn counted(work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    work()
}

/// Tells what was done. Callgrind knows this by its name, and writes down before it what was counted so far.
#[inline(never)]
fn told(what: &str, nodes: usize) {
    println!("{what} {nodes}");
}

/// Whether the command line asks for this operation; for each, where it names none.
fn wants(what: &str) -> bool {
    let mut asked = env::args().skip(2).peekable();
    asked.peek().is_none() || asked.any(|asked| asked == what)
}

fn count(what: &str, nodes: usize, mut work: impl FnMut() -> Result<()>) -> Result<()> {
    if wants(what) {
        counted(&mut work)?;
        told(what, nodes);
    }
    Ok(())
}

fn main() -> Result<()> {
    let size = env::args().nth(1).context("usage: counts SIZE [OPERATION…]")?.parse()?;
    let Filled { store, ids, mut chain, .. } = Filled::new(size)?;
    // Its own methods box no futures.
    let bare: &SharedDagStore = &store;
    let mut dice = Dice(7);
    let some: Vec<Cid> = (0..TIMES).map(|_| ids[dice.below(ids.len())]).collect();
    let last = ids.last().copied();

    count("get", TIMES, || {
        for id in &some {
            black_box(block_on(bare.get(id))?);
        }
        Ok(())
    })?;
    count("get-block", TIMES, || {
        for id in &some {
            black_box(block_on(bare.get_block(id))?);
        }
        Ok(())
    })?;
    let mut query = ListQuery::default();
    query.limit = PAGE;
    count("page", PAGE, || {
        black_box(block_on(store.list_page(&query))?);
        Ok(())
    })?;
    count("is-ancestor", TIMES, || {
        for pair in some.windows(2) {
            black_box(block_on(store.is_ancestor(&pair[0], &pair[1]))?);
        }
        Ok(())
    })?;
    count("ancestors", TIMES, || {
        black_box(block_on(store.ancestors(last).limit(TIMES).cids().into_future())?);
        Ok(())
    })?;
    let mut file: Vec<Vec<u8>> = Vec::new();
    count("export", size, || {
        file = block_on(store.clone().export(ExportQuery::default()).try_collect())?;
        Ok(())
    })?;
    count("import", size, || {
        let replica = Arc::new(SharedDagStore::new());
        let chunks = stream::iter(file.drain(..).map(Ok::<_, Infallible>));
        black_box(block_on(replica.import_car(chunks))?);
        black_box(block_on(replica.state_hash(None))?);
        Ok(())
    })?;

    for (what, hashed) in [("insert", false), ("insert-hash", true)] {
        if wants(what) {
            let mut nodes = chain.take(TIMES)?;
            // What was not hashed so far is hashed now, and not counted.
            block_on(store.state_hash(None))?;
            count(what, TIMES, || {
                for node in nodes.drain(..) {
                    block_on(bare.insert(node))?;
                    if hashed {
                        black_box(block_on(store.state_hash(None))?);
                    }
                }
                Ok(())
            })?;
        }
    }
    let mut nodes = chain.take(TIMES)?;
    count("insert-many", TIMES, || {
        block_on(store.commit(inserting(nodes.drain(..))))?;
        Ok(())
    })
}
