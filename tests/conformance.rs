//! The conformance suite on `SharedDagStore`, as `Arc<dyn DagStore>`: one test per check, by its name.

use std::process::ExitCode;
use std::sync::Arc;

use dag_store::conformance::{Lab, checks};
use dag_store::{DagStore, Limits, Result, SharedDagStore};
use futures::executor::block_on;
use libtest_mimic::{Arguments, Trial, run};

async fn open(limits: Limits) -> Result<Arc<dyn DagStore>> {
    Ok(Arc::new(SharedDagStore::with_limits(limits)))
}

fn main() -> ExitCode {
    let lab = Lab::new(open);
    let trials = checks().map(|check| {
        let lab = lab.clone();
        Trial::test(check.name(), move || {
            block_on(check.run(&lab))
                .map_err(|failure| format!("{failure}\nthe rule: {}", check.rule()).into())
        })
    });
    run(&Arguments::from_args(), trials.collect()).exit_code()
}
