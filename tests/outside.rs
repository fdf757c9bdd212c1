//! Stores written outside the crate, against its public API alone, and the conformance suite on them:
//! a plain one, which passes; slow ones, in which tasks meet that would otherwise pass each other by;
//! and a broken one for every rule, each caught by the check that is meant for it.

use std::process::ExitCode;
use std::sync::Arc;

use dag_store::conformance::{Check, Factory, Lab, checks};
use dag_store::{DagStore, Limits, Result, SharedDagStore};
use futures::executor::block_on;
use libtest_mimic::{Arguments, Trial, run};

#[path = "outside/broken.rs"]
mod broken;
#[path = "outside/plain.rs"]
mod plain;
mod reference;
#[path = "outside/slow.rs"]
mod slow;

use broken::{BrokenStore, DEFECTS, Defect};
use plain::PlainStore;
use slow::SlowStore;

async fn plain(limits: Limits) -> Result<Arc<dyn DagStore>> {
    Ok(Arc::new(PlainStore::new(limits)))
}

async fn slow_plain(limits: Limits) -> Result<Arc<dyn DagStore>> {
    Ok(Arc::new(SlowStore::new(Arc::new(PlainStore::new(limits)))))
}

async fn slow_shared(limits: Limits) -> Result<Arc<dyn DagStore>> {
    Ok(Arc::new(SlowStore::new(Arc::new(SharedDagStore::with_limits(limits)))))
}

fn main() -> ExitCode {
    let suites = [
        suite("plain", plain),
        suite("slow plain", slow_plain),
        suite("slow shared", slow_shared),
        DEFECTS.iter().flat_map(caught).collect(),
        vec![Trial::test("every check catches a defect", every_check_catches_a_defect)],
    ];
    run(&Arguments::from_args(), suites.into_iter().flatten().collect()).exit_code()
}

type Tested = std::result::Result<(), libtest_mimic::Failed>;

/// Every check on the stores of this factory.
fn suite(kind: &str, factory: impl Factory + 'static) -> Vec<Trial> {
    let lab = Lab::new(factory);
    let trial = |check: &'static Check| {
        let lab = lab.clone();
        Trial::test(check.name(), move || {
            let outcome = block_on(check.run(&lab));
            outcome.map_err(|failure| format!("{failure}\nthe rule: {}", check.rule()).into())
        })
        .with_kind(kind)
    };
    checks().map(trial).collect()
}

/// A store with this defect fails the checks that are meant for it.
fn caught(defect: &'static Defect) -> impl Iterator<Item = Trial> {
    defect.caught_by.iter().map(move |name| {
        let title = format!("{} is caught by {name}", defect.name);
        Trial::test(title, move || fails(defect, name)).with_kind("broken")
    })
}

fn fails(defect: &'static Defect, name: &str) -> Tested {
    let Some(check) = checks().find(|check| check.name() == name) else {
        return Err(format!("there is no check {name}").into());
    };
    let lab = Lab::new(move |limits| async move {
        Ok(Arc::new(BrokenStore::new(limits, defect)) as Arc<dyn DagStore>)
    });
    match block_on(check.run(&lab)) {
        Ok(()) => Err("the check passes on the broken store".into()),
        // A check must fail for what it is about, not for want of something to test.
        Err(failure) if failure.message().contains("vacuous") => {
            Err(format!("the check tells nothing: {failure}").into())
        }
        Err(_) => Ok(()),
    }
}

/// Checks of `DagStoreBatch` itself: what they are about never reaches a store, so none can break it.
const OF_THE_BATCH: [&str; 4] = [
    "failed_staging_leaves_the_batch_as_it_was",
    "rollback_discards",
    "dropped_batches_are_rolled_back",
    "closed_batches_refuse",
];

fn every_check_catches_a_defect() -> Tested {
    let caught: Vec<&str> = DEFECTS.iter().flat_map(|defect| defect.caught_by).copied().collect();
    let idle: Vec<&str> = checks().map(Check::name).filter(|name| !caught.contains(name)).collect();
    if idle == OF_THE_BATCH { Ok(()) } else { Err(format!("{idle:#?}").into()) }
}
