//! The conformance suite on `SharedDagStore`, in memory and on a journal, as `Arc<dyn DagStore>`: one
//! test per check, by its name.

use std::process::ExitCode;
use std::sync::Arc;

use dag_store::conformance::{Lab, checks};
use dag_store::{DagStore, Limits, MemoryJournal, Result, SharedDagStore};
use futures::executor::block_on;
use libtest_mimic::{Arguments, Trial, run};

#[path = "journals/late.rs"]
mod late;

use late::LateJournal;

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

/// A test for each check, on the stores of this lab.
fn trials(kind: &'static str, lab: Lab) -> impl Iterator<Item = Trial> {
    checks().map(move |check| {
        let lab = lab.clone();
        let trial = Trial::test(check.name(), move || {
            block_on(check.run(&lab))
                .map_err(|failure| format!("{failure}\nthe rule: {}", check.rule()).into())
        });
        trial.with_kind(kind)
    })
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
