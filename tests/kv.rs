//! The conformance suite on `KvDagStore`, over an engine in memory and, under the feature `rocksdb`, over
//! `RocksDB`: one test per check, by its name.

use std::process::ExitCode;
use std::sync::Arc;

use dag_store::conformance::Lab;
use dag_store::{DagStore, KvDagStore, Limits, MemoryEngine, Result};
use libtest_mimic::{Arguments, run};

mod trials;

use trials::trials;

async fn open(limits: Limits) -> Result<Arc<dyn DagStore>> {
    Ok(Arc::new(KvDagStore::open_with(MemoryEngine::new(), limits).await?))
}

#[cfg(feature = "rocksdb")]
mod rocks {
    use std::sync::atomic::{AtomicU64, Ordering};

    use dag_store::{RocksEngine, RocksOptions};

    use super::{Arc, DagStore, KvDagStore, Limits, Result};

    /// A store in a folder of its own, which is gone when the process is.
    pub(super) async fn open(limits: Limits) -> Result<Arc<dyn DagStore>> {
        static FOLDERS: AtomicU64 = AtomicU64::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = super::folder().join(number.to_string());
        // The suite is about what a store answers. A thousand waits for the disk would add nothing.
        let options = RocksOptions::default().with_durability(dag_store::Durability::Relaxed);
        let engine = RocksEngine::open_with(folder, options).await?;
        Ok(Arc::new(KvDagStore::open_with(engine, limits).await?))
    }
}

/// Where this process keeps its stores.
#[cfg(feature = "rocksdb")]
fn folder() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("dag-store-kv-{}", std::process::id()))
}

fn main() -> ExitCode {
    let stores = [
        ("memory", Lab::new(open)),
        #[cfg(feature = "rocksdb")]
        ("rocksdb", Lab::new(rocks::open)),
    ];
    // Each task is polled when it is woken and at no other time: some checks count that.
    let spawn = |lab: Lab| lab.with_spawner(|task| smol::spawn(task).detach());
    let trials = stores.into_iter().flat_map(|(kind, lab)| trials(kind, spawn(lab)));
    let conclusion = run(&Arguments::from_args(), trials.collect());
    #[cfg(feature = "rocksdb")]
    drop(std::fs::remove_dir_all(folder()));
    conclusion.exit_code()
}
