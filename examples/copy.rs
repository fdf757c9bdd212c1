//! Moves all nodes from one storage to another, with a progress bar. Stopped, and started again, it goes on.
//!
//! ```sh
//! cargo run --release --example copy -- car:garden.car file:garden.dag --verify
//! ```
//!
//! A storage is `file:PATH` (a journal in a file), or `car:PATH` (a CAR file, which is read into memory, and written whole
//! in the end).

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use dag_store::{DagStore, DagStoreExt as _, FileJournal, Journal, SharedDagStore};
use futures::executor::block_on;
use futures::stream;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let (flags, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let ([from, to], true) = (names.as_slice(), flags.iter().all(|flag| flag == "--verify")) else {
        return Err("usage: copy [--verify] <storage> <storage>".into());
    };
    block_on(copy(from, to, !flags.is_empty()))
}

/// Opens the store that a storage holds, which may be empty. One storage more is one line more here.
async fn open(storage: &str) -> Result<Arc<dyn DagStore>> {
    match storage.split_once(':') {
        Some(("file", path)) => on(FileJournal::open(path).await?).await,
        Some(("car", path)) => import(Path::new(path)).await,
        _ => Err("a storage is file:PATH or car:PATH".into()),
    }
}

/// Opens the store that a journal holds.
async fn on(journal: impl Journal + 'static) -> Result<Arc<dyn DagStore>> {
    Ok(Arc::new(SharedDagStore::open(journal).await?))
}

/// Reads a CAR file, if there is one.
async fn import(path: &Path) -> Result<Arc<dyn DagStore>> {
    let store = Arc::new(SharedDagStore::new());
    if path.exists() {
        store.import_car(stream::iter([fs::read(path)])).await?;
    }
    Ok(store)
}

/// Writes a CAR file: whole, or not at all.
async fn export(store: &Arc<dyn DagStore>, path: &Path) -> Result {
    let whole = path.with_extension("car.new");
    fs::write(&whole, store.export_car().await?)?;
    Ok(fs::rename(whole, path)?)
}

async fn copy(from: &str, to: &str, verify: bool) -> Result {
    let (source, target) = (open(from).await?, open(to).await?);
    let bar = ProgressBar::new(source.len(None).await?);
    bar.set_style(ProgressStyle::with_template(
        "{bar:40} {human_pos}/{human_len} nodes  {msg}  {eta}",
    )?);

    let copy = source.copy_to(&target).on_progress(|so_far| {
        bar.set_length(so_far.total);
        bar.set_position(so_far.nodes + so_far.skipped);
        bar.set_message(HumanBytes(so_far.bytes).to_string());
    });
    let copied = if verify { copy.verify().await? } else { copy.await? };
    bar.finish();
    if let Some(("car", path)) = to.split_once(':') {
        export(&target, Path::new(path)).await?;
    }
    target.close().await?;
    source.close().await?;

    println!("copied      {} nodes, {}", HumanCount(copied.nodes), HumanBytes(copied.bytes));
    println!("were there  {}", HumanCount(copied.skipped));
    match copied.state_hash {
        Some(hash) => println!("state hash  {hash}{}", if verify { ", verified" } else { "" }),
        None => println!("the target holds other nodes besides"),
    }
    Ok(())
}
