//! Nodes kept in databases: reading many, and batches that wait until the disk has them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use dag_store::{Cid, DagNode, DagStore, FileJournal, KvDagStore, RocksEngine, SharedDagStore};
use dag_store_benches::filled::{Dice, Filled};
use dag_store_benches::measure::{Asked, Side, disk, in_turns};
use dag_store_benches::nodes::{Chain, inserting};
use futures::executor::block_on;
use redb::{Database, ReadableDatabase as _, TableDefinition};
use rocksdb::{BlockBasedOptions, Cache, DB, Options, WriteBatch, WriteOptions};

const CHUNK: usize = 100;
const BATCH: usize = 1_000;
const BLOCKS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("blocks");
/// Room in `RocksDB`'s memory for all blocks; `redb` has as much unless told.
const CACHE: usize = 1 << 30;

fn main() -> Result<()> {
    let asked = Asked::new();
    let folder = disk()?;
    reading(&asked, folder.path())?;
    batches(&asked, folder.path())
}

/// Any of a million nodes, all of which have room in memory.
fn reading(asked: &Asked, folder: &Path) -> Result<()> {
    if !asked.wants_any(&["N4-redb", "N4-rocksdb"]) {
        return Ok(());
    }
    let large = Filled::new(asked.many(1_000_000, 2_000))?;
    let (redb, rocksdb) =
        (Database::create(folder.join("redb"))?, rocksdb(&folder.join("rocksdb"))?);
    let transaction = redb.begin_write()?;
    let mut table = transaction.open_table(BLOCKS)?;
    for ids in large.ids.chunks(BATCH) {
        let nodes = block_on(DagStore::get_many(&*large.store, ids))?;
        let nodes: Vec<DagNode> = nodes.into_iter().flatten().collect();
        write(&rocksdb, &nodes, false)?;
        for node in &nodes {
            table.insert(&*node.cid()?.to_bytes(), node.as_bytes())?;
        }
    }
    drop(table);
    transaction.commit()?;
    rocksdb.compact_range(None::<&[u8]>, None::<&[u8]>);

    let rounds = asked.many(1_000, 10);
    let mut dice = Dice(7);
    let picked: Vec<Vec<Cid>> = (0..rounds).map(|_| large.some(&mut dice, CHUNK)).collect();
    let transaction = redb.begin_read()?;
    let table = transaction.open_table(BLOCKS)?;
    let read = |round: usize, get: &mut dyn FnMut(&Cid) -> Result<usize>| {
        for cid in &picked[round] {
            ensure!(get(cid)? > 0, "a node is missing");
        }
        Ok(())
    };
    let ours = |round: usize| {
        block_on(async {
            for cid in &picked[round] {
                ensure!(large.bare().get_block(cid).await?.is_some(), "a node is missing");
            }
            Ok(())
        })
    };
    let of_redb = |round| {
        read(round, &mut |cid| {
            Ok(table.get(&*cid.to_bytes())?.map_or(0, |block| block.value().len()))
        })
    };
    let of_rocksdb = |round| {
        read(round, &mut |cid| {
            Ok(rocksdb.get_pinned(cid.to_bytes())?.map_or(0, |block| block.len()))
        })
    };
    let sides: Vec<Side<'_>> = vec![
        ("dag-store", Box::new(ours)),
        ("redb", Box::new(of_redb)),
        ("RocksDB", Box::new(of_rocksdb)),
    ];
    let figures = in_turns(rounds, CHUNK, sides)?;
    for (row, peer) in [("N4-redb", "redb"), ("N4-rocksdb", "RocksDB")] {
        if asked.wants(row) {
            figures.beside(peer).report(row, rounds);
        }
    }
    Ok(())
}

/// Batches of 1,000, synced, of a store in `RocksDB` and of the journal in a file, beside CIDs and blocks put straight
/// into `RocksDB`.
fn batches(asked: &Asked, folder: &Path) -> Result<()> {
    if !asked.wants_any(&["N6", "N7"]) {
        return Ok(());
    }
    let rounds = asked.many(60, 3);
    let mut chain = Chain::default();
    let batches: dag_store::Result<Vec<_>> = (0..rounds).map(|_| chain.take(BATCH)).collect();
    let batches = batches?;
    let journal = block_on(async {
        SharedDagStore::open(FileJournal::open(folder.join("journal")).await?).await
    })?;
    let engine = block_on(async {
        KvDagStore::open(RocksEngine::open(&folder.join("store")).await?).await
    })?;
    let raw = DB::open_default(folder.join("raw"))?;
    let committing = |store: Arc<dyn DagStore>| {
        let batches = &batches;
        move |round: usize| {
            block_on(store.commit(inserting(batches[round].iter().cloned())))?;
            Ok(())
        }
    };
    let (journal, engine): (Arc<dyn DagStore>, Arc<dyn DagStore>) =
        (Arc::new(journal), Arc::new(engine));
    let sides: Vec<Side<'_>> = vec![
        ("file", Box::new(committing(journal.clone()))),
        ("store", Box::new(committing(engine.clone()))),
        ("RocksDB", Box::new(|round: usize| write(&raw, &batches[round], true))),
    ];
    let figures = in_turns(rounds, BATCH, sides)?.per_second();
    for (row, ours) in [("N6", "store"), ("N7", "file")] {
        if asked.wants(row) {
            figures.pair(ours, "RocksDB").report(row, rounds);
        }
    }
    block_on(engine.close())?;
    Ok(block_on(journal.close())?)
}

/// A database as its own documents would have it for looking up single keys that fit in memory.
fn rocksdb(folder: &Path) -> Result<DB> {
    let mut tables = BlockBasedOptions::default();
    tables.set_block_cache(&Cache::new_lru_cache(CACHE));
    tables.set_bloom_filter(10.0, false);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_block_based_table_factory(&tables);
    Ok(DB::open(&options, folder)?)
}

/// Puts CID and block of each.
fn write(database: &DB, nodes: &[DagNode], synced: bool) -> Result<()> {
    let mut batch = WriteBatch::default();
    for node in nodes {
        batch.put(node.cid()?.to_bytes(), node.as_bytes());
    }
    let mut options = WriteOptions::default();
    options.set_sync(synced);
    Ok(database.write_opt(batch, &options)?)
}
