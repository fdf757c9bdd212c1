//! The journal in `PostgreSQL`, on a real server that the tests start: the contracts of journals and of stores, the
//! tables, other writers, rights, secrets, and everything that can die. `cargo xtask test postgres` installs the
//! server and runs this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod failures;
mod proxy;
mod races;
mod rights;
mod server;
mod tables;
mod tls;

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dag_store::conformance::{JournalLab, Lab, checks, journal_checks};
use dag_store::{DagStore, Journal, Limits, Result, SharedDagStore};
use futures::executor::block_on;
use libtest_mimic::{Arguments, Trial, run};
use server::Server;

/// Whether the long versions are asked for.
fn is_full() -> bool {
    std::env::var_os("DAG_STORE_FULL").is_some()
}

/// A number of its own for each schema of the shared server.
fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A test for each check of the contract of journals.
fn journals(server: &Arc<Server>) -> impl Iterator<Item = Trial> + use<> {
    let server = Arc::clone(server);
    let lab = JournalLab::new(move |number: usize| {
        let server = Arc::clone(&server);
        async move {
            let journal: Arc<dyn Journal> = Arc::new(server.journal(&format!("j{number}")).await?);
            Result::Ok(journal)
        }
    });
    // Each of its own tables.
    let lab = lab.sparing(if is_full() { 1 } else { 7 });
    journal_checks().map(move |check| {
        let lab = lab.clone();
        Trial::test(check.name(), move || {
            // Not tokio's own executor: a journal goes on any.
            let _entered = RUNTIME.enter();
            block_on(check.run(&lab))
                .map_err(|failure| format!("{failure}\nthe rule: {}", check.rule()).into())
        })
        .with_kind("journal")
    })
}

/// A test for each check of the contract of stores.
fn stores(server: &Arc<Server>) -> impl Iterator<Item = Trial> + use<> {
    let server = Arc::clone(server);
    let lab = Lab::new(move |limits: Limits| {
        let server = Arc::clone(&server);
        async move {
            let journal = server.journal(&format!("s{}", number())).await?;
            let store: Arc<dyn DagStore> =
                Arc::new(SharedDagStore::open(journal).limits(limits).await?);
            Result::Ok(store)
        }
    });
    checks().map(move |check| {
        let lab = lab.clone();
        Trial::test(check.name(), move || {
            let _entered = RUNTIME.enter();
            block_on(check.run(&lab))
                .map_err(|failure| format!("{failure}\nthe rule: {}", check.rule()).into())
        })
        .with_kind("store")
    })
}

/// A test of this server.
fn trial<F>(
    server: &Arc<Server>,
    name: &str,
    test: impl FnOnce(Arc<Server>) -> F + Send + 'static,
) -> Trial
where
    F: Future<Output = ()>,
{
    let server = Arc::clone(server);
    Trial::test(name, move || {
        RUNTIME.block_on(test(server));
        Ok(())
    })
}

static RUNTIME: std::sync::LazyLock<tokio::runtime::Runtime> =
    std::sync::LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());

fn main() -> ExitCode {
    if races::is_worker() {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let server = Arc::new(Server::start(&[]));
    let own = [tables::trials, races::trials, rights::trials, failures::trials, tls::trials];
    let trials = journals(&server).chain(stores(&server));
    let trials = trials.chain(own.into_iter().flat_map(|trials| trials(&server))).collect();
    let conclusion = run(&arguments, trials);
    drop(server);
    conclusion.exit_code()
}
