//! The conformance suite on `SharedDagStore`, in memory and on a journal, as `Arc<dyn DagStore>`: one
//! test per check, by its name.

use std::process::ExitCode;
use std::sync::Arc;

use dag_store::conformance::Lab;
use dag_store::{DagStore, Limits, MemoryJournal, Result, SharedDagStore};
use libtest_mimic::{Arguments, run};

#[path = "journals/late.rs"]
mod late;
mod trials;

use late::LateJournal;
use trials::trials;

async fn open(limits: Limits) -> Result<Arc<dyn DagStore>> {
    Ok(Arc::new(SharedDagStore::with_limits(limits)))
}

async fn open_journal(limits: Limits) -> Result<Arc<dyn DagStore>> {
    Ok(Arc::new(SharedDagStore::open(MemoryJournal::new()).limits(limits).await?))
}

async fn open_late(limits: Limits) -> Result<Arc<dyn DagStore>> {
    let journal = LateJournal::new(MemoryJournal::new());
    Ok(Arc::new(SharedDagStore::open(journal).limits(limits).await?))
}

fn main() -> ExitCode {
    let stores = [
        ("memory", Lab::new(open)),
        ("journal", Lab::new(open_journal)),
        ("late", Lab::new(open_late)),
    ];
    let trials = stores.into_iter().flat_map(|(kind, lab)| trials(kind, lab));
    run(&Arguments::from_args(), trials.collect()).exit_code()
}
