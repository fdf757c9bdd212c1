//! The journal in a file, beside what the disk allows.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use dag_store::{FileJournal, SharedDagStore};
use dag_store_benches::measure::{Asked, Figures, disk, in_turns};
use dag_store_benches::nodes::{Chain, inserting};
use futures::executor::block_on;
use futures::future::try_join_all;

const TOGETHER: usize = 64;
const ALONE: usize = 5;
const BATCH: usize = 1_000;

fn main() -> Result<()> {
    let asked = Asked::new();
    let folder = disk()?;
    commits(&asked, folder.path())?;
    opening(&asked, folder.path())
}

fn open(path: &Path) -> Result<SharedDagStore> {
    Ok(block_on(async { SharedDagStore::open(FileJournal::open(path).await?).await })?)
}

/// What every journal has to do: append so many bytes, and wait until they are on the disk.
fn append(file: &mut File, bytes: usize) -> Result<()> {
    file.write_all(&vec![7; bytes])?;
    Ok(file.sync_data()?)
}

fn commits(asked: &Asked, folder: &Path) -> Result<()> {
    if !asked.wants_any(&["N8", "N8-together", "file-native-batch"]) {
        return Ok(());
    }
    let store = open(&folder.join("commits"))?;
    let mut plain = File::create(folder.join("plain"))?;
    let block = Chain::default().take(2)?.pop().map_or(0, |node| node.to_block().len());
    let rounds = asked.many(40, 4);
    if asked.wants("N8") {
        let nodes = Chain::default().take(rounds * ALONE)?;
        let ours = |round: usize| {
            for node in &nodes[round * ALONE..(round + 1) * ALONE] {
                block_on(store.commit(inserting([node.clone()])))?;
            }
            Ok(())
        };
        let bare = |_| (0..ALONE).try_for_each(|_| append(&mut plain, block));
        let sides = vec![("dag-store", Box::new(ours) as _), ("fdatasync", Box::new(bare) as _)];
        in_turns(rounds, ALONE, sides)?.per_second().report("N8", rounds);
    }
    if asked.wants("N8-together") {
        let mut chain = Chain::default();
        chain.take(rounds * ALONE)?;
        let nodes = chain.take(2 * rounds * TOGETHER)?;
        let part = |at: usize| nodes[at * TOGETHER..(at + 1) * TOGETHER].iter();
        let store = open(&folder.join("together"))?;
        // The past of those nodes, so that they find their parents.
        block_on(store.commit(inserting(Chain::default().take(rounds * ALONE)?)))?;
        let mut next = 0;
        let next = std::cell::RefCell::new(&mut next);
        let take = || {
            let mut next = next.borrow_mut();
            **next += 1;
            part(**next - 1)
        };
        let together = |_| {
            let commits = take().map(|node| store.commit(inserting([node.clone()])));
            block_on(try_join_all(commits))?;
            Ok(())
        };
        let one_by_one = |_| {
            for node in take() {
                block_on(store.commit(inserting([node.clone()])))?;
            }
            Ok(())
        };
        let sides =
            vec![("dag-store", Box::new(together) as _), ("one by one", Box::new(one_by_one) as _)];
        in_turns(rounds, TOGETHER, sides)?.per_second().report("N8-together", rounds);
        block_on(store.close())?;
    }
    if asked.wants("file-native-batch") {
        let store = open(&folder.join("batches"))?;
        let rounds = asked.many(60, 3);
        let mut chain = Chain::default();
        let batches: Result<Vec<_>, _> = (0..rounds).map(|_| chain.take(BATCH)).collect();
        let batches = batches?;
        let ours = |round: usize| {
            block_on(store.commit(inserting(batches[round].iter().cloned())))?;
            Ok(())
        };
        let bare = |_| append(&mut plain, BATCH * block);
        let sides = vec![("dag-store", Box::new(ours) as _), ("fdatasync", Box::new(bare) as _)];
        in_turns(rounds, BATCH, sides)?.per_second().report("file-native-batch", rounds);
        block_on(store.close())?;
    }
    Ok(block_on(store.close())?)
}

fn opening(asked: &Asked, folder: &Path) -> Result<()> {
    if !asked.wants_any(&["O1-replay", "O1", "file-native-bytes"]) {
        return Ok(());
    }
    let count = asked.many(100_000, 2_000);
    let path = folder.join("filled");
    let (store, mut chain, mut encoded) = (open(&path)?, Chain::default(), 0);
    for _ in 0..count / BATCH {
        let nodes = chain.take(BATCH)?;
        encoded += nodes.iter().map(|node| node.to_block().len()).sum::<usize>();
        block_on(store.commit(inserting(nodes)))?;
    }
    block_on(store.close())?;
    if asked.wants("file-native-bytes") {
        let figures = [("dag-store", length(&path)?), ("blocks alone", encoded as f64)];
        Figures::of(figures).times(1.0 / count as f64).report("file-native-bytes", 1);
    }
    let rounds = asked.many(8, 2);
    let time = || -> Result<Figures> {
        let once = |_| Ok(block_on(open(&path)?.close())?);
        let figures = in_turns(rounds, count, vec![("dag-store", Box::new(once))])?;
        Ok(figures.per_second())
    };
    if asked.wants("O1-replay") {
        time()?.report("O1-replay", rounds);
    }
    if asked.wants("O1") {
        let store = open(&path)?;
        block_on(store.checkpoint())?;
        block_on(store.close())?;
        time()?.report("O1", rounds);
    }
    Ok(())
}

/// Bytes of a file, or of all files that it is made of.
fn length(path: &Path) -> Result<f64> {
    let status = fs::metadata(path)?;
    if status.is_file() {
        return Ok(status.len() as f64);
    }
    fs::read_dir(path)?.map(|entry| length(&entry?.path())).sum()
}
